"""Levenberg and Marquardt's least squares of an ascent to lines of sight, in one call."""

import math

import numpy as np
from numba import boolean, float64, int64, njit

from services.ground_station.tracking.ascent.kernels.flight import BLOCK, LINE, NODES, ROWS, fly
from services.ground_station.tracking.ascent.kernels.linear import factorise, invert, solve
from services.ground_station.tracking.ascent.kernels.looks import add_looks
from services.ground_station.tracking.ascent.layout import BIASES, LAUNCH_TIME
from services.ground_station.tracking.forces import gravity_and_turn

# What is seen is a plume: engines may burn about as long before they lift what they drive.
LATE_SIGMA_S = 1.0
# Damping is held between these; below, steps are Gauss and Newton's.
LEAST_DAMPING, MOST_DAMPING = 1e-9, 1e8
FIRST_DAMPING = 1e-4
# A step that should lower the cost (chi-square) by less is a small one: it is taken as the last, without another look.
CONVERGED = 0.1
# Steps with more damping than this are short because they must be.
MOST_DAMPING_AT_REST = 1e-2


@njit(cache=True, error_model="numpy")
def add_prior(x, mean, precision, normal, gradient):
    """Fill the normal matrix with the prior's precision and the gradient with its pull; return its chi-square."""
    size = len(x)
    total = 0.0
    for i in range(size):
        pull = 0.0
        for j in range(size):
            normal[i, j] = precision[i, j]
            pull += precision[i, j] * (mean[j] - x[j])
        gradient[i] = pull
        total += pull * (mean[i] - x[i])
    return total


@njit(cache=True, error_model="numpy")
def add_latest(launch_s, latest_s, normal, gradient):
    """Add that it was launched no later than it was seen; return the chi-square."""
    late = (launch_s - latest_s) / LATE_SIGMA_S
    if late <= 0.0:
        return 0.0
    normal[LAUNCH_TIME, LAUNCH_TIME] += 1.0 / LATE_SIGMA_S**2
    gradient[LAUNCH_TIME] -= late / LATE_SIGMA_S
    return late * late


@njit(cache=True, error_model="numpy")
def bounded_step(normal, gradient, damping, longest_step, damped, factor, scale, step):
    """Fill the damped step, shortened to what no parameter may exceed; return by how much the cost should fall."""
    size = len(gradient)
    damped[:, :] = normal
    for i in range(size):
        damped[i, i] *= 1.0 + damping
    factorise(damped, scale, factor)
    solve(factor, scale, gradient, step)
    excess, promised = 1.0, 0.0
    for i in range(size):
        promised += step[i] * gradient[i]
        excess = max(excess, abs(step[i]) / longest_step[i])
    for i in range(size):
        step[i] /= excess
    return promised


@njit(cache=True, error_model="numpy")
def take_last_step(step, promised, best, output, jacobian, figures):
    """Add a step so small that the flight answers linearly."""
    for p in range(len(step)):
        best[p] += step[p]
        for k in range(9):
            output[k] += jacobian[k, p] * step[p]
    figures[0] -= promised


@njit(cache=True, error_model="numpy")
def keep_end(state, sensitivity, force, force_slopes, from_launch, output, jacobian):
    """Fill the last node's state with force and its change, and their slopes over the parameters."""
    width = sensitivity.shape[1]
    jacobian[:, :] = 0.0
    for k in range(6):
        output[k] = state[k]
        jacobian[k, :width] = sensitivity[k]
    for k in range(3):
        output[6 + k], output[9 + k] = force[0, k], force[1, k]
        jacobian[6 + k, :width] = force_slopes[k]
    if from_launch:
        # A later launch is an earlier instant of the same flight.
        gravity = gravity_and_turn(state[0], state[1], state[2], state[3], state[4], state[5])
        for k in range(3):
            jacobian[k, LAUNCH_TIME] = -state[3 + k]
            jacobian[3 + k, LAUNCH_TIME] = -(force[0, k] + gravity[k])
            jacobian[6 + k, LAUNCH_TIME] = -force[1, k]


