"""When a track burns: the newest state under thrust, and when the plume went out."""

import math

import numpy as np
from numba import njit

from services.ground_station.tracking.bank.imm import burn_out
from services.ground_station.tracking.bank.models import BALLISTIC, BOOST, GLIDE
from services.ground_station.tracking.company import had_company
from services.ground_station.tracking.records import NONE

# A model so likely is believed, or is at work; an engine pushes by more than this; a plume seen so lately was burning.
SURE, LIKELY = 0.95, 0.7
LEAST_THRUST_M_PER_S2 = 5.0
BURNING_S = 2.0
# Sines of climbs that no airliner flies, the second not with a doubtful engine, and a speed that none reaches: each is
# exceeded by so many standard deviations, as hundreds of thousands of airliners are followed in a month.
STEEP, STEEPEST, WINGED_M_PER_S = 0.3, 0.6, 600.0
BEYOND_SIGMA = 4.0
# Where a track is must be known to this: what nobody has seen for minutes takes any point of clutter for its own.
MOST_DOUBT_M = 10_000.0
# What has flown as airliners do, or had company lately, must be driven for so long without a break: a stranger's
# detection leads astray for an instant, and the next looks lead back.
AGAINST_AIRLINERS_S = 5.0


@njit(cache=True, error_model="numpy")
def note_burn(track):
    """Keep the newest state under thrust of a track that moves, and when its plume went out if it has."""
    boosting = track.probability[BOOST]
    if track.detection != NONE:
        _note_drive(track, boosting)
    if track.detection != NONE and _is_believed(track):
        track.boosting_s = track.last_hit_s
        track.boost_mean[:] = track.mean
        track.boost_covariance[:] = track.covariance
        track.burnt_s = np.nan
    elif math.isnan(track.burnt_s) and not math.isnan(track.boosting_s):
        if track.probability[BALLISTIC] + track.probability[GLIDE] > SURE and track.last_hit_s > track.boosting_s:
            track.burnt_s = track.boosting_s
        elif _plume_is_out(track):
            track.burnt_s = (track.last_hit_s + track.first_miss_s) / 2.0
            burn_out(track)


@njit(cache=True, error_model="numpy")
def _note_drive(track, boosting):
    """Keep since when a track that a look sees is driven; boosting: its probability."""
    if not _drives(track, boosting):
        track.driven_s = np.nan
    elif math.isnan(track.driven_s):
        track.driven_s = track.last_hit_s


@njit(cache=True, error_model="numpy")
def _is_believed(track):
    """Return whether a track that a look has just seen is driven, and long enough for what it was held for before."""
    suspect = not math.isnan(track.airliner_s) or had_company(track, track.last_hit_s)
    known = not math.isnan(track.boosting_s)
    # Of what is not driven the time is no number.
    return track.last_hit_s - track.driven_s >= (AGAINST_AIRLINERS_S if suspect and not known else 0.0)


@njit(cache=True, error_model="numpy")
def _drives(track, boosting):
    """Return whether its force surely drives it on: faster than wings carry, or upwards; boosting: its probability."""
    mean, known = track.mean, track.covariance
    speed = math.sqrt(mean[3] ** 2 + mean[4] ** 2 + mean[5] ** 2)
    if speed < 1.0 or known[0, 0] + known[1, 1] + known[2, 2] > MOST_DOUBT_M**2:
        return False
    distance = math.sqrt(mean[0] ** 2 + mean[1] ** 2 + mean[2] ** 2)
    climb = (mean[0] * mean[3] + mean[1] * mean[4] + mean[2] * mean[5]) / (distance * speed)
    thrust = (mean[6] * mean[3] + mean[7] * mean[4] + mean[8] * mean[5]) / speed
    speed_variance, rise_variance = 0.0, 0.0
    for i in range(3):
        for j in range(3):
            speed_variance += mean[3 + i] * known[3 + i, 3 + j] * mean[3 + j] / (speed * speed)
            rise_variance += mean[i] * known[3 + i, 3 + j] * mean[j] / (distance * distance)
    slow = speed - BEYOND_SIGMA * math.sqrt(max(speed_variance, 0.0))
    # Of the rise, not of the angle: what has gone astray steeply has gone astray along its way, too.
    climb -= BEYOND_SIGMA * math.sqrt(max(rise_variance, 0.0)) / speed
    no_wings = slow > WINGED_M_PER_S or climb > STEEPEST
    surely = (no_wings and boosting > LIKELY) or (climb > STEEP and boosting > SURE)
    return thrust > LEAST_THRUST_M_PER_S2 and surely


@njit(cache=True, error_model="numpy")
def _plume_is_out(track):
    """Return whether it was boosting when it was last seen, and two sensors have missed it since."""
    missing = track.missing & track.sensors
    several = missing != 0 and (missing & (missing - 1)) != 0
    return several and track.last_hit_s - track.boosting_s < BURNING_S
