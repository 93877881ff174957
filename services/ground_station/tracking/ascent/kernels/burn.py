"""The specific force on a burning rocket, and how it depends on state and parameters."""

import math

from numba import njit

from services.geometry.ellipsoid import SEMI_MAJOR_M
from services.geometry.frames import EARTH_RATE_RAD_PER_S
from services.ground_station.tracking.ascent.layout import (
    EAST,
    HEADING,
    LAUNCH_KNOTS,
    LOG_DRAG,
    LOG_EXHAUST,
    LOG_KICK,
    LOG_KICK_RATE,
    LOG_PITCH_OVER,
    LOG_THRUST,
    NORTH,
    NOZZLE,
    STATE_KNOTS,
)
from services.ground_station.tracking.forces import (
    BASE_PRESSURES_PA,
    GRAVITATIONAL_PARAMETER,
    STANDARD_GRAVITY,
    air_pressure_and_density,
    height_and_up,
)

# How the thrust points: up, leaning more and more, leaning by the kick, along the way.
STRAIGHT, LEANING, HOLDING, FOLLOWING = 0, 1, 2, 3
# What `burn_constants` fills: specific thrust (m/s^2), mass flow over mass at the beginning (1/s), half the drag area
# over that mass (m^2/kg), part of the thrust lost at sea level, pitch-over (s), rate (rad/s), kick (rad).
THRUST, FLOW, HALF_DRAG, LOSS, BEGIN, RATE, KICK = 0, 1, 2, 3, 4, 5, 6
GROUND_PRESSURE_PA = BASE_PRESSURES_PA[0]
# No rocket burns more than this part of what it weighs at the beginning.
LEAST_MASS_LEFT = 0.04
# Sine of the lean at which half of an in-plane deviation counts.
EASE = 0.05
# Slower than this nothing has a way that its thrust could follow, m/s.
LEAST_SPEED_M_PER_S = 1.0


@njit(cache=True, error_model="numpy")
def burn_constants(x, from_launch, burn):
    """Fill burn (7,) with what the parameters' logarithms stand for."""
    burn[THRUST] = math.exp(x[LOG_THRUST])
    burn[FLOW] = math.exp(x[LOG_THRUST] - x[LOG_EXHAUST])
    burn[HALF_DRAG] = 0.5 * math.exp(x[LOG_DRAG])
    burn[LOSS] = x[NOZZLE]
    if from_launch:
        burn[BEGIN], burn[RATE], burn[KICK] = (
            math.exp(x[LOG_PITCH_OVER]),
            math.exp(x[LOG_KICK_RATE]),
            math.exp(x[LOG_KICK]),
        )


@njit(cache=True, error_model="numpy")
def deviation(tau, x, first, knots, knot_s):
    """Return the deviations in plane and about the vertical, and the knot before with the next one's share."""
    if knots == 0:
        return 0.0, 0.0, 0, 0.0
    place = min(max(tau / knot_s, 0.0), knots - 1.0)
    knot = min(int(place), knots - 2)
    share = place - knot
    a, b = first + knot, first + knots + knot
    return x[a] + share * (x[a + 1] - x[a]), x[b] + share * (x[b + 1] - x[b]), knot, share


@njit(cache=True, error_model="numpy")
def direction(tau, burn, axes, phase, way):
    """Return where the thrust points before deviations: along the way, or leaning off the launch point's vertical."""
    if phase == FOLLOWING:
        return way
    lean = min(max(burn[RATE] * (tau - burn[BEGIN]), 0.0), burn[KICK])
    cosine, sine = math.cos(lean), math.sin(lean)
    return (
        cosine * axes[2, 0] + sine * axes[3, 0],
        cosine * axes[2, 1] + sine * axes[3, 1],
        cosine * axes[2, 2] + sine * axes[3, 2],
    )


