"""Legs of a path, with its nodes at their places at one instant."""

import itertools
import math
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.geometry.frames import itrs_from_teme
from services.relay.network.constellation import Constellation
from services.relay.network.light import LIGHT_M_PER_S
from services.relay.network.link import Leg, Medium, Path
from services.relay.network.motion import Motion

Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class Route:
    """The nodes of a path by index, and its delay when it was chosen.

    orbits: the satellites in order, the sender first, as places in the constellation's motion, where relay satellites
    come first; at least one, and the last a relay satellite.
    """

    orbits: tuple[int, ...]
    gateway: int
    delay_s: float

    @property
    def links(self) -> list[tuple[int, int]]:
        """From and to of each laser link, and of the one to the gateway g, which is -1 - g."""
        return list(itertools.pairwise((*self.orbits, -1 - self.gateway)))


def path_along(
    constellation: Constellation,
    motion: Motion,
    route: Route,
    unix_ns: int,
    streams: Counter[tuple[int, int]],
    usable_from_unix_ns: int = 0,
    waits: bool = False,
) -> Path:
    """Return the route's legs with every node at its place at an instant.

    streams: how many routes lead over each link now. usable_from_unix_ns: of the link to the gateway.
    waits: the frame waits in the first satellite, which has to switch it again.
    """
    network, gateway = constellation.network, constellation.gateways[route.gateway]
    places = motion.some_places_teme_m(np.array(route.orbits, dtype=np.int32), unix_ns)
    names = [_name(constellation, orbit) for orbit in route.orbits]
    switching_s, rate_bps = network.processing_delay_s, network.crosslink_rate_bps
    processing_s = switching_s if waits else 0.0
    legs = []
    # Few and short: plain floats are quicker here than arrays.
    links = route.links
    every = zip(links[:-1], itertools.pairwise(names), itertools.pairwise(places.tolist()), strict=True)
    for link, ends, (a, b) in every:
        light_s = math.dist(a, b) / LIGHT_M_PER_S
        legs.append(Leg(*ends, processing_s, light_s, rate_bps, Medium.LASER, streams[link] or 1))
        processing_s = switching_s
    down_m, elevation_rad = _down(constellation, places[-1], route.gateway, unix_ns)
    ground = Leg(
        names[-1],
        gateway.id,
        processing_s,
        down_m / LIGHT_M_PER_S,
        network.ground_link_rate_bps,
        Medium.GROUND,
        streams[links[-1]] or 1,
        elevation_rad,
        usable_from_unix_ns,
    )
    line = Leg(gateway.id, constellation.station, switching_s, gateway.terrestrial_delay_s, 0.0, Medium.TERRESTRIAL)
    return Path((*legs, ground, line))


def _name(constellation: Constellation, orbit: int) -> str:
    relays = constellation.mesh.names
    return relays[orbit] if orbit < len(relays) else constellation.satellites[orbit - len(relays)]


def _down(constellation: Constellation, place_teme_m: Float64, gateway: int, unix_ns: int) -> tuple[float, float]:
    """Return how far a place is from a gateway, metres, and how high above its horizon, radians."""
    away = itrs_from_teme(unix_ns) @ place_teme_m - constellation.gateway_itrs_m[gateway]
    distance_m = math.sqrt(away @ away)
    sine = float(away @ constellation.gateway_up_itrs[gateway]) / distance_m
    return distance_m, math.asin(max(-1.0, min(1.0, sine)))
