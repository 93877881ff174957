"""Which events were launched together. Pure."""

import math
from dataclasses import dataclass

from plumewatch.v1 import alert_pb2
from services.geometry.geodesic import MEAN_RADIUS_M

# Launches as near as this in place and time belong together: one unit's launchers stand within some tens of
# kilometres, and fire within minutes.
NEAR_M = 100_000.0
NEAR_NS = 300_000_000_000
# A launch point known worse than this joins nothing yet.
KNOWN_M = 50_000.0


@dataclass(frozen=True)
class _Launch:
    run_id: str
    time_unix_ns: int
    latitude_deg: float
    longitude_deg: float


class Salvos:
    """Launches of events that are real, and the salvos that they form.

    A salvo has the id of its oldest event. An event that has joined stays: its launch point only becomes better known.
    Where an event joins two salvos, both become the older one's, each event with its own next revision.
    """

    def __init__(self) -> None:
        self._launches: dict[str, _Launch] = {}
        self._salvos: dict[str, str] = {}
        self._first_unix_ns: dict[str, int] = {}

    def note(self, alert: alert_pb2.Alert) -> None:
        """Take over what the newest revision of an event says."""
        self._first_unix_ns[alert.event_id] = alert.first_time_unix_ns
        launch = _launch(alert)
        if launch is None or alert.state == alert_pb2.ALERT_STATE_RETRACTED or alert.merged_into_event_id:
            self._launches.pop(alert.event_id, None)
        else:
            self._launches[alert.event_id] = launch
            self._salvos[alert.event_id] = alert.salvo_id

    def salvo_of(self, alert: alert_pb2.Alert) -> str:
        """Return the id of the salvo that a new revision belongs to; empty: it is alone.

        The revision says to which it belonged before.
        """
        launch = _launch(alert)
        if launch is None:
            return alert.salvo_id
        others = [
            self._salvos[event_id] or event_id
            for event_id, other in self._launches.items()
            if event_id != alert.event_id and _near(launch, other)
        ]
        if not others:
            return alert.salvo_id
        self._first_unix_ns.setdefault(alert.event_id, alert.first_time_unix_ns)
        return min(
            [alert.salvo_id or alert.event_id, *others], key=lambda name: (self._first_unix_ns.get(name, 0), name)
        )

    def forget_run(self, run_id: str) -> None:
        """Drop a run's launches."""
        for event_id in [name for name, launch in self._launches.items() if launch.run_id == run_id]:
            del self._launches[event_id], self._salvos[event_id]
            self._first_unix_ns.pop(event_id, None)


def _launch(alert: alert_pb2.Alert) -> _Launch | None:
    if not alert.HasField("launch") or alert.launch.ellipse.semi_major_m > KNOWN_M:
        return None
    point = alert.launch.point
    return _Launch(alert.run_id, alert.launch.time_unix_ns, point.latitude_deg, point.longitude_deg)


def _near(one: _Launch, other: _Launch) -> bool:
    if one.run_id != other.run_id or abs(one.time_unix_ns - other.time_unix_ns) > NEAR_NS:
        return False
    north_m = math.radians(one.latitude_deg - other.latitude_deg) * MEAN_RADIUS_M
    if abs(north_m) > NEAR_M:
        return False
    turned = (one.longitude_deg - other.longitude_deg + 180.0) % 360.0 - 180.0
    east_m = math.radians(turned) * MEAN_RADIUS_M * math.cos(math.radians(one.latitude_deg))
    return math.hypot(east_m, north_m) <= NEAR_M
