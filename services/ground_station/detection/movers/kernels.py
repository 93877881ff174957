"""The loops over pixels, paths and frames: arrays in, caller's arrays out, nothing allocated on the way.

Shapes and bounds are checked in detect.py; `tests/ground_station/detection/movers/naive.py` says the same slowly.
"""

import math

import numba
import numpy as np
from numba.core.types import Array, float32, float64, int8, int16, int32, int64, void

from services.ground_station.detection.kernels import is_peak
from services.ground_station.detection.movers.paths import BLOCK_FRAMES, CODE_BITS, MARGIN

# Pixels of a tile of the bank: its sums stay in the second-level cache.
TILE_ROWS, TILE_COLUMNS = 32, 128
WIDTH = TILE_COLUMNS + 2 * MARGIN
HEIGHT = TILE_ROWS + 2 * MARGIN
# A history's count is this share of the noise's standard deviation; a bank's is coarser by COARSER bits.
QUANTUM = 1.0 / 16.0
COARSER = 3
# Eight frames of at most 7 coarse counts, times 2^CODE_BITS, stay within 16 bits.
COARSEST, FINEST = np.int16(-8), np.int16(7)
HALF, SHIFT = np.int16(1 << (COARSER - 1)), np.int16(COARSER)
LOWEST = np.int16(-32768)
ONE = np.int16(1 << CODE_BITS)

# Bits of a pixel's fraction where places are whole numbers.
FIXED = 16

FAST = {"reassoc", "contract", "nsz"}
RESIDUAL = Array(float32, 2, "C", readonly=True)
HISTORY = int8[:, :, ::1]
WEIGHTS = Array(float32, 4, "C", readonly=True)
PATHS = Array(int32, 2, "C", readonly=True)
TABLE = Array(float64, 2, "C", readonly=True)
TRACKS = float64[:, ::1]
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


@numba.njit
def _nearest_sum(pixels, frame_starts, shape, offsets, row, column, row_back, column_back, inside, first, last):
    """Return the sum over frames `first` to `last` - 1, counts, of the pixel nearest to a path; in FIXED parts.

    inside: the path is known to stay within the frames.
    """
    rows, columns = shape
    total = np.int64(0)
    row += first * row_back
    column += first * column_back
    for age in range(first, last):
        i = (row + offsets[age, 0]) >> FIXED
        j = (column + offsets[age, 1]) >> FIXED
        if inside or (0 <= i < rows and 0 <= j < columns):
            total += pixels[np.uint64(frame_starts[age] + i * columns + j)]
        row += row_back
        column += column_back
    return total


@numba.njit
def _stays_inside(shape, offsets, row, column, reach):
    """Return whether all within `reach` pixels a frame of a place of the newest frame stays within the older ones."""
    for age in range(BLOCK_FRAMES, offsets.shape[0]):
        i, j = row + (offsets[age, 0] >> FIXED), column + (offsets[age, 1] >> FIXED)
        far = np.int64(reach * age) + 2
        if i < far or j < far or i >= shape[0] - far or j >= shape[1] - far:
            return False
    return True


