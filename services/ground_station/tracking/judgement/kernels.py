"""Least-squares fits of motion to lines of sight, compiled: arrays and scalars in, caller's arrays out.

A line of sight from origin s along u says of a position p that (I - u u^T)(p - s) = 0, with a standard deviation of
range times angle: linear in p, hence in the coefficients of any polynomial of time. The range enters only as weight,
and a few kilometres do not change that. Motion is p(t) = sum of coefficients[k] (t - about_s)^k / k!, ITRS.

`tests/ground_station/tracking/judgement/naive.py` says the same slowly. Shapes are the caller's to keep.
"""

import math

import numpy as np
from numba import njit

# Of the orders of motion, up to 2.
FACTORIAL = np.array([1.0, 1.0, 2.0])
# Where (a, b) of a symmetric 3 x 3 matrix stands among its six numbers xx, xy, xz, yy, yz, zz.
PACKED = np.array([[0, 1, 2], [1, 3, 4], [2, 4, 5]])
# A pivot of the matrix scaled to ones on the diagonal that is no more than this is rounding error, which leaves some
# 1e-15. Two satellites a milliradian apart leave the nine coefficients 6e-7, as does one alone with errors of 200 urad.
LEAST_PIVOT = 1e-13


@njit(cache=True, error_model="numpy")
def weigh(origin_itrs_m, los_itrs, sigma_rad, near_itrs_m, weight, terms):
    """Fill what each line of sight weighs and says, for a target near a place.

    weight: (n,) one over the variance across it, 1/m^2. terms: (n, 9) its information, packed, then information times
    the origin's offset from `near_itrs_m`: differences of millions of metres would cost digits.
    """
    for k in range(len(weight)):
        x = origin_itrs_m[k, 0] - near_itrs_m[0]
        y = origin_itrs_m[k, 1] - near_itrs_m[1]
        z = origin_itrs_m[k, 2] - near_itrs_m[2]
        ux, uy, uz = los_itrs[k, 0], los_itrs[k, 1], los_itrs[k, 2]
        along = ux * x + uy * y + uz * z
        w = 1.0 / ((x * x + y * y + z * z) * sigma_rad[k] * sigma_rad[k])
        weight[k] = w
        terms[k, 0] = w * (uy * uy + uz * uz)
        terms[k, 1] = -w * ux * uy
        terms[k, 2] = -w * ux * uz
        terms[k, 3] = w * (ux * ux + uz * uz)
        terms[k, 4] = -w * uy * uz
        terms[k, 5] = w * (ux * ux + uy * uy)
        terms[k, 6] = w * (x - along * ux)
        terms[k, 7] = w * (y - along * uy)
        terms[k, 8] = w * (z - along * uz)


@njit(cache=True, error_model="numpy")
def gather(time_s, terms, about_s, sums):
    """Fill `sums` (2 order + 1, 9) with the sums of (t - about_s)^j times terms that a fit of an order needs."""
    power = np.ones(len(time_s))
    for j in range(len(sums)):
        s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = s8 = 0.0
        for k in range(len(time_s)):
            p = power[k]
            s0 += p * terms[k, 0]
            s1 += p * terms[k, 1]
            s2 += p * terms[k, 2]
            s3 += p * terms[k, 3]
            s4 += p * terms[k, 4]
            s5 += p * terms[k, 5]
            s6 += p * terms[k, 6]
            s7 += p * terms[k, 7]
            s8 += p * terms[k, 8]
            power[k] = p * (time_s[k] - about_s)
        sums[j, 0], sums[j, 1], sums[j, 2] = s0, s1, s2
        sums[j, 3], sums[j, 4], sums[j, 5] = s3, s4, s5
        sums[j, 6], sums[j, 7], sums[j, 8] = s6, s7, s8


@njit(cache=True, error_model="numpy")
def solve(sums, prior_sigma, near_itrs_m, coefficients, covariance):
    """Fill the best coefficients (order + 1, 3) and their covariance, row after row; return whether there are any.

    sums: from `gather`. prior_sigma: (order + 1,) standard deviation of each coefficient about zero, infinite for
    none. False, and the outputs mean nothing, where the lines of sight do not determine the motion, or a number is
    not finite.
    """
    terms = len(coefficients)
    size = 3 * terms
    normal, right = np.empty((size, size)), np.empty(size)
    for i in range(terms):
        prior = 1.0 / prior_sigma[i] ** 2
        for j in range(i + 1):
            share = 1.0 / (FACTORIAL[i] * FACTORIAL[j])
            for a in range(3):
                for b in range(3):
                    normal[3 * i + a, 3 * j + b] = sums[i + j, PACKED[a, b]] * share
        for a in range(3):
            normal[3 * i + a, 3 * i + a] += prior
            right[3 * i + a] = sums[i, 6 + a] / FACTORIAL[i]
            if i == 0:
                # The prior pulls towards zero, not towards the place near by; the derivatives count from zero anyway.
                right[a] -= near_itrs_m[a] * prior
    if not invert(normal, covariance):
        return False
    for i in range(terms):
        for a in range(3):
            total = near_itrs_m[a] if i == 0 else 0.0
            for column in range(size):
                total += covariance[3 * i + a, column] * right[column]
            coefficients[i, a] = total
    return True


