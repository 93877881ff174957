"""A frame against the background: normalised residuals and their variance."""

import math

import numba
import numpy as np
from numba.core.types import float32, int32, int64, void

from services.ground_station.detection.staring.kernels.layout import (
    BOOLS,
    CLIP_SIGMA,
    COUNTS,
    CUBE,
    FAST,
    HALF,
    LINES,
    LOOKS,
    MARGIN,
    TILE_COLUMNS,
    TILE_ROWS,
)
from services.ground_station.detection.staring.kernels.tiles import (
    fewest_looks,
    figures_of_run,
    interpolate,
    looks_of_row,
    run_length,
    subtract,
    subtract_run,
    take,
    within_reach,
)

# One in so many tiles a frame adds to the statistics of residuals; each time a tile's own lose this share.
STATISTICS_EVERY = 4
FORGET = 0.25
# A slope's share of the variance below this part of the noise's is left out.
SLIGHT = 0.02
# Edges are so much steeper than a scene is on average.
STEEP = 10.0
# What slopes may add to a tile's squared residuals, as a part of the noise's.
MISFIT = 0.1


@numba.njit(fastmath=FAST, error_model="numpy")
def _slopes(background, top, left, slopes):
    """Fill `slopes` with the square of the background's slope at the cells nearest to a tile's pixels."""
    flat, width = background.ravel(), np.uint64(background.shape[1])
    first, one = np.uint64(top * background.shape[1] + left), np.uint64(1)
    for i in range(TILE_ROWS):
        p = first + np.uint64(i) * width
        for j in range(TILE_COLUMNS):
            u = p + np.uint64(j)
            g, h = flat[u + width] - flat[u - width], flat[u + one] - flat[u - one]
            slopes[i, j] = np.float32(0.25) * (g * g + h * h)


@numba.njit(fastmath=FAST, error_model="numpy")
def _scale(tile, slopes, mean, noise, share, z, row, column):
    """Write residuals less their mean over their deviation to `z`."""
    flat, width = z.ravel(), z.shape[1]
    first = np.uint64(row * width + column)
    for i in range(TILE_ROWS):
        p = first + np.uint64(i * width)
        for j in range(TILE_COLUMNS):
            flat[p + np.uint64(j)] = (tile[i, j] - mean) / np.sqrt(noise + share * slopes[i, j])


@numba.njit(error_model="numpy")
def _prepare_run(seen, least_seen, full, top, left, moved, variance, fits, turn, rows, columns, highest, figures):
    """Fill `figures` of a run's tiles: limit of residuals, sum of none yet, fewest looks, inverse deviation if plain.

    The last is 0 if not; it comes from memory, or LLVM makes each product with an inverse a division. A plain tile lies
    off the frame's border, was seen often, fits, and does not add to statistics this turn. moved, variance, fits: of
    the run's tiles; rows, columns: from the first one's corner to the frame's end; highest: it is in the first row.
    """
    limits, totals, fewest, plain = figures
    inner_rows = not highest and rows - HALF >= TILE_ROWS
    for n in range(moved.shape[0]):
        column = left + n * TILE_COLUMNS
        looks = fewest_looks(seen, least_seen, full, top, column, moved[n])
        inner = inner_rows and column > MARGIN and (n + 1) * TILE_COLUMNS <= columns - HALF
        limits[n], totals[n], fewest[n] = np.float32(CLIP_SIGMA) * np.sqrt(variance[n, 0]), 0.0, looks
        is_plain = inner and looks >= full and fits[n] and (n + turn) % STATISTICS_EVERY != 0
        plain[n] = np.float32(1.0) / np.sqrt(variance[n, 0]) if is_plain else np.float32(0.0)


