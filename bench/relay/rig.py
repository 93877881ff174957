"""Satellites, a relay and a receiver as processes of this machine, for the measurements beside this file.

The receiver acknowledges each frame and keeps nothing of it. The relay is the one that `plumewatch relay` starts, with
the default constellation.
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
# Pixels of a frame: 1024 x 1024 of 16 bits.
FRAME_BYTES = 1024 * 1024 * 2
SERVICE = "plumewatch.v1.FrameDownlinkService"
SCENARIO = f"""
name = "relay-bench"
duration_s = 3600
area = {{ latitude_deg = -30.9, longitude_deg = 136.5 }}

[train]
satellites = {SATELLITES}
"""
# What the model must not hold up leaves its satellite so long ago, more than any path takes, over links of any rate.
LONG_AGO_NS = 1_000_000_000
UNBOUNDED_LINKS = """
[network]
crosslink_rate_bps = 1e14
ground_link_rate_bps = 1e14
"""
# A receiver that waits so long for a frame takes the senders to be done, seconds.
SILENCE_S = 5.0


@dataclass(frozen=True)
class Plan:
    """What the satellites send.

    rate_hz: frames a second and satellite; 0: as fast as they are acknowledged.
    window_frames: frames sent and not yet acknowledged, per satellite.
    due_at_once: messages are due before they are sent, so that the model holds nothing up; so is what has no rate.
    in_turn: satellites send one after another, evenly; else all at the same instants.
    relayed: through the relay; else straight to the receiver.
    """

    frames: int
    rate_hz: float = 0.0
    window_frames: int = 8
    size_bytes: int = FRAME_BYTES
    due_at_once: bool = False
    in_turn: bool = False
    relayed: bool = True

    @property
    def held_up(self) -> bool:
        """Whether the model holds messages up."""
        return not self.due_at_once and self.rate_hz > 0


@dataclass
class Arrivals:
    """What the receiver saw.

    on_the_way_ns: from each frame's write call at its satellite until it was read here.
    releases: of each relayed frame, the modelled arrival (emulated) and when it was read (wall).
    """

    frames: int = 0
    size_bytes: int = 0
    first_wall_ns: int = 0
    last_wall_ns: int = 0
    lateness_ns: list[int] = field(default_factory=list)
    on_the_way_ns: list[int] = field(default_factory=list)
    releases: list[tuple[int, int]] = field(default_factory=list)

    def note(self, data: bytes, wall_ns: int) -> int:
        """Note a frame that was read at an instant; return its sequence number."""
        self.first_wall_ns = self.first_wall_ns or wall_ns
        self.last_wall_ns = wall_ns
        self.frames += 1
        self.size_bytes += len(data)
        header = read_header(data)[0]
        self.on_the_way_ns.append(wall_ns - header.exposure_start_unix_ns)
        for hop in frame_pb2.Frame.FromString(data).hops:
            self.lateness_ns.append(hop.measured_lateness_ns)
            self.releases.append((hop.modelled_arrival_unix_ns, wall_ns))
        return header.sequence


@dataclass(frozen=True)
class Measured:
    """One run. early: frames read before their modelled arrival, or stamped so.

    relay_cpu_s: processor time of the relay's process; relay_rss_bytes: its memory at the end.
    """

    arrivals: Arrivals
    losses: int
    early: int = 0
    relay_cpu_s: float = 0.0
    relay_rss_bytes: int = 0

    @property
    def elapsed_s(self) -> float:
        return (self.arrivals.last_wall_ns - self.arrivals.first_wall_ns) / 1e9


def measure(plan: Plan) -> Measured:
    """Return what came when four satellites sent `plan`."""
    spawn = multiprocessing.get_context("spawn")
    results, ports = spawn.Queue(), spawn.Queue()
    receiver = spawn.Process(target=_receive, args=(plan, ports, results), daemon=True)
    receiver.start()
    try:
        port = ports.get(timeout=30)
        if not plan.relayed:
            answers = _answers(plan, f"127.0.0.1:{port}", 0, results)
            return Measured(answers["received"], answers["sent"]["losses"])
        with _relay(port, plan) as (relay, address):
            answers = _answers(plan, address, relay.pid, results)
            sent, arrivals = answers["sent"], answers["received"]
            cpu_s = _cpu_s(relay.pid) - sent["relay_cpu_s"]
            rss_bytes = psutil.Process(relay.pid).memory_info().rss
            lead_ns = sent["emulated_start_unix_ns"] - sent["wall_start_unix_ns"]
            early = sum(wall_ns + lead_ns < arrival for arrival, wall_ns in arrivals.releases)
            early += sum(lateness_ns < 0 for lateness_ns in arrivals.lateness_ns)
            return Measured(arrivals, sent["losses"], early, cpu_s, rss_bytes)
    finally:
        receiver.terminate()
        receiver.join(10)


def _answers(plan: Plan, address: str, relay_pid: int, results: Any) -> dict[str, Any]:
    """Let the satellites send; return what they and the receiver say."""
    sender = multiprocessing.get_context("spawn").Process(
        target=_send, args=(plan, address, relay_pid, results), daemon=True
    )
    sender.start()
    answers: dict[str, Any] = dict(results.get(timeout=300) for _ in range(2))
    sender.join(10)
    return answers


@contextlib.contextmanager
def _relay(station_port: int, plan: Plan) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{listener.getsockname()[1]}"
    with tempfile.TemporaryDirectory() as folder:
        scenario = Path(folder, "scenario.toml")
        scenario.write_text(SCENARIO if plan.held_up else SCENARIO + UNBOUNDED_LINKS)
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
            sequence = arrivals.note(data, time.time_ns())
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
    names = [f"sat-{number}" for number in range(1, SATELLITES + 1)]
    async with open_channel(address) as channel:
        network = network_pb2_grpc.NetworkServiceStub(channel)  # type: ignore[no-untyped-call]
        clock = network_pb2.GetClockResponse(run_id="straight", wall_start_unix_ns=time.time_ns())
        if plan.relayed:
            clock = await network.GetClock(network_pb2.GetClockRequest())
        calls: list[Any] = []
        for name in names:
            metadata = (("plumewatch-satellite-id", name), ("plumewatch-run-id", clock.run_id))
            calls.append(channel.stream_stream(f"/{SERVICE}/DownlinkFrames")(metadata=metadata))
            await calls[-1].read()
        while not clock.HasField("wall_start_unix_ns") or clock.wall_start_unix_ns > time.time_ns():
            await asyncio.sleep(0.05)
            clock = await network.GetClock(network_pb2.GetClockRequest())
        cpu_s = _cpu_s(relay_pid) if relay_pid else 0.0
        begin_ns = time.time_ns() + 200_000_000
        if not plan.held_up:
            # What leaves long ago must not leave before the run.
            begin_ns = max(begin_ns, clock.wall_start_unix_ns + LONG_AGO_NS)
        step_ns = round(1e9 / plan.rate_hz / SATELLITES) if plan.in_turn else 0
        losses = await asyncio.gather(
            *(
                _send_stream(plan, call, name, clock, begin_ns + k * step_ns)
                for k, (call, name) in enumerate(zip(calls, names, strict=True))
            )
        )
    return {
        "losses": sum(losses),
        "relay_cpu_s": cpu_s,
        "emulated_start_unix_ns": clock.emulated_start_unix_ns,
        "wall_start_unix_ns": clock.wall_start_unix_ns,
    }


def _cpu_s(pid: int) -> float:
    """Return the processor time a process has used, seconds."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


