"""A small network drawn by hand: places along the equator, so that every distance is a difference or a chord."""

import math

import numpy as np

from services.geometry.orbit import Orbit, train, walker
from services.relay.network.topology import Constellation, Positions
from services.scenario.model import Gateway, Network, Place

EARTH_M = 6_378_137.0
START_UNIX_NS = 1_782_043_200_000_000_000  # 2026-06-21T12:00:00Z
SECOND_NS = 1_000_000_000


def on_equator(longitude_deg: float, height_m: float) -> list[float]:
    """Return a place above the equator, ITRS, metres."""
    angle = math.radians(longitude_deg)
    return [(EARTH_M + height_m) * math.cos(angle), (EARTH_M + height_m) * math.sin(angle), 0.0]


def drawn_constellation(network: Network | None = None, terrestrial_delay_s: float = 0.002) -> Constellation:
    """Return two satellites, three relays and two gateways; `drawn_positions` says where they are."""
    orbit = Orbit.circular(1e6, 0.0, 0.0, 0.0, START_UNIX_NS)
    return Constellation(
        satellites=("sat-1", "sat-2"),
        satellite_orbits=(orbit, orbit),
        relays=("relay-near", "relay-far", "relay-lost"),
        relay_orbits=(orbit, orbit, orbit),
        gateways=(
            Gateway("gate-a", Place(0, 0), terrestrial_delay_s),
            Gateway("gate-b", Place(0, 14), terrestrial_delay_s),
        ),
        station="station-1",
        network=network or Network(),
    )


def drawn_positions() -> Positions:
    """Return the drawn network's places: sat-1, relay-near and gate-a stand above each other."""
    return Positions(
        START_UNIX_NS,
        np.array([on_equator(0, 1e6), on_equator(170, 1e6)]),
        np.array([on_equator(0, 5.5e5), on_equator(12, 5.5e5), [math.nan] * 3]),
    )


def real_constellation(network: Network | None = None) -> Constellation:
    """Return the default shell of relays, a train of four over Australia and two gateways there."""
    network = network or Network()
    shell = network.relays
    relays = walker(
        shell.satellites,
        shell.planes,
        shell.phasing,
        shell.altitude_m,
        math.radians(shell.inclination_deg),
        START_UNIX_NS,
    )
    middle = START_UNIX_NS + 45 * SECOND_NS
    satellites = train(4, math.radians(21), 1e6, math.radians(81), -30.9, 136.5, middle)
    return Constellation(
        satellites=("sat-1", "sat-2", "sat-3", "sat-4"),
        satellite_orbits=tuple(satellites),
        relays=tuple(f"relay-{number}" for number in range(1, len(relays) + 1)),
        relay_orbits=tuple(relays),
        gateways=(Gateway("perth", Place(-31.8, 115.9)), Gateway("sydney", Place(-33.8, 150.9))),
        station="station-1",
        network=network,
    )
