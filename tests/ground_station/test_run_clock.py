"""When a modelled arrival was on the wall clock, with a relay's clock and without."""

import asyncio
import time
from pathlib import Path
from typing import Any

import grpc.aio
import pytest

from plumewatch.v1 import frame_pb2, ground_station_pb2, network_pb2, network_pb2_grpc
from services.ground_station.run_clock import RunClocks
from services.runtime.clock import RunClock
from services.runtime.grpc_server import SERVER_OPTIONS, start_server
from tests.ground_station.station_ends import RUN, START_UNIX_NS, Sender, frame, running_station

MS = 1_000_000


def stamped(run_id: str = RUN, arrival: int = 500 * MS, lateness: int = 3 * MS) -> frame_pb2.Frame:
    hop = frame_pb2.NetworkHop(node="relay", modelled_arrival_unix_ns=arrival, measured_lateness_ns=lateness)
    return frame_pb2.Frame(run_id=run_id, hops=[hop])


def test_arrival_follows_the_run_clock() -> None:
    clocks = RunClocks()
    clocks.learn(RunClock(RUN, 100 * MS, 7000 * MS, 2.0))
    assert clocks.arrival_wall_unix_ns(stamped(), 9999 * MS) == 7200 * MS
    assert clocks.emulated_now_unix_ns(RUN, 7200 * MS) == 500 * MS


def test_clock_of_another_run_says_nothing() -> None:
    clocks = RunClocks()
    clocks.learn(RunClock("another", 100 * MS, 7000 * MS, 2.0))
    assert clocks.arrival_wall_unix_ns(stamped(), 9999 * MS) == 9996 * MS
    assert clocks.emulated_now_unix_ns(RUN, 7200 * MS) is None


def test_frame_without_a_stamp_arrived_when_it_was_received() -> None:
    assert RunClocks().arrival_wall_unix_ns(frame_pb2.Frame(run_id=RUN), 9999 * MS) == 9999 * MS


class Relay(network_pb2_grpc.NetworkServiceServicer):
    """A relay's clock, which waits for its satellites until told otherwise."""

    def __init__(self) -> None:
        self.wall_start_unix_ns: int | None = None
        self.asked = asyncio.Event()

    async def GetClock(self, request: Any, context: Any) -> network_pb2.GetClockResponse:  # noqa: N802
        del request, context
        self.asked.set()
        return network_pb2.GetClockResponse(
            run_id=RUN,
            emulated_start_unix_ns=START_UNIX_NS,
            wall_start_unix_ns=self.wall_start_unix_ns,
            rate=1.0,
        )


@pytest.mark.parametrize("ahead_s", [0.0, 1000.0])
async def test_station_asks_the_relay_and_refuses_frames_far_ahead_of_its_clock(tmp_path: Path, ahead_s: float) -> None:
    relay = Relay()
    server = grpc.aio.server(options=SERVER_OPTIONS)
    network_pb2_grpc.add_NetworkServiceServicer_to_server(relay, server)  # type: ignore[no-untyped-call]
    relay.wall_start_unix_ns = time.time_ns() + round(ahead_s * 1e9)
    port, _health = await start_server(server, "127.0.0.1:0", ("plumewatch.v1.NetworkService",))
    try:
        async with running_station(tmp_path, relay=f"127.0.0.1:{port}") as station:
            assert relay.asked.is_set()
            sender = Sender(station.channel)
            await sender.first()
            await sender.send(frame(0))
            await sender.until(0)
            assert [loss.cause for loss in sender.losses] == ([] if ahead_s == 0 else [3])
            if ahead_s:
                assert "ahead of the run clock" in sender.losses[0].detail
            status = await station.stub.GetStatus(ground_station_pb2.GetStatusRequest())
            assert status.time_unix_ns == pytest.approx(START_UNIX_NS - ahead_s * 1e9, abs=60e9)
    finally:
        await server.stop(None)


async def test_station_serves_though_its_relay_is_not_there(tmp_path: Path) -> None:
    async with running_station(tmp_path, relay="127.0.0.1:1") as station:
        sender = Sender(station.channel)
        await sender.first()
        await sender.send(frame(0))
        await sender.until(0)
