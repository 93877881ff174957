"""A track's whole way from shared-out detections: the boost model's filter forwards, then smoothed backwards.

H. E. Rauch, F. Tung and C. T. Striebel, "Maximum likelihood estimates of linear dynamic systems", AIAA Journal 3
(1965) 1445; detections weigh as much as the chance that they are the track's (R. L. Streit and T. E. Luginbuhl,
"Probabilistic multi-hypothesis tracking", NUWC-NPT 10,428 (1995)).
"""

import math

import numpy as np
from numba import njit

from services.ground_station.tracking.bank.filters import correct, predict_slopes
from services.ground_station.tracking.bank.models import BOOST, SIZE

# A detection that is a track's with less chance than this says nothing of it.
LEAST_CHANCE = 0.02


@njit(cache=True, error_model="numpy")
def smooth(first_x, first_p, time_s, begins, origin, los, sigma_rad, chances, x_out, p_out, x_end, p_end):
    """Write a track's smoothed positions (looks, 3) with covariances (looks, 3, 3), and its state at the last look.

    first_x, first_p: what is known before the first look, at its time. time_s: (looks,). begins: (looks + 1,) where
    each look's detections begin in the arrays origin, los (n, 3), sigma_rad (n,) and chances (n,) of being the track's.
    """
    looks = len(time_s)
    x, p = first_x.copy(), first_p.copy()
    before_x, before_p = np.empty((looks, SIZE)), np.empty((looks, SIZE, SIZE))
    after_x, after_p = np.empty((looks, SIZE)), np.empty((looks, SIZE, SIZE))
    slopes = np.empty((looks, SIZE, SIZE))
    for k in range(looks):
        if k > 0:
            predict_slopes(BOOST, x, p, time_s[k] - time_s[k - 1], slopes[k])
        before_x[k], before_p[k] = x, p
        for n in range(begins[k], begins[k + 1]):
            if chances[n] > LEAST_CHANCE:
                correct(x, p, SIZE, origin[n], los[n], sigma_rad[n] / math.sqrt(chances[n]))
        after_x[k], after_p[k] = x, p
    x_end[:], p_end[:] = x, p
    for k in range(looks - 1, -1, -1):
        if k < looks - 1 and time_s[k + 1] > time_s[k]:
            gain = _gain(before_p[k + 1], slopes[k + 1] @ after_p[k])
            x = after_x[k] + gain @ (x - before_x[k + 1])
            p = after_p[k] + gain @ (p - before_p[k + 1]) @ gain.T
        for i in range(3):
            x_out[k, i] = x[i]
            for j in range(3):
                p_out[k, i, j] = p[i, j]


@njit(cache=True, error_model="numpy")
def _gain(before_p, crossed):
    """Return (before_p^-1 crossed)', solved with ones on the diagonal: metres and seconds per metre meet here."""
    scale = np.empty(SIZE)
    for i in range(SIZE):
        scale[i] = 1.0 / math.sqrt(max(before_p[i, i], 1e-30))
    scaled = np.empty((SIZE, SIZE))
    right = np.empty((SIZE, SIZE))
    for i in range(SIZE):
        for j in range(SIZE):
            scaled[i, j] = before_p[i, j] * scale[i] * scale[j]
            right[i, j] = crossed[i, j] * scale[i]
        # As much as rounding may take away.
        scaled[i, i] += 1e-10
    solved = np.linalg.solve(scaled, right)
    for i in range(SIZE):
        for j in range(SIZE):
            solved[i, j] *= scale[i]
    return np.ascontiguousarray(solved.T)
