"""One model's extended Kalman filter: moved on in time, and corrected by a line of sight.

States and covariances are rows of the tracker's arrays, (10,) and (10, 10), of which a model uses the first so many.
"""

import math

import numpy as np
from numba import njit

from services.geometry.frames import EARTH_RATE_RAD_PER_S
from services.ground_station.tracking.bank.models import (
    BOOST,
    CRUISE,
    DIMENSIONS,
    GLIDE,
    PITCH_SPEED_M_PER_S,
    SIZE,
    STATIC,
    ballistic_drag_per_m,
    jacobian,
    rates,
)

LIGHT_M_PER_S = 299_792_458.0
# Longest steps of the integration, seconds: a rocket's force changes within seconds, free fall hardly.
LONGEST_STEP_S = np.array([1.0, 5.0, 1.0, 5.0, 1e9])

# Noise that drives the models, per square root of Hz. Along the way, thrust changes by drag, throttle and pressure:
# m/s^3; across, a rocket steers by a turn of its force: rad/s, more while it is slow (pitch-over), up to so fast.
THRUST_NOISE_M_PER_S3 = 0.7
STEER_NOISE_RAD_PER_S = 0.003
PITCH_NOISE_RAD_PER_S = 0.06
# Growth of thrust drifts by little: s/m over a minute's root.
GROWTH_NOISE_PER_M = 1e-5
FALL_NOISE_M_PER_S2 = 0.05
# What a body's drag may differ from the nominal one's.
DRAG_NOISE = 0.5
GLIDE_NOISE_M_PER_S3 = 0.6
CRUISE_NOISE_M_PER_S2 = 1.5
STATIC_NOISE_M_PER_S = 0.3
# Matrices to work with: the transition, the Jacobian, two products, six vectors, noise.
WORK = 6
# Rows to work with in a correction.
CORRECTION_ROWS = 5


@njit(cache=True, error_model="numpy")
def predict(model, x, p, step_s):
    """Move a state and its covariance on by a time, in place."""
    predict_in(model, x, p, step_s, np.empty((WORK, SIZE, SIZE)))


@njit(cache=True, error_model="numpy")
def predict_in(model, x, p, step_s, work):
    """Do the same; work: (WORK, 10, 10)."""
    left = step_s
    while left > 0.0:
        step = min(left, LONGEST_STEP_S[model])
        _predict_step(model, x, p, step, work)
        left -= step


@njit(cache=True, error_model="numpy")
def predict_slopes(model, x, p, step_s, slopes):
    """Do the same, and write how the state then depends on the one before, (10, 10); for models that use all of it."""
    work = np.empty((WORK, SIZE, SIZE))
    slopes[:, :] = np.eye(SIZE)
    left = step_s
    while left > 0.0:
        step = min(left, LONGEST_STEP_S[model])
        _predict_step(model, x, p, step, work)
        slopes[:, :] = work[0] @ slopes
        left -= step


@njit(cache=True, error_model="numpy")
def _predict_step(model, x, p, step, work):
    """Do one step of `predict`; leave in work[0] how the state depends on the one before."""
    size = DIMENSIONS[model]
    if model == STATIC:
        for k in range(3):
            p[k, k] += STATIC_NOISE_M_PER_S**2 * step
        return
    phi, f, vectors, noise = work[0], work[1], work[4], work[5]
    coupling = _coupling(x, p) if size > 6 else 0.0
    _noise(model, x, noise)
    middle = vectors[5]
    for k in range(SIZE):
        middle[k] = x[k]
    _integrate(model, x, coupling, step, vectors)
    for k in range(SIZE):
        middle[k] = (middle[k] + x[k]) / 2
    jacobian(model, middle, coupling, f)
    _transition(f, step, size, phi, work[2])
    _carry(phi, p, size, work[3])
    if size > 6:
        _add_jerk(p, noise, step)
    else:
        for i in range(3):
            for j in range(3):
                d = noise[i, j]
                p[i, j] += d * step**3 / 3
                p[i, 3 + j] += d * step**2 / 2
                p[3 + i, j] += d * step**2 / 2
                p[3 + i, 3 + j] += d * step
    if model == BOOST:
        p[9, 9] += GROWTH_NOISE_PER_M**2 * step


@njit(cache=True, error_model="numpy")
def _coupling(x, p):
    """Return how far the velocity's direction is known: 0 not at all, 1 well."""
    speed2 = x[3] * x[3] + x[4] * x[4] + x[5] * x[5]
    doubt = p[3, 3] + p[4, 4] + p[5, 5]
    # To the square: a direction known to 30 degrees counts for little yet.
    known = speed2 / (speed2 + 9.0 * doubt + 1.0)
    return known * known


