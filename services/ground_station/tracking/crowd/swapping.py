"""Two tracks that have exchanged a satellite's detections, put right: such pairs lie between the two objects.

Where the lines of sight of few satellites cross near one another, one track may hold one object's detections of some
satellites and another's of the others, and a neighbour the rest. No small step leads out of that; exchanging all of one
satellite's detections does.
"""

import numpy as np
from numba import njit

from services.ground_station.tracking.bank.filters import correct, predict
from services.ground_station.tracking.bank.models import BOOST, SIZE

# Log likelihood that an exchange must bring, and how many are made at most for each track.
WORTH = 5.0
MOST_EXCHANGES = 4


@njit(cache=True, error_model="numpy")
def swap_sensors(first_x, first_p, time_s, begins, sensor, origin, los, sigma_rad, owner):
    """Exchange whole satellites' detections between tracks while that makes the ways likelier; change owner (n,).

    Arguments as of `untangle`; sensor: (n,) whose each detection is.
    """
    tracks = len(first_x)
    sensors = np.unique(sensor)
    likelihood = np.empty(tracks)
    for t in range(tracks):
        likelihood[t] = way_likelihood(first_x[t], first_p[t], time_s, begins, origin, los, sigma_rad, owner, t)
    for _ in range(MOST_EXCHANGES * tracks):
        best, first, second, whose = WORTH, -1, -1, -1
        for a in range(tracks):
            for b in range(a + 1, tracks):
                for s in sensors:
                    _exchange(owner, sensor, a, b, s)
                    gain = (
                        way_likelihood(first_x[a], first_p[a], time_s, begins, origin, los, sigma_rad, owner, a)
                        + way_likelihood(first_x[b], first_p[b], time_s, begins, origin, los, sigma_rad, owner, b)
                        - likelihood[a]
                        - likelihood[b]
                    )
                    _exchange(owner, sensor, a, b, s)
                    if gain > best:
                        best, first, second, whose = gain, a, b, s
        if first < 0:
            return
        _exchange(owner, sensor, first, second, whose)
        for t in (first, second):
            likelihood[t] = way_likelihood(first_x[t], first_p[t], time_s, begins, origin, los, sigma_rad, owner, t)


@njit(cache=True, error_model="numpy")
def _exchange(owner, sensor, a, b, whose):
    for k in range(len(owner)):
        if sensor[k] == whose:
            if owner[k] == a:
                owner[k] = b
            elif owner[k] == b:
                owner[k] = a


@njit(cache=True, error_model="numpy")
def way_likelihood(first_x, first_p, time_s, begins, origin, los, sigma_rad, owner, track):
    """Return the log likelihood of a track's detections, each given those before."""
    x, p = first_x.copy(), first_p.copy()
    total, now_s = 0.0, time_s[0]
    for k in range(len(time_s)):
        for n in range(begins[k], begins[k + 1]):
            if owner[n] == track:
                if time_s[k] > now_s:
                    predict(BOOST, x, p, time_s[k] - now_s)
                    now_s = time_s[k]
                total += correct(x, p, SIZE, origin[n], los[n], sigma_rad[n])[0]
    return total
