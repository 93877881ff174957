"""Small networks whose paths a person can work out, and a real one."""

import dataclasses
import math
from typing import Any

import numpy as np

from services.geometry.orbit import Orbit, nearest_argument_of_latitude_rad, plane_over
from services.geometry.time import NS_PER_S
from services.relay.network.constellation import Constellation, constellation_of
from services.relay.network.faults import Fault, FaultBook, FaultKind
from services.relay.network.link import Path
from services.relay.network.mesh import Mesh
from services.relay.network.routing import Router
from services.scenario.model import Gateway, Network, Place, Scenario, Train, Walker

EARTH_M = 6_378_137.0
# 2026-06-21T12:00:12Z, at which a slot begins.
START_UNIX_NS = 1_782_043_212_000_000_000
SECOND_NS = NS_PER_S
RING_HEIGHT_M = 1.2e6
# Long before anything is asked: a fault that is no news.
ALWAYS_NS = START_UNIX_NS - 3600 * SECOND_NS
# Of the ring: sat-1 stands at 100 degrees, ring-k at 15 k, west at 0 and east at 180.
TO_EAST = ("sat-1", "ring-8", "ring-9", "ring-10", "ring-11", "east", "station-1")
TO_WEST = ("sat-1", "ring-6", "ring-5", "ring-4", "ring-3", "ring-2", "ring-1", "west", "station-1")


def over_equator(longitude_deg: float, height_m: float = RING_HEIGHT_M) -> Orbit:
    """Return the orbit, along the equator, of a satellite that is over a longitude at the start."""
    place = nearest_argument_of_latitude_rad(0.0, 0.0, height_m, 0.0, longitude_deg, START_UNIX_NS)
    return Orbit.circular(height_m, 0.0, 0.0, place, START_UNIX_NS)


def ring(
    count: int = 24,
    senders_deg: tuple[float, ...] = (100.0,),
    gateways_deg: tuple[float, ...] = (0.0, 180.0),
    closed: bool = True,
    **network: Any,
) -> Constellation:
    """Return relay satellites evenly round the equator, ring-0 over longitude 0 at the start, each linked to the next.

    senders_deg: longitudes of satellites that send frames, 100 km above. gateways_deg: of gateways on the equator,
    called west, east and third. closed: whether the last is linked to the first.
    """
    links = [(place, place + 1) for place in range(count - 1)] + ([(0, count - 1)] if closed else [])
    mesh = Mesh(
        tuple(f"ring-{place}" for place in range(count)),
        tuple(over_equator(360 * place / count) for place in range(count)),
        ("ring",),
        np.zeros(count, dtype=np.int32),
        np.zeros(count, dtype=np.int32),
        np.array(sorted(links), dtype=np.int32),
    )
    names = ("west", "east", "third")[: len(gateways_deg)]
    return Constellation(
        tuple(f"sat-{place + 1}" for place in range(len(senders_deg))),
        tuple(over_equator(longitude_deg, RING_HEIGHT_M + 1e5) for longitude_deg in senders_deg),
        mesh,
        tuple(Gateway(name, Place(0, longitude)) for name, longitude in zip(names, gateways_deg, strict=True)),
        "station-1",
        Network(**network),
    )


def real_constellation(satellites: int = 4, **network: Any) -> Constellation:
    """Return Starlink's first shell, a train over Australia, and the teleports of the world."""
    return constellation_of(Scenario("world", train=Train(satellites), network=Network(**network)))


def shell_constellation(shell: Walker, place: Place, sender: Orbit, **network: Any) -> Constellation:
    """Return one shell of relay satellites under one satellite that sends, with one gateway at a place."""
    scenario = Scenario(
        "shell", train=Train(1), network=Network(relays=shell, gateways=(Gateway("gate", place),), **network)
    )
    return dataclasses.replace(constellation_of(scenario), satellites=("sat-1",), satellite_orbits=(sender,))


def with_gateways(constellation: Constellation, names: frozenset[str]) -> Constellation:
    """Return the same constellation with only some of its gateways."""
    kept = tuple(gateway for gateway in constellation.gateways if gateway.id in names)
    return dataclasses.replace(constellation, gateways=kept)


def over(latitude_deg: float, longitude_deg: float, height_m: float = 1e6) -> Orbit:
    """Return a polar orbit whose satellite is over a place at the start."""
    inclination_rad = math.pi / 2
    raan, argument = plane_over(inclination_rad, height_m, latitude_deg, longitude_deg, START_UNIX_NS)
    return Orbit.circular(height_m, inclination_rad, raan, argument, START_UNIX_NS)


def book(*faults: Fault) -> FaultBook:
    """Return a book with the faults in it, each with an id of its own."""
    made = FaultBook()
    for fault in faults:
        made.inject(fault)
    return made


def fault(kind: FaultKind, node: str = "", to_node: str = "", start: int = ALWAYS_NS, **more: float) -> Fault:
    """Return a fault that nobody heals, as one injects it."""
    return Fault("", kind, node, to_node, start, **more)  # type: ignore[arg-type]


def path_of(router: Router, unix_ns: int = START_UNIX_NS, satellite: str = "sat-1") -> Path:
    """Return the path of a satellite that has one."""
    path = router.path(satellite, unix_ns)
    assert path is not None
    return path
