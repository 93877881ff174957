"""The matched filter over a whole frame, in one pass: arrays in, caller's arrays out, nothing allocated on the way.

Shapes, dtypes and bounds are checked in detect.py; `tests/naive.py` says the same slowly.
"""

import numba
import numpy as np
from numba.core.types import float32, int64, void

from services.ground_station.detection.kernels import BLOCK, BLOCKS, DARK_FACTOR, FAST, FRAMES, LINES

# What of a dark pixel's response, which is below zero, counts as much as a bright one's.
DARK_SHARE = np.float32(-1.0) / DARK_FACTOR
# Rows are summed five at a time for the wide square, whose level is looked at in every tenth row: enough to tell even
# surroundings from uneven ones.
FIVE = 5
WIDE_STEP = 10


@numba.njit(inline="always")
def _mirror(index, size):
    """Return `index` folded into 0..size-1; sizes here exceed every reach."""
    if index < 0:
        return -index
    return 2 * size - 2 - index if index >= size else index


@numba.njit(fastmath=FAST)
def _load_row(source, bias, margin, line):
    """Copy a row of counts to `line` as float, less `bias`, with mirrored margins."""
    columns = source.shape[0]
    inner = line[margin : margin + columns]
    for j in range(columns):
        inner[j] = np.float32(source[j]) - bias
    for j in range(margin):
        line[j] = line[2 * margin - j]
        line[margin + columns + j] = line[margin + columns - 2 - j]


@numba.njit(fastmath=FAST)
def _sum_two_rows_3(ring, row, left, taps, mean_weight, weighted, summed, next_weighted, next_summed):
    """Fill weighted and plain sums down the columns of 3 and of 7 pixels, for `row` and the next at once.

    The rows come from the second-level cache, which is what this takes its time for.
    """
    last, width = ring.shape[0] - 1, summed.shape[0]
    centre_tap, side_tap = taps[0], taps[1]
    x0, x1, x2 = ring[(row - 3) & last][left:], ring[(row - 2) & last][left:], ring[(row - 1) & last][left:]
    x3, x4 = ring[row & last][left:], ring[(row + 1) & last][left:]
    x5, x6, x7 = ring[(row + 2) & last][left:], ring[(row + 3) & last][left:], ring[(row + 4) & last][left:]
    for j in range(width):
        shared = (x1[j] + x2[j]) + (x3[j] + x4[j]) + (x5[j] + x6[j])
        weighted[j] = centre_tap * x3[j] + side_tap * (x2[j] + x4[j])
        next_weighted[j] = centre_tap * x4[j] + side_tap * (x3[j] + x5[j])
        summed[j] = mean_weight * (shared + x0[j])
        next_summed[j] = mean_weight * (shared + x7[j])


@numba.njit(fastmath=FAST)
def _finish_row_3(weighted, summed, taps, response, magnitude, loudest):
    """Fill the response from sums down the columns of 3 and of 7 pixels."""
    centre_tap, side_tap = taps[0], taps[1]
    w0, w1, w2 = weighted[2:], weighted[3:], weighted[4:]
    s0, s1, s2, s3 = summed, summed[1:], summed[2:], summed[3:]
    s4, s5, s6 = summed[4:], summed[5:], summed[6:]
    for j in range(response.shape[0]):
        mean = s0[j] + s1[j] + s2[j] + s3[j] + s4[j] + s5[j] + s6[j]
        value = centre_tap * w1[j] + side_tap * (w0[j] + w2[j]) - mean
        response[j] = value
        magnitude[j] += abs(value)
        dark = DARK_SHARE * value
        loud = value if value > dark else dark
        loudest[j] = loud if loud > loudest[j] else loudest[j]


@numba.njit(fastmath=FAST)
def _filter_row(ring, row, margin, taps, box_half, mean_weight, weighted, summed, response, magnitude, loudest):
    """Filter one row of the frame whose neighbours are in the ring; add up its magnitude, and keep the largest."""
    reach, columns = taps.shape[0] - 1, response.shape[0]
    width, last, edge = columns + 2 * box_half, ring.shape[0] - 1, margin - box_half
    middle = ring[row & last][edge:]
    for j in range(width):
        weighted[j] = taps[0] * middle[j]
        summed[j] = middle[j]
    for k in range(1, box_half + 1):
        above, below = ring[(row - k) & last][edge:], ring[(row + k) & last][edge:]
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
        value = response[j]
        magnitude[j] += abs(value)
        dark = DARK_SHARE * value
        loud = value if value > dark else dark
        loudest[j] = loud if loud > loudest[j] else loudest[j]


