"""FrameDownlinkService as the ground station serves it: messages come as bytes and are parsed once."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

import grpc
import grpc.aio
import structlog
from google.protobuf.message import DecodeError

from plumewatch.v1 import detection_pb2, downlink_pb2, frame_pb2
from services.ground_station import figures
from services.ground_station.fusion import Fusion
from services.ground_station.quick_looks import QuickLooks
from services.ground_station.run_clock import RunClocks
from services.ground_station.search import Search, Searched
from services.ground_station.streams import Stream
from services.ground_station.wire import batch_problem, frame_problem, read_frame
from services.runtime.envelope import ID
from services.runtime.grpc_server import abort_with
from services.runtime.pixel_codec import MissingCodecError

SERVICE = downlink_pb2.DESCRIPTOR.services_by_name["FrameDownlinkService"].full_name
SATELLITE_KEY = "plumewatch-satellite-id"
RUN_KEY = "plumewatch-run-id"
# A frame from further ahead of the run clock has a wrong clock, and would make all that follows one from the past.
MOST_AHEAD_NS = 60_000_000_000

log = structlog.get_logger()


class CallEndedError(Exception):
    """The call is over before the sender was done."""

    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        super().__init__(details)
        self.code = code
        self.details = details


class DownlinkService:
    """Takes every satellite's frames, or detections made elsewhere, to the fusion."""

    def __init__(
        self,
        fusion: Fusion,
        search: Search,
        quick_looks: QuickLooks,
        clocks: RunClocks,
        open_stream: Callable[[str, str], Awaitable[Stream]],
    ) -> None:
        """open_stream: gives the one stream of a run and a satellite, running."""
        self._fusion = fusion
        self._search = search
        self._quick_looks = quick_looks
        self._clocks = clocks
        self._open_stream = open_stream
        self._calls: dict[tuple[str, str], _Call] = {}
        self._stopping = False

    def handler(self) -> grpc.GenericRpcHandler:
        """Return the service for a server; no deserialiser is named, so that bytes come as bytes."""

        async def frames(_requests: Any, context: Any) -> None:
            await self._downlink(self._take_frame, downlink_pb2.DownlinkFramesResponse, context)

        async def detections(_requests: Any, context: Any) -> None:
            await self._downlink(self._take_batch, downlink_pb2.DownlinkDetectionsResponse, context)

        methods = {"DownlinkFrames": frames, "DownlinkDetections": detections}
        return grpc.method_handlers_generic_handler(
            SERVICE, {name: grpc.stream_stream_rpc_method_handler(method) for name, method in methods.items()}
        )

    def stop(self) -> None:
        """End all calls and refuse new ones; what they have handed over is settled all the same."""
        self._stopping = True
        for call in self._calls.values():
            call.end(grpc.StatusCode.UNAVAILABLE, "the ground station stops; open the stream again")

    async def _downlink(self, take: "Take", answer_type: type, context: Any) -> None:
        run_id, satellite_id = await self._checked_metadata(context)
        key = (run_id, satellite_id)
        call = _Call(context, take, answer_type)
        older = self._calls.get(key)
        if older is not None:
            # The sender came back before its old connection was known to be dead.
            older.end(grpc.StatusCode.ABORTED, f"{satellite_id} has opened a newer stream")
        self._calls[key] = call
        try:
            stream = await self._open_stream(run_id, satellite_id)
            # What an older call has handed over is known before this one is told where to go on.
            await stream.idle()
            await call.run(stream)
        except CallEndedError as ended:
            log.warning("stream ended", satellite=satellite_id, code=ended.code.name, details=ended.details)
            await _abort(context, ended)
        finally:
            if self._calls.get(key) is call:
                del self._calls[key]

    async def _checked_metadata(self, context: Any) -> tuple[str, str]:
        metadata = dict(context.invocation_metadata() or ())
        values = []
        for key in (RUN_KEY, SATELLITE_KEY):
            value = metadata.get(key, "")
            if not isinstance(value, str) or not ID.fullmatch(value):
                problem = f"metadata {key} is {value!r:.80}; set it to 1 to 64 of A-Z a-z 0-9 _ -"
                await abort_with(context, ValueError(problem))
            values.append(str(value))
        if self._stopping:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the ground station stops; open the stream again")
        return values[0], values[1]

    async def _take_frame(self, stream: Stream, data: bytes, received_wall_unix_ns: int) -> None:
        try:
            message = read_frame(data)
        except DecodeError as error:
            _refuse(stream, received_wall_unix_ns, f"{len(data)} bytes are no Frame: {error}")
            return
        head = message.head
        _check_owner(head, stream)
        if not head.HasField("sequence"):
            _refuse(stream, received_wall_unix_ns, "sequence is not set; it must be, zero included")
            return
        problem = frame_problem(message) or self._clock_problem(head, received_wall_unix_ns)
        if head.pixel_compression and not problem:
            # Before the frame is judged: what cannot be unpacked is refused like all that cannot be read.
            try:
                message = await self._search.unpack(message)
            except (ValueError, MissingCodecError) as error:
                problem = str(error)
        verdict = stream.book.judge(head.sequence, head.readout_end_unix_ns, problem)
        if verdict.settles is None:
            figures.REPEATED.labels(stream.satellite_id).inc()
        elif verdict.accepted:
            stream.take(verdict, received_wall_unix_ns, self._search.start(message))
            self._quick_looks.offer(message)
        else:
            stream.take(verdict, received_wall_unix_ns, None)

    async def _take_batch(self, stream: Stream, data: bytes, received_wall_unix_ns: int) -> None:
        try:
            batch = detection_pb2.DetectionBatch.FromString(data)
        except DecodeError as error:
            _refuse(stream, received_wall_unix_ns, f"{len(data)} bytes are no DetectionBatch: {error}")
            return
        _check_owner(batch, stream)
        if not batch.HasField("sequence"):
            _refuse(stream, received_wall_unix_ns, "sequence is not set; it must be, zero included")
            return
        problem = batch_problem(batch) or self._clock_problem(batch, received_wall_unix_ns)
        verdict = stream.book.judge(batch.sequence, batch.readout_end_unix_ns, problem)
        if verdict.settles is None:
            figures.REPEATED.labels(stream.satellite_id).inc()
            return
        found: asyncio.Future[Searched] | None = None
        if verdict.accepted:
            found = asyncio.get_running_loop().create_future()
            found.set_result(Searched(batch))
        stream.take(verdict, received_wall_unix_ns, found)

    def _clock_problem(self, head: frame_pb2.Frame | detection_pb2.DetectionBatch, wall_unix_ns: int) -> str:
        now = self._clocks.emulated_now_unix_ns(head.run_id, wall_unix_ns)
        if now is None or head.readout_end_unix_ns <= now + MOST_AHEAD_NS:
            return ""
        ahead_s = (head.readout_end_unix_ns - now) / 1e9
        return f"readout_end_unix_ns lies {ahead_s:.0f} s ahead of the run clock; take the time from GetClock"


