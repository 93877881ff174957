"""A burning rocket's way with its sensitivities: Runge and Kutta's fourth order at even steps."""

import math

import numpy as np
from numba import boolean, float64, int64, njit, void

from services.geometry.ellipsoid import ECCENTRICITY_SQUARED, SEMI_MAJOR_M
from services.ground_station.tracking.ascent.kernels.burn import (
    BEGIN,
    FOLLOWING,
    HOLDING,
    KICK,
    LEANING,
    RATE,
    STRAIGHT,
    add_falling_slopes,
    burn_constants,
    specific_force,
)
from services.ground_station.tracking.ascent.layout import (
    EAST,
    HEADING,
    NORTH,
    UP,
    VELOCITY,
)
from services.ground_station.tracking.forces import gravity_and_turn

# Types of arrays: of one, two and three axes, the last one contiguous.
LINE, ROWS, BLOCK = float64[::1], float64[:, ::1], float64[:, :, ::1]
# Longest steps of each phase of steering, s: against a hundredth of them a minute's flight changes by centimetres.
STEPS_S = np.array([2.0, 1.0, 1.0, 2.0])
# Nodes kept: a longer way is flown in longer steps.
NODES = 320
# Runge and Kutta's weights, sixths, and where the next stage stands.
WEIGHTS = np.array([1.0, 2.0, 2.0, 1.0]) / 6.0
AHEAD = np.array([0.5, 0.5, 1.0, 0.0])


@njit(cache=True, error_model="numpy")
def local_axes(latitude_rad, longitude_rad, axes):
    """Fill axes (3, 3) with east, north and up, ITRS."""
    sin_lat, cos_lat = math.sin(latitude_rad), math.cos(latitude_rad)
    sin_lon, cos_lon = math.sin(longitude_rad), math.cos(longitude_rad)
    axes[0, 0], axes[0, 1], axes[0, 2] = -sin_lon, cos_lon, 0.0
    axes[1, 0], axes[1, 1], axes[1, 2] = -sin_lat * cos_lon, -sin_lat * sin_lon, cos_lat
    axes[2, 0], axes[2, 1], axes[2, 2] = cos_lat * cos_lon, cos_lat * sin_lon, sin_lat


@njit(void(LINE, LINE, ROWS, LINE, ROWS, LINE), cache=True, error_model="numpy")
def begin_at_launch(x, reference, axes, state, sensitivity, right):
    """Fill the state at rest at the launch point, its sensitivities and the axes there.

    reference: latitude and longitude (rad), off which EAST and NORTH are counted.
    """
    sine = math.sin(reference[0])
    across = SEMI_MAJOR_M / math.sqrt(1.0 - ECCENTRICITY_SQUARED * sine * sine)
    along = across * (1.0 - ECCENTRICITY_SQUARED) / (1.0 - ECCENTRICITY_SQUARED * sine * sine)
    latitude = reference[0] + x[NORTH] / along
    # A launch point on a pole has no longitude to step along.
    longitude = reference[1] + x[EAST] / (across * max(math.cos(reference[0]), 1e-6))
    local_axes(latitude, longitude, axes)
    sine, cosine = math.sin(latitude), math.cos(latitude)
    normal = SEMI_MAJOR_M / math.sqrt(1.0 - ECCENTRICITY_SQUARED * sine * sine)
    state[:] = 0.0
    state[0] = (normal + x[UP]) * cosine * math.cos(longitude)
    state[1] = (normal + x[UP]) * cosine * math.sin(longitude)
    state[2] = (normal * (1.0 - ECCENTRICITY_SQUARED) + x[UP]) * sine
    sensitivity[:, :] = 0.0
    for k in range(3):
        axes[3, k] = math.sin(x[HEADING]) * axes[0, k] + math.cos(x[HEADING]) * axes[1, k]
        right[k] = math.cos(x[HEADING]) * axes[0, k] - math.sin(x[HEADING]) * axes[1, k]
        for j in range(3):
            sensitivity[k, EAST + j] = axes[j, k]


