"""Orbits of two-line elements, and the patterns that scenarios draw."""

import math
from datetime import UTC, datetime

import numpy as np
import pytest

from services.geometry.ellipsoid import geodetic_to_itrs, itrs_to_geodetic
from services.geometry.geodesic import geodesic_distance_m
from services.geometry.orbit import (
    Orbit,
    nearest_argument_of_latitude_rad,
    plane_over,
    positions_itrs_m,
    train,
    walker,
)
from services.geometry.time import NS_PER_S, unix_ns

START = unix_ns(datetime(2026, 6, 21, 12, tzinfo=UTC))
# AIAA 2006-6753, appendix D: first satellite of the verification set.
LINES = (
    "1 00005U 58002B   00179.78495062  .00000023  00000-0  28098-4 0  4753",
    "2 00005  34.2682 348.7242 1859667 331.7664  19.3264 10.82419157413667",
)


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ((LINES[0][:-1] + "4", LINES[1]), "checksum 4, not 3"),
        ((LINES[0][:40], LINES[1]), "must be 69 characters"),
        ((LINES[1], LINES[0]), "beginning with '1 '"),
        ((LINES[0], "2 00006  34.2682 348.7242 1859667 331.7664  19.3264 10.82419157413668"), "two satellites"),
    ],
)
def test_broken_tle_is_refused(lines: tuple[str, str], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Orbit.from_tle(*lines)


def test_all_positions_at_once_equal_one_by_one() -> None:
    orbits = walker(6, 3, 1, 1e6, math.radians(53), START)
    together = positions_itrs_m(orbits, START + 77 * NS_PER_S)
    single = np.array([orbit.position_itrs_m(START + 77 * NS_PER_S) for orbit in orbits])
    assert np.abs(together - single).max() < 1e-6
    assert positions_itrs_m([], START).shape == (0, 3)


@pytest.mark.parametrize("altitude_m", [3e5, 1e6, 2e7])
def test_circle_keeps_its_altitude_and_turns_once_a_period(altitude_m: float) -> None:
    orbit = Orbit.circular(altitude_m, math.radians(81), 1.0, 2.0, START)
    period_s = 2 * math.pi / orbit.satrec.no_kozai * 60
    radii = [
        float(np.linalg.norm(orbit.state_teme(START + round(turn * period_s * NS_PER_S))[0]))
        for turn in np.linspace(0, 1, 37)
    ]
    # Short-period terms of the Earth's flattening (and of Moon and Sun, high up) remain.
    assert abs(np.mean(radii) - 6_378_137 - altitude_m) < 6_000
    assert max(radii) - min(radii) < 30_000
    assert abs(orbit.epoch_unix_ns - START) < 1_000


def test_walker_spreads_planes_and_phases() -> None:
    # Walker 12/3/1: planes 120 degrees apart, 4 in each, 30 degrees of phase from plane to plane.
    orbits = walker(12, 3, 1, 1e6, math.radians(53), START)
    nodes = np.degrees([orbit.satrec.nodeo for orbit in orbits])
    arguments = np.degrees([(orbit.satrec.mo + orbit.satrec.argpo) % (2 * math.pi) for orbit in orbits])
    assert np.allclose(nodes[::4], [0, 120, 240])
    assert np.allclose(arguments[:4], [0, 90, 180, 270])
    assert np.allclose(arguments[::4], [0, 30, 60])
    with pytest.raises(ValueError, match="not a multiple of planes"):
        walker(5, 3, 0, 1e6, 1.0, START)


@pytest.mark.parametrize("ascending", [True, False])
@pytest.mark.parametrize(("latitude", "longitude"), [(-30.9, 136.5), (0, 0), (64.9, -147), (-64, 179.9)])
def test_train_passes_over_the_place(latitude: float, longitude: float, ascending: bool) -> None:
    orbits = train(4, math.radians(21), 1e6, math.radians(81), latitude, longitude, START, ascending)
    first, *_, last = positions_itrs_m(orbits, START)
    middle = (positions_itrs_m(orbits, START).mean(axis=0),)
    found_latitude, found_longitude, _ = (float(value[0]) for value in itrs_to_geodetic(np.array(middle)))
    thirty_kilometres = 30e3
    assert geodesic_distance_m(latitude, longitude, found_latitude, found_longitude) < thirty_kilometres
    angle = math.degrees(math.acos(float(first @ last / np.linalg.norm(first) / np.linalg.norm(last))))
    assert angle == pytest.approx(21, abs=0.2)
    # The first is ahead: later in the pass, the last is where the first was, seen against the stars.
    period_s = 2 * math.pi / orbits[0].satrec.no_kozai * 60
    later = START + round(period_s * 21 / 360 * NS_PER_S)
    apart = np.linalg.norm(orbits[-1].state_gcrs(later)[0] - orbits[0].state_gcrs(START)[0])
    assert apart < thirty_kilometres
    # North or south as asked.
    north = orbits[1].position_itrs_m(START + 10 * NS_PER_S)[2] - orbits[1].position_itrs_m(START)[2]
    assert (north > 0) == ascending


def test_train_that_cannot_reach_a_latitude_comes_as_near_as_it_can() -> None:
    (orbit,) = train(1, 0.0, 1e6, math.radians(50), 70.0, 20.0, START)
    latitude, longitude, _ = itrs_to_geodetic(orbit.position_itrs_m(START))
    assert float(latitude) == pytest.approx(50.1, abs=0.3)
    assert float(longitude) == pytest.approx(20, abs=0.3)


@pytest.mark.parametrize("ascending", [True, False])
@pytest.mark.parametrize("inclination_deg", [0.0, 81.0, 98.6])
def test_satellite_of_the_plane_over_a_place_is_over_it(inclination_deg: float, ascending: bool) -> None:
    latitude = 0.0 if inclination_deg == 0 else 35.0
    inclination = math.radians(inclination_deg)
    raan, argument = plane_over(inclination, 1e6, latitude, -106.0, START, ascending)
    orbit = Orbit.circular(1e6, inclination, raan, argument, START)
    found_latitude, found_longitude, _ = (float(value) for value in itrs_to_geodetic(orbit.position_itrs_m(START)))
    thirty_kilometres = 30e3
    assert geodesic_distance_m(latitude, -106.0, found_latitude, found_longitude) < thirty_kilometres
    # Nothing on that orbit is nearer.
    nearest = nearest_argument_of_latitude_rad(inclination, raan, 1e6, latitude, -106.0, START)
    assert math.remainder(nearest - argument, 2 * math.pi) == pytest.approx(0.0, abs=1e-9)


def test_nearest_place_of_another_plane_is_nearest() -> None:
    inclination = math.radians(81)
    raan, _ = plane_over(inclination, 1e6, 35.0, -106.0, START)
    other = raan + math.radians(12)
    nearest = nearest_argument_of_latitude_rad(inclination, other, 1e6, 35.0, -106.0, START)
    place = geodetic_to_itrs(35.0, -106.0, 1e6)
    distances = [
        float(np.linalg.norm(Orbit.circular(1e6, inclination, other, argument, START).position_itrs_m(START) - place))
        for argument in np.linspace(nearest - 0.3, nearest + 0.3, 61)
    ]
    # SGP4's short-period terms move the satellite by up to a tenth of a degree.
    assert int(np.argmin(distances)) == pytest.approx(30, abs=1)
