"""Things that fly, satellites that see them, and exact lines of sight: what the tracker's parts are tried on."""

import math
from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from sat_emulator.scene.flight.rocket import RocketFlight
from services.geometry.ellipsoid import east_north_up, geodetic_to_itrs
from services.geometry.frames import EARTH_RATE_RAD_PER_S
from services.ground_station.tracking.forces import GRAVITATIONAL_PARAMETER, gravity_and_turn
from services.scenario.references import reference_rocket

Float64 = NDArray[np.float64]
# Position at a time, ITRS, metres.
Motion = Callable[[float], Float64]

LIGHT_M_PER_S = 299_792_458.0
LATITUDE_DEG, LONGITUDE_DEG = 5.2, -52.8
SITE_ITRS_M = geodetic_to_itrs(LATITUDE_DEG, LONGITUDE_DEG, 0.0)


@cache
def flight(reference: str, until_s: float) -> RocketFlight:
    """Return a generic rocket that flies east from the site; times count from its launch."""
    launch = {"latitude_deg": LATITUDE_DEG, "longitude_deg": LONGITUDE_DEG}
    flown = reference_rocket(id="rocket", reference=reference, launch=launch, launch_time_s=0.0, heading_deg=90.0)
    return RocketFlight(flown, until_s)


def true_state(flown: RocketFlight, time_s: float) -> Float64:
    """Return (9,) position, velocity and specific force, ITRS, of an instant at which the force is smooth."""
    step_s = 0.02
    position, velocity = flown.state_itrs(time_s)
    acceleration = (flown.state_itrs(time_s + step_s)[1] - flown.state_itrs(time_s - step_s)[1]) / (2 * step_s)
    force = acceleration - np.array(gravity_and_turn(*position.tolist(), *velocity.tolist()))
    return np.concatenate([position, velocity, force])


class Satellite:
    """On a circular orbit that passes near the site at time 0; inertial axes are those of ITRS at time 0."""

    def __init__(self, azimuth_deg: float, course_deg: float, height_m: float = 1.1e6, aside_m: float = 9e5) -> None:
        east, north, _ = east_north_up(LATITUDE_DEG, LONGITUDE_DEG)
        azimuth, course = math.radians(azimuth_deg), math.radians(course_deg)
        start = SITE_ITRS_M + aside_m * (math.sin(azimuth) * east + math.cos(azimuth) * north)
        self._radius_m = float(np.linalg.norm(SITE_ITRS_M)) + height_m
        self._start = start / np.linalg.norm(start)
        along = math.sin(course) * east + math.cos(course) * north
        along -= (along @ self._start) * self._start
        self._along = along / np.linalg.norm(along)
        self._rate_rad_per_s = math.sqrt(GRAVITATIONAL_PARAMETER / self._radius_m**3)

    def __call__(self, time_s: float) -> Float64:
        """Return where it is, ITRS, metres."""
        angle = self._rate_rad_per_s * time_s
        inertial = self._radius_m * (math.cos(angle) * self._start + math.sin(angle) * self._along)
        return turned(inertial, -EARTH_RATE_RAD_PER_S * time_s)


def satellites(count: int) -> list[Satellite]:
    """Return satellites all around the site, on courses of their own."""
    return [Satellite(20.0 + 360.0 * k / count, 37.0 + 141.0 * k) for k in range(count)]


def turned(vector: Float64, angle_rad: float) -> Float64:
    """Return a vector turned about the Earth's axis, counter-clockwise seen from the north."""
    c, s = math.cos(angle_rad), math.sin(angle_rad)
    return np.array([c * vector[0] - s * vector[1], s * vector[0] + c * vector[1], vector[2]])


def line_of_sight(motion: Motion, origin_itrs_m: Float64, time_s: float) -> Float64:
    """Return the direction (3,) from which light comes at a time, in the axes of that time; exact."""
    delay_s = 0.0
    for _ in range(6):
        # A place of the Earth at emission has turned on with the Earth; light has not.
        source = turned(motion(time_s - delay_s), -EARTH_RATE_RAD_PER_S * delay_s)
        delay_s = float(np.linalg.norm(source - origin_itrs_m)) / LIGHT_M_PER_S
    line = source - origin_itrs_m
    unit: Float64 = line / np.linalg.norm(line)
    return unit


def noisy(los: Float64, sigma_rad: float, rng: np.random.Generator) -> Float64:
    """Return a direction with an error of so much per axis across it."""
    error = rng.normal(0.0, sigma_rad, 3)
    off: Float64 = los + error - (error @ los) * los
    return off / np.linalg.norm(off)


def random_spd(size: int, sigma: Float64, rng: np.random.Generator) -> Float64:
    """Return a covariance (size, size) with standard deviations of the order of sigma, well correlated."""
    mixing = rng.normal(size=(size, size)) + 2.0 * np.eye(size)
    correlated = mixing @ mixing.T / (size + 4.0)
    return np.asarray(correlated * np.outer(sigma, sigma))
