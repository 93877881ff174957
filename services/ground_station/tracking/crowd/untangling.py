"""Tracks that crowd: all their looks of the last while shared out anew among them.

In a salvo, what is whose cannot be said look by look; which ways explain all looks can. But the likeliest sharing is
not the true one: who has five detections to choose from finds ways that fit better than the true ones. So whose a
detection is, is summed over: ways are sought that make the looks likeliest whoever has what (expectation and
maximisation, A. P. Dempster, N. M. Laird and D. B. Rubin, J. Royal Statistical Society B 39 (1977) 1), with few
parameters each, most of them known from all. From several beginnings, coarsely first (A. L. Yuille et al., Neural
Computation 6 (1994) 334).
"""

import math

import numpy as np
from numba import njit

from services.ground_station.tracking.association.assignment import assign
from services.ground_station.tracking.crowd.sharing import share_out
from services.ground_station.tracking.crowd.ways import add_detections, fly_way, log_prior, put_ways_right

# Variances count for so many times more in successive rounds: from a beginning without ways, and from one with them.
COARSE = np.array([4.0, 4.0, 2.0, 2.0, 1.0, 1.0, 1.0])
SETTLED = np.array([1.0, 1.0, 1.0])
# Ways that the tracks are given go round until a round brings less log likelihood than this, at most so often.
GAIN, MOST_ROUNDS = 0.3, 15
# Directions along which the members are ordered for a beginning: the axes, and the diagonals between them.
ORDERS = np.array(
    [
        [1.0, 0.0, 0.0],
        [0.0, 1.0, 0.0],
        [0.0, 0.0, 1.0],
        [1.0, 1.0, 1.0],
        [1.0, 1.0, -1.0],
        [1.0, -1.0, 1.0],
        [-1.0, 1.0, 1.0],
    ]
)
# Ways without any are sought in the first looks, over so long, s; where they have not crossed often yet. Then looks are
# added, each time so many times more.
FIRST_S = 20.0
LONGER = 1.3
# Log likelihood by which new ways have to be better than those that the tracks have.
WORTH = 3.0
# A product of ten ratios must not overflow.
MOST_LOG = 60.0
# A pair whose likelihood ratio has a lower log is none.
LEAST_LOG = -10.0


@njit(cache=True, error_model="numpy")
def untangle(looks, common, owner, tracks, anew, x, known, middle_known, output, jacobian):
    """Find the tracks' ways, x (m, P); share the detections out, owner (n,); return how far off these are.

    owner: whose each detection has been until now. anew: seek ways without these, too, and keep what is likelier.
    known, middle_known: covariances as of `put_ways_right`. output (m, 12) and jacobian (m, 9, P): of each way's end.
    What comes back is the mean squared distance of the detections from their ways, in units of its expectation.
    """
    width, count = len(common.parameters), len(looks.time_s)
    aside, slopes = np.empty((tracks, count, 2)), np.empty((tracks, count, 2, width))
    work = (aside, slopes, output, jacobian, known, middle_known)
    middle = common.parameters.copy()
    chances = np.zeros((tracks, len(owner)))
    for n in range(len(owner)):
        chances[owner[n], n] = 1.0
    for t in range(tracks):
        x[t] = common.parameters
    _begin(looks, count, common, chances, x, middle, work)
    best = _settle(looks, count, common, chances, x, middle, work)
    if anew:
        fresh, fresh_middle, fresh_chances = np.empty_like(x), middle.copy(), np.zeros_like(chances)
        found = _seek(looks, common, fresh_chances, fresh, fresh_middle, work)
        if found > best + WORTH or not math.isfinite(best):
            x[:, :], middle[:], chances[:, :] = fresh, fresh_middle, fresh_chances
    _look_back(looks, common, chances, x, work)
    _decide(chances, looks.begins, owner)
    return _misfit(looks, chances, aside)


@njit(cache=True, error_model="numpy")
def _begin(looks, count, common, chances, x, middle, work):
    """Put ways right by chances alone."""
    for t in range(len(x)):
        fly_way(looks, count, common, x[t], work[0][t], work[1][t], work[2][t], work[3][t])
    _put_right(looks, count, common, chances, x, middle, work)


@njit(cache=True, error_model="numpy")
def _put_right(looks, count, common, chances, x, middle, work):
    tracks, width = x.shape
    normals, gradients = np.empty((tracks, width, width)), np.empty((tracks, width))
    for t in range(tracks):
        add_detections(looks, count, chances[t], work[0][t], work[1][t], common.apart, False, normals[t], gradients[t])
    put_ways_right(normals, gradients, common, x, middle, work[4], work[5])


@njit(cache=True, error_model="numpy")
def _agree(looks, count, common, rounds, chances, x, middle, work):
    """Let ways and chances follow from each other over the first `count` looks; return their log likelihood."""
    for coarse in rounds:
        _share(looks, count, common, coarse, chances, x, work)
        _put_right(looks, count, common, chances, x, middle, work)
    return _share(looks, count, common, 1.0, chances, x, work) + log_prior(common, x, middle)


@njit(cache=True, error_model="numpy")
def _settle(looks, count, common, chances, x, middle, work):
    """Do the same until that gains no more; a round that leads down is halved."""
    best, best_x, best_middle = -np.inf, x.copy(), middle.copy()
    for _ in range(MOST_ROUNDS):
        now = _share(looks, count, common, 1.0, chances, x, work) + log_prior(common, x, middle)
        if now > best:
            gain, best = now - best, now
            best_x[:, :], best_middle[:] = x, middle
            if gain < GAIN:
                break
            _put_right(looks, count, common, chances, x, middle, work)
        else:
            x[:, :], middle[:] = (x + best_x) / 2.0, (middle + best_middle) / 2.0
    x[:, :], middle[:] = best_x, best_middle
    return _share(looks, count, common, 1.0, chances, x, work) + log_prior(common, x, middle)


