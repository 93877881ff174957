"""Pictures for eyes, made only while somebody looks and no more often than the keenest watcher asks for."""

import asyncio
import time

from plumewatch.v1 import ground_station_pb2
from services.ground_station.hub import Hub
from services.ground_station.search import Search
from services.ground_station.wire import FrameMessage

Picture = ground_station_pb2.WatchFramesResponse
DEFAULT_RATE_HZ = 1.0


class Pace:
    """Lets one in so often through, of each satellite."""

    def __init__(self) -> None:
        self._due_s: dict[str, float] = {}

    def lets_through(self, satellite_id: str, rate_hz: float, now_s: float) -> bool:
        """Return whether it is time for another one, and if so count it; now_s: any clock that only grows."""
        due_s = self._due_s.get(satellite_id, now_s)
        if now_s < due_s:
            return False
        # Steady on the average, without catching up after a pause.
        self._due_s[satellite_id] = max(due_s + 1.0 / rate_hz, now_s)
        return True


class QuickLooks:
    """Makes quick-looks of frames for the hub's watchers."""

    def __init__(self, search: Search) -> None:
        self.hub: Hub[Picture] = Hub()
        self._search = search
        self._pace = Pace()
        self._rates: list[tuple[float, frozenset[str]]] = []
        # At most one of a satellite at a time: more would take the threads from the search.
        self._making: dict[str, asyncio.Future[Picture]] = {}

    def look(self, rate_hz: float, satellite_ids: frozenset[str]) -> None:
        """Note a watcher's wish; satellite_ids empty: all."""
        self._rates.append((rate_hz, satellite_ids))

    def look_away(self, rate_hz: float, satellite_ids: frozenset[str]) -> None:
        """Forget a watcher's wish."""
        self._rates.remove((rate_hz, satellite_ids))

    def offer(self, message: FrameMessage) -> None:
        """Make a picture of a frame that `frame_problem` let pass, if somebody wants one by now."""
        satellite_id = message.head.satellite_id
        wishes = [rate for rate, wanted in self._rates if not wanted or satellite_id in wanted]
        if not wishes or satellite_id in self._making:
            return
        if not self._pace.lets_through(satellite_id, max(wishes), time.monotonic()):
            return
        picture = self._search.start_picture(message)
        self._making[satellite_id] = picture
        picture.add_done_callback(lambda done: self._made(satellite_id, done))

    def _made(self, satellite_id: str, picture: asyncio.Future[Picture]) -> None:
        del self._making[satellite_id]
        if not picture.cancelled():
            self.hub.send(picture.result())
