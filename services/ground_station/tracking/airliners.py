"""What is held for an airliner, or for nothing at all, and kept silent about, compiled: rows of evidence in."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from services.ground_station.tracking.flight_kernels import (
    BOOST_SEEN,
    CLIMB,
    CLIMB_SIGMA,
    EVIDENCE,
    HEIGHT,
    HEIGHT_SIGMA,
    SPEED,
    SPEED_SIGMA,
    fly,
)

Float64 = NDArray[np.float64]

# Where airliners cruise (flight levels 260 to 430) and how fast (ground speed with jet stream: 180 to 320 m/s).
LOWEST_M, HIGHEST_M = 7_500.0, 13_500.0
SLOWEST_M_PER_S, FASTEST_M_PER_S = 150.0, 330.0
# How far off a measured height, speed and climb may be, standard deviations.
AIRWAY_SIGMA = 2.0
# Climb and descent of an airliner.
AIRWAY_CLIMB_RAD = math.radians(6.0)
# So long after it was found to move, what is on an airway and as slow as an airliner may be one, whatever its way seems
# to be: in 30 days some 300,000 of them are found to move, so that what rules one out has to be this many standard
# deviations beyond what they do.
SETTLED_S, UNSETTLED_SLACK_M, UNSETTLED_SIGMA = 30.0, 1500.0, 4.0
# No airliner climbs so; every rocket does, as low as that.
STEEPEST_RAD = math.radians(20.0)
# For so long after it last flew as an airliner or cold, a track is held for it: a stranger's detection leads it astray.
# What flew so still does as long as nothing but so many standard deviations speaks against it: one satellite alone soon
# knows no height.
REMEMBERED_S, DOUBTFUL_SIGMA = 30.0, 4.0
# What falls or coasts more slowly than this is no hotter than 700 K, for the air heats it by v^2 / 2 c_p: no satellite
# sees such a thing. Wings carry no higher than this.
COLD_M_PER_S, HIGHEST_WINGS_M = 1000.0, 25_000.0
# What something else moves beside may be a crossing of lines of sight to two airliners, which then goes on with one of
# them and seems to leap up. It is remembered for so long, s; see services.ground_station.tracking.company.
COMPANY_S = 15.0
# What was never seen to boost, and has not been seen for so long or whose height is known no better than this, is
# nothing to warn of: where it goes is anybody's guess.
UNSEEN_S, VAGUE_M = 10.0, 5_000.0


@njit("boolean(float64[::1], float64)", cache=True)
def _is_on_airway(evidence: Float64, sigmas: float) -> bool:
    """Return whether a row of evidence is of what flies as an airliner does, but for so many standard deviations."""
    height_error, speed_error = sigmas * evidence[HEIGHT_SIGMA], sigmas * evidence[SPEED_SIGMA]
    return bool(
        evidence[BOOST_SEEN] == 0.0
        and LOWEST_M - height_error <= evidence[HEIGHT] <= HIGHEST_M + height_error
        and SLOWEST_M_PER_S - speed_error <= evidence[SPEED] <= FASTEST_M_PER_S + speed_error
        and abs(evidence[CLIMB]) <= AIRWAY_CLIMB_RAD + sigmas * evidence[CLIMB_SIGMA]
    )


@njit("boolean(float64[::1])", cache=True)
def is_air_traffic(evidence: Float64) -> bool:
    """Return whether a row of evidence is of what flies as an airliner does."""
    return _is_on_airway(evidence, AIRWAY_SIGMA)


@njit("boolean(float64[::1])", cache=True)
def may_be_airliner(evidence: Float64) -> bool:
    """Return whether a row of evidence may be of an airliner whose way has not settled."""
    slack_m = UNSETTLED_SLACK_M + UNSETTLED_SIGMA * evidence[HEIGHT_SIGMA]
    # Near the vertical the angle is better known than the rise: what has gone astray steeply has so along its way, too.
    sine, cosine = math.sin(evidence[CLIMB]), math.cos(evidence[CLIMB])
    rise_error = UNSETTLED_SIGMA * math.hypot(
        evidence[SPEED_SIGMA] * sine, evidence[SPEED] * evidence[CLIMB_SIGMA] * cosine
    )
    return bool(
        evidence[BOOST_SEEN] == 0.0
        and LOWEST_M - slack_m < evidence[HEIGHT] < HIGHEST_M + slack_m
        and (
            evidence[CLIMB] < STEEPEST_RAD + UNSETTLED_SIGMA * evidence[CLIMB_SIGMA]
            or evidence[SPEED] * sine < FASTEST_M_PER_S * math.sin(AIRWAY_CLIMB_RAD) + rise_error
        )
        and evidence[SPEED] < FASTEST_M_PER_S + UNSETTLED_SIGMA * evidence[SPEED_SIGMA]
    )


@njit("boolean(float64[::1])", cache=True)
def is_cold(evidence: Float64) -> bool:
    """Return whether a row of evidence is of what no engine drives and no air heats: two objects taken for one."""
    sinks = evidence[CLIMB] < -AIRWAY_CLIMB_RAD - evidence[CLIMB_SIGMA]
    is_high = evidence[HEIGHT] > HIGHEST_WINGS_M + AIRWAY_SIGMA * evidence[HEIGHT_SIGMA]
    return bool(
        evidence[BOOST_SEEN] == 0.0
        and evidence[SPEED] < COLD_M_PER_S
        and (sinks or (is_high and evidence[CLIMB] - evidence[CLIMB_SIGMA] < STEEPEST_RAD))
    )


@njit(cache=True, error_model="numpy")
def note_airliner(track, now_s):  # type: ignore[no-untyped-def]
    """Keep in a track's record that it flies as an airliner does, or cold, or did and still may, when it is judged."""
    if track.judged_s != now_s or not math.isnan(track.boosting_s):
        return
    evidence = np.zeros(EVIDENCE)
    fly(track.mean, track.covariance, evidence)
    # Of what never flew so, the time is no number.
    remembered = track.time_s - track.airliner_s < REMEMBERED_S
    if is_air_traffic(evidence) or is_cold(evidence) or (remembered and _is_on_airway(evidence, DOUBTFUL_SIGMA)):
        track.airliner_s = track.time_s


@njit(cache=True)
def judge(records, rows, evidence, withheld, refuted):  # type: ignore[no-untyped-def]
    """Fill which of some rows of the tracker's records to keep silent about, and which prove to be airliners; (n,) all.

    evidence: of these rows.
    """
    for k, row in enumerate(rows):
        record, said = records[row], evidence[k]
        no_rocket = said[BOOST_SEEN] == 0.0
        unknown = no_rocket and (record.time_s - record.last_hit_s > UNSEEN_S or said[HEIGHT_SIGMA] > VAGUE_M)
        flies_so, settled = is_air_traffic(said), record.time_s - record.moved_s > SETTLED_S
        # Of what never flew so, the time is no number.
        flew_so = no_rocket and record.time_s - record.airliner_s < REMEMBERED_S
        crosses = no_rocket and record.time_s - record.company_s < COMPANY_S
        withheld[k] = unknown or flies_so or flew_so or crosses or is_cold(said)
        withheld[k] |= not settled and may_be_airliner(said)
        refuted[k] = not unknown and flies_so and settled
