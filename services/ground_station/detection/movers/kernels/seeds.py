"""Frames stored as counts of eight bits, and the largest sums of a tile's newest eight along the bank's paths."""

import math

import numba
import numpy as np
from numba.core.types import Array, float32, int8, int16, int32, int64, void

from services.ground_station.detection.kernels import is_peak
from services.ground_station.detection.movers.kernels.layout import (
    COARSER,
    HEIGHT,
    HISTORY,
    QUANTUM,
    TILE_COLUMNS,
    TILE_ROWS,
    WIDTH,
)
from services.ground_station.detection.movers.paths import BLOCK_FRAMES, CODE_BITS, MARGIN

# Eight frames of at most 7 coarse counts, times 2^CODE_BITS, stay within 16 bits.
COARSEST, FINEST = np.int16(-8), np.int16(7)
HALF, SHIFT = np.int16(1 << (COARSER - 1)), np.int16(COARSER)
LOWEST = np.int16(-32768)
ONE = np.int16(1 << CODE_BITS)

RESIDUAL = Array(float32, 2, "C", readonly=True)
PATHS = Array(int32, 2, "C", readonly=True)
I16 = np.int16


@numba.njit(void(RESIDUAL, int8[:, ::1]), nogil=True, cache=True)
def store(residual, frame):
    """Fill `frame` with the residual in counts of QUANTUM, cut at what 8 bits hold; NaN: 0."""
    scale = np.float32(1.0 / QUANTUM)
    for row in range(residual.shape[0]):
        source, line = residual[row], frame[row]
        for column in range(residual.shape[1]):
            value = source[column] * scale
            value = np.float32(0.0) if math.isnan(value) else min(max(value, np.float32(-127.0)), np.float32(127.0))
            line[column] = np.int8(np.int32(value + np.float32(127.5)) - np.int32(127))


@numba.njit
def _load(frame, top, left, tile):
    """Copy a tile that begins at (top, left) of `frame`, coarse and shifted up by the code; zeros outside."""
    rows, columns = frame.shape
    for i in range(HEIGHT):
        line = tile[i * WIDTH : (i + 1) * WIDTH]
        row = top + i
        first, last = max(0, -left), min(WIDTH, columns - left)
        if row < 0 or row >= rows or first >= last:
            for j in range(WIDTH):
                line[j] = 0
            continue
        for j in range(first):
            line[j] = 0
        source = frame[row, left + first : left + last]
        inner = line[first:last]
        for j in range(last - first):
            coarse = I16(I16(source[j]) + HALF) >> SHIFT
            coarse = I16(coarse) if I16(coarse) < FINEST else FINEST
            inner[j] = I16((coarse if coarse > COARSEST else COARSEST) * ONE)
        for j in range(max(last, 0), WIDTH):
            line[j] = 0


@numba.njit
def _sum_pairs(frames, step, pairs):
    """Fill each pair's sum of its newer frame and its older one, `step` further back; all but the rim."""
    inner = (HEIGHT - 2) * WIDTH - 2
    first = WIDTH + 1
    for pair in range(BLOCK_FRAMES // 2):
        newer = frames[2 * pair, first : first + inner]
        older = frames[2 * pair + 1, first + step : first + step + inner]
        total = pairs[pair, first : first + inner]
        for k in range(inner):
            total[k] = I16(newer[k] + older[k])


@numba.njit
def _best_paths(paths, frames, pairs, best):
    """Fill `best` with each place's largest sum over the paths, the path's number in its low bits."""
    cells = (TILE_ROWS - 1) * WIDTH + TILE_COLUMNS
    origin = MARGIN * WIDTH + MARGIN
    best[:] = LOWEST
    step = HEIGHT * WIDTH
    number = 0
    while number < paths.shape[0]:
        path = paths[number]
        if path[0] * WIDTH + path[1] != step:
            step = path[0] * WIDTH + path[1]
            _sum_pairs(frames, step, pairs)
        # Two paths a pass over the tile save a load and a store; a path without a partner is its own.
        partner = min(number + 1, paths.shape[0] - 1)
        if paths[partner, 0] != path[0] or paths[partner, 1] != path[1]:
            partner = number
        other = paths[partner]
        a, b, c, d = (
            _from(pairs[0], origin + path[2] * WIDTH + path[3], cells),
            _from(pairs[1], origin + path[4] * WIDTH + path[5], cells),
            _from(pairs[2], origin + path[6] * WIDTH + path[7], cells),
            _from(pairs[3], origin + path[8] * WIDTH + path[9], cells),
        )
        e, f, g, h = (
            _from(pairs[0], origin + other[2] * WIDTH + other[3], cells),
            _from(pairs[1], origin + other[4] * WIDTH + other[5], cells),
            _from(pairs[2], origin + other[6] * WIDTH + other[7], cells),
            _from(pairs[3], origin + other[8] * WIDTH + other[9], cells),
        )
        code, other_code = I16(number), I16(partner)
        for k in range(cells):
            one = I16(I16(I16(a[k] + b[k]) + I16(c[k] + d[k])) + code)
            two = I16(I16(I16(e[k] + f[k]) + I16(g[k] + h[k])) + other_code)
            one = two if two > one else one
            best[k] = one if one > best[k] else best[k]
        number = partner + 1


@numba.njit
def _from(values, start, count):
    return values[start : start + count]


@numba.njit(
    int64(
        HISTORY,
        int64[::1],
        int64[:, ::1],
        PATHS,
        int64,
        int64,
        int64,
        int16[:, ::1],
        int16[:, ::1],
        int16[::1],
        int32[:, ::1],
    ),
    nogil=True,
    cache=True,
)
def find_seeds(history, slots, offsets, paths, turn, turns, least_sum, frames, pairs, best, seeds):
    """Return how many local maxima of the bank's sums reach `least_sum` counts; fill row, column, path and sum.

    Of the tiles of the newest frame every `turns`-th is searched, from the `turn`-th on. history: (slots, rows,
    columns); slots: of the eight newest frames, newest first. offsets: (8, 2) whole pixels to add to a place in
    the newest frame for the same scene point in each. frames: (8, HEIGHT * WIDTH), pairs: (4, the same), best:
    (TILE_ROWS * WIDTH,) work space. Full `seeds`: the rest is left out.
    """
    rows, columns = history.shape[1], history.shape[2]
    across = (columns + TILE_COLUMNS - 1) // TILE_COLUMNS
    down = (rows + TILE_ROWS - 1) // TILE_ROWS
    found = 0
    for tile in range(turn, across * down, turns):
        top, left = tile // across * TILE_ROWS, tile % across * TILE_COLUMNS
        for age in range(BLOCK_FRAMES):
            row, column = top - MARGIN + offsets[age, 0], left - MARGIN + offsets[age, 1]
            _load(history[slots[age]], row, column, frames[age])
        _best_paths(paths, frames, pairs, best)
        sums = best.reshape((TILE_ROWS, WIDTH))
        for i in range(1, min(TILE_ROWS, rows - top) - 1):
            for j in range(1, min(TILE_COLUMNS, columns - left) - 1):
                if sums[i, j] >= least_sum * ONE and is_peak(sums, i, j):
                    if found == seeds.shape[0]:
                        return found
                    seeds[found, 0] = top + i
                    seeds[found, 1] = left + j
                    seeds[found, 2] = sums[i, j] & np.int16(ONE - 1)
                    seeds[found, 3] = sums[i, j] >> CODE_BITS
                    found += 1
    return found
