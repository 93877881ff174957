"""What is out of order within a stretch of time: faults as masks over the network's nodes and links.

A share of the laser links is drawn link by link: one is out if a number that belongs to its two names and the fault's
seed, even over [0, 1), is below the share. So the same links are out whatever else is asked, and whichever end is
named first, and a larger share takes them and more. The number is FNV-1a of the names' characters (Fowler, Noll and
Vo, RFC 9923), mixed as SplitMix64 does (Steele, Lea and Flood, OOPSLA 2014).
"""

import functools
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from services.relay.network.constellation import Constellation
from services.relay.network.faults import Fault, FaultKind
from services.relay.network.mesh import Mesh

Bool = NDArray[np.bool_]
UInt64 = NDArray[np.uint64]

FNV_OFFSET, FNV_PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)
SPLITMIX_STEP, SPLITMIX_FIRST, SPLITMIX_SECOND = (
    np.uint64(0x9E3779B97F4A7C15),
    np.uint64(0xBF58476D1CE4E5B9),
    np.uint64(0x94D049BB133111EB),
)


@dataclass
class Outage:
    """What cannot be used; masks over the constellation's nodes and links, in their order.

    satellites (k), relays (n), links (m) of the mesh, gateways (g), lines (g) from a gateway to the ground station.
    satellite_links: pairs of a satellite and a relay satellite. ground_links: of a relay satellite and a gateway.
    """

    constellation: Constellation = field(repr=False)
    satellites: Bool
    relays: Bool
    links: Bool
    gateways: Bool
    lines: Bool
    station: bool = False
    satellite_links: set[tuple[int, int]] = field(default_factory=set)
    ground_links: set[tuple[int, int]] = field(default_factory=set)

    @staticmethod
    def none(constellation: Constellation) -> "Outage":
        """Return that nothing is out of order."""
        return Outage(
            constellation,
            satellites=np.zeros(len(constellation.satellites), dtype=bool),
            relays=np.zeros(len(constellation.mesh.names), dtype=bool),
            links=np.zeros(len(constellation.mesh.links), dtype=bool),
            gateways=np.zeros(len(constellation.gateways), dtype=bool),
            lines=np.zeros(len(constellation.gateways), dtype=bool),
        )

    def nodes_out(self) -> frozenset[str]:
        """Return the names of the nodes that are out."""
        constellation = self.constellation
        names = [constellation.station] if self.station else []
        names += [constellation.satellites[place] for place in np.flatnonzero(self.satellites)]
        names += [constellation.mesh.names[place] for place in np.flatnonzero(self.relays)]
        names += [constellation.gateways[place].id for place in np.flatnonzero(self.gateways)]
        return frozenset(names)

    def add(self, fault: Fault) -> None:
        """Take out what a fault takes; names that no node has take nothing."""
        mesh = self.constellation.mesh
        match fault.kind:
            case FaultKind.NODE:
                self._add_node(fault.node)
            case FaultKind.LINK:
                self._add_link(fault.node, fault.to_node)
            case FaultKind.PLANE:
                self.relays |= _in_plane(mesh, fault)
            case FaultKind.LASER_LINKS:
                self.links |= drawn_links(mesh, fault.share, fault.seed)
            case FaultKind.RAIN:
                pass

    def close(self) -> None:
        """Take out all links of the mesh that lead to a satellite that is out."""
        if self.relays.any():
            self.links |= self.relays[self.constellation.mesh.links].any(axis=1)

    def _add_node(self, name: str) -> None:
        constellation = self.constellation
        if name in constellation.satellites:
            self.satellites[constellation.satellites.index(name)] = True
        if name in constellation.mesh.index:
            self.relays[constellation.mesh.index[name]] = True
        if name in constellation.gateway_index:
            self.gateways[constellation.gateway_index[name]] = True
        self.station = self.station or name == constellation.station

    def _add_link(self, one: str, other: str) -> None:
        constellation = self.constellation
        relay_of, gateway_of = constellation.mesh.index, constellation.gateway_index
        for name, to_name in ((one, other), (other, one)):
            relay = relay_of.get(to_name)
            if name in gateway_of and to_name == constellation.station:
                self.lines[gateway_of[name]] = True
            if name in gateway_of and relay is not None:
                self.ground_links.add((relay, gateway_of[name]))
            if name in constellation.satellites and relay is not None:
                self.satellite_links.add((constellation.satellites.index(name), relay))
        if one in relay_of and other in relay_of:
            ends = sorted((relay_of[one], relay_of[other]))
            self.links |= (constellation.mesh.links == ends).all(axis=1)


