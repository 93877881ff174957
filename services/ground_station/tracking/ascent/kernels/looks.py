"""Lines of sight against a flight: misses, and what they add to the normal equations."""

import math

import numpy as np
from numba import njit

from services.ground_station.tracking.ascent.layout import BIASES, LAUNCH_TIME


@njit(cache=True, error_model="numpy")
def add_looks(
    x, time_s, origins, drift, across, sigma, sensor, biased, from_launch, tau, states, sensitivities, start_s,
    misses, normal, gradient,
):  # fmt: skip
    """Add the lines of sight to the normal matrix's lower triangle and the gradient; return their chi-square.

    x: (M,) the P parameters, and 4 biases a sensor where `biased`. start_s: the instant of the flight's tau = 0.
    drift: (n, 3) the sensors' velocity, m/s, ITRS. across: (n, 2, 3) unit vectors across each line of sight.
    """
    width = sensitivities.shape[2]
    active = width + BIASES if biased else width
    row = np.empty(width + BIASES)
    place, pace, way = np.empty(3), np.empty(3), np.empty((3, width))
    sight, bias = np.empty(3), np.zeros(BIASES)
    chi2, node = 0.0, 0
    for n in range(len(time_s)):
        first_bias = width + BIASES * sensor[n]
        if biased:
            bias[:] = x[first_bias : first_bias + BIASES]
        node = place_at(time_s[n] - bias[3] - start_s, from_launch, tau, states, sensitivities, node, place, pace, way)
        distance2 = 0.0
        for k in range(3):
            sight[k] = place[k] - origins[n, k] + bias[3] * drift[n, k]
            distance2 += sight[k] * sight[k]
        distance = math.sqrt(distance2)
        for k in range(3):
            sight[k] /= distance
            pace[k] -= drift[n, k]
        for m in range(2):
            miss = fill_row(across[n, m], sight, distance, 1.0 / sigma[n], way, pace, bias, biased, row)
            misses[n, m] = miss
            chi2 += miss * miss
            for i in range(active):
                at = i if i < width else first_bias + i - width
                gradient[at] += row[i] * miss
                for j in range(min(i + 1, width)):
                    normal[at, j] += row[i] * row[j]
                for j in range(width, i + 1):
                    normal[at, first_bias + j - width] += row[i] * row[j]
    return chi2


@njit(cache=True, error_model="numpy")
def fill_row(across, sight, distance, weight, way, pace, bias, biased, row):
    """Fill the prediction's slopes over parameters and biases; return the miss, both in standard deviations.

    sight: (3,) predicted unit vector. pace: (3,) velocity of the target over the sensor.
    """
    width = way.shape[1]
    seen = across[0] * sight[0] + across[1] * sight[1] + across[2] * sight[2]
    f0 = (across[0] - seen * sight[0]) * weight / distance
    f1 = (across[1] - seen * sight[1]) * weight / distance
    f2 = (across[2] - seen * sight[2]) * weight / distance
    for p in range(width):
        row[p] = f0 * way[0, p] + f1 * way[1, p] + f2 * way[2, p]
    seen *= weight
    if biased:
        # A rotation by small angles w moves a line of sight by w x los.
        row[width] = (sight[1] * across[2] - sight[2] * across[1]) * weight
        row[width + 1] = (sight[2] * across[0] - sight[0] * across[2]) * weight
        row[width + 2] = (sight[0] * across[1] - sight[1] * across[0]) * weight
        row[width + 3] = -(f0 * pace[0] + f1 * pace[1] + f2 * pace[2])
        seen += row[width] * bias[0] + row[width + 1] * bias[1] + row[width + 2] * bias[2]
    # The measured line of sight has no part across itself.
    return -seen


@njit(cache=True, error_model="numpy")
def place_at(since, from_launch, tau, states, sensitivities, node, place, pace, way):
    """Fill place and velocity (3,) and the place's slopes (3, P) by Hermite's cubic; return the node before.

    since: at the flight's clock, s; before its beginning it stands still. node: where to begin to search.
    """
    width = sensitivities.shape[2]
    last = len(tau) - 1
    if since <= 0.0 or last < 1:
        for k in range(3):
            place[k], pace[k] = states[0, k], states[0, 3 + k]
            way[k, :] = sensitivities[0, k]
        return 0
    node = min(node, last - 1)
    while node > 0 and tau[node] > since:
        node -= 1
    while node < last - 1 and tau[node + 1] < since:
        node += 1
    step = tau[node + 1] - tau[node]
    u = (since - tau[node]) / step
    a, b = (1.0 + 2.0 * u) * (1.0 - u) ** 2, u * u * (3.0 - 2.0 * u)
    c, d = u * (1.0 - u) ** 2 * step, u * u * (u - 1.0) * step
    fall, c_rate, d_rate = 6.0 * u * (u - 1.0) / step, (1.0 - u) * (1.0 - 3.0 * u), u * (3.0 * u - 2.0)
    for k in range(3):
        before, after = states[node, k], states[node + 1, k]
        v_before, v_after = states[node, 3 + k], states[node + 1, 3 + k]
        place[k] = a * before + b * after + c * v_before + d * v_after
        pace[k] = fall * (before - after) + c_rate * v_before + d_rate * v_after
        for p in range(width):
            way[k, p] = (
                a * sensitivities[node, k, p]
                + b * sensitivities[node + 1, k, p]
                + c * sensitivities[node, 3 + k, p]
                + d * sensitivities[node + 1, 3 + k, p]
            )
        if from_launch:
            # A later launch is an earlier instant of the same flight.
            way[k, LAUNCH_TIME] = -pace[k]
    return node
