"""The relay as a process of its own: killed and started again, stopped, and asked by the command."""

import asyncio
import contextlib
import json
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest

from plumewatch.v1 import network_pb2
from services.geometry.time import format_rfc3339
from services.runtime.grpc_server import wait_until_serving
from tests.relay.network_ends import RelayClient, Station, answer_of, client_of, frame_bytes, running_station

MS = 1_000_000
SCENARIO = """
name = "process-test"
duration_s = 600
area = { latitude_deg = -30.9, longitude_deg = 136.5 }

[train]
satellites = 1

[[network.gateway]]
id = "perth"
place = { latitude_deg = -31.8, longitude_deg = 115.9 }

[[network.gateway]]
id = "sydney"
place = { latitude_deg = -33.8, longitude_deg = 150.9 }
"""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


async def command(*arguments: str) -> tuple[int, str, str]:
    """Return the exit code, output and errors of a verb."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.cli",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode(), errors.decode()


class RelayProcess:
    """A relay under the command's own verb, on a fixed port, with its state in a folder."""

    def __init__(self, folder: Path, station: Station) -> None:
        self.port = free_port()
        self._process: asyncio.subprocess.Process | None = None
        scenario = folder / "scenario.toml"
        scenario.write_text(SCENARIO)
        self._arguments = (
            *("relay", str(scenario), "--listen", f"127.0.0.1:{self.port}"),
            *("--station", f"127.0.0.1:{station.port}", "--state-dir", str(folder / "state")),
        )

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.cli", *self._arguments, stderr=asyncio.subprocess.DEVNULL
        )
        assert await wait_until_serving(f"127.0.0.1:{self.port}", "plumewatch.v1.NetworkService", 30)

    async def end(self, number: signal.Signals) -> int:
        assert self._process is not None
        if self._process.returncode is None:
            self._process.send_signal(number)
        return await self._process.wait()


@contextlib.asynccontextmanager
async def relay_process(folder: Path, station: Station) -> AsyncIterator[RelayProcess]:
    relay = RelayProcess(folder, station)
    await relay.start()
    try:
        yield relay
    finally:
        await relay.end(signal.SIGKILL)


async def stream_all(client: RelayClient, frames: list[bytes]) -> None:
    """Send frames as a satellite does: after a broken stream from the first that nobody has acknowledged."""
    settled = -1
    while settled < len(frames) - 1:
        call = await client.open()
        with contextlib.suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
            first = await call.read()
            if first is grpc.aio.EOF:
                continue
            answer = answer_of(first)
            settled = answer.acknowledged_sequence if answer.HasField("acknowledged_sequence") else -1
            settled = await _stream_rest(call, frames, settled)


async def _stream_rest(call: Any, frames: list[bytes], settled: int) -> int:
    next_frame = settled + 1
    while settled < len(frames) - 1:
        while next_frame < min(settled + 9, len(frames)):
            await call.write(frames[next_frame])
            next_frame += 1
        data = await call.read()
        if data is grpc.aio.EOF:
            return settled
        settled = answer_of(data).acknowledged_sequence
    await call.done_writing()
    return settled


async def test_relay_killed_and_started_again_keeps_the_clock_and_loses_no_frame(tmp_path: Path) -> None:
    async with running_station() as station, relay_process(tmp_path, station) as relay:
        async with client_of(relay.port) as client:
            opening = await client.open()
            await opening.read()
            await client.started_clock()
            opening.cancel()
            await client.network.InjectFault(network_pb2.InjectFaultRequest(fault=network_pb2.Fault(node="relay-1584")))
            start = client.emulated_now()
            frames = [frame_bytes(k, start + k * 25 * MS, 10_000) for k in range(60)]
            streaming = asyncio.create_task(stream_all(client, frames))
            for killed_at in (10, 30):
                await station.until_received(killed_at)
                await relay.end(signal.SIGKILL)
                await relay.start()
                clock = await client.network.GetClock(network_pb2.GetClockRequest(), wait_for_ready=True)
                assert (clock.run_id, clock.wall_start_unix_ns) == (
                    client.clock.run_id,
                    client.clock.wall_start_unix_ns,
                )
            faults = await client.network.ListFaults(network_pb2.ListFaultsRequest())
            assert [fault.node for fault in faults.faults] == ["relay-1584"]
            async with asyncio.timeout(60):
                await streaming
        arrived = [received.frame.sequence for received in station.received]
        assert sorted(set(arrived)) == list(range(60))
        for received in station.received:
            wall_ns = received.wall_unix_ns - client.clock.wall_start_unix_ns
            assert client.clock.emulated_start_unix_ns + wall_ns >= received.frame.hops[0].modelled_arrival_unix_ns


async def test_relay_stops_on_sigterm_with_streams_open(tmp_path: Path) -> None:
    async with (
        running_station() as station,
        relay_process(tmp_path, station) as relay,
        client_of(relay.port) as client,
    ):
        call = await client.open()
        await call.read()
        watching = client.network.WatchLinks(network_pb2.WatchLinksRequest())
        await watching.read()
        async with asyncio.timeout(10):
            assert await relay.end(signal.SIGTERM) == 0


async def test_second_relay_on_a_taken_port_says_so(tmp_path: Path) -> None:
    (tmp_path / "scenario.toml").write_text(SCENARIO)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        code, _, errors = await command("relay", str(tmp_path / "scenario.toml"), "--listen", address)
    assert code == 1
    assert f"cannot listen on {address}: the port is taken" in errors


