"""Extent, place and amplitude of hot points: arrays in, caller's arrays out. Sizes are checked in detect.py."""

import math

import numba
import numpy as np
from numba.core.types import Array, float32, float64, int32, int64, uint8, uint16

# Half widths of the squares on whose rim a point's surroundings are read; the next is taken where it fills one. What
# fills the largest is scenery.
RIMS = (4, 8, 16)
# Part of the way from the surroundings to the peak from which pixels count for a point's area.
HALF = 0.5
# Standard deviations of a pixel's noise by which a point on a slope must stand above the rim.
CLEARLY_SIGMA = 1.0
# Gauss-Newton steps at most, and the step after which what is left to go is less than a tenth of MODEL_SIGMA_PX.
FIT_STEPS, LAST_STEP_PX = 8, 1e-3
# A point lies within its peak pixel or the half of a neighbour; a fit that goes further has found something else.
FARTHEST_PX = 1.5
# Best that any place is known: no point-spread function is quite Gaussian, and bright points bring photon noise of
# their own, which at a signal-to-noise ratio of 300 is as much as this.
MODEL_SIGMA_PX = 0.003
# Variance where the fit found nothing: anywhere within the peak pixel and its neighbours, uniform over 3 px.
UNKNOWN_VARIANCE_PX2 = 9.0 / 12.0
# Part of its diameter to which the place of an extended source means anything: the centre of light of a patch, not
# of a point. Its shape changes from frame to frame.
EXTENDED_PLACE = 0.1
# Standard deviations of chi-square above its mean from which residuals show more than the pixels' noise.
MISFIT_SIGMA = 2.0


@numba.njit
def _rim(counts, row, column, half):
    """Return mean and largest count on the rim of the square around (row, column), as far as the frame goes."""
    rows, columns = counts.shape
    top, bottom = max(row - half, 0), min(row + half, rows - 1)
    left, right = max(column - half, 0), min(column + half, columns - 1)
    total, largest, pixels = 0.0, -np.inf, 0
    for i in range(top, bottom + 1):
        # Whole top and bottom lines, of the others the two ends.
        step = 1 if i in (top, bottom) else max(right - left, 1)
        for j in range(left, right + 1, step):
            count = np.float64(counts[i, j])
            total += count
            largest = max(largest, count)
            pixels += 1
    return total / pixels, largest


@numba.njit
def _peak_count(counts, row, column):
    """Return the largest count of the 3 x 3 pixels; the response peaks between two pixels that are as bright."""
    largest = np.float64(counts[row, column])
    for i in range(row - 1, row + 2):
        for j in range(column - 1, column + 2):
            largest = max(largest, np.float64(counts[i, j]))
    return largest


@numba.njit
def _grow(counts, label, number, row, column, level, half, cells, used):
    """Label the pixels above `level` that hang together with (row, column), eight neighbours each.

    Stays within the square of half width `half`, and off what others have labelled. Appends flat indices to `cells`
    from `used` on. Returns (used, whether the square's rim was reached).
    """
    rows, columns = counts.shape
    first = used
    cells[used] = row * columns + column
    label[row, column] = number
    used += 1
    reached = False
    done = first
    while done < used:
        i0, j0 = cells[done] // columns, cells[done] % columns
        done += 1
        for i in range(max(i0 - 1, 0), min(i0 + 2, rows)):
            for j in range(max(j0 - 1, 0), min(j0 + 2, columns)):
                if label[i, j] != 0 or np.float64(counts[i, j]) <= level:
                    continue
                if abs(i - row) >= half or abs(j - column) >= half:
                    reached = True
                    continue
                label[i, j] = number
                cells[used] = i * columns + j
                used += 1
    return used, reached