@njit(cache=True, error_model="numpy")
def begin_at_state(x, reference, axes, state, sensitivity, right):
    """Fill the state (6,) east, north, up of the reference (ITRS, m; axes: (3, 3)), its sensitivities, the right."""
    sensitivity[:, :] = 0.0
    for k in range(3):
        state[k], state[3 + k] = reference[k], 0.0
        for j in range(3):
            state[k] += axes[j, k] * x[EAST + j]
            state[3 + k] += axes[j, k] * x[VELOCITY + j]
            sensitivity[k, EAST + j] = axes[j, k]
            sensitivity[3 + k, VELOCITY + j] = axes[j, k]
    length = max(math.hypot(x[VELOCITY], x[VELOCITY + 1]), 1e-6)
    for k in range(3):
        right[k] = (x[VELOCITY + 1] * axes[0, k] - x[VELOCITY] * axes[1, k]) / length


@njit(cache=True, error_model="numpy")
def lacking(state, kick, axes):
    """Return how much the path lacks of leaning as far as the kick, m/s; negative after."""
    climb = state[3] * axes[2, 0] + state[4] * axes[2, 1] + state[5] * axes[2, 2]
    speed = math.sqrt(state[3] ** 2 + state[4] ** 2 + state[5] ** 2)
    return climb - speed * math.cos(kick)


@njit(cache=True, error_model="numpy")
def step_on(
    tau, step, state, sensitivity, x, burn, axes, right, phase, from_launch, knots, knot_s, work, work_s, end, end_s
):  # fmt: skip
    """Fill the state (6,) and its sensitivities (6, P) a step later; Runge and Kutta's fourth order.

    work: (6, 6), work_s: (9, P), scratch.
    """
    width = len(x)
    stage, rate, slopes, force = work[0], work[1], work[2:5], work[5, :3]
    stage_s, forcing = work_s[:6], work_s[6:]
    stage[:], stage_s[:, :] = state, sensitivity
    end[:], end_s[:, :] = state, sensitivity
    for part in range(4):
        now = tau + (0.0 if part == 0 else AHEAD[part - 1] * step)
        specific_force(now, stage, x, burn, axes, right, phase, from_launch, knots, knot_s, force, slopes, forcing)
        add_falling_slopes(stage, slopes)
        gravity = gravity_and_turn(stage[0], stage[1], stage[2], stage[3], stage[4], stage[5])
        for k in range(3):
            rate[k], rate[3 + k] = stage[3 + k], force[k] + gravity[k]
        weight, ahead = WEIGHTS[part] * step, AHEAD[part] * step
        for i in range(6):
            end[i] += weight * rate[i]
            stage[i] = state[i] + ahead * rate[i]
        for p in range(width):
            r0, r1, r2 = stage_s[0, p], stage_s[1, p], stage_s[2, p]
            v0, v1, v2 = stage_s[3, p], stage_s[4, p], stage_s[5, p]
            for i in range(3):
                pace = stage_s[3 + i, p]
                growth = slopes[i, 0] * r0 + slopes[i, 1] * r1 + slopes[i, 2] * r2
                growth += slopes[i, 3] * v0 + slopes[i, 4] * v1 + slopes[i, 5] * v2 + forcing[i, p]
                end_s[i, p] += weight * pace
                end_s[3 + i, p] += weight * growth
                stage_s[i, p] = sensitivity[i, p] + ahead * pace
                stage_s[3 + i, p] = sensitivity[3 + i, p] + ahead * growth


@njit(cache=True, error_model="numpy")
def phase_at(tau, state, burn, axes, phase):
    """Return the steering's phase at a step's beginning; along the way it stays."""
    if phase == FOLLOWING:
        return FOLLOWING
    if tau < burn[BEGIN] - 1e-9:
        return STRAIGHT
    if tau < burn[BEGIN] + burn[KICK] / burn[RATE] - 1e-9:
        return LEANING
    return FOLLOWING if lacking(state, burn[KICK], axes) <= 0.0 else HOLDING


