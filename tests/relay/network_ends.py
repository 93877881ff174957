"""The two ends of the relay's streams, as real gRPC programs in the test's process: a ground station, a satellite."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import grpc
import grpc.aio

from plumewatch.v1 import downlink_pb2, frame_pb2, network_pb2, network_pb2_grpc
from services.relay.config import RelayConfig
from services.relay.header import read_header
from services.relay.server import serve
from services.runtime.grpc_server import SERVER_OPTIONS, open_channel, start_server
from services.scenario.model import Gateway, Network, Place, Scenario, Train

FRAMES = "/plumewatch.v1.FrameDownlinkService/DownlinkFrames"


def small_scenario(satellites: int = 1, duration_s: float = 600.0, rate: float = 1.0, **network: Any) -> Scenario:
    """Return satellites in a train over Australia, with gateways there."""
    gateways = (Gateway("perth", Place(-31.8, 115.9)), Gateway("sydney", Place(-33.8, 150.9)))
    return Scenario(
        name="test",
        duration_s=duration_s,
        rate=rate,
        area=Place(-30.9, 136.5),
        train=Train(satellites),
        network=Network(gateways=gateways, **network),
    )


@dataclass
class Received:
    """One message at the ground station, and the wall clock when it was read."""

    data: bytes
    wall_unix_ns: int

    @property
    def frame(self) -> frame_pb2.Frame:
        return frame_pb2.Frame.FromString(self.data)


@dataclass
class Station:
    """A ground station that keeps what it is sent and acknowledges it, unless told otherwise."""

    port: int = 0
    received: list[Received] = field(default_factory=list)
    acknowledged: int | None = None
    reading: asyncio.Event = field(default_factory=asyncio.Event)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    refusal: tuple[grpc.StatusCode, str] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    server: Any = None

    async def downlink(self, requests: Any, context: Any) -> None:
        self.metadata = dict(context.invocation_metadata())
        if self.refusal is not None:
            await context.abort(*self.refusal)
        await context.write(self._answer())
        await self.reading.wait()
        async for data in requests:
            self.received.append(Received(data, time.time_ns()))
            # Frames and batches begin alike.
            self.acknowledged = read_header(data)[0].sequence
            await context.write(self._answer())
            async with self.changed:
                self.changed.notify_all()
            await self.reading.wait()

    def _answer(self) -> bytes:
        return downlink_pb2.DownlinkFramesResponse(acknowledged_sequence=self.acknowledged).SerializeToString()

    async def until_received(self, frames: int) -> None:
        async with self.changed:
            await asyncio.wait_for(self.changed.wait_for(lambda: len(self.received) >= frames), 20)


@contextlib.asynccontextmanager
async def running_station(port: int = 0, station: Station | None = None) -> AsyncIterator[Station]:
    station = station or Station()
    station.reading.set()
    station.server = grpc.aio.server(options=SERVER_OPTIONS)
    method: Any = grpc.stream_stream_rpc_method_handler(station.downlink)
    methods = dict.fromkeys(("DownlinkFrames", "DownlinkDetections"), method)
    station.server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("plumewatch.v1.FrameDownlinkService", methods),)
    )
    name = "plumewatch.v1.FrameDownlinkService"
    station.port, _health = await start_server(station.server, f"127.0.0.1:{port}", (name,))
    try:
        yield station
    finally:
        await station.server.stop(None)


@dataclass
class RelayClient:
    """A satellite's and an operator's view of a relay."""

    channel: grpc.aio.Channel
    network: Any
    clock: network_pb2.GetClockResponse

    async def open(self, satellite_id: str = "sat-1", run_id: str | None = None, method: str = FRAMES) -> Any:
        """Open a stream and return the call; its first response is not read yet."""
        run_id = self.clock.run_id if run_id is None else run_id
        metadata = (("plumewatch-satellite-id", satellite_id), ("plumewatch-run-id", run_id))
        return self.channel.stream_stream(method)(metadata=metadata, wait_for_ready=True)

    async def started_clock(self) -> network_pb2.GetClockResponse:
        """Return the run clock once the run has begun."""
        async with asyncio.timeout(20):
            while not (self.clock.HasField("wall_start_unix_ns") and self.clock.wall_start_unix_ns < time.time_ns()):
                await asyncio.sleep(0.02)
                self.clock = await self.network.GetClock(network_pb2.GetClockRequest())
        return self.clock

    def emulated_now(self) -> int:
        """Return the emulated instant now."""
        clock = self.clock
        return clock.emulated_start_unix_ns + round((time.time_ns() - clock.wall_start_unix_ns) * clock.rate)


@contextlib.asynccontextmanager
async def client_of(port: int) -> AsyncIterator[RelayClient]:
    async with open_channel(f"127.0.0.1:{port}") as channel:
        network = network_pb2_grpc.NetworkServiceStub(channel)  # type: ignore[no-untyped-call]
        clock = await network.GetClock(network_pb2.GetClockRequest(), wait_for_ready=True, timeout=20)
        yield RelayClient(channel, network, clock)


@contextlib.asynccontextmanager
async def running_relay(scenario: Scenario, station: Station, **config: Any) -> AsyncIterator[RelayClient]:
    """Run a relay in this process, on a port of the system's choice, and connect to it."""
    settings = {"start_lead_s": 0.05, "start_after_s": 3600.0} | config
    relay = RelayConfig("127.0.0.1:0", f"127.0.0.1:{station.port}", **settings)
    stop, port = asyncio.Event(), asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(relay, scenario, stop, port.set_result))
    try:
        await asyncio.wait((serving, port), return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            await serving
        async with client_of(await port) as client:
            yield client
    finally:
        stop.set()
        assert await serving == 0


def frame_bytes(sequence: int, readout_end_unix_ns: int, size_bytes: int = 1000, satellite_id: str = "sat-1") -> bytes:
    """Return a frame as a satellite sends it."""
    frame = frame_pb2.Frame(
        exposure_start_unix_ns=readout_end_unix_ns - 70_000_000,
        readout_end_unix_ns=readout_end_unix_ns,
        sequence=sequence,
        satellite_id=satellite_id,
        run_id="run",
        rows=1,
        columns=size_bytes,
        pixel_encoding=frame_pb2.PIXEL_ENCODING_UINT8,
        pixels=bytes(size_bytes),
    )
    return frame.SerializeToString()


def answer_of(data: bytes) -> downlink_pb2.DownlinkFramesResponse:
    """Return a response's message."""
    return downlink_pb2.DownlinkFramesResponse.FromString(data)


async def opened(relay: RelayClient, satellite_id: str = "sat-1") -> Any:
    """Return a stream whose first response has come, with the run clock started."""
    call = await relay.open(satellite_id)
    assert answer_of(await call.read()).HasField("acknowledged_sequence") is False
    await relay.started_clock()
    return call


async def losses_of(call: Any, frames: int) -> list[downlink_pb2.FrameLoss]:
    """Return losses from a stream's responses until they cover so many frames."""
    losses: list[downlink_pb2.FrameLoss] = []
    async with asyncio.timeout(20):
        while sum(loss.last_sequence - loss.first_sequence + 1 for loss in losses) < frames:
            losses += answer_of(await call.read()).losses
    return losses


async def links(relay: RelayClient) -> network_pb2.StreamStatus:
    """Return the state of the only stream."""
    call = relay.network.WatchLinks(network_pb2.WatchLinksRequest())
    look: network_pb2.WatchLinksResponse = await call.read()
    call.cancel()
    (stream,) = look.streams
    return stream


async def links_released(relay: RelayClient, frames: int) -> network_pb2.StreamStatus:
    """Return the state of the only stream once so many frames are counted as released: after the station has them."""
    call = relay.network.WatchLinks(network_pb2.WatchLinksRequest())
    async with asyncio.timeout(20):
        async for look in call:
            stream: network_pb2.StreamStatus = look.streams[0]
            if stream.frames_released >= frames:
                call.cancel()
                return stream
    raise AssertionError("the relay ended its answer")
