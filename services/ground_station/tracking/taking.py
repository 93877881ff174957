"""All that one look does to the state once tracks have been moved on to its time, compiled as one."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from services.ground_station.tracking import tracklets as alone
from services.ground_station.tracking.ending import ends
from services.ground_station.tracking.following import associate, decide
from services.ground_station.tracking.founding import found
from services.ground_station.tracking.histories import JUDGED_LOOKS, empty_window
from services.ground_station.tracking.records import NONE
from services.ground_station.tracking.sensors import clutter_per_sr, count_clutter
from services.ground_station.tracking.tracklet_ends import told, tracklet_ends


@njit(cache=True, error_model="numpy")
def take(  # type: ignore[no-untyped-def]
    state, look, in_view, time_s, sensor, sequence, solid_angle_sr, known, rule, limits, outcome
):
    """Give a look's detections to what is followed, begin what is new, and say what is over.

    state: with room for what the detections may begin. in_view: (k,) rows of the tracks in space in view. known: how
    many sensors have looked. rule: from `rules_from`. limits: of judgement. outcome: (4, n) from `outcome_array`, of
    which as many columns hold as there are tracks then.
    Returns how many tracks in space begin; how many candidates of three satellites or more are no object; how many
    tracks in space are over; how many of single satellites; and how many of these are to be told of.
    """
    over, alone_over, into, seen = outcome[0], outcome[1], outcome[2], outcome[3]
    tally, record, rules = state.tally[0], state.sensors[sensor], rule[0]
    tracks = state.tracks[: tally.tracks]
    owner, left = np.empty(len(look.los), dtype=np.int64), np.empty(len(look.los), dtype=np.bool_)
    gate2 = rules.gate_sigma**2
    chance = rules.detection_probability
    hit_score = math.log(chance / clutter_per_sr(record, solid_angle_sr))
    rays = state.track_pool.rays
    associate(
        tracks,
        state.track_pool,
        in_view,
        look,
        time_s,
        sensor,
        sequence,
        hit_score,
        math.log(1.0 - chance),
        gate2,
        state.sensors,
        owner,
    )
    count_clutter(record, (owner == NONE).sum(), solid_angle_sr)
    _alone(state, look, owner, time_s, sensor, sequence, gate2, rules, left)
    followed = state.tracklets[: tally.tracklets]
    scratch = empty_window(JUDGED_LOOKS)
    decide(tracks, followed, state.sensors[:known], rays, time_s, rules, limits, rules.confirm_score, scratch)
    alone_over[: tally.tracklets] = 0
    begun = refused = 0
    if known > 1:
        begun, refused = found(state, state.sensors[:known], sensor, time_s, rules, alone_over, into)
    ends(state.tracks[: tally.tracks], time_s, rules, over)
    followed = state.tracklets[: tally.tracklets]
    tracklet_ends(
        followed,
        sensor,
        rules.plane_hits,
        rules.plane_misses,
        rules.plane_misses_young,
        int(rules.most_plane_tracks),
        alone_over,
    )
    return (
        begun,
        refused,
        np.count_nonzero(over[: tally.tracks]),
        np.count_nonzero(alone_over[: tally.tracklets]),
        told(followed, sensor, rules.plane_hits, alone_over, seen),
    )


@njit(cache=True, error_model="numpy")
def _alone(state, look, owner, time_s, sensor, sequence, gate2, rules, left):  # type: ignore[no-untyped-def]
    """Give what tracks in space left to the satellite's own tracks, and begin new ones with the rest."""
    tally, pool = state.tally[0], state.tracklet_pool
    followed = state.tracklets[: tally.tracklets]
    alone.associate_tracklets(
        followed,
        state.tracks,
        pool,
        sensor,
        look,
        owner,
        rules.most_detections,
        time_s,
        sequence,
        gate2,
        rules.plane_acceleration_m_per_s2,
        left,
    )
    alone.decide(followed, pool.rays, sensor, rules)
    begun = alone.begin_tracklets(
        state.tracklets,
        tally.tracklets,
        pool,
        look,
        left,
        time_s,
        sensor,
        sequence,
        tally.serial + 1,
        rules.plane_speed_sigma_m_per_s,
    )
    tally.tracklets += begun
    tally.serial += begun


def outcome_array(room: int) -> NDArray[np.int64]:
    """Return rows for `take`: why tracks in space are over, and those of single satellites; into which; told of."""
    return np.zeros((4, room), dtype=np.int64)
