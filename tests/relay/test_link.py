"""When frames arrive: light time, serialisation, processing, order, and the faults they meet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.relay.network.faults import Fault, FaultBook
from services.relay.network.link import Leg, Path, StreamLink, fault_met

MS = 1_000_000
# 1 ms of light, 1 Gbit/s; then 0.5 ms of processing, 2 ms of light, 100 Mbit/s; then 0.5 ms and 3 ms of fibre.
PATH = Path(
    (
        Leg("sat", "relay", 0.0, 0.001, 1e9),
        Leg("relay", "gate", 0.0005, 0.002, 1e8),
        Leg("gate", "station", 0.0005, 0.003, 0.0),
    )
)
FRAME_BYTES = 125_000  # 1 ms at 1 Gbit/s, 10 ms at 100 Mbit/s
LONE_FRAME_NS = round((0.001 + 0.001 + 0.0005 + 0.010 + 0.002 + 0.0005 + 0.003) * 1e9)
# Three legs, each rounded up at most three times.
ROUNDING_NS = 9


def test_lone_frame_takes_serialisation_processing_and_light_of_every_leg() -> None:
    transit = StreamLink().carry(PATH, 5 * MS, FRAME_BYTES)
    assert transit.departure_unix_ns == 5 * MS
    assert 0 <= transit.arrival_unix_ns - (5 * MS + LONE_FRAME_NS) <= ROUNDING_NS


def test_second_frame_waits_until_the_first_has_left_the_slowest_transmitter() -> None:
    link = StreamLink()
    first = link.carry(PATH, 0, FRAME_BYTES)
    second = link.carry(PATH, 0, FRAME_BYTES)
    assert second.departure_unix_ns == pytest.approx(1 * MS, abs=ROUNDING_NS)
    assert second.arrival_unix_ns - first.arrival_unix_ns == pytest.approx(10 * MS, abs=ROUNDING_NS)


def test_frames_slower_than_the_link_never_wait_for_each_other() -> None:
    link = StreamLink()
    delays = [link.carry(PATH, 100 * MS * k, FRAME_BYTES).arrival_unix_ns - 100 * MS * k for k in range(5)]
    assert len(set(delays)) == 1


def test_path_delay_is_the_sum_of_its_legs_without_serialisation() -> None:
    assert PATH.delay_s == pytest.approx(0.007)
    assert PATH.nodes == ("sat", "relay", "gate", "station")
    assert PATH.delays_s() == pytest.approx((0.0, 0.001, 0.0035, 0.007))


@given(
    st.lists(
        st.tuples(st.integers(0, 500 * MS), st.integers(1, 4_000_000), st.floats(0.0001, 0.05)),
        min_size=2,
        max_size=20,
    )
)
def test_frames_never_overtake_each_other_whatever_path_they_take(frames: list[tuple[int, int, float]]) -> None:
    link, ready, arrivals = StreamLink(), 0, []
    for wait_ns, size_bytes, light_s in frames:
        ready += wait_ns
        # A route that changes brings another relay and another light time.
        path = Path(
            (Leg("sat", f"relay-{light_s}", 0.0, light_s, 1e9), Leg(f"relay-{light_s}", "gate", 0.0005, light_s, 1e9))
        )
        transit = link.carry(path, ready, size_bytes)
        assert transit.arrival_unix_ns >= ready + round(path.delay_s * 1e9)
        arrivals.append(transit.arrival_unix_ns)
    assert arrivals == sorted(arrivals)


@pytest.mark.parametrize(
    ("node", "to_node", "at_ns", "caught"),
    [
        ("relay", "", 4 * MS, True),  # serialising there until 12.5 ms
        ("relay", "", 13 * MS, False),  # its last bit has left
        ("relay", "gate", 13 * MS, True),  # but is still on the link, until 14.5 ms
        ("gate", "relay", 13 * MS, True),  # a link fails both ways
        ("relay", "gate", 15 * MS, False),
        ("gate", "station", 15 * MS + MS // 2, True),
        ("station", "", 17 * MS, True),  # it arrives at 18 ms and the station is gone by then
        ("station", "", 19 * MS, False),
        ("other", "", 4 * MS, False),
        ("sat", "gate", 4 * MS, False),
    ],
)
def test_fault_catches_the_frames_that_are_on_the_part_when_it_fails(
    node: str, to_node: str, at_ns: int, caught: bool
) -> None:
    transit = StreamLink().carry(PATH, 0, FRAME_BYTES)
    fault = Fault("fault-1", node, to_node, at_ns)
    assert (fault_met(transit, [fault]) is fault) == caught


def test_fault_healed_before_the_frame_came_catches_nothing() -> None:
    transit = StreamLink().carry(PATH, 0, FRAME_BYTES)
    assert fault_met(transit, [Fault("fault-1", "gate", "", 1 * MS, 14 * MS)]) is None
    assert fault_met(transit, [Fault("fault-1", "gate", "", 1 * MS, 15 * MS)]) is not None


def test_fault_book_keeps_healed_faults_apart_and_numbers_go_on_after_a_restart() -> None:
    book = FaultBook()
    first = book.inject("relay", "", 10)
    second = book.inject("gate", "station", 20)
    book.clear(first.fault_id, 30)
    assert book.in_force() == (second,)
    assert [fault.fault_id for fault in book.at(25)] == [first.fault_id, second.fault_id]
    with pytest.raises(KeyError):
        book.clear(first.fault_id, 40)
    again = FaultBook(book.all())
    assert again.inject("sat", "", 50).fault_id == "fault-3"
    again.forget_before(31)
    assert [fault.fault_id for fault in again.all()] == ["fault-2", "fault-3"]
