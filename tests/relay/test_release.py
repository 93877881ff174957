"""The thread that releases a stream's frames: waits, waits again where the network says so, and can be ended."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import pytest

from plumewatch.v1 import frame_pb2
from services.relay.account import Account
from services.relay.header import FRAME, Header
from services.relay.held import HeldFrame, HeldFrames
from services.relay.network.link import Leg, Path, Stay, Transit
from services.relay.release import Label, Release, due
from services.relay.way import Lost
from services.runtime.clock import RunClock

MS = 1_000_000
START = 1_800_000_000_000_000_000
PATH = Path((Leg("sat-1", "relay-1", 0.0, 0.0, 0.0), Leg("relay-1", "station-1", 0.0, 0.0, 0.0)))
ROUNDABOUT = Path((Leg("sat-1", "relay-2", 0.0, 0.0, 0.0), Leg("relay-2", "station-1", 0.0, 0.0, 0.0)))


def stays(path: Path, unix_ns: int) -> tuple[Stay, ...]:
    """Return a frame's stays along a path that takes no time."""
    return tuple(Stay(leg.from_node, leg.to_node, unix_ns, unix_ns, unix_ns, unix_ns) for leg in path.legs)


class PlannedWay:
    """A network in which a frame arrives after the first delay, or, if another follows, is sent on to arrive then."""

    def __init__(self, *delays_ns: int, lost_in_the_end: bool = False) -> None:
        self._delays_ns = delays_ns
        self._lost_in_the_end = lost_in_the_end

    def leave(self, ready_unix_ns: int, size_bytes: int, sequence: int) -> Transit | Lost:
        if not self._delays_ns:
            return Lost("no path")
        at = ready_unix_ns
        return Transit(PATH, at, at + self._delays_ns[0], stays(PATH, at), at, size_bytes, sequence, 0)

    def arrive(self, transit: Transit) -> Transit | Lost:
        delay_ns = transit.arrival_unix_ns - transit.departure_unix_ns
        later_ns = self._delays_ns[self._delays_ns.index(delay_ns) + 1 :]
        if later_ns:
            cut = transit.stays[0]._replace(arrived=False)
            way_on = (cut, *stays(ROUNDABOUT, transit.departure_unix_ns))
            return replace(transit, stays=way_on, arrival_unix_ns=transit.departure_unix_ns + later_ns[0])
        return Lost("cut") if self._lost_in_the_end else transit


class Stream:
    """A release with its run clock started now, and what it lost."""

    def __init__(self, way: PlannedWay, most_frames: int = 8) -> None:
        self.clock = RunClock("run", START, time.time_ns())
        self.account = Account("sat-1")
        self.lost: list[tuple[int, str]] = []
        held = HeldFrames(most_frames, 1 << 20, self.account.hold)
        self.release = Release(
            Label(FRAME, "relay"),
            held,
            way,  # type: ignore[arg-type]
            self.account,
            lambda frame, detail: self.lost.append((frame.header.sequence, detail)),
        )

    def put(self, sequence: int, after_ns: int = 0) -> list[HeldFrame]:
        data = frame_pb2.Frame(
            exposure_start_unix_ns=1, readout_end_unix_ns=START + after_ns, sequence=sequence
        ).SerializeToString()
        return self.release.put(HeldFrame(data, Header(1, START + after_ns, sequence)))

    def wall(self, after_ns: int) -> int:
        """Return the wall instant so long after the run's start."""
        return self.clock.wall_unix_ns(START + after_ns)

    def started(self) -> tuple[threading.Thread, list[bytes]]:
        """Return a thread that writes as gRPC does, and what it wrote."""
        written: list[bytes] = []
        thread = threading.Thread(target=lambda: written.extend(self.release), daemon=True)
        thread.start()
        return thread, written


def test_frames_wait_for_the_run_and_then_each_for_its_instant() -> None:
    stream = Stream(PlannedWay(5 * MS))
    thread, written = stream.started()
    for sequence in range(3):
        stream.put(sequence, sequence * 10 * MS)
    thread.join(0.02)
    assert written == []
    stream.release.begin(stream.clock)
    stream.release.close()
    thread.join(10)
    assert time.time_ns() >= stream.wall(25 * MS)
    frames = [frame_pb2.Frame.FromString(data) for data in written]
    assert [frame.sequence for frame in frames] == [0, 1, 2]
    assert [frame.hops[0].modelled_arrival_unix_ns - START for frame in frames] == [5 * MS, 15 * MS, 25 * MS]
    assert all(frame.hops[0].measured_lateness_ns >= 0 for frame in frames)
    assert (stream.account.released, stream.account.frames_queued, stream.account.bytes_queued) == (3, 0, 0)
    assert stream.release.finished


