"""What the kernels of tiles share: reading a grid between its cells, and how well its cells are known."""

import math

import numba
import numpy as np

from services.ground_station.detection.staring.kernels.layout import (
    FAST,
    FURTHEST,
    MARGIN,
    PHASES,
    TAPS,
    TILE_COLUMNS,
    TILE_ROWS,
    WIDE,
)

# A tile whose displacement differs by less from edge to edge moves as one, pixels.
EVEN_PX = 0.01


@numba.njit(inline="always")
def _split(displacement):
    """Return whole part and row of the weights' table."""
    whole = math.floor(displacement)
    phase = math.floor((displacement - whole) * PHASES + 0.5)
    return np.int64(whole), np.int64(phase)


@numba.njit(inline="always")
def of_row(moved, i):
    """Return the displacement of the middle of a tile's row i, and whether it lies within what the margin holds.

    moved: (6,) row and column displacement of the tile's middle, their slopes along rows, and along columns.
    """
    along = i - 0.5 * (TILE_ROWS - 1)
    return moved[0] + along * moved[2], moved[1] + along * moved[3]


@numba.njit(inline="always")
def within_reach(moved):
    return abs(moved[0]) <= FURTHEST and abs(moved[1]) <= FURTHEST


@numba.njit(fastmath=FAST)
def _interpolate_even(source, top, left, row_weights, column_weights, lines, tile):
    """Do as `interpolate` for a tile that moves as one; (top, left): of the second of TAPS taps.

    Flat unsigned indices: of signed ones numba asks at each access whether they count from the end.
    """
    a0, a1, a2, a3 = row_weights[0], row_weights[1], row_weights[2], row_weights[3]
    b0, b1, b2, b3 = column_weights[0], column_weights[1], column_weights[2], column_weights[3]
    flat, width = source.ravel(), np.uint64(source.shape[1])
    first = np.uint64((top - 1) * source.shape[1] + left - 1)
    for i in range(TILE_ROWS):
        p0 = first + np.uint64(i) * width
        p1, p2, p3 = p0 + width, p0 + width + width, p0 + width + width + width
        for j in range(WIDE):
            u = np.uint64(j)
            lines[i, j] = a0 * flat[p0 + u] + a1 * flat[p1 + u] + a2 * flat[p2 + u] + a3 * flat[p3 + u]
    for i in range(TILE_ROWS):
        for j in range(TILE_COLUMNS):
            tile[i, j] = b0 * lines[i, j] + b1 * lines[i, j + 1] + b2 * lines[i, j + 2] + b3 * lines[i, j + 3]


@numba.njit(inline="always")
def _weight(curves, k, f):
    """Return the weight of tap k for a place f behind the second tap's cell."""
    c = curves[k]
    return c[0] + f * (c[1] + f * (c[2] + f * (c[3] + f * (c[4] + f * c[5]))))


@numba.njit(fastmath=FAST)
def _interpolate_warped(source, top, left, moved, curves, lines, tile):
    """Do as `interpolate` for a tile that turns or grows; (top, left): the tile's corner, not displaced."""
    flat, width = source.ravel(), np.uint64(source.shape[1])
    middle = np.float32(0.5 * (TILE_COLUMNS - 1))
    for i in range(TILE_ROWS):
        row, column = of_row(moved, i)
        down, right = math.floor(row), math.floor(column)
        f0, g0 = np.float32(row - down), np.float32(column - right)
        p0 = np.uint64((top + i + np.int64(down) - 1) * source.shape[1] + left + np.int64(right) - 1)
        p1, p2, p3 = p0 + width, p0 + width + width, p0 + width + width + width
        slope = moved[4]
        for j in range(WIDE):
            u = np.uint64(j)
            f = f0 + slope * (np.float32(j) - np.float32(1.0) - middle)
            lines[i, j] = (
                _weight(curves, 0, f) * flat[p0 + u]
                + _weight(curves, 1, f) * flat[p1 + u]
                + _weight(curves, 2, f) * flat[p2 + u]
                + _weight(curves, 3, f) * flat[p3 + u]
            )
        slope = moved[5]
        for j in range(TILE_COLUMNS):
            g = g0 + slope * (np.float32(j) - middle)
            tile[i, j] = (
                _weight(curves, 0, g) * lines[i, j]
                + _weight(curves, 1, g) * lines[i, j + 1]
                + _weight(curves, 2, g) * lines[i, j + 2]
                + _weight(curves, 3, g) * lines[i, j + 3]
            )


