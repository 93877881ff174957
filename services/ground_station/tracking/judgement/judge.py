"""Does it move? The looks of a track weighed against every way of explaining them without motion.

Where three satellites or more see it, their lines of sight meet in one object, and the question is whether one point
at rest explains them. Where two are all there is, they may see two unrelated sources, whose lines of sight happen to
cross, and seem to fly along with the satellites: then a point at rest of its own, near the ground, for each must fail
as well, for both together and for each alone; and what does not fly level and low, all by itself, must be no crossing
of lines of sight to two airliners either, nor, where others fly near by, to one that gives way to another. What moves
must beat these by a wide margin, have gone a way that no wandering centroid feigns, and be faster than any cloud.

Compiled, without Python objects, for other compiled code to call.
"""
# mypy: allow-untyped-decorators, allow-untyped-defs, allow-untyped-calls
# Numba's decorators carry no types.

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from services.ground_station.tracking.forces import height_m
from services.ground_station.tracking.judgement.kernels import fit_level, fit_resting, gather, largest_eigenvalue
from services.ground_station.tracking.judgement.limits import (
    ACCELERATION_SIGMA_M_PER_S2,
    CONSISTENT_CHI2,
    DECIDE_HITS,
    DECIDE_S,
    DECIDE_TWO_SATELLITES_S,
    HIT_RATIO,
    MOVING_CHI2,
    MOVING_PX,
    RISING_M_PER_S,
    STATIC_M_PER_S,
    STATIC_S,
    TRAVELLING_M_PER_S,
    TRAVELLING_PX,
)
from services.ground_station.tracking.judgement.window import (
    NOBODY,
    Fit,
    Looks,
    by_satellite,
    count_of,
    difference,
    dot,
    finest_pixel_m,
    fit_acceleration,
    fit_unaccelerated,
    flight_of,
    line_sums,
    misfit_of,
    norm,
    places_of,
    position_of,
    redundancy,
    span,
    speed_along,
    unit,
    velocity_of,
)

Float64 = NDArray[np.float64]

# Verdicts. Consistent: the looks fit one moving object, but whether it moves is undecided.
UNDECIDED, INCONSISTENT, CONSISTENT, MOVING, STATIC = range(5)

# Sources of clutter lie on the ground or in cloud: 4 km, give or take.
CLUTTER_HEIGHT_M = 4000.0
CLUTTER_HEIGHT_SIGMA_M = 4000.0
# Airliners fly level at 10.5 km, give or take; standard deviations of height, m, of speed along each axis and
# of climb, m/s.
AIRLINER_HEIGHT_M = 10_500.0
AIRLINER_SIGMA = np.array([2000.0, 200.0, 10.0])
# By so much in chi-square motion must explain the looks better: they are rarer than heat at rest.
AIRLINERS_CHI2 = 20.0
# Where others fly near by, a satellite's looks may be of one first and then of another; that costs so much chi-square,
# of errors as stated.
CHANGE_CHI2 = 24.0
# What rises or sinks slower is level; what does so lower than this may fly on wings.
LEVEL_M_PER_S, WINGED_M = 60.0, 15_000.0
# A crossing of lines of sight to two sources at rest rises as fast as the satellites close in, as parts of its height;
# where centroids wander, by so much faster, and by so many pixels more. What the fit takes of a slow wander for motion
# leaves no residual, so that its speed is off by more than the three standard deviations asked for elsewhere.
GHOST_RISE_M_PER_S = 100.0
GHOST_RISE_PX = 2.5
GHOST_RISE_SIGMA = 5.0
# With two satellites new objects are believed up to this height; lines of sight of unrelated sources cross anywhere.
HIGHEST_OF_TWO_M = 200_000.0
# No rocket that rises from the ground is faster than v^2 = 2 a h with this, and some slack for what it had before.
FASTEST_RISE_M_PER_S2 = 80.0
SLACK_M_PER_S = 300.0
# Duration, seconds, and the way needed, as a multiple of the configured one.
WAY_NEEDED = ((12.0, 20.0), (1.0, 2.0))
# Looks that fit a moving object worse than this, per degree of freedom, prove no motion.
MOVING_SCALE = 2.0
# The way needed grows with the scatter up to so much.
MOST_DOUBT = 3.0
# What rises less is believed of two satellites only if what each sees by itself stays away from any point at rest by
# so much, root of the mean square, pixels.
ALONE_PX = 0.7
# Looks that a satellite must have given to be a witness, and to be weighed alone.
WITNESS_LOOKS = 3


