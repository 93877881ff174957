"""Whether something else moves near a track.

Lines of sight of two satellites to two airliners may cross low, too, and for half a minute, and such a crossing flies
as slowly and as level as a cruise missile. But then each of both airliners is in view of the other satellite as well.
"""

import math

from numba import njit

from services.ground_station.tracking.bank.models import STATIC
from services.ground_station.tracking.records import STAYS

# How near, as the ground under a line of sight has it; seen so often, and so lately.
NEAR_M = 60_000.0
LEAST_HITS, LATELY_S = 3, 5.0
# In space what rests is less likely than this; over the ground it is faster than this by so many standard deviations.
MOST_RESTING = 0.1
LEAST_M_PER_S, SURE_SIGMA = 50.0, 2.0


@njit(cache=True, error_model="numpy")
def has_company(track, tracks, tracklets, now_s):
    """Return whether another track, in space or of one satellite, moves near a track."""
    for row in range(len(tracks)):
        other = tracks[row]
        if (
            other.serial != track.serial
            and _is_near(track, other, other.mean, now_s)
            and other.probability[STATIC] < MOST_RESTING
        ):
            return True
    for row in range(len(tracklets)):
        other = tracklets[row]
        if _is_near(track, other, other.x, now_s) and _moves(other):
            return True
    return False


@njit(cache=True, error_model="numpy")
def _is_near(track, other, place, now_s):
    """Return whether another one, at a place, is near a track, and is known well enough."""
    apart2 = 0.0
    for k in range(3):
        apart2 += (place[k] - track.mean[k]) ** 2
    known = other.motion != STAYS and other.hits >= LEAST_HITS and now_s - other.last_hit_s <= LATELY_S
    return known and apart2 < NEAR_M * NEAR_M


@njit(cache=True, error_model="numpy")
def _moves(tracklet):
    """Return whether a track of one satellite moves over the ground."""
    speed2, variance = 0.0, 0.0
    for k in range(3, 6):
        speed2 += tracklet.x[k] ** 2
        variance = max(variance, tracklet.p[k, k])
    return math.sqrt(speed2) - SURE_SIGMA * math.sqrt(variance) > LEAST_M_PER_S