@njit(cache=True, error_model="numpy")
def _noise(model, x, out):
    """Write the spectral density of what drives a model: of jerk (boost, glide) or acceleration, (3, 3)."""
    vx, vy, vz = x[3], x[4], x[5]
    speed = math.sqrt(vx * vx + vy * vy + vz * vz)
    if model == BOOST:
        force = math.sqrt(x[6] * x[6] + x[7] * x[7] + x[8] * x[8])
        slow = math.exp(-((speed / PITCH_SPEED_M_PER_S) ** 2))
        across = (max(force, 5.0) * (STEER_NOISE_RAD_PER_S + PITCH_NOISE_RAD_PER_S * slow)) ** 2
        more = THRUST_NOISE_M_PER_S3**2 - across
    elif model == GLIDE:
        across, more = GLIDE_NOISE_M_PER_S3**2, 0.0
    elif model == CRUISE:
        across, more = CRUISE_NOISE_M_PER_S2**2, 0.0
    else:
        across = FALL_NOISE_M_PER_S2**2
        drag = DRAG_NOISE * ballistic_drag_per_m(x) * speed * speed
        more = drag * drag
    for i in range(3):
        for j in range(3):
            out[i, j] = across if i == j else 0.0
    if speed > 1.0:
        v = (vx / speed, vy / speed, vz / speed)
        for i in range(3):
            for j in range(3):
                out[i, j] += more * v[i] * v[j]


@njit(cache=True, error_model="numpy")
def _integrate(model, x, coupling, step, vectors):
    """Move a state on by the classical Runge-Kutta method of order 4; vectors: five to work with."""
    k1, k2, k3, k4, at = vectors[0], vectors[1], vectors[2], vectors[3], vectors[4]
    rates(model, x, coupling, k1)
    for k in range(SIZE):
        at[k] = x[k] + step / 2 * k1[k]
    rates(model, at, coupling, k2)
    for k in range(SIZE):
        at[k] = x[k] + step / 2 * k2[k]
    rates(model, at, coupling, k3)
    for k in range(SIZE):
        at[k] = x[k] + step * k3[k]
    rates(model, at, coupling, k4)
    for k in range(SIZE):
        x[k] += step / 6 * (k1[k] + 2 * k2[k] + 2 * k3[k] + k4[k])


@njit(cache=True, error_model="numpy")
def _transition(f, step, size, phi, inner):
    """Write exp(f step) to third order; of phi, and of inner to work with, the first `size` rows.

    Rows are written whole, as is the case in `_carry`: loops of a fixed length are unrolled.
    """
    # Horner's scheme: I + f s (I + f s / 2 (I + f s / 3)).
    third = step / 3.0
    for i in range(size):
        for j in range(SIZE):
            inner[i, j] = f[i, j] * third
        inner[i, i] += 1.0
    for order in (2, 1):
        part = step / order
        for i in range(size):
            for j in range(SIZE):
                phi[i, j] = 0.0
            for k in range(size):
                if f[i, k] != 0.0:
                    factor = f[i, k] * part
                    for j in range(SIZE):
                        phi[i, j] += factor * inner[k, j]
            phi[i, i] += 1.0
        if order == 2:
            for i in range(size):
                for j in range(SIZE):
                    inner[i, j] = phi[i, j]


@njit(cache=True, error_model="numpy")
def _carry(phi, p, size, half):
    """Write phi p phi' in place; half: to work with."""
    for i in range(size):
        for j in range(SIZE):
            half[i, j] = 0.0
        for k in range(size):
            factor = phi[i, k]
            if factor != 0.0:
                for j in range(SIZE):
                    half[i, j] += factor * p[k, j]
    # Beyond the model's states phi is 0.
    for i in range(size):
        for j in range(i + 1):
            total = 0.0
            for k in range(SIZE):
                total += half[i, k] * phi[j, k]
            p[i, j] = p[j, i] = total


@njit(cache=True, error_model="numpy")
def _add_jerk(p, noise, step):
    """Add what white jerk of a spectral density (3, 3) does in a step."""
    for i in range(3):
        for j in range(3):
            d = noise[i, j]
            p[i, j] += d * step**5 / 20
            p[i, 3 + j] += d * step**4 / 8
            p[3 + i, j] += d * step**4 / 8
            p[i, 6 + j] += d * step**3 / 6
            p[6 + i, j] += d * step**3 / 6
            p[3 + i, 3 + j] += d * step**3 / 3
            p[3 + i, 6 + j] += d * step**2 / 2
            p[6 + i, 3 + j] += d * step**2 / 2
            p[6 + i, 6 + j] += d * step


