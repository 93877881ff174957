"""One stream's way through the modelled network, asked as its frames leave and as they arrive."""

from dataclasses import dataclass

from services.relay.network.faults import FaultBook
from services.relay.network.link import Transit
from services.relay.network.routing import Router
from services.relay.network.stream import StreamLink


@dataclass(frozen=True)
class Lost:
    """A frame that will not arrive. detail: why, for whoever sent it."""

    detail: str


@dataclass
class NewestArrival:
    """When the newest frame arrived that a satellite's streams have delivered; emulated UTC, nanoseconds; 0: none.

    It outlives a stream: what is sent by the next one arrives no earlier.
    """

    unix_ns: int = 0


class Way:
    """One stream's way through the network. Frames are to be given in the order in which they were sent.

    newest: kept up to date with what arrives by this way.
    """

    def __init__(
        self, satellite_id: str, router: Router, faults: FaultBook, link: StreamLink, newest: NewestArrival
    ) -> None:
        self._satellite_id = satellite_id
        self._router = router
        self._faults = faults
        self._link = link
        self._newest = newest

    def leave(self, ready_unix_ns: int, size_bytes: int, sequence: int) -> Transit | Lost:
        """Return the transit of a frame that is ready to leave its satellite at an instant that has come."""
        path = self._router.path(self._satellite_id, ready_unix_ns)
        if path is None:
            return Lost("no path to the ground station; see `plumewatch network show`")
        return self._link.carry(path, ready_unix_ns, size_bytes, sequence)

    def arrive(self, transit: Transit) -> Transit | Lost:
        """Return the same transit where it was as it said, at the instant of its arrival; else what became of it.

        Another transit is one that arrives later, or is lost then; ask again at that instant.
        """
        now = self._link.retimed(transit, self._faults.all(), self._router.path_from)
        if now != transit:
            return now
        if transit.lost:
            return Lost(transit.lost)
        self._newest.unix_ns = max(self._newest.unix_ns, transit.arrival_unix_ns)
        return transit
