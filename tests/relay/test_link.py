"""When frames arrive if nothing fails: light time, serialisation, processing, order, queues, and hand-over."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.relay.network.link import Leg, Medium, Path, Traffic
from services.relay.network.stream import StreamLink
from services.scenario.model import Network
from tests.relay.sketch import FRAME_BYTES, LONE_FRAME_NS, MS, PATH, ROUNDING_NS, sketched


def stream_link(network: Network | None = None, kind: Traffic = Traffic.FRAMES, seed: int = 1) -> StreamLink:
    """Return a stream's link over the sketched network."""
    return StreamLink(sketched(network), seed, "sat", kind)


def test_lone_frame_takes_serialisation_processing_and_light_of_every_leg() -> None:
    transit = stream_link().carry(PATH, 5 * MS, FRAME_BYTES, 0)
    assert transit.departure_unix_ns == 5 * MS
    assert 0 <= transit.arrival_unix_ns - (5 * MS + LONE_FRAME_NS) <= ROUNDING_NS
    assert transit.nodes == PATH.nodes
    assert not transit.lost


def test_second_frame_waits_until_the_first_has_left_the_slowest_transmitter() -> None:
    link = stream_link()
    first = link.carry(PATH, 0, FRAME_BYTES, 0)
    second = link.carry(PATH, 0, FRAME_BYTES, 1)
    assert second.departure_unix_ns == pytest.approx(1 * MS, abs=ROUNDING_NS)
    assert second.arrival_unix_ns - first.arrival_unix_ns == pytest.approx(10 * MS, abs=ROUNDING_NS)


def test_frames_slower_than_the_link_never_wait_for_each_other() -> None:
    link = stream_link()
    delays = [link.carry(PATH, 100 * MS * k, FRAME_BYTES, k).arrival_unix_ns - 100 * MS * k for k in range(600)]
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
    link, ready, arrivals = stream_link(Network(jitter_s=0.01)), 0, []
    for sequence, (wait_ns, size_bytes, light_s) in enumerate(frames):
        ready += wait_ns
        # A route that changes brings another relay and another light time.
        path = Path(
            (Leg("sat", f"relay-{light_s}", 0.0, light_s, 1e9), Leg(f"relay-{light_s}", "gate", 0.0005, light_s, 1e9))
        )
        transit = link.carry(path, ready, size_bytes, sequence)
        assert transit.arrival_unix_ns >= ready + round(path.delay_s * 1e9)
        arrivals.append(transit.arrival_unix_ns)
    assert arrivals == sorted(arrivals)


def shared_path(streams: int) -> Path:
    """Return one ground link that so many streams share, 10 ms a frame for one alone."""
    return Path((Leg("relay", "gate", 0.0, 0.0, 1e8, Medium.GROUND, shared_by=streams),))


def test_streams_of_frames_share_a_link_and_detections_do_not_wait_for_them() -> None:
    alone = stream_link().carry(shared_path(1), 0, FRAME_BYTES, 0)
    shared = stream_link().carry(shared_path(4), 0, FRAME_BYTES, 0)
    detections = stream_link(kind=Traffic.DETECTIONS).carry(shared_path(4), 0, FRAME_BYTES, 0)
    assert alone.arrival_unix_ns == 10 * MS
    assert shared.arrival_unix_ns == 40 * MS
    assert detections.arrival_unix_ns == 10 * MS


def test_frame_that_finds_no_room_at_a_transmitter_is_lost_by_name_and_those_behind_it_are_not() -> None:
    link = stream_link(Network(link_queue_bytes=3 * FRAME_BYTES))
    burst = [link.carry(PATH, 0, FRAME_BYTES, k) for k in range(5)]
    later = link.carry(PATH, 100 * MS, FRAME_BYTES, 5)
    assert [bool(transit.lost) for transit in burst] == [False, False, False, True, True]
    assert "from sat to relay" in burst[3].lost
    assert "link_queue_bytes" in burst[3].lost
    assert burst[3].nodes == ("sat",)
    assert later.arrival_unix_ns - 100 * MS == pytest.approx(LONE_FRAME_NS, abs=ROUNDING_NS)


def test_queue_that_overflows_behind_a_slow_link_names_that_link() -> None:
    link = stream_link(Network(link_queue_bytes=3 * FRAME_BYTES))
    # One every 2 ms into a link that takes 10 ms for each.
    transits = [link.carry(PATH, 2 * MS * k, FRAME_BYTES, k) for k in range(8)]
    lost = [transit for transit in transits if transit.lost]
    assert lost
    assert all("from relay to gate" in transit.lost for transit in lost)
    assert all(transit.nodes == ("sat", "relay") for transit in lost)


def test_transmitter_that_turns_to_another_gateway_sends_only_when_it_is_there() -> None:
    turning = Path((PATH.legs[0], PATH.legs[1]._replace(usable_from_unix_ns=50 * MS), PATH.legs[2]))
    transit = stream_link().carry(turning, 0, FRAME_BYTES, 0)
    assert transit.stays[1].enters_link_unix_ns == 50 * MS
    assert transit.arrival_unix_ns == pytest.approx(50 * MS + (10 + 2 + 0.5 + 3) * MS, abs=ROUNDING_NS)


def test_jitter_delays_every_hop_by_its_mean_and_follows_the_seed() -> None:
    network = Network(jitter_s=0.002)
    link = stream_link(network)
    spread = [link.carry(PATH, 1000 * MS * k, FRAME_BYTES, k).arrival_unix_ns - 1000 * MS * k for k in range(2000)]
    mean_ms = sum(spread) / len(spread) / MS
    # Three hops of 2 ms each; the mean of 6,000 exponential draws is within 4 sigma of that.
    assert mean_ms == pytest.approx(18 + 6, abs=4 * 3 * 2 / 6000**0.5)
    assert min(spread) >= LONE_FRAME_NS
    again, other = stream_link(network), stream_link(network, seed=2)
    late = again.carry(PATH, 1000 * MS * 1234, FRAME_BYTES, 1234).arrival_unix_ns - 1000 * MS * 1234
    assert late == spread[1234]
    assert other.carry(PATH, 1000 * MS * 1234, FRAME_BYTES, 1234).arrival_unix_ns - 1000 * MS * 1234 != late
