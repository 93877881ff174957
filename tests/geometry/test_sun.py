"""The sun's place against published values and against the IAU's own ephemeris routine."""

import math
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pytest

from services.geometry import frames
from services.geometry.ellipsoid import east_north_up
from services.geometry.sun import ASTRONOMICAL_UNIT_M, sun_direction_gcrs, sun_distance_m
from services.geometry.time import JULIAN_DATE_1970, NS_PER_DAY, parse_rfc3339, unix_ns

HUNDREDTH_OF_A_DEGREE = 0.01
DISTANCE_TOLERANCE = 1e-4
# Speed of light, astronomical units a day.
LIGHT_AU_PER_DAY = 173.144_632_7


def _apparent_deg(at_unix_ns: int) -> tuple[float, float]:
    """Return right ascension in [0, 360) and declination, true equator of date, by Skyfield's precession-nutation."""
    x, y, z = frames._precession_nutation(at_unix_ns) @ sun_direction_gcrs(at_unix_ns)
    return math.degrees(math.atan2(y, x)) % 360.0, math.degrees(math.atan2(z, math.hypot(x, y)))


def test_place_and_distance_of_the_textbooks_example() -> None:
    # Meeus, 2nd ed., example 25.a: 1992 October 13.0 TD; TT - UTC was 59.184 s then.
    at = unix_ns(datetime(1992, 10, 12, 23, 59, 0, 816_000, tzinfo=UTC))
    right_ascension, declination = _apparent_deg(at)
    assert right_ascension == pytest.approx(198.38083, abs=HUNDREDTH_OF_A_DEGREE)
    assert declination == pytest.approx(-7.78507, abs=HUNDREDTH_OF_A_DEGREE)
    assert sun_distance_m(at) / ASTRONOMICAL_UNIT_M == pytest.approx(0.99766, abs=DISTANCE_TOLERANCE)


# Astronomical Almanac for 2026 (US Naval Observatory, "Earth's Seasons"), to the minute of UT.
@pytest.mark.parametrize(
    ("instant", "right_ascension_deg", "declination_deg"),
    [
        ("2026-03-20T14:46:00Z", 0.0, 0.0),
        ("2026-06-21T08:24:00Z", 90.0, 23.436),
        ("2026-09-23T00:05:00Z", 180.0, 0.0),
        ("2026-12-21T20:50:00Z", 270.0, -23.436),
    ],
)
def test_seasons_begin_when_the_almanac_says(instant: str, right_ascension_deg: float, declination_deg: float) -> None:
    right_ascension, declination = _apparent_deg(parse_rfc3339(instant))
    off = (right_ascension - right_ascension_deg + 180.0) % 360.0 - 180.0
    assert abs(off) < HUNDREDTH_OF_A_DEGREE
    assert declination == pytest.approx(declination_deg, abs=HUNDREDTH_OF_A_DEGREE)


def test_earth_is_nearest_in_january_and_farthest_in_july() -> None:
    # Perihelion 2026-01-03 at 0.98330 au, aphelion 2026-07-06 at 1.01664 au (US Naval Observatory).
    for instant, published_au in (("2026-01-03T17:00:00Z", 0.98330), ("2026-07-06T18:00:00Z", 1.01664)):
        found_au = sun_distance_m(parse_rfc3339(instant)) / ASTRONOMICAL_UNIT_M
        assert found_au == pytest.approx(published_au, abs=DISTANCE_TOLERANCE)


def test_agrees_with_the_iau_ephemeris_routine() -> None:
    erfa = pytest.importorskip("erfa")
    generator = np.random.default_rng(25)
    for at in generator.integers(
        unix_ns(datetime(1960, 1, 1, tzinfo=UTC)), unix_ns(datetime(2050, 1, 1, tzinfo=UTC)), 300
    ):
        day, rest = divmod(int(at), NS_PER_DAY)
        heliocentric, barycentric = erfa.epv00(JULIAN_DATE_1970 + day, rest / NS_PER_DAY + 69.184 / 86_400)
        distance_au = float(np.linalg.norm(heliocentric["p"]))
        apparent = -heliocentric["p"] / distance_au + barycentric["v"] / LIGHT_AU_PER_DAY
        apparent /= np.linalg.norm(apparent)
        off_deg = math.degrees(float(np.linalg.norm(sun_direction_gcrs(int(at)) - apparent)))
        assert off_deg < HUNDREDTH_OF_A_DEGREE
        assert sun_distance_m(int(at)) / ASTRONOMICAL_UNIT_M == pytest.approx(distance_au, rel=DISTANCE_TOLERANCE)


def test_direction_is_a_unit_vector_that_moves_a_degree_a_day() -> None:
    start = unix_ns(datetime(2026, 1, 1, tzinfo=UTC))
    directions = [sun_direction_gcrs(start + day * NS_PER_DAY) for day in range(366)]
    assert np.allclose(np.linalg.norm(directions, axis=1), 1.0, atol=1e-12)
    steps_deg = [math.degrees(float(np.linalg.norm(after - before))) for before, after in pairwise(directions)]
    # Kepler: between 0.953 at the aphelion and 1.019 at the perihelion.
    assert 0.95 < min(steps_deg) < max(steps_deg) < 1.02


def test_sun_stands_in_the_north_at_noon_of_a_southern_winter() -> None:
    # Local noon at 136.5 degrees east is 02:54 UTC less the equation of time; elevation 90 - 30.9 - 23.44 degrees.
    at = parse_rfc3339("2026-06-21T02:56:00Z")
    east, north, up = _local(at, -30.9, 136.5)
    assert math.degrees(math.asin(up)) == pytest.approx(35.7, abs=0.1)
    assert abs(math.degrees(math.atan2(east, north))) < 0.5


def _local(at_unix_ns: int, latitude_deg: float, longitude_deg: float) -> tuple[float, float, float]:
    sun_itrs = frames.itrs_from_gcrs(at_unix_ns) @ sun_direction_gcrs(at_unix_ns)
    east, north, up = (east_north_up(latitude_deg, longitude_deg) @ sun_itrs).tolist()
    return east, north, up
