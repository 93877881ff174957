"""The second look at candidates: arrays in, caller's arrays out. Sizes are checked in detect.py."""

import math

import numba
import numpy as np
from numba.core.types import UniTuple, float32, float64, int32, int64, void

from services.ground_station.detection.kernels import (
    BLOCK,
    BLOCKS,
    FRAMES,
    LINES,
    SIGMA_PER_MEAN,
    reference_sum,
)

# Blocks to each side over which wide and narrow magnitudes are compared: 7 x 7 blocks know their ratio to 1 %.
COMPARED = 3
# Standard deviations by which the levels of the inner and of the outer part of the wide square may differ.
LEVEL_SIGMA = 4.0
# A block whose wide level's noise is up to this part of the way from even noise (0) to no better than the narrow
# level's (1) counts as even.
EVEN_PART = 0.8
# The quick look's share of the threshold. In the smallest reference, a corner's 4 blocks, a point at threshold adds
# 3 % to its own noise.
QUICK_SHARE = 0.9
# A single bad pixel: so many standard deviations less light beside it than the sharpest point has, and less than half.
BAD_SIGMA = 4.0
# Nothing shines darkly: of dead pixels those are found that no optics with a point-spread function of 0.5 px leave.
DARK_SIDES = 0.93
# From this signal-to-noise ratio on a point's light, and a bad pixel's, shows in more than its next neighbours.
STRONG_SNR = 12.0


@numba.njit(void(BLOCKS, BLOCKS, float64, BLOCKS), nogil=True, cache=True)
def compare_levels(wide_sum, narrow_sum, even_ratio, block_ratio):
    """Fill `block_ratio` with the noise over the wide square's level over that of the narrow one's; 0: uneven.

    wide_sum, narrow_sum: as `filter_frame` leaves them. even_ratio: what white noise gives.
    """
    block_rows, block_columns = block_ratio.shape
    most = even_ratio + EVEN_PART * (1.0 - even_ratio)
    wide_line, narrow_line = np.empty(block_columns), np.empty(block_columns)
    for i in range(block_rows):
        wide_line[:] = 0.0
        narrow_line[:] = 0.0
        for k in range(max(i - COMPARED, 0), min(i + COMPARED + 1, block_rows)):
            for j in range(block_columns):
                wide_line[j] += wide_sum[k, j]
                narrow_line[j] += narrow_sum[k, j]
        for j in range(block_columns):
            wide, narrow = 0.0, 0.0
            for m in range(max(j - COMPARED, 0), min(j + COMPARED + 1, block_columns)):
                wide += wide_line[m]
                narrow += narrow_line[m]
            # Less than even noise has is somebody's light, not noise.
            block_ratio[i, j] = max(wide / narrow, even_ratio) if 0.0 < wide < most * narrow else 0.0


