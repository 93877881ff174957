"""Two tracks side by side of which no satellite sees both: one object, seen apart by satellites that are biased."""

import math

import numpy as np
from numba import njit

from services.ground_station.tracking.ending import DOUBLE_LOOKS
from services.ground_station.tracking.records import CONFIRMED, STAYS

# Side by side: nearer than this, in place and speed, with so many hits each; compared among at most so many.
BESIDE_M, BESIDE_M_PER_S, LEAST_HITS, MOST_COMPARED = 3000.0, 300.0, 6, 64


@njit(cache=True, error_model="numpy")
def note_doubles(tracks):
    """Note for each track beside an older one that it is this one's double; return whether there are any."""
    rows, count = np.empty(MOST_COMPARED, dtype=np.int64), 0
    for row in range(len(tracks)):
        track = tracks[row]
        if track.state == CONFIRMED and track.motion != STAYS:
            if count == MOST_COMPARED:
                return False
            rows[count] = row
            count += 1
    found = False
    for first in range(count):
        older = tracks[rows[first]]
        if older.hits < LEAST_HITS:
            continue
        for second in range(first + 1, count):
            younger = tracks[rows[second]]
            if younger.sensors & older.sensors or younger.hits < LEAST_HITS:
                continue
            if _apart(older, younger, 0) < BESIDE_M and _apart(older, younger, 3) < BESIDE_M_PER_S:
                younger.rival, younger.rival_looks = older.serial, DOUBLE_LOOKS
                found = True
    return found


@njit(cache=True, error_model="numpy")
def _apart(one, other, first):
    """Return the distance of two means in three numbers, of which it is told the first."""
    x, y = one.mean[first] - other.mean[first], one.mean[first + 1] - other.mean[first + 1]
    z = one.mean[first + 2] - other.mean[first + 2]
    return math.sqrt(x * x + y * y + z * z)
