"""When a frame arrives: light time, serialisation, processing, and the frames before it on the same links.

A path is a chain of legs. A frame is stored whole at each node before it goes on. On each leg it waits for the node's
processing and until the stream's frame before it has left the transmitter, is sent at the leg's rate, and its last
bit travels:

    start_i = max(at_i + processing_i, free_i)      free_i' = start_i + bits / rate_i
    at_i+1  = free_i' + propagation_i               arrival = max(at_n, arrival of the frame before)

All instants are whole nanoseconds of emulated UTC, rounded up, so that nothing arrives before the model says.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from services.relay.network.faults import Fault

# Transmitters remembered per stream before those long free are dropped; a path has two.
MAX_TRANSMITTERS = 64


@dataclass(frozen=True)
class Leg:
    """One step of a path.

    processing_s: what the sending node needs to switch a frame. propagation_s: light or terrestrial delay.
    rate_bps: bits a second; 0: serialisation is not modelled here.
    """

    from_node: str
    to_node: str
    processing_s: float
    propagation_s: float
    rate_bps: float

    @property
    def delay_s(self) -> float:
        """Delay of this leg without serialisation, seconds."""
        return self.processing_s + self.propagation_s


@dataclass(frozen=True)
class Path:
    """Legs from a satellite to its ground station, in order."""

    legs: tuple[Leg, ...]

    @property
    def nodes(self) -> tuple[str, ...]:
        """Names of the nodes, the satellite first, the ground station last."""
        return (self.legs[0].from_node, *(leg.to_node for leg in self.legs))

    @property
    def delay_s(self) -> float:
        """Delay of the whole path without serialisation, seconds."""
        return math.fsum(leg.delay_s for leg in self.legs)

    def delays_s(self) -> tuple[float, ...]:
        """Return the delay from the satellite to each node, without serialisation, seconds."""
        reached = [0.0]
        for leg in self.legs:
            reached.append(reached[-1] + leg.delay_s)
        return tuple(reached)


@dataclass(frozen=True)
class Stay:
    """When a frame was on a link, from its first bit in until its last bit out; emulated UTC, nanoseconds."""

    from_node: str
    to_node: str
    enters_node_unix_ns: int
    enters_link_unix_ns: int
    leaves_node_unix_ns: int
    leaves_link_unix_ns: int


@dataclass(frozen=True)
class Transit:
    """A frame's way through the network; emulated UTC, nanoseconds."""

    path: Path
    departure_unix_ns: int
    arrival_unix_ns: int
    stays: tuple[Stay, ...]


class StreamLink:
    """The transmitters one satellite's stream goes through; keeps its frames in order.

    Streams do not slow each other: contention between satellites for one link is not modelled.
    """

    def __init__(self) -> None:
        self._free_unix_ns: dict[tuple[str, str], int] = {}
        self._last_arrival_unix_ns = 0

    def carry(self, path: Path, ready_unix_ns: int, size_bytes: int) -> Transit:
        """Return the way of a frame that could first leave at `ready_unix_ns`.

        Frames of a stream are to be given in the order in which they were sent.
        """
        at = ready_unix_ns
        stays = []
        for leg in path.legs:
            link = (leg.from_node, leg.to_node)
            start = max(at + math.ceil(leg.processing_s * 1e9), self._free_unix_ns.get(link, 0))
            sent = start + serialisation_ns(size_bytes, leg.rate_bps)
            if leg.rate_bps:
                self._free_unix_ns[link] = sent
            arrival = sent + math.ceil(leg.propagation_s * 1e9)
            stays.append(Stay(*link, at, start, sent, arrival))
            at = arrival
        self._last_arrival_unix_ns = max(at, self._last_arrival_unix_ns)
        self._drop_free_transmitters(ready_unix_ns)
        return Transit(path, stays[0].enters_link_unix_ns, self._last_arrival_unix_ns, tuple(stays))

    def _drop_free_transmitters(self, unix_ns: int) -> None:
        if len(self._free_unix_ns) > MAX_TRANSMITTERS:
            self._free_unix_ns = {link: free for link, free in self._free_unix_ns.items() if free > unix_ns}


def serialisation_ns(size_bytes: int, rate_bps: float) -> int:
    """Return how long the frame's bits take to pass a transmitter, nanoseconds; 0 where the rate is not modelled."""
    return math.ceil(size_bytes * 8e9 / rate_bps) if rate_bps else 0


def fault_met(transit: Transit, faults: Iterable[Fault]) -> Fault | None:
    """Return the first fault that caught the frame on its way, or None if it came through.

    A node holds a frame from its arrival until its last bit has left, a link from its first bit in until its last
    bit out; a fault of that part at any instant in between loses the frame. It is not sent again by another way.
    """
    for fault in faults:
        if not fault.overlaps(transit.departure_unix_ns, transit.arrival_unix_ns):
            continue
        for stay in transit.stays:
            on_node = fault.hits_node(stay.from_node) and fault.overlaps(
                stay.enters_node_unix_ns, stay.leaves_node_unix_ns
            )
            at_end = fault.hits_node(stay.to_node) and fault.overlaps(
                stay.leaves_link_unix_ns, stay.leaves_link_unix_ns
            )
            on_link = fault.hits_link(stay.from_node, stay.to_node) and fault.overlaps(
                stay.enters_link_unix_ns, stay.leaves_link_unix_ns
            )
            if on_node or at_end or on_link:
                return fault
    return None