@numba.njit
def _clear(label, cells, first, used):
    for k in range(first, used):
        label[cells[k] // label.shape[1], cells[k] % label.shape[1]] = 0


@numba.njit
def _extent(counts, label, number, row, column, cells, first, largest, extent_level, pixel_noise):
    """Label a point's extent. Returns (cells used, mean count of its surroundings); no cells where it is scenery.

    A point on a bright slope runs out of every square before its height has halved. Should it stand clearly above all
    of the smallest rim, its extent ends at that rim's brightest pixel.
    """
    peak = _peak_count(counts, row, column)
    used, surroundings = first, 0.0
    for half in RIMS:
        _clear(label, cells, first, used)
        surroundings, _ = _rim(counts, row, column, half)
        level = surroundings + extent_level * (peak - surroundings)
        used, reached = _grow(counts, label, number, row, column, level, half, cells, first)
        if not reached and used - first <= largest:
            return used, surroundings
    _clear(label, cells, first, used)
    surroundings, brightest = _rim(counts, row, column, np.int64(RIMS[0]))
    if peak <= brightest + CLEARLY_SIGMA * pixel_noise:
        return first, surroundings
    used, _ = _grow(counts, label, number, row, column, brightest, np.int64(RIMS[0]), cells, first)
    return used, surroundings


@numba.njit
def _area(counts, cells, first, used, surroundings, peak):
    """Return how many cells lie above half of the peak, at least one."""
    columns = counts.shape[1]
    level = surroundings + HALF * (peak - surroundings)
    above = 0
    for k in range(first, used):
        above += np.float64(counts[cells[k] // columns, cells[k] % columns]) > level
    return max(above, 1)


@numba.njit
def _fill_profile(place, sigma, share, slope):
    """Fill pixels' shares of a Gaussian line along one axis, and how they change with the line's place, px."""
    scale = 1.0 / (math.sqrt(2.0) * sigma)
    height = 1.0 / (math.sqrt(2.0 * math.pi) * sigma)
    edge = (-0.5 - place) * scale
    below, steep = 0.5 * math.erf(edge), height * math.exp(-edge * edge)
    for i in range(share.shape[0]):
        edge = (i + 0.5 - place) * scale
        above, next_steep = 0.5 * math.erf(edge), height * math.exp(-edge * edge)
        share[i], slope[i] = above - below, steep - next_steep
        below, steep = above, next_steep


@numba.njit
def _invert(normal):
    """Invert the symmetric positive definite 4 x 4 `normal` in place by Gauss-Jordan; return whether that went."""
    for k in range(4):
        pivot = normal[k, k]
        if not pivot > 1e-12:
            return False
        normal[k, k] = 1.0
        for j in range(4):
            normal[k, j] /= pivot
        for i in range(4):
            if i != k:
                factor = normal[i, k]
                normal[i, k] = 0.0
                for j in range(4):
                    normal[i, j] -= factor * normal[k, j]
    return True


@numba.njit
def _product(matrix, vector, row):
    """Return a row's product; a call of BLAS would take longer than the fit's other arithmetic."""
    total = 0.0
    for j in range(4):
        total += matrix[row, j] * vector[j]
    return total


@numba.njit
def _cut_window(counts, bad, row, column, saturation, window):
    """Fill `window` with the counts around (row, column); NaN for pixels saturated, bad or outside the frame."""
    rows, columns = counts.shape
    half = window.shape[0] // 2
    for i in range(window.shape[0]):
        for j in range(window.shape[1]):
            k, m = row + i - half, column + j - half
            window[i, j] = np.nan
            if 0 <= k < rows and 0 <= m < columns and counts[k, m] < saturation and bad[k, m] == 0:
                window[i, j] = np.float64(counts[k, m])


@numba.njit
def _accumulate(window, sigma, place, line, normal, gradient):
    """Fill the normal equations of the fit at `place`; return (sum of squared residuals, pixels used).

    place: amplitude, background, row and column in the window. The equations' unknowns are steps of amplitude, of
    background, and of row and column times amplitude, so that they are well scaled for any amplitude.
    line: (4, size) work space.
    """
    normal[:] = 0.0
    gradient[:] = 0.0
    squares, used = 0.0, 0
    _fill_profile(place[2], sigma, line[0], line[1])
    _fill_profile(place[3], sigma, line[2], line[3])
    for i in range(window.shape[0]):
        u, du = line[0, i], line[1, i]
        for j in range(window.shape[1]):
            count = window[i, j]
            if math.isnan(count):
                continue
            v, dv = line[2, j], line[3, j]
            slope = (u * v, 1.0, du * v, u * dv)
            residual = count - place[1] - place[0] * u * v
            squares += residual * residual
            used += 1
            for k in range(4):
                gradient[k] += slope[k] * residual
                for m in range(k + 1):
                    normal[k, m] += slope[k] * slope[m]
    for k in range(4):
        for m in range(k):
            normal[m, k] = normal[k, m]
    return squares, used


@numba.njit
def _fit_point(window, sigma, pixel_noise, place, line, normal, gradient, covariance):
    """Fit a point source and its background by least squares (Gauss-Newton); return whether that went.

    place: starts and ends as amplitude, background, row and column in the window. covariance: row-row, row-column,
    column-column from the inverse normal equations, with the pixels' noise or, where clearly larger, what the
    residuals show.
    """
    centre = window.shape[0] // 2
    for _ in range(FIT_STEPS):
        _accumulate(window, sigma, place, line, normal, gradient)
        if not _invert(normal):
            return False
        place[0] += _product(normal, gradient, 0)
        place[1] += _product(normal, gradient, 1)
        if not place[0] > 0.0:
            return False
        move_row, move_column = _product(normal, gradient, 2) / place[0], _product(normal, gradient, 3) / place[0]
        place[2] += min(max(move_row, -0.5), 0.5)
        place[3] += min(max(move_column, -0.5), 0.5)
        if abs(place[2] - centre) > FARTHEST_PX or abs(place[3] - centre) > FARTHEST_PX:
            return False
        if abs(move_row) < LAST_STEP_PX and abs(move_column) < LAST_STEP_PX:
            break
    squares, used = _accumulate(window, sigma, place, line, normal, gradient)
    if used < 6 or not _invert(normal):
        return False
    # Residuals of a true point scatter about the pixels' variance; only what is clearly more is taken for itself, or
    # the variance would be too large on average.
    variance, shown = pixel_noise * pixel_noise, squares / (used - 4)
    if shown > variance * (1.0 + MISFIT_SIGMA * math.sqrt(2.0 / (used - 4))):
        variance = shown
    variance /= place[0] * place[0]
    covariance[0] = normal[2, 2] * variance + MODEL_SIGMA_PX**2
    covariance[1] = normal[2, 3] * variance
    covariance[2] = normal[3, 3] * variance + MODEL_SIGMA_PX**2
    return True


@numba.njit
def _centre_of_light(counts, cells, first, used, surroundings, pixel_noise, place, covariance):
    """Fill place and covariance of an extended source: its centre of light, and amplitude its light in total."""
    columns = counts.shape[1]
    light, row_sum, column_sum = 0.0, 0.0, 0.0
    for k in range(first, used):
        i, j = cells[k] // columns, cells[k] % columns
        weight = np.float64(counts[i, j]) - surroundings
        light += weight
        row_sum += weight * i
        column_sum += weight * j
    place[0], place[1] = light, surroundings
    place[2], place[3] = row_sum / light, column_sum / light
    # A pixel's own second moment, without which a line one pixel wide would be known exactly across.
    pixels = used - first
    rr, rc, cc = pixels / 12.0, 0.0, pixels / 12.0
    for k in range(first, used):
        i, j = cells[k] // columns - place[2], cells[k] % columns - place[3]
        rr += i * i
        rc += i * j
        cc += j * j
    # Noise of the pixels, and that the shape is no point: a part of its own second moments.
    scale = (pixel_noise / light) ** 2 + EXTENDED_PLACE**2 / pixels
    covariance[0], covariance[1], covariance[2] = rr * scale, rc * scale, cc * scale


@numba.njit(
    [
        int64(
            Array(dtype, 2, "C", readonly=True),
            uint8[:, ::1],
            int64[::1],
            float64[::1],
            float64,
            float64,
            int64,
            int64,
            int64,
            float64,
            int32[:, ::1],
            int32[::1],
            float64[:, ::1],
            int64[::1],
        )
        for dtype in (uint8, uint16, float32)
    ],
    nogil=True,
    cache=True,
)
def measure_points(
    counts,
    bad,
    peaks,
    pixel_noise,
    sigma,
    saturation,
    fit_half,
    largest_point,
    largest_extent,
    extent_level,
    label,
    cells,
    measures,
    area,
):
    """Measure points, strongest first; return how many pixels of `label` were set, their indices in `cells`.

    bad: (rows, columns) not 0 where a pixel's count is not its own.
    peaks: (n,) flat indices of response maxima, none on the outermost pixels, strongest first.
    pixel_noise: (n,) standard deviation of one pixel there, counts. sigma: of the point-spread function, px.
    saturation: counts from which a pixel says no more than that. fit_half: half width of the fit's square.
    largest_point: extents of more pixels are extended sources, for which the point fit has no meaning.
    label: (rows, columns) zeros; comes back with 1 + the point's number in its extent. cells: (rows * columns,).
    measures: (n, 6) row, column, their covariance row-row, row-column, column-column, amplitude.
    largest_extent: extents of more pixels are scenery. extent_level: where extents end, as a part of the way from a
    point's surroundings to its peak.
    area: (n,) pixels of the extent above half of the peak; 0: no point of its own, but scenery or within a stronger
    point's extent.
    """
    columns = counts.shape[1]
    place, covariance = np.empty(4), np.empty(3)
    normal, gradient = np.empty((4, 4)), np.empty(4)
    window, line = np.empty((2 * fit_half + 1, 2 * fit_half + 1)), np.empty((4, 2 * fit_half + 1))
    # Typed, for numba would compile once more for the constant it begins with.
    used = np.int64(0)
    for n in range(peaks.shape[0]):
        row, column = peaks[n] // columns, peaks[n] % columns
        area[n] = 0
        if label[row, column] != 0:
            continue
        first = used
        used, surroundings = _extent(
            counts, label, n + 1, row, column, cells, used, largest_extent, extent_level, pixel_noise[n]
        )
        if used == first:
            continue
        area[n] = _area(counts, cells, first, used, surroundings, _peak_count(counts, row, column))
        if area[n] > largest_point:
            _centre_of_light(counts, cells, first, used, surroundings, pixel_noise[n], place, covariance)
        else:
            _cut_window(counts, bad, row, column, saturation, window)
            height = max(_peak_count(counts, row, column) - surroundings, pixel_noise[n])
            place[0], place[1], place[2], place[3] = height, surroundings, fit_half, fit_half
            if not _fit_point(window, sigma, pixel_noise[n], place, line, normal, gradient, covariance):
                place[0], place[2], place[3] = height, fit_half, fit_half
                covariance[0], covariance[1], covariance[2] = UNKNOWN_VARIANCE_PX2, 0.0, UNKNOWN_VARIANCE_PX2
            place[2] += row - fit_half
            place[3] += column - fit_half
        measures[n, 0], measures[n, 1], measures[n, 5] = place[2], place[3], place[0]
        measures[n, 2], measures[n, 3], measures[n, 4] = covariance[0], covariance[1], covariance[2]
    return used
