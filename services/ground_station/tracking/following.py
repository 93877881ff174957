"""What a look does to the tracks in space: moved on, given detections, missed, weighed."""

import math

import numpy as np
from numba import njit

from services.ground_station.tracking.airliners import note_airliner
from services.ground_station.tracking.association.assignment import assign
from services.ground_station.tracking.association.gating import gated
from services.ground_station.tracking.bank.filters import LIGHT_M_PER_S, predict
from services.ground_station.tracking.bank.imm import (
    advance,
    combine,
    see,
    see_nothing,
    usual_force,
    working_room,
)
from services.ground_station.tracking.bank.models import (
    BOOST,
    CRUISE,
    MODELS,
    MOST_FORCE_M_PER_S2,
    STATIC,
)
from services.ground_station.tracking.burning import note_burn
from services.ground_station.tracking.bystanders import is_disproved, note_bystander, seen_by_two
from services.ground_station.tracking.company import had_company, note_company
from services.ground_station.tracking.histories import TRACK_LOOKS, is_due, track_place, window, write_ray
from services.ground_station.tracking.judgement import judge as judgement
from services.ground_station.tracking.judgement.limits import DECIDE_HITS, DECIDE_S
from services.ground_station.tracking.pool import keep_old
from services.ground_station.tracking.records import CONFIRMED, MOVES, NONE, STAYS, UNDECIDED

# The share of looks that saw it is kept over about so many looks.
REMEMBERED_LOOKS = 40
# Scores beyond this say nothing more.
HIGHEST_SCORE = 80.0
# A track tells of sensors from so many hits on; they are remembered over so many looks.
GROWN_HITS, MISFIT_LOOKS = 8, 50
# Where it is less likely than this that it boosts, no fit of a boost says how it moves.
LEAST_BOOSTING = 0.5
# Nothing is known of what a fit knows no better than this, and no missile or launcher is faster over the Earth.
MOST_DOUBT_M_PER_S = 1000.0
MOST_SPEED_M_PER_S = 12_000.0
# A track that flies unseen, missed by so many looks or out of view for so long (s), has a wide gate; what it takes must
# beat clutter by so much more, log likelihood.
UNSEEN_LOOKS, UNSEEN_S, UNSEEN_DOUBT = 8, 15.0, 7.0
# How long after a judgement of what is undecided, moves, stays the next is due, s; of many tracks, not all at once.
JUDGE_WAITS_S = np.array([0.2, 5.0, 2.0])
JUDGE_STAGGER_S, JUDGE_STAGGERED = 0.25, 8
# Two satellites' distances differ by no more than this, s of light.
LIGHT_SLACK_S = 0.1
# Brightness is the mean over the sensors that look within this.
BRIGHTNESS_S = 0.1
# How well place and velocity are known of what was thought to stay and is found to move: its looks say it, over some
# seconds, and no model has followed it yet.
SET_OUT_SIGMA_M = 1000.0
SET_OUT_SIGMA_M_PER_S = 200.0


@njit(cache=True, error_model="numpy")
def advance_all(tracks, time_s):
    """Move all tracks on to a time."""
    room = working_room()
    for row in range(len(tracks)):
        track = tracks[row]
        track.detection = NONE
        advance(track, time_s, room)


