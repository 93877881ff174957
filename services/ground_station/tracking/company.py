"""Whether something else moves near a track, or has lately.

Lines of sight of two satellites to two airliners may cross low, too, and for half a minute, and such a crossing flies
as slowly and as level as a cruise missile. But then each of both airliners is in view of other satellites as well: what
these see of it lies where the line of sight to the crossing passes an airway.
"""

import math

from numba import njit

from services.ground_station.tracking.airliners import COMPANY_S, HIGHEST_M, LOWEST_M
from services.ground_station.tracking.association.meeting import passing
from services.ground_station.tracking.bank.models import STATIC
from services.ground_station.tracking.forces import height_m
from services.ground_station.tracking.records import STAYS

# How near, as the ground under a line of sight has it; seen so often, and so lately.
NEAR_M = 60_000.0
LEAST_HITS, LATELY_S = 3, 5.0
# In space what rests is less likely than this, or it is surely higher than fires are: a crossing of lines of sight of
# its own, then, which tells that sources are many. Over the ground it is faster than this by so many standard
# deviations.
MOST_RESTING, HIGHEST_FIRE_M = 0.1, 6_000.0
LEAST_M_PER_S, SURE_SIGMA = 50.0, 2.0
# Lines of sight of two satellites to one airliner pass so near to each other, farther than this from the track; one
# look is enough.
MEET_M, OWN_M = 2_000.0, 3_000.0
# Airliners are not seen in every look: company is remembered, and asked for anew after so long, s.
AGAIN_S = 1.0


@njit(cache=True, error_model="numpy")
def note_company(track, tracks, tracklets, sensors, now_s):
    """Note in a track's record whether something else moves near it now."""
    # Where it was never noted, its time is no number.
    if not now_s - track.company_s < AGAIN_S and has_company(track, tracks, tracklets, sensors, now_s):
        track.company_s = now_s


@njit(cache=True, error_model="numpy")
def had_company(track, now_s):
    """Return whether something else has moved near a track lately."""
    return now_s - track.company_s < COMPANY_S


@njit(cache=True, error_model="numpy")
def has_company(track, tracks, tracklets, sensors, now_s):
    """Return whether another track, in space or of one satellite, moves near a track, or seems to.

    sensors: records of those that have looked.
    """
    for row in range(len(tracks)):
        other = tracks[row]
        if other.serial == track.serial or not _is_near(track, other, other.mean, now_s):
            continue
        if other.hits >= LEAST_HITS and (other.probability[STATIC] < MOST_RESTING or _is_high(other)):
            return True
        for number in range(len(sensors)):
            if other.sensors >> number & 1 and _meets_on_airway(track, other.mean, number, sensors, now_s):
                return True
    for row in range(len(tracklets)):
        other = tracklets[row]
        if _is_near(track, other, other.x, now_s) and (
            (other.hits >= LEAST_HITS and _moves(other))
            or _meets_on_airway(track, other.x, other.sensor, sensors, now_s)
        ):
            return True
    return False


@njit(cache=True, error_model="numpy")
def _is_near(track, other, place, now_s):
    """Return whether another one, at a place, is near a track, is not known to stay, and has been seen lately."""
    if other.motion == STAYS or now_s - other.last_hit_s > LATELY_S:
        return False
    apart2 = 0.0
    for k in range(3):
        apart2 += (place[k] - track.mean[k]) ** 2
    return apart2 < NEAR_M * NEAR_M


@njit(cache=True, error_model="numpy")
def _is_high(track):
    """Return whether a track is surely higher than fires are."""
    sigma = math.sqrt(max(track.covariance[0, 0] + track.covariance[1, 1] + track.covariance[2, 2], 0.0))
    return height_m(track.mean[0], track.mean[1], track.mean[2]) - SURE_SIGMA * sigma > HIGHEST_FIRE_M


@njit(cache=True, error_model="numpy")
def _moves(tracklet):
    """Return whether a track of one satellite moves over the ground."""
    speed2, variance = 0.0, 0.0
    for k in range(3, 6):
        speed2 += tracklet.x[k] ** 2
        variance = max(variance, tracklet.p[k, k])
    return math.sqrt(speed2) - SURE_SIGMA * math.sqrt(variance) > LEAST_M_PER_S


@njit(cache=True, error_model="numpy")
def _meets_on_airway(track, place, number, sensors, now_s):
    """Return whether the line of sight of a sensor to a place meets another's to a track where airliners fly.

    Not at the track itself: what is seen there may be what is followed.
    """
    if now_s - sensors[number].time_s > LATELY_S:
        return False
    for other in range(len(sensors)):
        if other == number or not track.sensors >> other & 1 or now_s - sensors[other].time_s > LATELY_S:
            continue
        here, there = _three(sensors[other].position), _three(sensors[number].position)
        miss2, _, _, _, point = passing(here, _toward(here, track.mean), there, _toward(there, place))
        own2 = (point[0] - track.mean[0]) ** 2 + (point[1] - track.mean[1]) ** 2 + (point[2] - track.mean[2]) ** 2
        if miss2 < MEET_M * MEET_M and own2 > OWN_M * OWN_M and LOWEST_M < height_m(*point) < HIGHEST_M:
            return True
    return False


@njit(cache=True, error_model="numpy")
def _three(vector):
    return vector[0], vector[1], vector[2]


@njit(cache=True, error_model="numpy")
def _toward(origin, place):
    """Return the direction from an origin to a place, of which the first three numbers count."""
    x, y, z = place[0] - origin[0], place[1] - origin[1], place[2] - origin[2]
    length = math.sqrt(x * x + y * y + z * z)
    return x / length, y / length, z / length
