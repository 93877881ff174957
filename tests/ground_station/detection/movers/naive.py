"""Slow, obvious twins of the kernels of dim movers: what they must return, said in plain NumPy."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
Counts = NDArray[np.int64]


def stored(residual: NDArray[np.float32]) -> NDArray[np.int8]:
    """Return the residual in sixteenths, rounded to the nearest (halves up), cut at 127; NaN: 0."""
    value = np.nan_to_num(residual.astype(np.float64) * 16, nan=0.0, posinf=1e9, neginf=-1e9)
    return np.floor(np.clip(value, -127, 127) + 0.5).astype(np.int8)


def at(frame: Counts, row: int, column: int) -> int:
    """Return a pixel; 0 outside the frame."""
    inside = 0 <= row < frame.shape[0] and 0 <= column < frame.shape[1]
    return int(frame[row, column]) if inside else 0


def path_sum(frames: list[Counts], offsets: Counts, path: Counts, row: int, column: int) -> int:
    """Return the sum of the eight frames, half standard deviations cut at -8 and 7, along one path of the bank."""
    total = 0
    for pair in range(4):
        look = path[2 + 2 * pair : 4 + 2 * pair]
        for older, age in ((0, 2 * pair), (1, 2 * pair + 1)):
            i, j = np.array([row, column]) + look + older * path[:2] + offsets[age]
            total += min(max((at(frames[age], i, j) + 4) // 8, -8), 7)
    return total


def seeds(
    frames: list[Counts], offsets: Counts, paths: NDArray[np.signedinteger[Any]], least_sum: int
) -> dict[tuple[int, int], int]:
    """Return places and sums of local maxima over place, of the best path each, tile edges of 32 x 128 left out."""
    rows, columns = frames[0].shape
    best = np.array(
        [
            [
                max(path_sum(frames, offsets, path, i, j) * 512 + n for n, path in enumerate(paths))
                for j in range(columns)
            ]
            for i in range(rows)
        ]
    )
    found = {}
    for i in range(1, min(rows, 32) - 1):
        for j in range(1, min(columns, 128) - 1):
            around = best[i - 1 : i + 2, j - 1 : j + 2].ravel()
            first = int(np.argmax(around)) == 4
            if first and best[i, j] >= least_sum * 512:
                found[(i, j)] = int(best[i, j]) >> 9
    return found


def integrated(frames: list[Counts], offsets: Float64, weights: NDArray[np.floating[Any]], track: Float64) -> float:
    """Return the integrated signal-to-noise ratio of a track given by its place in the newest frame and velocity."""
    total = 0.0
    for age, frame in enumerate(frames):
        row, column = track[:2] - age * track[2:4] + offsets[age]
        i, j = math.floor(row), math.floor(column)
        if 0 <= i < frame.shape[0] - 1 and 0 <= j < frame.shape[1] - 1:
            phase = weights[int((row - i) * weights.shape[0]), int((column - j) * weights.shape[1])]
            total += float(np.sum(phase * frame[i : i + 2, j : j + 2]))
    return total / 16 / math.sqrt(len(frames))
