"""How far a frame lies from where it was expected: least squares over the background's slopes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.ground_station.detection.staring import kernels
from services.ground_station.detection.staring.motion import uniform

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

# Tiles that a frame is aligned by, evenly over it: they hold 65,000 pixels.
MOST_TILES = 128
# Gauss-Newton steps at most; each leaves a tenth of the last, which ends them at SMALL_PX;
# below LARGE_PX tiles that disagree are heard less.
STEPS, SMALL_PX, LARGE_PX = 6, 0.005, 0.1
# What is expected, rms: jitter, px, and shear, turn and growth, px from one edge of the frame to the other.
JITTER_PX, WARP_PX, NO_WARP_PX = 0.5, 0.05, 1e-6
# Warps below are none.
LEAST_WARP_PX = 0.03
# Neighbouring values of the response repeat one another: so many count as one.
REPEATED = 4.0
# A tile whose own best shift lies so far off the frame's counts half, px: clouds move against the ground.
ODD_PX = 0.05
# Tiles one below the other may differ by as much as a margin holds; beside one another by no more than the polynomials
# of the interpolation are good for: from the middle to both edges half of it.
MOST_STEP_PX = (2.0 * kernels.FURTHEST, 1.0)
# Tiles that differ so much from those below, and beside, tell no shift: a scene stretched by a quarter is another.
STEEPEST_STEP_PX = (4.0, 0.99)


@dataclass(frozen=True)
class Alignment:
    """Correction of a displacement, and how well the frame then fits.

    shift_px: (2,) at the frame's middle. warp_px: (2, 2) how row and column shift from the frame's first to last row,
    and first to last column. misfit: typical mean magnitude of what is left beside a tile's level; NaN where nothing
    was known. level: typical mean of the response over the background's.
    """

    shift_px: Float64
    warp_px: Float64
    misfit: float
    level: float


def align(
    response: Float32,
    background: Float32,
    seen: NDArray[np.uint8],
    least_seen: NDArray[np.uint8],
    full: int,
    displacement: Float64,
    table: Float32,
    curves: Float32,
    lines: Float32,
    tile: Float32,
    *,
    warped: bool,
) -> Alignment:
    """Return the correction of `displacement` after Lucas and Kanade (1981).

    warped: the frame may have turned, grown or sheared, too.
    """
    tiles = (displacement.shape[0], displacement.shape[1])
    chosen = _chosen(tiles)
    middles = (chosen + 0.5) / np.array(tiles) - 0.5
    design = np.column_stack([np.ones(len(middles)), middles])
    start = as_kernel(displacement)[chosen[:, 0], chosen[:, 1]]
    start[_is_steep(start), 0] = 2.0 * kernels.FURTHEST
    warp_px = WARP_PX if warped else NO_WARP_PX
    expected = np.diag(np.tile(1.0 / np.array([JITTER_PX, warp_px, warp_px]) ** 2, 2))
    found, step = np.zeros(6), np.full(6, np.inf)
    misfit, level = np.nan, 0.0
    for _ in range(STEPS):
        sums = np.zeros((len(chosen), 7))
        moved = start.copy()
        moved[:, :2] += design @ found.reshape(2, 3).T
        kernels.slope_sums(
            response, background, seen, least_seen, full, moved, table, curves, chosen, lines, tile, sums
        )
        used = sums[:, 5] > 0
        if not used.any():
            return Alignment(np.zeros(2), np.zeros((2, 2)), np.nan, 0.0)
        misfit = float(1.0 / np.sqrt(np.median(sums[used, 5])))
        level = float(np.median(sums[used, 6]))
        sums *= _agreement(sums)[:, None] if np.abs(step).max() < LARGE_PX else 1.0
        step = np.linalg.solve(_normal(design, sums) + expected, _gradient(design, sums) - expected @ found)
        found = found + step
        if np.abs(step).max() < SMALL_PX:
            break
    theta = found.reshape(2, 3)
    # A frame that moves as one is cheaper to follow, and a slow turn is measured again when it has added up.
    warp = theta[:, 1:] if np.abs(theta[:, 1:]).max() > LEAST_WARP_PX else np.zeros((2, 2))
    return Alignment(theta[:, 0], warp, misfit, level)


def corrected(displacement: Float64, theta: Float64) -> Float64:
    """Return the displacement with shift and warp added; theta: (2, 3) shift, then warp by row and by column."""
    tiles = displacement.shape[:2]
    row = (np.arange(tiles[0]) + 0.5) / tiles[0] - 0.5
    column = (np.arange(tiles[1]) + 0.5) / tiles[1] - 0.5
    shift = theta[:, 0] + row[:, None, None] * theta[:, 1] + column[:, None] * theta[:, 2]
    return np.asarray(displacement + shift)


def as_kernel(displacement: Float64) -> Float32:
    """Return a displacement as the kernels take it: (..., 6) with its slopes, pixels a pixel, along rows and columns.

    What is unknown lies beyond FURTHEST. Slopes are cut at MOST_STEP_PX from tile to tile.
    """
    beyond = 2.0 * kernels.FURTHEST
    known = np.clip(np.nan_to_num(displacement, nan=beyond), -beyond, beyond)
    with_slopes = np.zeros((*displacement.shape[:2], 6), dtype=np.float32)
    with_slopes[..., :2] = known
    if uniform(displacement):
        return with_slopes
    for axis, size in ((0, kernels.TILE_ROWS), (1, kernels.TILE_COLUMNS)):
        steps = np.clip(_gentler_slope(known, axis), -MOST_STEP_PX[axis], MOST_STEP_PX[axis])
        with_slopes[..., 2 + 2 * axis : 4 + 2 * axis] = steps / size
    return with_slopes


def _is_steep(moved: Float32) -> NDArray[np.bool_]:
    """Return (n,) which displacements, as the kernels take them, have slopes beyond STEEPEST_STEP_PX."""
    along, across = (np.abs(moved[:, k : k + 2]).max(axis=1) for k in (2, 4))
    rows, columns = STEEPEST_STEP_PX
    return np.asarray((along * kernels.TILE_ROWS > rows) | (across * kernels.TILE_COLUMNS > columns))


def _gentler_slope(displacement: Float64, axis: int) -> Float64:
    """Return the difference to the neighbour that differs less: across the limb two motions lie side by side."""
    steps = np.diff(displacement, axis=axis)
    ends = [(1, 0) if each == axis else (0, 0) for each in range(3)]
    before = np.pad(steps, ends, mode="edge")
    behind = np.pad(steps, [(end, begin) for begin, end in ends], mode="edge")
    return np.where(np.abs(before) < np.abs(behind), before, behind)


def _chosen(tiles: tuple[int, int]) -> NDArray[np.int64]:
    count = tiles[0] * tiles[1]
    # A step without a common divisor with the row length walks over all columns.
    step = max(1, count // MOST_TILES)
    while step > 1 and np.gcd(step, tiles[1]) != 1:
        step += 1
    flat = np.arange(0, count, step)
    return np.column_stack([flat // tiles[1], flat % tiles[1]]).astype(np.int64)


def _agreement(sums: Float64) -> Float64:
    """Return (n,) weights, 1 for a tile whose own shift is the frame's; Cauchy's."""
    rr, rc, cc, re, ce = sums[:, :5].T
    determinant = np.maximum(rr * cc - rc * rc, 1e-9 * (rr + cc) ** 2 + 1e-12)
    row, column = (cc * re - rc * ce) / determinant, (rr * ce - rc * re) / determinant
    # A shift within its own scatter says nothing.
    scatter = REPEATED * (rr + cc) / determinant
    odd = np.maximum(row**2 + column**2 - scatter, 0.0)
    return np.asarray(1.0 / (1.0 + odd / ODD_PX**2))


def _normal(design: Float64, sums: Float64) -> Float64:
    rr, rc, cc = ((design * sums[:, k : k + 1]).T @ design / REPEATED for k in range(3))
    return np.block([[rr, rc], [rc, cc]])


def _gradient(design: Float64, sums: Float64) -> Float64:
    return np.concatenate([design.T @ sums[:, 3], design.T @ sums[:, 4]]) / REPEATED