@njit(cache=True, error_model="numpy")
def associate(tracks, pool, in_view, look, time_s, sensor, sequence, hit_score, miss_score, gate2, sensors, owner):
    """Give the detections of a look to tracks in space, decided ones before others.

    pool: with room for what may be written over. in_view: (k,) rows of the tracks that the look has in view.
    hit_score: log of the chance to be seen over the density of clutter, per steradian; miss_score: log of the chance
    not to be seen. sensors: their records.
    Fills owner (n,) with the row that took each detection, or NONE.
    """
    owner[:] = NONE
    count, pair_track, pair_detection, squared, likelihood = gated(
        tracks, in_view, look.origin, look.los, look.sigma_rad, gate2
    )
    gain, chosen = np.empty(count), np.empty(count, dtype=np.bool_)
    for decided in (True, False):
        some = 0
        for k in range(count):
            track = tracks[pair_track[k]]
            if (track.state == CONFIRMED) == decided and owner[pair_detection[k]] == NONE:
                some += 1
        if some == 0:
            continue
        rows, columns = np.empty(some, dtype=np.int64), np.empty(some, dtype=np.int64)
        which = np.empty(some, dtype=np.int64)
        some = 0
        for k in range(count):
            track = tracks[pair_track[k]]
            if (track.state == CONFIRMED) == decided and owner[pair_detection[k]] == NONE:
                rows[some], columns[some], which[some] = pair_track[k], pair_detection[k], k
                gain[some] = likelihood[k] + hit_score - miss_score
                if track.misses >= UNSEEN_LOOKS or time_s - track.last_hit_s > UNSEEN_S:
                    gain[some] -= UNSEEN_DOUBT
                some += 1
        assign(rows, columns, gain, some, len(owner), chosen)
        for k in range(some):
            if chosen[k]:
                owner[columns[k]] = rows[k]
                score = likelihood[which[k]] + hit_score
                if decided and tracks[rows[k]].hits >= GROWN_HITS:
                    _note_misfit(sensors[sensor], squared[which[k]] / 2.0)
                _take(tracks[rows[k]], pool, look, columns[k], time_s, sensor, sequence, score)
    miss(tracks, in_view, sensor, sensors, time_s, miss_score)
    note_rivals(tracks, in_view, pair_track[:count], pair_detection, squared, owner)


@njit(cache=True, error_model="numpy")
def _note_misfit(record, squared):
    """Take in how far a sensor's detection lies from its track: squared distance over its expectation."""
    record.heard += 1
    record.misfit += (squared - record.misfit) / min(record.heard, MISFIT_LOOKS)


@njit(cache=True, error_model="numpy")
def _take(track, pool, look, place, time_s, sensor, sequence, score):
    """Give a track a detection of a look."""
    credit(track, look.origin, look.los[place], look.sigma_rad[place], score)
    note_hit(track, time_s, sensor)
    track.detection = place
    _note_intensity(track, look, place, time_s)
    remember(track, pool, look, place, time_s, sensor, sequence)


@njit(cache=True, error_model="numpy")
def _note_intensity(track, look, place, time_s):
    """Keep how bright it is: the mean over the sensors of one instant."""
    track.snr = look.snr[place]
    intensity = look.intensity_w_per_sr[place]
    if math.isnan(intensity):
        distance2 = 0.0
        for i in range(3):
            distance2 += (track.mean[i] - look.origin[i]) ** 2
        intensity = look.irradiance_w_per_m2[place] * distance2
    if math.isnan(intensity):
        return
    if math.isnan(track.instant_s) or time_s - track.instant_s > BRIGHTNESS_S:
        track.instant_s, track.intensity_count, track.intensity_w_per_sr = time_s, 0, 0.0
    track.intensity_count += 1
    track.intensity_w_per_sr += (intensity - track.intensity_w_per_sr) / track.intensity_count


@njit(cache=True, error_model="numpy")
def credit(track, origin, los, sigma_rad, score):
    """Correct a track by a line of sight and add to its score; return the squared normalised distance."""
    track.score = min(track.score + score, HIGHEST_SCORE)
    return see(track, origin, los, sigma_rad)


@njit(cache=True, error_model="numpy")
def note_hit(track, time_s, sensor):
    """Note that a sensor has seen a track."""
    track.hits += 1
    track.misses = 0
    track.missing = 0
    track.first_miss_s = np.nan
    track.last_hit_s = time_s
    if not track.sensors >> sensor & 1:
        track.sensors |= 1 << sensor
        track.bystanders = 0
    track.rival_looks = 0
    keep = 1.0 - 1.0 / REMEMBERED_LOOKS
    track.seen = track.seen * keep + 1.0
    track.looked = track.looked * keep + 1.0


@njit(cache=True, error_model="numpy")
def remember(track, pool, look, place, time_s, sensor, sequence):
    """Keep a look for judgement and launch, if it is time for it."""
    rays = pool.rays[track.history]
    if not is_due(rays, track.count, sensor, time_s):
        return
    if track.count >= TRACK_LOOKS:
        keep_old(pool, track.history, track_place(track.count), time_s)
    dx, dy, dz = track.mean[0] - look.origin[0], track.mean[1] - look.origin[1], track.mean[2] - look.origin[2]
    age = math.sqrt(dx * dx + dy * dy + dz * dz) / LIGHT_M_PER_S
    write_ray(rays[track_place(track.count)], look, place, time_s, sensor, sequence, age)
    track.count += 1


