"""What the background takes over from a frame, and the background moved."""

import math

import numba
import numpy as np
from numba.core.types import boolean, float32, int64, void

from services.ground_station.detection.staring.kernels.layout import (
    BOOLS,
    COUNTS,
    CUBE,
    FAST,
    LINES,
    LOOKS,
    MARGIN,
    TILE_COLUMNS,
    TILE_ROWS,
    WIDE,
)
from services.ground_station.detection.staring.kernels.tiles import (
    add_run,
    fewest_looks,
    figures_of_run,
    interpolate,
    looks_of_row,
    of_row,
    run_length,
    subtract,
    subtract_run,
    within_reach,
)


@numba.njit(fastmath=FAST, error_model="numpy")
def _clip(tile, limit, into, row, column, rows, columns):
    """Write a tile cut at +-limit; zeros beyond the frame."""
    flat, width = into.ravel(), into.shape[1]
    first = np.uint64((MARGIN + row) * width + MARGIN + column)
    for i in range(TILE_ROWS):
        p = first + np.uint64(i * width)
        for j in range(TILE_COLUMNS):
            flat[p + np.uint64(j)] = min(max(tile[i, j], -limit), limit)
    into[MARGIN + rows : MARGIN + row + TILE_ROWS, MARGIN + column : MARGIN + column + TILE_COLUMNS] = 0.0
    into[MARGIN + row : MARGIN + row + TILE_ROWS, MARGIN + columns : MARGIN + column + TILE_COLUMNS] = 0.0


@numba.njit
def _old_around(least_seen, full, top, left, moved):
    """Return whether all cells as far around a displaced tile as others may read it were seen `full` times."""
    row = (top + np.int64(math.floor(moved[0]))) // TILE_ROWS
    column = (left + np.int64(math.floor(moved[1]))) // TILE_COLUMNS
    for i in range(max(row - 1, 0), min(row + 3, least_seen.shape[0])):
        for j in range(max(column - 1, 0), min(column + 3, least_seen.shape[1])):
            if least_seen[i, j] < full:
                return False
    return True


@numba.njit(fastmath=FAST, error_model="numpy")
def _limits(displacement, ti, tj, seen, least_seen, variance, full, clip, rows, columns, young_only, limits):
    """Return how many tiles from (ti, tj) on move alike, lie on the frame and see no new cell; fill their `limits`.

    young_only: and lie near cells seen less than `full` times.
    """
    run = run_length(displacement, ti, tj)
    for n in range(run):
        row, column, moved = ti * TILE_ROWS, (tj + n) * TILE_COLUMNS, displacement[ti, tj + n]
        top, left = MARGIN + row, MARGIN + column
        fewest = fewest_looks(seen, least_seen, full, top, left, moved)
        if fewest == 0 or row + TILE_ROWS > rows or column + TILE_COLUMNS > columns:
            return n
        if young_only and _old_around(least_seen, full, top, left, moved):
            return n
        limits[n] = clip * np.sqrt(variance[ti, tj + n, 0]) if fewest >= full else np.float32(1e30)
    return run


@numba.njit(
    void(
        LINES, LINES, COUNTS, COUNTS, CUBE, LINES, LINES, CUBE, int64, float32,
        LINES, LINES, LOOKS, LOOKS, LINES, int64, int64, boolean,
    ),
    nogil=True,
    cache=True,
    fastmath=FAST,
)  # fmt: skip
def residual_to_learn(
    response,
    background,
    seen,
    least_seen,
    displacement,
    table,
    curves,
    variance,
    full,
    clip,
    lines,
    tile,
    line,
    looks,
    residual,
    rows,
    columns,
    young_only,
):
    """Fill `residual`, shaped as the background, with what the background misses of a frame.

    Cut at `clip` standard deviations where all cells were seen `full` times: what is bright is learnt slowly. 0 where
    a tap was never seen. rows, columns: of the frame; beyond them zeros stay. young_only: what lies far from cells seen
    less than `full` times stays as it is.
    """
    for ti in range(displacement.shape[0]):
        # Tiles left of `done` are filled already.
        done = 0
        for tj in range(displacement.shape[1]):
            if tj < done:
                continue
            row, column = ti * TILE_ROWS, tj * TILE_COLUMNS
            top, left, moved = MARGIN + row, MARGIN + column, displacement[ti, tj]
            if not within_reach(moved):
                tile[:] = 0.0
                _clip(tile, np.float32(1.0), residual, row, column, rows, columns)
                continue
            if young_only and _old_around(least_seen, full, top, left, moved):
                continue
            figures = figures_of_run(lines)
            run = _limits(
                displacement, ti, tj, seen, least_seen, variance, full, clip, rows, columns, young_only, figures[0]
            )
            if run > 0:
                limits, totals = figures[0], figures[1]
                subtract_run(
                    response, background, top, left, moved, run, table, lines, limits, totals, True, residual, top, left
                )
                done = tj + run
                continue
            fewest = fewest_looks(seen, least_seen, full, top, left, moved)
            limit = clip * np.sqrt(variance[ti, tj, 0]) if fewest >= full else np.float32(1e30)
            interpolate(background, top, left, moved, table, curves, lines, tile)
            subtract(response, row, column, limit, tile)
            if fewest == 0:
                for i in range(TILE_ROWS):
                    looks_of_row(seen, top, left, moved, i, line, looks)
                    for j in range(TILE_COLUMNS):
                        tile[i, j] = tile[i, j] if looks[j] > 0 else np.float32(0.0)
            _clip(tile, limit, residual, row, column, rows, columns)