class _Case(NamedTuple):
    """What is judged. sums: each satellite's, about `line.about_s`.

    motion: constant acceleration, at the newest look; line: constant velocity, at the middle of the window. Variances
    are `scale` times what the fits say. pixel_m: what the finest pixel that sees it spans.
    """

    looks: Looks
    sums: Float64
    near_itrs_m: Float64
    motion: Fit
    motion_chi2: float
    line: Fit
    duration_s: float
    scale: float
    pixel_m: float
    limits: Float64
    company: bool


@njit(cache=True, error_model="numpy")
def judge(
    time_s,
    origin_itrs_m,
    los_itrs,
    sigma_rad,
    pixel_rad,
    sensor,
    n,
    near_itrs_m,
    hit_ratio,
    limits,
    motion_out,
    moves=False,
    company=False,
):
    """Return the verdict over the first n lines of sight, and how far it has gone, pixels of the finest camera.

    time_s, sigma_rad, pixel_rad: (n or more,), in any order of time; origin_itrs_m, los_itrs (unit): (n or more, 3);
    sensor: int64, one number a satellite. near_itrs_m: (3,) where the track is. hit_ratio: part of the looks with it
    in view that saw it. limits: from `limits_from`. moves: it is known to move, so that only whether it stays after all
    is asked; what is too fast for that is called consistent, undecided motion_out and all. company: something else
    has moved near it lately.

    Fills motion_out (3, 3) with position, velocity and acceleration at the newest look, ITRS; NaN where undecided
    because the looks are too few or do not determine them. The way is 0 there, and where the looks do not fit one
    object. ValueError where an array has fewer than n rows.
    """
    if n > min(len(time_s), len(origin_itrs_m), len(los_itrs), len(sigma_rad), len(pixel_rad), len(sensor)):
        raise ValueError("judge: n is above the length of an array; give each n rows or more")
    motion_out[:] = math.nan
    places, counts = places_of(sensor[:n])
    duration, newest = span(time_s[:n])
    witnesses = 0
    for count in counts:
        witnesses += count >= WITNESS_LOOKS
    if duration < limits[DECIDE_S] or n < limits[DECIDE_HITS] or witnesses < 2 or hit_ratio < limits[HIT_RATIO]:
        return UNDECIDED, 0.0
    looks = by_satellite(time_s, origin_itrs_m, los_itrs, sigma_rad, pixel_rad, near_itrs_m, places, counts)
    middle = newest - duration / 2.0
    sums = line_sums(looks, middle)
    line, straight = fit_unaccelerated(sums, NOBODY, 1, middle, near_itrs_m)
    if moves and not (straight and norm(velocity_of(line)) < limits[STATIC_M_PER_S]):
        return CONSISTENT, 0.0
    motion, bent = fit_acceleration(looks, newest, near_itrs_m, limits[ACCELERATION_SIGMA_M_PER_S2])
    point, resting = fit_unaccelerated(sums, NOBODY, 0, middle, near_itrs_m)
    if not (bent and straight and resting):
        return UNDECIDED, 0.0
    for order in range(3):
        for a in range(3):
            motion_out[order, a] = motion.coefficients[order, a]
    residual = np.empty((n, 3))
    motion_chi2 = misfit_of(looks, motion, residual)
    per_freedom = motion_chi2 / (2 * n - motion.coefficients.size)
    scatter = max(1.0, per_freedom)
    if scatter > limits[CONSISTENT_CHI2]:
        return INCONSISTENT, 0.0
    # Errors smaller than stated may be as alike as they like.
    scale = max(1.0, per_freedom * redundancy(looks, residual))
    here, before = position_of(motion, 0.0), position_of(motion, -duration)
    pixel_m = finest_pixel_m(looks, here)
    way_px = norm(difference(here, before)) / pixel_m
    case = _Case(looks, sums, near_itrs_m, motion, motion_chi2, line, duration, scale, pixel_m, limits, company)
    if (
        scatter < MOVING_SCALE
        and (misfit_of(looks, point, residual) - motion_chi2) / scale >= limits[MOVING_CHI2]
        and (witnesses > 2 or _is_no_ghost(case))
        and _goes_far_and_fast(case)
    ):
        return MOVING, way_px
    return (STATIC if _stays(case) else CONSISTENT), way_px


