"""What is known of the run while it lasts. The watchers fill it in and the screen shows it."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from plumewatch.v1 import alert_pb2, ground_station_pb2, network_pb2
from services.command_center import describe
from services.command_center.alert_book import AlertBook
from services.runtime.clock import RunClock

NOTES_KEPT = 8


@dataclass
class SatelliteState:
    """One satellite's stream, as the relay and the ground station tell it. Delays and backlog in seconds."""

    satellite_id: str
    connected: bool = False
    frames_committed: int = 0
    frames_per_s: float = 0.0
    detections: int = 0
    detection_p50_s: float = 0.0
    backlog_s: float = 0.0
    delay_s: float = 0.0
    lateness_p99_s: float = 0.0
    queued: int = 0
    lost: int = 0


@dataclass
class RunState:
    """The run so far. `on_note` is told what a person should know at once."""

    satellite_ids: tuple[str, ...]
    on_note: Callable[[str], None] = lambda _: None
    run_id: str = ""
    clock: RunClock | None = None
    satellites_connected: int = 0
    satellites: dict[str, SatelliteState] = field(default_factory=dict)
    book: AlertBook = field(default_factory=AlertBook)
    # Wall instant at which the first confirmed alert was here, nanoseconds of UTC; 0: none yet.
    first_confirmed_unix_ns: int = 0
    # Wall time from the modelled arrival of the frame behind a revision until it was back here, by event and revision.
    delivered_s: dict[tuple[str, int], float] = field(default_factory=dict)
    tracks_confirmed: int = 0
    alerts_waiting: int = 0
    broker_connected: bool = False
    memory_mb: float = 0.0
    memory_mb_peak: float = 0.0
    restarts: dict[str, int] = field(default_factory=dict)
    notes: deque[str] = field(default_factory=lambda: deque(maxlen=NOTES_KEPT))

    def __post_init__(self) -> None:
        self.satellites = {name: SatelliteState(name) for name in self.satellite_ids}

    def note(self, text: str) -> None:
        """Keep a line for the screen."""
        self.notes.append(text)
        self.on_note(text)

    def restarted(self, name: str, code: int) -> None:
        """Note that a process was killed and is started again."""
        self.restarts[name] = self.restarts.get(name, 0) + 1
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        self.note(f"{name} died ({how}) and is started again")

    def take_clock(self, answer: network_pb2.GetClockResponse) -> None:
        """Take in what the relay says of the run."""
        self.run_id = answer.run_id
        self.satellites_connected = answer.satellites_connected
        if answer.HasField("wall_start_unix_ns") and self.clock is None:
            self.clock = RunClock(
                answer.run_id,
                answer.emulated_start_unix_ns,
                answer.wall_start_unix_ns,
                answer.rate,
                answer.emulated_end_unix_ns,
            )

    def take_links(self, answer: network_pb2.WatchLinksResponse) -> None:
        """Take in the relay's streams."""
        for stream in answer.streams:
            state = self.satellites.setdefault(stream.satellite_id, SatelliteState(stream.satellite_id))
            state.delay_s = stream.delay_s
            state.lateness_p99_s = stream.lateness_p99_s
            state.queued = stream.frames_queued

    def take_status(self, answer: ground_station_pb2.GetStatusResponse) -> None:
        """Take in the ground station's counters."""
        self.tracks_confirmed = answer.tracks_confirmed
        self.alerts_waiting = answer.alerts_waiting
        self.broker_connected = answer.broker_connected
        for stream in answer.satellites:
            state = self.satellites.setdefault(stream.satellite_id, SatelliteState(stream.satellite_id))
            state.connected = stream.connected
            state.frames_committed = stream.frames_committed
            state.frames_per_s = stream.frames_per_s
            state.detections = stream.detections
            state.detection_p50_s = stream.detection_p50_s
            state.backlog_s = stream.backlog_s
            state.lost = sum(loss.last_sequence - loss.first_sequence + 1 for loss in stream.losses)

    def take_alert(self, alert: alert_pb2.Alert) -> bool:
        """Take in one revision; return whether it is news."""
        known = self.book.entries.get(alert.event_id)
        if not self.book.take(alert, time.monotonic()):
            return False
        if self.clock is not None and alert.latency.arrival_unix_ns:
            arrived_unix_ns = self.clock.wall_unix_ns(alert.latency.arrival_unix_ns)
            self.delivered_s[alert.event_id, alert.revision] = (time.time_ns() - arrived_unix_ns) / 1e9
        if alert.state == alert_pb2.ALERT_STATE_CONFIRMED and not self.first_confirmed_unix_ns:
            self.first_confirmed_unix_ns = time.time_ns()
        if known is None or (known.alert.state, known.alert.target_class) != (alert.state, alert.target_class):
            self.note(describe.line(alert))
        return True

    def take_memory(self, memory_mb: float) -> None:
        """Take in the memory of all processes together."""
        self.memory_mb = memory_mb
        self.memory_mb_peak = max(self.memory_mb_peak, memory_mb)

    def progress(self, wall_unix_ns: int) -> float:
        """Return the part of the run that is over, 0 to 1."""
        if self.clock is None:
            return 0.0
        whole = self.clock.emulated_end_unix_ns - self.clock.emulated_start_unix_ns
        done = self.clock.emulated_unix_ns(wall_unix_ns) - self.clock.emulated_start_unix_ns
        return min(max(done / whole, 0.0), 1.0) if whole > 0 else 0.0
