"""Parts of the network that are out of order, and since when."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

# Far more than a person injects; keeps a client in a loop from filling the memory.
MAX_FAULTS = 1000


@dataclass(frozen=True)
class Fault:
    """A node or a link that is out of order from `start_unix_ns` until `end_unix_ns` (emulated UTC).

    to_node: the link's other end; empty: the node itself fails, with all its links. A link fails both ways.
    end_unix_ns: None while it is in force.
    """

    fault_id: str
    node: str
    to_node: str
    start_unix_ns: int
    end_unix_ns: int | None = None

    def holds_at(self, unix_ns: int) -> bool:
        """Return whether the part is out of order at an instant."""
        return self.overlaps(unix_ns, unix_ns)

    def overlaps(self, first_unix_ns: int, last_unix_ns: int) -> bool:
        """Return whether the part is out of order at some instant of [first, last]."""
        return self.start_unix_ns <= last_unix_ns and (self.end_unix_ns is None or first_unix_ns < self.end_unix_ns)

    def hits_node(self, node: str) -> bool:
        """Return whether it is this node that fails."""
        return not self.to_node and self.node == node

    def hits_link(self, from_node: str, to_node: str) -> bool:
        """Return whether it is this link that fails; a failed node is no failed link."""
        return bool(self.to_node) and {self.node, self.to_node} == {from_node, to_node}


class FaultBook:
    """All faults of a run, the healed ones included: a frame on its way may have met one before it was healed."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._faults = {fault.fault_id: fault for fault in faults}
        self._number = max((int(fault_id.removeprefix("fault-")) for fault_id in self._faults), default=0)

    def inject(self, node: str, to_node: str, start_unix_ns: int) -> Fault:
        """Return the new fault, in force from `start_unix_ns`."""
        if len(self._faults) >= MAX_FAULTS:
            raise OverflowError(f"{len(self._faults)} faults are known; clear some before injecting more")
        self._number += 1
        fault = Fault(f"fault-{self._number}", node, to_node, start_unix_ns)
        self._faults[fault.fault_id] = fault
        return fault

    def clear(self, fault_id: str, end_unix_ns: int) -> Fault:
        """Return the fault, healed at `end_unix_ns`; KeyError if none of that id is in force."""
        fault = self._faults[fault_id]
        if fault.end_unix_ns is not None:
            raise KeyError(fault_id)
        healed = replace(fault, end_unix_ns=max(end_unix_ns, fault.start_unix_ns))
        self._faults[fault_id] = healed
        return healed

    def in_force(self) -> tuple[Fault, ...]:
        """Return the faults that nobody has healed, oldest first."""
        return tuple(fault for fault in self._faults.values() if fault.end_unix_ns is None)

    def all(self) -> tuple[Fault, ...]:
        """Return the faults of the whole run, oldest first."""
        return tuple(self._faults.values())

    def at(self, unix_ns: int) -> tuple[Fault, ...]:
        """Return the faults that hold at an instant."""
        return tuple(fault for fault in self._faults.values() if fault.holds_at(unix_ns))

    def forget_before(self, unix_ns: int) -> None:
        """Drop faults that were healed before an instant that no frame on its way can have met."""
        self._faults = {
            key: fault
            for key, fault in self._faults.items()
            if fault.end_unix_ns is None or fault.end_unix_ns >= unix_ns
        }
