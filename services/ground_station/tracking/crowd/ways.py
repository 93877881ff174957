"""Ways of a crowd's members: each flown as its parameters say, and put right by the detections that may be its own."""

import math

import numpy as np
from numba import njit

from services.ground_station.tracking.ascent.kernels.flight import NODES, fly
from services.ground_station.tracking.ascent.kernels.looks import place_at
from services.ground_station.tracking.ascent.kernels.solve import keep_end
from services.ground_station.tracking.ascent.layout import LAUNCH_TIME

# No parameter is changed by more than this in a round, in units of how far members are apart: the flight bends.
LONGEST_STEP = 8.0
# What doubt about whose a look's detections are leaves of what they say, at least.
LEAST_SAID = 0.05


@njit(cache=True, error_model="numpy")
def fly_way(looks, count, common, x, aside, slopes, output, jacobian):
    """Write where the first `count` looks see a way, aside (L, 2), rad, and the slopes of that (L, 2, P).

    x: (P,). output: (12,) position, velocity, specific force and its change at the end, with jacobian (9, P).
    """
    width = len(x)
    tau, states, sensitivities = np.empty(NODES), np.empty((NODES, 6)), np.empty((NODES, 6, width))
    axes, force, force_slopes = np.zeros((4, 3)), np.zeros((2, 3)), np.zeros((3, width))
    end_s = common.at_s if count == len(looks.time_s) else looks.time_s[count - 1]
    nodes = fly(
        x,
        common.reference,
        axes,
        True,
        common.knots,
        common.knot_s,
        end_s - x[LAUNCH_TIME],
        tau,
        states,
        sensitivities,
        force,
        force_slopes,
    )
    keep_end(states[nodes - 1], sensitivities[nodes - 1], force, force_slopes, True, output, jacobian)
    place, pace, way = np.empty(3), np.empty(3), np.empty((3, width))
    node = 0
    for k in range(count):
        since = looks.time_s[k] - x[LAUNCH_TIME]
        node = place_at(since, True, tau[:nodes], states, sensitivities, node, place, pace, way)
        place -= looks.origin[k]
        distance = math.sqrt(place[0] * place[0] + place[1] * place[1] + place[2] * place[2])
        for a in range(2):
            across = looks.across[k, a]
            aside[k, a] = (across[0] * place[0] + across[1] * place[1] + across[2] * place[2]) / distance
            for p in range(width):
                slopes[k, a, p] = (across[0] * way[0, p] + across[1] * way[1, p] + across[2] * way[2, p]) / distance


@njit(cache=True, error_model="numpy")
def add_detections(looks, count, chances, aside, slopes, apart, doubted, normal, gradient):
    """Fill normal (P, P) and gradient (P,), in units of `apart`, of a way whose detections have chances (n,).

    doubted: take off what the doubt about whose they are hides (T. A. Louis, J. Royal Statistical Society B 44 (1982)
    226), look by look.
    """
    width = len(apart)
    normal[:, :] = 0.0
    gradient[:] = 0.0
    for k in range(count):
        w = pull_0 = pull_1 = square = 0.0
        for n in range(looks.begins[k], looks.begins[k + 1]):
            weight = 1.0 / looks.sigma_rad[n] ** 2
            off_0, off_1 = looks.aside_rad[n, 0] - aside[k, 0], looks.aside_rad[n, 1] - aside[k, 1]
            w += chances[n] * weight
            pull_0 += chances[n] * weight * off_0
            pull_1 += chances[n] * weight * off_1
            square += chances[n] * weight * weight * (off_0 * off_0 + off_1 * off_1)
        if w == 0.0:
            continue
        if doubted:
            hidden = (square - pull_0 * pull_0 - pull_1 * pull_1) / 2.0
            w *= max(1.0 - hidden / w, LEAST_SAID)
        for i in range(width):
            s0, s1 = slopes[k, 0, i] * apart[i], slopes[k, 1, i] * apart[i]
            gradient[i] += s0 * pull_0 + s1 * pull_1
            for j in range(i + 1):
                normal[i, j] += w * (s0 * slopes[k, 0, j] + s1 * slopes[k, 1, j]) * apart[j]
    for i in range(width):
        for j in range(i):
            normal[j, i] = normal[i, j]


@njit(cache=True, error_model="numpy")
def put_ways_right(normals, gradients, common, x, middle, known, middle_known):
    """Move ways x (m, P) and what they have in common, middle (P,), to where looks and priors agree best.

    normals: (m, P, P) and gradients: (m, P) of each way's looks, in units of `common.apart`. known: (m, P, P) a way's
    covariance for a given middle, and middle_known: (P, P) the middle's; out, same units. One Newton step for all
    together: the ways are normal about the middle, which has its own prior.
    """
    ways, width = x.shape
    unit = np.eye(width)
    tight, right = common.precision.copy(), common.precision @ common.mean
    for t in range(ways):
        known[t] = np.linalg.inv(normals[t] + unit)
        here = x[t] / common.apart
        tight += unit - known[t]
        right += here - known[t] @ here + known[t] @ gradients[t]
    middle_known[:, :] = np.linalg.inv(tight)
    found = middle_known @ right
    for p in range(width):
        middle[p] = found[p] * common.apart[p]
    for t in range(ways):
        step = known[t] @ (gradients[t] + found - x[t] / common.apart)
        longest = max(np.abs(step).max() / LONGEST_STEP, 1.0)
        for p in range(width):
            x[t, p] += step[p] / longest * common.apart[p]


@njit(cache=True, error_model="numpy")
def log_prior(common, x, middle):
    """Return the log of how likely ways (m, P) and their middle (P,) are before any look, but for a constant."""
    off = middle / common.apart - common.mean
    total = -0.5 * (off @ (common.precision @ off))
    for t in range(len(x)):
        for p in range(len(middle)):
            total -= 0.5 * ((x[t, p] - middle[p]) / common.apart[p]) ** 2
    return total
