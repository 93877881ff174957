"""Satellites, a relay and a receiver as processes of this machine, for the measurements beside this file.

The satellites send frames of 1024 x 1024 16-bit pixels; the receiver acknowledges each one and keeps nothing of it.
The relay is the one that `plumewatch relay` starts, with the default constellation.
"""

import asyncio
import contextlib
import multiprocessing
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import psutil

from plumewatch.v1 import downlink_pb2, frame_pb2, network_pb2, network_pb2_grpc
from services.relay.header import read_header
from services.runtime.grpc_server import SERVER_OPTIONS, open_channel, start_server, wait_until_serving

SATELLITES = 4
PIXEL_BYTES = 1024 * 1024 * 2
SERVICE = "plumewatch.v1.FrameDownlinkService"
SCENARIO = f"""
name = "relay-bench"
duration_s = 3600
area = {{ latitude_deg = -30.9, longitude_deg = 136.5 }}

[train]
satellites = {SATELLITES}
"""
# A receiver that waits so long for a frame takes the senders to be done, seconds.
SILENCE_S = 5.0


@dataclass(frozen=True)
class Plan:
    """What the satellites send.

    rate_hz: frames a second and satellite, all satellites at the same instants; 0: as fast as they are acknowledged.
    window_frames: frames sent and not yet acknowledged, per satellite.
    """

    frames: int
    rate_hz: float = 0.0
    window_frames: int = 8


@dataclass
class Arrivals:
    """What the receiver saw."""

    frames: int = 0
    bytes: int = 0
    first_wall_ns: int = 0
    last_wall_ns: int = 0
    lateness_ns: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Measured:
    """One run. relay_cpu_s: processor time of the relay's process; relay_rss_bytes: its memory at the end."""

    arrivals: Arrivals
    relay_cpu_s: float
    relay_rss_bytes: int
    losses: int

    @property
    def elapsed_s(self) -> float:
        return (self.arrivals.last_wall_ns - self.arrivals.first_wall_ns) / 1e9


def measure(plan: Plan) -> Measured:
    """Return what came through a relay when four satellites sent `plan`."""
    spawn = multiprocessing.get_context("spawn")
    results, ports = spawn.Queue(), spawn.Queue()
    receiver = spawn.Process(target=_receive, args=(plan, ports, results), daemon=True)
    receiver.start()
    try:
        with _relay(ports.get(timeout=30)) as (relay, address):
            sender = spawn.Process(target=_send, args=(plan, address, relay.pid, results), daemon=True)
            sender.start()
            answers: dict[str, Any] = dict(results.get(timeout=300) for _ in range(2))
            cpu_s = _cpu_s(relay.pid) - answers["sent"]["relay_cpu_s"]
            rss_bytes = psutil.Process(relay.pid).memory_info().rss
            sender.join(10)
    finally:
        receiver.terminate()
        receiver.join(10)
    return Measured(answers["received"], cpu_s, rss_bytes, answers["sent"]["losses"])


@contextlib.contextmanager
def _relay(station_port: int) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{listener.getsockname()[1]}"
    with tempfile.TemporaryDirectory() as folder:
        scenario = Path(folder, "scenario.toml")
        scenario.write_text(SCENARIO)
        arguments = ["relay", str(scenario), "--listen", address, "--station", f"127.0.0.1:{station_port}"]
        relay = subprocess.Popen([sys.executable, "-m", "services.cli", *arguments], stderr=subprocess.DEVNULL)
        try:
            if not asyncio.run(wait_until_serving(address, "plumewatch.v1.NetworkService", 30.0)):
                raise RuntimeError(f"the relay at {address} does not serve")
            yield relay, address
        finally:
            relay.terminate()
            relay.wait(10)


def _receive(plan: Plan, ports: Any, results: Any) -> None:
    results.put(("received", asyncio.run(_receive_all(plan, ports))))
    time.sleep(3600)  # the process is ended once the result is read


