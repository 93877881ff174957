"""Instants at which paths are chosen anew: every emulated second, and whenever something fails or is healed."""

from dataclasses import dataclass, field

from services.geometry.time import NS_PER_S
from services.relay.network.faults import Fault, FaultBook
from services.relay.network.slots import SLOT_NS, slot_start_ns

Key = tuple[int, tuple[tuple[str, int, int | None], ...]]


@dataclass(frozen=True)
class Moment:
    """An instant of choice, and the faults that may bear on it, those that were healed shortly before included.

    key: the same for two moments at which the same is chosen; what happened after them is not in it.
    """

    unix_ns: int
    faults: tuple[Fault, ...] = ()
    key: Key = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        at = self.unix_ns
        known = (fault for fault in self.faults if fault.start_unix_ns <= at)
        marks = tuple((each.fault_id, each.start_unix_ns, _if_over(each.end_unix_ns, at)) for each in known)
        object.__setattr__(self, "key", (at, marks))

    @property
    def second_unix_ns(self) -> int:
        """When the emulated second began, in which it lies."""
        return self.unix_ns - self.unix_ns % NS_PER_S

    @property
    def slot_unix_ns(self) -> int:
        """When the slot began, in which it lies."""
        return slot_start_ns(self.unix_ns)

    def at(self, unix_ns: int) -> "Moment":
        """Return another moment not after this one, back to the beginning of the slot before."""
        return Moment(unix_ns, self.faults)


def moment_of(faults: FaultBook, unix_ns: int, memory_ns: int) -> Moment:
    """Return the moment whose choice holds at an instant.

    memory_ns: how long a fault bears on what is chosen after it was healed.
    """
    met = faults.between(slot_start_ns(unix_ns) - SLOT_NS - memory_ns, unix_ns)
    chosen = unix_ns - unix_ns % NS_PER_S
    for fault in met:
        for instant in (fault.start_unix_ns, fault.end_unix_ns):
            if instant is not None and chosen < instant <= unix_ns:
                chosen = instant
    return Moment(chosen, met)


def _if_over(end_unix_ns: int | None, unix_ns: int) -> int | None:
    return end_unix_ns if end_unix_ns is not None and end_unix_ns <= unix_ns else None
