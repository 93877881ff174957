"""Who sees whom: places of all nodes at an instant, and the links that geometry and range allow.

Sensor satellites have laser terminals only; relay satellites have laser terminals and ground antennas. A laser link
needs a straight line that stays above the grazing height and within the terminals' range; a ground link needs the
relay satellite above the gateway's elevation mask.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from services.geometry.ellipsoid import east_north_up, geodetic_to_itrs, line_clears_earth
from services.geometry.orbit import Orbit, positions_itrs_m
from services.scenario.model import Gateway, Network

Float64 = NDArray[np.float64]

# Orbits propagated in one go, so that the caller can do something urgent in between.
ORBITS_A_PIECE = 256


@dataclass(frozen=True)
class Constellation:
    """The nodes of a network and what its links can do.

    relays_are_sources: the satellites that send frames are relay satellites themselves, with ground antennas of their
    own, so that a path may lead straight down.
    """

    satellites: tuple[str, ...]
    satellite_orbits: tuple[Orbit, ...]
    relays: tuple[str, ...]
    relay_orbits: tuple[Orbit, ...]
    gateways: tuple[Gateway, ...]
    station: str
    network: Network
    relays_are_sources: bool = False
    gateway_itrs_m: Float64 = field(init=False, repr=False, compare=False)
    gateway_up_itrs: Float64 = field(init=False, repr=False, compare=False)
    relay_index: dict[str, int] = field(init=False, repr=False, compare=False)
    gateway_index: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        places = [gateway.place for gateway in self.gateways]
        sites = [geodetic_to_itrs(place.latitude_deg, place.longitude_deg, place.height_m) for place in places]
        ups = [east_north_up(place.latitude_deg, place.longitude_deg)[2] for place in places]
        object.__setattr__(self, "gateway_itrs_m", np.array(sites, dtype=np.float64).reshape(-1, 3))
        object.__setattr__(self, "gateway_up_itrs", np.array(ups, dtype=np.float64).reshape(-1, 3))
        object.__setattr__(self, "relay_index", {name: index for index, name in enumerate(self.relays)})
        object.__setattr__(self, "gateway_index", {item.id: index for index, item in enumerate(self.gateways)})

    def satellite_index(self, satellite_id: str) -> int:
        """Return the satellite's place in `satellites`; KeyError if there is none of that name."""
        try:
            return self.satellites.index(satellite_id)
        except ValueError:
            raise KeyError(satellite_id) from None

    def node_names(self) -> tuple[str, ...]:
        """Return the names of all nodes, each once."""
        names = (*self.satellites, *self.relays, *(gateway.id for gateway in self.gateways), self.station)
        return tuple(dict.fromkeys(names))


@dataclass(frozen=True)
class Positions:
    """Where all satellites are at one instant, ITRS, metres; a row of NaN where the orbit has no answer."""

    unix_ns: int
    satellites_itrs_m: Float64
    relays_itrs_m: Float64


def positions_in_pieces(constellation: Constellation, unix_ns: int) -> Iterator[Positions | None]:
    """Yield None after each piece of the work and at last the positions at an instant."""
    orbits = (*constellation.satellite_orbits, *constellation.relay_orbits)
    found = np.empty((len(orbits), 3))
    for first in range(0, len(orbits), ORBITS_A_PIECE):
        piece = orbits[first : first + ORBITS_A_PIECE]
        found[first : first + len(piece)] = positions_itrs_m(piece, unix_ns)
        yield None
    split = len(constellation.satellite_orbits)
    yield Positions(unix_ns, found[:split], found[split:])


@dataclass(frozen=True)
class Downlinks:
    """Pairs of a relay satellite and a gateway that see each other; every array has one entry a pair.

    delay_s: processing at both, light time between them, and the terrestrial delay.
    """

    relay: NDArray[np.intp]
    gateway: NDArray[np.intp]
    delay_s: Float64


def downlinks(constellation: Constellation, transmitters_itrs_m: Float64, light_m_per_s: float) -> Downlinks:
    """Return which of the satellites at `transmitters_itrs_m` (n, 3) see which gateway above its mask."""
    network = constellation.network
    sites, ups = constellation.gateway_itrs_m, constellation.gateway_up_itrs
    # |t - s|^2 and (t - s).up as products of matrices; good to a millimetre at these distances.
    distance_m = np.sqrt(
        np.sum(transmitters_itrs_m**2, axis=1)[:, None]
        + np.sum(sites**2, axis=1)[None, :]
        - 2 * transmitters_itrs_m @ sites.T
    )
    upward_m = transmitters_itrs_m @ ups.T - np.sum(sites * ups, axis=1)[None, :]
    # A row of NaN compares false: a satellite without a position has no link.
    relay, gateway = np.nonzero(upward_m >= np.sin(np.radians(network.gateway_mask_deg)) * distance_m)
    terrestrial_s = np.array([item.terrestrial_delay_s for item in constellation.gateways])
    delay_s = 2 * network.processing_delay_s + distance_m[relay, gateway] / light_m_per_s + terrestrial_s[gateway]
    return Downlinks(relay, gateway, delay_s)


def crosslink_delays_s(
    constellation: Constellation, satellite_itrs_m: Float64, relays_itrs_m: Float64, light_m_per_s: float
) -> Float64:
    """Return the light time from one satellite (3,) to each relay satellite (n, 3), seconds; inf: no link."""
    network = constellation.network
    away = relays_itrs_m - satellite_itrs_m
    distance_m = np.sqrt(np.einsum("ri,ri->r", away, away))
    delay_s = np.full(len(relays_itrs_m), np.inf)
    # The satellite itself is no relay of its own (distance 0).
    near = np.nonzero((distance_m <= network.crosslink_range_m) & (distance_m > 0))[0]
    if near.size:
        clear = line_clears_earth(satellite_itrs_m, relays_itrs_m[near], network.grazing_height_m)
        near = near[np.atleast_1d(clear)]
    delay_s[near] = distance_m[near] / light_m_per_s
    return delay_s
