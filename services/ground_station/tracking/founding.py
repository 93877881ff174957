"""New tracks in space, from tracks of single satellites whose lines of sight meet."""

import math

import numpy as np
from numba import njit

from services.ground_station.tracking.association.gating import log_likelihood
from services.ground_station.tracking.association.meeting import MOST_MEMBERS, candidates, sees_any
from services.ground_station.tracking.bank.imm import advance, combine, usual_force, working_room
from services.ground_station.tracking.bank.models import BOOST, CRUISE, STATIC
from services.ground_station.tracking.following import credit, note_hit
from services.ground_station.tracking.forces import height_m
from services.ground_station.tracking.histories import TRACKLET_LOOKS, TRACKLET_ROW, is_due, track_place
from services.ground_station.tracking.pool import lend_row
from services.ground_station.tracking.records import NONE, TENTATIVE, UNDECIDED
from services.ground_station.tracking.sensors import positions_at
from services.ground_station.tracking.tracklet_ends import GOES_ON, JOINED

# Candidates for new tracks that a look may have, the best-meeting first.
MOST_CANDIDATES = 4096
# What a track of one satellite contributes: newer looks than this.
MEMORY_S = 6.0
# Position of a newborn, about where its lines of sight meet: so wide that they alone place it.
PLACE_SIGMA_M = 20_000.0
# Speed of a newborn, per axis: a rocket that rises with an acceleration a has v^2 = 2 a h at a height h. Low over the
# ground it is as slow as a cruiser, and nothing is faster than in orbit.
RISE_M_PER_S2 = 20.0
LEAST_SIGMA_M_PER_S, MOST_SIGMA_M_PER_S = 300.0, 4000.0
# Most hot points stay: fires, factories, cloud in sunlight.
STAYS_FIRST, CRUISES_FIRST = 0.5, 0.05
# Nothing rests up here.
HIGHEST_AT_REST_M = 40_000.0
# Chi-square of the looks that a newborn may have, over its expectation, in standard deviations.
SURPRISE_SIGMA = 4.0


@njit(cache=True, error_model="numpy")
def found(state, sensors, sensor, time_s, rules, codes, into):
    """Begin tracks in space where lines of sight meet.

    sensors: records of those that have looked. state: with room for one track a detection. Marks the members' codes
    (n,) JOINED, and into (n,) the row of the track that they go on in.
    Returns how many tracks begin, and how many candidates of three satellites or more are no object.
    """
    tally = state.tally[0]
    tracklets, pool = state.tracklets[: tally.tracklets], state.tracklet_pool.rays
    if not sees_any(tracklets, sensor):
        return 0, 0
    rows, sizes = np.empty((MOST_CANDIDATES, MOST_MEMBERS), dtype=np.int64), np.empty(MOST_CANDIDATES, dtype=np.int64)
    points = np.empty((MOST_CANDIDATES, 3))
    position = positions_at(sensors, time_s)
    pair_hits = rules.pair_hits
    count = candidates(tracklets, pool, position, sensor, time_s, rules.gate_sigma, pair_hits, rows, sizes, points)
    log_gain = np.empty(len(sensors))
    for number in range(len(sensors)):
        log_gain[number] = math.log(rules.detection_probability) - math.log(sensors[number].clutter_per_sr)
    begun, refused = 0, 0
    for k in range(count):
        members = rows[k, : sizes[k]]
        if _any_gone(codes, members):
            continue
        records = state.tracks[tally.tracks : tally.tracks + 1]
        if begin_track(records, tracklets, pool, members, points[k], log_gain):
            for row in members:
                codes[row], into[row] = JOINED, tally.tracks
            tally.tracks += 1
            tally.serial += 1
            _name(records[0], tracklets, members, tally.serial)
            records[0].history = lend_row(state.track_pool, time_s)
            inherit(records, state.track_pool.rays, tracklets, pool, members)
            begun += 1
        elif sizes[k] > 2:
            refused += 1
    return begun, refused


@njit(cache=True, error_model="numpy")
def _any_gone(codes, rows):
    for row in rows:  # noqa: SIM110  # compiled code has no generators
        if codes[row] != GOES_ON:
            return True
    return False


@njit(cache=True, error_model="numpy")
def _name(track, tracklets, rows, serial):
    """Name a new track after its oldest member."""
    oldest = tracklets[rows[0]]
    for row in rows[1:]:
        other = tracklets[row]
        if (other.first_s, other.sensor, other.sequence, other.index) < (
            oldest.first_s,
            oldest.sensor,
            oldest.sequence,
            oldest.index,
        ):
            oldest = other
    track.serial = serial
    track.sensor, track.sequence, track.index = oldest.sensor, oldest.sequence, oldest.index


