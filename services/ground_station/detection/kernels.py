"""The loops over pixels and over hot points: arrays in, caller's arrays out, nothing allocated on the way.

Shapes, dtypes and bounds are checked in detect.py; `tests/naive.py` says the same slowly.
"""

import math

import numba
import numpy as np
from numba.core.types import Array, float32, float64, int32, int64, uint8, uint16, void

# Cells per block edge: 3 x 3 blocks around a point give it up to 2304 reference cells.
BLOCK = 16
# A cell counts as noise up to so many standard deviations; what lies above is somebody's signal.
CLIP_SIGMA = 6.0
# mean(|x|) = sigma * sqrt(2 / pi) for Gaussian noise.
SIGMA_PER_MEAN = math.sqrt(math.pi / 2.0)
# A block whose mean exceeds its neighbours' typical mean by this factor is looked through for signal.
SUSPECT_FACTOR = 1.25
# Columns looked at together for whether one of them is above threshold.
SEGMENT = 64

# Sums may be reordered and fused; NaN and infinity keep their meaning (no nnan, no ninf).
FAST = {"reassoc", "contract", "nsz"}
# Frames come straight from a message's bytes, which nobody may write to.
FRAMES = [Array(dtype, 2, "C", readonly=True) for dtype in (uint8, uint16, float32)]
LINES = float32[:, ::1]
BLOCKS = float64[:, ::1]


@numba.njit(inline="always")
def _mirror(index, size):
    """Return `index` folded into 0..size-1; sizes here exceed every reach."""
    if index < 0:
        return -index
    return 2 * size - 2 - index if index >= size else index


@numba.njit(fastmath=FAST)
def _load_strip(counts, bias, first, last, margin, strip):
    """Copy rows first..last-1 to `strip` as float, less `bias`, with mirrored margins."""
    rows, columns = counts.shape
    for i in range(last - first):
        source = counts[_mirror(first + i, rows)]
        line = strip[i]
        inner = line[margin : margin + columns]
        for j in range(columns):
            inner[j] = np.float32(source[j]) - bias
        for j in range(margin):
            line[j] = line[2 * margin - j]
            line[margin + columns + j] = line[margin + columns - 2 - j]


@numba.njit(fastmath=FAST)
def _filter_row_3(strip, top, taps, mean_weight, lines, response, magnitude):
    """Do as `_filter_row` for 3 x 3 taps in a 7 x 7 square, with every loop over columns one pass."""
    width = strip.shape[1]
    columns = width - 6
    centre_tap, side_tap = taps[0], taps[1]
    x0, x1, x2, x3 = strip[top], strip[top + 1], strip[top + 2], strip[top + 3]
    x4, x5, x6 = strip[top + 4], strip[top + 5], strip[top + 6]
    weighted, summed = lines[0], lines[1]
    for j in range(width):
        sides = x2[j] + x4[j]
        weighted[j] = centre_tap * x3[j] + side_tap * sides
        summed[j] = mean_weight * (x3[j] + sides + (x0[j] + x6[j]) + (x1[j] + x5[j]))
    w0, w1, w2 = weighted[2:], weighted[3:], weighted[4:]
    s0, s1, s2, s3 = summed, summed[1:], summed[2:], summed[3:]
    s4, s5, s6 = summed[4:], summed[5:], summed[6:]
    for j in range(columns):
        mean = s0[j] + s1[j] + s2[j] + s3[j] + s4[j] + s5[j] + s6[j]
        value = centre_tap * w1[j] + side_tap * (w0[j] + w2[j]) - mean
        response[j] = value
        magnitude[j] += abs(value)


