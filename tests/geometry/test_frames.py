"""Frames and time scales against Skyfield and against published numbers."""

import math
import subprocess
import sys
from datetime import UTC, datetime

import numpy as np
import pytest
from skyfield.api import load
from skyfield.framelib import itrs
from skyfield.sgp4lib import TEME

from services.geometry import frames
from services.geometry.time import (
    NS_PER_DAY,
    datetime_utc,
    format_rfc3339,
    julian_date,
    parse_rfc3339,
    unix_ns,
)

# A millimetre at 7,000 km.
ONE_MILLIMETRE_RAD = 1.5e-10
INSTANTS = [
    datetime(1999, 12, 31, 23, 59, 59, 250_000, tzinfo=UTC),
    datetime(2004, 4, 6, 7, 51, 28, 386_009, tzinfo=UTC),
    # The last second before and the first after a leap second.
    datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC),
    datetime(2017, 1, 1, 0, 0, 0, tzinfo=UTC),
    datetime(2026, 6, 21, 12, 0, 44, 500_000, tzinfo=UTC),
    datetime(2031, 2, 28, 3, 33, 33, tzinfo=UTC),
]


@pytest.mark.parametrize("instant", INSTANTS)
def test_rotations_match_skyfield(instant: datetime) -> None:
    time = load.timescale(builtin=True).from_datetime(instant)
    # Skyfield's angles of the sidereal clock are good to 1e-15 of 2.4 million days' fraction: a few nanoradians.
    assert np.abs(frames.itrs_from_gcrs(unix_ns(instant)) - itrs.rotation_at(time)).max() < 2 * ONE_MILLIMETRE_RAD
    assert np.abs(frames.gcrs_from_teme(unix_ns(instant)) - TEME.rotation_at(time).T).max() < 2 * ONE_MILLIMETRE_RAD


@pytest.mark.parametrize("instant", INSTANTS)
def test_rotation_matches_the_iau_routines(instant: datetime) -> None:
    # SOFA's c2t06a by way of ERFA, IAU 2006/2000A, without polar motion; only leap seconds and UT1 are Skyfield's.
    erfa = pytest.importorskip("erfa")
    time = load.timescale(builtin=True).from_datetime(instant)
    theirs = erfa.c2t06a(time.whole, time.tt_fraction, time.whole, time.ut1_fraction, 0.0, 0.0)
    # Measured: half a millimetre at 7,000 km.
    assert np.abs(frames.itrs_from_gcrs(unix_ns(instant)) - theirs).max() < 2 * ONE_MILLIMETRE_RAD


def test_teme_to_earth_fixed_matches_published_example() -> None:
    # AIAA 2006-6753, appendix C, example: satellite 5 on 2004-04-06; PEF, that is ITRS without polar motion.
    teme_m = np.array([5_094_180.1621, 6_127_644.6595, 6_380_344.5327])
    pef_m = np.array([-1_033_475.0313, 7_901_305.5856, 6_380_344.5327])
    two_metres = 2.0
    found = frames.itrs_from_teme(parse_rfc3339("2004-04-06T07:51:28.386009Z")) @ teme_m
    assert np.linalg.norm(found - pef_m) < two_metres


def test_place_on_the_ground_moves_with_the_earths_turn() -> None:
    instant, step_ns = unix_ns(INSTANTS[4]), 100_000_000
    place = np.array([6_378_137.0, 0.0, 0.0])
    before, after = (frames.itrs_from_gcrs(instant + sign * step_ns).T @ place for sign in (-1, 1))
    velocity = (after - before) / (2 * step_ns * 1e-9)
    assert np.linalg.norm(velocity) == pytest.approx(465.1, abs=0.1)
    assert np.linalg.norm(velocity) == pytest.approx(frames.EARTH_RATE_RAD_PER_S * 6_378_137.0, rel=1e-6)


def test_rotations_are_smooth_across_the_hour() -> None:
    hour = unix_ns(datetime(2026, 6, 21, 13, tzinfo=UTC))
    before, after = frames.itrs_from_gcrs(hour - 1), frames.itrs_from_gcrs(hour)
    assert np.abs(before - after).max() < 1e-12


def test_caller_cannot_spoil_the_cache() -> None:
    instant = unix_ns(INSTANTS[4])
    frames.itrs_from_gcrs(instant)[:] = 0
    assert np.linalg.det(frames.itrs_from_gcrs(instant)) == pytest.approx(1.0)


def test_instants_keep_every_nanosecond() -> None:
    assert unix_ns(datetime(1970, 1, 1, tzinfo=UTC)) == 0
    assert unix_ns(datetime_utc(1_782_043_244_123_456_000)) == 1_782_043_244_123_456_000
    assert parse_rfc3339("2026-06-21T12:00:44.123456789Z") % 10**9 == 123_456_789
    assert parse_rfc3339("2026-06-21T14:00:00+02:00") == parse_rfc3339("2026-06-21T12:00:00Z")
    assert format_rfc3339(parse_rfc3339("2026-06-21T12:00:44.5Z")) == "2026-06-21T12:00:44.500Z"
    assert format_rfc3339(1) == "1970-01-01T00:00:00.000000001Z"
    whole, fraction = julian_date(NS_PER_DAY * 3 // 2)
    assert (whole, fraction) == (2_440_588.5, 0.5)


@pytest.mark.parametrize("text", ["2026-06-21", "2026-06-21T12:00:00", "yesterday", ""])
def test_instant_without_time_or_zone_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an instant like"):
        parse_rfc3339(text)


def test_datetime_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        unix_ns(datetime(2026, 1, 1))  # noqa: DTZ001


def test_programs_that_need_no_frame_do_not_pay_for_skyfield() -> None:
    code = "import sys; import services.geometry.orbit, services.scenario.view; assert 'skyfield' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_sidereal_rate_is_that_of_the_definition() -> None:
    assert math.isclose(frames.EARTH_RATE_RAD_PER_S, 7.292115e-5, rel_tol=1e-7)