@njit(cache=True, error_model="numpy")
def specific_force(tau, state, x, burn, axes, right, phase, from_launch, knots, knot_s, force, slopes, forcing):
    """Fill what thrust and air give, m/s^2 (3,), its slopes over state (3, 6) and explicitly over parameters (3, P).

    tau: since launch or the window's first instant, s. burn: as `burn_constants` fills it.
    axes: (4, 3) east, north, up and heading at the launch point, ITRS; unused along the way.
    right: (3,) horizontal unit vector to the right of the flight's plane.
    phase: of the steering, which the caller keeps to the step's ends.

    The scale heights' own change with height is left out of the slopes.
    """
    height, ux, uy, uz = height_and_up(state[0], state[1], state[2])
    up = (ux, uy, uz)
    pressure, density = air_pressure_and_density(height)
    speed = max(math.sqrt(state[3] ** 2 + state[4] ** 2 + state[5] ** 2), LEAST_SPEED_M_PER_S)
    way = (state[3] / speed, state[4] / speed, state[5] / speed)
    burnt = burn[FLOW] * tau
    left = max(1.0 - burnt, LEAST_MASS_LEFT)
    vacuum = burn[THRUST] / left
    lost = vacuum * pressure / GROUND_PRESSURE_PA
    thrust = vacuum - burn[LOSS] * lost
    drag = burn[HALF_DRAG] * density / left * speed
    thinning = density * STANDARD_GRAVITY / pressure

    d = direction(tau, burn, axes, phase, way)
    w = (right[1] * d[2] - right[2] * d[1], right[2] * d[0] - right[0] * d[2], right[0] * d[1] - right[1] * d[0])
    first = LAUNCH_KNOTS if from_launch else STATE_KNOTS
    off, side, knot, share = deviation(tau, x, first, knots, knot_s)
    # Off the vertical there is a plane to leave: a rocket that stands straight neither tilts nor turns.
    cosine = d[0] * ux + d[1] * uy + d[2] * uz
    sine = math.sqrt(max(1.0 - cosine * cosine, 0.0))
    ease = sine / (sine + EASE)
    # How tilt and turn grow as the lean does.
    off_growth, side_growth = off * EASE / (sine + EASE) ** 2 * cosine, side * cosine
    off, side = off * ease, side * sine
    length = math.sqrt(1.0 + off * off + side * side)

    for i in range(3):
        pointed = (d[i] + off * w[i] + side * right[i]) / length
        air = -drag * speed * way[i]
        force[i] = thrust * pointed + air
        forcing[i, :] = 0.0
        forcing[i, LOG_THRUST] = (thrust * pointed + air * burnt) / left
        forcing[i, LOG_EXHAUST] = -(thrust * pointed + air) * burnt / left
        forcing[i, LOG_DRAG] = air
        forcing[i, NOZZLE] = -lost * pointed
        for k in range(3):
            slopes[i, k] = (thinning * (burn[LOSS] * lost * pointed - air)) * up[k]
            slopes[i, 3 + k] = -drag * ((1.0 if i == k else 0.0) + way[i] * way[k])
        # If the direction leans more: -w, and what tilt and turn make of it.
        leaning = thrust / length * (off * d[i] + (off_growth - 1.0) * w[i] + side_growth * right[i])
        if phase == FOLLOWING:
            # In the plane the way leans less along w; out of it, it turns to the right.
            for k in range(3):
                slopes[i, 3 + k] += (thrust / length * right[i] * right[k] - leaning * w[k]) / speed
        else:
            add_lean(tau, burn, phase, leaning, forcing[i])
    if knots > 0:
        _fill_knots(thrust / length, d, w, right, off, side, length, ease, sine, knot, share, first, knots, forcing)
    if from_launch:
        _add_heading(thrust / length, d, w, right, off, side, phase == FOLLOWING, axes, forcing)
        if phase != FOLLOWING:
            _add_launch_place(tau, burn, thrust / length, x[HEADING], axes, forcing)


@njit(cache=True, error_model="numpy")
def add_lean(tau, burn, phase, leaning, forcing):
    """Add to one component's forcing (P,) how it depends on pitch-over, rate and kick, by way of the lean."""
    if phase == LEANING:
        forcing[LOG_PITCH_OVER] -= leaning * burn[RATE] * burn[BEGIN]
        forcing[LOG_KICK_RATE] += leaning * burn[RATE] * (tau - burn[BEGIN])
    elif phase == HOLDING:
        forcing[LOG_KICK] += leaning * burn[KICK]


@njit(cache=True, error_model="numpy")
def _fill_knots(thrust, d, w, right, off, side, length, ease, sine, knot, share, first, knots, forcing):
    for i in range(3):
        pointed = (d[i] + off * w[i] + side * right[i]) / length
        tilted = ease * thrust * (w[i] - pointed * off / length)
        turned = sine * thrust * (right[i] - pointed * side / length)
        forcing[i, first + knot] = tilted * (1.0 - share)
        forcing[i, first + knot + 1] = tilted * share
        forcing[i, first + knots + knot] = turned * (1.0 - share)
        forcing[i, first + knots + knot + 1] = turned * share


@njit(cache=True, error_model="numpy")
def _add_heading(thrust, d, w, right, off, side, following, axes, forcing):
    """Add how the direction turns with the heading, clockwise about the launch point's vertical.

    Along the way only the deviations do so, by way of `right`.
    """
    for i in range(3):
        j, k = (i + 1) % 3, (i + 2) % 3
        if following:
            turned = -side * axes[3, i] - off * (axes[3, j] * d[k] - axes[3, k] * d[j])
        else:
            turned = (d[j] + off * w[j] + side * right[j]) * axes[2, k]
            turned -= (d[k] + off * w[k] + side * right[k]) * axes[2, j]
        forcing[i, HEADING] += thrust * turned


@njit(cache=True, error_model="numpy")
def _add_launch_place(tau, burn, thrust, heading, axes, forcing):
    """Add how the direction turns with the axes at the launch point as that moves over the Earth."""
    lean = min(max(burn[RATE] * (tau - burn[BEGIN]), 0.0), burn[KICK])
    cosine, sine = math.cos(lean), math.sin(lean)
    sine_heading, cosine_heading = math.sin(heading), math.cos(heading)
    # Tangent of the latitude, from the northward and upward axes' z components.
    tangent = axes[2, 2] / max(axes[1, 2], 1e-6)
    for i in range(3):
        east, north, vertical = axes[0, i], axes[1, i], axes[2, i]
        level = sine_heading * (tangent * north - vertical) - cosine_heading * tangent * east
        forcing[i, EAST] += thrust * (cosine * east + sine * level) / SEMI_MAJOR_M
        forcing[i, NORTH] += thrust * (cosine * north - sine * cosine_heading * vertical) / SEMI_MAJOR_M


@njit(cache=True, error_model="numpy")
def add_falling_slopes(state, slopes):
    """Add to slopes (3, 6) those of a point mass's gravity and of the Earth's turn."""
    distance2 = state[0] ** 2 + state[1] ** 2 + state[2] ** 2
    central = GRAVITATIONAL_PARAMETER / (distance2 * math.sqrt(distance2))
    for i in range(3):
        slopes[i, i] -= central
        for k in range(3):
            slopes[i, k] += 3.0 * central * state[i] * state[k] / distance2
    rate = EARTH_RATE_RAD_PER_S
    slopes[0, 0] += rate * rate
    slopes[1, 1] += rate * rate
    slopes[0, 4] += 2.0 * rate
    slopes[1, 3] -= 2.0 * rate
