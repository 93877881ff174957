"""Loops over pixels that need correction or replacement. Sizes are checked in correction.py and detect.py."""

import numba
import numpy as np
from numba.core.types import Array, float32, int32, uint8, void

from services.ground_station.detection.kernels import FAST, FRAMES, LINES

# Samples of a line are kept apart by where along it they were taken: a target disturbs one of them, a dead line all.
PARTS = 5
# Columns or rows in each part, as far as the frame has them.
PART_PX = 16
# A line is bad that differs from those two lines off by so many times what lines of this frame typically do.
LINE_FACTOR = 6.0
# What a line typically does is the mean of differences cut at so many times that mean, so many times over.
CUT_FACTOR, CUTS = 3.0, 6
# Squares around a bad pixel in which good ones are looked for, by half width.
FURTHEST_PX = 16
# Fewest good neighbours a pixel is replaced from; a corner has three.
FEWEST = 3

CONSTANT_MAP = Array(float32, 2, "C", readonly=True)
CONSTANT_MASK = Array(uint8, 2, "C", readonly=True)


@numba.njit([void(frame, CONSTANT_MAP, CONSTANT_MAP, LINES) for frame in FRAMES], nogil=True, cache=True, fastmath=FAST)
def correct_frame(counts, gain, offset, clean):
    """Fill `clean` with gain * counts + offset, all (rows, columns)."""
    for i in range(counts.shape[0]):
        source, scale, shift, line = counts[i], gain[i], offset[i], clean[i]
        for j in range(counts.shape[1]):
            line[j] = scale[j] * np.float32(source[j]) + shift[j]


@numba.njit(void(LINES, CONSTANT_MASK, int32[::1], float32), nogil=True, cache=True)
def replace_pixels(clean, bad, cells, fallback):
    """Put the mean of the nearest good pixels into each of `cells`, flat indices of pixels where `bad` is not 0.

    The nearest are all good ones of the smallest square that has at least three. fallback: for a pixel without any.
    """
    rows, columns = clean.shape
    for n in range(cells.shape[0]):
        row, column = cells[n] // columns, cells[n] % columns
        clean[row, column] = fallback
        for half in range(1, FURTHEST_PX + 1):
            total, good = 0.0, 0
            for i in range(max(row - half, 0), min(row + half + 1, rows)):
                for j in range(max(column - half, 0), min(column + half + 1, columns)):
                    if bad[i, j] == 0:
                        total += clean[i, j]
                        good += 1
            if good >= FEWEST:
                clean[row, column] = total / good
                break


@numba.njit(fastmath=FAST)
def _sample_rows(counts, profile):
    """Fill (PARTS, rows) with mean counts of a few columns each."""
    rows, columns = counts.shape
    width = max(1, min(PART_PX, columns // PARTS))
    for i in range(rows):
        for part in range(PARTS):
            left = part * columns // PARTS
            total = np.float32(0.0)
            for j in range(left, left + width):
                total += np.float32(counts[i, j])
            profile[part, i] = total / width


@numba.njit(fastmath=FAST)
def _sample_columns(counts, profile):
    """Fill (PARTS, columns) with mean counts of a few rows each."""
    rows, columns = counts.shape
    tall = max(1, min(PART_PX, rows // PARTS))
    share = np.float32(1.0) / np.float32(tall)
    for part in range(PARTS):
        top = part * rows // PARTS
        sums = profile[part]
        sums[:] = np.float32(0.0)
        for i in range(top, top + tall):
            line = counts[i]
            for j in range(columns):
                sums[j] += np.float32(line[j]) * share


@numba.njit
def _shared_difference(profile, line, before, after):
    """Return by how much all parts of a line at least stand off two other lines, to the same side; 0: they do not."""
    least, most = np.float32(np.inf), np.float32(-np.inf)
    for part in range(PARTS):
        here = profile[part, line]
        one, two = here - profile[part, before], here - profile[part, after]
        least, most = min(least, one, two), max(most, one, two)
        if least <= 0.0 <= most:
            return np.float32(0.0)
    return max(least, -most)


@numba.njit(fastmath=FAST)
def _typical_difference(profile):
    """Return the mean difference of a line's parts to those of the line two on, bad lines' cut again and again."""
    lines = profile.shape[1]
    typical = np.float32(np.inf)
    for _ in range(CUTS):
        total, most = np.float32(0.0), np.float32(CUT_FACTOR) * typical
        for part in range(PARTS):
            here, there = profile[part], profile[part, 2:]
            for line in range(lines - 2):
                difference = abs(there[line] - here[line])
                total += difference if difference < most else most
        typical = total / np.float32((lines - 2) * PARTS)
    return typical


@numba.njit
def _odd_lines(profile, odd):
    """Set `odd` for lines that stand off the lines two to each side. Two lines off, so that a pair is seen too."""
    lines = profile.shape[1]
    least = LINE_FACTOR * _typical_difference(profile)
    for line in range(lines):
        before = line - 2 if line >= 2 else line + 3
        after = line + 2 if line + 2 < lines else line - 3
        odd[line] = _shared_difference(profile, line, before, after) > least


@numba.njit([void(frame, LINES, LINES, uint8[::1], uint8[::1]) for frame in FRAMES], nogil=True, cache=True)
def find_bad_lines(counts, row_profile, column_profile, odd_rows, odd_columns):
    """Set `odd_rows` and `odd_columns` to 1 for lines that are dead, stuck or offset as a whole, else to 0.

    Told from samples of each line in 5 places, all of which must stand off their neighbours. counts: at least 16 x 16.
    row_profile: (5, rows) and column_profile: (5, columns) work space.
    """
    _sample_rows(counts, row_profile)
    _odd_lines(row_profile, odd_rows)
    _sample_columns(counts, column_profile)
    _odd_lines(column_profile, odd_columns)
