"""The looks that a track keeps: written in order, read as lines of sight at their times of presence."""

import numpy as np
from numba import njit

from services.geometry.frames import EARTH_RATE_RAD_PER_S

# A track in space keeps its first looks, from which its launch follows, and then its newest ones.
FIRST_LOOKS = 256
NEWEST_LOOKS = 512
TRACK_LOOKS = FIRST_LOOKS + NEWEST_LOOKS
# A track of one satellite keeps its newest looks: from all of them follows its launch, from the newest its motion.
TRACKLET_ROW = 160
TRACKLET_LOOKS = 24
# One satellite's looks are kept at most so often: their centroids err alike from look to look, and the record stays
# small at any frame rate.
STEP_S = 0.3
# Looks that a judgement takes in, the newest ones.
JUDGED_LOOKS = 280


@njit(cache=True, error_model="numpy")
def track_place(number):
    """Return where a track's look of a number, from 0, is kept."""
    if number < FIRST_LOOKS:
        return number
    return FIRST_LOOKS + (number - FIRST_LOOKS) % NEWEST_LOOKS


@njit(cache=True, error_model="numpy")
def oldest_kept(count):
    """Return the number of the oldest look after the first ones that is still kept."""
    return max(FIRST_LOOKS, count - NEWEST_LOOKS)


@njit(cache=True, error_model="numpy")
def is_due(rays, count, sensor, time_s):
    """Return whether a sensor's look at a time is to be kept: a while after the one kept before it."""
    for back in range(1, min(count, NEWEST_LOOKS) + 1):
        ray = rays[track_place(count - back)]
        if time_s - ray.time_s >= STEP_S:
            return True
        if ray.sensor == sensor:
            return False
    return True


@njit(cache=True, error_model="numpy")
def write_ray(ray, look, k, time_s, sensor, sequence, age_s):
    """Write detection k of a look's arrays."""
    ray.time_s, ray.sensor, ray.sequence, ray.index = time_s, sensor, sequence, look.listed[k]
    for i in range(3):
        ray.origin[i] = look.origin[i]
        ray.los[i] = look.los[k, i]
        ray.raw_origin[i] = look.raw_origin[i]
        ray.raw_los[i] = look.raw_los[k, i]
        ray.point[i] = look.point[k, i]
    ray.age_s = age_s
    ray.sigma_rad, ray.pixel_rad = look.sigma_rad[k], look.pixel_rad
    ray.raw_sigma_rad = look.raw_sigma_rad[k]
    ray.snr = look.snr[k]
    ray.irradiance_w_per_m2, ray.intensity_w_per_sr = look.irradiance_w_per_m2[k], look.intensity_w_per_sr[k]
    ray.row, ray.column = look.row[k], look.column[k]
    ray.ground_sigma_m = look.ground_axis_sigma_m[k]


@njit(cache=True, error_model="numpy")
def emitted(vector, age_s, out):
    """Write a vector (3,), given in the axes of reception, in those of the instant at which light of an age left."""
    angle = EARTH_RATE_RAD_PER_S * age_s
    out[0] = vector[0] - angle * vector[1]
    out[1] = vector[1] + angle * vector[0]
    out[2] = vector[2]


@njit(cache=True, error_model="numpy")
def window(rays, count, since_s, time_s, origin, los, sigma_rad, pixel_rad, sensor):
    """Fill arrays with a track's looks at or after a time, newest first; return how many, at most what fits."""
    n = 0
    oldest = oldest_kept(count)
    for back in range(1, count + 1):
        number = count - back
        if (number >= FIRST_LOOKS and number < oldest) or n == len(time_s):
            break
        ray = rays[track_place(number)]
        if ray.time_s < since_s:
            break
        emitted(ray.origin, ray.age_s, origin[n])
        emitted(ray.los, ray.age_s, los[n])
        time_s[n] = ray.time_s - ray.age_s
        sigma_rad[n], pixel_rad[n], sensor[n] = ray.sigma_rad, ray.pixel_rad, ray.sensor
        n += 1
    return n


@njit(cache=True, error_model="numpy")
def everything(rays, count, time_s, origin, los, sigma_rad, sensor):
    """Fill arrays (of TRACK_LOOKS rows) with all of a track's looks, oldest first, biases left in; return how many."""
    n = 0
    oldest = oldest_kept(count)
    for number in range(count):
        if number >= FIRST_LOOKS and number < oldest:
            continue
        ray = rays[track_place(number)]
        emitted(ray.raw_origin, ray.age_s, origin[n])
        emitted(ray.raw_los, ray.age_s, los[n])
        time_s[n] = ray.time_s - ray.age_s
        sigma_rad[n], sensor[n] = ray.raw_sigma_rad, ray.sensor
        n += 1
    return n


@njit(cache=True, error_model="numpy")
def tracklet_everything(rays, count, time_s, origin, los, sigma_rad, sensor):
    """Fill arrays with the looks that a track of one satellite keeps, oldest first; return how many."""
    n = min(count, TRACKLET_ROW)
    for k in range(n):
        ray = rays[(count - n + k) % TRACKLET_ROW]
        emitted(ray.raw_origin, ray.age_s, origin[k])
        emitted(ray.raw_los, ray.age_s, los[k])
        time_s[k] = ray.time_s - ray.age_s
        sigma_rad[k], sensor[k] = ray.raw_sigma_rad, 0
    return n


@njit(cache=True, error_model="numpy")
def empty_window(length):
    """Return arrays for `window`: times, origins, lines of sight, sigmas, pixels, sensors."""
    return (
        np.empty(length),
        np.empty((length, 3)),
        np.empty((length, 3)),
        np.empty(length),
        np.empty(length),
        np.empty(length, dtype=np.int64),
    )