@njit(cache=True, error_model="numpy")
def next_step(tau, end_s, burn, phase, nodes_left):
    """Return the step's length: even ones to the phase's end, no shorter than the nodes that are left allow."""
    until = end_s
    if phase == STRAIGHT:
        until = min(burn[BEGIN], end_s)
    elif phase == LEANING:
        until = min(burn[BEGIN] + burn[KICK] / burn[RATE], end_s)
    longest = max(STEPS_S[phase], 2.0 * (end_s - tau) / nodes_left)
    return (until - tau) / max(math.ceil((until - tau) / longest - 1e-9), 1)


@njit(
    int64(LINE, LINE, ROWS, boolean, int64, float64, float64, LINE, ROWS, BLOCK, ROWS, ROWS),
    cache=True, error_model="numpy",
)  # fmt: skip
def fly(x, reference, axes, from_launch, knots, knot_s, end_s, tau, states, sensitivities, force, force_slopes):
    """Fill the way's nodes and return how many there are.

    tau: (NODES,) since the launch or the window's first instant, s; the last is end_s, or 0 where that is before.
    states: (NODES, 6) position and velocity, ITRS. sensitivities: (NODES, 6, P); LAUNCH_TIME's column stays 0.
    force: (2, 3) specific force without gravity at the last node, then its change a second.
    force_slopes: (3, P) the last node's force over the parameters.
    axes: (4, 3); from a launch filled here, from a state read (see `begin_at_state`).
    """
    width = len(x)
    right, burn, work, work_s = np.empty(3), np.zeros(7), np.empty((6, 6)), np.empty((9, width))
    burn_constants(x, from_launch, burn)
    if from_launch:
        begin_at_launch(x, reference, axes, states[0], sensitivities[0], right)
    else:
        begin_at_state(x, reference, axes, states[0], sensitivities[0], right)
    phase = STRAIGHT if from_launch else FOLLOWING
    tau[0] = 0.0
    node = 0
    while tau[node] < end_s - 1e-9 and node < NODES - 1:
        now, state, sensitivity = tau[node], states[node], sensitivities[node]
        phase = phase_at(now, state, burn, axes, phase)
        step = next_step(now, end_s, burn, phase, NODES - 1 - node)
        step_on(
            now, step, state, sensitivity, x, burn, axes, right, phase, from_launch, knots, knot_s, work, work_s,
            states[node + 1], sensitivities[node + 1],
        )  # fmt: skip
        if phase == HOLDING:
            before, after = lacking(state, burn[KICK], axes), lacking(states[node + 1], burn[KICK], axes)
            if after < 0.0:
                # So that the way depends smoothly on the parameters, a step ends where the steering changes.
                step = max(step * before / (before - after), 1e-6)
                step_on(
                    now, step, state, sensitivity, x, burn, axes, right, phase, from_launch, knots, knot_s, work,
                    work_s, states[node + 1], sensitivities[node + 1],
                )  # fmt: skip
                phase = FOLLOWING
        tau[node + 1] = now + step
        node += 1
    for place in range(max(node - 1, 0), node + 1):
        force[1] = force[0]
        specific_force(
            tau[place], states[place], x, burn, axes, right, phase, from_launch, knots, knot_s, force[0], work[2:5],
            work_s[6:],
        )  # fmt: skip
    for i in range(3):
        force[1, i] = (force[0, i] - force[1, i]) / (tau[node] - tau[max(node - 1, 0)]) if node > 0 else 0.0
        for p in range(width):
            total = work_s[6 + i, p]
            for k in range(6):
                total += work[2 + i, k] * sensitivities[node, k, p]
            force_slopes[i, p] = total
    return node + 1
