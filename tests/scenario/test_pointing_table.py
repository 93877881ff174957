"""Attitudes from a file: turned evenly between rows, refused where they say nothing."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from services.geometry.attitude import quaternion_from_matrix
from services.geometry.time import NS_PER_S
from services.runtime.configuration import from_table
from services.runtime.errors import BadInputError
from services.scenario.load import load_scenario
from services.scenario.model import Scenario
from services.scenario.pointing_table import read_pointing_table
from services.scenario.resolve import resolve_satellites, start_unix_ns
from services.scenario.view import nominal_pose

START = 1_782_043_200 * NS_PER_S
# A turn by 0.2 rad about x in ten seconds, then none.
TURNED = f"{math.cos(0.1)!r},{math.sin(0.1)!r},0,0"
GOOD = f"time_s,w,x,y,z\n0,1,0,0,0\n10,{TURNED}\n90.5,{TURNED}\n"


def _write(folder: Path, text: str) -> Path:
    path = folder / "attitude.csv"
    path.write_text(text)
    return path


def _angle_about_x(rotation: np.ndarray) -> float:
    return math.atan2(rotation[2, 1], rotation[1, 1])


@pytest.mark.parametrize(
    ("seconds", "angle"), [(0.0, 0.0), (2.5, 0.05), (5.0, 0.1), (10.0, 0.2), (50.0, 0.2), (90.5, 0.2)]
)
def test_camera_turns_evenly_between_rows(tmp_path: Path, seconds: float, angle: float) -> None:
    table = read_pointing_table(_write(tmp_path, GOOD), START)
    assert _angle_about_x(table.rotation(START + round(seconds * NS_PER_S))) == pytest.approx(angle, abs=1e-12)


def test_columns_may_stand_in_any_order_and_quaternions_have_any_length(tmp_path: Path) -> None:
    text = "x, w, time_s, z, y\n0, 2, -5, 0, 0\n\n3, 3, 5, 0, 0\n"
    table = read_pointing_table(_write(tmp_path, text), START)
    assert _angle_about_x(table.rotation(START)) == pytest.approx(math.pi / 4)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", r"attitude.csv:1: has columns none; they must be time_s, w, x, y, z"),
        ("time,w,x,y,z\n0,1,0,0,0\n", r"attitude.csv:1: has columns time, w, x, y, z; they must be"),
        ("time_s,w,x,y,z\n", "has 0 rows of numbers; give two or more"),
        ("time_s,w,x,y,z\n0,1,0,0,0\n", "has 1 rows of numbers"),
        ("time_s,w,x,y,z\n0,1,0,0,0\n5,1,0,0\n", r"attitude.csv:3: has 4 values, not 5: 5, 1, 0, 0"),
        ("time_s,w,x,y,z\n0,1,0,0,0\n5,one,0,0,0\n", r"attitude.csv:3: w is 'one', not a number"),
        ("time_s,w,x,y,z\n0,1,0,0,nan\n5,1,0,0,0\n", r"attitude.csv:2: z is 'nan', not finite"),
        ("time_s,w,x,y,z\n0,0,0,0,0\n5,1,0,0,0\n", r"attitude.csv:2: quaternion w, x, y, z is all zero"),
        ("time_s,w,x,y,z\n0,1,0,0,0\n5,1,0,0,0\n5,1,0,0,0\n", r"attitude.csv:4: time_s is 5 after 5; times must grow"),
        ("time_s,w,x,y,z\n5,1,0,0,0\n\n0,1,0,0,0\n", r"attitude.csv:4: time_s is 0 after 5"),
    ],
)
def test_mistake_is_named_with_its_line(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(BadInputError, match=problem):
        read_pointing_table(_write(tmp_path, text), START)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"nowhere.csv: cannot be read as CSV"):
        read_pointing_table(tmp_path / "nowhere.csv", START)


@pytest.mark.parametrize("seconds", [-0.1, 90.6])
def test_instant_outside_the_table_is_named_with_the_span(tmp_path: Path, seconds: float) -> None:
    table = read_pointing_table(_write(tmp_path, GOOD), START)
    with pytest.raises(BadInputError, match=rf"covers 0 to 90.5 s after the scenario's start and is .* {seconds:g} s"):
        table.rotation(START + round(seconds * NS_PER_S))


def _scenario(table: Path, **keys: Any) -> Scenario:
    return from_table({"name": "a", "train": {"pointing": {"kind": "table", "table": str(table)}}, **keys}, Scenario)


def test_satellites_pose_is_the_tables(tmp_path: Path) -> None:
    scenario = _scenario(_write(tmp_path, GOOD))
    satellite = resolve_satellites(scenario)[0]
    at = start_unix_ns(scenario) + 5 * NS_PER_S
    position, velocity, rotation = nominal_pose(satellite, at)
    assert quaternion_from_matrix(rotation) == pytest.approx([math.cos(0.05), math.sin(0.05), 0, 0])
    assert np.array_equal(position, satellite.orbit.state_gcrs(at)[0])
    assert np.array_equal(velocity, satellite.orbit.state_gcrs(at)[1])
    # Satellites are keys of tables elsewhere.
    assert len({satellite, resolve_satellites(scenario)[0]}) == 1


def test_table_shorter_than_the_run_is_refused_before_it_begins(tmp_path: Path) -> None:
    table = _write(tmp_path, GOOD)
    with pytest.raises(BadInputError, match=r"covers 0 to 90.5 s .* asked for 91 s; add rows or shorten the run"):
        resolve_satellites(_scenario(table, duration_s=91.0))
    assert resolve_satellites(_scenario(table, duration_s=90.5))
    # The last frame's exposure may have its middle after the run's end: from 90 s on, 0.6 s later.
    slow = {"frame_rate_hz": 0.5, "integration_s": 1.2}
    with pytest.raises(BadInputError, match=r"covers 0 to 90.5 s .* asked for 90.6 s"):
        resolve_satellites(_scenario(table, duration_s=90.2, sensor=slow))


def test_paths_of_tables_and_trajectories_count_from_the_files_folder(tmp_path: Path) -> None:
    pointing = 'pointing = { kind = "table", table = "a.csv" }\n'
    for pattern in ("[train]\n", "[walker]\nsatellites = 2\nplanes = 1\n", "[constellation]\n"):
        (tmp_path / "s.toml").write_text(
            f'name = "s"\n{pattern}{pointing}'
            f'[[satellite]]\nid = "own"\n{pointing}'
            '[[trajectory]]\nid = "t"\npath = "way.csv"\nlaunch_time_s = 0\n'
        )
        scenario = load_scenario(tmp_path / "s.toml")
        found = scenario.train or scenario.walker or scenario.constellation
        assert found is not None
        assert found.pointing.table == tmp_path / "a.csv"
        assert scenario.satellites[0].pointing.table == tmp_path / "a.csv"
        assert scenario.trajectories[0].path == tmp_path / "way.csv"
