"""Orbits: SGP4 from two-line elements, from a state at an instant, or from a circle that somebody drew.

SGP4 as in AIAA 2006-6753 with WGS 72 constants, which two-line elements are made for. Its kilometres and its errors
end here: positions are metres, and an orbit that cannot be computed at an instant gives NaN and a code.
"""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sgp4.api import SGP4_ERRORS, WGS72, Satrec, SatrecArray
from sgp4.io import compute_checksum

from services.geometry import frames
from services.geometry.elements import (
    MU_WGS72_KM3_PER_S2,
    RADIUS_WGS72_KM,
    SGP4_EPOCH_UNIX_NS,
    MeanElements,
    satrec_from_elements,
    satrec_from_state,
)
from services.geometry.ellipsoid import SEMI_MAJOR_M, geodetic_to_itrs
from services.geometry.time import NS_PER_DAY, julian_date

Float64 = NDArray[np.float64]

# Rounds of adjusting the mean motion until SGP4's mean semi-major axis is the one asked for; each gains three digits.
AXIS_ROUNDS = 3


@dataclass(frozen=True)
class Orbit:
    """One satellite's orbit; TEME inside, GCRS or ITRS on request."""

    satrec: Any = field(repr=False, compare=False)
    # What messages call it.
    name: str = ""

    @staticmethod
    def from_tle(line1: str, line2: str, name: str = "") -> "Orbit":
        """Return the orbit of two-line elements; ValueError says what is wrong with them."""
        line1, line2 = line1.rstrip(), line2.rstrip()
        for number, line in (("1", line1), ("2", line2)):
            if len(line) != 69 or not line.startswith(number + " "):
                raise ValueError(f"TLE line {number} must be 69 characters beginning with '{number} ': {line!r}")
            if str(compute_checksum(line)) != line[68]:
                raise ValueError(f"TLE line {number} has checksum {line[68]}, not {compute_checksum(line)}: {line!r}")
        if line1[2:7] != line2[2:7]:
            raise ValueError(f"TLE lines are of two satellites, {line1[2:7]} and {line2[2:7]}")
        satrec = Satrec.twoline2rv(line1, line2, WGS72)
        if satrec.error:
            raise ValueError(f"TLE of satellite {line1[2:7]}: {SGP4_ERRORS[satrec.error]}")
        return Orbit(satrec, name or line1[2:7].strip())

    @staticmethod
    def circular(
        altitude_m: float,
        inclination_rad: float,
        raan_rad: float,
        argument_of_latitude_rad: float,
        epoch_unix_ns: int,
        name: str = "",
    ) -> "Orbit":
        """Return a circular orbit without drag.

        altitude_m: of the mean semi-major axis above the equator's radius (6,378,137 m); the true height follows the
        Earth's flattening. raan_rad, argument_of_latitude_rad: mean elements at the epoch, TEME.
        """
        mean_motion = _mean_motion_rad_per_min(altitude_m, inclination_rad)
        satrec = _circle(mean_motion, inclination_rad, raan_rad, argument_of_latitude_rad, epoch_unix_ns)
        return Orbit(satrec, name)

    @staticmethod
    def from_state(
        position_gcrs_m: ArrayLike, velocity_gcrs_m_per_s: ArrayLike, epoch_unix_ns: int, name: str = ""
    ) -> "Orbit":
        """Return the orbit, without drag, that goes through a state, (3,) each, at the epoch.

        There it has the state to a millimetre and a micrometre a second, within 0.2 degrees of the equator to 500 m and
        2 m/s (elements.py); before and after, SGP4's own errors grow,
        kilometres a day. ValueError says what is wrong with a state that no satellite can have.
        """
        position = np.asarray(position_gcrs_m, dtype=np.float64)
        velocity = np.asarray(velocity_gcrs_m_per_s, dtype=np.float64)
        if position.shape != (3,) or velocity.shape != (3,):
            raise ValueError(f"position and velocity must be (3,), not {position.shape} and {velocity.shape}")
        teme = frames.gcrs_from_teme(epoch_unix_ns).T
        return Orbit(satrec_from_state(teme @ position, teme @ velocity, epoch_unix_ns), name)

    @property
    def epoch_unix_ns(self) -> int:
        """What the elements refer to."""
        whole, fraction = float(self.satrec.jdsatepoch), float(self.satrec.jdsatepochF)
        days = whole - julian_date(SGP4_EPOCH_UNIX_NS)[0]
        return SGP4_EPOCH_UNIX_NS + int(days) * NS_PER_DAY + round((days % 1.0 + fraction) * NS_PER_DAY)

    def state_teme(self, unix_ns: int) -> tuple[Float64, Float64]:
        """Return position and velocity, (3,) each, TEME, m and m/s; NaN where SGP4 fails (see `problem`)."""
        code, position_km, velocity_km_per_s = self.satrec.sgp4(*julian_date(unix_ns))
        if code:
            return np.full(3, np.nan), np.full(3, np.nan)
        return np.array(position_km) * 1000.0, np.array(velocity_km_per_s) * 1000.0

    def state_gcrs(self, unix_ns: int) -> tuple[Float64, Float64]:
        """Return position and velocity, (3,) each, GCRS, m and m/s; NaN where SGP4 fails."""
        position, velocity = self.state_teme(unix_ns)
        rotation = frames.gcrs_from_teme(unix_ns)
        return rotation @ position, rotation @ velocity

    def position_itrs_m(self, unix_ns: int) -> Float64:
        """Return the position, (3,), ITRS, metres; NaN where SGP4 fails."""
        return frames.itrs_from_teme(unix_ns) @ self.state_teme(unix_ns)[0]

    def problem(self, unix_ns: int) -> str:
        """Return why SGP4 fails at an instant; empty where it does not."""
        code = self.satrec.sgp4(*julian_date(unix_ns))[0]
        return f"orbit {self.name}: {SGP4_ERRORS[code]}" if code else ""


