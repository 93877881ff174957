import asyncio
import socket
import time
from typing import Any

import grpc
import pytest

from plumewatch.v1 import downlink_pb2, frame_pb2, network_pb2
from sat_emulator.downlink.link import RefusedError
from sat_emulator.downlink.sender import GaveUpError
from services.runtime.errors import PlumewatchError
from tests.sat_emulator.downlink.receiver import START_UNIX_NS, Receiver, Response, Source, send, serving


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_every_frame_arrives_once_in_order_and_none_before_its_readout_ends() -> None:
    receiver = Receiver()
    async with serving(receiver) as port:
        sender = await send(Source(30, rate_hz=100), port)
    assert receiver.sequences == list(range(30))
    assert receiver.wall_start_unix_ns is not None
    for frame, arrival in zip(receiver.frames, receiver.arrivals_unix_ns, strict=True):
        assert arrival - receiver.wall_start_unix_ns >= frame.readout_end_unix_ns - START_UNIX_NS
    report = sender.account.as_json()
    assert (report["sent"], report["acknowledged"], report["lost"]) == (30, 30, {})
    assert 0 <= report["max_backlog_s"] < 2


async def test_dropped_stream_goes_on_after_the_last_acknowledged_frame() -> None:
    def on_frame(receiver: Receiver, frame: frame_pb2.Frame) -> Response | None:
        if frame.sequence == 10 and receiver.streams == 1:
            raise ConnectionError("the relay stops")
        # Frames 7 to 9 are taken in and never acknowledged.
        return None if receiver.streams == 1 and frame.sequence > 6 else receiver.acknowledge(frame.sequence)

    receiver = Receiver(on_frame)
    async with serving(receiver) as port:
        sender = await send(Source(20), port)
    second = receiver.sequences[receiver.sequences.index(10) + 1 :]
    while second[0] > 7:  # what the first stream had still on its way
        second.pop(0)
    assert second == list(range(7, 20))
    report = sender.account.as_json()
    assert (report["sent"], report["acknowledged"], report["lost"]) == (20, 20, {})
    assert report["streams_opened"] == 2


async def test_receiver_that_is_gone_for_a_while_gets_every_frame() -> None:
    port, receiver = _free_port(), Receiver()
    sending = asyncio.create_task(send(Source(120, rate_hz=100), port))
    async with serving(receiver, port):
        await receiver.until(frames=40)
    first = len(receiver.frames)
    await asyncio.sleep(0.5)
    async with serving(receiver, port):
        sender = await sending
    assert sorted(set(receiver.sequences)) == list(range(120))
    assert receiver.acknowledged == 119
    assert sender.account.lost() == {}
    assert first < 120
    # The outage shows as what it was: frames that waited.
    assert sender.account.max_backlog_s > 0.4


async def test_no_more_frames_are_on_their_way_than_the_window_holds() -> None:
    held = asyncio.Event()

    def on_frame(receiver: Receiver, frame: frame_pb2.Frame) -> Response | None:
        return receiver.acknowledge(frame.sequence) if held.is_set() else None

    receiver = Receiver(on_frame)
    async with serving(receiver) as port:
        sending = asyncio.create_task(send(Source(40, rate_hz=1000), port, window_frames=5))
        await receiver.until(frames=5)
        await asyncio.sleep(0.3)
        assert receiver.sequences == [0, 1, 2, 3, 4]
        held.set()
        # The silence of the first stream ends with it.
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)


async def test_frame_its_source_cannot_read_is_skipped_and_counted_with_its_reason() -> None:
    receiver = Receiver()
    async with serving(receiver) as port:
        sender = await send(Source(10, unreadable=(3, 9)), port)
    assert receiver.sequences == [0, 1, 2, 4, 5, 6, 7, 8]
    report = sender.account.as_json()
    assert (report["sent"], report["acknowledged"], report["lost"]) == (8, 8, {"unreadable": 2})
    assert report["details"] == ["frame 3: 3.png: is truncated", "frame 9: 9.png: is truncated"]


