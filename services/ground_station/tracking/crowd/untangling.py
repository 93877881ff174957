"""Tracks that crowd: all their looks of the last while shared out anew among them, to and fro.

In a salvo, what is whose cannot be said look by look; which smooth ways explain all looks can. Ways are smoothed from
the detections' chances, chances follow from the ways, beginning with coarse ones (annealed as in A. L. Yuille et al.,
"Statistical physics, mixtures of distributions, and the EM algorithm", Neural Computation 6 (1994) 334), until both
agree.
"""

import math

import numpy as np
from numba import njit

from services.ground_station.tracking.association.assignment import assign
from services.ground_station.tracking.bank.filters import seen_from
from services.ground_station.tracking.crowd.sharing import MOST_SHARED, share_out
from services.ground_station.tracking.crowd.smoothing import smooth
from services.ground_station.tracking.crowd.swapping import swap_sensors

# Errors count for so many times less in successive rounds: of a crowd that is new, and of one that has been untangled.
COARSE = np.array([9.0, 4.0, 2.0, 1.0, 1.0])
SETTLED = np.array([1.0, 1.0])
# A product of ten ratios must not overflow.
MOST_LOG = 60.0
# Least likelihood ratio of a pair: none is impossible.
LEAST_RATIO = 1e-30


@njit(cache=True, error_model="numpy")
def untangle(
    first_x,
    first_p,
    time_s,
    begins,
    sensor,
    origin,
    los,
    sigma_rad,
    velocity,
    hit_score,
    miss_score,
    is_new,
    owner,
    x_end,
    p_end,
):
    """Share all looks out among the tracks; fill owner (n,) anew, and the tracks' states (tracks, 10) at the last look.

    first_x, first_p: (tracks, 10), (tracks, 10, 10) before the first look. time_s: (looks,) with detections from
    begins[k] to begins[k + 1], each of a sensor. velocity: (tracks, 3) roughly, for the time that light needs.
    hit_score: log of the chance to be seen over the density of clutter, per steradian; miss_score: log of the chance
    not to be. is_new: nothing is settled yet. owner: whose each detection has been until now, or -1.
    """
    tracks, looks = len(first_x), len(time_s)
    n = len(owner)
    if is_new:
        swap_sensors(first_x, first_p, time_s, begins, sensor, origin, los, sigma_rad, owner)
    chances = np.zeros((tracks, n))
    for k in range(n):
        if owner[k] >= 0:
            chances[owner[k], k] = 1.0
    position, spread = np.empty((tracks, looks, 3)), np.empty((tracks, looks, 3, 3))
    for coarse in COARSE if is_new else SETTLED:
        for t in range(tracks):
            smooth(
                first_x[t],
                first_p[t],
                time_s,
                begins,
                origin,
                los,
                sigma_rad,
                chances[t],
                position[t],
                spread[t],
                x_end[t],
                p_end[t],
            )
        for k in range(looks):
            begin, end = begins[k], begins[k + 1]
            if 0 < end - begin <= MOST_SHARED:
                ratio = _ratios(
                    position[:, k],
                    spread[:, k],
                    velocity,
                    origin[begin:end],
                    los[begin:end],
                    sigma_rad[begin:end],
                    coarse,
                )
                for t in range(tracks):
                    for d in range(end - begin):
                        ratio[t, d] = max(math.exp(min(ratio[t, d] + hit_score - miss_score, MOST_LOG)), LEAST_RATIO)
                shared = np.empty((tracks, end - begin))
                share_out(ratio, shared)
                chances[:, begin:end] = shared
    _decide(chances, begins, owner)


@njit(cache=True, error_model="numpy")
def _ratios(position, spread, velocity, origin, los, sigma_rad, coarse):
    """Return (tracks, detections) log likelihoods per steradian of a look's detections, variances times `coarse`."""
    tracks, detections = len(position), len(los)
    logs = np.empty((tracks, detections))
    frame = np.empty((3, 3))
    for t in range(tracks):
        for d in range(detections):
            distance = seen_from(position[t], velocity[t], origin[d], frame)
            noise = sigma_rad[d] * sigma_rad[d]
            s11 = s22 = noise
            s12 = 0.0
            for i in range(3):
                for j in range(3):
                    c = spread[t, i, j] / (distance * distance)
                    s11 += frame[1, i] * c * frame[1, j]
                    s12 += frame[1, i] * c * frame[2, j]
                    s22 += frame[2, i] * c * frame[2, j]
            s11, s12, s22 = s11 * coarse, s12 * coarse, s22 * coarse
            determinant = s11 * s22 - s12 * s12
            z1 = frame[1, 0] * los[d, 0] + frame[1, 1] * los[d, 1] + frame[1, 2] * los[d, 2]
            z2 = frame[2, 0] * los[d, 0] + frame[2, 1] * los[d, 1] + frame[2, 2] * los[d, 2]
            apart = (s22 * z1 * z1 - 2.0 * s12 * z1 * z2 + s11 * z2 * z2) / determinant
            logs[t, d] = -0.5 * (apart + math.log(determinant)) - math.log(2.0 * math.pi)
    return logs


@njit(cache=True, error_model="numpy")
def _decide(chances, begins, owner):
    """Give every detection to one track: the likeliest pairing of each look."""
    tracks = len(chances)
    for k in range(len(begins) - 1):
        begin, end = begins[k], begins[k + 1]
        size = (end - begin) * tracks
        if size == 0:
            continue
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