Take = Callable[[Stream, bytes, int], Awaitable[None]]


class _Call:
    """One open call: reads messages as there is room, tells what is settled."""

    def __init__(self, context: Any, take: Take, answer_type: type) -> None:
        self._context = context
        self._take = take
        self._answer_type = answer_type
        self._settled = asyncio.Event()
        self._ended: asyncio.Future[CallEndedError] = asyncio.get_running_loop().create_future()
        self._losses_told = 0
        self._all_taken = False

    def end(self, code: grpc.StatusCode, details: str) -> None:
        """End the call from outside; the sender is told this code."""
        if not self._ended.done():
            self._ended.set_result(CallEndedError(code, details))

    async def run(self, stream: Stream) -> None:
        """Serve until the sender is done and has been told of everything. Raises CallEndedError."""
        if self._ended.done():
            raise self._ended.result()
        stream.on_settled = self._settled.set
        stream.connected = True
        # Raised after the block: before Python 3.11.4, what is raised within `except*` comes out as a group.
        ended: CallEndedError | None = None
        try:
            await self._answer(stream)
            async with asyncio.TaskGroup() as tasks:
                watching = tasks.create_task(self._until_ended(), name=f"watch {stream.satellite_id}")
                tasks.create_task(self._take_in(stream), name=f"take in {stream.satellite_id}")
                await tasks.create_task(self._tell(stream), name=f"tell {stream.satellite_id}")
                watching.cancel()
        except* CallEndedError as group:
            ended = _first(group)
        finally:
            stream.connected = False
            stream.active_s = time.monotonic()
        if ended is not None:
            raise ended

    async def _take_in(self, stream: Stream) -> None:
        while True:
            await stream.room()
            data = await self._context.read()
            if not isinstance(data, bytes):
                break
            await self._take(stream, data, time.time_ns())
        await stream.idle()
        self._all_taken = True
        self._settled.set()

    async def _tell(self, stream: Stream) -> None:
        while not self._all_taken:
            await self._settled.wait()
            self._settled.clear()
            await self._answer(stream)

    async def _answer(self, stream: Stream) -> None:
        answer = stream.answer(self._losses_told)
        self._losses_told = stream.losses_ever
        data = answer.SerializeToString()
        if self._answer_type is not downlink_pb2.DownlinkFramesResponse:
            # The two answers have the same fields under the same numbers.
            data = self._answer_type.FromString(data).SerializeToString()  # type: ignore[attr-defined]
        await self._context.write(data)

    async def _until_ended(self) -> NoReturn:
        raise await self._ended


def _check_owner(head: frame_pb2.Frame | detection_pb2.DetectionBatch, stream: Stream) -> None:
    for field, value, wanted in (
        ("satellite_id", head.satellite_id, stream.satellite_id),
        ("run_id", head.run_id, stream.run_id),
    ):
        if value != wanted:
            raise CallEndedError(
                grpc.StatusCode.INVALID_ARGUMENT,
                f"{field} is {value!r:.80} and the stream's metadata say {wanted!r}; one stream is one satellite's",
            )


def _refuse(stream: Stream, received_wall_unix_ns: int, problem: str) -> None:
    """Settle a message whose own number cannot be read: it stands for the next one."""
    stream.take(stream.book.judge(None, problem=problem), received_wall_unix_ns, None)


def _first(group: BaseExceptionGroup[CallEndedError]) -> CallEndedError:
    ended = group.exceptions[0]
    return ended if isinstance(ended, CallEndedError) else _first(ended)


async def _abort(context: Any, ended: CallEndedError) -> NoReturn:
    if ended.code is grpc.StatusCode.INVALID_ARGUMENT:
        await abort_with(context, ValueError(ended.details))
    await context.abort(ended.code, ended.details)
    raise AssertionError("abort does not return")