async def test_losses_named_on_the_way_are_counted_by_cause_and_not_sent_again() -> None:
    def on_frame(receiver: Receiver, frame: frame_pb2.Frame) -> Response | None:
        if frame.sequence < 8:
            return receiver.acknowledge(frame.sequence)
        answer = Response(acknowledged_sequence=7)
        answer.losses.add(
            first_sequence=frame.sequence,
            last_sequence=frame.sequence,
            cause=downlink_pb2.LOSS_CAUSE_NETWORK_MODEL,
            detail="no path",
            node="relay",
        )
        return answer

    receiver = Receiver(on_frame)
    async with serving(receiver) as port:
        sender = await send(Source(10), port)
    assert receiver.streams == 1
    assert sender.account.as_json()["lost"] == {"network_model": 2}


async def test_frames_wait_for_the_run_to_start() -> None:
    receiver = Receiver(wall_start_unix_ns=None)
    async with serving(receiver) as port:
        sending = asyncio.create_task(send(Source(5), port))
        await receiver.until(streams=1)
        await asyncio.sleep(0.3)
        assert receiver.frames == []
        receiver.wall_start_unix_ns = time.time_ns() + 200_000_000
        await sending
    assert receiver.sequences == list(range(5))
    assert receiver.arrivals_unix_ns[0] >= receiver.wall_start_unix_ns


async def test_emulated_time_may_run_faster_than_wall_time() -> None:
    receiver = Receiver(rate=20.0)
    async with serving(receiver) as port:
        started = time.monotonic()
        sender = await send(Source(50, rate_hz=10), port)
    assert time.monotonic() - started < 4
    assert sender.account.done


async def test_ground_station_without_a_clock_gets_frames_in_a_run_of_the_satellites_own() -> None:
    receiver = Receiver(run_id="own-run")
    async with serving(receiver, with_clock=False) as port:
        await send(Source(5), port, run_id="own-run")
    assert receiver.sequences == list(range(5))
    assert receiver.frames[0].run_id == "own-run"


async def test_refusal_ends_the_satellite_with_the_reason() -> None:
    receiver = Receiver(run_id="another")
    async with serving(receiver, with_clock=False) as port:
        with pytest.raises(RefusedError, match=r"satellite sat-1: 127.0.0.1:\d+ refuses the stream: this run is 'ano"):
            await send(Source(5), port, run_id="run-1")


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED])
async def test_clock_that_is_refused_ends_the_satellite_at_once(code: grpc.StatusCode) -> None:
    class Closed(Receiver):
        async def GetClock(self, request: Any, context: Any) -> network_pb2.GetClockResponse:  # noqa: N802
            del request
            await context.abort(code, "no certificate")
            raise AssertionError

    async with serving(Closed()) as port:
        with pytest.raises(RefusedError, match=r"refuses the stream: no certificate") as caught:
            await send(Source(5), port)
    assert caught.value.code == code


async def test_new_run_behind_the_same_address_is_no_place_to_go_on() -> None:
    def on_frame(receiver: Receiver, frame: frame_pb2.Frame) -> Response | None:
        receiver.run_id = "run-2"
        raise ConnectionError("restart")

    receiver = Receiver(on_frame)
    async with serving(receiver) as port:
        with pytest.raises(PlumewatchError, match="has begun another run, run-2"):
            await send(Source(5), port)


async def test_nobody_there_is_said_with_the_remedy() -> None:
    with pytest.raises(GaveUpError, match=r"gave up after .* the relay at .* does not answer; start it"):
        await send(Source(5), _free_port(), give_up_after_s=0.5)


async def test_silent_receiver_is_left_for_a_new_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sat_emulator.downlink.sender.SILENCE_S", 0.5)

    def on_frame(receiver: Receiver, frame: frame_pb2.Frame) -> Response | None:
        return None if receiver.streams == 1 else receiver.acknowledge(frame.sequence)

    receiver = Receiver(on_frame)
    async with serving(receiver) as port:
        sender = await send(Source(8), port)
    assert receiver.streams == 2
    assert sender.account.lost() == {}