def outage_between(
    faults: Iterable[Fault], constellation: Constellation, first_unix_ns: int, last_unix_ns: int
) -> Outage:
    """Return what is out at some instant of [first, last]."""
    outage = Outage.none(constellation)
    for fault in faults:
        if fault.overlaps(first_unix_ns, last_unix_ns):
            outage.add(fault)
    outage.close()
    return outage


def hits_node(fault: Fault, name: str, constellation: Constellation) -> bool:
    """Return whether a fault takes a node away while it holds."""
    if fault.kind is FaultKind.PLANE:
        mesh = constellation.mesh
        place = mesh.index.get(name)
        if place is None or mesh.shell[place] < 0:
            return False
        return mesh.shells[mesh.shell[place]] == fault.node and int(mesh.plane[place]) == fault.plane
    return fault.kind is FaultKind.NODE and fault.node == name


def hits_link(fault: Fault, from_node: str, to_node: str, constellation: Constellation) -> bool:
    """Return whether a fault takes a link away, both its ends being in order, while it holds."""
    if fault.kind is FaultKind.LASER_LINKS:
        index = constellation.mesh.index
        if from_node not in index or to_node not in index:
            return False
        # As arrays of one: numpy's scalars warn where their sum wraps, as it is meant to.
        numbers = _name_numbers((from_node, to_node))
        return bool(_even_numbers(numbers[:1] + numbers[1:], fault.seed)[0] < fault.share)
    return fault.kind is FaultKind.LINK and {fault.node, fault.to_node} == {from_node, to_node}


def rain_mm_per_h(faults: Iterable[Fault], gateway: str, unix_ns: int) -> float:
    """Return how hard it rains on a gateway: the heaviest of the rains that are there at the instant, mm/h."""
    rains = (fault for fault in faults if fault.kind is FaultKind.RAIN and fault.node == gateway)
    return max((rain.rain_mm_per_h for rain in rains if rain.holds_at(unix_ns)), default=0.0)


def drawn_links(mesh: Mesh, share: float, seed: int) -> Bool:
    """Return the mask (m,) of the links that a share takes."""
    numbers = name_numbers(mesh)
    taken: Bool = _even_numbers(numbers[mesh.links[:, 0]] + numbers[mesh.links[:, 1]], seed) < share
    return taken


@functools.lru_cache(maxsize=4)
def name_numbers(mesh: Mesh) -> UInt64:
    """Return the number (n,) of each relay satellite's name; of 42,000 that takes 8 ms, the first time."""
    numbers = _name_numbers(mesh.names)
    numbers.flags.writeable = False
    return numbers


def _in_plane(mesh: Mesh, fault: Fault) -> Bool:
    if fault.node not in mesh.shells:
        return np.zeros(len(mesh.names), dtype=bool)
    mask: Bool = (mesh.shell == mesh.shells.index(fault.node)) & (mesh.plane == fault.plane)
    return mask


def _name_numbers(names: tuple[str, ...]) -> UInt64:
    """Return a number for each name."""
    padded = np.array(names, dtype=np.str_)
    characters = padded.view(np.uint32).reshape(len(names), -1) if names else np.empty((0, 0), dtype=np.uint32)
    numbers = np.full(len(names), FNV_OFFSET)
    for column in characters.T:
        # Shorter names are padded with zeros, which are not theirs.
        numbers = np.where(column != 0, (numbers ^ column) * FNV_PRIME, numbers)
    return numbers


def _even_numbers(link_numbers: UInt64, seed: int) -> NDArray[np.float64]:
    """Return a number for each link, even over [0, 1)."""
    mixed = _mixed(_mixed(link_numbers) ^ _mixed(np.array([seed % 2**64], dtype=np.uint64)))
    even: NDArray[np.float64] = (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return even


def _mixed(numbers: UInt64) -> UInt64:
    mixed = numbers + SPLITMIX_STEP
    mixed = (mixed ^ (mixed >> np.uint64(30))) * SPLITMIX_FIRST
    mixed = (mixed ^ (mixed >> np.uint64(27))) * SPLITMIX_SECOND
    mixed ^= mixed >> np.uint64(31)
    return mixed
