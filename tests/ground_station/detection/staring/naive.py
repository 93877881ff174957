"""What the staring chain's kernels compute, said slowly: pixel by pixel, with one displacement a pixel."""

import math

import numpy as np
from numpy.typing import NDArray

from services.ground_station.detection.staring.kernels import (
    CLIP_SIGMA,
    FURTHEST,
    HALF,
    MARGIN,
    PHASES,
    TILE_COLUMNS,
    TILE_ROWS,
)
from services.ground_station.detection.staring.kernels.residual import STEEP

Float64 = NDArray[np.float64]


def filtered(counts: NDArray[np.uint16] | Float64, bias: float, taps: Float64) -> Float64:
    """Return the frame less `bias`, mirrored beyond its edge, correlated with the outer product of the taps."""
    padded = np.pad(counts.astype(np.float64) - bias, HALF, mode="reflect")
    line = np.concatenate([taps[:0:-1], taps])
    out = np.zeros(counts.shape)
    for i in range(counts.shape[0]):
        for j in range(counts.shape[1]):
            out[i, j] = line @ padded[i : i + 2 * HALF + 1, j : j + 2 * HALF + 1] @ line
    return out


def pixel_displacement(moved: Float64, i: int, j: int) -> tuple[float, float]:
    """Return how far pixel (i, j) of a tile is displaced; moved: (6,) as the kernels take it."""
    down, across = i - (TILE_ROWS - 1) / 2, j - (TILE_COLUMNS - 1) / 2
    return (
        float(moved[0] + down * moved[2] + across * moved[4]),
        float(moved[1] + down * moved[3] + across * moved[5]),
    )


def interpolated(source: Float64, row: float, column: float, table: Float64) -> float:
    """Return `source` between its cells, 4 x 4 of them, at the nearest tabled place."""
    i, j = math.floor(row), math.floor(column)
    a = table[math.floor((row - i) * PHASES + 0.5)]
    b = table[math.floor((column - j) * PHASES + 0.5)]
    return float(a @ source[i - 1 : i + 3, j - 1 : j + 3] @ b)


def predicted(source: Float64, tile_row: int, tile_column: int, moved: Float64, table: Float64) -> Float64:
    """Return (TILE_ROWS, TILE_COLUMNS) what a source with MARGIN around it shows in one tile of the frame."""
    out = np.zeros((TILE_ROWS, TILE_COLUMNS))
    for i in range(TILE_ROWS):
        for j in range(TILE_COLUMNS):
            dr, dc = pixel_displacement(moved, i, j)
            row, column = MARGIN + tile_row * TILE_ROWS + i + dr, MARGIN + tile_column * TILE_COLUMNS + j + dc
            out[i, j] = interpolated(source, row, column, table)
    return out


def normalised(response: Float64, prediction: Float64, slope_squares: Float64, noise: float, share: float) -> Float64:
    """Return a tile's residual, less its clipped mean, over its standard deviation."""
    e = response - prediction
    limit = CLIP_SIGMA * math.sqrt(noise)
    return np.asarray((e - np.clip(e, -limit, limit).mean()) / np.sqrt(noise + share * slope_squares))


def slope_squares(background: Float64, row: int, column: int) -> float:
    """Return the squared slope at one cell, central differences."""
    g = background[row + 1, column] - background[row - 1, column]
    h = background[row, column + 1] - background[row, column - 1]
    return float(0.25 * (g * g + h * h))


def seen_without(seen: NDArray[np.uint8], displacement: Float64, followed: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return looks with 0 below tiles not followed, and one cell around, moved by whole cells; none beyond FURTHEST."""
    left = seen.copy()
    for i, j in np.argwhere(~followed):
        row, column = (math.floor(each + 0.5) for each in displacement[i, j, :2])
        if np.abs(displacement[i, j, :2]).max() <= FURTHEST:
            top, begin = MARGIN + i * TILE_ROWS + row, MARGIN + j * TILE_COLUMNS + column
            left[top - 1 : top + TILE_ROWS + 1, begin - 1 : begin + TILE_COLUMNS + 1] = 0
    return left


def variance_fit(sums: Float64, floor: float, slight: float) -> tuple[float, float]:
    """Return noise and share of least squares e^2 = noise + share s over the cells behind `sums`."""
    n, s, ss, e, es = sums
    noise, share = np.linalg.solve([[n, s], [s, ss]], [e, es])
    if share * STEEP * math.sqrt(ss / n) < slight * max((e - max(share, 0.0) * s) / n, floor):
        return max(e / n, floor), 0.0
    return max(float(noise), floor), float(share)


def local_maxima(z: Float64, border: int, limit: float) -> list[tuple[int, int]]:
    """Return the pixels above `limit` that no neighbour exceeds, off the frame's border."""
    rows, columns = z.shape
    return [
        (i, j)
        for i in range(border, rows - border)
        for j in range(border, columns - border)
        if z[i, j] > limit and z[i, j] == z[i - 1 : i + 2, j - 1 : j + 2].max()
    ]
