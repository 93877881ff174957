"""Where lines of sight of several satellites meet: candidates for new tracks in space.

Two lines of sight can only meet if they lie in one plane with the line between the satellites. Sorted by the angle of
that plane (the epipolar angle), those that may meet lie next to each other.
"""

import math

import numpy as np
from numba import njit

from services.ground_station.tracking.association.gating import widest_axis
from services.ground_station.tracking.forces import height_m
from services.ground_station.tracking.histories import TRACKLET_ROW
from services.ground_station.tracking.records import INSTANT_S, NONE

# Where heat can be: from the ground, give or take, to where boost ends.
LOWEST_M = -3000.0
HIGHEST_M = 1_500_000.0
# Lines of sight nearer to parallel than this do not meet anywhere in particular.
SMALLEST_SINE = 0.02
# Looks of another satellite older than this do not pair with one of now, s.
OLDEST_S = 2.0
# How fast something may go of which there is one look so far, per axis; and what carries it, a satellite, m/s.
FRESH_M_PER_S = 1000.0
SATELLITE_M_PER_S = 7600.0
# Satellites that one candidate may have.
MOST_MEMBERS = 16


@njit(cache=True, error_model="numpy")
def candidates(tracklets, pool, position, sensor, time_s, gate, pair_hits, rows_out, size_out, point_out):
    """Fill which tracks may be of one object, the best first; return how many candidates there are, at most what fits.

    One of each has just been seen by `sensor`. Those that more satellites support come first, then those that meet
    better: a ghost of two unrelated sources has no third witness. Two alone must have been seen `pair_hits` times.
    position: (sensors, 3) of the satellites now. rows_out: (k, MOST_MEMBERS) rows in `tracklets`, of which size_out
    (k,) hold; point_out: (k, 3) where they meet.
    """
    n = len(tracklets)
    rows = np.empty(n, dtype=np.int64)
    origin, los = np.empty((n, 3)), np.empty((n, 3))
    sigma, doubt = np.empty(n), np.empty(n)
    n = aims(tracklets, pool, time_s, OLDEST_S, position, rows, origin, los, sigma, doubt)
    sensor_of, hits = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    is_own = np.zeros(n, dtype=np.bool_)
    for k in range(n):
        track = tracklets[rows[k]]
        sensor_of[k], hits[k] = track.sensor, track.hits
        is_own[k] = track.sensor == sensor and track.detection != NONE
    own = np.flatnonzero(is_own)
    room = len(size_out)
    pairs, point, apart = np.empty((room, 2), dtype=np.int64), np.empty((room, 3)), np.empty(room)
    count = 0
    if len(own) > 0:
        for other in range(len(position)):
            theirs = np.flatnonzero(sensor_of == other)
            if other != sensor and len(theirs) > 0 and count < room:
                count += meetings(
                    own,
                    theirs,
                    origin,
                    los,
                    sigma,
                    doubt,
                    position[sensor],
                    position[other],
                    gate,
                    pairs[count:],
                    point[count:],
                    apart[count:],
                )
    if count == 0:
        return 0
    members = np.empty((count, MOST_MEMBERS), dtype=np.int64)
    sizes = witnesses(pairs, count, point, n, sensor_of, origin, los, sigma, gate, members)
    filled = 0
    for k in _rank(pairs, count, apart, sizes, hits, gate, pair_hits):
        if filled == room:
            break
        c = k % count
        size_out[filled] = sizes[c] if k < count else 2
        for m in range(size_out[filled]):
            rows_out[filled, m] = rows[members[c, m]]
        point_out[filled] = point[c]
        filled += 1
    return filled


@njit(cache=True, error_model="numpy")
def _rank(pairs, count, apart, sizes, hits, gate, pair_hits):
    """Return which candidates to try, best first: a pair's number with all its witnesses, plus `count` without.

    sizes: (count,) of members with witnesses. hits: of each aim.
    """
    # Sorted by size, then by distance; pairs within larger candidates are tried after all of these.
    worth = np.empty(2 * count)
    for c in range(count):
        twice = hits[pairs[c, 0]] >= pair_hits and hits[pairs[c, 1]] >= pair_hits
        worth[c] = MOST_MEMBERS - sizes[c] + apart[c] / (2.0 * gate) if sizes[c] > 2 else np.inf
        worth[count + c] = MOST_MEMBERS + apart[c] / (2.0 * gate) if twice else np.inf
    order = np.argsort(worth, kind="mergesort")
    return order[: np.searchsorted(worth[order], np.inf)]


@njit(cache=True, error_model="numpy")
def sees_any(tracklets, sensor):
    """Return whether a sensor has just seen any of its tracks."""
    for row in range(len(tracklets)):  # noqa: SIM110  # compiled code has no generators
        if tracklets[row].sensor == sensor and tracklets[row].detection != NONE:
            return True
    return False