@numba.njit
def _own_noise(response, noise_sum, block_limit, row, column, guard, floor):
    """Return the noise, counts, at a point from the blocks around it less the cells of its own light."""
    rows, columns = response.shape
    block_rows, block_columns = noise_sum.shape
    i, j = min(row // BLOCK, block_rows - 1), min(column // BLOCK, block_columns - 1)
    total, cells = reference_sum(response, noise_sum, i, j)
    for k in range(max(row - guard, 0), min(row + guard + 1, rows)):
        for m in range(max(column - guard, 0), min(column + guard + 1, columns)):
            limit = block_limit[min(k // BLOCK, block_rows - 1), min(m // BLOCK, block_columns - 1)]
            total -= min(np.float64(abs(response[k, m])), limit)
            cells -= 1
    return max(SIGMA_PER_MEAN * total / cells, floor)


@numba.njit(fastmath={"reassoc", "contract", "nsz"})
def _square_sum(counts, row, column, half, bias):
    """Return the sum of counts, less `bias` each, in the square around a pixel as far as the frame goes."""
    rows, columns = counts.shape
    left, width = max(column - half, 0), min(column + half, columns - 1) + 1 - max(column - half, 0)
    total = np.float32(0.0)
    for i in range(max(row - half, 0), min(row + half, rows - 1) + 1):
        line = counts[i, left : left + width]
        for j in range(width):
            total += np.float32(line[j]) - bias
    return np.float64(total)


@numba.njit
def _square_cells(counts, row, column, half):
    rows, columns = counts.shape
    tall = min(row + half, rows - 1) + 1 - max(row - half, 0)
    return tall * (min(column + half, columns - 1) + 1 - max(column - half, 0))


@numba.njit
def _ring_mean(counts, row, column, inner, outer, bias):
    """Return the mean of counts, less `bias`, in a square without its inner square."""
    total = _square_sum(counts, row, column, outer, bias) - _square_sum(counts, row, column, inner, bias)
    return total / (_square_cells(counts, row, column, outer) - _square_cells(counts, row, column, inner))


@numba.njit(fastmath={"reassoc", "contract", "nsz"})
def _best_phase(counts, row, column, bias, level, profiles, shares, scale, projected):
    """Return the largest amplitude, over its standard deviation for noise of one count, of all sub-pixel phases."""
    phases, size = profiles.shape
    half = size // 2
    projected[:] = np.float32(0.0)
    for i in range(size):
        line = counts[row - half + i, column - half : column + half + 1]
        for j in range(size):
            value = np.float32(line[j]) - bias
            for a in range(phases):
                projected[j, a] += profiles[a, i] * value
    best = np.float32(-np.inf)
    for b in range(phases):
        for a in range(phases):
            total = -level * shares[a] * shares[b]
            for j in range(size):
                total += profiles[b, j] * projected[j, a]
            best = max(best, total * scale[a, b])
    return np.float64(best)


@numba.njit
def _single_pixel(counts, row, column, bias, level, pixel_noise, sides_share, sign):
    """Return the flat index of the pixel at a peak (sign 1) or pit (-1) that no optics made; -1: optics may have.

    A bad pixel has light of its own alone: beside it is less than the sharpest point has there. sides_share: that
    point's sum of the four side neighbours over the centre, on a pixel's centre.
    """
    rows, columns = counts.shape
    extreme, i0, j0 = -np.inf, row, column
    for i in range(row - 1, row + 2):
        for j in range(column - 1, column + 2):
            if sign * np.float64(counts[i, j]) > extreme:
                extreme, i0, j0 = sign * np.float64(counts[i, j]), i, j
    if i0 < 1 or j0 < 1 or i0 > rows - 2 or j0 > columns - 2:
        return -1
    base = sign * (np.float64(bias) + level)
    centre, sides = extreme - base, -4.0 * base
    for i, j in ((i0 - 1, j0), (i0 + 1, j0), (i0, j0 - 1), (i0, j0 + 1)):
        sides += sign * np.float64(counts[i, j])
    missing = sides_share * centre - sides
    doubt = BAD_SIGMA * pixel_noise * math.sqrt(4.0 + sides_share**2)
    return i0 * columns + j0 if missing > max(doubt, 0.5 * sides_share * centre) else -1


@numba.njit(
    [int64(frame, float32, BLOCKS, float64, int64[::1], int64, int32[::1]) for frame in FRAMES], nogil=True, cache=True
)
def keep_single_pixels(counts, bias, block_noise, gain, halves, darks, odd):
    """Return how many of the `darks` pixels in `odd`, flat indices, are single dead pixels; move those to its front.

    Each once. The other arguments are those of `refine_peaks`.
    """
    columns = counts.shape[1]
    kept = 0
    for n in range(darks):
        row, column = odd[n] // columns, odd[n] % columns
        i, j = min(row // BLOCK, block_noise.shape[0] - 1), min(column // BLOCK, block_noise.shape[1] - 1)
        level = _ring_mean(counts, row, column, halves[0], halves[1], bias)
        cell = _single_pixel(counts, row, column, bias, level, block_noise[i, j] / gain, DARK_SIDES, -1.0)
        if cell == odd[n]:
            odd[kept] = cell
            kept += 1
    return kept


@numba.njit
def _wide_level(counts, row, column, bias, half, inner_half, wide_half, pixel_noise):
    """Return the mean of the wide square, less `bias`, and whether its inner and outer parts agree on it.

    half: of the square that a point's light covers, taken out of the inner part.
    """
    near = _square_sum(counts, row, column, half, bias)
    inner = _square_sum(counts, row, column, inner_half, bias)
    whole = _square_sum(counts, row, column, wide_half, bias)
    near_cells, inner_cells = (2 * half + 1) ** 2, (2 * inner_half + 1) ** 2
    cells = (2 * wide_half + 1) ** 2
    difference = (whole - inner) / (cells - inner_cells) - (inner - near) / (inner_cells - near_cells)
    spread = pixel_noise * math.sqrt(1.0 / (cells - inner_cells) + 1.0 / (inner_cells - near_cells))
    return whole / cells, abs(difference) <= LEVEL_SIGMA * spread


@numba.njit(
    [
        UniTuple(int64, 2)(
            frame,
            float32,
            LINES,
            BLOCKS,
            BLOCKS,
            BLOCKS,
            BLOCKS,
            float64,
            int64,
            float64,
            float64,
            int64[::1],
            LINES,
            float32[::1],
            LINES,
            LINES,
            float64,
            float64,
            float64,
            int64,
            int64,
            int32[::1],
            float32[::1],
            float32[::1],
            int32[::1],
        )
        for frame in FRAMES
    ],
    nogil=True,
    cache=True,
)
def refine_peaks(
    counts,
    bias,
    response,
    noise_sum,
    block_limit,
    block_noise,
    block_ratio,
    floor,
    guard,
    gain,
    wide_gain,
    halves,
    profiles,
    shares,
    scale,
    projected,
    even_threshold,
    uneven_threshold,
    sides_share,
    known_odd,
    candidates,
    place,
    snr,
    noise,
    odd,
):
    """Return how many candidates are detections, and how many single bad pixels are in `odd` now.

    Detections are moved to the front of `place`, and `snr` and `noise` filled.

    Where the surroundings are even: the best of all sub-pixel phases, over the level of the wide square, against
    `even_threshold`. Elsewhere, and at the frame's edge: the response itself against `uneven_threshold`.

    block_noise: as the candidates were found with, a point's own light included. block_ratio: see `compare_levels`.
    floor: least noise of the response; gain, wide_gain: noise of the response over the narrow and over the wide
    level for noise of one count a pixel. guard: half width of the square in which a point's own light shows in the
    response. halves: of a point, of the narrow square, of the wide square's inner part and of the wide square.
    profiles: (phases, size) shares of a line of light in the pixels of `size` about a peak; shares: their sums.
    scale: (phases, phases) from the sum of counts times profiles, over the level, to noise of one count.
    projected: (size, phases) work space. sides_share: of the sharpest point there may be, see `_single_pixel`.
    odd: flat indices of single bad pixels; `known_odd` of them are there already, and those that look like a strong
    point are added as far as they fit. known_odd less than 0: nothing is taken for one.
    place: flat indices of candidates, in reading order. noise: comes back as that of one pixel, counts.
    """
    rows, columns = response.shape
    block_rows, block_columns = block_noise.shape
    point_half, narrow_half, inner_half, wide_half = halves[0], halves[1], halves[2], halves[3]
    half = profiles.shape[1] // 2
    found = 0
    for n in range(candidates):
        row, column = place[n] // columns, place[n] % columns
        i, j = min(row // BLOCK, block_rows - 1), min(column // BLOCK, block_columns - 1)
        ratio = block_ratio[i, j] / wide_gain
        even = ratio > 0.0 and min(row, rows - 1 - row, column, columns - 1 - column) >= wide_half
        level, best = 0.0, 0.0
        if even:
            level, even = _wide_level(counts, row, column, bias, half, inner_half, wide_half, block_noise[i, j] * ratio)
        if even:
            best = _best_phase(counts, row, column, bias, np.float32(level), profiles, shares, scale, projected)
            likely = best > QUICK_SHARE * even_threshold * block_noise[i, j] * ratio
        else:
            best = np.float64(response[row, column])
            likely = best > QUICK_SHARE * uneven_threshold * block_noise[i, j]
        if not likely:
            continue
        own = _own_noise(response, noise_sum, block_limit, row, column, guard, floor)
        if response[row, column] > STRONG_SNR * own and min(block_rows, block_columns) > 1:
            # Even what its own light leaves further out counts.
            own = _own_noise(response, noise_sum, block_limit, row, column, guard + point_half + 1, floor)
        pixel_noise = max(own * ratio, floor / gain) if even else own / gain
        value = best / pixel_noise if even else best / own
        if not value > (even_threshold if even else uneven_threshold):
            continue
        if known_odd >= 0:
            if not even:
                level = _ring_mean(counts, row, column, point_half, narrow_half, bias)
            cell = _single_pixel(counts, row, column, bias, level, pixel_noise, sides_share, 1.0)
            if cell >= 0:
                if value > STRONG_SNR and known_odd < odd.shape[0]:
                    odd[known_odd] = cell
                    known_odd += 1
                continue
        place[found] = place[n]
        snr[found] = value
        noise[found] = pixel_noise
        found += 1
    return found, max(known_odd, 0)
