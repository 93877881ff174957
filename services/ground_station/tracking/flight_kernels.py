"""What a state says of how it flies, with errors, compiled. ITRS, metres and m/s; nothing is checked here."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from services.geometry.ellipsoid import SEMI_MAJOR_M
from services.geometry.frames import EARTH_RATE_RAD_PER_S
from services.ground_station.tracking.forces import GRAVITATIONAL_PARAMETER, height_and_up

Float64 = NDArray[np.float64]

# Height of the apogee of an orbit that is none: further than the Moon.
FARTHEST_M = 1e9
# A row of evidence as kernels take it: the fields of classify.FlightEvidence in their order, as floats, NaN for what is
# not known. `fly` writes the first FLOWN.
(HEIGHT, SPEED, CLIMB, PERIGEE, APOGEE) = range(5)
(HEIGHT_SIGMA, SPEED_SIGMA, CLIMB_SIGMA, PERIGEE_SIGMA, APOGEE_SIGMA, ALONG, LIFT, FORCE_SIGMA) = range(5, 13)
(SINCE_LAUNCH, SINCE_LAUNCH_SIGMA, LIFT_OFF, LIFT_OFF_SIGMA, BOOST, BOOST_SEEN, SEEN, STATIC) = range(13, 21)
FLOWN, EVIDENCE = 13, 21


@njit("UniTuple(float64, 2)(float64[::1], float64[::1])", cache=True)
def perigee_and_apogee_m(position: Float64, velocity: Float64) -> tuple[float, float]:
    """Return the heights of perigee and apogee above the equatorial radius, of two-body motion from a state, (3,) each.

    R. R. Bate, D. D. Mueller and J. E. White, "Fundamentals of Astrodynamics" (1971), sections 1.4 and 1.5.
    """
    x, y, z = position[0], position[1], position[2]
    # Over axes that do not turn.
    vx, vy, vz = velocity[0] - EARTH_RATE_RAD_PER_S * y, velocity[1] + EARTH_RATE_RAD_PER_S * x, velocity[2]
    mu = GRAVITATIONAL_PARAMETER
    energy = (vx * vx + vy * vy + vz * vz) / 2 - mu / math.sqrt(x * x + y * y + z * z)
    momentum2 = (y * vz - z * vy) ** 2 + (z * vx - x * vz) ** 2 + (x * vy - y * vx) ** 2
    eccentricity = math.sqrt(max(1 + 2 * energy * momentum2 / (mu * mu), 0.0))
    perigee = momentum2 / mu / (1 + eccentricity) - SEMI_MAJOR_M
    if energy >= 0:
        return perigee, FARTHEST_M
    return perigee, min(-mu / energy - perigee - 2 * SEMI_MAJOR_M, FARTHEST_M)


@njit(cache=True)
def _sigma(covariance: Float64, first: int, direction: Float64) -> float:
    """Return the standard deviation along a direction of the three components from `first` on."""
    variance = 0.0
    for i in range(3):
        for j in range(3):
            variance += direction[i] * covariance[first + i, first + j] * direction[j]
    return math.sqrt(max(variance, 0.0))


@njit("void(float64[::1], float64[::1], float64[:, ::1], float64[::1], float64[::1])", cache=True)
def fly(position: Float64, velocity: Float64, covariance: Float64, force: Float64, flown: Float64) -> None:
    """Write the first FLOWN of a row of evidence; the specific force is that along the way and across it, upwards.

    covariance: (9, 9) of position, velocity and specific force.
    """
    height, ux, uy, uz = height_and_up(position[0], position[1], position[2])
    up = np.array([ux, uy, uz])
    speed = math.sqrt((velocity**2).sum())
    along = velocity / speed if speed > 0 else up
    sine = max(-1.0, min(1.0, (along * up).sum()))
    # Across the way, in the vertical plane; of a vertical way any plane is.
    normal = up - sine * along
    length = math.sqrt((normal**2).sum())
    if length < 1e-9:
        normal = np.array([-along[1], along[0], 0.0]) if abs(along[2]) < 0.9 else np.array([0.0, -along[2], along[1]])
        length = math.sqrt((normal**2).sum())
    normal = normal / length
    speed_sigma = _sigma(covariance, 3, along)
    climb_sigma = min(_sigma(covariance, 3, normal) / max(speed, 1.0), math.pi / 2)
    perigee, apogee = perigee_and_apogee_m(position, velocity)
    faster = perigee_and_apogee_m(position, velocity + speed_sigma * along)
    steeper = perigee_and_apogee_m(position, velocity + climb_sigma * speed * normal)
    flown[HEIGHT], flown[SPEED], flown[CLIMB], flown[PERIGEE], flown[APOGEE] = (
        height,
        speed,
        math.asin(sine),
        perigee,
        apogee,
    )
    flown[HEIGHT_SIGMA], flown[SPEED_SIGMA], flown[CLIMB_SIGMA] = _sigma(covariance, 0, up), speed_sigma, climb_sigma
    flown[PERIGEE_SIGMA] = math.hypot(faster[0] - perigee, steeper[0] - perigee)
    flown[APOGEE_SIGMA] = math.hypot(faster[1] - apogee, steeper[1] - apogee)
    flown[ALONG], flown[LIFT] = (force * along).sum(), (force * normal).sum()
    flown[FORCE_SIGMA] = math.sqrt(max(covariance[6, 6] + covariance[7, 7] + covariance[8, 8], 0.0) / 3)


@njit("void(float64[:, :], float64[:, :, :], int64[::1], float64[:, ::1])", cache=True)
def fly_all(means: Float64, covariances: Float64, rows: NDArray[np.int64], evidence: Float64) -> None:
    """Write the same of some rows of states, (n, 9) with covariances (n, 9, 9): one row of evidence each."""
    mean, covariance = np.empty(9), np.empty((9, 9))
    for k, row in enumerate(rows):
        mean[:], covariance[:] = means[row], covariances[row]
        fly(mean[:3], mean[3:6], covariance, mean[6:], evidence[k])