@numba.njit
def interpolate(source, top, left, moved, table, curves, lines, tile):
    """Fill `tile` (TILE_ROWS, TILE_COLUMNS) with `source` as it lies `moved` from the tile with corner (top, left)."""
    steep = max(max(abs(moved[2]), abs(moved[3])) * TILE_ROWS, max(abs(moved[4]), abs(moved[5])) * TILE_COLUMNS)
    if steep > EVEN_PX:
        _interpolate_warped(source, top, left, moved, curves, lines, tile)
        return
    dr, pr = _split(moved[0])
    dc, pc = _split(moved[1])
    _interpolate_even(source, top + dr, left + dc, table[pr], table[pc], lines, tile)


@numba.njit
def looks_of_row(seen, top, left, moved, i, line, looks):
    """Fill `looks` with the fewest looks of the cells from which each pixel of a tile's row i is interpolated.

    (top, left): the tile's corner. line: (WIDE,) work space.
    """
    dr, dc = of_row(moved, i)
    row, column = top + i + np.int64(math.floor(dr)), left + np.int64(math.floor(dc))
    above, middle, below, last = seen[row - 1], seen[row], seen[row + 1], seen[row + 2]
    for j in range(TILE_COLUMNS + TAPS - 1):
        k = column - 1 + j
        line[j] = min(above[k], middle[k], below[k], last[k])
    for j in range(TILE_COLUMNS):
        looks[j] = min(line[j], line[j + 1], line[j + 2], line[j + 3])


@numba.njit
def fewest_looks(seen, least_seen, full, top, left, moved):
    """Return the fewest looks of the cells from which the tile with corner (top, left) is interpolated.

    least_seen: of each tile of the grid. Where that is `full` all round, the cells need not be asked.
    """
    dr, dc = of_row(moved, 0)
    er, ec = of_row(moved, TILE_ROWS - 1)
    first, begin = top + np.int64(math.floor(min(dr, er))) - 1, left + np.int64(math.floor(min(dc, ec))) - 1
    last = top + np.int64(math.floor(max(dr, er))) + TILE_ROWS + 1
    end = left + np.int64(math.floor(max(dc, ec))) + TILE_COLUMNS + 1
    fewest = np.uint8(255)
    for i in range(first // TILE_ROWS, last // TILE_ROWS + 1):
        for j in range(begin // TILE_COLUMNS, end // TILE_COLUMNS + 1):
            fewest = min(fewest, least_seen[i, j])
    if fewest >= full:
        return fewest
    fewest = np.uint8(255)
    for i in range(first, last + 1):
        for j in range(begin, end + 1):
            fewest = min(fewest, seen[i, j])
    return fewest


@numba.njit(fastmath=FAST, error_model="numpy")
def subtract(response, row, column, limit, tile):
    """Make `tile` the response less what it held; return the mean of that cut at +-limit."""
    flat, width = response.ravel(), response.shape[1]
    first = np.uint64((MARGIN + row) * width + MARGIN + column)
    total = np.float32(0.0)
    for i in range(TILE_ROWS):
        p = first + np.uint64(i * width)
        for j in range(TILE_COLUMNS):
            e = flat[p + np.uint64(j)] - tile[i, j]
            tile[i, j] = e
            total += min(max(e, -limit), limit)
    return total / np.float32(TILE_ROWS * TILE_COLUMNS)
