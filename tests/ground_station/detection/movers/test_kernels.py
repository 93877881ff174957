"""The kernels of dim movers against their slow twins."""

import numpy as np
import pytest

from services.ground_station.detection.movers import kernels
from services.ground_station.detection.movers.calibration import point_shape
from services.ground_station.detection.movers.paths import BLOCK_FRAMES, bank_paths
from tests.ground_station.detection.movers import naive

ROWS, COLUMNS = 26, 30


def history(seed: int, frames: int = BLOCK_FRAMES) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.clip(np.rint(rng.normal(0, 16, (frames, ROWS, COLUMNS))), -127, 127).astype(np.int8)


def test_residual_is_stored_in_sixteenths() -> None:
    rng = np.random.default_rng(0)
    residual = rng.normal(0, 4, (9, 13)).astype(np.float32)
    residual[2, 3], residual[4, 5], residual[5, 6], residual[6, 7] = np.nan, np.inf, -np.inf, 0.03125
    frame = np.ones((9, 13), dtype=np.int8)
    kernels.store(residual, frame)
    np.testing.assert_array_equal(frame, naive.stored(residual))
    assert frame[2, 3] == 0


@pytest.mark.parametrize("seed", [1, 2])
def test_seeds_are_the_bank_sums_own_maxima(seed: int) -> None:
    held = history(seed)
    rng = np.random.default_rng(seed)
    slots = np.array([3, 2, 1, 0, 7, 6, 5, 4])
    offsets = rng.integers(-4, 5, (BLOCK_FRAMES, 2)) * (np.arange(BLOCK_FRAMES) > 0)[:, None]
    paths, _ = bank_paths(0.6)
    tile = kernels.HEIGHT * kernels.WIDTH
    found = np.zeros((500, 4), dtype=np.int32)
    least = 12
    count = kernels.find_seeds(
        held,
        slots,
        offsets,
        paths,
        0,
        1,
        least,
        np.ones((BLOCK_FRAMES, tile), dtype=np.int16),
        np.ones((BLOCK_FRAMES // 2, tile), dtype=np.int16),
        np.ones(kernels.TILE_ROWS * kernels.WIDTH, dtype=np.int16),
        found,
    )
    frames = [held[slot].astype(np.int64) for slot in slots]
    expected = naive.seeds(frames, offsets, paths, least)
    assert len(expected) > 10
    assert {(int(i), int(j)): int(total) for i, j, _, total in found[:count]} == expected


def test_following_keeps_the_seeds_velocity_that_adds_up_most() -> None:
    frames = 14
    held = np.zeros((frames, 40, 48), dtype=np.int8)
    velocity = np.array([0.65, -0.35])
    offsets = np.stack([0.7 * np.arange(frames), -0.4 * np.arange(frames)], axis=1)
    for age in range(frames):
        i, j = np.floor(np.array([20.0, 20.0]) - age * velocity + offsets[age] + 0.5).astype(int)
        held[frames - 1 - age, i - 1 : i + 2, j - 1 : j + 2] = 10
        held[frames - 1 - age, i, j] = 30
    tracks = np.zeros((2, 5))
    velocities = np.array([[0.6, -0.3]])
    seeds = np.array([[20, 20, 0, 30], [8, 30, 0, 30]], dtype=np.int32)
    slots = frames - 1 - np.arange(frames)
    fixed = np.rint(offsets * 2**kernels.FIXED).astype(np.int64)
    kept = kernels.follow_seeds(held, slots, fixed, velocities, seeds, 2, 2, 0.05, 11, 240, 340, tracks)
    assert kept == 1
    np.testing.assert_allclose(tracks[0, 2:4], velocity, atol=0.08)
    # Six frames before the block at 30 at most, and the block's own sum, held in half standard deviations.
    assert 340 <= tracks[0, 4] <= 30 * 8 + 6 * 30


def test_refined_track_states_the_sum_along_itself_and_no_neighbour_has_more() -> None:
    frames = 9
    held = history(5, frames)
    rng = np.random.default_rng(5)
    slots = frames - 1 - np.arange(frames)
    offsets = rng.normal(0, 1, (frames, 2)) * (np.arange(frames) > 0)[:, None]
    weights = point_shape(0.6).weights
    track = np.array([[13.2, 14.7, 0.3, -0.4, 0.0]])
    looks = [held[slot].astype(np.int64) for slot in slots]
    before = naive.integrated(looks, offsets, weights, track[0])
    kernels.refine(held, slots, offsets, weights, 1.5, 0.5, 0.125, track, 1)
    assert track[0, 4] == pytest.approx(naive.integrated(looks, offsets, weights, track[0]), abs=1e-4)
    assert track[0, 4] > before
    middle = 0.5 * (frames - 1)
    for axis in range(4):
        for step in (-0.125, 0.125):
            other = track[0].copy()
            if axis < 2:
                other[axis] += step
            else:
                # The place in the middle of the window stays.
                other[axis] += step * 1.5 / middle
                other[axis - 2] += step * 1.5
            assert naive.integrated(looks, offsets, weights, other) <= track[0, 4] + 1e-4


def test_tracks_without_light_of_their_own_are_dropped() -> None:
    frames = 10
    held = np.zeros((frames, 40, 40), dtype=np.int8)
    for age in range(frames):
        held[frames - 1 - age, 20, 30 - age] = 100
        held[frames - 1 - age, 20, 31 - age] = 100
    slots = frames - 1 - np.arange(frames)
    offsets = np.zeros((frames, 2))
    weights = point_shape(0.6).weights
    tracks = np.array([[20.0, 30.5, 0.0, 1.0, 20.0], [20.0, 29.5, 0.0, 0.9, 15.0], [10.0, 10.0, 0.0, 0.0, 5.0]])
    seen = np.zeros(3, dtype=np.int32)
    assert kernels.separate(held, slots, offsets, weights, 3.0, np.full(3, 5.0), tracks, 3, seen) == 1
    np.testing.assert_array_equal(tracks[0], [20.0, 30.5, 0.0, 1.0, 20.0])
    assert seen[0] == frames