@njit(cache=True, error_model="numpy")
def _is_no_ghost(case):
    """Return whether motion explains two satellites' looks far better than a point at rest for each.

    Unless it flies level and low all by itself, also far better than an airliner for each, or one after another.
    """
    if (
        case.duration_s < case.limits[DECIDE_TWO_SATELLITES_S]
        or _height_m(position_of(case.motion, 0.0)) > HIGHEST_OF_TWO_M
    ):
        return False
    looks = case.looks
    satellites = len(looks.lead)
    resting_chi2, apart_chi2 = np.empty(satellites), 0.0
    for satellite in range(satellites):
        own = slice(looks.first[satellite], looks.first[satellite + 1])
        resting_chi2[satellite] = fit_resting(
            looks.time_s[own],
            looks.origin_itrs_m[own],
            looks.los_itrs[own],
            looks.weight[own],
            looks.lead[satellite] - looks.first[satellite],
            case.sums[satellite, 0],
            case.near_itrs_m,
            CLUTTER_HEIGHT_M,
            CLUTTER_HEIGHT_SIGMA_M,
        )
        apart_chi2 += resting_chi2[satellite]
    if (apart_chi2 - case.motion_chi2) / case.scale < case.limits[MOVING_CHI2]:
        return False
    # Not a number, where lines of sight determine no airliner, proves nothing either.
    if not (_flies_by_itself(case) or (_airliners_chi2(case) - case.motion_chi2) / case.scale >= AIRLINERS_CHI2):
        return False
    if _climbs_like_no_ghost(case):
        return True
    least_px = math.inf
    for satellite in range(satellites):
        least_px = min(least_px, _off_rest_px(looks, satellite, resting_chi2[satellite]))
    return least_px > ALONE_PX


@njit(cache=True, error_model="numpy")
def _flies_by_itself(case):
    """Return whether it may well fly level on wings, and nothing else moves near it."""
    if case.company or _height_m(position_of(case.line, 0.0)) >= WINGED_M:
        return False
    rise, sigma = speed_along(case.line, unit(position_of(case.line, 0.0)), case.scale)
    return abs(rise) - 3.0 * sigma < LEVEL_M_PER_S


@njit(cache=True, error_model="numpy")
def _airliners_chi2(case):
    """Return chi-square if each satellite sees an airliner of its own; in company, or one first and then another."""
    looks, total = case.looks, 0.0
    for satellite in range(len(looks.lead)):
        first, end = looks.first[satellite], looks.first[satellite + 1]
        least = _level_chi2(case, first, end, looks.lead[satellite], case.sums[satellite])
        sums = np.empty((3, 9))
        for cut in range(first + 1, end if case.company else first):
            gather(looks.time_s[first:cut], looks.terms[first:cut], case.line.about_s, sums)
            before = CHANGE_CHI2 + _level_chi2(case, first, cut, cut - 1, sums)
            gather(looks.time_s[cut:end], looks.terms[cut:end], case.line.about_s, sums)
            least = min(least, before + _level_chi2(case, cut, end, end - 1, sums))
        total += least
    return total


@njit(cache=True, error_model="numpy")
def _level_chi2(case, first, end, lead, sums):
    """Return chi-square if one satellite's looks from `first` to `end` are of one airliner; lead: one among them."""
    looks, own = case.looks, slice(first, end)
    return fit_level(
        looks.time_s[own],
        looks.origin_itrs_m[own],
        looks.los_itrs[own],
        looks.weight[own],
        lead - first,
        sums,
        case.line.about_s,
        case.near_itrs_m,
        AIRLINER_HEIGHT_M,
        AIRLINER_SIGMA,
    )


@njit(cache=True, error_model="numpy")
def _climbs_like_no_ghost(case):
    """Return whether it rises as no crossing of lines of sight to two sources at rest does.

    Such a crossing is a part d / (d + D) of the way up to the satellites, D apart, where the sources are d apart: it
    rises where they close in, and wandering centroids do the rest.
    """
    here = position_of(case.motion, 0.0)
    rise, sigma = speed_along(case.motion, unit(here), case.scale)
    ghost_rise = _closing_per_s(case.looks, case.motion.about_s) * max(_height_m(here), 0.0)
    return (
        rise - GHOST_RISE_SIGMA * sigma > GHOST_RISE_M_PER_S + ghost_rise
        and _risen_m(case) > GHOST_RISE_PX * case.pixel_m + ghost_rise * case.duration_s
    )