@numba.njit(
    int64(HISTORY, int64[::1], int64[:, ::1], TABLE, int32[:, ::1], int64, int64, float64, int64, int64, int64, TRACKS),
    nogil=True,
    cache=True,
)
def follow_seeds(
    history, slots, offsets, velocities, seeds, count, spread, spacing, half, early_sum, least_sum, tracks
):
    """Return how many seeds add up to `least_sum` counts over the frames; fill row, column, velocities and sum.

    The newest `half` frames are looked at first; paths that then lack `early_sum` counts are given up.

    Around a seed's velocity (2 spread + 1)^2 are tried, `spacing` pixels a frame apart, its place in the middle of the
    block kept. offsets: (frames, 2), FIXED parts of a pixel. tracks: place in the newest frame, at least as long as
    `seeds`.
    """
    kept = 0
    middle = 0.5 * (BLOCK_FRAMES - 1)
    part = 1 << FIXED
    fan = np.int64(spacing * part)
    shape = history.shape[1:]
    pixels = history.reshape(history.size)
    frame_starts = slots * (shape[0] * shape[1])
    frames = offsets.shape[0]
    for s in range(count):
        # Half a pixel on, so that cutting rounds.
        row, column = seeds[s, 0] * part + part // 2, seeds[s, 1] * part + part // 2
        back_row = np.int64(-velocities[seeds[s, 2], 0] * part)
        back_column = np.int64(-velocities[seeds[s, 2], 1] * part)
        fastest = max(abs(velocities[seeds[s, 2], 0]), abs(velocities[seeds[s, 2], 1])) + spread * spacing
        inside = _stays_inside(shape, offsets, seeds[s, 0], seeds[s, 1], fastest)
        # The bank's own sum stands for the block: its path is at most half a pixel from these.
        block = np.int64(seeds[s, 3]) << COARSER
        best, best_i, best_j = least_sum - 1, 0, 0
        for i in range(-spread, spread + 1):
            for j in range(-spread, spread + 1):
                at_row, at_column = row - np.int64(middle * i * fan), column - np.int64(middle * j * fan)
                by_row, by_column = back_row + i * fan, back_column + j * fan
                total = block + _nearest_sum(
                    pixels,
                    frame_starts,
                    shape,
                    offsets,
                    at_row,
                    at_column,
                    by_row,
                    by_column,
                    inside,
                    BLOCK_FRAMES,
                    half,
                )
                if total < early_sum:
                    continue
                total += _nearest_sum(
                    pixels, frame_starts, shape, offsets, at_row, at_column, by_row, by_column, inside, half, frames
                )
                if total > best:
                    best, best_i, best_j = total, i, j
        if best >= least_sum:
            tracks[kept, 0] = seeds[s, 0] - middle * best_i * spacing
            tracks[kept, 1] = seeds[s, 1] - middle * best_j * spacing
            tracks[kept, 2] = velocities[seeds[s, 2], 0] - best_i * spacing
            tracks[kept, 3] = velocities[seeds[s, 2], 1] - best_j * spacing
            tracks[kept, 4] = best
            kept += 1
    return kept


@numba.njit(fastmath=FAST)
def _look(frame, weights, row, column):
    """Return the frame, counts, at a sub-pixel place, and 1; outside it 0 and 0."""
    i, j = math.floor(row), math.floor(column)
    if i < 0 or j < 0 or i + 1 >= frame.shape[0] or j + 1 >= frame.shape[1]:
        return np.float32(0.0), 0
    w = weights[np.int64((row - i) * weights.shape[0]), np.int64((column - j) * weights.shape[1])]
    i, j = np.int64(i), np.int64(j)
    upper = w[0, 0] * frame[i, j] + w[0, 1] * frame[i, j + 1]
    return upper + w[1, 0] * frame[i + 1, j] + w[1, 1] * frame[i + 1, j + 1], 1


@numba.njit(fastmath=FAST)
def _sum(history, slots, offsets, weights, row, column, row_velocity, column_velocity):
    """Return the integrated signal-to-noise ratio; the place is that in the middle of the window."""
    frames = offsets.shape[0]
    middle = 0.5 * (frames - 1)
    total = np.float32(0.0)
    for age in range(frames):
        at_row = row + (middle - age) * row_velocity + offsets[age, 0]
        at_column = column + (middle - age) * column_velocity + offsets[age, 1]
        total += _look(history[slots[age]], weights, at_row, at_column)[0]
    return total * QUANTUM / math.sqrt(frames)


