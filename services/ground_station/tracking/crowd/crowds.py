"""Which tracks crowd, and what untangling them changes in their records."""

import math

import numpy as np
from numba import njit

from services.ground_station.tracking.association.assignment import shortest_paths
from services.ground_station.tracking.bank.filters import predict
from services.ground_station.tracking.bank.imm import combine, usual_force
from services.ground_station.tracking.bank.models import BOOST, SIZE
from services.ground_station.tracking.crowd.untangling import untangle
from services.ground_station.tracking.forces import height_m
from services.ground_station.tracking.founding import (
    LEAST_SIGMA_M_PER_S,
    MOST_SIGMA_M_PER_S,
    PLACE_SIGMA_M,
    RISE_M_PER_S2,
)
from services.ground_station.tracking.histories import FIRST_LOOKS, oldest_kept, track_place
from services.ground_station.tracking.records import CONFIRMED, STAYS

# Tracks nearer than so many standard deviations of what a look says of their places may be taken for each other.
CROWDED_SIGMA = 5.0
# Looks that a track must have, and tracks that are untangled together.
LEAST_LOOKS = 6
MOST_TRACKS = 8
# Looks of all of them that are shared out, the newest ones.
MOST_LOOKS = 2400
# A crowd that was untangled so lately is settled.
LATELY_S = 5.0
# Part of the detections that as many objects would have, with which a crowd has as many objects as tracks.
LEAST_SHARE = 0.7
# The first instants of a crowd, s: it has not gone far yet.
FIRST_S = 2.0


@njit(cache=True, error_model="numpy")
def crowds(tracks, pool, of):  # noqa: PLR0912  # pairs within loops
    """Fill of (n,) with the number of the crowd that each track is in, or -1 where it is apart; return how many."""
    n = len(tracks)
    parent = np.arange(n)
    reach = np.zeros(n)
    for row in range(n):
        track = tracks[row]
        if track.state != CONFIRMED or track.motion == STAYS or track.count < LEAST_LOOKS:
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


@njit(cache=True, error_model="numpy")
def untangle_crowd(tracks, pool, rows, since_s, hit_score, miss_score, new_rows):
    """Share the looks of a crowd out anew; return whether anything could be said.

    rows: (m,) of the tracks; new_rows: (m,) rows of the pool for the new histories: the old ones stay as they are.
    """
    rays, owner = _looks_of(tracks, pool, rows, since_s)
    n = len(rays)
    if n < LEAST_LOOKS * len(rows):
        return False
    time_s = np.empty(n)
    sigma_rad, sensor = np.empty(n), np.empty(n, dtype=np.int64)
    origin, los = np.empty((n, 3)), np.empty((n, 3))
    begins = np.empty(n + 1, dtype=np.int64)
    looks = 0
    for k in range(n):
        ray = rays[k]
        if k == 0 or ray.time_s != rays[k - 1].time_s or ray.sensor != rays[k - 1].sensor:
            time_s[looks], begins[looks] = ray.time_s, k
            looks += 1
        sigma_rad[k], sensor[k] = ray.sigma_rad, ray.sensor
        for i in range(3):
            origin[k, i], los[k, i] = ray.origin[i], ray.los[i]
    begins[looks] = n
    m = len(rows)
    # Two tracks of one object have one detection a look between them: they are doubles, not a crowd.
    if n < LEAST_SHARE * m * looks:
        return False
    first_x, first_p = np.zeros((m, SIZE)), np.zeros((m, SIZE, SIZE))
    velocity = np.empty((m, 3))
    crossing = _crossing(origin, los, time_s[0], rays)
    for t in range(m):
        _guess(first_x[t], first_p[t], crossing)
        for i in range(3):
            velocity[t, i] = tracks[rows[t]].mean[3 + i]
    x_end, p_end = np.empty((m, SIZE)), np.empty((m, SIZE, SIZE))
    untangle(
        first_x,
        first_p,
        time_s[:looks],
        begins[: looks + 1],
        sensor,
        origin,
        los,
        sigma_rad,
        velocity,
        hit_score,
        miss_score,
        _is_new(tracks, rows),
        owner,
        x_end,
        p_end,
    )
    for t in range(m):
        if not np.isfinite(x_end[t]).all() or not np.isfinite(p_end[t]).all():
            return False
    _hand_out(tracks, pool, rows, rays, owner, x_end, p_end, time_s[looks - 1], since_s, new_rows)
    return True


@njit(cache=True, error_model="numpy")
def _is_new(tracks, rows):
    """Return whether a track of a crowd has not been untangled lately."""
    for row in rows:  # noqa: SIM110  # compiled code has no generators
        if not tracks[row].time_s - tracks[row].crowded_s < LATELY_S:
            return True
    return False


@njit(cache=True, error_model="numpy")
def _looks_of(tracks, pool, rows, since_s):
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
def _crossing(origin, los, first_s, rays):
    """Return the point nearest to all lines of sight of the first instants."""
    normal, right = np.zeros((3, 3)), np.zeros(3)
    for k in range(len(rays)):
        if rays[k].time_s > first_s + FIRST_S:
            break
        for i in range(3):
            for j in range(3):
                across = (1.0 if i == j else 0.0) - los[k, i] * los[k, j]
                normal[i, j] += across
                right[i] += across * origin[k, j]
    return np.linalg.solve(normal + 1e-9 * np.eye(3), right)


@njit(cache=True, error_model="numpy")
def _guess(x, p, near):
    """Write what is known before any look, as of a newborn."""
    height = height_m(near[0], near[1], near[2])
    speed = min(max(math.sqrt(2.0 * RISE_M_PER_S2 * max(height, 0.0)), LEAST_SIGMA_M_PER_S), MOST_SIGMA_M_PER_S)
    for i in range(3):
        x[i] = near[i]
        p[i, i] = PLACE_SIGMA_M**2
        p[3 + i, 3 + i] = speed * speed
    usual_force(BOOST, x, p)


@njit(cache=True, error_model="numpy")
def _hand_out(tracks, pool, rows, rays, owner, x_end, p_end, end_s, since_s, new_rows):
    """Give every track the way that ends nearest to where it is, with its looks."""
    m = len(rows)
    apart2 = np.zeros((m, m))
    for a in range(m):
        for t in range(m):
            for i in range(3):
                apart2[a, t] += (tracks[rows[a]].mean[i] - x_end[t, i]) ** 2
    way = shortest_paths(apart2)
    for a in range(m):
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
        if track.probability[BOOST] > 0.5:
            track.x[BOOST] = x_end[way[a]]
            track.p[BOOST] = p_end[way[a]]
            predict(BOOST, track.x[BOOST], track.p[BOOST], track.time_s - end_s)
            combine(track)