@numba.njit(fastmath=FAST, error_model="numpy")
def _scale_run(background, top, left, moved, tiles, variance, totals, plain, tile_columns, z, row, column):
    """Do as `_scale` in place, for those tiles of a run that are plain; totals: of each tile's residuals.

    tile_columns: as TILE_COLUMNS, but not known when compiled: LLVM writes a short loop of known length out in scalars.
    """
    flat, out, width, one = background.ravel(), z.ravel(), np.uint64(background.shape[1]), np.uint64(1)
    down, right = np.int64(math.floor(moved[0] + 0.5)), np.int64(math.floor(moved[1] + 0.5))
    for i in range(TILE_ROWS):
        first = np.uint64((top + down + i) * background.shape[1] + left + right)
        q = np.uint64((row + i) * z.shape[1] + column)
        for t in range(tiles):
            if plain[t] == 0.0:
                continue
            begin = np.uint64(t * TILE_COLUMNS)
            mean, noise, share = totals[t] / np.float32(TILE_ROWS * TILE_COLUMNS), variance[t, 0], variance[t, 1]
            if share == 0.0:
                scale, part = plain[t], out[q + begin : q + begin + np.uint64(tile_columns)]
                for j in range(tile_columns):
                    part[j] = (part[j] - mean) * scale
                continue
            for j in range(TILE_COLUMNS):
                u, v = q + begin + np.uint64(j), first + begin + np.uint64(j)
                g, h = flat[v + width] - flat[v - width], flat[v + one] - flat[v - one]
                out[u] = (out[u] - mean) / np.sqrt(noise + share * np.float32(0.25) * (g * g + h * h))


@numba.njit(fastmath=FAST, error_model="numpy")
def _add_statistics(tile, slopes, mean, noise, share, valid, sums):
    """Add to a tile's `sums` what `fit_variance` needs, forgetting some of what they held."""
    s, ss, e2, e2s = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
    limit = np.float32(CLIP_SIGMA * CLIP_SIGMA)
    for i in range(TILE_ROWS):
        for j in range(TILE_COLUMNS):
            e, g = tile[i, j] - mean, slopes[i, j]
            square = min(e * e, limit * (noise + share * g))
            s += g
            ss += g * g
            e2 += square
            e2s += square * g
    # Where the border was blanked, cells without slope still hold -mean.
    e2 -= np.float32(TILE_ROWS * TILE_COLUMNS - valid) * mean * mean
    keep = np.float32(1.0 - FORGET)
    for k, value in enumerate((np.float32(valid), s, ss, e2, e2s)):
        sums[k] = keep * sums[k] + value


@numba.njit
def _blank_border(tile, slopes, row, column, rows, columns):
    """Set residuals and slopes to 0 where the filter saw mirrored pixels or none; return how many are left."""
    low_row, high_row = max(HALF - row, 0), min(rows - HALF - row, TILE_ROWS)
    low_column, high_column = max(HALF - column, 0), min(columns - HALF - column, TILE_COLUMNS)
    if low_row == 0 and low_column == 0 and high_row == TILE_ROWS and high_column == TILE_COLUMNS:
        return TILE_ROWS * TILE_COLUMNS
    for i in range(TILE_ROWS):
        for j in range(TILE_COLUMNS):
            if not (low_row <= i < high_row and low_column <= j < high_column):
                tile[i, j], slopes[i, j] = 0.0, 0.0
    return max(high_row - low_row, 0) * max(high_column - low_column, 0)


@numba.njit
def _blank_edge(z, row, column, rows, columns):
    """Set `z` to 0 where the filter saw mirrored pixels or none."""
    for i in range(TILE_ROWS):
        for j in range(TILE_COLUMNS):
            if row + i < HALF or column + j < HALF or row + i >= rows - HALF or column + j >= columns - HALF:
                z[row + i, column + j] = 0.0


@numba.njit(fastmath=FAST, error_model="numpy")
def _blank_unknown(seen, top, left, moved, least, noise_share, line, looks, z, row, column):
    """Set `z` to 0 where a tap was seen less often than `least`, and allow for a young background's own noise.

    Returns how many pixels are left.
    """
    known = np.int32(0)
    for i in range(TILE_ROWS):
        looks_of_row(seen, top, left, moved, i, line, looks)
        out = z[row + i, column : column + TILE_COLUMNS]
        for j in range(TILE_COLUMNS):
            fewest = np.int32(looks[j])
            scaled = out[j] / np.sqrt(np.float32(1.0) + noise_share / np.float32(max(fewest, np.int32(1))))
            out[j] = scaled if fewest >= least else np.float32(0.0)
            known += np.int32(out[j] != 0.0)
    return known