def propagate_teme(orbits: Sequence[Orbit], unix_ns: int) -> tuple[Float64, Float64, NDArray[np.uint8]]:
    """Return positions (n, 3), velocities (n, 3), TEME, m and m/s, and SGP4's codes (n,), 0 where all is well.

    Rows of NaN where the code is not 0; `sgp4.api.SGP4_ERRORS` has its words.
    """
    if not orbits:
        return np.empty((0, 3)), np.empty((0, 3)), np.empty(0, dtype=np.uint8)
    whole, fraction = julian_date(unix_ns)
    satellites = SatrecArray([orbit.satrec for orbit in orbits])
    codes, positions_km, velocities = satellites.sgp4(np.array([whole]), np.array([fraction]))
    failed = codes[:, 0] != 0
    positions_m, velocities_m_per_s = positions_km[:, 0] * 1000.0, velocities[:, 0] * 1000.0
    positions_m[failed] = np.nan
    velocities_m_per_s[failed] = np.nan
    return positions_m, velocities_m_per_s, codes[:, 0]


def positions_itrs_m(orbits: Sequence[Orbit], unix_ns: int) -> Float64:
    """Return all positions at once, (n, 3), ITRS, metres; rows of NaN where SGP4 fails."""
    positions, _, _ = propagate_teme(orbits, unix_ns)
    return positions @ frames.itrs_from_teme(unix_ns).T


def walker(
    satellites: int,
    planes: int,
    phasing: int,
    altitude_m: float,
    inclination_rad: float,
    epoch_unix_ns: int,
    raan_spread_rad: float = 2 * math.pi,
    raan_rad: float = 0.0,
    argument_of_latitude_rad: float = 0.0,
) -> list[Orbit]:
    """Return a Walker pattern i: t/p/f of circular orbits, plane after plane.

    raan_spread_rad: 2 pi for a delta, pi for a star. raan_rad, argument_of_latitude_rad: of the first satellite of
    the first plane at the epoch, TEME. J. G. Walker, "Satellite constellations", J. Br. Interplanet. Soc. 37 (1984).
    """
    if planes < 1 or satellites % planes:
        raise ValueError(f"satellites is {satellites}, not a multiple of planes, {planes}")
    mean_motion = _mean_motion_rad_per_min(altitude_m, inclination_rad)
    in_plane = satellites // planes
    orbits = []
    for plane in range(planes):
        raan = raan_rad + raan_spread_rad * plane / planes
        for place in range(in_plane):
            turn = place / in_plane + phasing * plane / satellites
            argument = argument_of_latitude_rad + 2 * math.pi * turn
            orbits.append(Orbit(_circle(mean_motion, inclination_rad, raan, argument, epoch_unix_ns)))
    return orbits


