"""What a state says of how it flies, with errors, compiled. ITRS, metres and m/s; nothing is checked here."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from services.geometry.ellipsoid import SEMI_MAJOR_M
from services.geometry.frames import EARTH_RATE_RAD_PER_S
from services.ground_station.tracking.bank.models import CRUISE
from services.ground_station.tracking.bank.models import STATIC as STATIC_MODEL
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


@njit("UniTuple(float64, 2)(float64, float64, float64, float64, float64, float64)", cache=True)
def perigee_and_apogee_m(x: float, y: float, z: float, vx: float, vy: float, vz: float) -> tuple[float, float]:
    """Return the heights of perigee and apogee above the equatorial radius, of two-body motion from a state.

    R. R. Bate, D. D. Mueller and J. E. White, "Fundamentals of Astrodynamics" (1971), sections 1.4 and 1.5.
    """
    # Over axes that do not turn.
    vx, vy = vx - EARTH_RATE_RAD_PER_S * y, vy + EARTH_RATE_RAD_PER_S * x
    mu = GRAVITATIONAL_PARAMETER
    energy = (vx * vx + vy * vy + vz * vz) / 2 - mu / math.sqrt(x * x + y * y + z * z)
    momentum2 = (y * vz - z * vy) ** 2 + (z * vx - x * vz) ** 2 + (x * vy - y * vx) ** 2
    eccentricity = math.sqrt(max(1 + 2 * energy * momentum2 / (mu * mu), 0.0))
    perigee = momentum2 / mu / (1 + eccentricity) - SEMI_MAJOR_M
    if energy >= 0:
        return perigee, FARTHEST_M
    return perigee, min(-mu / energy - perigee - 2 * SEMI_MAJOR_M, FARTHEST_M)


@njit(cache=True)
def _sigma(covariance: Float64, first: int, direction: tuple[float, float, float]) -> float:
    """Return the standard deviation along a direction of the three components from `first` on."""
    variance = 0.0
    for i in range(3):
        for j in range(3):
            variance += direction[i] * covariance[first + i, first + j] * direction[j]
    return math.sqrt(max(variance, 0.0))


@njit(cache=True)
def _dot(one: tuple[float, float, float], other: tuple[float, float, float]) -> float:
    return one[0] * other[0] + one[1] * other[1] + one[2] * other[2]


@njit(cache=True)
def fly(mean: Float64, covariance: Float64, flown: Float64) -> None:
    """Write the first FLOWN of a row of evidence; the specific force is that along the way and across it, upwards.

    mean: (9,) position, velocity and specific force; covariance: (9, 9). Numbers one by one: arrays of three cost more
    than what is computed with them.
    """
    x, y, z, vx, vy, vz = mean[0], mean[1], mean[2], mean[3], mean[4], mean[5]
    force = (mean[6], mean[7], mean[8])
    height, ux, uy, uz = height_and_up(x, y, z)
    up = (ux, uy, uz)
    speed = math.sqrt(vx * vx + vy * vy + vz * vz)
    along = (vx / speed, vy / speed, vz / speed) if speed > 0 else up
    sine = max(-1.0, min(1.0, _dot(along, up)))
    # Across the way, in the vertical plane; of a vertical way any plane is.
    normal = (ux - sine * along[0], uy - sine * along[1], uz - sine * along[2])
    length = math.sqrt(_dot(normal, normal))
    if length < 1e-9:
        normal = (-along[1], along[0], 0.0) if abs(along[2]) < 0.9 else (0.0, -along[2], along[1])
        length = math.sqrt(_dot(normal, normal))
    normal = (normal[0] / length, normal[1] / length, normal[2] / length)
    speed_sigma = _sigma(covariance, 3, along)
    climb_sigma = min(_sigma(covariance, 3, normal) / max(speed, 1.0), math.pi / 2)
    perigee, apogee = perigee_and_apogee_m(x, y, z, vx, vy, vz)
    faster = perigee_and_apogee_m(
        x, y, z, vx + speed_sigma * along[0], vy + speed_sigma * along[1], vz + speed_sigma * along[2]
    )
    aside = climb_sigma * speed
    steeper = perigee_and_apogee_m(x, y, z, vx + aside * normal[0], vy + aside * normal[1], vz + aside * normal[2])
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
    flown[ALONG], flown[LIFT] = _dot(force, along), _dot(force, normal)
    flown[FORCE_SIGMA] = math.sqrt(max(covariance[6, 6] + covariance[7, 7] + covariance[8, 8], 0.0) / 3)


@njit(cache=True)
def fly_all(records, rows, evidence):  # type: ignore[no-untyped-def]
    """Write the evidence of some rows of the tracker's records, one each; nothing is known of launches."""
    for k, row in enumerate(rows):
        record, into = records[row], evidence[k]
        fly(record.mean, record.covariance, into)
        if record.probability[CRUISE] >= 0.5:
            # Cruisers' lift is no state of theirs.
            into[ALONG] = into[LIFT] = math.nan
        for place in range(SINCE_LAUNCH, BOOST + 1):
            into[place] = math.nan
        into[BOOST_SEEN] = 0.0 if math.isnan(record.boosting_s) else 1.0
        into[SEEN] = record.last_hit_s - record.first_s
        into[STATIC] = record.probability[STATIC_MODEL]