@njit(cache=True, error_model="numpy")
def aim(x, origin, frame):
    """Return the distance at which light left a target that is at x when it arrives; write where it comes from.

    origin: (3,) of the sensor at reception. frame: (3, 3) out; first row the line of sight in ITRS axes of reception,
    the others unit vectors across it and each other.
    """
    return seen_from(x[:3], x[3:6], origin, frame)


@njit(cache=True, error_model="numpy")
def seen_from(position, velocity, origin, frame):
    """Do the same for a position and a velocity, (3,) each."""
    dx, dy, dz = position[0] - origin[0], position[1] - origin[1], position[2] - origin[2]
    age = math.sqrt(dx * dx + dy * dy + dz * dz) / LIGHT_M_PER_S
    rx, ry, rz = position[0] - age * velocity[0], position[1] - age * velocity[1], position[2] - age * velocity[2]
    # The Earth's axes turned while the light was on its way.
    angle = EARTH_RATE_RAD_PER_S * age
    dx, dy, dz = rx + angle * ry - origin[0], ry - angle * rx - origin[1], rz - origin[2]
    distance = math.sqrt(dx * dx + dy * dy + dz * dz)
    dx, dy, dz = dx / distance, dy / distance, dz / distance
    # Frisvad's construction without trigonometry (Journal of Graphics Tools 16 (2012) 151), away from its pole.
    side = 1.0 if dz >= 0 else -1.0
    a = -1.0 / (side + dz)
    b = dx * dy * a
    frame[0, 0], frame[0, 1], frame[0, 2] = dx, dy, dz
    frame[1, 0], frame[1, 1], frame[1, 2] = 1.0 + side * dx * dx * a, side * b, -side * dx
    frame[2, 0], frame[2, 1], frame[2, 2] = b, side + dy * dy * a, -dy
    return distance


@njit(cache=True, error_model="numpy")
def correct(x, p, size, origin, los, sigma_rad):
    """Correct a state by a line of sight; return the log likelihood of it, and its squared normalised distance.

    los: (3,) unit, ITRS axes of reception. A target's state is that of the instant of reception.
    """
    return correct_in(x, p, size, origin, los, sigma_rad, np.empty((CORRECTION_ROWS, SIZE)))


@njit(cache=True, error_model="numpy")
def correct_in(x, p, size, origin, los, sigma_rad, work):
    """Do the same; work: (CORRECTION_ROWS, 10)."""
    frame = work[2:]
    distance = aim(x, origin, frame)
    age = distance / LIGHT_M_PER_S
    moving = size > 3
    # Columns of p H': how all states go with the two angles.
    u, w = work[0], work[1]
    for i in range(size):
        u[i] = (p[i, 0] * frame[1, 0] + p[i, 1] * frame[1, 1] + p[i, 2] * frame[1, 2]) / distance
        w[i] = (p[i, 0] * frame[2, 0] + p[i, 1] * frame[2, 1] + p[i, 2] * frame[2, 2]) / distance
        if moving:
            u[i] -= age * (p[i, 3] * frame[1, 0] + p[i, 4] * frame[1, 1] + p[i, 5] * frame[1, 2]) / distance
            w[i] -= age * (p[i, 3] * frame[2, 0] + p[i, 4] * frame[2, 1] + p[i, 5] * frame[2, 2]) / distance
    s11, s12, s22 = sigma_rad * sigma_rad, 0.0, sigma_rad * sigma_rad
    for k in range(3):
        left_u, left_w = u[k], w[k]
        if moving:
            left_u -= age * u[3 + k]
            left_w -= age * w[3 + k]
        s11 += frame[1, k] * left_u / distance
        s12 += frame[1, k] * left_w / distance
        s22 += frame[2, k] * left_w / distance
    determinant = s11 * s22 - s12 * s12
    z1 = frame[1, 0] * los[0] + frame[1, 1] * los[1] + frame[1, 2] * los[2]
    z2 = frame[2, 0] * los[0] + frame[2, 1] * los[1] + frame[2, 2] * los[2]
    i11, i12, i22 = s22 / determinant, -s12 / determinant, s11 / determinant
    y1, y2 = i11 * z1 + i12 * z2, i12 * z1 + i22 * z2
    squared = z1 * y1 + z2 * y2
    for i in range(size):
        x[i] += u[i] * y1 + w[i] * y2
        k1, k2 = u[i] * i11 + w[i] * i12, u[i] * i12 + w[i] * i22
        for j in range(i + 1):
            p[i, j] -= k1 * u[j] + k2 * w[j]
    for i in range(size):
        for j in range(i):
            p[j, i] = p[i, j]
    return -0.5 * (squared + math.log(determinant)) - math.log(2 * math.pi), squared
