"""The loops over pixels and over hot points: arrays in, caller's arrays out, nothing allocated on the way.

Shapes, dtypes and bounds are checked in detect.py; `tests/naive.py` says the same slowly.
"""

import math

import numba
import numpy as np
from numba.core.types import Array, UniTuple, float32, float64, int32, int64, uint8, uint16, void

# Cells per block edge: 3 x 3 blocks around a point give it up to 2304 reference cells.
BLOCK = 16
# A cell counts as noise up to so many standard deviations; what lies above is somebody's signal.
CLIP_SIGMA = 6.0
# mean(|x|) = sigma * sqrt(2 / pi) for Gaussian noise.
SIGMA_PER_MEAN = math.sqrt(math.pi / 2.0)
# A block whose mean exceeds its neighbours' typical mean by this factor is looked through for signal.
SUSPECT_FACTOR = 1.25
# So many times the screening threshold below zero a pixel may be a dead one, which would lift all around it.
DARK_FACTOR = np.float32(3.0)

# Sums may be reordered and fused; NaN and infinity keep their meaning (no nnan, no ninf).
FAST = {"reassoc", "contract", "nsz"}
# Frames come straight from a message's bytes, which nobody may write to.
FRAMES = [Array(dtype, 2, "C", readonly=True) for dtype in (uint8, uint16, float32)]
LINES = float32[:, ::1]
BLOCKS = float64[:, ::1]


@numba.njit
def _bounds(block, blocks, size):
    return block * BLOCK, size if block == blocks - 1 else (block + 1) * BLOCK


@numba.njit(void(LINES, float64, float64, LINES, LINES), nogil=True, cache=True)
def add_shifted(response, shift_rows, shift_columns, total, frames):
    """Add `response`, moved by a shift in pixels (bilinear), to `total`, and one to `frames` where it reaches."""
    rows, columns = response.shape
    # A pixel takes its value from the place it had before the shift.
    down, right = math.floor(-shift_rows), math.floor(-shift_columns)
    v, u = np.float32(-shift_rows - down), np.float32(-shift_columns - right)
    one = np.float32(1.0)
    for row in range(max(0, -down), min(rows, rows - down - 1)):
        upper, lower = response[row + down], response[row + down + 1]
        for column in range(max(0, -right), min(columns, columns - right - 1)):
            left = (one - v) * upper[column + right] + v * lower[column + right]
            beside = (one - v) * upper[column + right + 1] + v * lower[column + right + 1]
            total[row, column] += (one - u) * left + u * beside
            frames[row, column] += one