@njit(cache=True, error_model="numpy")
def miss(tracks, in_view, sensor, sensors, time_s, log_missed):
    """Note for tracks in view, rows (k,), that had no detection in a look. log_missed: log of the chance of that.

    sensors: their records.
    """
    for row in in_view:
        track = tracks[row]
        if track.detection != NONE:
            continue
        track.misses += 1
        track.missing |= 1 << sensor
        if math.isnan(track.first_miss_s):
            track.first_miss_s = time_s
        if track.sensors >> sensor & 1:
            see_nothing(track, min(track.seen / track.looked, 1.0 - math.exp(log_missed)))
            keep = 1.0 - 1.0 / REMEMBERED_LOOKS
            track.seen *= keep
            track.looked = track.looked * keep + 1.0
        elif track.motion == UNDECIDED:
            note_bystander(track, sensor, sensors)
        track.score += log_missed


@njit(cache=True, error_model="numpy")
def judge_track(track, rays, now_s, window_s, limits, scratch, motion, company):
    """Return what a track's newest looks say: verdict, way in pixels.

    scratch: `empty_window`. motion: (3, 3) out. company: something else has moved near it lately.
    """
    time_s, origin, los, sigma_rad, pixel_rad, sensor = scratch
    n = window(rays, track.count, now_s - window_s, time_s, origin, los, sigma_rad, pixel_rad, sensor)
    ratio = track.seen / track.looked if track.looked > 0.0 else 1.0
    if track.motion == UNDECIDED and is_disproved(track):
        ratio = 0.0
    return judgement.judge(
        time_s,
        origin,
        los,
        sigma_rad,
        pixel_rad,
        sensor,
        n,
        track.mean[:3].copy(),
        ratio,
        limits,
        motion,
        track.motion == MOVES,
        company,
    )


@njit(cache=True, error_model="numpy")
def decide(tracks, tracklets, sensors, pool, now_s, rules, limits, confirm_score, scratch):
    """Weigh the motion of all tracks for which it is time, confirm those that surely exist, note what burns.

    tracklets: of all single satellites. sensors: their records. limits: of the judgement. scratch: from `empty_window`.
    """
    motion = np.empty((3, 3))
    for row in range(len(tracks)):
        track = tracks[row]
        if track.detection == NONE or now_s - track.judged_s < _judge_wait(track):
            continue
        track.judged_s = now_s
        # Of three satellites, or of what is known to move, nobody asks it.
        alone = track.motion != MOVES and seen_by_two(track)
        if alone:
            note_company(track, tracks, tracklets, sensors, now_s)
        if _is_young(track, limits):
            track.inconsistent_s = np.nan
            continue
        company = alone and had_company(track, now_s)
        rays = pool[track.history]
        verdict, way_px = judge_track(track, rays, now_s, rules.window_s, limits, scratch, motion, company)
        _believe(track, verdict, way_px, motion, now_s, rules.awaken_px)
    for row in range(len(tracks)):
        if tracks[row].score > confirm_score:
            tracks[row].state = CONFIRMED
        if tracks[row].motion == MOVES:
            note_burn(tracks[row])
            note_airliner(tracks[row], now_s)


@njit(cache=True, error_model="numpy")
def _believe(track, verdict, way_px, motion, now_s, awaken_px):
    """Let a verdict say of a track whether it moves; motion: that its looks show. awaken_px: the way of what stayed."""
    if verdict == judgement.INCONSISTENT and track.motion != MOVES:
        if math.isnan(track.inconsistent_s):
            track.inconsistent_s = now_s
    else:
        track.inconsistent_s = np.nan
    if verdict == judgement.MOVING and (track.motion != STAYS or way_px > awaken_px):
        if track.motion != MOVES:
            track.moved_s = now_s
            _set_out(track, motion)
        track.motion, track.state = MOVES, CONFIRMED
    elif verdict == judgement.STATIC:
        if track.motion != STAYS:
            _settle(track)
        track.motion, track.state = STAYS, CONFIRMED


@njit(cache=True, error_model="numpy")
def _is_young(track, limits):
    """Return whether a track has too few looks, or too short a time, for a verdict; light's way takes milliseconds."""
    return track.hits < limits[DECIDE_HITS] or track.last_hit_s - track.first_s < limits[DECIDE_S] - LIGHT_SLACK_S


