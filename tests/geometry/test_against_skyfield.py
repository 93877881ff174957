"""Positions, lines of sight and points on the ground against Skyfield, which computes each of them its own way."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from scipy.optimize import brentq
from skyfield.api import EarthSatellite, load, wgs84
from skyfield.framelib import itrs
from skyfield.positionlib import Geocentric
from skyfield.timelib import Time

from services.geometry import frames
from services.geometry.attitude import look_at
from services.geometry.ellipsoid import geodetic_to_itrs, itrs_to_geodetic, limb_crossing
from services.geometry.orbit import Orbit
from services.geometry.time import unix_ns

METRES_PER_AU = 149_597_870_700.0
# Measured: 0.9 mm, 0.00003 microradians, and 0.2 mm on the ground. The matrices' slow part is Skyfield's in both, see
# test_frames.py for what is independent of it.
ONE_CENTIMETRE = 0.01
HUNDREDTH_OF_A_MICRORADIAN = 1e-8
# AIAA 2006-6753, appendix D: an eccentric low orbit, a Molniya, a geostationary satellite, and a low polar one.
TLES = {
    "low": (
        "1 00005U 58002B   00179.78495062  .00000023  00000-0  28098-4 0  4753",
        "2 00005  34.2682 348.7242 1859667 331.7664  19.3264 10.82419157413667",
    ),
    "molniya": (
        "1 08195U 75081A   06176.33215444  .00000099  00000-0  11873-3 0   813",
        "2 08195  64.1586 279.0717 6877146 264.7651  20.2257  2.00491383225656",
    ),
    "geostationary": (
        "1 24208U 96044A   06177.04061740 -.00000094  00000-0  10000-3 0  1600",
        "2 24208   3.8536  80.0121 0026640 311.0977  48.3000  1.00778054 36119",
    ),
    "polar": (
        "1 28057U 03049A   06177.78615833  .00000060  00000-0  35940-4 0  1836",
        "2 28057  98.4283 247.6961 0000884  88.1964 271.9322 14.35478080140550",
    ),
}
TIMESCALE = load.timescale(builtin=True)


def _instants(name: str) -> list[datetime]:
    epoch = datetime(2000, 6, 27, 18, 50, tzinfo=UTC) if name == "low" else datetime(2006, 6, 26, 18, 52, tzinfo=UTC)
    return [epoch + timedelta(minutes=minutes) for minutes in (0, 17.3, 95.1, 700.7, 2000.9)]


def _cases() -> list[tuple[str, datetime]]:
    return [(name, instant) for name in TLES for instant in _instants(name)]


@pytest.mark.parametrize(("name", "instant"), _cases())
def test_positions_match(name: str, instant: datetime) -> None:
    theirs = EarthSatellite(*TLES[name], ts=TIMESCALE).at(TIMESCALE.from_datetime(instant))
    orbit = Orbit.from_tle(*TLES[name])
    at = unix_ns(instant)
    position, velocity = orbit.state_gcrs(at)
    assert np.linalg.norm(position - theirs.position.m) < ONE_CENTIMETRE
    assert np.linalg.norm(velocity - 1000 * theirs.velocity.km_per_s) < 1e-4
    their_itrs_m = theirs.frame_xyz(itrs).m
    assert np.linalg.norm(orbit.position_itrs_m(at) - their_itrs_m) < ONE_CENTIMETRE
    latitude, longitude, height_m = itrs_to_geodetic(orbit.position_itrs_m(at))
    their_place = wgs84.geographic_position_of(theirs)
    assert geodetic_to_itrs(latitude, longitude, height_m) == pytest.approx(their_place.itrs_xyz.m, abs=0.1)


@pytest.mark.parametrize(("name", "instant"), _cases())
def test_lines_of_sight_to_ground_points_match(name: str, instant: datetime) -> None:
    time = TIMESCALE.from_datetime(instant)
    at = unix_ns(instant)
    satellite = EarthSatellite(*TLES[name], ts=TIMESCALE)
    position, velocity = Orbit.from_tle(*TLES[name]).state_gcrs(at)
    for latitude, longitude, height_m in ((-30.9, 136.5, 120.0), (78.2, 15.4, 0.0), (0.0, -60.0, 2000.0)):
        their_way = (wgs84.latlon(latitude, longitude, height_m) - satellite).at(time).position.m
        target = frames.itrs_from_gcrs(at).T @ geodetic_to_itrs(latitude, longitude, height_m)
        boresight = look_at(position, target, velocity)[:, 2]
        assert np.linalg.norm(boresight - their_way / np.linalg.norm(their_way)) < HUNDREDTH_OF_A_MICRORADIAN


def _their_crossing_itrs_m(time: Time, position_gcrs_m: np.ndarray, los_gcrs: np.ndarray) -> np.ndarray:
    """Return where Skyfield's height above WGS 84 first is zero along a ray, found by halving."""

    def point(distance_m: float) -> Geocentric:
        return Geocentric((position_gcrs_m + distance_m * los_gcrs) / METRES_PER_AU, t=time, center=399)

    def height_m(distance_m: float) -> float:
        return float(wgs84.height_of(point(distance_m)).m)

    # Half-way through the Earth the ray is nearest to the centre and below the ground.
    middle_m = -float(position_gcrs_m @ los_gcrs)
    crossing: np.ndarray = point(brentq(height_m, 0.0, middle_m, xtol=1e-4)).frame_xyz(itrs).m
    return crossing


@pytest.mark.parametrize(("name", "instant"), _cases())
def test_ground_intersections_match(name: str, instant: datetime) -> None:
    at = unix_ns(instant)
    position, velocity = Orbit.from_tle(*TLES[name]).state_gcrs(at)
    turn = frames.itrs_from_gcrs(at)
    camera = look_at(position, np.zeros(3), velocity)
    # From straight down to near the limb, to four sides.
    limb = np.arcsin(6.35e6 / np.linalg.norm(position))
    for part in (0.0, 0.5, 0.9):
        for side in (0.3, 1.9, 3.4, 5.0):
            off = part * limb
            los = camera @ np.array([np.sin(off) * np.cos(side), np.sin(off) * np.sin(side), np.cos(off)])
            theirs = _their_crossing_itrs_m(TIMESCALE.from_datetime(instant), position, los)
            ours = limb_crossing(turn @ position, turn @ los)[0]
            assert np.linalg.norm(ours - theirs) < ONE_CENTIMETRE, (part, side)