def test_frame_that_the_network_sends_another_way_is_waited_for_again_and_stamped_with_that() -> None:
    stream = Stream(PlannedWay(5 * MS, 20 * MS, 40 * MS))
    stream.release.begin(stream.clock)
    stream.put(0)
    message = next(stream.release)
    assert time.time_ns() >= stream.wall(40 * MS)
    (hop,) = frame_pb2.Frame.FromString(message).hops
    assert hop.modelled_arrival_unix_ns == START + 40 * MS
    assert tuple(hop.path) == ROUNDABOUT.nodes
    assert 0 <= hop.measured_lateness_ns <= time.time_ns() - stream.wall(40 * MS)
    assert stream.account.retimed == 1
    stream.release.end()


@pytest.mark.parametrize(
    ("way", "detail"), [(PlannedWay(), "no path"), (PlannedWay(5 * MS, 9 * MS, lost_in_the_end=True), "cut")]
)
def test_lost_frame_is_told_and_the_stream_goes_on_to_its_end(way: PlannedWay, detail: str) -> None:
    stream = Stream(way)
    stream.release.begin(stream.clock)
    stream.put(7)
    stream.put(8)
    stream.release.close()
    assert list(stream.release) == []
    assert stream.lost == [(7, detail), (8, detail)]
    assert stream.release.finished
    assert (stream.account.released, stream.account.frames_queued) == (0, 0)


def test_frame_that_makes_room_while_it_is_waited_for_is_not_written() -> None:
    stream = Stream(PlannedWay(30 * MS), most_frames=2)
    stream.release.begin(stream.clock)
    thread, written = stream.started()
    dropped = [frame for sequence in range(5) for frame in stream.put(sequence)]
    stream.release.close()
    thread.join(10)
    assert [frame.header.sequence for frame in dropped] == [0, 1, 2]
    assert [frame_pb2.Frame.FromString(data).sequence for data in written] == [3, 4]


@pytest.mark.parametrize(
    "prepare",
    [
        lambda _stream: None,
        lambda stream: stream.release.begin(stream.clock),
        lambda stream: (stream.release.begin(stream.clock), stream.put(0, 3_600_000 * MS)),
        lambda stream: (stream.release.begin(stream.clock), stream.put(0)),
    ],
    ids=["before the run", "without a frame", "before a frame can leave", "while it is on its way"],
)
def test_end_from_another_thread_ends_the_writing_wherever_it_waits(prepare: Callable[[Stream], object]) -> None:
    stream = Stream(PlannedWay(3_600_000 * MS))
    prepare(stream)
    thread, written = stream.started()
    thread.join(0.01)
    assert thread.is_alive()
    stream.release.end()
    thread.join(10)
    assert not thread.is_alive()
    assert written == []
    assert not stream.release.finished
    assert stream.account.frames_queued == 0


@pytest.mark.parametrize("rate", [0.3, 1.0, 3.7, 60.0])
def test_due_is_the_first_wall_nanosecond_at_which_the_instant_has_come(rate: float) -> None:
    clock = RunClock("run", START, START, rate)
    for after_ns in (0, 1, 7, 999_999_937, 86_399_999_999_999):
        wall = due(clock, START + after_ns)
        assert clock.emulated_unix_ns(wall) >= START + after_ns
        assert clock.emulated_unix_ns(wall - 1) < START + after_ns


def test_frame_that_was_handed_out_counts_as_released_once_though_the_stream_ends_then() -> None:
    stream = Stream(PlannedWay(0))
    stream.release.begin(stream.clock)
    stream.put(0)
    next(stream.release)
    stream.release.end()
    assert stream.account.released == 1
    assert list(stream.release) == []
    assert stream.account.released == 1


def test_clock_that_is_set_back_as_a_frame_goes_leaves_its_stamp_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Stream(PlannedWay(0))
    stream.release.begin(stream.clock)
    stream.put(0)
    monkeypatch.setattr(
        "services.relay.release.time", SimpleNamespace(time_ns=lambda: stream.clock.wall_start_unix_ns - MS)
    )
    (hop,) = frame_pb2.Frame.FromString(next(stream.release)).hops
    assert hop.measured_lateness_ns == 0
    stream.release.end()