@numba.njit(fastmath=FAST, error_model="numpy")
def _read_run(
    response,
    background,
    seen,
    least_seen,
    full,
    displacement,
    variance,
    fits,
    ti,
    tj,
    turn,
    rows,
    columns,
    table,
    lines,
    tile_columns,
    figures,
    z,
):
    """Fill `z` with the residuals of a run of tiles from (ti, tj), normalised where plain, and `figures` of each.

    displacement, variance, fits: of the run's tiles; figures: see `_prepare_run`; tile_columns: see `_scale_run`.
    """
    tiles = displacement.shape[0]
    if tiles == 0:
        return
    row, column = ti * TILE_ROWS, tj * TILE_COLUMNS
    top, left, moved = MARGIN + row, MARGIN + column, displacement[0]
    limits, totals, _, plain = figures
    _prepare_run(
        seen, least_seen, full, top, left, displacement, variance, fits, ti + tj + turn, rows - row, columns - column,
        ti == 0, figures,
    )  # fmt: skip
    subtract_run(response, background, top, left, moved, tiles, table, lines, limits, totals, False, z, row, column)
    _scale_run(background, top, left, moved, tiles, variance, totals, plain, tile_columns, z, row, column)


@numba.njit(fastmath=FAST, error_model="numpy")
def _normalise(
    background,
    seen,
    fewest,
    mean,
    moved,
    variance,
    fits,
    least,
    full,
    noise_share,
    row,
    column,
    rows,
    columns,
    counts,
    tile,
    slopes,
    line,
    looks,
    z,
    sums,
):
    """Write a tile's residual, which `tile` holds, over its deviation to `z`; return how many pixels are known.

    fewest: looks of its cells; mean: of the residual; counts: it is the tile's turn to add to `sums`.
    """
    noise, share = variance[0], variance[1]
    top, left = MARGIN + row, MARGIN + column
    mean = mean if fewest >= least else np.float32(0.0)
    counts = counts and fewest >= least
    if counts or share > 0.0:
        down, right = np.int64(math.floor(moved[0] + 0.5)), np.int64(math.floor(moved[1] + 0.5))
        _slopes(background, top + down, left + right, slopes)
    valid = _blank_border(tile, slopes, row, column, rows, columns)
    _scale(tile, slopes, mean, noise, share, z, row, column)
    if counts:
        _add_statistics(tile, slopes, mean, noise, share, valid, sums)
    if not fits:
        z[row : row + TILE_ROWS, column : column + TILE_COLUMNS] = 0.0
        return 0
    if valid < TILE_ROWS * TILE_COLUMNS:
        _blank_edge(z, row, column, rows, columns)
    if fewest < full:
        return _blank_unknown(seen, top, left, moved, least, noise_share, line, looks, z, row, column)
    return valid


