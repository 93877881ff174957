"""What is known of the run while it lasts. The watchers fill it in and the screen shows it."""

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from plumewatch.v1 import alert_pb2, ground_station_pb2, network_pb2
from services.command_center import describe
from services.command_center.alert_book import AlertBook
from services.runtime.clock import RunClock
from services.stack.schedule import Schedule

NOTES_KEPT = 8
# A chain that keeps up settles a frame well within a second of its read-out. Beyond this much wall time it is said to
# be behind.
BEHIND_S = 2.0


@dataclass
class SatelliteState:
    """One satellite's stream, as the relay and the ground station tell it. Delays in seconds.

    schedule: when its frames are due; None: it is none of this run's. settled: so many frames from the first on are
    committed or known to be lost.
    """

    satellite_id: str
    schedule: Schedule | None = None
    connected: bool = False
    settled: int = 0
    frames_committed: int = 0
    frames_per_s: float = 0.0
    detections: int = 0
    detection_p50_s: float = 0.0
    delay_s: float = 0.0
    lateness_p99_s: float = 0.0
    queued: int = 0
    lost: int = 0

    def behind_s(self, emulated_unix_ns: int) -> float:
        """Return how long the next frame to be settled has been due, emulated seconds; 0 where all are settled."""
        if self.schedule is None or self.settled >= self.schedule.frames:
            return 0.0
        return max(emulated_unix_ns - self.schedule.due_unix_ns(self.settled), 0) / 1e9


@dataclass
class RunState:
    """The run so far. `on_note` is told what a person should know at once."""

    schedules: Mapping[str, Schedule]
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
        self.satellites = {name: SatelliteState(name, schedule) for name, schedule in self.schedules.items()}

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
            if stream.HasField("acknowledged_sequence"):
                state.settled = stream.acknowledged_sequence + 1
            state.frames_committed = stream.frames_committed
            state.frames_per_s = stream.frames_per_s
            state.detections = stream.detections
            state.detection_p50_s = stream.detection_p50_s
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
        if known is None or _worth_a_line(known.alert) != _worth_a_line(alert):
            self.note(describe.line(alert))
        return True

    def take_memory(self, memory_mb: float) -> None:
        """Take in the memory of all processes together."""
        self.memory_mb = memory_mb
        self.memory_mb_peak = max(self.memory_mb_peak, memory_mb)

    @property
    def progress(self) -> float:
        """The part of all frames that is settled, 0 to 1."""
        frames = sum(schedule.frames for schedule in self.schedules.values())
        settled = sum(each.settled for each in self.satellites.values() if each.schedule is not None)
        return min(settled / frames, 1.0) if frames else 0.0

    def behind_s(self, satellite: SatelliteState, wall_unix_ns: int) -> float:
        """Return how far a satellite's frames are behind their time, emulated seconds; 0 while they keep up."""
        if self.clock is None:
            return 0.0
        late_s = satellite.behind_s(self.clock.emulated_unix_ns(wall_unix_ns))
        return late_s if late_s > BEHIND_S * self.clock.rate else 0.0


def _worth_a_line(alert: alert_pb2.Alert) -> tuple[object, ...]:
    """Return what of an alert a person should hear of when it changes."""
    return alert.state, alert.target_class, [item.operator for item in alert.acknowledgements]
