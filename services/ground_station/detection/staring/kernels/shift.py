"""How a frame lies against the background: sums for the shift that fits."""

import numba
import numpy as np
from numba.core.types import float64, int64, void

from services.ground_station.detection.staring.kernels.layout import (
    CLIP_SIGMA,
    COUNTS,
    FAST,
    LINES,
    MARGIN,
    TILE_COLUMNS,
    TILE_ROWS,
)
from services.ground_station.detection.staring.kernels.tiles import fewest_looks, interpolate, within_reach

# No tile fits better than this, as a part of its mean squared slope, or its weight would drown all else; LEAST_SQUARE,
# squared counts, is for tiles without slopes. Float frames may be in units of which all is a small part.
LEAST_MISFIT, LEAST_SQUARE = 1e-8, 1e-30


@numba.njit(
    void(LINES, LINES, COUNTS, COUNTS, int64, LINES, LINES, LINES, int64[:, ::1], LINES, LINES, float64[:, ::1]),
    nogil=True,
    cache=True,
    fastmath=FAST,
)
def slope_sums(response, background, seen, least_seen, full, displacement, table, curves, chosen, lines, tile, sums):
    """Fill what a least-squares shift of chosen tiles needs, weighted by each tile's inverse squared mean magnitude.

    chosen: (n, 2) tiles; displacement: (n, 6) theirs. sums: (n, 7): g_r g_r, g_r g_c, g_c g_c, g_r e, g_c e, weight,
    over the tile's inner cells, and their mean residual; g the background's slope, e the response less the background
    and the mean, cut at CLIP_SIGMA of the tile's mean magnitude. Zeros for tiles of which the background lacks a cell.
    """
    inner = np.float32((TILE_ROWS - 2) * (TILE_COLUMNS - 2))
    flat, width = response.ravel(), response.shape[1]
    for n in range(chosen.shape[0]):
        row, column = chosen[n, 0] * TILE_ROWS, chosen[n, 1] * TILE_COLUMNS
        sums[n, :] = 0.0
        top, left, moved = MARGIN + row, MARGIN + column, displacement[n]
        if not within_reach(moved) or fewest_looks(seen, least_seen, full, top, left, moved) == 0:
            continue
        interpolate(background, top, left, moved, table, curves, lines, tile)
        first = np.uint64((MARGIN + row) * width + MARGIN + column)
        level = np.float32(0.0)
        for i in range(1, TILE_ROWS - 1):
            p = first + np.uint64(i * width)
            for j in range(1, TILE_COLUMNS - 1):
                level += flat[p + np.uint64(j)] - tile[i, j]
        level /= inner
        magnitude = np.float32(0.0)
        for i in range(1, TILE_ROWS - 1):
            p = first + np.uint64(i * width)
            for j in range(1, TILE_COLUMNS - 1):
                magnitude += abs(flat[p + np.uint64(j)] - tile[i, j] - level)
        mean = magnitude / inner
        limit = np.float32(CLIP_SIGMA) * mean
        rr, rc, cc, re, ce = np.float32(0), np.float32(0), np.float32(0), np.float32(0), np.float32(0)
        for i in range(1, TILE_ROWS - 1):
            p = first + np.uint64(i * width)
            for j in range(1, TILE_COLUMNS - 1):
                e = min(max(flat[p + np.uint64(j)] - tile[i, j] - level, -limit), limit)
                g = np.float32(0.5) * (tile[i + 1, j] - tile[i - 1, j])
                h = np.float32(0.5) * (tile[i, j + 1] - tile[i, j - 1])
                rr += g * g
                rc += g * h
                cc += h * h
                re += g * e
                ce += h * e
        weight = 1.0 / (np.float64(mean) * mean + LEAST_MISFIT * np.float64(rr + cc) / inner + LEAST_SQUARE)
        sums[n, 0], sums[n, 1], sums[n, 2] = weight * rr, weight * rc, weight * cc
        sums[n, 3], sums[n, 4], sums[n, 5], sums[n, 6] = weight * re, weight * ce, weight, level
