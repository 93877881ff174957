"""What a satellite says to a relay (or a ground station): asks for the run clock, opens streams of raw frames."""

import asyncio
import secrets
from dataclasses import dataclass
from typing import Any

import grpc
import grpc.aio
import structlog

from plumewatch.v1 import downlink_pb2, network_pb2, network_pb2_grpc
from services.runtime.clock import RunClock
from services.runtime.errors import PeerUnavailableError, PlumewatchError

METHOD = "/plumewatch.v1.FrameDownlinkService/DownlinkFrames"
# One answer from a server that is there, seconds.
ANSWER_S = 10.0
# A run that waits for its satellites starts a second after the last has come; asked often enough to be ready.
CLOCK_PERIOD_S = 0.2

# What another try would meet again.
FINAL = frozenset(
    {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.ALREADY_EXISTS,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        # Somebody else has opened a stream under the same name.
        grpc.StatusCode.ABORTED,
    }
)

log = structlog.get_logger()


class StreamEndedError(Exception):
    """The stream ended before all was settled; another may be opened."""


class RefusedError(PlumewatchError):
    """The other side will not take this satellite's frames, now or later."""

    def __init__(self, satellite_id: str, target: str, code: grpc.StatusCode, details: str) -> None:
        super().__init__(f"satellite {satellite_id}: {target} refuses the stream: {details or code.name}")
        self.code = code


@dataclass(frozen=True)
class Run:
    """The run that the other side is in. clock: None while it waits for its satellites."""

    run_id: str
    clock: RunClock | None
    # Whether the other side keeps the clock (a relay), or this satellite must (a ground station).
    kept_by_relay: bool


class Link:
    """The other side of the downlink, over one channel."""

    def __init__(self, channel: grpc.aio.Channel, satellite_id: str, target: str) -> None:
        self._satellite_id = satellite_id
        self._target = target
        self._network: Any = network_pb2_grpc.NetworkServiceStub(channel)  # type: ignore[no-untyped-call]
        # Frames go out as the bytes they are; only the answers are parsed.
        self._downlink: Any = channel.stream_stream(
            METHOD, response_deserializer=downlink_pb2.DownlinkFramesResponse.FromString
        )

    async def ask_run(self, own_run_id: str) -> Run:
        """Return the run as the relay has it; from a ground station, which keeps no clock, a run of this satellite's.

        Raises PeerUnavailableError where nobody answers, RefusedError where another try would be answered the same.
        """
        try:
            answer = await self._network.GetClock(network_pb2.GetClockRequest(), timeout=ANSWER_S)
        except grpc.aio.AioRpcError as error:
            if error.code() == grpc.StatusCode.UNIMPLEMENTED:
                return Run(own_run_id or f"{self._satellite_id[:40]}-{secrets.token_hex(4)}", None, kept_by_relay=False)
            if error.code() in FINAL:
                raise RefusedError(self._satellite_id, self._target, error.code(), error.details() or "") from error
            raise PeerUnavailableError("the relay", self._target, "start it, or name another with --to") from error
        clock = None
        if answer.HasField("wall_start_unix_ns"):
            clock = RunClock(
                answer.run_id,
                answer.emulated_start_unix_ns,
                answer.wall_start_unix_ns,
                answer.rate,
                answer.emulated_end_unix_ns,
            )
        return Run(answer.run_id, clock, kept_by_relay=True)

    async def started_clock(self) -> RunClock:
        """Return the run clock once it runs; a relay that goes away meanwhile ends the stream as well."""
        while True:
            try:
                run = await self.ask_run("")
            except PeerUnavailableError as error:
                raise StreamEndedError(str(error)) from error
            if run.clock is not None:
                return run.clock
            await asyncio.sleep(CLOCK_PERIOD_S)

    def open(self, run_id: str) -> "Stream":
        """Return a new stream; nothing is sent before the other side's first answer has been read."""
        metadata = (("plumewatch-satellite-id", self._satellite_id), ("plumewatch-run-id", run_id))
        return Stream(self._downlink(metadata=metadata), self._satellite_id, self._target)


class Stream:
    """One open call."""

    def __init__(self, call: Any, satellite_id: str, target: str) -> None:
        self._call = call
        self._satellite_id = satellite_id
        self._target = target

    async def first_answer(self) -> downlink_pb2.DownlinkFramesResponse:
        """Return the answer that comes at once, which names what the other side already has."""
        answer = await self.answer(ANSWER_S)
        if answer is None:
            raise StreamEndedError("the stream was closed before its first answer")
        return answer

    async def answer(self, timeout_s: float | None = None) -> downlink_pb2.DownlinkFramesResponse | None:
        """Return the next answer; None: the other side ended the stream in good order.

        Raises StreamEndedError where it ended otherwise or was silent for too long, RefusedError where another
        stream would end the same way.
        """
        try:
            answer = await asyncio.wait_for(self._call.read(), timeout_s)
        except TimeoutError as error:
            self._call.cancel()
            raise StreamEndedError(f"no answer for {timeout_s:g} s") from error
        except grpc.aio.AioRpcError as error:
            raise self._ended(error.code(), error.details() or "") from error
        except asyncio.InvalidStateError as error:
            raise StreamEndedError(str(error)) from error
        if isinstance(answer, downlink_pb2.DownlinkFramesResponse):
            return answer
        code = await self._call.code()
        if code is not grpc.StatusCode.OK:
            raise self._ended(code, await self._call.details())
        return None

    async def send(self, message: bytes) -> None:
        """Write one message; of a call that is over, wait until whoever reads the answers says why."""
        try:
            await self._call.write(message)
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            await asyncio.Event().wait()

    async def done_sending(self) -> None:
        """Tell the other side that no more will come."""
        try:
            await self._call.done_writing()
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            await asyncio.Event().wait()

    def cancel(self) -> None:
        """End the call, whatever it does."""
        self._call.cancel()

    def _ended(self, code: grpc.StatusCode, details: str) -> Exception:
        if code in FINAL:
            return RefusedError(self._satellite_id, self._target, code, details)
        return StreamEndedError(f"{code.name}: {details}")