async def _receive_all(plan: Plan, ports: Any) -> Arrivals:
    arrivals, done = Arrivals(), asyncio.Event()

    async def downlink(requests: Any, context: Any) -> None:
        await context.write(downlink_pb2.DownlinkFramesResponse().SerializeToString())
        async for data in requests:
            now = time.time_ns()
            arrivals.first_wall_ns = arrivals.first_wall_ns or now
            arrivals.last_wall_ns = now
            arrivals.frames += 1
            arrivals.bytes += len(data)
            if plan.rate_hz:
                arrivals.lateness_ns.append(frame_pb2.Frame.FromString(data).hops[0].measured_lateness_ns)
            sequence = read_header(data)[0].sequence
            answer = downlink_pb2.DownlinkFramesResponse(acknowledged_sequence=sequence)
            await context.write(answer.SerializeToString())
            if arrivals.frames == plan.frames * SATELLITES:
                done.set()

    server = grpc.aio.server(options=SERVER_OPTIONS)
    method: Any = grpc.stream_stream_rpc_method_handler(downlink)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {"DownlinkFrames": method}),))
    port, _ = await start_server(server, "127.0.0.1:0", (SERVICE,))
    ports.put(port)
    while not done.is_set():
        before = arrivals.frames
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(done.wait(), SILENCE_S)
        if before == arrivals.frames and before:
            break
    await server.stop(SILENCE_S)
    return arrivals


def _send(plan: Plan, address: str, relay_pid: int, results: Any) -> None:
    results.put(("sent", asyncio.run(_send_all(plan, address, relay_pid))))


async def _send_all(plan: Plan, address: str, relay_pid: int) -> dict[str, float]:
    async with open_channel(address) as channel:
        network = network_pb2_grpc.NetworkServiceStub(channel)  # type: ignore[no-untyped-call]
        clock = await network.GetClock(network_pb2.GetClockRequest())
        names = [f"sat-{number}" for number in range(1, SATELLITES + 1)]
        calls: list[Any] = []
        for name in names:
            metadata = (("plumewatch-satellite-id", name), ("plumewatch-run-id", clock.run_id))
            calls.append(channel.stream_stream(f"/{SERVICE}/DownlinkFrames")(metadata=metadata))
            await calls[-1].read()
        while not clock.HasField("wall_start_unix_ns") or clock.wall_start_unix_ns > time.time_ns():
            await asyncio.sleep(0.05)
            clock = await network.GetClock(network_pb2.GetClockRequest())
        cpu_s = _cpu_s(relay_pid)
        losses = await asyncio.gather(
            *(_send_stream(plan, call, name, clock) for call, name in zip(calls, names, strict=True))
        )
    return {"losses": sum(losses), "relay_cpu_s": cpu_s}


def _cpu_s(pid: int) -> float:
    """Return the processor time a process has used, seconds."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


async def _send_stream(plan: Plan, call: Any, name: str, clock: network_pb2.GetClockResponse) -> int:
    """Send one satellite's frames; return how many were lost on the way."""
    pixels = bytes(range(256)) * (PIXEL_BYTES // 256)
    rest = frame_pb2.Frame(
        satellite_id=name,
        run_id=clock.run_id,
        rows=1024,
        columns=1024,
        pixel_encoding=frame_pb2.PIXEL_ENCODING_UINT16_LE,
        pixels=pixels,
    ).SerializeToString()
    room = asyncio.Semaphore(plan.window_frames)
    settled = losses = 0

    async def answers() -> None:
        nonlocal settled, losses
        acknowledged = -1
        while settled < plan.frames:
            answer = downlink_pb2.DownlinkFramesResponse.FromString(await call.read())
            lost = sum(loss.last_sequence - loss.first_sequence + 1 for loss in answer.losses)
            losses += lost
            fresh = answer.acknowledged_sequence - acknowledged if answer.HasField("acknowledged_sequence") else 0
            acknowledged += fresh
            settled = max(settled, acknowledged + 1)
            for _ in range(fresh):
                room.release()

    reading = asyncio.create_task(answers(), name=f"answers {name}")
    begin_ns = time.time_ns() + 200_000_000
    for sequence in range(plan.frames):
        await room.acquire()
        ready_ns = begin_ns + round(sequence * 1e9 / plan.rate_hz) if plan.rate_hz else clock.wall_start_unix_ns
        await asyncio.sleep(max(0.0, (ready_ns - time.time_ns()) / 1e9))
        ready = clock.emulated_start_unix_ns + ready_ns - clock.wall_start_unix_ns
        header = frame_pb2.Frame(
            exposure_start_unix_ns=ready - 70_000_000, readout_end_unix_ns=ready, sequence=sequence
        ).SerializeToString()
        await call.write(header + rest)
    await reading
    await call.done_writing()
    return losses