@numba.njit(
    void(
        LINES, LINES, COUNTS, COUNTS, CUBE, BOOLS, LINES, LINES, CUBE, BOOLS, int64, int64, float32, int64, int64,
        int64, LINES, LINES, LINES, LOOKS, LOOKS, LINES, CUBE, int32[:, ::1],
    ),
    nogil=True,
    cache=True,
    fastmath=FAST,
)  # fmt: skip
def normalised_residual(
    response,
    background,
    seen,
    least_seen,
    displacement,
    followed,
    table,
    curves,
    variance,
    fits,
    least,
    full,
    noise_share,
    rows,
    columns,
    turn,
    lines,
    tile,
    slopes,
    line,
    looks,
    z,
    sums,
    known,
):
    """Fill `z` with the response less the displaced background over its standard deviation; 0 where unknown.

    variance: (tile rows, tile columns, 2) noise, and per squared slope of the background. A tile's mean residual is
    taken out: a slow change of level is no point. followed: tiles that move as their displacement says; fits: tiles
    that the background explains; others are unknown. least: looks from which a cell counts as known; below `full` looks
    the background's own noise, `noise_share` of a frame's over the number of looks, counts too.
    rows, columns: of the frame. turn: number of the frame, which says whose turn it is to add to the statistics.
    sums: (tile rows, tile columns, 5) for `fit_variance`. known: (tile rows, tile columns) known pixels.
    """
    figures = figures_of_run(lines)
    for ti in range(displacement.shape[0]):
        # Tiles left of `ready` hold their residual in z already, those that are plain what becomes of it.
        begin, ready = 0, 0
        for tj in range(displacement.shape[1]):
            row, column, moved = ti * TILE_ROWS, tj * TILE_COLUMNS, displacement[ti, tj]
            if not (within_reach(moved) and followed[ti, tj]):
                z[row : row + TILE_ROWS, column : column + TILE_COLUMNS] = 0.0
                known[ti, tj] = 0
                continue
            if tj >= ready:
                begin, ready = tj, tj + run_length(displacement, ti, tj)
                _read_run(
                    response, background, seen, least_seen, full, displacement[ti, tj:ready], variance[ti, tj:ready],
                    fits[ti, tj:ready], ti, tj, turn, rows, columns, table, lines, tile.shape[1], figures, z,
                )  # fmt: skip
            n = tj - begin
            if tj < ready and figures[3, n] > 0.0:
                known[ti, tj] = TILE_ROWS * TILE_COLUMNS
                continue
            if tj < ready:
                fewest, mean = np.int64(figures[2, n]), figures[1, n] / np.float32(TILE_ROWS * TILE_COLUMNS)
                take(z, row, column, tile)
            else:
                fewest = np.int64(fewest_looks(seen, least_seen, full, MARGIN + row, MARGIN + column, moved))
                interpolate(background, MARGIN + row, MARGIN + column, moved, table, curves, lines, tile)
                mean = subtract(response, row, column, np.float32(CLIP_SIGMA) * np.sqrt(variance[ti, tj, 0]), tile)
            known[ti, tj] = _normalise(
                background, seen, fewest, mean, moved, variance[ti, tj], fits[ti, tj], least, full, noise_share, row,
                column, rows, columns, (ti + tj + turn) % STATISTICS_EVERY == 0, tile, slopes, line, looks, z,
                sums[ti, tj],
            )  # fmt: skip


@numba.njit(void(CUBE, float32, CUBE, BOOLS), nogil=True, cache=True)
def fit_variance(sums, floor, variance, fits):
    """Fit each tile's squared residuals, with those of the tiles around, by noise + share * squared slope.

    sums: (tile rows, tile columns, 5) cells, squared slopes s, s^2, squared residuals e^2, e^2 s. Least squares with
    noise at least `floor` and no negative share; a share that adds less than SLIGHT of the noise even on slopes of
    STEEP times the root mean square is none. Tiles without any cells around them keep their variance.
    fits: whether slopes add less to the tile's own squared residuals than MISFIT of the noise: more is no error of a
    shift, but light that does not move with the scene, such as the Earth's limb.
    """
    rows, columns, _ = sums.shape
    for i in range(rows):
        for j in range(columns):
            n, s, ss, e, es = 0.0, 0.0, 0.0, 0.0, 0.0
            for k in range(max(i - 1, 0), min(i + 2, rows)):
                for m in range(max(j - 1, 0), min(j + 2, columns)):
                    n += sums[k, m, 0]
                    s += sums[k, m, 1]
                    ss += sums[k, m, 2]
                    e += sums[k, m, 3]
                    es += sums[k, m, 4]
            if n < 1.0:
                continue
            determinant = n * ss - s * s
            share = (n * es - s * e) / determinant if determinant > 1e-3 * n * ss else 0.0
            noise = max((e - max(share, 0.0) * s) / n, floor)
            if share * STEEP * math.sqrt(ss / n) < SLIGHT * noise:
                share, noise = 0.0, max(e / n, floor)
            variance[i, j, 0], variance[i, j, 1] = noise, share
            fits[i, j] = share * sums[i, j, 1] < MISFIT * noise * max(sums[i, j, 0], np.float32(1.0))