@numba.njit
def _on_grid(top, left, moved, grid):
    """Return whether all cells from which a tile is interpolated are there."""
    dr, dc = of_row(moved, 0)
    er, ec = of_row(moved, TILE_ROWS - 1)
    first, begin = top + math.floor(min(dr, er)) - 1, left + math.floor(min(dc, ec)) - 1
    last, end = top + math.floor(max(dr, er)) + TILE_ROWS + 2, left + math.floor(max(dc, ec)) - 1 + WIDE
    return first >= 0 and begin >= 0 and last <= grid.shape[0] and end <= grid.shape[1]


@numba.njit
def _inside(first, displacement, size, border):
    """Return which cells of a stretch of the grid lie on the frame, at least `border` from its edge: begin and end."""
    low = math.ceil(border - displacement - first + MARGIN)
    high = math.floor(size - 1 - border - displacement - first + MARGIN)
    return max(low, 0), high + 1


@numba.njit
def _old_run(inverse, ti, tj, least_seen, full, rows, columns, border, grid):
    """Return how many tiles of a grid's row, from (ti, tj) on, move alike, are on the frame and were seen often."""
    run = run_length(inverse, ti, tj)
    for n in range(run):
        top, left, moved = ti * TILE_ROWS, (tj + n) * TILE_COLUMNS, inverse[ti, tj + n]
        first, last = _inside(top, moved[0], rows, border)
        begin, end = _inside(left, moved[1], columns, border)
        whole = first == 0 and begin == 0 and last >= TILE_ROWS and end >= TILE_COLUMNS
        if not (whole and least_seen[ti, tj + n] >= full and _on_grid(top, left, moved, grid)):
            return n
    return run


@numba.njit(fastmath=FAST, error_model="numpy")
def _add(tile, gain, background, top, left):
    flat, width = background.ravel(), background.shape[1]
    first = np.uint64(top * width + left)
    for i in range(TILE_ROWS):
        p = first + np.uint64(i * width)
        for j in range(TILE_COLUMNS):
            flat[p + np.uint64(j)] += gain * tile[i, j]


@numba.njit(fastmath=FAST, error_model="numpy")
def _add_young(tile, gain, full, first, last, begin, end, background, seen, top, left):
    """Add a tile to cells that were seen before, each with a share of its own; return how many were not."""
    new = np.int32(0)
    for i in range(first, last):
        cells, part = background[top + i, left + begin : left + end], tile[i, begin:end]
        looks = seen[top + i, left + begin : left + end]
        for j in range(end - begin):
            before = np.int32(looks[j])
            count = min(before + np.int32(1), np.int32(full))
            share = max(np.float32(1.0) / np.float32(count), gain) if before > 0 else np.float32(0.0)
            cells[j] += share * part[j]
            looks[j] = np.uint8(count) if before > 0 else np.uint8(0)
            new += np.int32(before == 0)
    return new


@numba.njit
def _least_in_tile(seen, top, left):
    fewest = np.uint8(255)
    for i in range(top, top + TILE_ROWS):
        for j in range(left, left + TILE_COLUMNS):
            fewest = min(fewest, seen[i, j])
    return fewest


