"""When a track of one satellite is over, and which of them are announced."""

import numpy as np
from numba import njit

from services.ground_station.tracking.records import NONE

# Why a track of one satellite is over.
GOES_ON, LOST, IS_DOUBLE, TOO_MANY, JOINED = range(5)
# Looks in a row in which its detection went to a track in space, after which it is that one's double.
DOUBLE_LOOKS = 2
# Seen in less than so much of so many looks it is noise that comes and goes.
TRIED_LOOKS, TRIED_SHARE = 8, 0.4


@njit(cache=True, error_model="numpy")
def tracklet_ends(tracklets, sensor, hits, misses, misses_young, most, codes):  # type: ignore[no-untyped-def]
    """Fill why each track of a sensor is over, (n,), or GOES_ON: also the weakest of those beyond `most`.

    Those that are over already stay so.
    """
    living = 0
    for row in range(len(tracklets)):
        track = tracklets[row]
        if track.sensor != sensor or codes[row] != GOES_ON:
            continue
        if track.stolen >= DOUBLE_LOOKS:
            codes[row] = IS_DOUBLE
            continue
        fickle = track.looks >= TRIED_LOOKS and track.hits < TRIED_SHARE * track.looks
        if fickle or track.misses > (misses if track.hits >= 2 * hits else misses_young):
            codes[row] = LOST
        else:
            living += 1
    if living <= most:
        return
    rows, worth = np.empty(living, dtype=np.int64), np.empty(living)
    n = 0
    for row in range(len(tracklets)):
        if tracklets[row].sensor == sensor and codes[row] == GOES_ON:
            rows[n] = row
            # Signal-to-noise ratios decide between equals.
            worth[n] = tracklets[row].hits - tracklets[row].misses + min(tracklets[row].snr, 1e6) * 1e-9
            n += 1
    for k in np.argsort(worth, kind="mergesort")[: living - most]:
        codes[rows[k]] = TOO_MANY


@njit(cache=True, error_model="numpy")
def told(tracklets, sensor, hits, codes, rows):  # type: ignore[no-untyped-def]
    """Fill the rows of a sensor's announced tracks that its look has just seen and that go on; return how many."""
    n = 0
    for row in range(len(tracklets)):
        track = tracklets[row]
        if track.sensor == sensor and track.detection != NONE and track.hits >= hits and codes[row] == GOES_ON:
            rows[n] = row
            n += 1
    return n