async def test_network_verb_shows_fails_and_heals(tmp_path: Path) -> None:
    async with running_station() as station, relay_process(tmp_path, station) as relay:
        at = ("--relay", f"127.0.0.1:{relay.port}")
        code, shown, _ = await command("network", "show", *at)
        assert code == 0
        assert "relay satellite      1584" in shown
        code, listed, _ = await command("network", "route", "sat-1", "--json", *at)
        route = json.loads(listed)
        hops = [hop["node"] for hop in route["hops"]]
        code, line, _ = await command("network", "fail", hops[1], hops[2], *at)
        assert (code, line.split(":")[0]) == (0, "fault-1")
        # A fault holds from the instant it began; before the run starts that is the start itself.
        code, listed, _ = await command("network", "route", "sat-1", "--json", *at)
        assert [hop["node"] for hop in json.loads(listed)["hops"]][1:3] != hops[1:3]
        code, line, _ = await command("network", "faults", *at)
        assert f"link {hops[1]} to {hops[2]} out of order" in line
        assert (await command("network", "heal", "all", *at))[:2] == (0, "fault-1 healed\n")
        code, _, errors = await command("network", "fail", "nowhere", *at)
        assert code == 1
        assert "there is no node 'nowhere'" in errors
        code, _, errors = await command("network", "show", "--at", "2030-01-01T00:00:00Z", *at)
        assert (code, "2030-01-01T00:00:00.000Z, more than 30 days from the run" in errors) == (1, True)
        offline = await command(
            "route",
            *("--constellation", str(tmp_path / "scenario.toml"), "--from", "sat-1", "--to", "station-1"),
            *("--at", format_rfc3339(int(route["time_unix_ns"]))),
        )
        answer = json.loads(offline[1])
        assert [hop["node"] for hop in answer["hops"]] == hops
        assert answer["delay_s"] == pytest.approx(route["delay_s"], abs=1e-9)


async def test_network_verb_without_a_relay_says_how_to_get_one() -> None:
    code, _, errors = await command("network", "show", "--relay", f"127.0.0.1:{free_port()}")
    assert code == 1
    assert "does not answer; start it" in errors


@pytest.mark.parametrize(
    ("arguments", "code", "wrong"),
    [
        (("--from", "sat-7", "--at", "2026-06-21T12:00:00Z"), 1, "it has sat-1"),
        (("--from", "sat-1", "--at", "noon"), 2, "noon"),
        (("--from", "sat-1", "--at", "1960-06-21T12:00:00Z"), 2, "1960"),
        (("--from", "sat-1", "--at", "2026-06-21T12:00:00Z", "--to", "moon"), 2, "perth"),
    ],
)
async def test_route_that_cannot_be_asked_for_says_why(
    tmp_path: Path, arguments: tuple[str, ...], code: int, wrong: str
) -> None:
    (tmp_path / "scenario.toml").write_text(SCENARIO)
    returned, _, errors = await command("route", "--constellation", str(tmp_path / "scenario.toml"), *arguments)
    assert returned == code
    assert wrong in errors


async def test_satellite_whose_lasers_reach_nobody_has_no_path(tmp_path: Path) -> None:
    near = "[network]\ncrosslink_range_m = 10.0\n[[network.gateway]]"
    (tmp_path / "scenario.toml").write_text(SCENARIO.replace("[[network.gateway]]", near, 1))
    arguments = ("--constellation", str(tmp_path / "scenario.toml"), "--from", "sat-1", "--at", "2026-06-21T12:00:00Z")
    returned, _, errors = await command("route", *arguments)
    assert (returned, "no path" in errors) == (1, True)
    assert "above a gateway" in " ".join(errors.split())
    _, _, errors = await command("route", *arguments, "--to", "perth")
    assert "above that gateway" in " ".join(errors.split())


async def test_satellite_of_a_catalogue_that_flies_in_no_shell_is_told_so(shared_data: Path, tmp_path: Path) -> None:
    # One satellite alone makes no shell.
    lines = (shared_data / "tle" / "starlink.tle").read_text().splitlines()[:3]
    (tmp_path / "one.tle").write_text("\n".join(lines))
    asked = ("--from", lines[0].strip(), "--at", "2026-06-21T12:00:00Z")
    code, _, errors = await command("route", "--constellation", str(tmp_path / "one.tle"), *asked)
    assert code == 1
    assert f"{lines[0].strip()} has no laser links: its height belongs to no shell" in " ".join(errors.split())


async def test_route_of_a_scenario_keeps_to_its_planned_faults(tmp_path: Path) -> None:
    file = tmp_path / "scenario.toml"
    asked = ("route", "--constellation", str(file), "--from", "sat-1", "--at", "2026-06-21T12:00:07Z")
    file.write_text(SCENARIO)
    code, output, errors = await command(*asked)
    assert code == 0, errors
    gateway = json.loads(output)["gateway"]
    file.write_text(f'{SCENARIO}\n[[network.fault]]\nkind = "gateway"\nnode = "{gateway}"\nstart_s = 0.0\n')
    code, output, errors = await command(*asked)
    assert code == 0, errors
    assert {gateway, json.loads(output)["gateway"]} == {"perth", "sydney"}
    file.write_text(f'{SCENARIO}\n[[network.fault]]\nkind = "gateway"\nnode = "moon"\nstart_s = 0.0\n')
    code, _, errors = await command(*asked)
    assert (code, "there is no node 'moon'" in errors) == (1, True)


async def test_route_takes_a_shipped_scenario_by_its_name() -> None:
    asked = ("--from", "sat-1", "--at", "2026-06-21T12:00:30Z")
    code, output, errors = await command("route", "--constellation", "default", *asked)
    assert code == 0, errors
    answer = json.loads(output)
    assert (answer["from"], answer["station"]) == ("sat-1", "station-1")
    code, _, errors = await command("route", "--constellation", "defalt", *asked)
    assert (code, "did you mean 'default'" in errors) == (1, True)