@njit(cache=True, error_model="numpy")
def invert(matrix, inverse):
    """Fill the inverse of a symmetric matrix, of which the lower half is read; return whether it is positive."""
    size = len(matrix)
    scale, order, factor = np.empty(size), np.arange(size), np.empty((size, size))
    if not _factorise(matrix, scale, order, factor):
        return False
    # The inverse of the lower half takes its place.
    for j in range(size):
        factor[j, j] = 1.0 / factor[j, j]
        for i in range(j + 1, size):
            total = 0.0
            for k in range(j, i):
                total -= factor[i, k] * factor[k, j]
            factor[i, j] = total / factor[i, i]
    for i in range(size):
        for j in range(i + 1):
            total = 0.0
            for k in range(i, size):
                total += factor[k, i] * factor[k, j]
            row, column = order[i], order[j]
            inverse[row, column] = inverse[column, row] = total * scale[row] * scale[column]
    return True


@njit(cache=True, error_model="numpy")
def _factorise(matrix, scale, order, factor):
    """Fill the lower half of `factor` after Cholesky, of the matrix scaled to ones on the diagonal and reordered.

    Unscaled, seconds to the power k would stand against metres. The largest pivot comes next, so that what is not
    determined shows in the last ones, whatever way the lines of sight point: N. J. Higham, "Accuracy and Stability of
    Numerical Algorithms", 2nd ed., section 10.3. Returns False where a pivot is none.
    """
    size = len(matrix)
    for i in range(size):
        if not 0.0 < matrix[i, i] < math.inf:
            return False
        scale[i] = 1.0 / math.sqrt(matrix[i, i])
        for j in range(i + 1):
            factor[i, j] = factor[j, i] = matrix[i, j] * scale[i] * scale[j]
    for j in range(size):
        largest = j
        for i in range(j + 1, size):
            if factor[i, i] > factor[largest, largest]:
                largest = i
        if not factor[largest, largest] > LEAST_PIVOT:
            return False
        order[j], order[largest] = order[largest], order[j]
        for k in range(size):
            factor[j, k], factor[largest, k] = factor[largest, k], factor[j, k]
        for i in range(j, size):
            factor[i, j], factor[i, largest] = factor[i, largest], factor[i, j]
        factor[j, j] = math.sqrt(factor[j, j])
        for i in range(j + 1, size):
            factor[i, j] /= factor[j, j]
            for k in range(j + 1, i + 1):
                factor[i, k] -= factor[i, j] * factor[k, j]
                factor[k, i] = factor[i, k]
    return True


@njit(cache=True, error_model="numpy")
def place_at(coefficients, since_s):
    """Return where motion is so long after its reference time: (x, y, z)."""
    x, y, z = coefficients[0, 0], coefficients[0, 1], coefficients[0, 2]
    power = 1.0
    for k in range(1, len(coefficients)):
        power *= since_s / k
        x += power * coefficients[k, 0]
        y += power * coefficients[k, 1]
        z += power * coefficients[k, 2]
    return x, y, z


@njit(cache=True, error_model="numpy")
def misfit(time_s, origin_itrs_m, los_itrs, weight, about_s, coefficients, residual):
    """Return chi-square of motion; fill `residual` (n, 3): by how much it passes beside, in standard deviations."""
    # A call for each line of sight would cost more than all else here.
    motion = np.zeros((3, 3))
    for j in range(len(coefficients)):
        for a in range(3):
            motion[j, a] = coefficients[j, a]
    total = 0.0
    for k in range(len(weight)):
        since = time_s[k] - about_s
        half = since * since / 2.0
        x = motion[0, 0] + since * motion[1, 0] + half * motion[2, 0] - origin_itrs_m[k, 0]
        y = motion[0, 1] + since * motion[1, 1] + half * motion[2, 1] - origin_itrs_m[k, 1]
        z = motion[0, 2] + since * motion[1, 2] + half * motion[2, 2] - origin_itrs_m[k, 2]
        ux, uy, uz = los_itrs[k, 0], los_itrs[k, 1], los_itrs[k, 2]
        along, root = x * ux + y * uy + z * uz, math.sqrt(weight[k])
        x, y, z = root * (x - along * ux), root * (y - along * uy), root * (z - along * uz)
        residual[k, 0], residual[k, 1], residual[k, 2] = x, y, z
        total += x * x + y * y + z * z
    return total


