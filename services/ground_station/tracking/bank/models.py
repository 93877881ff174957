"""How things move: the models of the filter bank, their rates and how these depend on the state.

One layout of ten numbers serves all: position and velocity over the turning Earth (ITRS, m, m/s), the specific force
on it (all but gravity and the Earth's turn, m/s^2), and the growth of thrust (s/m). A model uses the first so many.

    boost      10  thrust along the way, growing as a = growth a^2 (a mass flow), pulled back to the way when it leans
    ballistic   6  free fall, drag of a nominal body
    glide       9  a force that turns with the way
    cruise      6  lift carries the weight, the path stays level
    static      3  stays in its place

After X. R. Li and V. P. Jilkov, "Survey of maneuvering target tracking, part II: motion models of ballistic and space
targets", IEEE Trans. Aerospace and Electronic Systems 46 (2010) 96, sections III to V.
"""

import math

import numpy as np
from numba import njit

from services.ground_station.tracking.forces import air_density_kg_per_m3, gravity_and_turn, height_m

BOOST, BALLISTIC, GLIDE, CRUISE, STATIC = range(5)
MODELS = 5
MODEL_NAMES = ("boost", "ballistic", "glide", "cruise", "static")
DIMENSIONS = np.array([10, 6, 9, 6, 3])
SIZE = 10
POSITION, VELOCITY, FORCE, GROWTH = 0, 3, 6, 9

# A leaning thrust comes back to the way within so many seconds: steering ends, and gravity turns are flown so. While a
# rocket is slow it leans on purpose, to turn over; so do upper stages above the air, which would break it below.
LEAN_S = 8.0
PITCH_SPEED_M_PER_S = 350.0
FREE_TO_LEAN_M = 80_000.0
EARTH_RADIUS_M = 6.371e6
# Specific force that no stage outdoes: solids burn out at 100 m/s^2.
MOST_FORCE_M_PER_S2 = 150.0
# Mass over drag coefficient and area of a nominal body, kg/m^2.
NOMINAL_BALLISTIC_KG_PER_M2 = 4000.0
# A cruiser's climb dies out within so many seconds.
LEVEL_S = 20.0
# Of the Earth's field, g/R, 1/s^2: gravity's gradient is twice that along the vertical and the negative of it across.
GRADIENT_PER_S2 = 1.54e-6
# Below this speed a way has no direction.
SLOWEST_M_PER_S = 1.0


@njit(cache=True, error_model="numpy")
def rates(model, x, coupling, out):
    """Write the state's rate of change, (10,), for a model.

    coupling: from 0 (the velocity's direction is unknown, the thrust's stays) to 1 (the thrust follows it).
    """
    out[:] = 0.0
    if model == STATIC:
        return
    vx, vy, vz = x[3], x[4], x[5]
    out[0], out[1], out[2] = vx, vy, vz
    if model == CRUISE:
        distance = math.sqrt(x[0] * x[0] + x[1] * x[1] + x[2] * x[2])
        ux, uy, uz = x[0] / distance, x[1] / distance, x[2] / distance
        climb = vx * ux + vy * uy + vz * uz
        # Level flight follows the Earth's round: speed^2 / distance downwards.
        down = -climb / LEVEL_S - (vx * vx + vy * vy + vz * vz - climb * climb) / distance
        out[3], out[4], out[5] = down * ux, down * uy, down * uz
        return
    gx, gy, gz = gravity_and_turn(x[0], x[1], x[2], vx, vy, vz)
    if model == BALLISTIC:
        drag = ballistic_drag_per_m(x) * math.sqrt(vx * vx + vy * vy + vz * vz)
        out[3], out[4], out[5] = gx - drag * vx, gy - drag * vy, gz - drag * vz
        return
    ax, ay, az = x[6], x[7], x[8]
    wx, wy, wz = gx + ax, gy + ay, gz + az
    out[3], out[4], out[5] = wx, wy, wz
    speed2 = vx * vx + vy * vy + vz * vz
    force = math.sqrt(ax * ax + ay * ay + az * az)
    growth = x[9] * force * slack(force) if model == BOOST else 0.0
    out[6], out[7], out[8] = growth * ax, growth * ay, growth * az
    if speed2 < SLOWEST_M_PER_S**2:
        return
    along = (vx * ax + vy * ay + vz * az) / speed2
    push = (wx * ax + wy * ay + wz * az) / speed2
    # (v x v') x a / v^2: the force turns as the way does.
    out[6] += coupling * (wx * along - vx * push)
    out[7] += coupling * (wy * along - vy * push)
    out[8] += coupling * (wz * along - vz * push)
    if model == BOOST:
        back = coupling * lean_rate_per_s(speed2) * bound(x)[0]
        out[6] -= back * (ax - along * vx)
        out[7] -= back * (ay - along * vy)
        out[8] -= back * (az - along * vz)


@njit(cache=True, error_model="numpy")
def slack(force):
    """Return by how much a force may still grow: not at all where rockets would break; none grows to infinity."""
    return max(0.0, 1.0 - (force / MOST_FORCE_M_PER_S2) ** 16)


