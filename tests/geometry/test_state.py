"""Orbits through a state: SGP4 gives back at the epoch what it was fitted to."""

import math
from datetime import UTC, datetime

import numpy as np
import pytest

from services.geometry import frames
from services.geometry.elements import MU_WGS72_KM3_PER_S2
from services.geometry.ellipsoid import itrs_to_geodetic
from services.geometry.orbit import Orbit
from services.geometry.time import NS_PER_S, unix_ns

START = unix_ns(datetime(2026, 6, 21, 12, 0, 44, 123_456, tzinfo=UTC))
ONE_MILLIMETRE = 1e-3
ONE_MICROMETRE_PER_S = 1e-6
MU_M3_PER_S2 = MU_WGS72_KM3_PER_S2 * 1e9
GEOSTATIONARY_RADIUS_M = 42_164_170.0


def _kepler(
    axis_m: float, eccentricity: float, inclination_deg: float, anomaly_deg: float = 200.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return a Kepler orbit's state, (3,) each, with node at 40 degrees and perigee 70 degrees from it."""
    parameter, anomaly = axis_m * (1 - eccentricity**2), math.radians(anomaly_deg)
    cosine, sine = math.cos(anomaly), math.sin(anomaly)
    position = parameter / (1 + eccentricity * cosine) * np.array([cosine, sine, 0.0])
    velocity = math.sqrt(MU_M3_PER_S2 / parameter) * np.array([-sine, eccentricity + cosine, 0.0])
    turn = _about_z(40) @ _about_x(inclination_deg) @ _about_z(70)
    return turn @ position, turn @ velocity


def _about_z(angle_deg: float) -> np.ndarray:
    return frames._rotation_z(math.radians(angle_deg))


def _about_x(angle_deg: float) -> np.ndarray:
    cosine, sine = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
    return np.array([[1.0, 0.0, 0.0], [0.0, cosine, -sine], [0.0, sine, cosine]])


@pytest.mark.parametrize(
    ("axis_m", "eccentricity", "inclination_deg"),
    [
        # Low: circular, polar, equatorial, retrograde, slightly and strongly eccentric.
        (7.378e6, 0.0, 81.0),
        (7.378e6, 0.0, 90.0),
        (7.378e6, 0.0, 0.0),
        (7.378e6, 0.0, 98.6),
        (7.5e6, 0.05, 53.0),
        (2.44e7, 0.72, 28.5),
        # Molniya, navigation, geostationary and near it.
        (2.66e7, 0.74, 63.4),
        (2.656e7, 0.01, 55.0),
        (GEOSTATIONARY_RADIUS_M, 0.0, 0.0),
        (GEOSTATIONARY_RADIUS_M, 0.002, 3.0),
    ],
)
@pytest.mark.parametrize("anomaly_deg", [0.0, 95.0, 200.0])
def test_orbit_has_the_state_at_the_epoch(
    axis_m: float, eccentricity: float, inclination_deg: float, anomaly_deg: float
) -> None:
    wanted = _kepler(axis_m, eccentricity, inclination_deg, anomaly_deg)
    orbit = Orbit.from_state(*wanted, START, "fitted")
    position, velocity = orbit.state_gcrs(START)
    assert np.abs(position - wanted[0]).max() < ONE_MILLIMETRE
    assert np.abs(velocity - wanted[1]).max() < ONE_MICROMETRE_PER_S
    assert orbit.name == "fitted"
    assert abs(orbit.epoch_unix_ns - START) < 1_000
    period_s = 2 * math.pi * math.sqrt(axis_m**3 / MU_M3_PER_S2)
    # The Earth's flattening sets mean and instantaneous axis apart.
    assert 2 * math.pi / orbit.satrec.no_kozai * 60 == pytest.approx(period_s, rel=0.01)


def test_fit_of_an_orbits_own_state_is_that_orbit() -> None:
    # AIAA 2006-6753, appendix D: an orbit with drag too small to matter within an hour.
    orbit = Orbit.from_tle(
        "1 00005U 58002B   00179.78495062  .00000023  00000-0  28098-4 0  4753",
        "2 00005  34.2682 348.7242 1859667 331.7664  19.3264 10.82419157413667",
    )
    at = orbit.epoch_unix_ns + 600 * NS_PER_S
    fitted = Orbit.from_state(*orbit.state_gcrs(at), at)
    ten_metres = 10.0
    for seconds in (-1800, 0, 1800):
        instant = at + seconds * NS_PER_S
        assert np.linalg.norm(fitted.state_gcrs(instant)[0] - orbit.state_gcrs(instant)[0]) < ten_metres


@pytest.mark.parametrize("longitude_deg", [-120.0, 0.0, 75.0])
def test_geostationary_satellite_stands_still(longitude_deg: float) -> None:
    position, velocity = _near_geostationary(longitude_deg, 0.0)
    orbit = Orbit.from_state(position, velocity, START)
    found_position, found_velocity = orbit.state_gcrs(START)
    assert np.abs(found_position - position).max() < ONE_MILLIMETRE
    assert np.abs(found_velocity - velocity).max() < ONE_MICROMETRE_PER_S
    latitude, longitude, _ = itrs_to_geodetic(orbit.position_itrs_m(START + 86_400 * NS_PER_S))
    assert float(longitude) == pytest.approx(longitude_deg, abs=0.1)
    assert float(latitude) == pytest.approx(0.0, abs=0.1)


@pytest.mark.parametrize("inclination_deg", [0.001, 0.01, 0.03])
def test_state_hardly_off_the_equator_is_met_as_nearly_as_sgp4_can(inclination_deg: float) -> None:
    # SGP4's lunar and solar terms leave it without elements for some of these.
    five_hundred_metres, two_metres_per_s = 500.0, 2.0
    position, velocity = _near_geostationary(10.0, inclination_deg)
    found_position, found_velocity = Orbit.from_state(position, velocity, START).state_gcrs(START)
    assert np.abs(found_position - position).max() < five_hundred_metres
    assert np.abs(found_velocity - velocity).max() < two_metres_per_s


def _near_geostationary(longitude_deg: float, inclination_deg: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the state, GCRS, of a satellite that crosses the true equator northwards at a longitude."""
    position_itrs = _about_z(longitude_deg) @ np.array([GEOSTATIONARY_RADIUS_M, 0.0, 0.0])
    northwards = np.array([0.0, 0.0, 3074.66 * math.sin(math.radians(inclination_deg))])
    turning = np.cross([0.0, 0.0, frames.EARTH_RATE_RAD_PER_S], position_itrs)
    to_gcrs = frames.itrs_from_gcrs(START).T
    return to_gcrs @ position_itrs, to_gcrs @ (turning + northwards)


@pytest.mark.parametrize(
    ("position", "velocity", "problem"),
    [
        ([7e6, 0, 0], [0, 12e3, 0], r"speed is 12000 m/s, 7e\+06 m from .* closed below 1067\d\.\d* m/s; lower it"),
        ([7e6, 0, 0], [0, 6e3, 0], r"perigee is -\d+\.?\d* km .* must be 100 km or more; raise"),
        ([7000.0, 0, 0], [0, 7.5, 0], "perigee is -.* check that the state is in metres"),
        ([6e6, 0, 0], [0, 8.2e3, 0], "perigee is -"),
        ([7e6, 0, 0], [0, 0, 0], "perigee is -"),
        ([0, 0, 0], [0, 7e3, 0], "position is the Earth's centre"),
        ([7e6, math.nan, 0], [0, 7e3, 0], "is not finite; give six finite numbers"),
        ([7e6, 0, 0], [0, math.inf, 0], "is not finite"),
        ([7e6, 0], [0, 7e3], r"must be \(3,\), not \(2,\)"),
    ],
)
def test_state_of_no_satellite_is_refused(position: list[float], velocity: list[float], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Orbit.from_state(position, velocity, START)


def test_state_that_sgp4_cannot_have_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no mean elements for this state: .* give two-line elements"):
        Orbit.from_state(*_kepler(4e8, 0.97, 90.0, 0.0), START)
