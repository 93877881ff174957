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
    time_unix_ns: int
    latitude_deg: float
    longitude_deg: float


@dataclass(frozen=True)
class _Event:
    """What its newest revision says; launch: None where it is not known, or the event was nothing or is another."""

    run_id: str
    first_unix_ns: int
    salvo_id: str
    launch: _Launch | None


class Salvos:
    """Launches of events that are real, and the salvos that they form.

    A salvo has the id of its oldest event. An event that has joined stays: its launch point only becomes better known.
    Where an event joins two salvos, both become the older one's, each event with its own next revision.
    """

    def __init__(self) -> None:
        self._events: dict[str, _Event] = {}

    def note(self, alert: alert_pb2.Alert) -> None:
        """Take over what the newest revision of an event says."""
        is_real = alert.state != alert_pb2.ALERT_STATE_RETRACTED and not alert.merged_into_event_id
        launch = _launch(alert) if is_real else None
        self._events[alert.event_id] = _Event(alert.run_id, alert.first_time_unix_ns, alert.salvo_id, launch)

    def salvo_of(self, alert: alert_pb2.Alert) -> str:
        """Return the id of the salvo that a new revision belongs to; empty: it is alone.

        The revision says to which it belonged before.
        """
        launch = _launch(alert)
        if launch is None:
            return alert.salvo_id
        others = [
            event.salvo_id or event_id
            for event_id, event in self._events.items()
            if event_id != alert.event_id
            and event.run_id == alert.run_id
            and event.launch is not None
            and _near(launch, event.launch)
        ]
        if not others:
            return alert.salvo_id
        names = [alert.salvo_id or alert.event_id, *others]
        return min(names, key=lambda name: (self._first_unix_ns(name, alert), name))

    def _first_unix_ns(self, event_id: str, alert: alert_pb2.Alert) -> int:
        """Return when an event began, 0 where it is not known; it may be the revision's own, and new."""
        if event_id == alert.event_id:
            return alert.first_time_unix_ns
        return self._events[event_id].first_unix_ns if event_id in self._events else 0

    def forget_run(self, run_id: str) -> None:
        """Drop a run's events."""
        self._events = {event_id: event for event_id, event in self._events.items() if event.run_id != run_id}


def _launch(alert: alert_pb2.Alert) -> _Launch | None:
    if not alert.HasField("launch") or alert.launch.ellipse.semi_major_m > KNOWN_M:
        return None
    point = alert.launch.point
    return _Launch(alert.launch.time_unix_ns, point.latitude_deg, point.longitude_deg)


def _near(one: _Launch, other: _Launch) -> bool:
    if abs(one.time_unix_ns - other.time_unix_ns) > NEAR_NS:
        return False
    north_m = math.radians(one.latitude_deg - other.latitude_deg) * MEAN_RADIUS_M
    if abs(north_m) > NEAR_M:
        return False
    turned = (one.longitude_deg - other.longitude_deg + 180.0) % 360.0 - 180.0
    east_m = math.radians(turned) * MEAN_RADIUS_M * math.cos(math.radians(one.latitude_deg))
    return math.hypot(east_m, north_m) <= NEAR_M
