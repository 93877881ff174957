"""What the wells cannot hold: where it goes, and how much of it is drained."""

import dataclasses

import numpy as np
import pytest

from sat_emulator.sensor.exposure import saturate
from sat_emulator.sensor.radiometry import Radiometer
from services.scenario.model import Sensor

RADIOMETER = dataclasses.replace(Radiometer.of(Sensor()), full_well_e=1100.0, dark_e=100.0)
# What wells hold beside dark current.
ROOM = 1000.0


def _spilt(image: np.ndarray, blooming: float) -> np.ndarray:
    out = image.astype(np.float32)
    saturate(out, RADIOMETER, blooming)
    return out


def test_charge_runs_along_the_column_to_both_sides_alike() -> None:
    image = np.full((41, 30), 400.0)
    image[20, 7] = 5000.0
    spilt = _spilt(image, 1.0)
    assert spilt.sum() == pytest.approx(image.sum(), rel=1e-6)
    # 4000 beyond the room, half up and half down: three full neighbours of room 600, and a fourth with 200.
    expected = image.copy()
    expected[17:24, 7] = ROOM
    expected[[16, 24], 7] = 600.0
    assert spilt == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("blooming", [0.0, 0.3, 0.8])
def test_what_does_not_spill_is_drained(blooming: float) -> None:
    image = np.full((41, 30), 400.0)
    image[20, 7] = 5000.0
    spilt = _spilt(image, blooming)
    assert spilt.sum() - image.sum() == pytest.approx(-(1 - blooming) * 4000.0, rel=1e-4)
    assert spilt.max() <= ROOM
    if blooming == 0:
        assert (np.delete(spilt.ravel(), 20 * 30 + 7) == 400.0).all()


def test_charge_that_reaches_the_edge_is_lost() -> None:
    image = np.full((11, 3), 900.0)
    image[2, 1] = 5000.0
    spilt = _spilt(image, 1.0)
    # Upwards there is room for 200 of 2000, downwards for 800.
    assert (spilt[:, 1] == ROOM).all()
    assert (spilt[:, [0, 2]] == 900.0).all()


def test_spilling_columns_keep_their_charge_where_many_pixels_are_full() -> None:
    generator = np.random.default_rng(3)
    image = generator.uniform(0, 400, (200, 40))
    image[60:140] += 6000.0 * (generator.uniform(size=(80, 40)) < 0.04)
    spilt = _spilt(image, 1.0)
    # By column, so that nothing goes sideways.
    assert spilt.sum(axis=0) == pytest.approx(image.sum(axis=0), rel=1e-5)
    assert spilt.max() <= ROOM
    assert (spilt >= np.minimum(image, ROOM) - 0.01).all()


def test_image_without_full_wells_is_left_alone() -> None:
    image = np.random.default_rng(1).uniform(0, ROOM, (64, 64)).astype(np.float32)
    assert np.array_equal(_spilt(image, 0.5), image)