@numba.njit(fastmath=FAST)
def _filter_row(strip, top, taps, box_half, mean_weight, lines, response, magnitude):
    """Filter one row whose window begins at row `top` of the strip; add its magnitude to `magnitude`."""
    width = strip.shape[1]
    columns = width - 2 * box_half
    reach = taps.shape[0] - 1
    centre = top + box_half
    if reach == 1 and box_half == 3:
        _filter_row_3(strip, top, taps, mean_weight, lines, response, magnitude)
        return
    weighted, summed = lines[0], lines[1]
    middle = strip[centre]
    for j in range(width):
        weighted[j] = taps[0] * middle[j]
        summed[j] = middle[j]
    for k in range(1, box_half + 1):
        above, below = strip[centre - k], strip[centre + k]
        for j in range(width):
            summed[j] += above[j] + below[j]
        if k <= reach:
            tap = taps[k]
            for j in range(width):
                weighted[j] += tap * (above[j] + below[j])
    for j in range(columns):
        response[j] = taps[0] * weighted[j + box_half] - mean_weight * summed[j + box_half]
    for k in range(1, box_half + 1):
        tap = taps[k] if k <= reach else np.float32(0.0)
        left, right = weighted[box_half - k :], weighted[box_half + k :]
        left_sum, right_sum = summed[box_half - k :], summed[box_half + k :]
        for j in range(columns):
            response[j] += tap * (left[j] + right[j]) - mean_weight * (left_sum[j] + right_sum[j])
    for j in range(columns):
        magnitude[j] += abs(response[j])


@numba.njit(
    [void(frame, float32, float32[::1], int64, float32, LINES, LINES, LINES, BLOCKS) for frame in FRAMES],
    nogil=True,
    cache=True,
    fastmath=FAST,
)
def filter_frame(counts, bias, taps, box_half, mean_weight, strip, lines, response, block_sum):
    """Fill `response` with the matched filter's output, counts, and `block_sum` with sums of its magnitude.

    taps: (reach + 1,) separable point-spread function scaled so that the outer product is the filter before its mean
    is taken out, centre first. box_half: half width of the square whose mean is taken out; mean_weight: weight
    of each of its pixels. Beyond its edge the frame is mirrored (edge pixel not repeated).
    strip: (BLOCK - 1 + BLOCK + 2 box_half, columns + 2 box_half) work space; lines: (3, columns + 2 box_half) too.
    block_sum: (block rows, block columns); the last block of each direction takes the remainder.
    """
    rows, columns = counts.shape
    block_rows, block_columns = block_sum.shape
    for block_row in range(block_rows):
        first = block_row * BLOCK
        last = rows if block_row == block_rows - 1 else first + BLOCK
        _load_strip(counts, bias, first - box_half, last + box_half, box_half, strip)
        magnitude = lines[2]
        magnitude[:] = 0.0
        for row in range(first, last):
            _filter_row(strip, row - first, taps, box_half, mean_weight, lines, response[row], magnitude)
        for block_column in range(block_columns):
            left = block_column * BLOCK
            right = columns if block_column == block_columns - 1 else left + BLOCK
            total = 0.0
            for column in range(left, right):
                total += magnitude[column]
            block_sum[block_row, block_column] = total


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
def _cells(response, block_sum, i, j):
    top, bottom = _bounds(i, block_sum.shape[0], response.shape[0])
    left, right = _bounds(j, block_sum.shape[1], response.shape[1])
    return (bottom - top) * (right - left)


@numba.njit
def _reference(response, cell_sum, i, j):
    """Return the sum of magnitudes and the number of cells of the 3 x 3 blocks around block (i, j)."""
    total, cells = 0.0, 0
    for k in range(max(i - 1, 0), min(i + 2, cell_sum.shape[0])):
        for m in range(max(j - 1, 0), min(j + 2, cell_sum.shape[1])):
            total += cell_sum[k, m]
            cells += _cells(response, cell_sum, k, m)
    return total, cells


@numba.njit
def _typical_mean(response, block_sum, i, j):
    """Return the mean magnitude of the blocks around (i, j) but the two strongest: a source may lie across two."""
    total, blocks, strongest, second = 0.0, 0, 0.0, 0.0
    for k in range(max(i - 1, 0), min(i + 2, block_sum.shape[0])):
        for m in range(max(j - 1, 0), min(j + 2, block_sum.shape[1])):
            mean = block_sum[k, m] / _cells(response, block_sum, k, m)
            total += mean
            blocks += 1
            if mean > strongest:
                strongest, second = mean, strongest
            elif mean > second:
                second = mean
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