@numba.njit(
    void(
        LINES, LINES, CUBE, LINES, LINES, float32, int64, int64, int64, int64, boolean,
        LINES, LINES, LINES, COUNTS, COUNTS,
    ),
    nogil=True,
    cache=True,
    fastmath=FAST,
)  # fmt: skip
def learn(
    response,
    residual,
    inverse,
    table,
    curves,
    gain,
    full,
    border,
    rows,
    columns,
    young_only,
    lines,
    tile,
    background,
    seen,
    least_seen,
):
    """Add the displaced residual to the background: a share 1 / looks of it, and never less than `gain`.

    A cell that was never seen takes the displaced response itself. inverse: (grid tile rows, grid tile columns, 6) from
    the grid's tiles to the frame. Cells off the frame, or nearer than `border` to its edge, stay. seen: looks, counted
    up to `full`; least_seen: the fewest of each tile. young_only: tiles of cells seen `full` times stay.
    """
    for ti in range(inverse.shape[0]):
        # Tiles left of `done` have learnt already.
        done = 0
        for tj in range(inverse.shape[1]):
            if tj < done:
                continue
            top, left = ti * TILE_ROWS, tj * TILE_COLUMNS
            first, last = _inside(top, inverse[ti, tj, 0], rows, border)
            begin, end = _inside(left, inverse[ti, tj, 1], columns, border)
            whole = first == 0 and begin == 0 and last >= TILE_ROWS and end >= TILE_COLUMNS
            last, end = min(last, TILE_ROWS), min(end, TILE_COLUMNS)
            if first >= last or begin >= end or (young_only and least_seen[ti, tj] >= full):
                continue
            moved = inverse[ti, tj]
            run = _old_run(inverse, ti, tj, least_seen, full, rows, columns, border, residual)
            if run > 0:
                add_run(residual, top, left, moved, run, table, lines, gain, background)
                done = tj + run
                continue
            # A grid's outermost tile may reach for cells that are not there; no frame within reach shows it.
            if not _on_grid(top, left, moved, residual):
                continue
            interpolate(residual, top, left, moved, table, curves, lines, tile)
            if whole and least_seen[ti, tj] >= full:
                _add(tile, gain, background, top, left)
                continue
            new = _add_young(tile, gain, full, first, last, begin, end, background, seen, top, left)
            if new > 0:
                interpolate(response, top, left, moved, table, curves, lines, tile)
                for i in range(first, last):
                    for j in range(begin, end):
                        if seen[top + i, left + j] == 0:
                            background[top + i, left + j] = tile[i, j]
                            seen[top + i, left + j] = 1
            least_seen[ti, tj] = _least_in_tile(seen, top, left)


@numba.njit(
    void(CUBE, LINES, LINES, LINES, LINES, LOOKS, LOOKS, LINES, COUNTS, LINES, COUNTS, COUNTS),
    nogil=True,
    cache=True,
    fastmath=FAST,
)
def move_background(displacement, table, curves, lines, tile, line, looks, background, seen, new, new_seen, least_seen):
    """Fill `new` and `new_seen` with background and looks as they lie `displacement` away; zeros where nothing is.

    displacement: (grid tile rows, grid tile columns, 6). least_seen: the fewest looks of each tile then.
    """
    for ti in range(displacement.shape[0]):
        for tj in range(displacement.shape[1]):
            top, left, moved = ti * TILE_ROWS, tj * TILE_COLUMNS, displacement[ti, tj]
            new[top : top + TILE_ROWS, left : left + TILE_COLUMNS] = 0.0
            new_seen[top : top + TILE_ROWS, left : left + TILE_COLUMNS] = 0
            least_seen[ti, tj] = 0
            if not _on_grid(top, left, moved, background):
                continue
            interpolate(background, top, left, moved, table, curves, lines, tile)
            whole = moved[0] == math.floor(moved[0]) and moved[1] == math.floor(moved[1])
            for i in range(TILE_ROWS):
                if whole:
                    row, column = top + i + np.int64(moved[0]), left + np.int64(moved[1])
                    looks[:] = seen[row, column : column + TILE_COLUMNS]
                else:
                    looks_of_row(seen, top, left, moved, i, line, looks)
                for j in range(TILE_COLUMNS):
                    new_seen[top + i, left + j] = looks[j]
                    new[top + i, left + j] = tile[i, j] if looks[j] > 0 else np.float32(0.0)
            least_seen[ti, tj] = _least_in_tile(new_seen, top, left)


@numba.njit(void(CUBE, BOOLS, COUNTS, COUNTS), nogil=True, cache=True)
def forget_tiles(displacement, followed, seen, least_seen):
    """Set the looks of all cells below tiles that are not followed to 0, and of those one beside them.

    displacement: (tile rows, tile columns, 6) of the frame's tiles; what lies beyond the margin is left as it is.
    """
    for ti in range(displacement.shape[0]):
        for tj in range(displacement.shape[1]):
            moved = displacement[ti, tj]
            if followed[ti, tj] or not within_reach(moved):
                continue
            top = MARGIN + ti * TILE_ROWS + np.int64(math.floor(moved[0] + 0.5)) - 1
            left = MARGIN + tj * TILE_COLUMNS + np.int64(math.floor(moved[1] + 0.5)) - 1
            bottom, right = top + TILE_ROWS + 2, left + TILE_COLUMNS + 2
            seen[top:bottom, left:right] = 0
            for i in range(top // TILE_ROWS, (bottom - 1) // TILE_ROWS + 1):
                for j in range(left // TILE_COLUMNS, (right - 1) // TILE_COLUMNS + 1):
                    least_seen[i, j] = 0
