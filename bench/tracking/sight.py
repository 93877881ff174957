"""What a sensor sees of bodies, compiled: places on great circles, the light's way, fields of view, noise.

Sums run in NumPy's own order, and what NumPy computes in ways of its own (sines, cosines) comes in: so looks are the
same, bit for bit, on any machine with the same NumPy.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from services.geometry.ellipsoid import SEMI_MAJOR_M, SEMI_MINOR_M
from services.geometry.frames import EARTH_RATE_RAD_PER_S

Float64 = NDArray[np.float64]

LIGHT_M_PER_S = 299_792_458.0


@njit("float64(float64, float64, float64)", cache=True)
def _length(x: float, y: float, z: float) -> float:
    return math.sqrt(x * x + y * y + z * z)


@njit("UniTuple(float64, 3)(float64, float64, float64, float64, float64, float64)", cache=True)
def _cross(ax: float, ay: float, az: float, bx: float, by: float, bz: float) -> tuple[float, float, float]:
    return ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx


@njit("float64[:, ::1](float64[:, ::1], float64[::1])", cache=True)
def on_ellipsoid(direction: Float64, height_m: Float64) -> Float64:
    """Return (n, 3) points in directions (n, 3), unit, from the Earth's centre, `height_m` beyond the ellipsoid."""
    points = np.empty_like(direction)
    for k in range(len(direction)):
        x, y, z = direction[k]
        flat_x, flat_y, flat_z = x / SEMI_MAJOR_M, y / SEMI_MAJOR_M, z / SEMI_MINOR_M
        far = 1.0 / math.sqrt(flat_x * flat_x + flat_y * flat_y + flat_z * flat_z) + height_m[k]
        points[k, 0], points[k, 1], points[k, 2] = far * x, far * y, far * z
    return points


@njit(
    "UniTuple(float64[:, ::1], 2)(float64[:, ::1], float64[:, ::1], int64[::1], float64[::1], float64[::1])", cache=True
)
def on_circles(
    start: Float64, ahead: Float64, which: NDArray[np.int64], cosine: Float64, sine: Float64
) -> tuple[Float64, Float64]:
    """Return (n, 3) directions on great circles `which`, and along them, by cosine and sine of each way, (n,)."""
    direction, along = np.empty((len(which), 3)), np.empty((len(which), 3))
    for k, row in enumerate(which):
        for i in range(3):
            direction[k, i] = cosine[k] * start[row, i] + sine[k] * ahead[row, i]
            along[k, i] = cosine[k] * ahead[row, i] - sine[k] * start[row, i]
    return direction, along


@njit("float64[:, ::1](float64[:, :], float64[::1], float64[::1])", cache=True)
def turned_about_axis(vectors: Float64, cosine: Float64, sine: Float64) -> Float64:
    """Return vectors (n, 3) turned about the z axis by angles (n,) with these cosines and sines."""
    result = np.empty((len(vectors), 3))
    for k in range(len(vectors)):
        x, y = vectors[k, 0], vectors[k, 1]
        result[k, 0], result[k, 1] = cosine[k] * x - sine[k] * y, sine[k] * x + cosine[k] * y
        result[k, 2] = vectors[k, 2]
    return result


@njit("float64[::1](float64[:, ::1], float64[::1])", cache=True)
def light_s(place: Float64, position: Float64) -> Float64:
    """Return (n,) how long light takes from places (n, 3) to a position."""
    age = np.empty(len(place))
    for k in range(len(place)):
        age[k] = _length(place[k, 0] - position[0], place[k, 1] - position[1], place[k, 2] - position[2])
        age[k] /= LIGHT_M_PER_S
    return age


@njit("UniTuple(float64, 4)(float64, float64, float64, float64, float64, float64)", cache=True)
def _towards(
    x: float, y: float, z: float, from_x: float, from_y: float, from_z: float
) -> tuple[float, float, float, float]:
    """Return the unit direction to a point from another, and the distance; no direction of the point itself."""
    x, y, z = x - from_x, y - from_y, z - from_z
    distance = _length(x, y, z)
    scale = max(distance, 1.0)
    return x / scale, y / scale, z / scale, distance


@njit(
    "Tuple((float64[:, ::1], boolean[::1]))"
    "(float64[:, ::1], float64[:, ::1], float64[::1], float64[::1], float64, float64)",
    cache=True,
)
def in_view(
    place: Float64, came_from: Float64, position: Float64, boresight: Float64, least_cosine: float, least_sine: float
) -> tuple[Float64, NDArray[np.bool_]]:
    """Return (n, 3) directions in which a satellite at a position sees places (n, 3), and which lie in its view.

    came_from: (n, 3) the places in axes of reception. least_cosine: of the field's half angle. least_sine: of the
    satellite's elevation over each place.
    """
    los, seen = np.empty(place.shape), np.empty(len(place), dtype=np.bool_)
    for k in range(len(place)):
        x, y, z, distance = _towards(
            came_from[k, 0], came_from[k, 1], came_from[k, 2], position[0], position[1], position[2]
        )
        los[k, 0], los[k, 1], los[k, 2] = x, y, z
        rising = -(x * place[k, 0] + y * place[k, 1] + z * place[k, 2])
        seen[k] = (
            distance > 0.0
            and x * boresight[0] + y * boresight[1] + z * boresight[2] >= least_cosine
            and rising / _length(place[k, 0], place[k, 1], place[k, 2]) >= least_sine
        )
    return los, seen


