"""What a look does to the tracks of its satellite alone: points on the ground under its lines of sight.

A linear Kalman filter of nearly constant velocity over points on the ellipsoid (ITRS), so that a fire under a moving
camera stays where it is, and what rises above the ground seems to move over it.
"""

import math

import numpy as np
from numba import njit

from services.ground_station.tracking.association.assignment import assign
from services.ground_station.tracking.association.gating import FIRST_ROOM
from services.ground_station.tracking.histories import TRACKLET_LOOKS, TRACKLET_ROW, write_ray
from services.ground_station.tracking.pool import keep_old, lend_row
from services.ground_station.tracking.records import CONFIRMED, MOVES, NONE, STAYS

# Grazing lines of sight smear out to the horizon; below this sine of elevation no longer.
LEAST_SINE = 0.15
# Heights are known to the ground: a tenth of the error across, so that matrices stay invertible.
UPWARDS = 0.1
# The rate on the focal plane is that of the last looks.
RATE_LOOKS = 8


@njit(cache=True, error_model="numpy")
def advance_tracklets(tracklets, sensor, time_s, acceleration):
    """Move a satellite's tracks on to a time. acceleration: drawn anew for each step, m/s^2, standard deviation."""
    for row in range(len(tracklets)):
        track = tracklets[row]
        if track.sensor != sensor:
            continue
        track.detection = NONE
        step = time_s - track.time_s
        if step <= 0.0:
            continue
        track.time_s = time_s
        for k in range(3):
            track.x[k] += step * track.x[3 + k]
        p = track.p
        half, full = step * step / 2.0 * acceleration, step * acceleration
        for i in range(3):
            for j in range(3):
                p[i, j] += step * (p[3 + i, j] + p[i, 3 + j]) + step * step * p[3 + i, 3 + j]
        for i in range(3):
            for j in range(3):
                p[i, 3 + j] += step * p[3 + i, 3 + j]
                p[3 + j, i] = p[i, 3 + j]
        for k in range(3):
            p[k, k] += half * half
            p[3 + k, 3 + k] += full * full
            p[k, 3 + k] += half * full
            p[3 + k, k] += half * full


@njit(cache=True, error_model="numpy")
def ground_noise(los, point, sigma_m, out):
    """Write the covariance (3, 3) of where a line of sight meets the ground; sigma_m: its error across."""
    length = math.sqrt(point[0] * point[0] + point[1] * point[1] + point[2] * point[2])
    up = (point[0] / length, point[1] / length, point[2] / length)
    steepness = min(up[0] * los[0] + up[1] * los[1] + up[2] * los[2], -LEAST_SINE)
    # An error e across moves the point by e - u (up . e) / (up . u): along the line of sight back to the ground. Summed
    # over all e, with w = up - u (up . u): I - u u' - (w u' + u w') / s + u u' |w|^2 / s^2.
    slope = up[0] * los[0] + up[1] * los[1] + up[2] * los[2]
    across2 = 1.0 - slope * slope
    for i in range(3):
        wi = up[i] - los[i] * slope
        for j in range(3):
            wj = up[j] - los[j] * slope
            value = (1.0 if i == j else 0.0) - los[i] * los[j] - (wi * los[j] + los[i] * wj) / steepness
            value += los[i] * los[j] * across2 / (steepness * steepness) + UPWARDS * UPWARDS * up[i] * up[j]
            out[i, j] = value * sigma_m * sigma_m


