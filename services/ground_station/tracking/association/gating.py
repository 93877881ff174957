"""Which detections of a look may belong to which tracks."""

import math

import numpy as np
from numba import njit

from services.ground_station.tracking.bank.filters import LIGHT_M_PER_S, aim

# Pairs within gates that there is room for at first.
FIRST_ROOM = 1024


@njit(cache=True, error_model="numpy")
def gated(tracks, chosen, origin, los, sigma_rad, gate2):
    """Return how many pairs there are within the gate: tracks, detections, squared distances, log likelihoods.

    Arguments as `gate_tracks`; all detections are free.
    """
    room = FIRST_ROOM
    free = np.ones(len(los), dtype=np.bool_)
    while True:
        track, detection = np.empty(room, dtype=np.int64), np.empty(room, dtype=np.int64)
        squared, likelihood = np.empty(room), np.empty(room)
        count = gate_tracks(tracks, chosen, origin, los, sigma_rad, gate2, free, track, detection, squared, likelihood)
        if count >= 0:
            return count, track, detection, squared, likelihood
        room = -2 * count


@njit(cache=True, error_model="numpy")
def gate_tracks(
    tracks, chosen, origin, los, sigma_rad, gate2, free, pair_track, pair_detection, squared, log_likelihood
):
    """Write all pairs within the gate; return how many there are, or minus that where they did not fit.

    chosen: (k,) rows of `tracks` that the look has in view. los: (n, 3), sigma_rad: (n,) of its detections, of which
    those marked in free (n,) count. squared: squared normalised distance; log_likelihood: of the
    detection's direction, per steradian.
    """
    count, room = 0, len(pair_track)
    frame = np.empty((3, 3))
    # In the order of one coordinate, those near enough to a track lie next to each other.
    axis = widest_axis(los)
    order = np.argsort(los[:, axis])
    coordinate = los[order, axis]
    noisiest = sigma_rad.max() ** 2 if len(los) > 0 else 0.0
    for row in chosen:
        track = tracks[row]
        distance = aim(track.mean, origin, frame)
        age = distance / LIGHT_M_PER_S
        p11, p12, p22 = _spread(track.covariance, frame, age, distance)
        # No covariance is longer than its trace: what fails this fails the true test, and that is nearly all.
        longest = p11 + p22
        # A chord is no longer than 2 (1 - cosine), squared.
        reach = math.sqrt(gate2 * (longest + 2.0 * noisiest) * 1.0001 + 1e-15)
        begin = np.searchsorted(coordinate, frame[0, axis] - reach)
        end = np.searchsorted(coordinate, frame[0, axis] + reach, side="right")
        near = order[begin:end]
        if len(near) > 1:
            near = np.sort(near)
        for detection in near:
            if not free[detection]:
                continue
            noise = sigma_rad[detection] * sigma_rad[detection]
            ahead = frame[0, 0] * los[detection, 0] + frame[0, 1] * los[detection, 1] + frame[0, 2] * los[detection, 2]
            if 2.0 * (1.0 - ahead) > gate2 * (longest + 2.0 * noise) * 1.0001 + 1e-15:
                continue
            z1 = frame[1, 0] * los[detection, 0] + frame[1, 1] * los[detection, 1] + frame[1, 2] * los[detection, 2]
            z2 = frame[2, 0] * los[detection, 0] + frame[2, 1] * los[detection, 1] + frame[2, 2] * los[detection, 2]
            s11, s22 = p11 + noise, p22 + noise
            determinant = s11 * s22 - p12 * p12
            apart = (s22 * z1 * z1 - 2.0 * p12 * z1 * z2 + s11 * z2 * z2) / determinant
            if apart > gate2:
                continue
            if count < room:
                pair_track[count], pair_detection[count] = row, detection
                squared[count] = apart
                log_likelihood[count] = -0.5 * (apart + math.log(determinant)) - math.log(2.0 * math.pi)
            count += 1
    return count if count <= room else -count


@njit(cache=True, error_model="numpy")
def widest_axis(los):
    """Return along which axis directions (n, 3) differ most."""
    widest, best = -1.0, 0
    for axis in range(3):
        low, high = np.inf, -np.inf
        for k in range(len(los)):
            low, high = min(low, los[k, axis]), max(high, los[k, axis])
        if high - low > widest:
            widest, best = high - low, axis
    return best


@njit(cache=True, error_model="numpy")
def _spread(covariance, frame, age, distance):
    """Return the covariance of a track's direction: 11, 12, 22, rad^2."""
    s11, s12, s22 = 0.0, 0.0, 0.0
    for i in range(3):
        for j in range(3):
            c = covariance[i, j] - age * (covariance[i, 3 + j] + covariance[3 + i, j])
            s11 += frame[1, i] * c * frame[1, j]
            s12 += frame[1, i] * c * frame[2, j]
            s22 += frame[2, i] * c * frame[2, j]
    scale = distance * distance
    return s11 / scale, s12 / scale, s22 / scale


@njit(cache=True, error_model="numpy")
def log_likelihood(track, origin, los, sigma_rad):
    """Return the log likelihood, per steradian, that a track gives a line of sight."""
    frame = np.empty((3, 3))
    distance = aim(track.mean, origin, frame)
    s11, s12, s22 = _spread(track.covariance, frame, distance / LIGHT_M_PER_S, distance)
    s11 += sigma_rad * sigma_rad
    s22 += sigma_rad * sigma_rad
    determinant = s11 * s22 - s12 * s12
    z1 = frame[1, 0] * los[0] + frame[1, 1] * los[1] + frame[1, 2] * los[2]
    z2 = frame[2, 0] * los[0] + frame[2, 1] * los[1] + frame[2, 2] * los[2]
    apart = (s22 * z1 * z1 - 2.0 * s12 * z1 * z2 + s11 * z2 * z2) / determinant
    return -0.5 * (apart + math.log(determinant)) - math.log(2.0 * math.pi)
