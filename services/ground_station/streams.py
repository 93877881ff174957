"""One satellite's frames in one run, whoever sends them: judged, searched, committed, in order.

    call ──take──> judged ──> searched in a thread ──> settled in order ──> committed ──> the call is told

A stream outlives its calls. What a call has handed over is settled even if the call is gone by then, so that a new
call is told of it and does not send it again.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import median

from plumewatch.v1 import detection_pb2, downlink_pb2, ground_station_pb2
from services.ground_station import figures
from services.ground_station.archive import Settlement, StreamState
from services.ground_station.fusion import Fusion
from services.ground_station.ingest import Loss, SequenceBook, Verdict
from services.ground_station.search import Searched
from services.ground_station.wire import arrival_unix_ns

# For the figures in GetStatus.
RATE_WINDOW_S = 5.0
SEARCHES_KEPT = 200
# A stream that loses frame after frame must not fill memory and messages; the archive keeps all.
LOSSES_TOLD = 10_000

CAUSES = {"skipped": downlink_pb2.LOSS_CAUSE_SKIPPED, "refused": downlink_pb2.LOSS_CAUSE_REFUSED}


@dataclass(frozen=True)
class Taken:
    """A judged message. found: what is in it, once it is searched; None where it was refused."""

    verdict: Verdict
    newest_readout_end_unix_ns: int
    received_wall_unix_ns: int
    found: asyncio.Future[Searched] | None


class Stream:
    """Keeps one satellite's place in one run. `run` must be running."""

    def __init__(
        self, run_id: str, satellite_id: str, state: StreamState, losses: list[Loss], most_in_flight: int, node: str
    ) -> None:
        """state, losses: as committed. node: who names this station's losses."""
        self.node = node
        self.run_id = run_id
        self.satellite_id = satellite_id
        self.book = SequenceBook(state.settled_sequence, state.newest_readout_end_unix_ns)
        # As committed.
        self.state = state
        self.losses = losses[-LOSSES_TOLD:]
        self.losses_ever = len(losses)
        self.arrival_unix_ns = 0
        # Whether a call is open.
        self.connected = False
        self.active_s = time.monotonic()
        # Called when something is settled.
        self.on_settled: Callable[[], None] = lambda: None
        self._most_in_flight = most_in_flight
        self._in_flight = 0
        self._moved = asyncio.Event()
        # Bounded by `room`: nothing is taken while `most_in_flight` messages are under way.
        self._taken: asyncio.Queue[Taken] = asyncio.Queue()
        self._repeated_before = state.frames_repeated
        self._committed_s: deque[float] = deque(maxlen=4096)
        self._search_s: deque[float] = deque(maxlen=SEARCHES_KEPT)

    @property
    def frames_repeated(self) -> int:
        """Frames that came again, over the run."""
        return self._repeated_before + self.book.repeated

    async def room(self) -> None:
        """Return once another message may be taken."""
        while self._in_flight >= self._most_in_flight:
            await self._next_move()

    async def idle(self) -> None:
        """Return once everything that was taken is settled."""
        while self._in_flight:
            await self._next_move()

    def take(self, verdict: Verdict, received_wall_unix_ns: int, found: asyncio.Future[Searched] | None) -> None:
        """Take over a judged message that settles something."""
        self._in_flight += 1
        self.active_s = time.monotonic()
        self._taken.put_nowait(Taken(verdict, self.book.newest_readout_end_unix_ns, received_wall_unix_ns, found))

    async def run(self, fusion: Fusion) -> None:
        """Settle what is taken, in order, for ever."""
        ahead = self.state
        while True:
            taken = await self._taken.get()
            searched = await taken.found if taken.found is not None else None
            batch = searched.batch if searched is not None else None
            assert taken.verdict.settles is not None
            ahead = replace(
                ahead,
                settled_sequence=taken.verdict.settles,
                newest_readout_end_unix_ns=taken.newest_readout_end_unix_ns,
                frames_committed=ahead.frames_committed + (batch is not None),
                detections=ahead.detections + (len(batch.detections) if batch is not None else 0),
                frames_repeated=self.frames_repeated,
            )
            settlement = Settlement(
                self.run_id,
                self.satellite_id,
                ahead,
                taken.verdict.losses,
                batch.SerializeToString() if batch is not None else None,
            )
            committed = await fusion.submit(settlement, batch, taken.received_wall_unix_ns)
            if searched is not None:
                self._search_s.append(searched.seconds)
            committed.add_done_callback(self._when_committed(ahead, taken.verdict.losses, batch))

    def answer(self, losses_told: int) -> downlink_pb2.DownlinkFramesResponse:
        """Return what a call is told. losses_told: of `losses_ever`, how many it has been told of."""
        fresh = min(self.losses_ever - losses_told, len(self.losses))
        return downlink_pb2.DownlinkFramesResponse(
            acknowledged_sequence=self.state.settled_sequence if self.state.settled_sequence >= 0 else None,
            losses=[loss_message(loss, self.node) for loss in self.losses[len(self.losses) - fresh :]],
        )

    def status(self, emulated_now_unix_ns: int | None) -> ground_station_pb2.SatelliteStatus:
        """Return the stream's figures."""
        now_s = time.monotonic()
        recent = sum(1 for committed_s in self._committed_s if now_s - committed_s <= RATE_WINDOW_S)
        backlog_s = 0.0
        if self.connected and emulated_now_unix_ns is not None and self.arrival_unix_ns:
            backlog_s = max(emulated_now_unix_ns - self.arrival_unix_ns, 0) / 1e9
        return ground_station_pb2.SatelliteStatus(
            satellite_id=self.satellite_id,
            connected=self.connected,
            frames_committed=self.state.frames_committed,
            acknowledged_sequence=self.state.settled_sequence if self.state.settled_sequence >= 0 else None,
            losses=[loss_message(loss, self.node) for loss in self.losses],
            frames_per_s=recent / RATE_WINDOW_S,
            backlog_s=backlog_s,
            detection_p50_s=median(self._search_s) if self._search_s else 0.0,
            detections=self.state.detections,
            frames_repeated=self.frames_repeated,
        )

    def _when_committed(
        self, state: StreamState, losses: tuple[Loss, ...], batch: detection_pb2.DetectionBatch | None
    ) -> Callable[[asyncio.Future[None]], None]:
        def settled(committed: asyncio.Future[None]) -> None:
            if committed.cancelled():
                return
            self._note(state, losses, batch)

        return settled

    def _note(self, state: StreamState, losses: tuple[Loss, ...], batch: detection_pb2.DetectionBatch | None) -> None:
        self.state = state
        self.losses = [*self.losses, *losses][-LOSSES_TOLD:] if losses else self.losses
        self.losses_ever += len(losses)
        for loss in losses:
            figures.LOST.labels(self.satellite_id, loss.cause).inc(len(loss))
        if batch is not None:
            self.arrival_unix_ns = arrival_unix_ns(batch) or batch.readout_end_unix_ns
            self._committed_s.append(time.monotonic())
            figures.FRAMES.labels(self.satellite_id).inc()
            figures.DETECTIONS.labels(self.satellite_id).inc(len(batch.detections))
        self._in_flight -= 1
        self._moved.set()
        self.on_settled()

    async def _next_move(self) -> None:
        self._moved.clear()
        await self._moved.wait()


def loss_message(loss: Loss, node: str) -> downlink_pb2.FrameLoss:
    """Return a loss as it is told; node: who says so."""
    return downlink_pb2.FrameLoss(
        first_sequence=loss.first_sequence,
        last_sequence=loss.last_sequence,
        cause=CAUSES[loss.cause],
        detail=loss.detail,
        node=node,
    )
