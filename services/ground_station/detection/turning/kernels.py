"""The loops over pixels for a camera that turns: arrays in, caller's arrays out, nothing allocated on the way.

`tests/ground_station/detection/turning/naive.py` says the same slowly.
"""

import math

import numba
import numpy as np
from numba.core.types import Array, float32, float64, void

PICTURE = Array(float32, 2, "C", readonly=True)
PLANE = float32[:, ::1]


@numba.njit(void(PICTURE, PICTURE, float64[::1], float64, float64[:, ::1]), nogil=True, cache=True)
def motion_sums(earlier, later, motion, limit, sums):
    """Fill `sums` with least squares' normal equations for a correction of `motion`.

    motion: shift of rows and columns, pixels, and turn about the picture's middle, radians, from rows to columns: what
    is at p of `earlier` is at turned(p) + shift of `later`. limit: residuals beyond it count as much as one at it.
    sums: (4, 4); the symmetric 3 x 3 matrix, the right side in the last column; below it the sum of magnitudes of
    residuals, and their number.
    """
    rows, columns = later.shape
    middle_row, middle_column = 0.5 * (rows - 1), 0.5 * (columns - 1)
    cosine, sine = math.cos(motion[2]), math.sin(motion[2])
    rr = rc = rt = cc = ct = tt = re = ce = te = magnitude = 0.0
    number = 0
    for i in range(rows):
        u = i - middle_row - motion[0]
        for j in range(columns):
            v = j - middle_column - motion[1]
            row, column = cosine * u + sine * v, cosine * v - sine * u
            at_row, at_column = row + middle_row, column + middle_column
            if at_row < 0.0 or at_column < 0.0 or at_row >= rows - 1 or at_column >= columns - 1:
                continue
            k, m = np.int64(at_row), np.int64(at_column)
            a, b = at_row - k, at_column - m
            p, q, r, s = earlier[k, m], earlier[k, m + 1], earlier[k + 1, m], earlier[k + 1, m + 1]
            down = (r - p) + b * ((s - q) - (r - p))
            right = (q - p) + a * ((s - r) - (q - p))
            error = later[i, j] - (p + b * (q - p) + a * down)
            weight = 1.0 if abs(error) <= limit else limit / abs(error)
            # How the value at (i, j) answers to the shift and to the turn.
            to_row = sine * right - cosine * down
            to_column = -sine * down - cosine * right
            to_turn = down * column - right * row
            rr += weight * to_row * to_row
            rc += weight * to_row * to_column
            rt += weight * to_row * to_turn
            cc += weight * to_column * to_column
            ct += weight * to_column * to_turn
            tt += weight * to_turn * to_turn
            re += weight * to_row * error
            ce += weight * to_column * error
            te += weight * to_turn * error
            magnitude += abs(error)
            number += 1
    sums[0, 0], sums[0, 1], sums[0, 2], sums[0, 3] = rr, rc, rt, re
    sums[1, 0], sums[1, 1], sums[1, 2], sums[1, 3] = rc, cc, ct, ce
    sums[2, 0], sums[2, 1], sums[2, 2], sums[2, 3] = rt, ct, tt, te
    sums[3, 0], sums[3, 1], sums[3, 2], sums[3, 3] = magnitude, number, 0.0, 0.0


@numba.njit(void(PLANE, float64[:, ::1], PLANE, PLANE), nogil=True, cache=True)
def add_moved(response, places, total, frames):
    """Add `response` (bilinear) to `total`, and one to `frames` where it reaches.

    places: (2, 3) by which row, column and 1 of `total` give the place in `response`.
    """
    rows, columns = response.shape
    one = np.float32(1.0)
    for i in range(total.shape[0]):
        for j in range(total.shape[1]):
            at_row = places[0, 0] * i + places[0, 1] * j + places[0, 2]
            at_column = places[1, 0] * i + places[1, 1] * j + places[1, 2]
            if at_row < 0.0 or at_column < 0.0 or at_row >= rows - 1 or at_column >= columns - 1:
                continue
            k, m = np.int64(at_row), np.int64(at_column)
            a, b = np.float32(at_row - k), np.float32(at_column - m)
            upper = (one - b) * response[k, m] + b * response[k, m + 1]
            lower = (one - b) * response[k + 1, m] + b * response[k + 1, m + 1]
            total[i, j] += (one - a) * upper + a * lower
            frames[i, j] += one
