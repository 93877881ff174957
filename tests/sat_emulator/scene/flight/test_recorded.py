"""Trajectories from files: what is written comes back, and what is wrong is named with its line."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import ArrayLike

from sat_emulator.scene.flight.recorded import FileFlight
from sat_emulator.scene.flight.rocket import RocketFlight
from services.geometry.ellipsoid import geodetic_to_itrs, itrs_to_geodetic
from services.geometry.geodesic import geodesic_distance_m
from services.runtime.configuration import ConfigurationError
from services.runtime.errors import BadInputError
from services.scenario.model import Place, TrajectoryFile
from services.scenario.references import reference_rocket

PLACE = Place(28.5, 179.5, 10.0)
LAUNCHER = dataclasses.replace(
    reference_rocket(
        id="r",
        reference="small_launcher",
        launch={"latitude_deg": 28.5, "longitude_deg": 179.5, "height_m": 10.0},
        launch_time_s=0.0,
        heading_deg=70.0,
    ),
    orbit_altitude_m=None,
)
TIMES = np.arange(0.0, 300.5, 1.0)


@pytest.fixture(scope="module")
def flight() -> RocketFlight:
    return RocketFlight(LAUNCHER, 300.0)


def write(path: Path, names: Sequence[str], rows: ArrayLike) -> TrajectoryFile:
    lines = [",".join(names), *(",".join(map(repr, map(float, row))) for row in np.asarray(rows).tolist())]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return TrajectoryFile("t", path, 0.0)


@pytest.mark.parametrize("kind", ["itrs", "geodetic"])
def test_states_written_to_a_file_come_back(tmp_path: Path, flight: RocketFlight, kind: str) -> None:
    positions = np.array([flight.state_itrs(time)[0] for time in TIMES])
    names = ["time_s", "x_itrs_m", "y_itrs_m", "z_itrs_m"]
    columns = positions
    if kind == "geodetic":
        names, columns = (
            ["time_s", "latitude_deg", "longitude_deg", "height_m"],
            np.stack(itrs_to_geodetic(positions), 1),
        )
    read = FileFlight(write(tmp_path / "t.csv", names, np.column_stack([TIMES, columns])), 1e5)
    assert read.end_s == 300.0
    for time in (0.0, 0.5, 20.3, 131.4, 140.0, 250.7, 300.0):
        # Rows a second apart do not show when within it the engine stopped, at 131 s.
        metres, metres_a_second = (3.0, 5.0) if time == 131.4 else (0.2, 0.5)
        position, velocity = flight.state_itrs(time)
        assert np.linalg.norm(read.state_itrs(time)[0] - position) < metres
        assert np.linalg.norm(read.state_itrs(time)[1] - velocity) < metres_a_second


def test_speed_and_height_alone_give_the_way_downrange(tmp_path: Path, flight: RocketFlight) -> None:
    states = [flight.state_itrs(time) for time in TIMES]
    speeds = [np.linalg.norm(velocity) for _, velocity in states]
    heights = itrs_to_geodetic(np.array([position for position, _ in states]))[2]
    written = write(
        tmp_path / "t.csv", ["time_s", "speed_m_per_s", "height_m"], np.column_stack([TIMES, speeds, heights])
    )
    read = FileFlight(dataclasses.replace(written, launch=PLACE, heading_deg=70.0), 1e5)

    def downrange(position: np.ndarray) -> float:
        latitude, longitude, _ = itrs_to_geodetic(position)
        return geodesic_distance_m(PLACE.latitude_deg, PLACE.longitude_deg, float(latitude), float(longitude))

    for time in (150.0, 300.0):
        assert downrange(read.state_itrs(time)[0]) == pytest.approx(downrange(flight.state_itrs(time)[0]), rel=0.01)
        assert float(itrs_to_geodetic(read.state_itrs(time)[0])[2]) == pytest.approx(heights[int(time)], abs=1.0)


def test_way_does_not_overshoot_where_it_stops(tmp_path: Path) -> None:
    rows = [[time, 10.0, 20.0, min(max(0.0, 1000.0 * (time - 5)), 5000.0)] for time in range(15)]
    written = write(tmp_path / "t.csv", ["time_s", "latitude_deg", "longitude_deg", "height_m"], rows)
    read = FileFlight(written, 1e5)
    heights = itrs_to_geodetic(np.array([read.state_itrs(time)[0] for time in np.arange(0, 14, 0.05)]))[2]
    assert heights.min() > -1e-6
    assert heights.max() < 5000.0 + 1e-6


def test_velocity_is_the_slope_of_position(tmp_path: Path) -> None:
    rows = [[time, 10.0, 20.0 + 1e-3 * time**2, 100.0 * time] for time in range(10)]
    read = FileFlight(write(tmp_path / "t.csv", ["time_s", "latitude_deg", "longitude_deg", "height_m"], rows), 1e5)
    for time in (0.5, 3.1, 7.7):
        slope = (read.state_itrs(time + 1e-3)[0] - read.state_itrs(time - 1e-3)[0]) / 2e-3
        assert read.state_itrs(time)[1] == pytest.approx(slope, abs=0.01)


def test_intensity_and_burn_come_from_file_and_scenario(tmp_path: Path) -> None:
    names = ["time_s", "latitude_deg", "longitude_deg", "height_m", "radiant_intensity_w_per_sr", "remark"]
    rows = [[time, 10.0, 20.0, 100.0 * time, 1000.0 * time, 7.0] for time in range(10)]
    written = dataclasses.replace(write(tmp_path / "t.csv", names, rows), burn_time_s=5.0)
    read = FileFlight(written, 8.0)
    assert [read.radiant_intensity_w_per_sr(time) for time in (-1.0, 2.5, 100.0)] == [0.0, 2500.0, 0.0]
    assert [read.stage_at(time) for time in (-1.0, 0.0, 4.9, 5.0)] == [None, 0, 0, None]
    assert (read.burnout_s, read.end_s) == (5.0, 8.0)
    bare = FileFlight(write(tmp_path / "b.csv", names[:4], [row[:4] for row in rows]), 1e5)
    assert bare.radiant_intensity_w_per_sr(2.5) is None
    assert bare.burnout_s == 9.0


def test_it_rests_until_its_first_row_and_ends_with_its_last(tmp_path: Path) -> None:
    rows = [[time, 10.0, 20.0, 100.0 * time] for time in range(2, 10)]
    read = FileFlight(write(tmp_path / "t.csv", ["time_s", "latitude_deg", "longitude_deg", "height_m"], rows), 1e5)
    position, velocity = read.state_itrs(1.0)
    assert position == pytest.approx(geodetic_to_itrs(10.0, 20.0, 200.0))
    assert not velocity.any()
    with pytest.raises(ValueError, match="beyond the trajectory's end at 9 s"):
        read.state_itrs(9.5)


HEAD = "time_s,latitude_deg,longitude_deg,height_m"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("time_s,latitude,height_m\n0,1,2\n", r"line 1: column 'latitude' is not known; did you mean 'latitude_deg'\?"),
        (f"{HEAD},radiant_intensity\n0,1,2,3,4\n", "did you mean 'radiant_intensity_w_per_sr'"),
        ("time_s,height_m\n0,1\n", r"line 1: has columns time_s, height_m; it needs time_s and latitude_deg"),
        ("", "line 1: has columns none"),
        (
            f"{HEAD}\n0,1,2,3\n1,1,two,3\n",
            r"line 3: longitude_deg is 'two', not a number; write one, or delete the line",
        ),
        (f"{HEAD}\n0,1,2,3\n1,1,2\n", r"line 3: height_m is '', not a number"),
        (f"{HEAD}\n0,1,2,3\n1,1,2,nan\n", r"line 3: height_m is 'nan'"),
        (f"{HEAD}\n0,1,2,3\n\n5,1,2,3\n5,1,2,3\n", r"line 5: time_s is 5 after 5; times must grow: sort"),
        (f"{HEAD}\n-1,1,2,3\n5,1,2,3\n", r"line 2: time_s is -1; times count from launch: delete"),
        (f"{HEAD}\n0,1,2,3\n", "has 1 rows of numbers; a trajectory needs two or more"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadInputError, match=message) as caught:
        FileFlight(TrajectoryFile("t", path, 0.0), 1e5)
    assert caught.value.path == str(path)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"none\.csv: cannot be read as CSV: .*No such file"):
        FileFlight(TrajectoryFile("t", tmp_path / "none.csv", 0.0), 1e5)


def test_speed_below_the_climb_is_named(tmp_path: Path) -> None:
    rows = [[0, 0, 0], [1, 10, 10], [2, 20, 900]]
    written = write(tmp_path / "t.csv", ["time_s", "speed_m_per_s", "height_m"], rows)
    placed = dataclasses.replace(written, launch=PLACE, heading_deg=70.0)
    with pytest.raises(BadInputError, match=r"line 4: speed_m_per_s is 20, but height_m changes by 890 m/s"):
        FileFlight(placed, 1e5)


def test_speed_and_height_without_a_place_are_refused(tmp_path: Path) -> None:
    written = write(tmp_path / "t.csv", ["time_s", "speed_m_per_s", "height_m"], [[0, 0, 0], [1, 10, 10]])
    with pytest.raises(ConfigurationError, match=r"'t'.*set launch and heading_deg"):
        FileFlight(written, 1e5)