@njit(cache=True, error_model="numpy")
def gate_tracklets(tracklets, sensor, look, free, gate2, pair_track, pair_detection, squared, log_volume):  # noqa: PLR0912  # loops over three axes
    """Write all pairs within the gate; return how many there are, or minus that where they did not fit.

    free: (n,) which detections. log_volume: log of the square root of the determinant of what is compared, m^3.
    """
    count, room = 0, len(pair_track)
    if not _follows_any(tracklets, sensor):
        return 0
    noises = np.empty((len(free), 3, 3))
    longest = np.empty(len(free))
    for k in range(len(free)):
        if not free[k]:
            continue
        ground_noise(look.los[k], look.point[k], look.ground_sigma_m[k], noises[k])
        longest[k] = noises[k, 0, 0] + noises[k, 1, 1] + noises[k, 2, 2]
    spread, inverse = np.empty((3, 3)), np.empty((3, 3))
    offset = np.empty(3)
    for row in range(len(tracklets)):
        track = tracklets[row]
        if track.sensor != sensor:
            continue
        reach = track.p[0, 0] + track.p[1, 1] + track.p[2, 2]
        for k in range(len(free)):
            if not free[k]:
                continue
            far2 = 0.0
            for i in range(3):
                offset[i] = look.point[k, i] - track.x[i]
                far2 += offset[i] * offset[i]
            if far2 > gate2 * (reach + longest[k]):
                continue
            for i in range(3):
                for j in range(3):
                    spread[i, j] = track.p[i, j] + noises[k, i, j]
            determinant = invert3(spread, inverse)
            apart = 0.0
            for i in range(3):
                for j in range(3):
                    apart += offset[i] * inverse[i, j] * offset[j]
            if apart > gate2:
                continue
            if count < room:
                pair_track[count], pair_detection[count] = row, k
                squared[count] = apart
                log_volume[count] = 0.5 * math.log(determinant)
            count += 1
    return count if count <= room else -count


@njit(cache=True, error_model="numpy")
def _follows_any(tracklets, sensor):
    for row in range(len(tracklets)):  # noqa: SIM110  # compiled code has no generators
        if tracklets[row].sensor == sensor:
            return True
    return False


@njit(cache=True, error_model="numpy")
def gated(tracklets, sensor, look, free, gate2):
    """Return how many pairs there are within the gate, and their tracks, detections, squared distances, volumes."""
    room = FIRST_ROOM
    while True:
        track, detection = np.empty(room, dtype=np.int64), np.empty(room, dtype=np.int64)
        squared, volume = np.empty(room), np.empty(room)
        count = gate_tracklets(tracklets, sensor, look, free, gate2, track, detection, squared, volume)
        if count >= 0:
            return count, track, detection, squared, volume
        room = -2 * count


@njit(cache=True, error_model="numpy")
def invert3(matrix, inverse):
    """Write the inverse of a symmetric (3, 3) matrix; return its determinant."""
    a, b, c = matrix[0, 0], matrix[0, 1], matrix[0, 2]
    d, e, f = matrix[1, 1], matrix[1, 2], matrix[2, 2]
    i00, i01, i02 = d * f - e * e, c * e - b * f, b * e - c * d
    determinant = a * i00 + b * i01 + c * i02
    inverse[0, 0], inverse[0, 1], inverse[0, 2] = i00 / determinant, i01 / determinant, i02 / determinant
    inverse[1, 1], inverse[1, 2] = (a * f - c * c) / determinant, (b * c - a * e) / determinant
    inverse[2, 2] = (a * d - b * b) / determinant
    inverse[1, 0], inverse[2, 0], inverse[2, 1] = inverse[0, 1], inverse[0, 2], inverse[1, 2]
    return determinant


@njit(cache=True, error_model="numpy")
def see_tracklets(tracklets, pool, pair_track, pair_detection, chosen, look, time_s, sensor, sequence):
    """Correct tracks with their detections; those of the sensor without one have missed it.

    pool: with room for what may be written over.
    """
    noise, spread, inverse = np.empty((3, 3)), np.empty((3, 3)), np.empty((3, 3))
    gain = np.empty((6, 3))
    for k in range(len(chosen)):
        if not chosen[k]:
            continue
        track, place = tracklets[pair_track[k]], pair_detection[k]
        ground_noise(look.los[place], look.point[place], look.ground_sigma_m[place], noise)
        for i in range(3):
            for j in range(3):
                spread[i, j] = track.p[i, j] + noise[i, j]
        invert3(spread, inverse)
        _correct(track, look.point[place], inverse, gain)
        keep_ray(track, pool, look, place, time_s, sensor, sequence)
    for row in range(len(tracklets)):
        track = tracklets[row]
        if track.sensor == sensor:
            track.looks += 1
            if track.detection == NONE:
                track.misses += 1