@numba.njit(fastmath=FAST)
def _sum_five_rows(ring, row, total):
    """Fill `total` with the sums of the five rows about `row`."""
    last = ring.shape[0] - 1
    x0, x1, x2 = ring[(row - 2) & last], ring[(row - 1) & last], ring[row & last]
    x3, x4 = ring[(row + 1) & last], ring[(row + 2) & last]
    for j in range(total.shape[0]):
        total[j] = (x0[j] + x1[j]) + (x2[j] + x3[j]) + x4[j]


@numba.njit(fastmath=FAST)
def _sum_tall(fives, row, half, tall):
    """Fill `tall` with the sums of the 2 half + 1 rows about `row` from those of five rows each."""
    last, group = fives.shape[0] - 1, row // FIVE
    side = half // FIVE
    if side == 1:
        x0, x1, x2 = fives[(group - 1) & last], fives[group & last], fives[(group + 1) & last]
        for j in range(tall.shape[0]):
            tall[j] = x0[j] + x1[j] + x2[j]
        return
    tall[:] = fives[group & last]
    for k in range(1, side + 1):
        above, below = fives[(group - k) & last], fives[(group + k) & last]
        for j in range(tall.shape[0]):
            tall[j] += above[j] + below[j]


@numba.njit
def _take_row(counts, bias, row, margin, ring, fives):
    """Load a row of the frame, mirrored beyond its edges, into the ring; sum five when the fifth has come."""
    _load_row(counts[_mirror(row, counts.shape[0])], bias, margin, ring[row & (ring.shape[0] - 1)])
    if row % FIVE == FIVE - 1:
        _sum_five_rows(ring, row - 2, fives[(row // FIVE) & (fives.shape[0] - 1)])


@numba.njit(fastmath=FAST)
def _weigh_wide(tall, across, taps, box_half, scale, weight, half, weighted, response, wide, narrow):
    """Add the magnitudes of a row's response over the wide and over the narrow square's level."""
    columns = response.shape[0]
    for j in range(tall.shape[0] - 4):
        across[j] = weight * (tall[j] + tall[j + 1] + (tall[j + 2] + tall[j + 3]) + tall[j + 4])
    if taps.shape[0] == 2 and half == 7:
        a0, a1, a2 = across, across[5:], across[10:]
        centre_tap, side_tap = scale * taps[0], scale * taps[1]
        w0, w1, w2 = weighted[box_half - 1 :], weighted[box_half:], weighted[box_half + 1 :]
        for j in range(columns):
            value = centre_tap * w1[j] + side_tap * (w0[j] + w2[j]) - (a0[j] + a1[j] + a2[j])
            wide[j] += abs(value)
            narrow[j] += abs(response[j])
        return
    total = tall[:columns]
    total[:] = across[:columns]
    for first in range(5, 2 * half + 1, 5):
        shifted = across[first:]
        for j in range(columns):
            total[j] += shifted[j]
    for k in range(taps.shape[0]):
        tap = scale * taps[k]
        if k == 0:
            tap *= np.float32(0.5)
        left, right = weighted[box_half - k :], weighted[box_half + k :]
        for j in range(columns):
            total[j] -= tap * (left[j] + right[j])
    for j in range(columns):
        wide[j] += abs(total[j])
        narrow[j] += abs(response[j])


@numba.njit
def _bounds(block, blocks, size):
    return block * BLOCK, size if block == blocks - 1 else (block + 1) * BLOCK


@numba.njit(fastmath=FAST)
def _sum_blocks(line, sums):
    """Fill `sums` with the sums of a line's blocks."""
    for block in range(sums.shape[0]):
        left, right = _bounds(block, sums.shape[0], line.shape[0])
        total = 0.0
        for column in range(left, right):
            total += line[column]
        sums[block] = total


@numba.njit
def _largest_of_blocks(line, largest):
    """Fill `largest` with the largest values of a line's blocks."""
    for block in range(largest.shape[0]):
        left, right = _bounds(block, largest.shape[0], line.shape[0])
        most = line[left]
        for column in range(left + 1, right):
            most = line[column] if line[column] > most else most
        largest[block] = most


@numba.njit(
    [
        void(
            frame,
            float32,
            float32[::1],
            int64,
            float32,
            int64,
            float32,
            float32,
            LINES,
            LINES,
            LINES,
            LINES,
            BLOCKS,
            BLOCKS,
            BLOCKS,
            BLOCKS,
        )
        for frame in FRAMES
    ],
    nogil=True,
    cache=True,
    fastmath=FAST,
)
def filter_frame(
    counts,
    bias,
    taps,
    box_half,
    mean_weight,
    wide_half,
    wide_scale,
    wide_weight,
    ring,
    fives,
    lines,
    response,
    block_sum,
    wide_sum,
    narrow_sum,
    block_largest,
):
    """Fill `response` with the matched filter's output, counts, and `block_sum` with sums of its magnitude.

    taps: (reach + 1,) separable point-spread function scaled so that the outer product is the filter before its mean
    is taken out, centre first. box_half: half width of the square whose mean is taken out; mean_weight: weight
    of each of its pixels. Beyond its edge the frame is mirrored (edge pixel not repeated).
    wide_half: of the wide square, 2 and a multiple of five, at least box_half; wide_scale and wide_weight: with its
    mean taken out instead, the filter is wide_scale * the taps' outer product - wide_weight in each of its pixels.
    Work space, each columns + 2 wide_half wide: ring, a power of two above 2 wide_half + 1 rows; fives, a power of two
    above 2 wide_half / 5 + 1; lines, 10.
    block_sum, wide_sum, narrow_sum: (block rows, block columns); the last block of each direction takes the remainder.
    wide_sum: of the magnitude over the wide square's mean, every tenth row; narrow_sum: of the response's there.
    block_largest: the largest response in each block, or what is furthest below zero times DARK_SHARE.
    """
    rows, columns = counts.shape
    small = taps.shape[0] == 2 and box_half == 3
    magnitude, wide, narrow = lines[4][:columns], lines[5][:columns], lines[6][:columns]
    tall, across, loudest = lines[7], lines[8], lines[9][:columns]
    edge = wide_half - box_half
    for row in range(-wide_half, wide_half):
        _take_row(counts, bias, row, wide_half, ring, fives)
    for block_row in range(block_sum.shape[0]):
        first, end = _bounds(block_row, block_sum.shape[0], rows)
        magnitude[:] = 0.0
        wide[:] = 0.0
        narrow[:] = 0.0
        loudest[:] = 0.0
        for row in range(first, end):
            _take_row(counts, bias, row + wide_half, wide_half, ring, fives)
            # Two rows are begun at once; the odd one of an odd number is thrown away.
            weighted, summed = lines[2 * (row - first) % 4], lines[2 * (row - first) % 4 + 1]
            if not small:
                _filter_row(
                    ring,
                    row,
                    wide_half,
                    taps,
                    box_half,
                    mean_weight,
                    weighted,
                    summed,
                    response[row],
                    magnitude,
                    loudest,
                )
            else:
                if (row - first) % 2 == 0:
                    _sum_two_rows_3(
                        ring, row, edge, taps, mean_weight, weighted, summed[: columns + 6], lines[2], lines[3]
                    )
                _finish_row_3(weighted, summed, taps, response[row], magnitude, loudest)
            if row % WIDE_STEP == 2:
                _sum_tall(fives, row, wide_half, tall)
                _weigh_wide(
                    tall,
                    across,
                    taps,
                    box_half,
                    wide_scale,
                    wide_weight,
                    wide_half,
                    weighted,
                    response[row],
                    wide,
                    narrow,
                )
        _sum_blocks(magnitude, block_sum[block_row])
        _sum_blocks(wide, wide_sum[block_row])
        _sum_blocks(narrow, narrow_sum[block_row])
        _largest_of_blocks(loudest, block_largest[block_row])