@njit(
    "UniTuple(float64[:, ::1], 2)(float64[:, ::1], float64[:, ::1], float64[::1])",
    cache=True,
)
def left_from(place: Float64, velocity: Float64, position: Float64) -> tuple[Float64, Float64]:
    """Return (n, 3) where light left slow bodies that are at places (n, 3) as it arrives, and it in axes of reception.

    velocity: (n, 3); no more than some hundred metres a second, with which bodies go on straight ahead for
    milliseconds to less than a micrometre. position: (3,) of the satellite.
    """
    then, came_from = np.empty(place.shape), np.empty(place.shape)
    for k in range(len(place)):
        x, y, z = place[k]
        age = _length(x - position[0], y - position[1], z - position[2]) / LIGHT_M_PER_S
        x, y, z = x - age * velocity[k, 0], y - age * velocity[k, 1], z - age * velocity[k, 2]
        # The Earth turns by less than a microradian meanwhile.
        turn = EARTH_RATE_RAD_PER_S * age
        then[k, 0], then[k, 1], then[k, 2] = x, y, z
        came_from[k, 0], came_from[k, 1], came_from[k, 2] = x + turn * y, y - turn * x, z
    return then, came_from


@njit("int64[::1](float64[:, ::1], float64[::1], float64[::1], float64)", cache=True)
def near_view(place: Float64, position: Float64, boresight: Float64, least_cosine: float) -> NDArray[np.int64]:
    """Return which places (n, 3) lie within a cone about a satellite's boresight, and not on the Earth's far side."""
    near, count = np.empty(len(place), dtype=np.int64), 0
    for k in range(len(place)):
        px, py, pz = place[k]
        x, y, z, _ = _towards(px, py, pz, position[0], position[1], position[2])
        if (
            x * boresight[0] + y * boresight[1] + z * boresight[2] > least_cosine
            and px * position[0] + py * position[1] + pz * position[2] > 0.0
            and x * px + y * py + z * pz < 0.0
        ):
            near[count] = k
            count += 1
    return near[:count]


@njit("float64[:, :, ::1](float64[:, :])", cache=True)
def across_axes(los: Float64) -> Float64:
    """Return (n, 2, 3) two unit vectors across each line of sight (n, 3) and each other."""
    axes = np.empty((len(los), 2, 3))
    for k in range(len(los)):
        x, y, z = los[k]
        other = (0.0, 0.0, 1.0) if abs(z) < 0.9 else (1.0, 0.0, 0.0)
        first_x, first_y, first_z = _cross(x, y, z, *other)
        length = _length(first_x, first_y, first_z)
        first_x, first_y, first_z = first_x / length, first_y / length, first_z / length
        axes[k, 0, 0], axes[k, 0, 1], axes[k, 0, 2] = first_x, first_y, first_z
        axes[k, 1, 0], axes[k, 1, 1], axes[k, 1, 2] = _cross(x, y, z, first_x, first_y, first_z)
    return axes


@njit("float64[:, ::1](float64[::1], float64[::1], float64[::1], float64[::1])", cache=True)
def about(boresight: Float64, cosine: Float64, turn_cosine: Float64, turn_sine: Float64) -> Float64:
    """Return (n, 3) directions: off the boresight by angles (n,), turned about it from the first across it on."""
    axes, los = across_axes(boresight.reshape((1, 3)))[0], np.empty((len(cosine), 3))
    for k in range(len(cosine)):
        sine = math.sqrt(1.0 - cosine[k] * cosine[k])
        for i in range(3):
            aside = turn_cosine[k] * axes[0, i] + turn_sine[k] * axes[1, i]
            los[k, i] = cosine[k] * boresight[i] + sine * aside
    return los


@njit("float64[:, ::1](float64[:, ::1], float64[:, ::1])", cache=True)
def moved_across(los: Float64, error_rad: Float64) -> Float64:
    """Return (n, 3) lines of sight that are off by small angles (n, 2) about the two axes across them."""
    axes, result = across_axes(los), np.empty(los.shape)
    for k in range(len(los)):
        for i in range(3):
            result[k, i] = los[k, i] + (error_rad[k, 0] * axes[k, 0, i] + error_rad[k, 1] * axes[k, 1, i])
        length = _length(result[k, 0], result[k, 1], result[k, 2])
        for i in range(3):
            result[k, i] /= length
    return result
