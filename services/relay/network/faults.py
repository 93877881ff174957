"""Parts of the network that are out of order, or whose ground link it rains on, and since when."""

import enum
from collections.abc import Iterable
from dataclasses import dataclass, replace

# In force and to come: far more than a person injects; keeps a client in a loop from filling the memory.
MAX_FAULTS = 1000
# Over, of which those that ended last are remembered: a frame on its way meets no more.
MAX_OVER = 1000


class FaultKind(enum.Enum):
    """What a fault takes away."""

    # A satellite, gateway or station with all its links.
    NODE = "node"
    # One link, both ways.
    LINK = "link"
    # All satellites of one plane of a shell.
    PLANE = "plane"
    # A share of the laser links between relay satellites, drawn by a seed.
    LASER_LINKS = "laser_links"
    # Nothing: a gateway's links lose rate to rain.
    RAIN = "rain"


@dataclass(frozen=True)
class Fault:
    """What is out of order from `start_unix_ns` until `end_unix_ns` (emulated UTC).

    node: of NODE, LINK (its first end) and RAIN (the gateway); the shell's name of PLANE; empty of LASER_LINKS.
    to_node: the other end of LINK.
    plane: of PLANE, from 0. share: of LASER_LINKS, in (0, 1]; seed: says which.
    rain_mm_per_h: of RAIN.
    end_unix_ns: None while nobody has healed it. A planned fault has its end from the start.
    planned: from the scenario; else somebody injected it.
    """

    fault_id: str
    kind: FaultKind
    node: str
    to_node: str
    start_unix_ns: int
    end_unix_ns: int | None = None
    plane: int = -1
    share: float = 0.0
    seed: int = 0
    rain_mm_per_h: float = 0.0
    planned: bool = False

    def holds_at(self, unix_ns: int) -> bool:
        """Return whether it holds at an instant."""
        return self.overlaps(unix_ns, unix_ns)

    def overlaps(self, first_unix_ns: int, last_unix_ns: int) -> bool:
        """Return whether it holds at some instant of [first, last]."""
        return self.start_unix_ns <= last_unix_ns and (self.end_unix_ns is None or first_unix_ns < self.end_unix_ns)

    def label(self) -> str:
        """Return what a person calls it."""
        match self.kind:
            case FaultKind.NODE:
                return f"node {self.node}"
            case FaultKind.LINK:
                return f"link {self.node} to {self.to_node}"
            case FaultKind.PLANE:
                return f"plane {self.plane} of {self.node}"
            case FaultKind.LASER_LINKS:
                return f"{self.share:.0%} of the laser links"
            case FaultKind.RAIN:
                return f"rain of {self.rain_mm_per_h:g} mm/h on {self.node}"


class FaultBook:
    """All faults of a run, the healed ones included: a frame on its way may have met one before it was healed.

    One thread changes them; any may ask.
    """

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._faults = {fault.fault_id: fault for fault in faults}
        numbers = (fault_id.removeprefix("fault-") for fault_id in self._faults)
        self._number = max((int(number) for number in numbers if number.isdigit()), default=0)

    def inject(self, fault: Fault, now_unix_ns: int | None = None) -> Fault:
        """Return the fault with an id of its own; from now on it counts. OverflowError where there are too many.

        now_unix_ns: from when on the others must last to count as more; left out: the fault's start.
        """
        now = fault.start_unix_ns if now_unix_ns is None else now_unix_ns
        over = [each for each in self.all() if each.end_unix_ns is not None and each.end_unix_ns <= now]
        lasting = len(self._faults) - len(over)
        if lasting >= MAX_FAULTS:
            raise OverflowError(f"{lasting} faults are in force or to come; clear some before injecting more")
        for each in sorted(over, key=lambda fault: fault.end_unix_ns or 0)[:-MAX_OVER]:
            del self._faults[each.fault_id]
        self._number += 1
        named = replace(fault, fault_id=f"fault-{self._number}")
        self._faults[named.fault_id] = named
        return named

    def clear(self, fault_id: str, end_unix_ns: int) -> Fault:
        """Return the fault, healed at `end_unix_ns`; KeyError if none of that id is in force then or to come.

        One that has not begun by then never will, and is forgotten.
        """
        fault = self._faults[fault_id]
        if fault.end_unix_ns is not None and fault.end_unix_ns <= end_unix_ns:
            raise KeyError(fault_id)
        if end_unix_ns <= fault.start_unix_ns:
            return self._faults.pop(fault_id)
        healed = replace(fault, end_unix_ns=end_unix_ns)
        self._faults[fault_id] = healed
        return healed

    def in_force(self, unix_ns: int) -> tuple[Fault, ...]:
        """Return the faults that are not over at an instant, oldest first: those that hold, and those to come."""
        faults = (each for each in self.all() if each.end_unix_ns is None or each.end_unix_ns > unix_ns)
        return tuple(sorted(faults, key=lambda fault: fault.start_unix_ns))

    def all(self) -> tuple[Fault, ...]:
        """Return the faults of the whole run, oldest first."""
        return tuple(self._faults.values())

    def between(self, first_unix_ns: int, last_unix_ns: int) -> tuple[Fault, ...]:
        """Return the faults that hold at some instant of [first, last]."""
        return tuple(fault for fault in self.all() if fault.overlaps(first_unix_ns, last_unix_ns))

    def forget_before(self, unix_ns: int) -> None:
        """Drop faults that were healed before an instant that no frame on its way can have met."""
        self._faults = {
            key: fault
            for key, fault in tuple(self._faults.items())
            if fault.end_unix_ns is None or fault.end_unix_ns >= unix_ns
        }
