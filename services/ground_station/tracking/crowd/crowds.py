"""Which tracks crowd, and what untangling them changes in their records."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from services.ground_station.tracking.ascent import layout
from services.ground_station.tracking.association.assignment import shortest_paths
from services.ground_station.tracking.bank.models import BOOST, CRUISE
from services.ground_station.tracking.crowd.common import Common, common_flight
from services.ground_station.tracking.crowd.looks import lay_out_looks
from services.ground_station.tracking.crowd.untangling import untangle
from services.ground_station.tracking.following import put_right
from services.ground_station.tracking.histories import FIRST_LOOKS, oldest_kept, track_place
from services.ground_station.tracking.records import CONFIRMED, STAYS

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]
Records = NDArray[np.void]

# Tracks nearer than so many standard deviations of what a look says of their places may be taken for each other.
CROWDED_SIGMA = 8.0
# Looks that a track must have, and tracks that are untangled together.
LEAST_LOOKS = 6
MOST_TRACKS = 8
# Looks of all of them that are shared out, the newest ones.
MOST_LOOKS = 2400
# What is likelier than this to cruise is in no crowd.
CRUISES = 0.9
# A crowd that was untangled so lately is settled, unless its first look is so near, s.
LATELY_S, YOUNG_S = 5.0, 25.0
# More tracks take seconds to be sought from nothing: they begin with the ways that they have.
MOST_SOUGHT = 6
# Part of the detections that as many objects would have, with which a crowd has as many objects as tracks.
LEAST_SHARE = 0.7
# A way from a launch that is faster than this, with so many standard deviations taken off, boosts with this probability
# at least: no cloud goes so fast, and what its looks said of the track before were others' looks.
RISING_M_PER_S, SURE_SIGMA, BOOSTING = 150.0, 3.0, 0.95
# Mean squared distance of the detections from the ways, over its expectation: beyond, these are no ways of one kind.
MOST_MISFIT = 1.5


@njit(cache=True, error_model="numpy")
def crowds(tracks, pool, of):  # noqa: PLR0912  # pairs within loops
    """Fill of (n,) with the number of the crowd that each track is in, or -1; return how many crowds there are.

    In none are tracks that are apart, and those of more than MOST_TRACKS in a chain of neighbours: so many are not
    untangled at all.
    """
    n = len(tracks)
    parent = np.arange(n)
    reach = np.zeros(n)
    for row in range(n):
        track = tracks[row]
        # What seems to stay in the midst of a crowd may have had the wrong looks.
        stays = track.motion == STAYS and not track.time_s - track.crowded_s < LATELY_S
        # Ways of a crowd are ascents: what cruises has none.
        cruises = track.probability[CRUISE] > CRUISES
        if track.state != CONFIRMED or stays or cruises or track.count < LEAST_LOOKS:
            continue
        ray = pool[track.history][track_place(track.count - 1)]
        distance2 = 0.0
        for i in range(3):
            distance2 += (track.mean[i] - ray.origin[i]) ** 2
        own = (track.covariance[0, 0] + track.covariance[1, 1] + track.covariance[2, 2]) / 3.0
        reach[row] = distance2 * ray.sigma_rad * ray.sigma_rad + own
    for a in range(n):
        if reach[a] == 0.0:
            continue
        for b in range(a + 1, n):
            if reach[b] == 0.0:
                continue
            apart2 = 0.0
            for i in range(3):
                apart2 += (tracks[a].mean[i] - tracks[b].mean[i]) ** 2
            if apart2 < CROWDED_SIGMA**2 * max(reach[a], reach[b]):
                first, second = _root(parent, a), _root(parent, b)
                parent[max(first, second)] = min(first, second)
    size = np.zeros(n, dtype=np.int64)
    for row in range(n):
        size[_root(parent, row)] += 1
    number = np.full(n, -1)
    count = 0
    for row in range(n):
        root = _root(parent, row)
        of[row] = -1
        if 2 <= size[root] <= MOST_TRACKS:
            if number[root] < 0:
                number[root] = count
                count += 1
            of[row] = number[root]
    return count


@njit(cache=True, error_model="numpy")
def _root(parent, place):
    while parent[place] != place:
        place = parent[place]
    return place


def untangle_crowd(
    tracks: Records,
    pool: Records,
    rows: Int64,
    since_s: float,
    hit_score: float,
    miss_score: float,
    new_rows: Int64,
) -> bool:
    """Share the looks of a crowd out anew; return whether anything could be said.

    rows: (m,) of the tracks; new_rows: (m,) rows of the pool for the new histories: the old ones stay as they are.
    """
    m = len(rows)
    rays, owner = looks_of(tracks, pool, rows, since_s)
    if len(rays) < LEAST_LOOKS * m:
        return False
    looks, means = lay_out_looks(rays, hit_score - miss_score)
    # Two tracks of one object have one detection a look between them: they are doubles, not a crowd.
    if len(rays) < LEAST_SHARE * m * len(means):
        return False
    at_s = float(rays["time_s"][-1])
    common = common_flight(means, at_s)
    if common is None:
        return False
    width = len(common.parameters)
    x, known, middle_known = np.empty((m, width)), np.empty((m, width, width)), np.empty((width, width))
    output, jacobian = np.empty((m, 12)), np.empty((m, 9, width))
    crowded_s = tracks["crowded_s"][rows]
    # While there are few looks, more than one sharing may explain them.
    settled = (tracks["time_s"][rows] - crowded_s < LATELY_S).all() and at_s - float(rays["time_s"][0]) >= YOUNG_S
    anew = not settled and m <= MOST_SOUGHT
    try:
        misfit = untangle(looks, common, owner, m, anew, x, known, middle_known, output, jacobian)
    except np.linalg.LinAlgError:
        # Looks that leave a combination of parameters wholly open, but for rounding.
        return False
    if not (np.isfinite(x).all() and np.isfinite(known).all() and misfit < MOST_MISFIT):
        return False
    way = way_of(tracks, rows, output)
    hand_out(tracks, pool, rows, rays, owner, way, since_s, new_rows)
    for row, t in zip(rows.tolist(), way.tolist(), strict=True):
        _put_right(tracks[row : row + 1], common, x[t], output[t], jacobian[t], known[t], middle_known)
    return True


def _put_right(
    record: Records,
    common: Common,
    x: Float64,
    output: Float64,
    jacobian: Float64,
    known: Float64,
    middle_known: Float64,
) -> None:
    """Let a track's boost model stand where its way ends."""
    covariance = (known + known @ middle_known @ known) * np.outer(common.apart, common.apart)
    growth = math.exp(-x[layout.LOG_EXHAUST])
    growth_sigma = growth * math.sqrt(covariance[layout.LOG_EXHAUST, layout.LOG_EXHAUST])
    state_covariance = jacobian @ covariance @ jacobian.T
    speed, doubt = np.linalg.norm(output[3:6]), math.sqrt(np.trace(state_covariance[3:6, 3:6]))
    if speed - SURE_SIGMA * doubt > RISING_M_PER_S and math.isnan(record["burnt_s"][0]):
        let_boost(record)
    put_right(record, common.at_s, output[:9], state_covariance, growth, growth_sigma)


