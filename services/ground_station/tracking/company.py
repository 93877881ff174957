"""Whether something else moves near a track, or has lately.

Lines of sight of two satellites to two airliners may cross low, too, and for half a minute, and such a crossing flies
as slowly and as level as a cruise missile. But then each of both airliners is in view of other satellites as well: what
these see of it lies where the line of sight to the crossing passes an airway.
"""

import math

import numpy as np
from numba import njit

from services.ground_station.tracking.bank.models import STATIC
from services.ground_station.tracking.forces import height_m
from services.ground_station.tracking.records import STAYS

# How near, as the ground under a line of sight has it; seen so often, and so lately.
NEAR_M = 60_000.0
LEAST_HITS, LATELY_S = 3, 5.0
# In space what rests is less likely than this, or it is surely higher than any fire; over the ground it is faster than
# this by so many standard deviations.
MOST_RESTING, HIGHEST_AT_REST_M = 0.1, 6_000.0
LEAST_M_PER_S, SURE_SIGMA = 50.0, 2.0
# Where lines of sight of two satellites to one airliner meet, so near to each other; one look is enough.
AIRWAY_M, MEET_M = (7_500.0, 13_500.0), 2_000.0
# Airliners are not seen in every look: company is remembered for so long, and asked for anew after so long, s.
REMEMBERED_S, AGAIN_S = 15.0, 1.0
# Lines of sight nearer to parallel than this meet nowhere in particular.
SMALLEST_SINE = 0.02


@njit(cache=True, error_model="numpy")
def note_company(track, tracks, tracklets, sensors, now_s):
    """Note in a track's record whether something else moves near it now."""
    if not now_s - track.company_s < AGAIN_S and has_company(track, tracks, tracklets, sensors, now_s):
        track.company_s = now_s


@njit(cache=True, error_model="numpy")
def had_company(track, now_s):
    """Return whether something else has moved near a track lately."""
    return now_s - track.company_s < REMEMBERED_S


@njit(cache=True, error_model="numpy")
def has_company(track, tracks, tracklets, sensors, now_s):
    """Return whether another track, in space or of one satellite, moves near a track.

    sensors: records of those that have looked, with room for more.
    """
    for row in range(len(tracks)):
        other = tracks[row]
        if other.serial == track.serial or not _is_near(track, other, other.mean, now_s):
            continue
        if other.hits >= LEAST_HITS and (other.probability[STATIC] < MOST_RESTING or _is_high(other)):
            return True
        for number in range(len(sensors)):
            if other.sensors >> number & 1 and _meets_on_airway(track, other.mean, number, sensors):
                return True
    for row in range(len(tracklets)):
        other = tracklets[row]
        if _is_near(track, other, other.x, now_s) and (
            (other.hits >= LEAST_HITS and _moves(other)) or _meets_on_airway(track, other.x, other.sensor, sensors)
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
    """Return whether a track is surely higher than anything at rest."""
    sigma = math.sqrt(max(track.covariance[0, 0] + track.covariance[1, 1] + track.covariance[2, 2], 0.0))
    return height_m(track.mean[0], track.mean[1], track.mean[2]) - SURE_SIGMA * sigma > HIGHEST_AT_REST_M


@njit(cache=True, error_model="numpy")
def _moves(tracklet):
    """Return whether a track of one satellite moves over the ground."""
    speed2, variance = 0.0, 0.0
    for k in range(3, 6):
        speed2 += tracklet.x[k] ** 2
        variance = max(variance, tracklet.p[k, k])
    return math.sqrt(speed2) - SURE_SIGMA * math.sqrt(variance) > LEAST_M_PER_S


@njit(cache=True, error_model="numpy")
def _meets_on_airway(track, place, number, sensors):
    """Return whether the line of sight of a sensor to a place meets another's to a track where airliners fly."""
    for other in range(len(sensors)):
        if other != number and track.sensors >> other & 1:
            height = _meeting_height_m(sensors[other].position, track.mean, sensors[number].position, place)
            if AIRWAY_M[0] < height < AIRWAY_M[1]:
                return True
    return False


@njit(cache=True, error_model="numpy")
def _meeting_height_m(origin_a, place_a, origin_b, place_b):
    """Return at which height the lines from two origins to two places pass each other; NaN where they are far apart."""
    toward_a, toward_b = _unit(origin_a, place_a), _unit(origin_b, place_b)
    cosine, along_a, along_b = 0.0, 0.0, 0.0
    for k in range(3):
        gap = origin_b[k] - origin_a[k]
        cosine += toward_a[k] * toward_b[k]
        along_a += toward_a[k] * gap
        along_b += toward_b[k] * gap
    sine2 = 1.0 - cosine * cosine
    if sine2 < SMALLEST_SINE**2:
        return np.nan
    range_a, range_b = (along_a - cosine * along_b) / sine2, (cosine * along_a - along_b) / sine2
    xa, ya, za = _ahead(origin_a, toward_a, range_a)
    xb, yb, zb = _ahead(origin_b, toward_b, range_b)
    if (xa - xb) ** 2 + (ya - yb) ** 2 + (za - zb) ** 2 > MEET_M * MEET_M:
        return np.nan
    return height_m((xa + xb) / 2.0, (ya + yb) / 2.0, (za + zb) / 2.0)


@njit(cache=True, error_model="numpy")
def _unit(origin, place):
    """Return the direction from an origin to a place, of which the first three numbers count."""
    x, y, z = place[0] - origin[0], place[1] - origin[1], place[2] - origin[2]
    length = math.sqrt(x * x + y * y + z * z)
    return x / length, y / length, z / length


@njit(cache=True, error_model="numpy")
def _ahead(origin, toward, distance):
    return origin[0] + distance * toward[0], origin[1] + distance * toward[1], origin[2] + distance * toward[2]
