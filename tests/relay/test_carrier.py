"""One stream's two ends, as slow and as broken as no real one can be made to be."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import grpc.aio
import pytest

from plumewatch.v1 import downlink_pb2
from services.relay.account import Account
from services.relay.carrier import Carriage, Carrier
from services.relay.header import FRAME
from services.relay.network.constellation import constellation_of
from services.relay.network.faults import Fault, FaultKind
from services.relay.network.routing import Router
from services.relay.release import Release
from services.relay.run_state import open_run, plan_of
from services.relay.upstream import CallEnd, Upstream
from tests.relay.network_ends import answer_of, frame_bytes, small_scenario

ANSWER = downlink_pb2.DownlinkFramesResponse().SerializeToString()


class SlowSatellite:
    """A satellite's call: it sends its frames and is done, and takes many turns of the loop to be told anything."""

    def __init__(self, frames: list[bytes]) -> None:
        self._frames = frames
        self.told: list[downlink_pb2.DownlinkFramesResponse] = []

    async def read(self) -> Any:
        return self._frames.pop(0) if self._frames else grpc.aio.EOF

    async def write(self, data: bytes) -> None:
        for _ in range(50):
            await asyncio.sleep(0)
        self.told.append(answer_of(data))


class SwiftStation:
    """A call to a ground station that is over the moment the last frame has gone or is lost."""

    def __init__(self, release: Release) -> None:
        self._release = release
        self._answers = [ANSWER]

    async def read(self) -> bytes | None:
        if self._answers:
            return self._answers.pop()
        await asyncio.to_thread(list, self._release)
        return None

    def cancel(self) -> None:
        pass

    def end(self) -> CallEnd:
        return CallEnd(grpc.StatusCode.OK, "", ())


async def test_losses_at_a_streams_end_are_told_before_it_ends() -> None:
    scenario = small_scenario()
    plan = plan_of(scenario)
    run = open_run(plan, None)
    run.faults.inject(Fault("", FaultKind.NODE, scenario.station_id, "", plan.emulated_start_unix_ns))
    await run.start(0.0)
    carriage = Carriage("relay", run, Router(constellation_of(scenario), run.faults), 8, 1 << 20)
    ready = plan.emulated_start_unix_ns
    satellite = SlowSatellite([frame_bytes(sequence, ready) for sequence in range(2)])
    open_upstream: Callable[[Release], Any] = SwiftStation
    answer_type = downlink_pb2.DownlinkFramesResponse
    await Carrier(carriage, FRAME, answer_type, Account("sat-1"), satellite, open_upstream).run()
    lost = [range(loss.first_sequence, loss.last_sequence + 1) for answer in satellite.told for loss in answer.losses]
    assert [sequence for some in lost for sequence in some] == [0, 1]


class BrokenCall:
    """A call that gives one answer and then fails as no call should."""

    def __iter__(self) -> Iterator[bytes]:
        yield ANSWER
        raise OSError("broken")

    def cancel(self) -> None:
        pass


class BrokenChannel:
    def stream_stream(self, _method: str) -> Any:
        return lambda _requests, **_named: BrokenCall()


async def test_reader_of_a_call_that_breaks_in_its_thread_learns_that_it_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken = threading.Event()
    monkeypatch.setattr(threading, "excepthook", lambda _why: broken.set())
    channel: Any = BrokenChannel()
    upstream = Upstream(channel, "/method", (), iter(()), "sat-1")
    async with asyncio.timeout(10):
        assert await upstream.read() == ANSWER
        assert await upstream.read() is None
    assert await asyncio.to_thread(broken.wait, 10)
