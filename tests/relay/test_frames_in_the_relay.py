"""What the relay does with bytes: reads headers, stamps hops, holds frames, keeps its state."""

import asyncio
import dataclasses
import json
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plumewatch.v1 import detection_pb2, frame_pb2
from services.relay import run_state
from services.relay.header import BATCH, FRAME, Header, UnreadableFrameError, read_header
from services.relay.held import HeldFrame, HeldFrames
from services.relay.network.faults import Fault, FaultKind
from services.relay.run_state import FILE_NAME, RunPlan, open_run, plan_of
from services.relay.stamp import Stamped
from services.runtime.errors import BadInputError
from tests.relay.network_ends import small_scenario

PLAN = RunPlan("test", "0" * 16, 1_000_000_000_000, 1_090_000_000_000, 1.0)


def frame(sequence: int = 7, **fields: object) -> frame_pb2.Frame:
    return frame_pb2.Frame(
        exposure_start_unix_ns=100,
        readout_end_unix_ns=200,
        sequence=sequence,
        satellite_id="sat-1",
        **fields,  # type: ignore[arg-type]
    )


def held(sequence: int, size_bytes: int = 10) -> HeldFrame:
    return HeldFrame(b"x" * size_bytes, Header(0, 0, sequence))


def test_header_is_read_and_the_bytes_stay_the_same_object() -> None:
    data = frame(pixels=b"\1\2\3").SerializeToString()
    header, passed = read_header(data)
    assert header == Header(100, 200, 7)
    assert passed is data


def test_frame_with_fields_in_another_order_is_parsed_once_and_put_in_order() -> None:
    ordered = frame(pixels=b"\1\2\3", rows=1, columns=3)
    head, tail = frame().SerializeToString()[:27], frame_pb2.Frame(pixels=b"\1\2\3", rows=1, columns=3)
    data = tail.SerializeToString() + head + frame_pb2.Frame(satellite_id="sat-1").SerializeToString()
    header, passed = read_header(data)
    assert header == Header(100, 200, 7)
    assert passed[:27] == head
    assert frame_pb2.Frame.FromString(passed) == ordered


@pytest.mark.parametrize(
    ("data", "wrong"),
    [
        (b"", "exposure_start_unix_ns is not set"),
        (b"\xff" * 100, "no frame"),
        (frame().SerializeToString()[:20], "no frame"),
        (frame_pb2.Frame(exposure_start_unix_ns=1, readout_end_unix_ns=2).SerializeToString(), "sequence is not set"),
    ],
)
def test_bytes_that_are_no_frame_are_refused_with_the_reason(data: bytes, wrong: str) -> None:
    with pytest.raises(UnreadableFrameError, match=wrong):
        read_header(data)


@pytest.mark.parametrize("lateness_ns", [0, 5, 70_000, 3_600_000_000_000, 2**61])
def test_stamp_appended_to_a_frame_parses_as_one_more_hop(lateness_ns: int) -> None:
    path = ["sat-1", "relay-144", "sydney", "station-1"]
    sent = frame(pixels=b"\0" * 1000)
    data = sent.SerializeToString()
    data = Stamped(data, FRAME, "relay", path, 300, 400).sent(lateness_ns)
    data = Stamped(data, FRAME, "relay-2", path * 20, 500, 600).sent(70_000)  # a length of two bytes
    arrived = frame_pb2.Frame.FromString(data)
    first, second = arrived.hops
    assert (first.node, list(first.path)) == ("relay", path)
    assert (first.modelled_departure_unix_ns, first.modelled_arrival_unix_ns) == (300, 400)
    assert first.measured_lateness_ns == lateness_ns
    assert (second.node, len(second.path), second.measured_lateness_ns) == ("relay-2", 80, 70_000)
    del arrived.hops[:]
    assert arrived == sent


def test_stamp_leaves_the_bytes_it_was_given_as_they_are() -> None:
    data = frame(pixels=b"\1\2\3").SerializeToString()
    before = bytes(bytearray(data))
    stamped = Stamped(data, FRAME, "relay", [], 1, 2)
    assert stamped.sent(9).startswith(before)
    assert data == before
    with pytest.raises(RuntimeError, match="once"):
        stamped.sent(10)


def test_stamp_on_a_detection_batch_uses_its_own_field() -> None:
    batch = detection_pb2.DetectionBatch(exposure_start_unix_ns=1, readout_end_unix_ns=2, sequence=3)
    header, data = read_header(batch.SerializeToString(), BATCH)
    assert header == Header(1, 2, 3)
    stamped = detection_pb2.DetectionBatch.FromString(Stamped(data, BATCH, "relay", [], 10, 20).sent(0))
    assert stamped.hops[0].modelled_arrival_unix_ns == 20


def test_full_queue_drops_its_oldest_frames_and_returns_them() -> None:
    inside = np.zeros(2, dtype=int)

    def changed(count: int, size_bytes: int) -> None:
        inside[:] += count, size_bytes

    frames = HeldFrames(most_frames=3, most_bytes=100, changed=changed)
    assert [frames.put(held(k)) for k in range(3)] == [[], [], []]
    assert [gone.header.sequence for gone in frames.put(held(3))] == [0]
    # 30 bytes are held; 75 more need 5 of them gone.
    assert [gone.header.sequence for gone in frames.put(held(4, 75))] == [1]
    assert inside.tolist() == [3, 95]
    too_large = held(5, 101)
    assert frames.put(too_large) == [too_large]
    assert inside.tolist() == [3, 95]