@numba.njit(void(LINES, LINES, BLOCKS), nogil=True, cache=True)
def subtract_scene(scene, response, block_sum):
    """Take from `response` what is bright in `scene`; fill `block_sum` anew. Unknown scene (NaN): response 0.

    Only light is taken out: a scene's dark spot that has moved would come back as a bright one.
    """
    rows, columns = response.shape
    block_sum[:] = 0.0
    for row in range(rows):
        i = min(row // BLOCK, block_sum.shape[0] - 1)
        for column in range(columns):
            j = min(column // BLOCK, block_sum.shape[1] - 1)
            if math.isnan(scene[row, column]):
                response[row, column] = 0.0
            else:
                response[row, column] -= max(scene[row, column], np.float32(0.0))
            block_sum[i, j] += abs(response[row, column])


@numba.njit
def cells_of_block(response, block_sum, i, j):
    top, bottom = _bounds(i, block_sum.shape[0], response.shape[0])
    left, right = _bounds(j, block_sum.shape[1], response.shape[1])
    return (bottom - top) * (right - left)


@numba.njit
def reference_sum(response, cell_sum, i, j):
    """Return the sum of magnitudes and the number of cells of the 3 x 3 blocks around block (i, j)."""
    top, bottom = max(i - 1, 0), min(i + 1, cell_sum.shape[0] - 1)
    left, right = max(j - 1, 0), min(j + 1, cell_sum.shape[1] - 1)
    total = 0.0
    for k in range(top, bottom + 1):
        for m in range(left, right + 1):
            total += cell_sum[k, m]
    tall = _bounds(bottom, cell_sum.shape[0], response.shape[0])[1] - top * BLOCK
    return total, tall * (_bounds(right, cell_sum.shape[1], response.shape[1])[1] - left * BLOCK)


@numba.njit
def _typical_mean(means, i, j):
    """Return the mean of the blocks around (i, j) but the two strongest: a source may lie across two."""
    total, blocks, strongest, second = 0.0, 0, 0.0, 0.0
    for k in range(max(i - 1, 0), min(i + 2, means.shape[0])):
        for m in range(max(j - 1, 0), min(j + 2, means.shape[1])):
            mean = means[k, m]
            total += mean
            blocks += 1
            second = max(second, min(strongest, mean))
            strongest = max(strongest, mean)
    return (total - strongest - second) / (blocks - 2) if blocks > 2 else total / blocks


@numba.njit(fastmath=FAST)
def _clipped_sum(response, block_sum, i, j, limit):
    top, bottom = _bounds(i, block_sum.shape[0], response.shape[0])
    left, right = _bounds(j, block_sum.shape[1], response.shape[1])
    total = 0.0
    for row in range(top, bottom):
        for column in range(left, right):
            total += min(np.float64(abs(response[row, column])), limit)
    return total


@numba.njit(void(LINES, BLOCKS, float64, BLOCKS, BLOCKS, BLOCKS), nogil=True, cache=True)
def estimate_noise(response, block_sum, floor, noise_sum, block_limit, block_noise):
    """Fill `block_noise` with the response's noise in the 3 x 3 blocks around, or `floor` if larger, counts.

    block_sum: as `filter_frame` left it. noise_sum: the same, with each cell's magnitude cut at the block's
    `block_limit`, infinite for blocks that look like noise alone.
    """
    block_rows, block_columns = block_sum.shape
    means = block_noise
    for i in range(block_rows):
        for j in range(block_columns):
            means[i, j] = block_sum[i, j] / cells_of_block(response, block_sum, i, j)
    for i in range(block_rows):
        for j in range(block_columns):
            typical = max(_typical_mean(means, i, j), floor / SIGMA_PER_MEAN)
            if block_sum[i, j] > SUSPECT_FACTOR * typical * cells_of_block(response, block_sum, i, j):
                block_limit[i, j] = CLIP_SIGMA * SIGMA_PER_MEAN * typical
                noise_sum[i, j] = _clipped_sum(response, block_sum, i, j, block_limit[i, j])
            else:
                block_limit[i, j] = np.inf
                noise_sum[i, j] = block_sum[i, j]
    for i in range(block_rows):
        for j in range(block_columns):
            total, cells = reference_sum(response, noise_sum, i, j)
            block_noise[i, j] = max(SIGMA_PER_MEAN * total / cells, floor)


@numba.njit
def is_peak(response, row, column):
    """Return whether no neighbour is larger; of equal neighbours the first in reading order is the peak."""
    value = response[row, column]
    for i in range(-1, 2):
        for j in range(-1, 2):
            other = response[row + i, column + j]
            if other > value or (other == value and (i < 0 or (i == 0 and j < 0))):
                return False
    return True


@numba.njit
def _any_outside(values, low, high):
    # Counting instead of stopping at the first lets the loop use the processor's vectors.
    outside = np.int32(0)
    for i in range(values.shape[0]):
        outside += np.int32((values[i] > high) | (values[i] < low))
    return outside > 0


@numba.njit
def _search_segment(response, row, left, right, limit, place, found, dark, darks):
    """Append the row's peaks above `limit`, and what is far below, from column `left` to before `right`."""
    columns = response.shape[1]
    values, deep = response[row], -DARK_FACTOR * limit
    if not _any_outside(values[left:right], deep, limit):
        return found, darks
    for column in range(max(left, 1), min(right, columns - 1)):
        if values[column] > limit:
            if is_peak(response, row, column):
                place[found] = row * columns + column
                found += 1
        elif values[column] < deep and darks < dark.shape[0]:
            dark[darks] = row * columns + column
            darks += 1
    return found, darks


@numba.njit(UniTuple(int64, 2)(LINES, BLOCKS, BLOCKS, float64, int32[::1], int32[::1]), nogil=True, cache=True)
def find_peaks(response, block_noise, block_largest, screen_snr, place, dark):
    """Return how many local maxima exceed `screen_snr` times their block's noise, and how many pixels are far below.

    The outermost pixels are not searched: they lack neighbours. block_largest: see `filter_frame`.
    place: the maxima's flat indices, in reading order; at least rows * columns / 4 long, which no number of local
    maxima exceeds. dark: the others', as far as they fit.
    """
    rows, columns = response.shape
    block_rows, block_columns = block_noise.shape
    # Blocks of this row in which there is anything.
    busy = np.empty(block_columns, dtype=np.int64)
    found, darks = 0, 0
    for i in range(block_rows):
        blocks = 0
        for j in range(block_columns):
            if block_largest[i, j] > screen_snr * block_noise[i, j]:
                busy[blocks] = j
                blocks += 1
        top, bottom = _bounds(i, block_rows, rows)
        for row in range(max(top, 1), min(bottom, rows - 1)):
            for k in range(blocks):
                left, right = _bounds(busy[k], block_columns, columns)
                limit = np.float32(screen_snr * block_noise[i, busy[k]])
                found, darks = _search_segment(response, row, left, right, limit, place, found, dark, darks)
    return found, darks
