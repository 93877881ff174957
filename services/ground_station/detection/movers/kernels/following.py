"""Seeds followed over more frames, to the nearest pixel, in whole numbers."""

import numba
import numpy as np
from numba.core.types import Array, float64, int32, int64

from services.ground_station.detection.movers.kernels.layout import COARSER, FIXED, HISTORY, TRACKS
from services.ground_station.detection.movers.paths import BLOCK_FRAMES

TABLE = Array(float64, 2, "C", readonly=True)


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
