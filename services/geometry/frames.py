"""Rotations between GCRS, TEME and ITRS at an instant.

Skyfield's precession, nutation and sidereal time (IAU 2006/2000A) underneath, with the leap seconds and UT1 that it
ships: nothing is downloaded and nothing written. Polar motion is left out (at most 0.6 arc seconds, 18 m on the
ground), and UT1 beyond the shipped table is extrapolated. TEME as in AIAA 2006-6753, appendix C.

What changes slowly is computed once an hour of emulated time and interpolated between; the Earth's turn is exact.
"""

import functools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.geometry.time import NS_PER_DAY, NS_PER_S, datetime_utc

Float64 = NDArray[np.float64]

# Revolutions of the Earth in a day of UT1, and the angle at J2000.0: IAU Resolution B1.8 of 2000.
EARTH_TURNS_PER_UT1_DAY = 1.00273781191135448
EARTH_TURN_AT_J2000 = 0.7790572732640
EARTH_RATE_RAD_PER_S = 2 * math.pi * EARTH_TURNS_PER_UT1_DAY / 86_400
# Seconds of UTC from 1970 to 2000-01-01T12:00, without leap seconds: days are counted from there.
J2000_UNIX_S = 946_728_000
# TT - TAI, seconds.
TT_MINUS_TAI_S = 32.184
# Precession and nutation bend by less than 1e-10 rad (1 mm at 7,000 km) from a straight line within an hour, and leap
# seconds come at full hours, so that none falls inside a stretch.
NODE_NS = 3600 * NS_PER_S


@dataclass(frozen=True)
class _Node:
    """Skyfield's slow quantities at one full hour."""

    # GCRS to true equator and equinox of date.
    precession_nutation: Float64
    # Greenwich apparent sidereal time - Earth rotation angle, turns.
    gast_minus_era_turns: float
    # TT - UT1, seconds.
    delta_t_s: float
    # TT - UTC from here to the next node, seconds.
    tt_minus_utc_s: float


def itrs_from_gcrs(unix_ns: int) -> Float64:
    """Return the (3, 3) rotation that turns GCRS vectors into ITRS."""
    return _itrs_from_gcrs(unix_ns).copy()


def itrs_from_teme(unix_ns: int) -> Float64:
    """Return the (3, 3) rotation that turns TEME vectors into ITRS."""
    return _rotation_z(-_sidereal_times_rad(unix_ns)[1])


def gcrs_from_teme(unix_ns: int) -> Float64:
    """Return the (3, 3) rotation that turns TEME vectors into GCRS."""
    return _itrs_from_gcrs(unix_ns).T @ itrs_from_teme(unix_ns)


@functools.lru_cache(maxsize=256)
def _itrs_from_gcrs(unix_ns: int) -> Float64:
    rotation: Float64 = _rotation_z(-_sidereal_times_rad(unix_ns)[0]) @ _precession_nutation(unix_ns)
    rotation.flags.writeable = False
    return rotation


def _precession_nutation(unix_ns: int) -> Float64:
    """Return the (3, 3) rotation that turns GCRS vectors into those of the true equator and equinox of date."""
    index, rest = divmod(unix_ns, NODE_NS)
    before, after = _node(index).precession_nutation, _node(index + 1).precession_nutation
    return before + rest / NODE_NS * (after - before)


@functools.lru_cache(maxsize=256)
def _sidereal_times_rad(unix_ns: int) -> tuple[float, float]:
    """Return Greenwich apparent sidereal time, and the mean one of 1982."""
    index, rest = divmod(unix_ns, NODE_NS)
    before, after = _node(index), _node(index + 1)
    along = rest / NODE_NS
    gast_minus_era = _between(before.gast_minus_era_turns, after.gast_minus_era_turns, along)
    ut1_minus_utc_s = before.tt_minus_utc_s - _between(before.delta_t_s, after.delta_t_s, along)
    # Whole days and seconds of the day apart, so that no digit of the fast angle is lost.
    days, ns_of_day = divmod(unix_ns - J2000_UNIX_S * NS_PER_S, NS_PER_DAY)
    fraction = (ns_of_day / NS_PER_S + ut1_minus_utc_s) / 86_400
    era = EARTH_TURN_AT_J2000 + (EARTH_TURNS_PER_UT1_DAY - 1) * (days + fraction) + fraction
    return 2 * math.pi * ((era + gast_minus_era) % 1.0), 2 * math.pi * _gmst_1982_turns(days, fraction)


def _gmst_1982_turns(days: int, fraction: float) -> float:
    """Return Greenwich mean sidereal time of 1982; AIAA 2006-6753, appendix C. Days of UT1 since J2000.0 (noon)."""
    t = (days + fraction) / 36_525.0
    seconds = 67_310.54841 + (8_640_184.812866 + (0.093104 - 6.2e-6 * t) * t) * t
    # The polynomial's 876,600 h a century are the fraction of the day, counted from noon.
    return (fraction + seconds / 86_400) % 1.0


def _between(before: float, after: float, along: float) -> float:
    return before + along * (after - before)


@functools.lru_cache(maxsize=64)
def _node(index: int) -> _Node:
    from skyfield.earthlib import earth_rotation_angle

    time = _timescale().from_datetime(datetime_utc(index * NODE_NS))
    era = earth_rotation_angle(time.whole, time.ut1_fraction)
    # The difference is minutes of arc; taken to within half a turn of zero.
    difference = (time.gast / 24.0 - era + 0.5) % 1.0 - 0.5
    return _Node(np.array(time.M), float(difference), float(time.delta_t), TT_MINUS_TAI_S + float(time._leap_seconds()))  # noqa: SLF001


@functools.lru_cache(maxsize=1)
def _timescale():  # type: ignore[no-untyped-def]  # skyfield publishes no types
    # Imported here: it takes a third of a second, which programs that know no orbit need not pay.
    from skyfield.api import load

    return load.timescale(builtin=True)


def _rotation_z(angle_rad: float) -> Float64:
    """Return the rotation of vectors about z, counter-clockwise by the angle."""
    cosine, sine = math.cos(angle_rad), math.sin(angle_rad)
    return np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])