@njit(cache=True, error_model="numpy")
def lean_rate_per_s(speed2):
    """Return how fast a leaning thrust comes back to the way, from the squared speed."""
    return (1.0 - math.exp(-speed2 / PITCH_SPEED_M_PER_S**2)) / LEAN_S


@njit(cache=True, error_model="numpy")
def bound(x):
    """Return how far air binds the thrust to the way, from 1 on the ground to 0 above the air, and its slope, 1/m."""
    height = math.sqrt(x[0] * x[0] + x[1] * x[1] + x[2] * x[2]) - EARTH_RADIUS_M
    if height <= 0.0:
        return 1.0, 0.0
    power = (height / FREE_TO_LEAN_M) ** 8
    share = 1.0 / (1.0 + power)
    return share, -8.0 * power * share * share / height


@njit(cache=True, error_model="numpy")
def ballistic_drag_per_m(x):
    """Return the nominal body's deceleration over its squared speed, 1/m."""
    height = height_m(x[0], x[1], x[2])
    if height > 120_000.0:
        return 0.0
    return 0.5 * air_density_kg_per_m3(height) / NOMINAL_BALLISTIC_KG_PER_M2


@njit(cache=True, error_model="numpy")
def jacobian(model, x, coupling, out):  # noqa: PLR0912  # one model a branch
    """Write how the rates depend on the state, (10, 10): row of the rate, column of the state."""
    out[:, :] = 0.0
    if model == STATIC:
        return
    for k in range(3):
        out[k, 3 + k] = 1.0
    inverse2 = 1.0 / (x[0] * x[0] + x[1] * x[1] + x[2] * x[2])
    if model == CRUISE:
        # Mean radii only: the level path's curvature hardly depends on anything.
        for i in range(3):
            for j in range(3):
                out[3 + i, 3 + j] = -x[i] * x[j] * (inverse2 / LEVEL_S)
        return
    for i in range(3):
        for j in range(3):
            out[3 + i, j] = 3.0 * GRADIENT_PER_S2 * inverse2 * x[i] * x[j]
        out[3 + i, i] -= GRADIENT_PER_S2
    if model == BALLISTIC:
        speed = math.sqrt(x[3] * x[3] + x[4] * x[4] + x[5] * x[5])
        drag = ballistic_drag_per_m(x)
        for i in range(3):
            for j in range(3):
                out[3 + i, 3 + j] -= drag * x[3 + i] * x[3 + j] / max(speed, SLOWEST_M_PER_S)
            out[3 + i, 3 + i] -= drag * speed
        return
    for k in range(3):
        out[3 + k, 6 + k] = 1.0
    force = math.sqrt(x[6] * x[6] + x[7] * x[7] + x[8] * x[8])
    if model == BOOST and force > 0.0:
        left = slack(force)
        # Of growth force^2 slack(force), over the force; the last factor is the slack's own slope.
        steep = 17.0 * left - 16.0 if left > 0.0 else 0.0
        for i in range(3):
            for j in range(3):
                out[6 + i, 6 + j] += steep * x[9] * x[6 + i] * x[6 + j] / force
            out[6 + i, 6 + i] += left * x[9] * force
            out[6 + i, 9] = left * force * x[6 + i]
    _couple(model, x, coupling, out)


@njit(cache=True, error_model="numpy")
def _couple(model, x, coupling, out):
    """Add how the force's turning and its pull back to the way depend on velocity and force."""
    vx, vy, vz = x[3], x[4], x[5]
    speed2 = vx * vx + vy * vy + vz * vz
    if speed2 < SLOWEST_M_PER_S**2 or coupling == 0.0:
        return
    gx, gy, gz = gravity_and_turn(x[0], x[1], x[2], vx, vy, vz)
    w = (gx + x[6], gy + x[7], gz + x[8])
    v = (vx, vy, vz)
    a = (x[6], x[7], x[8])
    along = v[0] * a[0] + v[1] * a[1] + v[2] * a[2]
    push = w[0] * a[0] + w[1] * a[1] + w[2] * a[2]
    slow = 1.0 / speed2
    lean = 0.0
    if model == BOOST:
        share, thinning = bound(x)
        free = lean_rate_per_s(speed2)
        lean = free * share
        distance = math.sqrt(x[0] * x[0] + x[1] * x[1] + x[2] * x[2])
        for i in range(3):
            leaning = coupling * free * thinning * (a[i] - along * v[i] * slow) / distance
            for j in range(3):
                out[6 + i, j] -= leaning * x[j]
    for i in range(3):
        turn = (w[i] * along - v[i] * push) * slow
        for j in range(3):
            same = 1.0 if i == j else 0.0
            by_force = (same * along + w[i] * v[j] - v[i] * (w[j] + a[j])) * slow
            by_force -= lean * (same - v[i] * v[j] * slow)
            by_velocity = (w[i] * a[j] - same * push) * slow - 2.0 * turn * v[j] * slow
            by_velocity += lean * ((same * along + v[i] * a[j]) - 2.0 * v[i] * along * v[j] * slow) * slow
            out[6 + i, 6 + j] += coupling * by_force
            out[6 + i, 3 + j] += coupling * by_velocity
