"""Slow, obvious twins of the kernels: what they must return, said in plain NumPy."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
Bool = NDArray[np.bool_]
Counts = NDArray[Any]


def filtered(counts: Counts, weights: Float64) -> Float64:
    """Return the correlation of `counts` with `weights`, mirrored beyond the edge."""
    half = weights.shape[0] // 2
    padded = np.pad(counts.astype(np.float64), half, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, weights.shape)
    return np.asarray(np.einsum("ijkl,kl->ij", windows, weights))


def block_slices(size: int, block: int) -> list[slice]:
    """Return the blocks along an axis; the last takes the remainder."""
    count = size // block
    return [slice(i * block, size if i == count - 1 else (i + 1) * block) for i in range(count)]


def around(array: Counts, i: int, j: int) -> Counts:
    """Return the 3 x 3 neighbourhood as far as the array goes."""
    return array[max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2]


def noise_cells(response: Float64, block: int, floor: float, suspect: float, clip: float) -> Float64:
    """Return each cell's magnitude as it counts for noise: cut in blocks that hold more than noise."""
    slices = [block_slices(size, block) for size in response.shape]
    means = np.array([[np.abs(response[r, c]).mean() for c in slices[1]] for r in slices[0]])
    cells = np.abs(response)
    to_sigma = math.sqrt(math.pi / 2)
    for i, r in enumerate(slices[0]):
        for j, c in enumerate(slices[1]):
            near = np.sort(around(means, i, j).ravel())
            typical = max((near[:-2] if len(near) > 2 else near).mean(), floor / to_sigma)
            if means[i, j] > suspect * typical:
                cells[r, c] = np.minimum(cells[r, c], clip * to_sigma * typical)
    return cells