@njit(cache=True, error_model="numpy")
def _closing_per_s(looks, newest_s):
    """Return how fast two witnesses close in, over their distance, at the most; 0 where they fly apart."""
    fastest = 0.0
    for one in range(len(looks.lead)):
        for other in range(one):
            if min(count_of(looks, one), count_of(looks, other)) >= WITNESS_LOOKS:
                place, velocity = flight_of(looks, one, newest_s)
                its_place, its_velocity = flight_of(looks, other, newest_s)
                apart, closing = difference(place, its_place), difference(its_velocity, velocity)
                fastest = max(fastest, dot(apart, closing) / dot(apart, apart))
    return fastest


@njit(cache=True, error_model="numpy")
def _off_rest_px(looks, satellite, resting_chi2):
    """Return how far one satellite's looks stay away from the best point at rest, root of the mean square, pixels."""
    first, end = looks.first[satellite], looks.first[satellite + 1]
    count = end - first
    if count < WITNESS_LOOKS:
        return math.inf
    # What noise alone would leave is taken off.
    excess = max(resting_chi2 - 2.0 * count, 0.0) / (2.0 * count)
    variance, pixel_rad = 0.0, 0.0
    for k in range(first, end):
        variance += looks.sigma_rad[k] ** 2 / count
        pixel_rad += looks.pixel_rad[k] / count
    return math.sqrt(2.0 * excess * variance) / pixel_rad


@njit(cache=True, error_model="numpy")
def _goes_far_and_fast(case):
    """Return whether it goes farther than a centroid wanders, and rises or travels faster than cloud."""
    here, velocity = position_of(case.motion, 0.0), velocity_of(case.line)
    speed = norm(velocity)
    _, speed_sigma = speed_along(case.line, unit(velocity), case.scale)
    # The longer the window, the farther a rocket has come, and the more a wandering centroid has had time for.
    # Where looks already scatter about the motion, or err alike for seconds, more is asked.
    (short_s, long_s), (least, most) = WAY_NEEDED
    part = min(max((case.duration_s - short_s) / (long_s - short_s), 0.0), 1.0)
    needed_px = (least + part * (most - least)) * case.limits[MOVING_PX] * min(case.scale, MOST_DOUBT)
    if _risen_m(case) > needed_px * case.pixel_m and _rises(case):
        bound = SLACK_M_PER_S + math.sqrt(2.0 * FASTEST_RISE_M_PER_S2 * max(_height_m(here), 0.0))
        return speed - speed_sigma < bound and _rises_without_any(case)
    far = speed * case.duration_s > case.limits[TRAVELLING_PX] * case.pixel_m
    return far and speed - 4.0 * speed_sigma > case.limits[TRAVELLING_M_PER_S]


@njit(cache=True, error_model="numpy")
def _risen_m(case):
    """Return by how much it has risen over the window."""
    here = position_of(case.motion, 0.0)
    return dot(difference(here, position_of(case.motion, -case.duration_s)), unit(here))


@njit(cache=True, error_model="numpy")
def _rises(case):
    # The speed now; while the acceleration is still uncertain, rather the mean speed, which is lower for a rocket.
    up = unit(position_of(case.motion, 0.0))
    rise, rise_sigma = speed_along(case.motion, up, case.scale)
    mean_rise, mean_sigma = speed_along(case.line, up, case.scale)
    return max(rise - 3.0 * rise_sigma, mean_rise - 3.0 * mean_sigma) > case.limits[RISING_M_PER_S]


@njit(cache=True, error_model="numpy")
def _rises_without_any(case):
    """Return whether it still seems to rise whichever satellite is left out: a single centroid may wander far."""
    satellites = len(case.sums)
    if satellites < 3:
        return True
    up = unit(position_of(case.motion, 0.0))
    for left_out in range(satellites):
        fit, determined = fit_unaccelerated(case.sums, left_out, 1, case.line.about_s, case.near_itrs_m)
        if not determined:
            return False
        rise, sigma = speed_along(fit, up, case.scale)
        if rise - sigma < case.limits[RISING_M_PER_S] / 2.0:
            return False
    return True


@njit(cache=True, error_model="numpy")
def _stays(case):
    speed = norm(velocity_of(case.line))
    sigma = math.sqrt(largest_eigenvalue(case.line.covariance[3:, 3:]) * case.scale)
    return (
        case.duration_s >= case.limits[STATIC_S]
        and speed + 3.0 * sigma < case.limits[STATIC_M_PER_S]
        and speed * case.duration_s < case.limits[MOVING_PX] * finest_pixel_m(case.looks, position_of(case.line, 0.0))
    )


@njit(cache=True, error_model="numpy")
def _height_m(position_itrs_m):
    return height_m(position_itrs_m[0], position_itrs_m[1], position_itrs_m[2])
