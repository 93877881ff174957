"""What became of each satellite's frames, for WatchLinks and Prometheus."""

import threading
from collections import deque
from dataclasses import dataclass, field

from prometheus_client import Counter, Gauge, Histogram

from plumewatch.v1 import downlink_pb2

# Releases over which the lateness quantiles are taken: a few minutes at the default rate.
LATENESS_KEPT = 1000

FRAMES_RECEIVED = Counter("plumewatch_relay_frames_received", "Frames taken in from a satellite.", ["satellite"])
FRAMES_RELEASED = Counter("plumewatch_relay_frames_released", "Frames released to the ground station.", ["satellite"])
FRAMES_LOST = Counter("plumewatch_relay_frames_lost", "Frames lost, by cause.", ["satellite", "cause"])
FRAMES_RETIMED = Counter(
    "plumewatch_relay_frames_retimed", "Frames whose way was cut and that went on by another.", ["satellite"]
)
FRAMES_QUEUED = Gauge("plumewatch_relay_frames_queued", "Frames on their way.", ["satellite"])
BYTES_QUEUED = Gauge("plumewatch_relay_bytes_queued", "Bytes on their way.", ["satellite"])
STREAMS_OPEN = Gauge("plumewatch_relay_streams_open", "Streams open now.", ["satellite"])
LATENESS = Histogram(
    "plumewatch_relay_lateness_seconds",
    "Wall time from a frame's modelled arrival to the write call that released it.",
    ["satellite"],
    buckets=(0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 1, 10),
)


@dataclass
class Account:
    """One satellite's counters since this relay started. Its streams' threads count at the same time."""

    satellite_id: str
    received: int = 0
    released: int = 0
    lost_queue_full: int = 0
    lost_network_model: int = 0
    refused: int = 0
    retimed: int = 0
    streams_open: int = 0
    frames_queued: int = 0
    bytes_queued: int = 0
    _lateness_s: deque[float] = field(default_factory=lambda: deque(maxlen=LATENESS_KEPT))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        # Looked up once: a release waits for none of it.
        self._frames_released = FRAMES_RELEASED.labels(self.satellite_id)
        self._lateness = LATENESS.labels(self.satellite_id)
        self._frames_queued = FRAMES_QUEUED.labels(self.satellite_id)
        self._bytes_queued = BYTES_QUEUED.labels(self.satellite_id)

    def take_in(self) -> None:
        """Count a frame that came."""
        with self._lock:
            self.received += 1
        FRAMES_RECEIVED.labels(self.satellite_id).inc()

    def release(self, lateness_s: float) -> None:
        """Count a frame that went out."""
        with self._lock:
            self.released += 1
            self._lateness_s.append(lateness_s)
        self._frames_released.inc()
        self._lateness.observe(lateness_s)

    def retime(self) -> None:
        """Count a frame whose way was cut and that went on by another."""
        with self._lock:
            self.retimed += 1
        FRAMES_RETIMED.labels(self.satellite_id).inc()

    def lose(self, cause: downlink_pb2.LossCause, frames: int = 1) -> None:
        """Count frames that will never arrive."""
        with self._lock:
            if cause == downlink_pb2.LOSS_CAUSE_QUEUE_FULL:
                self.lost_queue_full += frames
            elif cause == downlink_pb2.LOSS_CAUSE_NETWORK_MODEL:
                self.lost_network_model += frames
            else:
                self.refused += frames
        name = downlink_pb2.LossCause.Name(cause).removeprefix("LOSS_CAUSE_").lower()
        FRAMES_LOST.labels(self.satellite_id, name).inc(frames)

    def hold(self, frames: int, size_bytes: int) -> None:
        """Note how much more is on its way now; less where negative."""
        with self._lock:
            self.frames_queued += frames
            self.bytes_queued += size_bytes
            self._frames_queued.set(self.frames_queued)
            self._bytes_queued.set(self.bytes_queued)

    def opened(self) -> None:
        """Note a stream that opened."""
        self._count_streams(1)

    def closed(self) -> None:
        """Note a stream that ended."""
        self._count_streams(-1)

    def lateness_quantile_s(self, part: float) -> float:
        """Return a quantile of the newest releases' lateness, seconds; 0 where there is none yet."""
        with self._lock:
            ordered = sorted(self._lateness_s)
        return ordered[min(int(part * len(ordered)), len(ordered) - 1)] if ordered else 0.0

    def _count_streams(self, more: int) -> None:
        with self._lock:
            self.streams_open += more
            STREAMS_OPEN.labels(self.satellite_id).set(self.streams_open)