@njit(cache=True, error_model="numpy")
def aims(tracklets, pool, time_s, newest_s, position, rows, origin, los, sigma_rad, doubt_m):
    """Fill where tracks of single satellites that were seen lately lie in the sky now; return how many.

    position: (sensors, 3) of each satellite now. rows: into `tracklets`. doubt_m: how far the origin may be
    off, because a lone look is taken as it was.
    """
    n = 0
    for row in range(len(tracklets)):
        track = tracklets[row]
        since = time_s - track.last_hit_s
        if since > newest_s:
            continue
        ray = pool[track.history][(track.count - 1) % TRACKLET_ROW]
        rows[n] = row
        distance = 0.0
        for i in range(3):
            distance += (ray.point[i] - ray.origin[i]) ** 2
        # A line of sight that leads away from the Earth meets nothing: it counts as near.
        distance = max(math.sqrt(distance), 1.0)
        if since < INSTANT_S or track.hits < 2:
            for i in range(3):
                origin[n, i], los[n, i] = ray.origin[i], ray.los[i]
            sigma_rad[n] = math.hypot(ray.sigma_rad, since * FRESH_M_PER_S / distance)
            doubt_m[n] = since * SATELLITE_M_PER_S
        else:
            length = 0.0
            ahead = time_s - track.time_s
            for i in range(3):
                origin[n, i] = position[track.sensor, i]
                los[n, i] = track.x[i] + ahead * track.x[3 + i] - origin[n, i]
                length += los[n, i] ** 2
            for i in range(3):
                los[n, i] /= math.sqrt(length)
            drift = math.sqrt((track.p[3, 3] + track.p[4, 4] + track.p[5, 5]) / 2.0)
            sigma_rad[n] = math.hypot(ray.sigma_rad, since * drift / distance)
            doubt_m[n] = 0.0
        n += 1
    return n


@njit(cache=True, error_model="numpy")
def meetings(own, other, origin, los, sigma_rad, doubt_m, here, there, gate, out, point, apart):
    """Fill pairs of lines of sight of two satellites that meet; return how many, at most what fits.

    own, other: places among the aims. here, there: (3,) the satellites' positions. out: (k, 2) places of both; point:
    (k, 3) between them; apart: (k,) their distance in standard deviations.
    """
    line = there - here
    length = max(math.sqrt((line * line).sum()), 1.0)
    line /= length
    # Angles about the line between the satellites, from the direction to the Earth's centre on.
    first = -here + (here * line).sum() * line
    first /= math.sqrt((first * first).sum())
    second = np.cross(line, first)
    angles, slack = np.empty(len(other)), np.empty(len(other))
    widest = 0.0
    for k in range(len(other)):
        angles[k], slack[k] = _plane(
            los[other[k]], sigma_rad[other[k]], doubt_m[other[k]] / length, first, second, gate
        )
        widest = max(widest, slack[k])
    order = np.argsort(angles)
    ordered = angles[order]
    # Side by side, as they are compared.
    their_origin, their_los, their_sigma = origin[other][order], los[other][order], sigma_rad[other][order]
    count = 0
    for a in own:
        angle, width = _plane(los[a], sigma_rad[a], doubt_m[a] / length, first, second, gate)
        own_place, own_way = _three(origin, a), _three(los, a)
        begin = np.searchsorted(ordered, angle - width - widest)
        for k in range(begin, len(ordered)):
            if ordered[k] > angle + width + widest:
                break
            if count == len(out):
                return count
            place, way = _three(their_origin, k), _three(their_los, k)
            distance, meet = _meet(own_place, own_way, sigma_rad[a], place, way, their_sigma[k], gate)
            if distance < gate:
                out[count, 0], out[count, 1], apart[count] = a, other[order[k]], distance
                point[count, 0], point[count, 1], point[count, 2] = meet
                count += 1
    return count


@njit(cache=True, error_model="numpy")
def _plane(los, sigma_rad, turn, first, second, gate):
    """Return the epipolar angle of a line of sight, and how far it may be off."""
    x = los[0] * first[0] + los[1] * first[1] + los[2] * first[2]
    y = los[0] * second[0] + los[1] * second[1] + los[2] * second[2]
    return math.atan2(y, x), gate * (sigma_rad + turn) / max(math.hypot(x, y), 1e-3)


@njit(cache=True, error_model="numpy")
def _three(rows, k):
    """Return a row's numbers as such: a view of it would cost more than they do."""
    return rows[k, 0], rows[k, 1], rows[k, 2]


@njit(cache=True, error_model="numpy")
def _meet(place_a, los_a, sigma_a, place_b, los_b, sigma_b, gate):
    """Return how far apart two lines of sight pass, in standard deviations, and the point between them.

    place: where each begins, los: unit; three numbers each. Infinity: they cannot be of one source.
    """
    miss2, sine2, range_a, range_b, between = passing(place_a, los_a, place_b, los_b)
    # What is surely too far apart, nearly all, needs no roots.
    noise_a, noise_b = range_a * sigma_a, range_b * sigma_b
    if not miss2 <= gate * gate * (noise_a * noise_a + noise_b * noise_b) * 1.0001:
        return np.inf, between
    sigma = math.hypot(noise_a, noise_b)
    apart = math.sqrt(miss2) / sigma
    if apart >= gate:
        return np.inf, between
    # How far the crossing may lie off along the lines of sight.
    slack = 4.0 * sigma / math.sqrt(sine2)
    return (apart if LOWEST_M - slack < height_m(*between) < HIGHEST_M else np.inf), between


