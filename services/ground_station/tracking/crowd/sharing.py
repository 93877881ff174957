"""Whose detection is whose, in one look, when several tracks may have it: the chance of every pair."""

import math

import numpy as np
from numba import njit


@njit(cache=True, error_model="numpy")
def share_out(ratio, chances):  # noqa: PLR0912  # sums over subsets
    """Write the probability of every pairing of tracks with a look's detections, one to one; return log likelihood.

    ratio: (tracks, detections) likelihood of the pair over that of a miss and of clutter, 0 where none; chances: the
    same shape, out. The sum goes over all joint pairings (joint probabilistic data association, T. E. Fortmann, Y.
    Bar-Shalom and M. Scheffe, IEEE J. Oceanic Engineering 8 (1983) 173), by subsets of the detections that the tracks
    before and after have taken: for up to ten detections. The likelihood is that of the look whoever has what, over
    that of nothing but clutter and all tracks missed.
    """
    tracks, detections = ratio.shape
    subsets = 1 << detections
    ahead, behind = np.zeros((tracks + 1, subsets)), np.zeros((tracks + 1, subsets))
    ahead[0, 0] = 1.0
    for t in range(tracks):
        for taken in range(subsets):
            weight = ahead[t, taken]
            if weight == 0.0:
                continue
            ahead[t + 1, taken] += weight
            for d in range(detections):
                if ratio[t, d] > 0.0 and not taken >> d & 1:
                    ahead[t + 1, taken | 1 << d] += weight * ratio[t, d]
    behind[tracks, :] = 1.0
    for t in range(tracks - 1, -1, -1):
        for taken in range(subsets):
            weight = behind[t + 1, taken]
            for d in range(detections):
                if ratio[t, d] > 0.0 and not taken >> d & 1:
                    weight += ratio[t, d] * behind[t + 1, taken | 1 << d]
            behind[t, taken] = weight
    total = behind[0, 0]
    for t in range(tracks):
        for d in range(detections):
            chance = 0.0
            for taken in range(subsets if ratio[t, d] > 0.0 else 0):
                if ahead[t, taken] > 0.0 and not taken >> d & 1:
                    chance += ahead[t, taken] * ratio[t, d] * behind[t + 1, taken | 1 << d]
            chances[t, d] = chance / total
    return math.log(total)
