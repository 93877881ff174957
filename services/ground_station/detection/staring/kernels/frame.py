"""The loops over a whole frame: the matched filter, and local maxima."""

import numba
import numpy as np
from numba.core.types import Array, boolean, float32, float64, int32, int64, uint8, uint16, void

from services.ground_station.detection.kernels import is_peak
from services.ground_station.detection.staring.kernels.layout import FAST, HALF, LINES, MARGIN

# Rows filtered together.
BLOCK = 16
# Columns looked at together for whether one of them is above the screen.
SEGMENT = 64


@numba.njit(inline="always")
def _mirror(index, size):
    if index < 0:
        return -index
    return 2 * size - 2 - index if index >= size else index


@numba.njit(
    [
        void(Array(dtype, 2, "C", readonly=True), float32, float32[::1], LINES, float32[::1], LINES)
        for dtype in (uint8, uint16, float32)
    ],
    nogil=True,
    cache=True,
    fastmath=FAST,
)
def filter_response(counts, bias, taps, strip, line, response):
    """Fill `response`, MARGIN in from its edges, with counts less `bias` after a separable symmetric filter.

    taps: (HALF + 1,), centre first. The frame is mirrored beyond its edge. strip: (BLOCK + 2 HALF, columns + 2 HALF)
    work space; line: (columns + 2 HALF,) too.
    """
    rows, columns = counts.shape
    width = columns + 2 * HALF
    t0, t1, t2, t3 = taps[0], taps[1], taps[2], taps[3]
    for first in range(0, rows, BLOCK):
        last = min(first + BLOCK, rows)
        for i in range(last - first + 2 * HALF):
            source = counts[_mirror(first + i - HALF, rows)]
            into = strip[i]
            inner = into[HALF : HALF + columns]
            for j in range(columns):
                inner[j] = np.float32(source[j]) - bias
            for j in range(HALF):
                into[j] = into[2 * HALF - j]
                into[HALF + columns + j] = into[HALF + columns - 2 - j]
        for row in range(first, last):
            k = row - first
            x0, x1, x2, x3 = strip[k], strip[k + 1], strip[k + 2], strip[k + 3]
            x4, x5, x6 = strip[k + 4], strip[k + 5], strip[k + 6]
            for j in range(width):
                line[j] = t0 * x3[j] + t1 * (x2[j] + x4[j]) + t2 * (x1[j] + x5[j]) + t3 * (x0[j] + x6[j])
            y0, y1, y2, y3, y4, y5, y6 = line, line[1:], line[2:], line[3:], line[4:], line[5:], line[6:]
            out = response[MARGIN + row, MARGIN : MARGIN + columns]
            for j in range(columns):
                out[j] = t0 * y3[j] + t1 * (y2[j] + y4[j]) + t2 * (y1[j] + y5[j]) + t3 * (y0[j] + y6[j])


@numba.njit
def _any_above(values, limit):
    above = np.int32(0)
    for i in range(values.shape[0]):
        above += np.int32(values[i] > limit)
    return above > 0


@numba.njit(int64(LINES, int64, int64, int64, float32, int32[::1]), nogil=True, cache=True)
def screen(z, rows, columns, border, limit, place):
    """Return how many local maxima of `z` exceed `limit`; fill their flat index in (rows, columns).

    Stays `border` pixels off the frame's edge. place: once full, the rest is left out.
    """
    found = 0
    for row in range(border, rows - border):
        for left in range(border, columns - border, SEGMENT):
            right = min(left + SEGMENT, columns - border)
            if not _any_above(z[row, left:right], limit):
                continue
            for column in range(left, right):
                if z[row, column] > limit and is_peak(z, row, column) and found < place.shape[0]:
                    place[found] = row * columns + column
                    found += 1
    return found


@numba.njit(
    int64(LINES, int64, Array(float64, 2, "C", readonly=True), float64, int64, float64[::1], int32[::1]),
    nogil=True,
    cache=True,
    fastmath=FAST,
)
def keep_points(z, columns, filters, limit, found, line, place):
    """Return how many of the first `found` maxima of `place` some pair of filters says at least `limit` of.

    They come first then, in their order. filters: (offsets, 2 reach + 1) along rows and along columns; place: flat
    index in (rows, columns), at least `reach` off the edge. line: (offsets,) work space.
    """
    offsets, size = filters.shape
    kept = 0
    for n in range(found):
        top, left = place[n] // columns - size // 2, place[n] % columns - size // 2
        best = -np.inf
        for a in range(offsets):
            for b in range(offsets):
                line[b] = 0.0
            for j in range(size):
                summed = 0.0
                for i in range(size):
                    summed += filters[a, i] * np.float64(z[top + i, left + j])
                for b in range(offsets):
                    line[b] += summed * filters[b, j]
            for b in range(offsets):
                best = max(best, line[b])
        if best >= limit:
            place[kept] = place[n]
            kept += 1
    return kept


@numba.njit
def _drop_beside(row, column, snr, n, m, resolved, guard, ring_share, keep):
    """Clear `keep` of point m if it is weaker than n and belongs to it."""
    square = (row[m] - row[n]) ** 2 + (column[m] - column[n]) ** 2
    if m > n and (square < resolved * resolved or (square < guard * guard and snr[m] < ring_share * snr[n])):
        keep[m] = False


@numba.njit(
    void(float64[::1], float64[::1], float64[::1], int64[::1], float64, float64, float64, boolean[::1]),
    nogil=True,
    cache=True,
)
def keep_apart(row, column, snr, by_row, resolved, guard, ring_share, keep):
    """Clear `keep` of points that belong to a stronger one: nearer than `resolved` pixels, or its rings.

    row, column, snr: (n,) strongest first; by_row: their indices from the least row to the largest. Rings lie within
    `guard` pixels, at least `resolved`, and are below `ring_share` of the point.
    """
    place = np.empty(len(snr), np.int64)
    for k in range(len(snr)):
        place[by_row[k]] = k
    for n in range(len(snr)):
        if not keep[n]:
            continue
        k = place[n] + 1
        while k < len(snr) and row[by_row[k]] - row[n] < guard:
            _drop_beside(row, column, snr, n, by_row[k], resolved, guard, ring_share, keep)
            k += 1
        k = place[n] - 1
        while k >= 0 and row[n] - row[by_row[k]] < guard:
            _drop_beside(row, column, snr, n, by_row[k], resolved, guard, ring_share, keep)
            k -= 1
