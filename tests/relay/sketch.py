"""A network by names only, for what needs no places: two ways from a satellite to the ground station."""

import numpy as np

from services.geometry.time import NS_PER_S
from services.relay.network.constellation import Constellation
from services.relay.network.link import Leg, Medium, Path
from services.relay.network.mesh import Mesh
from services.scenario.model import Gateway, Network, Place

MS = 1_000_000
SECOND_NS = NS_PER_S
# 1 ms of light at 1 Gbit/s, then 0.5 ms of processing, 2 ms of light at 100 Mbit/s, then 0.5 ms and 3 ms of fibre.
PATH = Path(
    (
        Leg("sat", "relay", 0.0, 0.001, 1e9),
        Leg("relay", "gate", 0.0005, 0.002, 1e8, Medium.GROUND, elevation_rad=1.0),
        Leg("gate", "station", 0.0005, 0.003, 0.0, Medium.TERRESTRIAL),
    )
)
FRAME_BYTES = 125_000  # 1 ms at 1 Gbit/s, 10 ms at 100 Mbit/s
LONE_FRAME_NS = 18 * MS
# Three legs, each rounded up at most three times.
ROUNDING_NS = 9
# The other way, from the first relay satellite on: over another one and another gateway.
OTHER_WAY = Path(
    (
        Leg("relay", "other", 0.0005, 0.004, 1e9),
        Leg("other", "far-gate", 0.0005, 0.002, 1e8, Medium.GROUND, elevation_rad=1.0),
        Leg("far-gate", "station", 0.0005, 0.005, 0.0, Medium.TERRESTRIAL),
    )
)


def sketched(network: Network | None = None) -> Constellation:
    """Return the constellation of these nodes; the relay satellites are two planes of one shell."""
    mesh = Mesh(
        ("relay", "other"),
        (),
        ("shell",),
        np.zeros(2, dtype=np.int32),
        np.array([0, 1], dtype=np.int32),
        np.array([[0, 1]], dtype=np.int32),
    )
    gateways = (Gateway("gate", Place(0, 0)), Gateway("far-gate", Place(0, 14)))
    return Constellation(("sat",), (), mesh, gateways, "station", network or Network())


def two_ways(node: str, _unix_ns: int) -> Path | None:
    """Return the other way where there is one: from the first relay satellite, and from what lies along it."""
    nodes = OTHER_WAY.nodes
    return Path(OTHER_WAY.legs[nodes.index(node) :]) if node in nodes[:-1] else None


def no_way(_node: str, _unix_ns: int) -> Path | None:
    """Return that there is no way on."""
    return None
