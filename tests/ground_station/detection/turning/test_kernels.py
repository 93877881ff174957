"""The kernels for a camera that turns, against their slow twins."""

import math

import numpy as np
import pytest

from bench.detection.scenes import cloud_field
from services.ground_station.detection.registration import View, motion_between
from services.ground_station.detection.turning.kernels import add_moved, motion_sums
from tests.ground_station.detection.turning import naive

SHAPE = (24, 31)


def pictures() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    field = 10 * cloud_field(rng, 64)
    earlier = field[10 : 10 + SHAPE[0], 12 : 12 + SHAPE[1]]
    return earlier.astype(np.float32), (earlier + rng.normal(0, 1, SHAPE)).astype(np.float32)


def test_sums_are_the_residuals_and_their_slopes() -> None:
    earlier, later = pictures()
    motion = np.array([0.41, -0.73, 0.021])
    sums = np.zeros((4, 4))
    motion_sums(earlier, later, motion, math.inf, sums)
    found = naive.residuals(earlier, later, motion)
    assert sums[3, 1] == len(found)
    assert sums[3, 0] == pytest.approx(sum(abs(each) for each in found.values()), rel=1e-5)
    # Slopes by differences; places that change their four pixels in between are left out of neither sum, and rare.
    step = np.array([1e-5, 1e-5, 1e-6])
    shifted = [
        (naive.residuals(earlier, later, motion - d), naive.residuals(earlier, later, motion + d))
        for d in np.diag(step)
    ]
    common = [place for place in found if all(place in each for pair in shifted for each in pair)]
    slopes = np.array(
        [[(low[place] - high[place]) / (2 * step[k]) for k, (low, high) in enumerate(shifted)] for place in common]
    )
    errors = np.array([found[place] for place in common])
    np.testing.assert_allclose(sums[:3, :3], slopes.T @ slopes, rtol=0.02)
    np.testing.assert_allclose(sums[:3, 3], slopes.T @ errors, rtol=0.02, atol=0.02 * np.abs(sums[:3, 3]).max())


def test_large_residuals_count_no_more_than_the_limit() -> None:
    earlier, later = pictures()
    spoilt = later.copy()
    spoilt[12, 15] += 1e4
    sums = [np.zeros((4, 4)) for _ in range(2)]
    motion = np.zeros(3)
    motion_sums(earlier, later, motion, 3.0, sums[0])
    motion_sums(earlier, spoilt, motion, 3.0, sums[1])
    assert np.abs(sums[1][:3, 3] - sums[0][:3, 3]).max() < 0.2 * np.sqrt(np.diag(sums[0])[:3]).max() * 6.0


def test_moved_response_is_added_where_it_reaches() -> None:
    earlier, _ = pictures()
    places = np.array([[0.999, 0.03, -1.3], [-0.03, 0.999, 2.6]])
    total, frames = np.full((20, 26), 2.0, dtype=np.float32), np.ones((20, 26), dtype=np.float32)
    add_moved(earlier, places, total, frames)
    expected, reached = naive.moved(earlier.astype(np.float64), places, (20, 26))
    np.testing.assert_allclose(total, 2.0 + expected, atol=1e-4)
    np.testing.assert_array_equal(frames, 1.0 + reached)
    assert 0 < reached.sum() < reached.size


@pytest.mark.parametrize("degrees", [0.0, 0.1, -0.4])
@pytest.mark.parametrize("shift", [(0.0, 0.0), (3.4, -6.3)])
def test_motion_between_frames_is_shift_and_turn(degrees: float, shift: tuple[float, float]) -> None:
    rng = np.random.default_rng(8)
    side = 200
    ground = 100 + 15 * cloud_field(rng, 300) + 10 * cloud_field(rng, 300, -1.0)
    turn = math.radians(degrees)
    later = np.zeros((side, side))
    for i in range(side):
        for j in range(side):
            place = naive.turned_back(np.array([i, j]), np.array([*shift, turn]), (side, side))
            value = naive.bilinear(ground, *(place + 50))
            later[i, j] = 0.0 if value is None else value
    frames = [ground[50 : 50 + side, 50 : 50 + side], later]
    views = [View.of((each + rng.normal(0, 1, each.shape)).astype(np.float32)) for each in frames]
    motion = motion_between(*views)
    assert motion is not None
    assert math.degrees(motion.turn) == pytest.approx(degrees, abs=0.03)
    assert (motion.turn == 0.0) == (degrees == 0.0)
    assert motion.shift.rows == pytest.approx(shift[0], abs=0.15)
    assert motion.shift.columns == pytest.approx(shift[1], abs=0.15)