@njit(cache=True, error_model="numpy")
def let_boost(records):
    """Let records[0] boost with probability BOOSTING at least; the others share what is left as before."""
    probability = records[0].probability
    if probability[BOOST] < BOOSTING:
        left = (1.0 - BOOSTING) / max(1.0 - probability[BOOST], 1e-9)
        for model in range(len(probability)):
            probability[model] *= left
        probability[BOOST] = BOOSTING


@njit(cache=True, error_model="numpy")
def looks_of(tracks, pool, rows, since_s):
    """Return the looks of all tracks since a time, in order of time and sensor, and whose each was, (n,)."""
    count = 0
    for row in rows:
        count += tracks[row].count
    which, place = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
    time_s, sensor = np.empty(count), np.empty(count)
    n = 0
    for t in range(len(rows)):
        track = tracks[rows[t]]
        oldest = oldest_kept(track.count)
        for number in range(track.count):
            if FIRST_LOOKS <= number < oldest:
                continue
            ray = pool[track.history][track_place(number)]
            if ray.time_s >= since_s:
                which[n], place[n], time_s[n], sensor[n] = t, track_place(number), ray.time_s, ray.sensor
                n += 1
    order = np.argsort(sensor[:n], kind="mergesort")
    order = order[np.argsort(time_s[:n][order], kind="mergesort")]
    order = order[max(0, n - MOST_LOOKS) :]
    rays = np.empty(len(order), dtype=pool.dtype)
    owner = np.empty(len(order), dtype=np.int64)
    for k in range(len(order)):
        rays[k] = pool[tracks[rows[which[order[k]]]].history][place[order[k]]]
        owner[k] = which[order[k]]
    return rays, owner


@njit(cache=True, error_model="numpy")
def way_of(tracks, rows, output):
    """Return (m,) for each track the way that ends nearest to where it is, one to one; output: (m, 12)."""
    m = len(rows)
    apart2 = np.zeros((m, m))
    for a in range(m):
        for t in range(m):
            for i in range(3):
                apart2[a, t] += (tracks[rows[a]].mean[i] - output[t, i]) ** 2
    return shortest_paths(apart2)


@njit(cache=True, error_model="numpy")
def hand_out(tracks, pool, rows, rays, owner, way, since_s, new_rows):
    """Give every track the looks of its way, (m,)."""
    for a in range(len(rows)):
        track = tracks[rows[a]]
        old, new = pool[track.history], pool[new_rows[a]]
        kept = 0
        # Looks before the time from which all have been shared out stay whose they were.
        oldest = oldest_kept(track.count)
        for number in range(track.count):
            if FIRST_LOOKS <= number < oldest or old[track_place(number)].time_s >= since_s:
                continue
            new[track_place(kept)] = old[track_place(number)]
            kept += 1
        for k in range(len(rays)):
            if owner[k] == way[a]:
                new[track_place(kept)] = rays[k]
                kept += 1
        track.count = kept
        track.history = new_rows[a]
        track.crowded_s = track.time_s
