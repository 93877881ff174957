"""The lines of sight of a window as the judgement takes them, and motion fitted to them.

Compiled, as `kernels.py` is; vectors that are passed about are tuples (x, y, z), ITRS.
"""
# mypy: allow-untyped-decorators, allow-untyped-defs, allow-untyped-calls
# Numba's decorators carry no types.

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from services.ground_station.tracking.judgement.kernels import gather, misfit, place_at, solve, weigh

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

# Lag-one correlation of white residuals, from which nothing is concluded, and the most that is believed.
WHITE = 0.1
MOST_CORRELATION = 0.9
# In place of the satellite that is left out.
NOBODY = -1


class Looks(NamedTuple):
    """Lines of sight, satellite after satellite, each satellite's in the order of time.

    Arrays (n,) and (n, 3); weight (n,), terms (n, 9): from `weigh`. first: (satellites + 1,) where each satellite's
    begin, and the end. lead: (satellites,) where that one is which came first from the caller.
    """

    time_s: Float64
    origin_itrs_m: Float64
    los_itrs: Float64
    sigma_rad: Float64
    pixel_rad: Float64
    weight: Float64
    terms: Float64
    first: Int64
    lead: Int64


class Fit(NamedTuple):
    """Motion about a time: coefficients (order + 1, 3) and covariance, as `solve` fills them."""

    about_s: float
    coefficients: Float64
    covariance: Float64


@njit(cache=True, error_model="numpy")
def places_of(sensor):
    """Return (n,) each satellite's number in order of first appearance, and (satellites,) how many looks it gave."""
    places, names, counts = np.empty_like(sensor), np.empty_like(sensor), np.zeros_like(sensor)
    satellites = 0
    for k in range(len(sensor)):
        place = 0
        while place < satellites and names[place] != sensor[k]:
            place += 1
        if place == satellites:
            names[place] = sensor[k]
            satellites += 1
        places[k] = place
        counts[place] += 1
    return places, counts[:satellites]


@njit(cache=True, error_model="numpy")
def span(time_s):
    """Return how long a time the looks cover, and the newest; 0 and minus infinity where there are none."""
    oldest, newest = math.inf, -math.inf
    for time in time_s:
        oldest, newest = min(oldest, time), max(newest, time)
    return max(newest - oldest, 0.0), newest


@njit(cache=True, error_model="numpy")
def by_satellite(time_s, origin_itrs_m, los_itrs, sigma_rad, pixel_rad, near_itrs_m, places, counts):
    """Return the lines of sight, satellite after satellite; looks at one time stay in the caller's order."""
    n, satellites = len(places), len(counts)
    order, lead = np.empty(n, np.int64), np.empty(satellites, np.int64)
    first, filled = np.zeros(satellites + 1, np.int64), np.empty(satellites, np.int64)
    for satellite in range(satellites):
        filled[satellite] = first[satellite]
        first[satellite + 1] = first[satellite] + counts[satellite]
    for k in range(n - 1, -1, -1):
        place = places[k]
        # Insertion: the looks mostly come newest first.
        slot = filled[place]
        while slot > first[place] and time_s[order[slot - 1]] >= time_s[k]:
            order[slot] = order[slot - 1]
            slot -= 1
        order[slot] = k
        # The satellite's first to come is placed last.
        lead[place] = slot
        filled[place] += 1
    looks = Looks(
        np.empty(n),
        np.empty((n, 3)),
        np.empty((n, 3)),
        np.empty(n),
        np.empty(n),
        np.empty(n),
        np.empty((n, 9)),
        first,
        lead,
    )
    for slot in range(n):
        k = order[slot]
        looks.time_s[slot], looks.sigma_rad[slot], looks.pixel_rad[slot] = time_s[k], sigma_rad[k], pixel_rad[k]
        for a in range(3):
            looks.origin_itrs_m[slot, a], looks.los_itrs[slot, a] = origin_itrs_m[k, a], los_itrs[k, a]
    weigh(looks.origin_itrs_m, looks.los_itrs, looks.sigma_rad, near_itrs_m, looks.weight, looks.terms)
    return looks


@njit(cache=True, error_model="numpy")
def count_of(looks, satellite):
    """Return how many looks a satellite gave."""
    return looks.first[satellite + 1] - looks.first[satellite]


@njit(cache=True, error_model="numpy")
def flight_of(looks, satellite, at_s):
    """Return where a satellite of two looks or more is at a time, and its velocity: straight on, good for seconds."""
    first, last = looks.first[satellite], looks.first[satellite + 1] - 1
    duration = looks.time_s[last] - looks.time_s[first]
    here, step = looks.origin_itrs_m[last], difference(looks.origin_itrs_m[last], looks.origin_itrs_m[first])
    velocity = step[0] / duration, step[1] / duration, step[2] / duration
    since = at_s - looks.time_s[last]
    return (here[0] + velocity[0] * since, here[1] + velocity[1] * since, here[2] + velocity[2] * since), velocity


