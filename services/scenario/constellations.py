"""Constellations that are known by name, drawn as far as they are public.

Tranche 0 of the Space Development Agency's Tracking Layer has four wide-field satellites built by SpaceX: two were
launched on 2 April 2023 with the first flight and two on 2 September 2023 with the second, to about 1,000 km at 80
degrees (nasaspaceflight.com, "SpaceX launches initial satellites for Space Development Agency", 2 April 2023) or 81
(announcements of the second flight). Tranche 1 has 28 satellites in four planes of seven (mwrf.com, "SDA Announces
Awards to Build T1 Tracking Layer", 2022) at 1,000 km, polar (satellitetoday.com, 18 July 2022).

Neither nodes nor phases are public. What is drawn here is therefore not where these satellites are: it is a pass of
such a constellation over the scenario's area, in the middle of the run.
"""

import math

from services.geometry import orbit as orbits
from services.geometry.orbit import Orbit
from services.scenario.model import Constellation, Place

ALTITUDE_M = 1.0e6
INCLINATION_RAD = math.radians(81)
# Two planes so far apart at the equator, and two satellites so far apart in each, that all four stand above 20 degrees
# over any place that they reach from a minute before to a minute after mid-run, and see it from well apart.
TRANCHE0_PLANES_APART_RAD = math.radians(16)
TRANCHE0_PAIR_APART_RAD = math.radians(14)
# A Walker star i: 28/4/1. From plane to plane satellites are then 13 degrees apart in phase, so that none meet at the
# poles.
TRANCHE1_SATELLITES, TRANCHE1_PLANES, TRANCHE1_PHASING = 28, 4, 1


def constellation_orbits(constellation: Constellation, area: Place, mid_unix_ns: int) -> dict[str, Orbit]:
    """Return the orbits by name, prefix-1, prefix-2, …, plane after plane; the area is passed at the instant."""
    members = _tranche0(area, mid_unix_ns) if constellation.name == "tranche0" else _tranche1(area, mid_unix_ns)
    names = [f"{constellation.prefix}-{place}" for place in range(1, len(members) + 1)]
    return {name: Orbit(orbit.satrec, name) for name, orbit in zip(names, members, strict=True)}


def _tranche0(area: Place, mid_unix_ns: int) -> list[Orbit]:
    """Return two pairs, each in a plane that passes the area on one side, its middle abreast of the area.

    The plane's first satellite is ahead.
    """
    middle_raan, _ = _plane_over(area, mid_unix_ns)
    members = []
    for side in (-0.5, 0.5):
        raan = middle_raan + side * TRANCHE0_PLANES_APART_RAD
        abreast = _abreast(area, raan, mid_unix_ns)
        members += [
            Orbit.circular(ALTITUDE_M, INCLINATION_RAD, raan, abreast + ahead * TRANCHE0_PAIR_APART_RAD, mid_unix_ns)
            for ahead in (0.5, -0.5)
        ]
    return members


def _tranche1(area: Place, mid_unix_ns: int) -> list[Orbit]:
    """Return the star with the area midway between its first two planes, so that one satellite of each sees it.

    So thin a constellation has two satellites above a place's horizon on average.
    """
    middle_raan, over = _plane_over(area, mid_unix_ns)
    # The first plane's satellite is as far short of the area as the second's is beyond it.
    short = math.pi * TRANCHE1_PHASING / TRANCHE1_SATELLITES
    return orbits.walker(
        TRANCHE1_SATELLITES,
        TRANCHE1_PLANES,
        TRANCHE1_PHASING,
        ALTITUDE_M,
        INCLINATION_RAD,
        mid_unix_ns,
        math.pi,
        middle_raan - math.pi / TRANCHE1_PLANES / 2,
        over - short,
    )


def _plane_over(area: Place, mid_unix_ns: int) -> tuple[float, float]:
    return orbits.plane_over(INCLINATION_RAD, ALTITUDE_M, area.latitude_deg, area.longitude_deg, mid_unix_ns)


def _abreast(area: Place, raan_rad: float, mid_unix_ns: int) -> float:
    """Return the argument of latitude where a plane passes nearest to the area."""
    return orbits.nearest_argument_of_latitude_rad(
        INCLINATION_RAD, raan_rad, ALTITUDE_M, area.latitude_deg, area.longitude_deg, mid_unix_ns
    )
