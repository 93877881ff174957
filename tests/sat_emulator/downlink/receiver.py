"""A relay as a satellite sees it, over real sockets: keeps the clock, takes frames, answers as the test wants."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import grpc.aio
import numpy as np

from plumewatch.v1 import downlink_pb2, downlink_pb2_grpc, frame_pb2, network_pb2, network_pb2_grpc
from sat_emulator.downlink.config import DownlinkConfig
from sat_emulator.downlink.link import Link
from sat_emulator.downlink.sender import Sender
from sat_emulator.frame import Frame
from services.runtime.errors import BadInputError
from services.runtime.grpc_server import SERVER_OPTIONS, open_channel

START_UNIX_NS = 1_800_000_000_000_000_000
Response = downlink_pb2.DownlinkFramesResponse


class Source:
    """Small frames at a rate, some unreadable."""

    def __init__(self, frames: int, rate_hz: float = 100.0, unreadable: tuple[int, ...] = ()) -> None:
        self._frames = frames
        self._period_ns = round(1e9 / rate_hz)
        self._unreadable = unreadable

    def __len__(self) -> int:
        return self._frames

    def readout_end_unix_ns(self, sequence: int) -> int:
        return START_UNIX_NS + (sequence + 1) * self._period_ns

    def frame(self, sequence: int) -> Frame:
        if sequence in self._unreadable:
            raise BadInputError(f"{sequence}.png", "is truncated")
        start = START_UNIX_NS + sequence * self._period_ns
        counts = np.full((64, 64), sequence, np.uint16)
        return Frame(sequence, start, self.readout_end_unix_ns(sequence), 0.001, counts)


@dataclass
class Receiver(downlink_pb2_grpc.FrameDownlinkServiceServicer, network_pb2_grpc.NetworkServiceServicer):
    """Acknowledges each frame unless `on_frame` says otherwise.

    on_frame(receiver, frame): returns the answer, None for silence; raises ConnectionError to drop the stream.
    """

    on_frame: Callable[["Receiver", frame_pb2.Frame], Response | None] | None = None
    run_id: str = "run-1"
    rate: float = 1.0
    wall_start_unix_ns: int | None = 0
    acknowledged: int = -1
    frames: list[frame_pb2.Frame] = field(default_factory=list)
    arrivals_unix_ns: list[int] = field(default_factory=list)
    streams: int = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def GetClock(self, request: Any, context: Any) -> network_pb2.GetClockResponse:  # noqa: N802
        del request, context
        return network_pb2.GetClockResponse(
            run_id=self.run_id,
            emulated_start_unix_ns=START_UNIX_NS,
            wall_start_unix_ns=self.wall_start_unix_ns,
            rate=self.rate,
        )

    async def DownlinkFrames(self, requests: AsyncIterator[frame_pb2.Frame], context: Any) -> AsyncIterator[Response]:  # noqa: N802
        self.streams += 1
        metadata = dict(context.invocation_metadata())
        if metadata["plumewatch-run-id"] != self.run_id:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"this run is {self.run_id!r}")
        self._changed.set()
        yield Response(acknowledged_sequence=self.acknowledged if self.acknowledged >= 0 else None)
        async for frame in requests:
            self.frames.append(frame)
            self._changed.set()
            self.arrivals_unix_ns.append(time.time_ns())
            answer: Response | None
            if self.on_frame is None:
                answer = self.acknowledge(frame.sequence)
            else:
                try:
                    answer = self.on_frame(self, frame)
                except ConnectionError as error:
                    await context.abort(grpc.StatusCode.UNAVAILABLE, str(error))
            if answer is not None:
                yield answer

    async def until(self, streams: int = 0, frames: int = 0) -> None:
        """Return once so many streams have been opened and so many frames have come."""
        while self.streams < streams or len(self.frames) < frames:
            self._changed.clear()
            await self._changed.wait()

    def acknowledge(self, sequence: int) -> Response:
        self.acknowledged = max(self.acknowledged, sequence)
        return Response(acknowledged_sequence=self.acknowledged)

    @property
    def sequences(self) -> list[int]:
        return [frame.sequence for frame in self.frames]


@asynccontextmanager
async def serving(receiver: Receiver, port: int = 0, with_clock: bool = True) -> AsyncIterator[int]:
    """Serve until the end of the block; yields the port."""
    if receiver.wall_start_unix_ns == 0:
        receiver.wall_start_unix_ns = time.time_ns()
    server = grpc.aio.server(options=SERVER_OPTIONS)
    downlink_pb2_grpc.add_FrameDownlinkServiceServicer_to_server(receiver, server)  # type: ignore[no-untyped-call]
    if with_clock:
        network_pb2_grpc.add_NetworkServiceServicer_to_server(receiver, server)  # type: ignore[no-untyped-call]
    port = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    try:
        yield port
    finally:
        await server.stop(0)


async def send(source: Source, port: int, **config: Any) -> Sender:
    """Run one satellite's sender to its end."""
    async with open_channel(f"127.0.0.1:{port}") as channel:
        sender = Sender(
            DownlinkConfig("sat-1", f"127.0.0.1:{port}", **config),
            source,
            Link(channel, "sat-1", f"127.0.0.1:{port}"),
            START_UNIX_NS,
        )
        await asyncio.wait_for(sender.run(), 30)
        return sender
