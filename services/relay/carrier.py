"""One satellite's stream through the relay: take in, hold until due, stamp, release; answers go back as they come.

    satellite ──read──> held frames ──[path, transit]──[alarm]──[stamp]──write──> ground station
        <──────────────── answers, and losses that this relay knows of ────────────────────

A frame's path is the one at the instant it is ready to leave its satellite, whenever it came here; one that is sent
ahead of its time is held until then as well. The event loop takes in and answers; a thread of the stream's own
releases (`release.py`).

Whatever ends either side ends the stream; nothing is kept then, since the satellite sends again what nobody has
acknowledged.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.message import DecodeError, Message

from plumewatch.v1 import downlink_pb2
from services.relay.account import Account
from services.relay.header import Header, Kind, UnreadableFrameError, read_header
from services.relay.held import HeldFrame, HeldFrames
from services.relay.losses import Losses
from services.relay.network.link import Traffic
from services.relay.network.routing import Router
from services.relay.network.stream import StreamLink
from services.relay.network.trace import Trace
from services.relay.release import Label, Release
from services.relay.run_state import RunState
from services.relay.upstream import Upstream
from services.relay.way import NewestArrival, Way

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
    # The network's chances are drawn by it.
    seed: int = 0
    # Measured delays in the model's stead.
    trace: Trace | None = None
    # By satellite and kind.
    arrivals: dict[tuple[str, str], NewestArrival] = field(default_factory=dict)

    def newest_arrival(self, satellite_id: str, kind: Kind) -> NewestArrival:
        """Return what the streams of one kind that a satellite opens one after another have delivered last."""
        return self.arrivals.setdefault((satellite_id, kind.name), NewestArrival())

    def link(self, satellite_id: str, kind: Kind, not_before_unix_ns: int = 0) -> StreamLink:
        """Return the links of one stream, unused, by which nothing arrives before an instant."""
        constellation, traffic = self.router.constellation, Traffic(kind.name)
        return StreamLink(constellation, self.seed, satellite_id, traffic, self.trace, not_before_unix_ns)


class StreamEndedError(Exception):
    """The stream is over before the satellite was done; the satellite is told why."""

    def __init__(self, code: grpc.StatusCode, details: str, trailers: tuple[tuple[str, str | bytes], ...] = ()) -> None:
        super().__init__(details)
        self.code = code
        self.details = details
        self.trailers = trailers


class Carrier:
    """Carries one stream. `run` returns when the satellite is done and all is answered.

    context: of the satellite's call, in raw bytes. open_upstream: opens the call to the ground station, given what
    releases the messages to write.
    """

    def __init__(
        self,
        carriage: Carriage,
        kind: Kind,
        answer_type: type[Message],
        account: Account,
        context: Any,
        open_upstream: Callable[[Release], Upstream],
    ) -> None:
        self._run = carriage.run
        self._kind = kind
        self._answer_type = answer_type
        self._account = account
        self._context = context
        self._loop = asyncio.get_running_loop()
        self._next_sequence = 0
        self._acknowledged: int | None = None
        self._losses = Losses(carriage.node)
        self._lost_on_the_way = asyncio.Event()
        self._answering = asyncio.Lock()
        self._ended: asyncio.Future[StreamEndedError] = self._loop.create_future()
        self.answered = asyncio.Event()
        held = HeldFrames(carriage.queue_frames, carriage.queue_bytes, account.hold)
        newest = carriage.newest_arrival(account.satellite_id, kind)
        link = carriage.link(account.satellite_id, kind, newest.unix_ns)
        way = Way(account.satellite_id, carriage.router, carriage.run.faults, link, newest)
        self._release = Release(Label(kind, carriage.node), held, way, account, self._hand_over_loss)
        self._upstream = open_upstream(self._release)

    async def run(self) -> None:
        """Carry until both sides are done. Raises StreamEndedError where anything ends the stream before."""
        name = self._account.satellite_id
        # Raised after the block: before Python 3.11.4, what is raised within `except*` comes out as a group.
        ended: StreamEndedError | None = None
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._take_in(), name=f"take in {name}")
                background = [
                    tasks.create_task(self._begin(), name=f"begin {name}"),
                    tasks.create_task(self._tell_of_the_way(), name=f"tell {name}"),
                    tasks.create_task(self._until_ended(), name=f"watch {name}"),
                ]
                await tasks.create_task(self._answer(), name=f"answer {name}")
                for task in background:
                    task.cancel()
        except* StreamEndedError as group:
            ended = _first(group)
        finally:
            self._upstream.cancel()
            self._release.end()
        if ended is not None:
            raise ended

    def end(self, code: grpc.StatusCode, details: str) -> None:
        """End the stream from outside; the satellite is told this code."""
        if not self._ended.done():
            self._ended.set_result(StreamEndedError(code, details))
            # Nothing arrives by it any more, whenever its tasks come to know: a newer stream may be waiting.
            self._release.end()

    async def _until_ended(self) -> None:
        raise await self._ended

    async def _begin(self) -> None:
        await self._run.started.wait()
        assert self._run.clock is not None
        self._release.begin(self._run.clock)

    async def _take_in(self) -> None:
        while isinstance(data := await self._context.read(), bytes):
            self._account.take_in()
            self._accept(data)
            await self._tell()
        self._release.close()

    def _accept(self, data: bytes) -> None:
        """Hold a frame until it is due; note the losses that this brings."""
        try:
            header, data = read_header(data, self._kind)
        except UnreadableFrameError as error:
            # Its number cannot be trusted; it came in the place of the next one.
            sequence, self._next_sequence = self._next_sequence, self._next_sequence + 1
            self._lose(sequence, downlink_pb2.LOSS_CAUSE_REFUSED, str(error))
            return
        self._next_sequence = header.sequence + 1
        if problem := self._wrong_time(header):
            self._lose(header.sequence, downlink_pb2.LOSS_CAUSE_REFUSED, problem)
            return
        detail = "the relay's queue was full and the oldest frame made room; send slower or raise network.queue_frames"
        for frame in self._release.put(HeldFrame(data, header)):
            self._lose(frame.header.sequence, downlink_pb2.LOSS_CAUSE_QUEUE_FULL, detail)

    def _wrong_time(self, header: Header) -> str:
        """Return why a frame of that time cannot be of this run; empty where it can."""
        plan = self._run.plan
        now = self._run.emulated_now_unix_ns() or plan.emulated_start_unix_ns
        latest = (plan.emulated_end_unix_ns or now) + MOST_AHEAD_NS
        if plan.emulated_start_unix_ns <= header.readout_end_unix_ns <= latest:
            return ""
        return (
            f"readout_end_unix_ns is {header.readout_end_unix_ns}, outside the run ({plan.emulated_start_unix_ns} "
            f"to {latest}); take the time from NetworkService.GetClock"
        )

    async def _answer(self) -> None:
        """Pass the ground station's answers back as they are, reading only what they acknowledge."""
        while (data := await self._upstream.read()) is not None:
            self._read_acknowledged(data)
            async with self._answering:
                await self._context.write(data)
            self.answered.set()
            await self._tell()
        end = self._upstream.end()
        if end.code is not grpc.StatusCode.OK:
            raise StreamEndedError(end.code, end.details, end.trailers)
        if not self._release.finished:
            raise StreamEndedError(grpc.StatusCode.UNAVAILABLE, "the ground station ended the stream; open it again")
        # Losses that came last are told before the clean end, those that another task is just telling included.
        await self._tell_now()

    def _read_acknowledged(self, data: bytes) -> None:
        try:
            answer: Any = self._answer_type.FromString(data)
        except DecodeError:
            return  # not ours to judge: the satellite gets the same bytes
        if answer.HasField("acknowledged_sequence"):
            self._acknowledged = answer.acknowledged_sequence
            self._next_sequence = max(self._next_sequence, answer.acknowledged_sequence + 1)

    def _lose(self, sequence: int, cause: downlink_pb2.LossCause, detail: str) -> None:
        self._account.lose(cause)
        self._losses.note(sequence, cause, detail)

    def _hand_over_loss(self, frame: HeldFrame, detail: str) -> None:
        """Bring a loss on the way from the releasing thread to the loop."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to be told
            self._loop.call_soon_threadsafe(self._lose_on_the_way, frame, detail)

    def _lose_on_the_way(self, frame: HeldFrame, detail: str) -> None:
        self._lose(frame.header.sequence, downlink_pb2.LOSS_CAUSE_NETWORK_MODEL, detail)
        self._lost_on_the_way.set()

    async def _tell_of_the_way(self) -> None:
        """Tell of losses on the way as they come, also where the satellite sends nothing more."""
        while True:
            await self._lost_on_the_way.wait()
            self._lost_on_the_way.clear()
            await self._tell()

    async def _tell(self) -> None:
        """Tell the satellite of losses, once the ground station's first answer has gone before."""
        if self._losses and self.answered.is_set():
            await self._tell_now()

    async def _tell_now(self) -> None:
        async with self._answering:
            if losses := self._losses.taken():
                answer: Any = self._answer_type(losses=losses)
                if self._acknowledged is not None:
                    answer.acknowledged_sequence = self._acknowledged
                await self._context.write(answer.SerializeToString())


def _first(group: BaseExceptionGroup[StreamEndedError]) -> StreamEndedError:
    ended = group.exceptions[0]
    assert isinstance(ended, StreamEndedError)
    return ended