@njit(cache=True, error_model="numpy")
def _correct(track, point, inverse, gain):
    for i in range(6):
        for j in range(3):
            gain[i, j] = 0.0
            for m in range(3):
                gain[i, j] += track.p[i, m] * inverse[m, j]
    crossed = track.p[:, :3].copy()
    offset = np.empty(3)
    for j in range(3):
        offset[j] = point[j] - track.x[j]
    for i in range(6):
        for j in range(3):
            track.x[i] += gain[i, j] * offset[j]
        for j in range(6):
            for m in range(3):
                track.p[i, j] -= gain[i, m] * crossed[j, m]
    for i in range(6):
        for j in range(i):
            track.p[i, j] = track.p[j, i]


@njit(cache=True, error_model="numpy")
def keep_ray(track, pool, look, place, time_s, sensor, sequence):
    """Note a look that saw a track of one satellite."""
    rays = pool.rays[track.history]
    if track.count >= TRACKLET_ROW:
        keep_old(pool, track.history, track.count % TRACKLET_ROW, time_s)
    write_ray(rays[track.count % TRACKLET_ROW], look, place, time_s, sensor, sequence, look.age_s[place])
    track.count += 1
    track.hits += 1
    track.misses = 0
    track.stolen = 0
    track.last_hit_s = time_s
    track.snr = look.snr[place]
    track.detection = place
    track.row, track.column = look.row[place], look.column[place]
    track.row_rate, track.column_rate = _pixel_rate(track, rays)


@njit(cache=True, error_model="numpy")
def _pixel_rate(track, rays):
    """Return how fast a track's last looks go over the focal plane, rows and columns a second; 0 of a single look."""
    n = min(track.count, RATE_LOOKS)
    mean_s, spread, rows, columns = 0.0, 0.0, 0.0, 0.0
    for back in range(n):
        mean_s += rays[(track.count - 1 - back) % TRACKLET_ROW].time_s / n
    for back in range(n):
        ray = rays[(track.count - 1 - back) % TRACKLET_ROW]
        since = ray.time_s - mean_s
        spread += since * since
        rows += since * ray.row
        columns += since * ray.column
    return (rows / spread, columns / spread) if spread > 0.0 else (0.0, 0.0)


@njit(cache=True, error_model="numpy")
def _begin(track, pool, look, place, time_s, sensor, sequence, serial, speed_sigma):
    """Fill the record of a track that begins with a detection; speed_sigma: of its way over the ground, per axis."""
    track.history = lend_row(pool, time_s)
    track.serial, track.sensor, track.sequence, track.index = serial, sensor, sequence, look.listed[place]
    track.time_s = track.first_s = time_s
    track.x[:] = 0.0
    track.p[:] = 0.0
    noise = np.empty((3, 3))
    ground_noise(look.los[place], look.point[place], look.ground_sigma_m[place], noise)
    for i in range(3):
        track.x[i] = look.point[place, i]
        track.p[3 + i, 3 + i] = speed_sigma * speed_sigma
        for j in range(3):
            track.p[i, j] = noise[i, j]
    track.hits = track.misses = track.stolen = track.count = 0
    track.looks = 1
    track.thief = NONE
    track.state = track.motion = 0
    keep_ray(track, pool, look, place, time_s, sensor, sequence)


@njit(cache=True, error_model="numpy")
def drift(track, rays, looks):
    """Return (speed, its standard deviation per axis, duration) of a straight line through a track's newest looks.

    Where the points scatter more than they should about the line, it is as much less sure; inf at a single instant.
    """
    n = min(track.count, looks)
    mean_s, mean = 0.0, np.zeros(3)
    for back in range(n):
        ray = rays[(track.count - 1 - back) % TRACKLET_ROW]
        mean_s += ray.time_s / n
        for i in range(3):
            mean[i] += ray.point[i] / n
    spread, velocity, variance = 0.0, np.zeros(3), 0.0
    first, last = np.inf, -np.inf
    for back in range(n):
        ray = rays[(track.count - 1 - back) % TRACKLET_ROW]
        since = ray.time_s - mean_s
        first, last = min(first, since), max(last, since)
        spread += since * since
        variance += ray.ground_sigma_m**2 / n
        for i in range(3):
            velocity[i] += since * (ray.point[i] - mean[i])
    if spread == 0.0:
        return 0.0, np.inf, 0.0
    velocity /= spread
    chi2 = 0.0
    for back in range(n):
        ray = rays[(track.count - 1 - back) % TRACKLET_ROW]
        since = ray.time_s - mean_s
        for i in range(3):
            chi2 += ((ray.point[i] - mean[i] - since * velocity[i]) / ray.ground_sigma_m) ** 2
    scale = max(1.0, chi2 / max(2 * n - 4, 1))
    speed = math.sqrt(velocity[0] ** 2 + velocity[1] ** 2 + velocity[2] ** 2)
    return speed, math.sqrt(variance * scale / spread), last - first