@numba.njit(
    void(HISTORY, int64[::1], TRACKS, WEIGHTS, float64, float64, float64, TRACKS, int64), nogil=True, cache=True
)
def refine(history, slots, offsets, weights, fastest_px, first_px, last_px, tracks, count):
    """Move each track to the largest integrated signal-to-noise ratio nearby, and state it.

    tracks: row and column in the newest frame, velocities, ratio. offsets: (frames, 2). Place in the middle of the
    window and displacement over half of it are tried in steps from `first_px` down to `last_px`, halved in between.
    None is faster than `fastest_px` then.
    """
    middle = max(0.5 * (offsets.shape[0] - 1), 0.5)
    for t in range(count):
        r, c, vr, vc = (
            tracks[t, 0] - middle * tracks[t, 2],
            tracks[t, 1] - middle * tracks[t, 3],
            tracks[t, 2],
            tracks[t, 3],
        )
        # What followed the seeds also looked a little beyond.
        slower = fastest_px / max(math.sqrt(vr * vr + vc * vc), fastest_px)
        vr, vc = slower * vr, slower * vc
        best = _sum(history, slots, offsets, weights, r, c, vr, vc)
        step = first_px
        while step >= last_px:
            moved = False
            for axis in range(4):
                for sign in range(-1, 2, 2):
                    d = sign * step
                    nr, nc = r + (d if axis == 0 else 0.0), c + (d if axis == 1 else 0.0)
                    nvr = vr + (d * 1.5 / middle if axis == 2 else 0.0)
                    nvc = vc + (d * 1.5 / middle if axis == 3 else 0.0)
                    if nvr * nvr + nvc * nvc > fastest_px * fastest_px:
                        continue
                    value = _sum(history, slots, offsets, weights, nr, nc, nvr, nvc)
                    if value > best:
                        best, r, c, vr, vc, moved = value, nr, nc, nvr, nvc, True
                        break
            if not moved:
                step *= 0.5
        tracks[t, 0], tracks[t, 1] = r + middle * vr, c + middle * vc
        tracks[t, 2], tracks[t, 3], tracks[t, 4] = vr, vc, best


@numba.njit(
    void(HISTORY, int64[::1], TRACKS, WEIGHTS, TRACKS, float64[::1], int32[::1]), nogil=True, cache=True, fastmath=FAST
)
def sum_paths(history, slots, offsets, weights, tracks, sums, shown):
    """Fill sums along paths, signal-to-noise ratios, and how many frames show something there.

    tracks: (n, 4) row and column in the newest frame, velocities. offsets: (frames, 2). Four pixels that are all 0 are
    unknown.
    """
    for t in range(tracks.shape[0]):
        total, looked = np.float32(0.0), 0
        for age in range(offsets.shape[0]):
            row = tracks[t, 0] - age * tracks[t, 2] + offsets[age, 0]
            column = tracks[t, 1] - age * tracks[t, 3] + offsets[age, 1]
            frame = history[slots[age]]
            value, inside = _look(frame, weights, row, column)
            if inside:
                i, j = math.floor(row), math.floor(column)
                total += value
                looked += (frame[i, j] | frame[i, j + 1] | frame[i + 1, j] | frame[i + 1, j + 1]) != 0
        sums[t] = total * QUANTUM
        shown[t] = looked


@numba.njit(
    int64(HISTORY, int64[::1], TRACKS, WEIGHTS, float64, float64[::1], TRACKS, int64, int32[::1]),
    nogil=True,
    cache=True,
)
def separate(history, slots, offsets, weights, apart_px, least_snr, tracks, count, seen):
    """Return how many tracks, strongest first as given, keep `least_snr` without the light of stronger ones.

    least_snr: (n,) of each. Kept tracks move to the front; `seen` is filled with their frames. A track's light is what
    lies within `apart_px` of it, in each frame.
    """
    frames = offsets.shape[0]
    kept = 0
    for t in range(count):
        total = np.float32(0.0)
        looked = 0
        for age in range(frames):
            row, column = tracks[t, 0] - age * tracks[t, 2], tracks[t, 1] - age * tracks[t, 3]
            taken = False
            for k in range(kept):
                down, right = tracks[k, 0] - age * tracks[k, 2] - row, tracks[k, 1] - age * tracks[k, 3] - column
                if down * down + right * right < apart_px * apart_px:
                    taken = True
                    break
            if not taken:
                value, inside = _look(history[slots[age]], weights, row + offsets[age, 0], column + offsets[age, 1])
                total += value
                looked += inside
        if total * QUANTUM >= least_snr[t] * math.sqrt(frames):
            for field in range(5):
                tracks[kept, field] = tracks[t, field]
            seen[kept] = looked
            kept += 1
    return kept