def train(
    satellites: int,
    span_rad: float,
    altitude_m: float,
    inclination_rad: float,
    latitude_deg: float,
    longitude_deg: float,
    overhead_unix_ns: int,
    ascending: bool = True,
) -> list[Orbit]:
    """Return satellites one behind another, the first ahead; the middle of the train passes over a place.

    span_rad: from first to last, as seen from the Earth's centre. Where the orbit does not reach the place's latitude,
    see `plane_over`. SGP4's short-period terms move the pass by up to 15 km.
    """
    raan, middle = plane_over(inclination_rad, altitude_m, latitude_deg, longitude_deg, overhead_unix_ns, ascending)
    mean_motion = _mean_motion_rad_per_min(altitude_m, inclination_rad)
    gap = span_rad / (satellites - 1) if satellites > 1 else 0.0
    return [
        Orbit(
            _circle(
                mean_motion,
                inclination_rad,
                raan,
                middle + ((satellites - 1) / 2 - place) * gap,
                overhead_unix_ns,
            )
        )
        for place in range(satellites)
    ]


def plane_over(
    inclination_rad: float,
    altitude_m: float,
    latitude_deg: float,
    longitude_deg: float,
    overhead_unix_ns: int,
    ascending: bool = True,
) -> tuple[float, float]:
    """Return (raan_rad, argument_of_latitude_rad), TEME, of a circular orbit's satellite that is over a place.

    Where the orbit does not reach the place's latitude, its highest (or lowest) point lies on the place's meridian.
    """
    x, y, z = _direction_teme(latitude_deg, longitude_deg, altitude_m, overhead_unix_ns)
    declination = math.atan2(z, math.hypot(x, y))
    # A satellite of an equatorial orbit is at its node anywhere; the guard keeps the division defined.
    argument = math.asin(max(-1.0, min(1.0, math.sin(declination) / max(1e-9, math.sin(inclination_rad)))))
    if not ascending:
        argument = math.pi - argument
    # From the ascending node to the satellite along the equator.
    along_equator = math.atan2(math.cos(inclination_rad) * math.sin(argument), math.cos(argument))
    return math.atan2(y, x) - along_equator, argument


def nearest_argument_of_latitude_rad(
    inclination_rad: float,
    raan_rad: float,
    altitude_m: float,
    latitude_deg: float,
    longitude_deg: float,
    at_unix_ns: int,
) -> float:
    """Return where on a circular orbit, TEME, a satellite is nearest to a place at an instant."""
    place = _direction_teme(latitude_deg, longitude_deg, altitude_m, at_unix_ns)
    cos_raan, sin_raan = math.cos(raan_rad), math.sin(raan_rad)
    cos_i, sin_i = math.cos(inclination_rad), math.sin(inclination_rad)
    # The orbit's plane: along the ascending node, and a quarter turn on.
    node = np.array([cos_raan, sin_raan, 0.0])
    ahead = np.array([-cos_i * sin_raan, cos_i * cos_raan, sin_i])
    return math.atan2(float(place @ ahead), float(place @ node))


def _direction_teme(latitude_deg: float, longitude_deg: float, height_m: float, at_unix_ns: int) -> Float64:
    return frames.itrs_from_teme(at_unix_ns).T @ geodetic_to_itrs(latitude_deg, longitude_deg, height_m)


@functools.lru_cache(maxsize=64)
def _mean_motion_rad_per_min(altitude_m: float, inclination_rad: float) -> float:
    """Return the (Kozai) mean motion for which SGP4's mean semi-major axis has the altitude.

    SGP4 takes the J2 term out of the mean motion it is given, which moves the axis by up to 5 km.
    """
    wanted_km = (SEMI_MAJOR_M + altitude_m) / 1000.0
    axis_km = wanted_km
    for _ in range(AXIS_ROUNDS):
        mean_motion = math.sqrt(MU_WGS72_KM3_PER_S2 / axis_km**3) * 60
        axis_km += wanted_km - _circle(mean_motion, inclination_rad, 0.0, 0.0, SGP4_EPOCH_UNIX_NS).a * RADIUS_WGS72_KM
    return math.sqrt(MU_WGS72_KM3_PER_S2 / axis_km**3) * 60


def _circle(
    mean_motion_rad_per_min: float, inclination_rad: float, raan_rad: float, argument_rad: float, epoch_unix_ns: int
) -> Any:
    elements = MeanElements(mean_motion_rad_per_min, 0.0, inclination_rad, raan_rad, 0.0, argument_rad)
    return satrec_from_elements(elements, epoch_unix_ns)