@njit(
    boolean(
        LINE, LINE, boolean, int64, float64, LINE, ROWS, float64, LINE, LINE, ROWS, ROWS, BLOCK, LINE, int64[::1],
        int64, float64, float64, int64, LINE, ROWS, LINE, ROWS, ROWS, LINE,
    ),
    nogil=True, cache=True, error_model="numpy",
)  # fmt: skip
def fit(
    x, reference, from_launch, knots, knot_s, mean, precision, latest_s, longest_step, time_s, origins, drift, across,
    sigma, sensor, sensors, at_s, start_s, rounds, best, covariance, output, jacobian, misses, figures,
):  # fmt: skip
    """Fill the best parameters, their covariance and the flight's state; return whether it came to rest.

    x: (M,) where to begin: P parameters, then 4 biases for each of `sensors` (0: none are estimated).
    mean (M,), precision (M, M): prior. latest_s: when it was seen first.
    longest_step: (M,) what no step may exceed.
    reference: (2,) latitude and longitude (rad), or from a state its origin (ITRS, m) and axes: (12,).
    start_s: when the model from a state begins; unused from a launch.
    output: (12,) position, velocity, specific force, its change a second. jacobian: (9, M).
    misses: (n, 2) across each line of sight, in standard deviations.
    figures: (4,) cost, chi-square of the rays, log of the determinant of the normal matrix, rounds.
    """
    size = len(x)
    width = size - BIASES * sensors
    tau = np.empty(NODES)
    states, sensitivities = np.empty((NODES, 6)), np.empty((NODES, 6, width))
    axes, force, force_slopes = np.zeros((4, 3)), np.zeros((2, 3)), np.zeros((3, width))
    if not from_launch:
        axes[:3] = reference[3:12].reshape(3, 3)
    trial, trial_misses = x.copy(), np.empty_like(misses)
    trial_normal, trial_gradient = np.empty((size, size)), np.empty(size)
    normal, gradient = np.empty((size, size)), np.empty(size)
    damped, factor, scale, step = np.empty((size, size)), np.zeros((size, size)), np.empty(size), np.empty(size)
    cost, damping, settled = math.inf, FIRST_DAMPING, False
    for used in range(rounds):
        begin = trial[LAUNCH_TIME] if from_launch else start_s
        count = fly(
            trial[:width], reference, axes, from_launch, knots, knot_s, at_s - begin, tau, states, sensitivities,
            force, force_slopes,
        )  # fmt: skip
        total = add_prior(trial, mean, precision, trial_normal, trial_gradient)
        chi2 = add_looks(
            trial, time_s, origins, drift, across, sigma, sensor, sensors > 0, from_launch, tau[:count], states,
            sensitivities, begin, trial_misses, trial_normal, trial_gradient,
        )  # fmt: skip
        total += chi2
        if from_launch:
            total += add_latest(trial[LAUNCH_TIME], latest_s, trial_normal, trial_gradient)
        if total < cost:
            cost, damping = total, max(damping * 0.1, LEAST_DAMPING)
            best[:], normal[:, :], gradient[:] = trial, trial_normal, trial_gradient
            misses[:, :] = trial_misses
            keep_end(states[count - 1], sensitivities[count - 1], force, force_slopes, from_launch, output, jacobian)
            figures[0], figures[1] = cost, chi2
        else:
            damping = min(max(damping * 10.0, FIRST_DAMPING), MOST_DAMPING)
        figures[3] = used + 1
        if not math.isfinite(cost):
            return False
        promised = bounded_step(normal, gradient, damping, longest_step, damped, factor, scale, step)
        if promised < CONVERGED:
            settled = damping < MOST_DAMPING_AT_REST
            take_last_step(step, promised, best, output, jacobian, figures)
            break
        for i in range(size):
            trial[i] = best[i] + step[i]
    factorise(normal, scale, factor)
    figures[2] = invert(factor, scale, step, covariance)
    return settled