@njit(cache=True, error_model="numpy")
def begin_track(records, tracklets, pool, rows, near, log_gain):
    """Fill the record of a track, records[0], from the looks of its members; return whether one object explains them.

    rows: (m,) of the members in `tracklets`. near: (3,) where their lines of sight meet. log_gain: (sensors,) of a
    look: log of the chance to be seen over the density of clutter. Serial, names and history are the caller's.
    """
    track = records[0]
    which, place = _looks_of(tracklets, pool, rows)
    _empty(track)
    first = pool[tracklets[which[0]].history][place[0]]
    _guess(track, near, first.time_s)
    surprise, room = 0.0, working_room()
    for k in range(len(which)):
        ray = pool[tracklets[which[k]].history][place[k]]
        advance(track, ray.time_s, room)
        score = log_likelihood(track, ray.origin, ray.los, ray.sigma_rad) + log_gain[ray.sensor]
        surprise += credit(track, ray.origin, ray.los, ray.sigma_rad, score)
        note_hit(track, ray.time_s, ray.sensor)
    track.first_s = np.inf
    for row in rows:
        track.first_s = min(track.first_s, tracklets[row].first_s)
    # Two of each look's numbers, less the position that they alone determine.
    freedom = max(2 * len(which) - 3, 1)
    if not surprise <= freedom + SURPRISE_SIGMA * math.sqrt(2.0 * freedom):
        return False
    height = height_m(track.mean[0], track.mean[1], track.mean[2])
    return height > -3000.0 - 4.0 * math.sqrt(track.covariance[0, 0] + track.covariance[1, 1] + track.covariance[2, 2])


@njit(cache=True, error_model="numpy")
def inherit(records, track_pool, tracklets, pool, rows):
    """Keep the members' looks in the new track's history, in order of time."""
    track = records[0]
    rays = track_pool[track.history]
    which, place = _looks_of(tracklets, pool, rows)
    track.count = 0
    for k in range(len(which)):
        ray = pool[tracklets[which[k]].history][place[k]]
        if is_due(rays, track.count, ray.sensor, ray.time_s):
            rays[track_place(track.count)] = ray
            track.count += 1


@njit(cache=True, error_model="numpy")
def _looks_of(tracklets, pool, rows):
    """Return the members' looks in order of time: rows of the members (k,), and places in their histories (k,)."""
    last_s = -np.inf
    for row in rows:
        last_s = max(last_s, tracklets[row].last_hit_s)
    most = len(rows) * TRACKLET_LOOKS
    which, place, time_s = np.empty(most, dtype=np.int64), np.empty(most, dtype=np.int64), np.empty(most)
    n = 0
    for row in rows:
        track = tracklets[row]
        for back in range(min(track.count, TRACKLET_LOOKS)):
            slot = (track.count - 1 - back) % TRACKLET_ROW
            if last_s - pool[track.history][slot].time_s > MEMORY_S:
                break
            which[n], place[n], time_s[n] = row, slot, pool[track.history][slot].time_s
            n += 1
    order = np.argsort(time_s[:n], kind="mergesort")
    return which[:n][order], place[:n][order]


@njit(cache=True, error_model="numpy")
def _empty(track):
    track.score = 0.0
    track.hits = track.misses = 0
    track.seen = track.looked = 0.0
    track.sensors = track.missing = track.bystanders = 0
    track.first_miss_s = np.nan
    track.state, track.motion = TENTATIVE, UNDECIDED
    track.moved_s = track.airliner_s = track.company_s = track.inconsistent_s = np.nan
    track.driven_s = track.boosting_s = track.burnt_s = track.crowded_s = np.nan
    track.judged_s = -np.inf
    track.count = 0
    track.detection = track.rival = NONE
    track.rival_looks = 0
    track.snr = 0.0
    track.intensity_w_per_sr = track.instant_s = np.nan
    track.intensity_count = 0


@njit(cache=True, error_model="numpy")
def _guess(track, near, time_s):
    """Fill the bank with what is known before any look: about where, and how fast such things are."""
    track.time_s = time_s
    track.probability[:] = 0.0
    track.x[:] = 0.0
    track.p[:] = 0.0
    height = height_m(near[0], near[1], near[2])
    speed = math.sqrt(2.0 * RISE_M_PER_S2 * max(height, 0.0))
    speed = min(max(speed, LEAST_SIGMA_M_PER_S), MOST_SIGMA_M_PER_S)
    low = height < HIGHEST_AT_REST_M
    track.probability[STATIC] = STAYS_FIRST if low else 0.0
    track.probability[CRUISE] = CRUISES_FIRST if low else 0.0
    track.probability[BOOST] = 1.0 - track.probability[STATIC] - track.probability[CRUISE]
    for model in (BOOST, CRUISE, STATIC):
        for k in range(3):
            track.x[model, k] = near[k]
            track.p[model, k, k] = PLACE_SIGMA_M**2
            if model != STATIC:
                track.p[model, 3 + k, 3 + k] = speed * speed
    usual_force(BOOST, track.x[BOOST], track.p[BOOST])
    combine(track)
