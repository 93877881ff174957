"""What the network model says of one stream's frames: how each leaves, and whether it has arrived."""

from dataclasses import dataclass

from services.relay.network.faults import FaultBook
from services.relay.network.link import StreamLink, Transit, fault_met
from services.relay.network.routing import Router


@dataclass(frozen=True)
class Lost:
    """A frame that will not arrive. detail: why, for whoever sent it."""

    detail: str


class Way:
    """One stream's way through the network. Frames are to be given in the order in which they were sent."""

    def __init__(self, satellite_id: str, router: Router, faults: FaultBook) -> None:
        self._satellite_id = satellite_id
        self._router = router
        self._faults = faults
        self._link = StreamLink()

    def leave(self, ready_unix_ns: int, size_bytes: int) -> Transit | Lost:
        """Return the transit of a frame that is ready to leave its satellite at an instant that has come."""
        path = self._router.path(self._satellite_id, ready_unix_ns)
        if path is None:
            return Lost("no path to the ground station; see `plumewatch network show`")
        return self._link.carry(path, ready_unix_ns, size_bytes)

    def arrive(self, transit: Transit) -> Transit | Lost:
        """Return the same transit where it was as it said, at the instant of its arrival; else what became of it.

        Another transit is one that arrives later; ask again then.
        """
        fault = fault_met(transit, self._faults.all())
        if fault is None:
            return transit
        part = f"{fault.node} to {fault.to_node}" if fault.to_node else fault.node
        return Lost(f"{part} failed while the frame was on its way ({fault.fault_id})")
