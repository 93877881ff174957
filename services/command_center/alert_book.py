"""What a command centre believes: the newest revision of each event, whatever order messages come in. Pure."""

from dataclasses import dataclass, field, replace

from plumewatch.v1 import alert_pb2
from services.runtime.envelope import Status

OPEN_STATES = frozenset({alert_pb2.ALERT_STATE_DETECTED, alert_pb2.ALERT_STATE_CONFIRMED})
# Beyond this the event heard of longest ago goes, closed ones first; some 4 KB each.
EVENTS_KEPT = 10_000


@dataclass(frozen=True)
class Entry:
    """One event. heard_s: the reader's own monotonic clock at the newest revision."""

    alert: alert_pb2.Alert
    heard_s: float
    # The broker no longer keeps it: after a day, or because somebody emptied the topic.
    cleared: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it still asks for attention."""
        return self.alert.state in OPEN_STATES


@dataclass
class AlertBook:
    """Newest revisions by event, services by name, and what time it is in the emulated world."""

    entries: dict[str, Entry] = field(default_factory=dict)
    statuses: dict[tuple[str, str], Status] = field(default_factory=dict)
    # Messages that were older than what was known already; a reconnection brings many.
    ignored: int = 0
    _newest_unix_ns: int = 0
    _newest_heard_s: float = 0.0

    def take(self, alert: alert_pb2.Alert, heard_s: float) -> bool:
        """Take a revision; return whether it was news. A lower or equal revision is not."""
        known = self.entries.get(alert.event_id)
        if known is not None and alert.revision <= known.alert.revision:
            if alert.revision == known.alert.revision and known.cleared:
                self.entries[alert.event_id] = replace(known, cleared=False)
            self.ignored += 1
            return False
        # The dictionary's order is that of the last news.
        self.entries.pop(alert.event_id, None)
        self.entries[alert.event_id] = Entry(alert, heard_s)
        self._shrink()
        return True

    def clear(self, event_id: str) -> bool:
        """Note that the broker keeps the event no longer; return whether it is gone from the book.

        Only a closed one goes. An open one stays and is marked: anybody can empty a topic, and a warning must not
        vanish by that.
        """
        known = self.entries.get(event_id)
        if known is None:
            return False
        if known.is_open:
            self.entries[event_id] = replace(known, cleared=True)
            return False
        del self.entries[event_id]
        return True

    def note_status(self, status: Status) -> None:
        """Note what a service says of itself; at most EVENTS_KEPT services are kept."""
        if len(self.statuses) < EVENTS_KEPT or (status.service, status.instance) in self.statuses:
            self.statuses[status.service, status.instance] = status

    def note_time(self, emulated_unix_ns: int, heard_s: float) -> None:
        """Note an emulated instant that some message just carried; a retained one may be old."""
        if emulated_unix_ns >= self._newest_unix_ns:
            self._newest_unix_ns = emulated_unix_ns
            self._newest_heard_s = heard_s

    def emulated_now_unix_ns(self, now_s: float) -> int:
        """Return about what time it is in the emulated world: the newest instant heard of, and what passed since.

        Within a second while tracks are heard, at any rate of the run; 0 where nothing was heard.
        """
        if not self._newest_unix_ns:
            return 0
        return self._newest_unix_ns + round((now_s - self._newest_heard_s) * 1e9)

    def in_order(self) -> list[Entry]:
        """Return open events, then closed ones; within each, the newest news first."""
        newest_first = list(reversed(self.entries.values()))
        return sorted(newest_first, key=lambda entry: not entry.is_open)

    def _shrink(self) -> None:
        if len(self.entries) > EVENTS_KEPT:
            closed = (event_id for event_id, entry in self.entries.items() if not entry.is_open)
            del self.entries[next(closed, next(iter(self.entries)))]