@njit(cache=True, error_model="numpy")
def decide(tracklets, pool, sensor, rules):
    """Decide which of a sensor's tracks move over the ground and which stay."""
    for row in range(len(tracklets)):
        track = tracklets[row]
        if track.sensor != sensor or track.detection == NONE:
            continue
        if track.hits < rules.decide_hits or track.hits < rules.hit_ratio * track.looks:
            continue
        speed, sigma, duration_s = drift(track, pool[track.history], TRACKLET_LOOKS)
        if duration_s < rules.decide_s:
            continue
        if speed - 6.0 * sigma > rules.plane_moving_m_per_s:
            track.state, track.motion = CONFIRMED, MOVES
        elif duration_s >= rules.static_s and speed + 3.0 * sigma < rules.travelling_m_per_s:
            track.state, track.motion = CONFIRMED, STAYS


@njit(cache=True, error_model="numpy")
def associate_tracklets(
    tracklets, tracks, pool, sensor, look, owner, most, time_s, sequence, gate2, acceleration, left
):
    """Give what tracks in space left to the satellite's own tracks, at most the `most` strongest detections.

    owner: (n,) row in `tracks` that took each detection, or NONE. Marks in left (n,) what founds new ones.
    """
    advance_tracklets(tracklets, sensor, time_s, acceleration)
    stolen, robbed, detection, distance, _ = gated(tracklets, sensor, look, owner != NONE, gate2)
    thief = np.empty(stolen, dtype=np.int64)
    for k in range(stolen):
        thief[k] = tracks[owner[detection[k]]].serial
    available = 0
    for place in range(len(owner)):
        left[place] = owner[place] == NONE and available < most
        available += left[place]
    count, pair_track, pair_detection, squared, volume = gated(tracklets, sensor, look, left, gate2)
    gain, chosen = np.empty(count), np.empty(count, dtype=np.bool_)
    _note_stolen(tracklets, robbed[:stolen], distance, thief)
    for k in range(count):
        # As many pairs as possible, and of these choices the likeliest.
        gain[k] = 1e6 - squared[k] / 2.0 - volume[k]
    assign(pair_track, pair_detection, gain, count, len(owner), chosen)
    see_tracklets(tracklets, pool, pair_track, pair_detection, chosen, look, time_s, sensor, sequence)
    for k in range(count):
        if chosen[k]:
            left[pair_detection[k]] = False


@njit(cache=True, error_model="numpy")
def _note_stolen(tracklets, robbed, distance, thief):
    """Count looks that gave away what a track might have had, and note to whom the nearest of it went."""
    nearest, row = np.inf, NONE
    for k in range(len(robbed)):
        if robbed[k] != row:
            nearest, row = np.inf, robbed[k]
            tracklets[row].stolen += 1
        if distance[k] < nearest:
            nearest = distance[k]
            tracklets[row].thief = thief[k]


@njit(cache=True, error_model="numpy")
def begin_tracklets(records, first, pool, look, left, time_s, sensor, sequence, serial, speed_sigma):
    """Begin a track with every detection marked in left (n,); return how many.

    records: with room from `first` on. serial: of the first. pool: with room.
    """
    count = 0
    for place in range(len(left)):
        if left[place]:
            _begin(records[first + count], pool, look, place, time_s, sensor, sequence, serial + count, speed_sigma)
            count += 1
    return count
