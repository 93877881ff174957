"""A third satellite that should see an object and does not disproves it; one that need not see it does not."""

import numpy as np
import pytest

from services.geometry.ellipsoid import geodetic_to_itrs
from services.ground_station.tracking.bystanders import DISPROVING_LOOKS, is_disproved, note_bystander
from services.ground_station.tracking.records import TRACK
from services.ground_station.tracking.sensors import SENSOR

SEERS, BYSTANDER = (0, 1), 2


def scene(
    height_m: float, bystander_longitude_deg: float, bystander_height_m: float = 1.0e6
) -> tuple[np.void, np.ndarray]:
    tracks, sensors = np.zeros(1, dtype=TRACK), np.zeros(3, dtype=SENSOR)
    tracks["mean"][0, :3] = geodetic_to_itrs(0.0, 0.0, height_m)
    tracks["sensors"] = sum(1 << number for number in SEERS)
    for number, longitude in ((0, -6.0), (1, 6.0)):
        sensors["position"][number] = geodetic_to_itrs(0.0, longitude, 1.0e6)
    sensors["position"][BYSTANDER] = geodetic_to_itrs(0.0, bystander_longitude_deg, bystander_height_m)
    return tracks[0], sensors


def looked(track: np.void, sensors: np.ndarray, looks: int) -> bool:
    for _ in range(looks):
        note_bystander(track, BYSTANDER, sensors)
    return bool(is_disproved(track))


def test_a_near_satellite_that_sees_nothing_disproves() -> None:
    track, sensors = scene(50_000.0, 1.0)
    assert not looked(track, sensors, DISPROVING_LOOKS - 1)
    assert looked(track, sensors, 1)


@pytest.mark.parametrize(
    ("height_m", "longitude_deg", "satellite_m"),
    [
        pytest.param(8_000.0, 1.0, 1.0e6, id="cloud may hide it"),
        pytest.param(50_000.0, 9.0, 1.0e6, id="farther than those that see it"),
        pytest.param(50_000.0, 6.0, 1.2e5, id="at its horizon"),
    ],
)
def test_one_that_need_not_see_it_disproves_nothing(height_m: float, longitude_deg: float, satellite_m: float) -> None:
    assert not looked(*scene(height_m, longitude_deg, satellite_m), 10)


def test_three_that_see_it_are_not_disproved() -> None:
    track, sensors = scene(50_000.0, 1.0)
    track["sensors"] = 0b11001
    assert not looked(track, sensors, 10)