@njit(cache=True, error_model="numpy")
def _judge_wait(track):
    if track.motion == UNDECIDED:
        return JUDGE_WAITS_S[UNDECIDED]
    return JUDGE_WAITS_S[track.motion] + JUDGE_STAGGER_S * (track.serial % JUDGE_STAGGERED)


@njit(cache=True, error_model="numpy")
def _settle(track):
    """Let a track stay in its place from now on."""
    if track.probability[STATIC] > 0.0:
        track.probability[:] = 0.0
    else:
        track.probability[:] = 0.0
        track.x[STATIC] = 0.0
        track.p[STATIC] = 0.0
        for i in range(3):
            track.x[STATIC, i] = track.mean[i]
            for j in range(3):
                track.p[STATIC, i, j] = track.covariance[i, j]
    track.probability[STATIC] = 1.0
    combine(track)


@njit(cache=True, error_model="numpy")
def _set_out(track, motion):
    """Let a track move from now on; motion: (3, 3) position, velocity and acceleration that its looks show."""
    track.probability[STATIC] = 0.0
    total = track.probability.sum()
    if total > 0.0 and track.motion == UNDECIDED:
        for model in range(MODELS):
            track.probability[model] /= total
    else:
        track.probability[:] = 0.0
        for model in (BOOST, CRUISE):
            track.probability[model] = 0.5
            x, p = track.x[model], track.p[model]
            x[:], p[:] = 0.0, 0.0
            for k in range(3):
                x[k], x[3 + k] = motion[0, k], motion[1, k]
                p[k, k], p[3 + k, 3 + k] = SET_OUT_SIGMA_M**2, SET_OUT_SIGMA_M_PER_S**2
        usual_force(BOOST, track.x[BOOST], track.p[BOOST])
    combine(track)


@njit(cache=True, error_model="numpy")
def put_right(records, at_s, state, covariance, growth, growth_sigma):
    """Let the boost model of records[0] stand where a fit of all its looks says that it was; others stay.

    at_s: not later than the record's time, from which on nothing new has been seen. state: (9,), covariance: (9, 9).
    A state that no rocket has, or that is hardly known, puts nothing right: a fit to what is no rocket comes to that.
    """
    track = records[0]
    if track.probability[BOOST] < LEAST_BOOSTING or not _is_of_a_rocket(state, covariance):
        return
    x, p = track.x[BOOST], track.p[BOOST]
    for i in range(9):
        x[i] = state[i]
        for j in range(9):
            p[i, j] = covariance[i, j]
        p[9, i] = p[i, 9] = 0.0
    x[9], p[9, 9] = growth, growth_sigma * growth_sigma
    predict(BOOST, x, p, track.time_s - at_s)
    combine(track)


@njit(cache=True, error_model="numpy")
def _is_of_a_rocket(state, covariance):
    """Return whether a fit's state may be a rocket's, and is known."""
    force = math.sqrt(state[6] ** 2 + state[7] ** 2 + state[8] ** 2)
    speed = math.sqrt(state[3] ** 2 + state[4] ** 2 + state[5] ** 2)
    doubt = math.sqrt(covariance[3, 3] + covariance[4, 4] + covariance[5, 5])
    return force < MOST_FORCE_M_PER_S2 and speed < MOST_SPEED_M_PER_S and doubt < MOST_DOUBT_M_PER_S


@njit(cache=True, error_model="numpy")
def note_rivals(tracks, in_view, pair_track, pair_detection, squared, owner):
    """Note for tracks in view that had no detection who took the nearest one that they might have had.

    pairs: (count,) within gates; owner: (n,) row of the track that took each detection, or NONE.
    """
    taker = np.full(len(tracks), NONE)
    nearest = np.full(len(tracks), np.inf)
    for k in range(len(pair_track)):
        row, took = pair_track[k], owner[pair_detection[k]]
        if tracks[row].detection == NONE and took != NONE and squared[k] < nearest[row]:
            nearest[row], taker[row] = squared[k], took
    for row in in_view:
        track = tracks[row]
        if track.detection != NONE:
            continue
        serial = tracks[taker[row]].serial if taker[row] != NONE else NONE
        again = serial != NONE and serial == track.rival
        track.rival_looks = track.rival_looks + 1 if again else (1 if serial != NONE else 0)
        track.rival = serial
