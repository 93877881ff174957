"""Which cells of the grid a tile reaches, and forgets."""

import math

import numpy as np

from services.ground_station.detection.staring import kernels
from services.ground_station.detection.staring.alignment import as_kernel
from services.ground_station.detection.staring.kernels import MARGIN, TILE_COLUMNS, TILE_ROWS
from services.ground_station.detection.staring.kernels.tiles import of_row, within_reach
from tests.ground_station.detection.staring import naive


def test_cells_below_tiles_that_are_not_followed_are_forgotten() -> None:
    rng = np.random.default_rng(13)
    tiles, grid = (3, 4), (3 * TILE_ROWS + 2 * MARGIN, 4 * TILE_COLUMNS + 2 * MARGIN)
    seen = np.full(grid, 9, dtype=np.uint8)
    least_seen = np.full((grid[0] // TILE_ROWS, grid[1] // TILE_COLUMNS), 9, dtype=np.uint8)
    displacement = np.zeros((*tiles, 6), dtype=np.float32)
    displacement[..., :2] = rng.uniform(-40.0, 40.0, (*tiles, 2))
    displacement[1, 1, :2] = 2 * kernels.FURTHEST
    followed = rng.random(tiles) < 0.5
    followed[1, 1], followed[2, 3] = False, False
    wanted = naive.seen_without(seen, displacement.astype(np.float64), followed)
    kernels.forget_tiles(displacement, followed, seen, least_seen)
    np.testing.assert_array_equal(seen, wanted)
    least = seen.reshape(len(least_seen), TILE_ROWS, -1, TILE_COLUMNS).min(axis=(1, 3))
    np.testing.assert_array_equal(least_seen, least)


def test_tile_within_reach_is_read_within_the_grid() -> None:
    rng = np.random.default_rng(14)
    moved = rng.uniform(-1.0, 1.0, (4000, 6)) * np.array([70.0, 70.0, 8.0, 8.0, 0.03, 0.03])
    moved[:2000, 2:] *= 0.02
    reach = np.array([within_reach(each) for each in moved])
    assert 0.1 < reach.mean() < 0.9
    for each in moved[reach]:
        for i in (0, TILE_ROWS - 1):
            row, column = of_row(each, i)
            first, begin = MARGIN + i + math.floor(row) - 1, MARGIN + math.floor(column) - 1
            assert first >= 0
            assert begin >= 0
            # Of the smallest grid, with the frame's one tile in its middle.
            assert first + kernels.TAPS <= 2 * MARGIN + TILE_ROWS
            assert begin + kernels.WIDE <= 2 * MARGIN + TILE_COLUMNS


def test_slopes_along_rows_stay_within_what_the_interpolation_is_good_for() -> None:
    across = np.zeros((6, 5, 2))
    across[..., 1] = np.cumsum([0.0, 0.9, 0.9, 1.1, 1.2])
    np.testing.assert_allclose(as_kernel(across)[0, :, 5] * TILE_COLUMNS, [0.9, 0.9, 0.9, 1.0, 1.0], rtol=1e-6)
