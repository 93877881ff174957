"""What a fault does to a frame on its way: where it is then, and when its node can send it on.

A node has a frame from its arrival until its last bit has left; a link from first bit in until last bit out. A node
that fails loses what it has. A link also fails with the node at its far end; the node that sent the frame still has
it, notices `failure_detection_s` after the failure (at once where that was longer ago), and sends it on along the path
of that instant. Where there is none it looks again each second.
"""

import functools
from collections.abc import Iterable
from dataclasses import dataclass

from services.geometry.time import NS_PER_S
from services.relay.network.constellation import Constellation
from services.relay.network.faults import Fault, FaultKind
from services.relay.network.link import Stay, Transit
from services.relay.network.outage import hits_link, hits_node, rain_mm_per_h

# A node gives up on a frame without a way on after the time that a laser terminal needs to acquire another satellite,
# and this for the routes to follow, which are renewed each second; seconds.
WAIT_FOR_ROUTES_S = 2.0
# Faults of which it is remembered what they take, and of how many legs; the paths of 64 satellites have a thousand.
FAULTS_KEPT = 1024
LEGS_KEPT = 4096


class Taken(dict[tuple[str, str], tuple[bool, bool]]):
    """Of each leg (from, to) whether a fault takes its sender, and whether it takes the link or the node at its end.

    Worked out once for each, since drawing it costs more than all else about a leg.
    """

    def __init__(self, fault: Fault, constellation: Constellation) -> None:
        super().__init__()
        self._fault = fault
        self._constellation = constellation

    def __missing__(self, leg: tuple[str, str]) -> tuple[bool, bool]:
        fault, constellation = self._fault, self._constellation
        from_node, to_node = leg
        if len(self) >= LEGS_KEPT:
            self.clear()
        link = hits_link(fault, from_node, to_node, constellation) or hits_node(fault, to_node, constellation)
        taken = self[leg] = hits_node(fault, from_node, constellation), link
        return taken


# The same at all times, so that one for each fault and constellation does.
taken_by = functools.lru_cache(maxsize=FAULTS_KEPT)(Taken)


@dataclass(frozen=True)
class Failure:
    """A fault, and the first instant at which it met what was asked about; emulated UTC, nanoseconds."""

    unix_ns: int
    fault: Fault

    def __str__(self) -> str:
        return f"{self.fault.label()} failed" + (f" ({self.fault.fault_id})" if self.fault.fault_id else "")


class Outages:
    """The faults known now that are not over before an instant, asked for single parts of a constellation.

    Instants are emulated UTC, nanoseconds.
    """

    def __init__(self, faults: Iterable[Fault], constellation: Constellation, from_unix_ns: int) -> None:
        held = [fault for fault in faults if fault.end_unix_ns is None or fault.end_unix_ns > from_unix_ns]
        self._rain = [fault for fault in held if fault.kind is FaultKind.RAIN]
        self._faults = [(fault, taken_by(fault, constellation)) for fault in held if fault.kind is not FaultKind.RAIN]

    def spare(self, transit: Transit) -> bool:
        """Return whether none of them changes a frame's way or has changed it; False where that is not certain."""
        if transit.lost or self._rains_on(transit):
            return False
        if not any(fault.start_unix_ns <= transit.arrival_unix_ns for fault, _ in self._faults):
            return True
        return all(self.catching(stay) is None for stay in transit.stays)

    def _rains_on(self, transit: Transit) -> bool:
        if not self._rain:
            return False
        nodes = transit.nodes
        return any(rain.node in nodes and rain.start_unix_ns <= transit.arrival_unix_ns for rain in self._rain)

    def catching(self, stay: Stay) -> Failure | None:
        """Return the first failure that catches a frame in its node or on the link after it, or None.

        A link may have failed before the frame was to enter it; its node knew it from then on. Where both fail at
        one instant, the node has.
        """
        from_node, to_node, enters_node, enters_link, leaves_node, leaves_link, _ = stay
        caught = []
        for fault, taken in self._faults:
            node, link = taken[from_node, to_node]
            if (node and fault.overlaps(enters_node, leaves_node)) or (
                link and fault.overlaps(enters_link, leaves_link)
            ):
                caught.append((max(fault.start_unix_ns, enters_node), not node, fault))
        return _first(caught)

    def of_node(self, node: str, first_unix_ns: int, last_unix_ns: int) -> Failure | None:
        """Return the first failure of a node within [first, last], or None if it holds out."""
        return _first(
            (max(fault.start_unix_ns, first_unix_ns), False, fault)
            for fault, taken in self._faults
            if taken[node, node][0] and fault.overlaps(first_unix_ns, last_unix_ns)
        )

    def closes(self, from_node: str, to_node: str, unix_ns: int) -> bool:
        """Return whether a link, or the node at its end, is out at an instant."""
        return any(taken[from_node, to_node][1] and fault.holds_at(unix_ns) for fault, taken in self._faults)

    def rain_mm_per_h(self, from_node: str, to_node: str, unix_ns: int) -> float:
        """Return how hard it rains on a ground link at an instant: as hard as on the gateway at one of its ends."""
        if not self._rain:
            return 0.0
        return max(rain_mm_per_h(self._rain, gateway, unix_ns) for gateway in (from_node, to_node))


def _first(caught: Iterable[tuple[int, bool, Fault]]) -> Failure | None:
    """Return the earliest of (instant, whether only the link, fault)."""
    order = sorted(caught, key=lambda each: (each[0], each[1], each[2].start_unix_ns, each[2].fault_id))
    return Failure(order[0][0], order[0][2]) if order else None


def noticed_unix_ns(failure: Failure, enters_node_unix_ns: int, failure_detection_s: float) -> int:
    """Return when the node that holds a frame knows that its link is out; it may have known before the frame came."""
    known = failure.fault.start_unix_ns + round(failure_detection_s * 1e9)
    return max(known, enters_node_unix_ns)


def instants_to_look(noticed_unix_ns: int, acquisition_s: float) -> Iterable[int]:
    """Return when a node looks for a way on: when it notices, and then each second until it gives up."""
    last = noticed_unix_ns + round((acquisition_s + WAIT_FOR_ROUTES_S) * 1e9)
    return range(noticed_unix_ns, last + 1, NS_PER_S)