@njit(cache=True, error_model="numpy")
def passing(place_a, los_a, place_b, los_b):
    """Return how two lines of sight pass each other, three numbers for each place and unit vector.

    Squared distance, squared sine between them, both ranges there, and the point between; the distance is infinite
    where they are nearly parallel or pass behind their origins.
    """
    gap = (place_b[0] - place_a[0], place_b[1] - place_a[1], place_b[2] - place_a[2])
    cosine, along_a, along_b = _dot(los_a, los_b), _dot(los_a, gap), _dot(los_b, gap)
    sine2 = 1.0 - cosine * cosine
    if sine2 < SMALLEST_SINE**2:
        return np.inf, sine2, 0.0, 0.0, place_a
    range_a = (along_a - cosine * along_b) / sine2
    range_b = (cosine * along_a - along_b) / sine2
    if range_a <= 0.0 or range_b <= 0.0:
        return np.inf, sine2, range_a, range_b, place_a
    xa, ya, za = place_a[0] + range_a * los_a[0], place_a[1] + range_a * los_a[1], place_a[2] + range_a * los_a[2]
    xb, yb, zb = place_b[0] + range_b * los_b[0], place_b[1] + range_b * los_b[1], place_b[2] + range_b * los_b[2]
    miss2 = (xa - xb) ** 2 + (ya - yb) ** 2 + (za - zb) ** 2
    return miss2, sine2, range_a, range_b, ((xa + xb) / 2.0, (ya + yb) / 2.0, (za + zb) / 2.0)


@njit(cache=True, error_model="numpy")
def _dot(one, other):
    return one[0] * other[0] + one[1] * other[1] + one[2] * other[2]


@njit(cache=True, error_model="numpy")
def witnesses(pairs, count, point, n, sensor_of, origin, los, sigma_rad, gate, members):
    """Fill each pair's members: both, and of every other satellite the one line of sight that points there; NONE else.

    sensor_of: (n,) whose each aim is. members: (count, MOST_MEMBERS). Returns (count,) how many.
    """
    sizes = np.full(count, 2)
    for c in range(count):
        members[c, :] = NONE
        members[c, 0], members[c, 1] = pairs[c, 0], pairs[c, 1]
    axis = widest_axis(los[:n])
    for sensor in range(sensor_of[:n].max() + 1):
        theirs = np.flatnonzero(sensor_of[:n] == sensor)
        if len(theirs) == 0:
            continue
        # In the order of one coordinate, what points to a place lies next to each other.
        theirs = theirs[np.argsort(los[theirs, axis], kind="mergesort")]
        coordinate = los[theirs, axis]
        centre, roam, noisiest = _whence(theirs, origin, sigma_rad)
        for c in range(count):
            if sizes[c] == MOST_MEMBERS or sensor in (sensor_of[pairs[c, 0]], sensor_of[pairs[c, 1]]):
                continue
            dx, dy, dz = point[c, 0] - centre[0], point[c, 1] - centre[1], point[c, 2] - centre[2]
            length = math.sqrt(dx * dx + dy * dy + dz * dz)
            ahead = (point[c, axis] - centre[axis]) / length
            # Directions from two places differ by no more than twice their distance over that of the nearer one.
            reach = 2.0 * gate * noisiest + 2.0 * roam / max(length - roam, 1.0)
            nearest = gate
            for k in range(np.searchsorted(coordinate, ahead - reach), len(theirs)):
                if coordinate[k] > ahead + reach:
                    break
                one = theirs[k]
                apart = _off(point[c], origin[one], los[one]) / (2.0 * sigma_rad[one])
                if apart < nearest:
                    nearest = apart
                    members[c, sizes[c]] = one
            if nearest < gate:
                sizes[c] += 1
    return sizes


@njit(cache=True, error_model="numpy")
def _whence(chosen, origin, sigma_rad):
    """Return the middle of chosen lines' origins, how far they lie from it, and the largest error among them."""
    centre = np.zeros(3)
    for k in chosen:
        for i in range(3):
            centre[i] += origin[k, i] / len(chosen)
    roam, noisiest = 0.0, 0.0
    for k in chosen:
        noisiest = max(noisiest, sigma_rad[k])
        far2 = 0.0
        for i in range(3):
            far2 += (origin[k, i] - centre[i]) ** 2
        roam = max(roam, math.sqrt(far2))
    return centre, roam, noisiest


@njit(cache=True, error_model="numpy")
def _off(point, origin, los):
    """Return the angle between a line of sight and the direction to a point."""
    dx, dy, dz = point[0] - origin[0], point[1] - origin[1], point[2] - origin[2]
    length = math.sqrt(dx * dx + dy * dy + dz * dz)
    dx, dy, dz = dx / length - los[0], dy / length - los[1], dz / length - los[2]
    return math.sqrt(dx * dx + dy * dy + dz * dz)