@numba.njit(void(LINES, BLOCKS, float64, float64, BLOCKS, BLOCKS, LINES), nogil=True, cache=True)
def estimate_noise(response, block_sum, floor, screen_snr, noise_sum, block_limit, block_threshold):
    """Fill `block_threshold` with what a point of each block must exceed to be looked at, counts.

    block_sum: as `filter_frame` left it. noise_sum: the same, with each cell's magnitude cut at the block's
    `block_limit`, infinite for blocks that look like noise alone. The noise of a block is that of the 3 x 3 blocks
    around it, or `floor` where that is larger, counts; its threshold `screen_snr` times that.
    """
    block_rows, block_columns = block_sum.shape
    for i in range(block_rows):
        for j in range(block_columns):
            typical = max(_typical_mean(response, block_sum, i, j), floor / SIGMA_PER_MEAN)
            if block_sum[i, j] > SUSPECT_FACTOR * typical * _cells(response, block_sum, i, j):
                block_limit[i, j] = CLIP_SIGMA * SIGMA_PER_MEAN * typical
                noise_sum[i, j] = _clipped_sum(response, block_sum, i, j, block_limit[i, j])
            else:
                block_limit[i, j] = np.inf
                noise_sum[i, j] = block_sum[i, j]
    for i in range(block_rows):
        for j in range(block_columns):
            total, cells = _reference(response, noise_sum, i, j)
            block_threshold[i, j] = screen_snr * max(SIGMA_PER_MEAN * total / cells, floor)


@numba.njit
def _any_above(values, limits):
    # Counting instead of stopping at the first lets the loop use the processor's vectors.
    above = np.int32(0)
    for i in range(values.shape[0]):
        above += np.int32(values[i] > limits[i])
    return above > 0


@numba.njit
def _is_peak(response, row, column):
    """Return whether no neighbour is larger; of equal neighbours the first in reading order is the peak."""
    value = response[row, column]
    for i in range(-1, 2):
        for j in range(-1, 2):
            other = response[row + i, column + j]
            if other > value or (other == value and (i < 0 or (i == 0 and j < 0))):
                return False
    return True


@numba.njit
def _own_noise(response, noise_sum, block_limit, row, column, guard, floor):
    """Return the noise, counts, at a point from the blocks around it less the cells of its own light."""
    rows, columns = response.shape
    block_rows, block_columns = noise_sum.shape
    i, j = min(row // BLOCK, block_rows - 1), min(column // BLOCK, block_columns - 1)
    total, cells = _reference(response, noise_sum, i, j)
    for k in range(max(row - guard, 0), min(row + guard + 1, rows)):
        for m in range(max(column - guard, 0), min(column + guard + 1, columns)):
            limit = block_limit[min(k // BLOCK, block_rows - 1), min(m // BLOCK, block_columns - 1)]
            total -= min(np.float64(abs(response[k, m])), limit)
            cells -= 1
    return max(SIGMA_PER_MEAN * total / cells, floor)


@numba.njit(
    int64(LINES, BLOCKS, BLOCKS, LINES, float64, float64, int64, float32[::1], int32[::1], float32[::1], float32[::1]),
    nogil=True,
    cache=True,
)
def find_peaks(response, noise_sum, block_limit, block_threshold, floor, threshold_snr, guard, line, place, snr, noise):
    """Return how many local maxima exceed the threshold; fill their flat index, signal-to-noise ratio and noise.

    The outermost pixels are not searched: they lack neighbours. block_threshold: for a quick look, below what
    `threshold_snr` asks, because there a point's own light is still among its noise; here it is left out.
    guard: half width of the square that a point's own light covers. line: (columns,) work space.
    place, snr, noise: at least rows * columns / 4 long, which no number of local maxima exceeds. noise: standard
    deviation of the response, counts.
    """
    rows, columns = response.shape
    block_rows, block_columns = block_threshold.shape
    found = 0
    for row in range(1, rows - 1):
        block_row = min(row // BLOCK, block_rows - 1)
        if row == 1 or row % BLOCK == 0:
            for column in range(columns):
                line[column] = block_threshold[block_row, min(column // BLOCK, block_columns - 1)]
        values = response[row]
        for left in range(0, columns, SEGMENT):
            right = min(left + SEGMENT, columns)
            if not _any_above(values[left:right], line[left:right]):
                continue
            for column in range(max(left, 1), min(right, columns - 1)):
                if values[column] > line[column] and _is_peak(response, row, column):
                    sigma = _own_noise(response, noise_sum, block_limit, row, column, guard, floor)
                    if values[column] > threshold_snr * sigma:
                        place[found] = row * columns + column
                        snr[found] = values[column] / sigma
                        noise[found] = sigma
                        found += 1
    return found
