"""Falls, burns and glides to their ends, compiled. ITRS, metres and m/s; nothing is checked here."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from services.geometry.ellipsoid import SEMI_MAJOR_M
from services.geometry.frames import EARTH_RATE_RAD_PER_S
from services.geometry.geodesic import MEAN_RADIUS_M
from services.ground_station.tracking.forces import (
    GRAVITATIONAL_PARAMETER,
    STANDARD_GRAVITY,
    air_density_kg_per_m3,
    gravity_and_turn,
    height_m,
)

Float64 = NDArray[np.float64]

# Above this height the air is left out: at 7 km/s it takes from a light body (500 kg/m^2) less than 0.01 m/s^2.
AIRLESS_M = 110_000.0
# Beyond this distance from the Earth's centre, squared, no height is below that.
AIRLESS_RADIUS_M2 = (SEMI_MAJOR_M + AIRLESS_M) ** 2
# Steps: where nothing but gravity acts, seconds (a fortieth of a radian round the Earth: a decimetre a step), and in
# the air, in parts of the height over which it grows by e, and of the time in which it would stop the body.
FREE_STEP_S = 40.0
SCALE_HEIGHT_M = 7_000.0
AIR_STEP = 0.4
SHORTEST_STEP_S = 0.05
LONGEST_AIR_STEP_S = 4.0
# Thrust grows as propellant burns, until guidance and structure bear no more: 10 standard gravities.
MOST_THRUST_M_PER_S2 = 98.0
# Exhaust speed by which thrust per mass grows, s' = s^2 / c; Sutton and Biblarz: 2,500 (solid) to 3,300 m/s (liquid).
EXHAUST_M_PER_S = 2_800.0
BURN_STEP_S = 5.0
# The Earth turns away below falls; by more than this it does so only below falls of hours. It is looked at after so
# many burns up to the longest that does not carry too far, which halving finds.
MOST_TURN_RAD = math.radians(40.0)
BURNS = 4
HALVINGS = 6


@njit("void(float64[::1], float64, float64[::1])", cache=True)
def fall_rates(state: Float64, drag_m2_per_kg: float, rates: Float64) -> None:
    """Write the rates of (6,) position and velocity in free fall. drag_m2_per_kg: drag coefficient x area / mass."""
    x, y, z, vx, vy, vz = state[0], state[1], state[2], state[3], state[4], state[5]
    ax, ay, az = gravity_and_turn(x, y, z, vx, vy, vz)
    height = AIRLESS_M
    if x * x + y * y + z * z < AIRLESS_RADIUS_M2:
        height = height_m(x, y, z)
    if height < AIRLESS_M:
        speed = math.sqrt(vx * vx + vy * vy + vz * vz)
        drag = 0.5 * drag_m2_per_kg * air_density_kg_per_m3(height) * speed
        ax, ay, az = ax - drag * vx, ay - drag * vy, az - drag * vz
    rates[0], rates[1], rates[2], rates[3], rates[4], rates[5] = vx, vy, vz, ax, ay, az


@njit("void(float64[::1], float64, float64, float64[:, ::1])", cache=True)
def _step(state: Float64, step: float, drag_m2_per_kg: float, work: Float64) -> None:
    """Move the state by one step; work[5] keeps where it was."""
    for k in range(6):
        work[5, k] = state[k]
    fall_rates(state, drag_m2_per_kg, work[0])
    for stage in range(1, 4):
        part = step if stage == 3 else step / 2
        for k in range(6):
            work[4, k] = work[5, k] + part * work[stage - 1, k]
        fall_rates(work[4], drag_m2_per_kg, work[stage])
    for k in range(6):
        state[k] = work[5, k] + step / 6 * (work[0, k] + 2 * work[1, k] + 2 * work[2, k] + work[3, k])


@njit("float64(float64[::1], float64, float64, float64[:, ::1])", cache=True)
def fall(state: Float64, drag_m2_per_kg: float, latest_s: float, work: Float64) -> float:
    """Move (6,) position and velocity in free fall to the ellipsoid; return the time it takes, seconds.

    NaN where it has not come down by `latest_s`. J2, the Earth's turn, drag in the standard atmosphere; Runge and
    Kutta's fourth order, steps by height. work: (6, 6).
    """
    time = 0.0
    height = height_m(state[0], state[1], state[2])
    while time < latest_s:
        speed = math.sqrt(state[3] ** 2 + state[4] ** 2 + state[5] ** 2)
        climb = (state[0] * state[3] + state[1] * state[4] + state[2] * state[5]) / math.sqrt(
            state[0] ** 2 + state[1] ** 2 + state[2] ** 2
        )
        step = FREE_STEP_S
        if height < AIRLESS_M:
            density = air_density_kg_per_m3(height)
            step = min(LONGEST_AIR_STEP_S, AIR_STEP * SCALE_HEIGHT_M / max(abs(climb), 0.1 * speed + 1.0))
            step = min(step, AIR_STEP / (0.5 * drag_m2_per_kg * density * speed + 1e-9))
        elif climb < 0:
            # Not past the upper edge of the air, give or take.
            step = min(step, max(0.5 * (height - AIRLESS_M) / -climb, 1.0))
        _step(state, max(step, SHORTEST_STEP_S), drag_m2_per_kg, work)
        time += max(step, SHORTEST_STEP_S)
        before, height = height, height_m(state[0], state[1], state[2])
        if height <= 0.0:
            # Back along the last step, as if it were straight.
            part = height / max(before - height, 1e-9)
            for k in range(6):
                state[k] += part * (state[k] - work[5, k])
            return time + part * max(step, SHORTEST_STEP_S)
    return math.nan


@njit("void(float64[:, ::1], float64)", cache=True)
def drift(states: Float64, duration_s: float) -> None:
    """Move states (n, 6) by a duration in free fall without air, back where it is negative."""
    work = np.empty((6, 6))
    steps = max(math.ceil(abs(duration_s) / FREE_STEP_S), 1)
    for i in range(len(states)):
        for _ in range(steps):
            _step(states[i], duration_s / steps, 0.0, work)


@njit("void(float64[:, ::1], float64[::1], float64, float64[:, ::1])", cache=True)
def falls(states: Float64, drags_m2_per_kg: Float64, latest_s: float, down: Float64) -> None:
    """Write where and when states (n, 6) come down, each with its drag: rows of x, y, z, time; NaN: not by then."""
    work = np.empty((6, 6))
    state = np.empty(6)
    for i in range(len(states)):
        state[:] = states[i]
        down[i, 3] = fall(state, drags_m2_per_kg[i], latest_s, work)
        down[i, :3] = state[:3]


@njit("float64(float64[::1], float64[::1])", cache=True)
def free_range(state: Float64, direction: Float64) -> float:
    """Return the time until a two-body orbit from (6,) position and velocity meets the mean sphere, seconds.

    Writes the unit vector, ITRS axes of then, of the place where it does. NaN: it does not. R. R. Bate, D. D. Mueller
    and J. E. White, "Fundamentals of Astrodynamics" (1971), sections 4.2 and 6.2.
    """
    x, y, z = state[0], state[1], state[2]
    vx, vy, vz = state[3] - EARTH_RATE_RAD_PER_S * y, state[4] + EARTH_RATE_RAD_PER_S * x, state[5]
    radius = math.sqrt(x * x + y * y + z * z)
    mu = GRAVITATIONAL_PARAMETER
    speed2 = vx * vx + vy * vy + vz * vz
    radial = (x * vx + y * vy + z * vz) / radius
    level = math.sqrt(max(speed2 - radial * radial, 1e-6))
    axis = 1.0 / (2.0 / radius - speed2 / mu)
    parameter = (radius * level) ** 2 / mu
    eccentricity = math.sqrt(max(1.0 - parameter / axis, 1e-12))
    ground = min(SEMI_MAJOR_M - 7_000.0, radius - 1.0)
    if axis <= 0.0 or axis * (1.0 - eccentricity) >= ground:
        return math.nan
    # Eccentric anomalies, now and at the ground on the way down.
    now = math.acos(min(max((1.0 - radius / axis) / eccentricity, -1.0), 1.0))
    if radial < 0.0:
        now = -now
    then = 2 * math.pi - math.acos(min(max((1.0 - ground / axis) / eccentricity, -1.0), 1.0))
    if now < 0.0:
        then -= 2 * math.pi
    rate = math.sqrt(mu / axis**3)
    time = (then - now - eccentricity * (math.sin(then) - math.sin(now))) / rate
    stretch = math.sqrt((1 + eccentricity) / (1 - eccentricity))
    swept = 2 * (math.atan2(stretch * math.sin(then / 2), math.cos(then / 2)))
    swept -= 2 * (math.atan2(stretch * math.sin(now / 2), math.cos(now / 2)))
    cosine, sine = math.cos(swept) / radius, math.sin(swept) / level
    lx, ly, lz = vx - radial * x / radius, vy - radial * y / radius, vz - radial * z / radius
    px, py, pz = cosine * x + sine * lx, cosine * y + sine * ly, cosine * z + sine * lz
    # The ground turns on meanwhile.
    turn = EARTH_RATE_RAD_PER_S * time
    direction[0] = math.cos(turn) * px + math.sin(turn) * py
    direction[1] = math.cos(turn) * py - math.sin(turn) * px
    direction[2] = pz
    return time


@njit(cache=True)
def _push(
    x: float, y: float, z: float, vx: float, vy: float, vz: float, thrust_m_per_s2: float
) -> tuple[float, float, float]:
    ax, ay, az = gravity_and_turn(x, y, z, vx, vy, vz)
    part = thrust_m_per_s2 / math.sqrt(vx * vx + vy * vy + vz * vz)
    return ax + part * vx, ay + part * vy, az + part * vz


@njit("void(float64[::1], float64, float64)", cache=True)
def burn_on(state: Float64, thrust_m_per_s2: float, duration_s: float) -> None:
    """Move (6,) position and velocity under thrust along the velocity, which grows from a value per mass now on."""
    left, thrust = duration_s, thrust_m_per_s2
    while left > 1e-9:
        step = min(left, BURN_STEP_S)
        # Heun's second order: the fan that this serves is wider than its errors.
        ax, ay, az = _push(state[0], state[1], state[2], state[3], state[4], state[5], thrust)
        grown = min(thrust / (1 - min(thrust * step / EXHAUST_M_PER_S, 0.5)), MOST_THRUST_M_PER_S2)
        x, y, z = state[0] + step * state[3], state[1] + step * state[4], state[2] + step * state[5]
        vx, vy, vz = state[3] + step * ax, state[4] + step * ay, state[5] + step * az
        bx, by, bz = _push(x, y, z, vx, vy, vz, grown)
        state[0] += step * (state[3] + vx) / 2
        state[1] += step * (state[4] + vy) / 2
        state[2] += step * (state[5] + vz) / 2
        state[3] += step * (ax + bx) / 2
        state[4] += step * (ay + by) / 2
        state[5] += step * (az + bz) / 2
        left -= step
        thrust = grown


@njit("float64(float64, float64)", cache=True)
def longest_free_range_m(speed_m_per_s: float, radius_m: float) -> float:
    """Return the longest ballistic range that a speed gives, ground to ground; infinite from orbital speed on.

    speed: over axes that do not turn. Bate, Mueller and White, equation 6.2-19.
    """
    q = speed_m_per_s**2 * radius_m / GRAVITATIONAL_PARAMETER
    if q >= 1.0:
        return math.inf
    return 2 * SEMI_MAJOR_M * math.asin(q / (2 - q))


@njit("float64(float64, float64, float64)", cache=True)
def glide_range_m(speed_m_per_s: float, radius_m: float, lift_to_drag: float) -> float:
    """Return the length of an equilibrium glide from a speed over axes that do not turn; infinite at orbital speed.

    E. Saenger and J. Bredt (1944); A. J. Eggers, H. J. Allen and S. E. Neice, NACA Report 1382, equation 13.
    """
    q = speed_m_per_s**2 / (STANDARD_GRAVITY * radius_m)
    if q >= 1.0:
        return math.inf
    return -0.5 * lift_to_drag * radius_m * math.log(1 - q)


@njit("float64(float64[::1])", cache=True)
def inertial_speed(state: Float64) -> float:
    """Return the speed over axes that do not turn, of (6,) position and velocity."""
    vx = state[3] - EARTH_RATE_RAD_PER_S * state[1]
    vy = state[4] + EARTH_RATE_RAD_PER_S * state[0]
    return math.sqrt(vx * vx + vy * vy + state[5] * state[5])


@njit(cache=True)
def _turn_below(
    state: Float64,
    axes: Float64,
    heading_rad: float,
    thrust_m_per_s2: float,
    burn_s: float,
    longest_m: float,
    burnt: Float64,
    direction: Float64,
) -> float:
    """Return the angle from the heading to where it falls after a burn, clockwise; NaN: too far, or never."""
    burnt[:] = state
    burn_on(burnt, thrust_m_per_s2, burn_s)
    if math.isnan(free_range(burnt, direction)):
        return math.nan
    east = axes[0, 0] * direction[0] + axes[0, 1] * direction[1] + axes[0, 2] * direction[2]
    north = axes[1, 0] * direction[0] + axes[1, 1] * direction[1] + axes[1, 2] * direction[2]
    up = axes[2, 0] * direction[0] + axes[2, 1] * direction[1] + axes[2, 2] * direction[2]
    if math.acos(max(-1.0, min(1.0, up))) * MEAN_RADIUS_M > longest_m:
        return math.nan
    return (math.atan2(east, north) - heading_rad + math.pi) % (2 * math.pi) - math.pi


@njit("UniTuple(float64, 2)(float64[::1], float64[:, ::1], float64, float64, float64, float64)", cache=True)
def turned_below(
    state: Float64, axes: Float64, heading_rad: float, thrust_m_per_s2: float, left_s: float, longest_m: float
) -> tuple[float, float]:
    """Return how far to the left and right of the heading, rad, falls after longer and longer burns come down.

    axes: (3, 3) rows east, north and up below the state. left_s: the longest burn; those are left out after which the
    fall comes down farther than longest_m, or never.
    """
    burnt, direction = np.empty(6), np.empty(3)
    longest, too_long = 0.0, 1.0
    if not math.isnan(_turn_below(state, axes, heading_rad, thrust_m_per_s2, left_s, longest_m, burnt, direction)):
        longest = 1.0
    for _ in range(HALVINGS):
        if longest < 1.0:
            middle = (longest + too_long) / 2
            turn = _turn_below(state, axes, heading_rad, thrust_m_per_s2, middle * left_s, longest_m, burnt, direction)
            if math.isnan(turn):
                too_long = middle
            else:
                longest = middle
    first, last = 0.0, 0.0
    for k in range(BURNS + 1):
        burn_s = k / BURNS * longest * left_s
        turn = _turn_below(state, axes, heading_rad, thrust_m_per_s2, burn_s, longest_m, burnt, direction)
        if not math.isnan(turn):
            turn = max(-MOST_TURN_RAD, min(MOST_TURN_RAD, turn))
            first, last = min(first, turn), max(last, turn)
    return first, last


@njit("float64(float64[::1], float64[::1], float64, float64, float64, float64)", cache=True)
def farthest_m(
    state: Float64, up: Float64, turned_rad: float, thrust_m_per_s2: float, left_s: float, lift_to_drag: float
) -> float:
    """Return the distance over the ground to the farthest end after a burn turned about the vertical, anticlockwise.

    The burn goes on along the path for left_s; what follows is a fall at the best angle, or a glide.
    """
    burnt = np.empty(6)
    burnt[:3] = state[:3]
    cosine, sine = math.cos(turned_rad), math.sin(turned_rad)
    climb = up[0] * state[3] + up[1] * state[4] + up[2] * state[5]
    burnt[3] = cosine * state[3] + sine * (up[1] * state[5] - up[2] * state[4]) + (1 - cosine) * climb * up[0]
    burnt[4] = cosine * state[4] + sine * (up[2] * state[3] - up[0] * state[5]) + (1 - cosine) * climb * up[1]
    burnt[5] = cosine * state[5] + sine * (up[0] * state[4] - up[1] * state[3]) + (1 - cosine) * climb * up[2]
    burn_on(burnt, thrust_m_per_s2, left_s)
    radius = math.sqrt(burnt[0] ** 2 + burnt[1] ** 2 + burnt[2] ** 2)
    before = math.sqrt(state[0] ** 2 + state[1] ** 2 + state[2] ** 2)
    cosine = (state[0] * burnt[0] + state[1] * burnt[1] + state[2] * burnt[2]) / (before * radius)
    flown = MEAN_RADIUS_M * math.acos(max(-1.0, min(1.0, cosine)))
    speed = inertial_speed(burnt)
    return flown + max(longest_free_range_m(speed, radius), glide_range_m(speed, MEAN_RADIUS_M, lift_to_drag))