def test_frame_that_made_room_is_no_longer_there_to_be_taken() -> None:
    frames = HeldFrames(most_frames=1, most_bytes=100)
    frames.put(held(0))
    waited_for = frames.oldest()
    assert waited_for is not None
    frames.put(held(1))
    assert not frames.take(waited_for)
    newer = frames.oldest()
    assert newer is not None
    assert newer.header.sequence == 1
    frames.close()
    assert [frames.exhausted, frames.take(newer), frames.exhausted] == [False, True, True]
    assert frames.oldest() is None


def test_queue_says_how_much_more_and_less_it_holds() -> None:
    changes: list[tuple[int, int]] = []
    frames = HeldFrames(2, 100, lambda count, size: changes.append((count, size)))
    for sequence in range(3):
        frames.put(held(sequence, 10 + sequence))
    frames.discard()
    assert changes == [(1, 10), (1, 11), (-1, -10), (1, 12), (-1, -11), (-1, -12)]
    assert frames.put(held(3)) == []
    assert (frames.oldest(), frames.exhausted) == (None, True)


async def test_run_clock_and_faults_survive_a_restart(tmp_path: Path) -> None:
    run = open_run(PLAN, tmp_path)
    await run.keep()
    before_start = open_run(PLAN, tmp_path)
    assert before_start.run_id == run.run_id
    assert before_start.clock is None
    run.faults.inject(Fault("", FaultKind.NODE, "relay-1", "", 5))
    run.faults.inject(Fault("", FaultKind.RAIN, "perth", "", 7, 9, rain_mm_per_h=30.0))
    await run.start(1.0)
    again = open_run(PLAN, tmp_path)
    assert again.clock == run.clock
    assert again.started.is_set()
    assert again.faults.all() == run.faults.all()
    assert len(again.faults.all()) == 2


async def test_new_run_has_the_planned_faults_and_a_restarted_one_keeps_how_they_were_left(tmp_path: Path) -> None:
    planned = Fault("planned-1", FaultKind.PLANE, "relay", "", 100, 200, plane=3, planned=True)
    run = open_run(PLAN, tmp_path, planned=(planned,))
    assert run.faults.all() == (planned,)
    run.faults.clear("planned-1", 150)
    assert run.faults.inject(Fault("", FaultKind.NODE, "relay-1", "", 5)).fault_id == "fault-1"
    await run.keep()
    again = open_run(PLAN, tmp_path, planned=(planned,))
    assert [(fault.fault_id, fault.end_unix_ns) for fault in again.faults.all()] == [
        ("planned-1", 150),
        ("fault-1", None),
    ]


async def test_second_start_does_not_move_the_clock(tmp_path: Path) -> None:
    run = open_run(PLAN, tmp_path)
    await run.start(1.0)
    clock = run.clock
    await run.start(1.0)
    assert run.clock == clock


async def test_faults_kept_while_the_start_is_being_written_do_not_take_the_clock_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing, go_on = threading.Event(), threading.Event()

    def write_slowly(file: Path, text: str) -> None:
        writing.set()
        assert go_on.wait(10)
        file.write_text(text)

    monkeypatch.setattr(run_state, "_replace_file", write_slowly)
    run = open_run(PLAN, tmp_path)
    starting = asyncio.create_task(run.start(1.0))
    await asyncio.to_thread(writing.wait, 10)
    run.faults.inject(Fault("", FaultKind.NODE, "relay-1", "", 5))
    keeping = asyncio.create_task(run.keep())
    # Its turn comes, and it waits for the start to be on disk.
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(starting, keeping)
    again = open_run(PLAN, tmp_path)
    assert run.clock is not None
    assert again.clock == run.clock
    assert len(again.faults.all()) == 1


@pytest.mark.parametrize("beside", ["tle_file", "trace"])
def test_run_is_another_where_a_file_that_its_network_is_read_from_has_changed(tmp_path: Path, beside: str) -> None:
    file = tmp_path / "beside.txt"
    network: dict[str, Any] = {beside: file}
    scenario = small_scenario(**network)
    file.write_text("one")
    plan = plan_of(scenario)
    assert plan_of(scenario) == plan
    file.write_text("other")
    assert plan_of(scenario) != plan


async def test_another_plan_another_id_or_a_run_long_over_begins_a_new_run(tmp_path: Path) -> None:
    run = open_run(PLAN, tmp_path)
    await run.start(1.0)
    assert open_run(dataclasses.replace(PLAN, rate=2.0), tmp_path).clock is None
    assert open_run(PLAN, tmp_path, run_id="mine").run_id == "mine"
    wall_end = time.time_ns() + 90_000_000_000
    assert open_run(PLAN, tmp_path, wall_clock_ns=lambda: wall_end + 50_000_000_000).run_id == run.run_id
    assert open_run(PLAN, tmp_path, wall_clock_ns=lambda: wall_end + 70_000_000_000).run_id != run.run_id


@pytest.mark.parametrize("content", ["", "{", "[]", json.dumps({"run_id": "x"})])
def test_damaged_state_file_is_an_error_that_names_it(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE_NAME).write_text(content)
    with pytest.raises(BadInputError, match=r"run\.json.*remove it"):
        open_run(PLAN, tmp_path)