@njit(cache=True, error_model="numpy")
def fit_motion(
    time_s,
    origin_itrs_m,
    los_itrs,
    sigma_rad,
    n,
    near_itrs_m,
    about_s,
    prior_sigma,
    coefficients,
    covariance,
    chi2,
):
    """Fit a polynomial of order `len(coefficients) - 1`, up to 2; return whether the lines of sight determine it.

    time_s, sigma_rad: (n or more,); origin_itrs_m, los_itrs (unit): (n or more, 3). near_itrs_m: (3,) where the
    target is, to some kilometres, for the weights. prior_sigma: (order + 1,) standard deviations about zero of
    position, velocity, acceleration, infinite for none.

    Fills coefficients (order + 1, 3), their covariance (3 order + 3, 3 order + 3), row after row, and chi2 (1,): the
    sum of squared residuals over their variances, of which there are 2 n. They mean nothing where False comes back.
    ValueError where an array has fewer than n rows.
    """
    if n > min(len(time_s), len(origin_itrs_m), len(los_itrs), len(sigma_rad)):
        raise ValueError("fit_motion: n is above the length of an array; give each n rows or more")
    weight, terms, sums = np.empty(n), np.empty((n, 9)), np.empty((2 * len(coefficients) - 1, 9))
    weigh(origin_itrs_m, los_itrs, sigma_rad, near_itrs_m, weight, terms)
    gather(time_s[:n], terms, about_s, sums)
    if not solve(sums, prior_sigma, near_itrs_m, coefficients, covariance):
        return False
    chi2[0] = misfit(time_s, origin_itrs_m, los_itrs, weight, about_s, coefficients, np.empty((n, 3)))
    return True


@njit(cache=True, error_model="numpy")
def fit_resting(time_s, origin_itrs_m, los_itrs, weight, lead, sums, near_itrs_m, height_m, height_sigma_m):
    """Return chi-square of one satellite's lines of sight if all looked at one point at rest near the ground.

    lead: which line of sight says where near. sums: (9,) of their terms, from `weigh` with `near_itrs_m`; at a
    point farther away the same angles are longer ways. The point's height is only known as so much, give or take.
    """
    start = np.empty(3)
    _on_ground(origin_itrs_m[lead], los_itrs[lead], height_m, start)
    # The height holds the point along the vertical.
    radius2 = start[0] ** 2 + start[1] ** 2 + start[2] ** 2
    normal, inverse, right = np.empty((3, 3)), np.empty((3, 3)), np.empty(3)
    for a in range(3):
        right[a] = sums[6 + a]
        for b in range(3):
            information = sums[PACKED[a, b]]
            normal[a, b] = information + start[a] * start[b] / radius2 / height_sigma_m**2
            right[a] += information * (near_itrs_m[b] - start[b])
    if not invert(normal, inverse):
        # A line of sight that grazes the Earth gets no range from a height. A weak hold gives it one, any of which
        # leaves the same residuals.
        hold = 1e-9 * (normal[0, 0] + normal[1, 1] + normal[2, 2])
        for a in range(3):
            normal[a, a] += hold
        if not invert(normal, inverse):
            return math.nan
    point, risen = np.empty((1, 3)), 0.0
    for a in range(3):
        step = inverse[a, 0] * right[0] + inverse[a, 1] * right[1] + inverse[a, 2] * right[2]
        point[0, a] = start[a] + step
        risen += step * start[a]
    chi2 = misfit(time_s, origin_itrs_m, los_itrs, weight, 0.0, point, np.empty((len(weight), 3)))
    return chi2 * _nearer2(origin_itrs_m[lead], near_itrs_m, point[0]) + risen**2 / radius2 / height_sigma_m**2