def peaks(
    response: Float64,
    cells: Float64,
    block: int,
    floor: float,
    threshold: float,
    guard: int,
    strong: float,
    strong_guard: int,
) -> list[tuple[int, int, float]]:
    """Return (row, column, signal-to-noise ratio) of local maxima above threshold, in reading order.

    Those stronger than `strong` have a larger square left out of their noise, unless the frame is one block wide.
    """
    rows, columns = response.shape
    slices = [block_slices(size, block) for size in response.shape]
    found = []
    for row in range(1, rows - 1):
        for column in range(1, columns - 1):
            near = around(response, row, column).ravel()
            value = response[row, column]
            # Of equal neighbours the first in reading order counts.
            if value < near.max() or np.argmax(near) != 4:
                continue
            i = min(row // block, len(slices[0]) - 1)
            j = min(column // block, len(slices[1]) - 1)
            reference = np.zeros(response.shape, dtype=bool)
            top, bottom = slices[0][max(i - 1, 0)], slices[0][min(i + 1, len(slices[0]) - 1)]
            left, right = slices[1][max(j - 1, 0)], slices[1][min(j + 1, len(slices[1]) - 1)]
            reference[top.start : bottom.stop, left.start : right.stop] = True
            noise = 0.0
            for half in (guard, strong_guard):
                reference[max(row - half, 0) : row + half + 1, max(column - half, 0) : column + half + 1] = False
                noise = max(math.sqrt(math.pi / 2) * cells[reference].mean(), floor)
                if value <= strong * noise or min(len(slices[0]), len(slices[1])) == 1:
                    break
            if value > threshold * noise:
                found.append((row, column, value / noise))
    return found


def second_look(
    counts: Counts, row: int, column: int, sigma: float, phases: list[float], half: int, wide_half: int
) -> float:
    """Return the largest amplitude of a point at any phase about a pixel, over its deviation for noise of one count.

    Least squares over the wide square, the point's light taken within `half` of the pixel, the level being the mean.
    """
    window = counts[row - wide_half : row + wide_half + 1, column - wide_half : column + wide_half + 1].astype(float)
    best = -math.inf
    for down in phases:
        for right in phases:
            light = spot((window.shape[0], window.shape[1]), wide_half + down, wide_half + right, sigma)
            near = np.zeros(window.shape, dtype=bool)
            near[wide_half - half : wide_half + half + 1, wide_half - half : wide_half + half + 1] = True
            deviation = np.where(near, light, 0.0)
            deviation -= deviation.mean()
            best = max(best, float(np.sum(deviation * window) / np.sqrt(np.sum(deviation**2))))
    return best


def levels_agree(counts: Counts, row: int, column: int, halves: list[int], pixel_noise: float, limit: float) -> bool:
    """Return whether the mean of the wide square's inner ring is that of its outer ring, within `limit` deviations."""
    rows, columns = np.indices(counts.shape)
    far = np.maximum(np.abs(rows - row), np.abs(columns - column))
    inner = counts[(far > halves[0]) & (far <= halves[1])].astype(float)
    outer = counts[(far > halves[1]) & (far <= halves[2])].astype(float)
    return bool(abs(outer.mean() - inner.mean()) <= limit * pixel_noise * math.sqrt(1 / inner.size + 1 / outer.size))


def single_pixel(counts: Counts, row: int, column: int, level: float, noise: float, sides: float, limit: float) -> bool:
    """Return whether the brightest pixel at a peak has less light beside it than the sharpest point would."""
    near = counts[row - 1 : row + 2, column - 1 : column + 2]
    down, right = np.unravel_index(np.argmax(near), near.shape)
    i, j = row - 1 + int(down), column - 1 + int(right)
    above = counts.astype(float) - level
    missing = sides * above[i, j] - (above[i - 1, j] + above[i + 1, j] + above[i, j - 1] + above[i, j + 1])
    return bool(missing > max(limit * noise * math.sqrt(4 + sides**2), 0.5 * sides * above[i, j]))


def replaced(frame: Float64, bad: Bool, fewest: int, furthest: int) -> Float64:
    """Return the frame with bad pixels as the mean of the good ones in the smallest square that has enough."""
    result = frame.copy()
    for row, column in np.argwhere(bad):
        for half in range(1, furthest + 1):
            near = slice(max(row - half, 0), row + half + 1), slice(max(column - half, 0), column + half + 1)
            good = ~bad[near]
            if good.sum() >= fewest:
                result[row, column] = frame[near][good].mean()
                break
    return result


def odd_lines(samples: Float64, factor: float, cut_factor: float, cuts: int) -> Bool:
    """Return which lines stand off the lines two to each side in all their parts; samples: (lines, parts)."""
    count = len(samples)
    typical = math.inf
    for _ in range(cuts):
        typical = float(np.minimum(np.abs(samples[2:] - samples[:-2]), cut_factor * typical).mean())
    odd = np.zeros(count, dtype=bool)
    for line in range(count):
        others = [line - 2 if line >= 2 else line + 3, line + 2 if line + 2 < count else line - 3]
        differences = samples[line] - samples[others]
        same_side = np.all(differences > 0) or np.all(differences < 0)
        odd[line] = same_side and np.abs(differences).min() > factor * typical
    return odd


def rim_mean(counts: Counts, row: int, column: int, half: int) -> float:
    """Return the mean count on the rim of the square around a pixel."""
    rows, columns = np.indices(counts.shape)
    top, bottom = max(row - half, 0), min(row + half, counts.shape[0] - 1)
    left, right = max(column - half, 0), min(column + half, counts.shape[1] - 1)
    inside = (rows >= top) & (rows <= bottom) & (columns >= left) & (columns <= right)
    rim = inside & ((rows == top) | (rows == bottom) | (columns == left) | (columns == right))
    return float(counts[rim].astype(np.float64).mean())


def extent(counts: Counts, row: int, column: int, half: int, level: float, taken: Bool) -> tuple[Bool, bool]:
    """Return the pixels above `level` connected with a pixel inside a square, and whether they reach its rim."""
    rows, columns = np.indices(counts.shape)
    far = np.maximum(np.abs(rows - row), np.abs(columns - column))
    above = (counts > level) & ~taken
    region = np.zeros(counts.shape, dtype=bool)
    region[row, column] = True
    reached = False
    while True:
        windows = np.lib.stride_tricks.sliding_window_view(np.pad(region, 1), (3, 3))
        grown = windows.any(axis=(2, 3)) & above
        reached |= bool(np.any(grown & (far >= half) & ~region))
        grown = (grown & (far < half)) | region
        if np.array_equal(grown, region):
            return region, reached
        region = grown


def spot(shape: tuple[int, int], row: float, column: float, sigma: float) -> Float64:
    """Return a Gaussian point source of one count in total, integrated over pixels."""
    scale = math.sqrt(2) * sigma

    def shares_of(size: int, place: float) -> Float64:
        edges = (np.arange(size + 1) - 0.5 - place) / scale
        shares: Float64 = np.diff(np.array([0.5 * math.erf(edge) for edge in edges]))
        return shares

    return np.asarray(np.outer(shares_of(shape[0], row), shares_of(shape[1], column)))


def fit_point(window: Float64, row: float, column: float, sigma: float) -> Float64:
    """Return amplitude, background, row and column of the least-squares point source, by numeric derivatives."""
    place = np.array([window.max() - window.min(), window.min(), row, column])

    def model(p: Float64) -> Float64:
        image: Float64 = p[0] * spot((window.shape[0], window.shape[1]), p[2], p[3], sigma) + p[1]
        return image.ravel()

    for _ in range(50):
        steps = np.array([1e-4 * max(place[0], 1.0), 1e-4, 1e-5, 1e-5])
        slopes = [(model(place + step) - model(place - step)) / (2 * step.max()) for step in np.diag(steps)]
        move = np.linalg.lstsq(np.stack(slopes, axis=1), window.ravel() - model(place))[0]
        move[2:] = np.clip(move[2:], -0.5, 0.5)
        place += move
    return place
