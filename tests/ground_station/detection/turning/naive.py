"""Slow, obvious twins of the kernels for a camera that turns: what they must return, said in plain NumPy."""

import math

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]


def bilinear(picture: Float64, row: float, column: float) -> float | None:
    """Return the value between four pixels; None where one of them is missing."""
    i, j = math.floor(row), math.floor(column)
    if i < 0 or j < 0 or i + 1 >= picture.shape[0] or j + 1 >= picture.shape[1]:
        return None
    a, b = row - i, column - j
    square = picture[i : i + 2, j : j + 2]
    return float(np.array([1 - a, a]) @ square @ np.array([1 - b, b]))


def turned_back(place: Float64, motion: Float64, shape: tuple[int, int]) -> Float64:
    """Return where in the earlier picture that is which the later one shows at `place`."""
    middle = (np.array(shape) - 1) / 2
    cosine, sine = math.cos(motion[2]), math.sin(motion[2])
    back = np.array([[cosine, sine], [-sine, cosine]])
    return np.asarray(back @ (place - middle - motion[:2]) + middle)


def residuals(earlier: Float64, later: Float64, motion: Float64) -> dict[tuple[int, int], float]:
    """Return the later picture less the earlier one moved, where both show the place."""
    found = {}
    for i in range(later.shape[0]):
        for j in range(later.shape[1]):
            value = bilinear(earlier, *turned_back(np.array([i, j]), motion, later.shape))
            if value is not None:
                found[i, j] = float(later[i, j]) - value
    return found


def moved(response: Float64, places: Float64, shape: tuple[int, int]) -> tuple[Float64, Float64]:
    """Return the response's values at the places of another frame's pixels, 0 where it has none, and 1 where it has."""
    total, frames = np.zeros(shape), np.zeros(shape)
    for i in range(shape[0]):
        for j in range(shape[1]):
            value = bilinear(response, *(places @ np.array([i, j, 1.0])))
            if value is not None:
                total[i, j], frames[i, j] = value, 1
    return total, frames
