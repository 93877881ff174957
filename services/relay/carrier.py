"""One satellite's stream through the relay: take in, hold until due, stamp, release; answers go back as they come.

    satellite ──read──> held frames ──> [path, transit] ──alarm──> [stamp] ──write──> ground station
        <──────────────── answers, and losses that this relay knows of ────────────────────

A frame's path is the one at the instant it is ready to leave its satellite, whenever it came here; one that is sent
ahead of its time is held until then as well.

Whatever ends either side ends the stream; nothing is kept then, since the satellite sends again what nobody has
acknowledged.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import DecodeError, Message

from plumewatch.v1 import downlink_pb2
from services.relay.account import Account
from services.relay.alarm import Alarm
from services.relay.header import Header, Kind, UnreadableFrameError, hop_stamp, read_header
from services.relay.held import HeldFrame, HeldFrames
from services.relay.network.link import StreamLink, Transit, fault_met
from services.relay.network.routing import Router
from services.relay.run_state import RunState
from services.runtime.clock import RunClock

# A frame whose source time lies this far past the run's end (or, in a run without end, past now) can only come from a
# wrong clock, and would hold up its stream for as long; nanoseconds.
MOST_AHEAD_NS = 60_000_000_000


@dataclass(frozen=True)
class Carriage:
    """What the streams of one relay share."""

    node: str
    run: RunState
    router: Router
    queue_frames: int
    queue_bytes: int


class StreamEndedError(Exception):
    """The stream is over before the satellite was done; the satellite is told why."""

    def __init__(self, code: grpc.StatusCode, details: str, trailers: tuple[tuple[str, str | bytes], ...] = ()) -> None:
        super().__init__(details)
        self.code = code
        self.details = details
        self.trailers = trailers


class Carrier:
    """Carries one stream. `run` returns when the satellite is done and all is answered.

    context: of the satellite's call; upstream: the call to the ground station. Both carry raw bytes.
    """

    def __init__(
        self,
        carriage: Carriage,
        kind: Kind,
        answer_type: type[Message],
        account: Account,
        context: Any,
        upstream: Any,
    ) -> None:
        self._carriage = carriage
        self._kind = kind
        self._answer_type = answer_type
        self._account = account
        self._context = context
        self._upstream = upstream
        self._held = HeldFrames(carriage.queue_frames, carriage.queue_bytes)
        self._link = StreamLink()
        self._next_sequence = 0
        self._acknowledged: int | None = None
        self._losses: list[downlink_pb2.FrameLoss] = []
        self._answering = asyncio.Lock()
        self._finished = False
        self._ended: asyncio.Future[StreamEndedError] = asyncio.get_running_loop().create_future()
        self.answered = asyncio.Event()

    async def run(self) -> None:
        """Carry until both sides are done. Raises StreamEndedError where anything ends the stream before."""
        name = self._account.satellite_id
        # Raised after the block: before Python 3.11.4, what is raised within `except*` comes out as a group.
        ended: StreamEndedError | None = None
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._take_in(), name=f"take in {name}")
                tasks.create_task(self._release(), name=f"release {name}")
                watch = tasks.create_task(self._until_ended(), name=f"watch {name}")
                await tasks.create_task(self._answer(), name=f"answer {name}")
                watch.cancel()
        except* StreamEndedError as group:
            ended = _first(group)
        finally:
            self._upstream.cancel()
        if ended is not None:
            raise ended

    def end(self, code: grpc.StatusCode, details: str) -> None:
        """End the stream from outside; the satellite is told this code."""
        if not self._ended.done():
            self._ended.set_result(StreamEndedError(code, details))

    async def _until_ended(self) -> None:
        raise await self._ended

    async def _take_in(self) -> None:
        while isinstance(data := await self._context.read(), bytes):
            self._account.take_in()
            for loss in self._accept(data):
                self._note(loss)
            self._account.hold(len(self._held), self._held.bytes_held)
            await self._tell()
        self._held.close()

    def _accept(self, data: bytes) -> list[downlink_pb2.FrameLoss]:
        """Hold a frame until it is due; return the losses that this brought."""
        try:
            header, data = read_header(data, self._kind)
            self._check_time(header)
        except UnreadableFrameError as error:
            # Its number cannot be trusted; it came in the place of the next one.
            sequence, self._next_sequence = self._next_sequence, self._next_sequence + 1
            return [self._loss(sequence, downlink_pb2.LOSS_CAUSE_REFUSED, str(error))]
        self._next_sequence = header.sequence + 1
        dropped = self._held.put(HeldFrame(data, header))
        detail = "the relay's queue was full and the oldest frame made room; send slower or raise network.queue_frames"
        return [self._loss(frame.header.sequence, downlink_pb2.LOSS_CAUSE_QUEUE_FULL, detail) for frame in dropped]

    def _check_time(self, header: Header) -> None:
        plan = self._carriage.run.plan
        now = self._carriage.run.emulated_now_unix_ns() or plan.emulated_start_unix_ns
        latest = (plan.emulated_end_unix_ns or now) + MOST_AHEAD_NS
        if not plan.emulated_start_unix_ns <= header.readout_end_unix_ns <= latest:
            raise UnreadableFrameError(
                f"readout_end_unix_ns is {header.readout_end_unix_ns}, outside the run ({plan.emulated_start_unix_ns} "
                f"to {latest}); take the time from NetworkService.GetClock"
            )

    async def _release(self) -> None:
        await self._carriage.run.started.wait()
        clock = self._carriage.run.clock
        assert clock is not None
        with Alarm() as alarm:
            while (frame := await self._held.head()) is not None:
                ready = frame.header.readout_end_unix_ns
                await alarm.wait_until(_due(clock, ready))
                if not self._held.holds_first(frame):
                    continue
                path = self._carriage.router.path(self._account.satellite_id, ready)
                if path is None:
                    self._held.take(frame)
                    await self._lose_on_the_way(frame, "no path to the ground station; see `plumewatch network show`")
                    continue
                transit = self._link.carry(path, ready, len(frame.data))
                due = _due(clock, transit.arrival_unix_ns)
                await alarm.wait_until(due)
                if self._held.take(frame):
                    await self._send_on(frame, transit, due)
        self._finished = True
        await self._upstream.done_writing()

    async def _lose_on_the_way(self, frame: HeldFrame, detail: str) -> None:
        self._account.hold(len(self._held), self._held.bytes_held)
        self._note(self._loss(frame.header.sequence, downlink_pb2.LOSS_CAUSE_NETWORK_MODEL, detail))
        await self._tell()

    async def _send_on(self, frame: HeldFrame, transit: Transit, due_wall_unix_ns: int) -> None:
        fault = fault_met(transit, self._carriage.run.faults.all())
        if fault is not None:
            part = f"{fault.node} to {fault.to_node}" if fault.to_node else fault.node
            await self._lose_on_the_way(frame, f"{part} failed while the frame was on its way ({fault.fault_id})")
            return
        lateness_ns = time.time_ns() - due_wall_unix_ns
        stamp = hop_stamp(
            self._kind,
            self._carriage.node,
            transit.path.nodes,
            transit.departure_unix_ns,
            transit.arrival_unix_ns,
            max(lateness_ns, 0),
        )
        try:
            await self._upstream.write(b"".join((frame.data, stamp)))
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            # The call is over; `_answer` learns why and says it.
            await asyncio.Event().wait()
        self._account.release(lateness_ns / 1e9)
        self._account.hold(len(self._held), self._held.bytes_held)

    async def _answer(self) -> None:
        """Pass the ground station's answers back as they are, reading only what they acknowledge."""
        try:
            while isinstance(data := await self._upstream.read(), bytes):
                self._read_acknowledged(data)
                async with self._answering:
                    await self._context.write(data)
                self.answered.set()
                await self._tell()
        except grpc.aio.AioRpcError as error:
            raise _ended(error) from error
        code = await self._upstream.code()
        if code is not grpc.StatusCode.OK:
            raise StreamEndedError(code, await self._upstream.details(), await _trailers(self._upstream))
        if not self._finished:
            raise StreamEndedError(grpc.StatusCode.UNAVAILABLE, "the ground station ended the stream; open it again")

    def _read_acknowledged(self, data: bytes) -> None:
        try:
            answer: Any = self._answer_type.FromString(data)
        except DecodeError:
            return  # not ours to judge: the satellite gets the same bytes
        if answer.HasField("acknowledged_sequence"):
            self._acknowledged = answer.acknowledged_sequence
            self._next_sequence = max(self._next_sequence, answer.acknowledged_sequence + 1)

    def _loss(self, sequence: int, cause: downlink_pb2.LossCause, detail: str) -> downlink_pb2.FrameLoss:
        self._account.lose(cause)
        return downlink_pb2.FrameLoss(
            first_sequence=sequence, last_sequence=sequence, cause=cause, detail=detail, node=self._carriage.node
        )

    def _note(self, loss: downlink_pb2.FrameLoss) -> None:
        """Keep a loss until it is told, as one with its neighbour where it can be."""
        last = self._losses[-1] if self._losses else None
        if last and (last.cause, last.detail, last.last_sequence + 1) == (loss.cause, loss.detail, loss.first_sequence):
            last.last_sequence = loss.last_sequence
        else:
            self._losses.append(loss)

    async def _tell(self) -> None:
        """Tell the satellite of losses, once the ground station's first answer has gone before."""
        if not self._losses or not self.answered.is_set():
            return
        async with self._answering:
            losses, self._losses = self._losses, []
            if losses:
                answer: Any = self._answer_type(losses=losses)
                if self._acknowledged is not None:
                    answer.acknowledged_sequence = self._acknowledged
                await self._context.write(answer.SerializeToString())


def _due(clock: RunClock, emulated_unix_ns: int) -> int:
    """Return the first whole wall nanosecond at which the emulated instant has come."""
    wall_unix_ns = clock.wall_unix_ns(emulated_unix_ns)
    while clock.emulated_unix_ns(wall_unix_ns) < emulated_unix_ns:
        wall_unix_ns += 1
    return wall_unix_ns


def _first(group: BaseExceptionGroup[StreamEndedError]) -> StreamEndedError:
    ended = group.exceptions[0]
    assert isinstance(ended, StreamEndedError)
    return ended


def _ended(error: grpc.aio.AioRpcError) -> StreamEndedError:
    trailers = tuple((key, value) for key, value in error.trailing_metadata() or ())
    return StreamEndedError(error.code(), error.details() or "", trailers)


async def _trailers(call: Any) -> tuple[tuple[str, str | bytes], ...]:
    return tuple((key, value) for key, value in await call.trailing_metadata() or ())