@njit(cache=True, error_model="numpy")
def line_sums(looks, about_s):
    """Return (satellites, 3, 9) each satellite's sums for motion of constant velocity about a time."""
    sums = np.empty((len(looks.lead), 3, 9))
    for satellite in range(len(looks.lead)):
        own = slice(looks.first[satellite], looks.first[satellite + 1])
        gather(looks.time_s[own], looks.terms[own], about_s, sums[satellite])
    return sums


@njit(cache=True, error_model="numpy")
def fit_unaccelerated(sums, left_out, order, about_s, near_itrs_m):
    """Return the fit of a point (order 0) or a line (1) to sums of satellites, and whether they determine it.

    left_out: the satellite that does not count, or NOBODY.
    """
    total = np.zeros((2 * order + 1, 9))
    for satellite in range(len(sums)):
        if satellite != left_out:
            for j in range(len(total)):
                for term in range(9):
                    total[j, term] += sums[satellite, j, term]
    return _fitted(total, np.full(order + 1, math.inf), about_s, near_itrs_m)


@njit(cache=True, error_model="numpy")
def fit_acceleration(looks, newest_s, near_itrs_m, acceleration_sigma_m_per_s2):
    """Return the fit of constant acceleration at the newest look, and whether the looks determine it."""
    sums, prior_sigma = np.empty((5, 9)), np.full(3, math.inf)
    gather(looks.time_s, looks.terms, newest_s, sums)
    prior_sigma[2] = acceleration_sigma_m_per_s2
    return _fitted(sums, prior_sigma, newest_s, near_itrs_m)


@njit(cache=True, error_model="numpy")
def _fitted(sums, prior_sigma, about_s, near_itrs_m):
    size = len(prior_sigma)
    fit = Fit(about_s, np.empty((size, 3)), np.empty((3 * size, 3 * size)))
    return fit, solve(sums, prior_sigma, near_itrs_m, fit.coefficients, fit.covariance)


@njit(cache=True, error_model="numpy")
def misfit_of(looks, fit, residual):
    """Return a fit's chi-square over all lines of sight, and fill `residual` (n, 3), in standard deviations."""
    return misfit(
        looks.time_s, looks.origin_itrs_m, looks.los_itrs, looks.weight, fit.about_s, fit.coefficients, residual
    )


@njit(cache=True, error_model="numpy")
def redundancy(looks, residual):
    """Return by how much the looks are fewer than they seem, because their errors go on from look to look.

    residual: (n, 3), from `misfit_of`. A wandering centroid, of a cloud's edge or a fire of many parts, errs alike for
    seconds. For errors with a lag-one correlation r the variance of a mean is (1 + r) / (1 - r) times that of
    independent ones.
    """
    product, squares = 0.0, 0.0
    for satellite in range(len(looks.lead)):
        for k in range(looks.first[satellite] + 1, looks.first[satellite + 1]):
            for a in range(3):
                last, this = residual[k - 1, a], residual[k, a]
                product += last * this
                squares += (last * last + this * this) / 2.0
    if squares == 0.0:
        return 1.0
    correlation = min(max(product / squares - WHITE, 0.0), MOST_CORRELATION)
    return (1.0 + correlation) / (1.0 - correlation)


@njit(cache=True, error_model="numpy")
def finest_pixel_m(looks, near_itrs_m):
    """Return what the finest pixel that sees it spans across the line of sight."""
    finest = math.inf
    for k in range(len(looks.pixel_rad)):
        x = near_itrs_m[0] - looks.origin_itrs_m[k, 0]
        y = near_itrs_m[1] - looks.origin_itrs_m[k, 1]
        z = near_itrs_m[2] - looks.origin_itrs_m[k, 2]
        finest = min(finest, math.sqrt(x * x + y * y + z * z) * looks.pixel_rad[k])
    return finest


@njit(cache=True, error_model="numpy")
def position_of(fit, since_s):
    """Return where a fit's motion is so long after the time it is about, m."""
    return place_at(fit.coefficients, since_s)


@njit(cache=True, error_model="numpy")
def velocity_of(fit):
    """Return a fit's velocity at the time it is about, m/s."""
    return fit.coefficients[1, 0], fit.coefficients[1, 1], fit.coefficients[1, 2]


@njit(cache=True, error_model="numpy")
def speed_along(fit, direction, scale):
    """Return the velocity along a unit vector and its standard deviation."""
    variance = 0.0
    for a in range(3):
        for b in range(3):
            variance += direction[a] * fit.covariance[3 + a, 3 + b] * direction[b]
    return dot(velocity_of(fit), direction), math.sqrt(variance * scale)


@njit(cache=True, error_model="numpy")
def difference(a, b):
    """Return the vector from b to a."""
    return a[0] - b[0], a[1] - b[1], a[2] - b[2]


@njit(cache=True, error_model="numpy")
def dot(a, b):
    """Return the scalar product."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@njit(cache=True, error_model="numpy")
def norm(vector):
    """Return the length of a vector."""
    return math.sqrt(dot(vector, vector))


@njit(cache=True, error_model="numpy")
def unit(vector):
    """Return the direction of a vector that has a length."""
    length = norm(vector)
    return vector[0] / length, vector[1] / length, vector[2] / length