async def _send_stream(plan: Plan, call: Any, name: str, clock: network_pb2.GetClockResponse, begin_ns: int) -> int:
    """Send one satellite's frames; return how many were lost on the way."""
    pixels = bytes(range(256)) * (plan.size_bytes // 256)
    rest = frame_pb2.Frame(
        satellite_id=name,
        run_id=clock.run_id,
        rows=plan.size_bytes // 2048,
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
            for loss in answer.losses:
                losses += loss.last_sequence - loss.first_sequence + 1
                settled = max(settled, loss.last_sequence + 1)
            fresh = answer.acknowledged_sequence - acknowledged if answer.HasField("acknowledged_sequence") else 0
            acknowledged += fresh
            settled = max(settled, acknowledged + 1)
            for _ in range(fresh):
                room.release()

    reading = asyncio.create_task(answers(), name=f"answers {name}")
    for sequence in range(plan.frames):
        await room.acquire()
        wall_ns = begin_ns + round(sequence * 1e9 / plan.rate_hz) if plan.rate_hz else begin_ns
        await asyncio.sleep(max(0.0, (wall_ns - time.time_ns()) / 1e9))
        ready_ns = wall_ns if plan.held_up else time.time_ns() - LONG_AGO_NS
        header = frame_pb2.Frame(
            # Nobody here looks at the exposure: it carries the instant of this write call, wall time.
            exposure_start_unix_ns=time.time_ns(),
            readout_end_unix_ns=clock.emulated_start_unix_ns + ready_ns - clock.wall_start_unix_ns,
            sequence=sequence,
        ).SerializeToString()
        await call.write(header + rest)
    await reading
    await call.done_writing()
    return losses
