"""What the kernels of tiles share: reading a grid between its cells, and how well its cells are known."""

import math

import numba
import numpy as np

from services.ground_station.detection.staring.kernels.layout import (
    FAST,
    FURTHEST,
    MARGIN,
    PER_TILE,
    PHASES,
    RUN,
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
def _steepness(moved):
    """Return how much a tile's displacement differs from edge to edge, pixels."""
    return max(max(abs(moved[2]), abs(moved[3])) * TILE_ROWS, max(abs(moved[4]), abs(moved[5])) * TILE_COLUMNS)


@numba.njit(inline="always")
def within_reach(moved):
    """Return whether all rows of a tile lie within what the margin holds.

    The slopes along columns, moved[4] and moved[5], choose no cells, only their weights.
    """
    half = 0.5 * (TILE_ROWS - 1)
    return abs(moved[0]) + half * abs(moved[2]) <= FURTHEST and abs(moved[1]) + half * abs(moved[3]) <= FURTHEST


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


@numba.njit(fastmath=FAST)
def _blend_rows(flat, first, width, weights, tiles, line):
    """Fill `line` with TAPS rows of `flat`, weighed, from index `first`: all columns a run of tiles is read from."""
    a0, a1, a2, a3 = weights[0], weights[1], weights[2], weights[3]
    p1, p2, p3 = first + width, first + width + width, first + width + width + width
    for j in range(tiles * TILE_COLUMNS + WIDE - TILE_COLUMNS):
        u = np.uint64(j)
        line[u] = a0 * flat[first + u] + a1 * flat[p1 + u] + a2 * flat[p2 + u] + a3 * flat[p3 + u]


@numba.njit
def run_length(displacement, ti, tj):
    """Return how many tiles of a row, RUN at most, from (ti, tj) on move alike and each as one; 0: this one does not.

    displacement: (tile rows, tile columns, 6) as the kernels take it.
    """
    moved = displacement[ti, tj]
    if _steepness(moved) > EVEN_PX:
        return 0
    dr, pr = _split(moved[0])
    dc, pc = _split(moved[1])
    for n in range(1, min(RUN, displacement.shape[1] - tj)):
        other = displacement[ti, tj + n]
        if (dr, pr) != _split(other[0]) or (dc, pc) != _split(other[1]) or _steepness(other) > EVEN_PX:
            return n
    return min(RUN, displacement.shape[1] - tj)


@numba.njit
def figures_of_run(lines):
    """Return (PER_TILE, RUN) work space behind what a run's row takes of `lines`."""
    begin = RUN * TILE_COLUMNS + WIDE - TILE_COLUMNS
    return lines.ravel()[begin : begin + PER_TILE * RUN].reshape((PER_TILE, RUN))


@numba.njit(fastmath=FAST)
def subtract_run(
    response, source, top, left, moved, tiles, table, lines, limits, totals, clipped, into, into_row, into_column
):
    """Fill a run of tiles of `into`, from (into_row, into_column), with the response less the displaced source.

    (top, left): corner of the run's first tile in the response, and in the source before it is displaced. limits: of
    each tile, at which what is filled in is cut if `clipped`, and what is added to its `totals` always.
    """
    dr, pr = _split(moved[0])
    dc, pc = _split(moved[1])
    row_weights = table[pr]
    b0, b1, b2, b3 = table[pc, 0], table[pc, 1], table[pc, 2], table[pc, 3]
    flat, counts, out, line = source.ravel(), response.ravel(), into.ravel(), lines.ravel()
    width, one = np.uint64(source.shape[1]), np.uint64(1)
    for i in range(TILE_ROWS):
        first = np.uint64((top + dr - 1 + i) * source.shape[1] + left + dc - 1)
        _blend_rows(flat, first, width, row_weights, tiles, line)
        p = np.uint64((top + i) * response.shape[1] + left)
        q = np.uint64((into_row + i) * into.shape[1] + into_column)
        for t in range(tiles):
            begin, limit, total = np.uint64(t * TILE_COLUMNS), limits[t], np.float32(0.0)
            for j in range(TILE_COLUMNS):
                u = begin + np.uint64(j)
                v = u + one
                w = v + one
                e = counts[p + u] - (b0 * line[u] + b1 * line[v] + b2 * line[w] + b3 * line[w + one])
                cut = min(max(e, -limit), limit)
                out[q + u] = cut if clipped else e
                total += cut
            totals[t] += total


@numba.njit(fastmath=FAST)
def add_run(source, top, left, moved, tiles, table, lines, gain, into):
    """Add a share `gain` of the displaced source to a run of tiles of `into` from (top, left)."""
    dr, pr = _split(moved[0])
    dc, pc = _split(moved[1])
    row_weights = table[pr]
    b0, b1, b2, b3 = gain * table[pc, 0], gain * table[pc, 1], gain * table[pc, 2], gain * table[pc, 3]
    flat, out, line = source.ravel(), into.ravel(), lines.ravel()
    width, one = np.uint64(source.shape[1]), np.uint64(1)
    for i in range(TILE_ROWS):
        first = np.uint64((top + dr - 1 + i) * source.shape[1] + left + dc - 1)
        _blend_rows(flat, first, width, row_weights, tiles, line)
        q = np.uint64((top + i) * into.shape[1] + left)
        for t in range(tiles):
            begin = np.uint64(t * TILE_COLUMNS)
            for j in range(TILE_COLUMNS):
                u = begin + np.uint64(j)
                v = u + one
                w = v + one
                out[q + u] += b0 * line[u] + b1 * line[v] + b2 * line[w] + b3 * line[w + one]


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
    if _steepness(moved) > EVEN_PX:
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
    row, begin = top + i + np.int64(math.floor(dr)), left + np.int64(math.floor(dc)) - 1
    end = begin + TILE_COLUMNS + TAPS - 1
    above, middle = seen[row - 1, begin:end], seen[row, begin:end]
    below, last = seen[row + 1, begin:end], seen[row + 2, begin:end]
    for j in range(TILE_COLUMNS + TAPS - 1):
        line[j] = min(above[j], middle[j], below[j], last[j])
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
        cells = seen[i, begin : end + 1]
        for j in range(cells.shape[0]):
            fewest = min(fewest, cells[j])
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


@numba.njit
def take(source, row, column, tile):
    """Fill `tile` with what stands in `source` from (row, column) on."""
    for i in range(tile.shape[0]):
        part = source[row + i, column : column + tile.shape[1]]
        for j in range(tile.shape[1]):
            tile[i, j] = part[j]