@njit(cache=True, error_model="numpy")
def fit_level(time_s, origin_itrs_m, los_itrs, weight, lead, sums, about_s, near_itrs_m, height_m, sigma):
    """Return chi-square of one satellite's lines of sight if all looked at one thing that flies level and straight.

    As `fit_resting`; sums: (3, 9), from `gather` about a time. sigma: (3,) of height, of each part of the velocity
    about zero, and of its part upwards, which is known better: m, m/s, m/s. NaN where they determine nothing.
    """
    start = np.empty(3)
    _on_ground(origin_itrs_m[lead], los_itrs[lead], height_m, start)
    radius = math.sqrt(start[0] ** 2 + start[1] ** 2 + start[2] ** 2)
    up = start[0] / radius, start[1] / radius, start[2] / radius
    normal, inverse, right = np.empty((6, 6)), np.empty((6, 6)), np.empty(6)
    for i in range(2):
        for a in range(3):
            right[3 * i + a] = sums[i, 6 + a]
            for b in range(3):
                right[3 * i + a] += sums[i, PACKED[a, b]] * (near_itrs_m[b] - start[b])
                for j in range(2):
                    normal[3 * i + a, 3 * j + b] = sums[i + j, PACKED[a, b]]
    for a in range(3):
        normal[3 + a, 3 + a] += 1.0 / sigma[1] ** 2
        for b in range(3):
            normal[a, b] += up[a] * up[b] / sigma[0] ** 2
            normal[3 + a, 3 + b] += up[a] * up[b] / sigma[2] ** 2
    if not invert(normal, inverse):
        return math.nan
    flight, risen, climb, speed2 = np.empty((2, 3)), 0.0, 0.0, 0.0
    for a in range(3):
        step = velocity = 0.0
        for column in range(6):
            step += inverse[a, column] * right[column]
            velocity += inverse[3 + a, column] * right[column]
        flight[0, a], flight[1, a] = start[a] + step, velocity
        risen += step * up[a]
        climb += velocity * up[a]
        speed2 += velocity * velocity
    chi2 = misfit(time_s, origin_itrs_m, los_itrs, weight, about_s, flight, np.empty((len(weight), 3)))
    chi2 *= _nearer2(origin_itrs_m[lead], near_itrs_m, flight[0])
    return chi2 + (risen / sigma[0]) ** 2 + speed2 / sigma[1] ** 2 + (climb / sigma[2]) ** 2


@njit(cache=True, error_model="numpy")
def _nearer2(origin_itrs_m, one_itrs_m, other_itrs_m):
    """Return how much nearer one place is to an origin than another, squared."""
    its2, other2 = 0.0, 0.0
    for a in range(3):
        its2 += (one_itrs_m[a] - origin_itrs_m[a]) ** 2
        other2 += (other_itrs_m[a] - origin_itrs_m[a]) ** 2
    return its2 / other2


@njit(cache=True, error_model="numpy")
def _on_ground(origin_itrs_m, los_itrs, height_m, point):
    """Fill where a line of sight meets the sphere through the ground, or its point nearest to the centre."""
    half_b, distance2 = 0.0, 0.0
    for a in range(3):
        half_b += los_itrs[a] * origin_itrs_m[a]
        distance2 += origin_itrs_m[a] ** 2
    # Radius of the ellipsoid at the latitude of where the ray comes nearest, to some kilometres.
    sine2 = (origin_itrs_m[2] - half_b * los_itrs[2]) ** 2 / (distance2 - half_b**2)
    radius = 6_378_137.0 - 21_385.0 * sine2 + height_m
    distance = -half_b - math.sqrt(max(half_b**2 - distance2 + radius**2, 0.0))
    for a in range(3):
        point[a] = origin_itrs_m[a] + distance * los_itrs[a]


@njit(cache=True, error_model="numpy")
def largest_eigenvalue(matrix):
    """Return the largest eigenvalue of a symmetric 3 x 3 matrix.

    O. K. Smith, "Eigenvalues of a symmetric 3 x 3 matrix", Communications of the ACM 4 (1961) 168.
    """
    mean = (matrix[0, 0] + matrix[1, 1] + matrix[2, 2]) / 3.0
    x, y, z = matrix[0, 0] - mean, matrix[1, 1] - mean, matrix[2, 2] - mean
    xy, xz, yz = matrix[1, 0], matrix[2, 0], matrix[2, 1]
    spread = math.sqrt((x * x + y * y + z * z + 2.0 * (xy * xy + xz * xz + yz * yz)) / 6.0)
    if spread == 0.0:
        return mean
    half = (x * (y * z - yz * yz) - xy * (xy * z - yz * xz) + xz * (xy * yz - y * xz)) / (2.0 * spread**3)
    return mean + 2.0 * spread * math.cos(math.acos(min(max(half, -1.0), 1.0)) / 3.0)