@njit(cache=True, error_model="numpy")
def _share(looks, count, common, coarse, chances, x, work):
    """Write the chances (m, n) that follow from ways; return the looks' log likelihood, variances times `coarse`."""
    tracks, total, aside = len(x), 0.0, work[0]
    for t in range(tracks):
        fly_way(looks, count, common, x[t], aside[t], work[1][t], work[2][t], work[3][t])
    for k in range(count):
        begin, end = looks.begins[k], looks.begins[k + 1]
        ratio, shared = np.empty((tracks, end - begin)), np.empty((tracks, end - begin))
        for n in range(begin, end):
            variance = looks.sigma_rad[n] ** 2 * coarse
            level = looks.odds - math.log(2.0 * math.pi * variance)
            for t in range(tracks):
                off_0, off_1 = looks.aside_rad[n, 0] - aside[t, k, 0], looks.aside_rad[n, 1] - aside[t, k, 1]
                log = level - 0.5 * (off_0 * off_0 + off_1 * off_1) / variance
                ratio[t, n - begin] = math.exp(min(log, MOST_LOG)) if log > LEAST_LOG else 0.0
        total += share_out(ratio, shared)
        chances[:, begin:end] = shared
    return total


@njit(cache=True, error_model="numpy")
def _seek(looks, common, chances, x, middle, work):
    """Find ways from nothing but the looks: in the first ones from every order, then in more and more."""
    tracks, width = x.shape
    since_s, last_s = looks.time_s[0], looks.time_s[-1]
    reach_s = FIRST_S
    count = np.searchsorted(looks.time_s, since_s + reach_s, side="right")
    trial, trial_middle = np.empty_like(x), np.empty(width)
    best = -np.inf
    for order in ORDERS:
        for t in range(tracks):
            trial[t] = common.parameters
        trial_middle[:] = common.parameters
        _deal_out(looks, count, order, chances)
        _begin(looks, count, common, chances, trial, trial_middle, work)
        found = _agree(looks, count, common, COARSE, chances, trial, trial_middle, work)
        if found > best:
            best = found
            x[:, :], middle[:] = trial, trial_middle
    while math.isfinite(best) and since_s + reach_s < last_s:
        reach_s *= LONGER
        count = np.searchsorted(looks.time_s, since_s + reach_s, side="right")
        best = _agree(looks, count, common, SETTLED, chances, x, middle, work)
    return _settle(looks, len(looks.time_s), common, chances, x, middle, work) if math.isfinite(best) else best


@njit(cache=True, error_model="numpy")
def _deal_out(looks, count, order, chances):
    """Give each look's detections to the ways in their order along a direction (3,), ITRS."""
    tracks = len(chances)
    chances[:, :] = 0.0
    for k in range(count):
        begin, end = looks.begins[k], looks.begins[k + 1]
        along_0 = along_1 = 0.0
        for i in range(3):
            along_0 += looks.across[k, 0, i] * order[i]
            along_1 += looks.across[k, 1, i] * order[i]
        height = looks.aside_rad[begin:end, 0] * along_0 + looks.aside_rad[begin:end, 1] * along_1
        place = np.argsort(height)
        for rank in range(end - begin):
            chances[int((rank + 0.5) * tracks / (end - begin)), begin + place[rank]] = 1.0


@njit(cache=True, error_model="numpy")
def _look_back(looks, common, chances, x, work):
    """Write the ways' covariances, with what doubt about the sharing leaves unknown."""
    tracks, width = x.shape
    count = len(looks.time_s)
    normals, gradients = np.empty((tracks, width, width)), np.empty((tracks, width))
    for t in range(tracks):
        fly_way(looks, count, common, x[t], work[0][t], work[1][t], work[2][t], work[3][t])
        add_detections(looks, count, chances[t], work[0][t], work[1][t], common.apart, True, normals[t], gradients[t])
    put_ways_right(normals, np.zeros_like(gradients), common, x.copy(), np.empty(width), work[4], work[5])


@njit(cache=True, error_model="numpy")
def _misfit(looks, chances, aside):
    total = weight = 0.0
    for k in range(len(looks.time_s)):
        for n in range(looks.begins[k], looks.begins[k + 1]):
            for t in range(len(chances)):
                off_0, off_1 = looks.aside_rad[n, 0] - aside[t, k, 0], looks.aside_rad[n, 1] - aside[t, k, 1]
                total += chances[t, n] * (off_0 * off_0 + off_1 * off_1) / looks.sigma_rad[n] ** 2
                weight += 2.0 * chances[t, n]
    return total / max(weight, 1e-30)


@njit(cache=True, error_model="numpy")
def _decide(chances, begins, owner):
    """Give every detection to one track: the likeliest pairing of each look."""
    tracks = len(chances)
    for k in range(len(begins) - 1):
        begin, end = begins[k], begins[k + 1]
        size = (end - begin) * tracks
        rows, columns, gain = np.empty(size, dtype=np.int64), np.empty(size, dtype=np.int64), np.empty(size)
        chosen = np.empty(size, dtype=np.bool_)
        count = 0
        for t in range(tracks):
            for d in range(begin, end):
                if chances[t, d] > 1e-6:
                    rows[count], columns[count] = t, d - begin
                    gain[count] = math.log(chances[t, d]) + 20.0
                    count += 1
        owner[begin:end] = -1
        assign(rows[:count], columns[:count], gain[:count], count, end - begin, chosen)
        for j in range(count):
            if chosen[j]:
                owner[begin + columns[j]] = rows[j]
