"""Frames whose way is cut: where they are then, which way they go on, and which are lost, by name."""

from collections.abc import Iterable

import pytest

from services.relay.network.faults import Fault, FaultKind
from services.relay.network.link import Path, Traffic, Transit
from services.relay.network.retiming import LEGS_KEPT, Taken
from services.relay.network.stream import PathFrom, StreamLink
from services.scenario.model import Network
from tests.relay.sketch import (
    FRAME_BYTES,
    LONE_FRAME_NS,
    MS,
    OTHER_WAY,
    PATH,
    ROUNDING_NS,
    SECOND_NS,
    no_way,
    sketched,
    two_ways,
)

# On its own a frame leaves the satellite from 0 to 1 ms, is with the relay satellite from 2 to 12.5 ms, on the ground
# link from 2.5 to 14.5 ms, with the gateway from then to 15 ms, on the fibre until 18 ms.
DETECTION_NS = 50 * MS


def node_fault(node: str, start_ns: int, end_ns: int | None = None) -> Fault:
    """Return the failure of a node."""
    return Fault("fault-1", FaultKind.NODE, node, "", start_ns, end_ns)


def link_fault(node: str, to_node: str, start_ns: int, end_ns: int | None = None) -> Fault:
    """Return the failure of a link."""
    return Fault("fault-1", FaultKind.LINK, node, to_node, start_ns, end_ns)


def stream_link(network: Network | None = None) -> StreamLink:
    """Return a stream's link over the sketched network."""
    return StreamLink(sketched(network), 1, "sat", Traffic.FRAMES)


def carried(faults: Iterable[Fault], path_from: PathFrom = two_ways) -> Transit:
    """Return the way of a frame that is ready at 0."""
    link = stream_link()
    return link.retimed(link.carry(PATH, 0, FRAME_BYTES, 0), faults, path_from)


@pytest.mark.parametrize(
    "fault",
    [
        node_fault("relay", 13 * MS),  # its last bit has left
        link_fault("sat", "relay", 3 * MS),
        link_fault("relay", "gate", 15 * MS),
        link_fault("relay", "gate", 0, 2 * MS),  # healed before the frame came
        node_fault("station", 19 * MS),
        node_fault("other", 4 * MS),
        link_fault("sat", "gate", 4 * MS),
    ],
)
def test_fault_of_a_part_that_the_frame_is_not_on_changes_nothing(fault: Fault) -> None:
    assert carried([fault]).arrival_unix_ns == pytest.approx(LONE_FRAME_NS, abs=ROUNDING_NS)


@pytest.mark.parametrize(
    "fault",
    [
        link_fault("relay", "gate", 5 * MS),
        link_fault("gate", "relay", 13 * MS),  # all its bits have left, and not all have come; a link fails both ways
        node_fault("gate", 14 * MS),
    ],
)
def test_frame_whose_link_fails_goes_on_another_way_once_its_node_has_noticed(fault: Fault) -> None:
    transit = carried([fault])
    noticed = fault.start_unix_ns + DETECTION_NS
    # 1 ms at 1 Gbit/s, 10 ms at 100 Mbit/s, and the delay of the legs.
    onward_ns = round(OTHER_WAY.delay_s * 1e9) + 11 * MS
    assert not transit.lost
    assert transit.nodes == ("sat", "relay", "other", "far-gate", "station")
    assert transit.arrival_unix_ns == pytest.approx(noticed + onward_ns, abs=2 * ROUNDING_NS)
    (cut,) = [stay for stay in transit.stays if not stay.arrived]
    assert (cut.from_node, cut.to_node) == ("relay", "gate")
    assert cut.leaves_link_unix_ns == fault.start_unix_ns
    assert cut.leaves_node_unix_ns == noticed


def test_node_that_knew_of_the_failure_before_the_frame_came_sends_it_on_at_once() -> None:
    transit = carried([link_fault("relay", "gate", -SECOND_NS)])
    assert transit.stays[1].leaves_node_unix_ns == pytest.approx(2 * MS, abs=ROUNDING_NS)
    assert transit.nodes[-2] == "far-gate"


@pytest.mark.parametrize(
    ("node", "at_ns"), [("sat", MS // 2), ("relay", 3 * MS), ("relay", 12 * MS), ("gate", 14 * MS + 600_000)]
)
def test_node_that_fails_loses_the_frame_it_has(node: str, at_ns: int) -> None:
    transit = carried([node_fault(node, at_ns)])
    assert f"node {node} failed (fault-1)" in transit.lost
    assert transit.nodes[-1] == node
    assert transit.arrival_unix_ns == at_ns


def test_plane_that_fails_takes_its_satellites() -> None:
    fault = Fault("fault-1", FaultKind.PLANE, "shell", "", 3 * MS, None, plane=0)
    assert "plane 0 of shell failed" in carried([fault]).lost
    assert not carried([Fault("fault-1", FaultKind.PLANE, "shell", "", 3 * MS, None, plane=1)]).lost


def test_share_of_the_laser_links_that_fails_cuts_those_between_relay_satellites() -> None:
    over_two = Path((PATH.legs[0], *OTHER_WAY.legs))
    link = stream_link()
    before = link.carry(over_two, 0, FRAME_BYTES, 0)
    fault = Fault("fault-1", FaultKind.LASER_LINKS, "", "", 3 * MS, None, share=1.0, seed=1)
    down = Path(PATH.legs[1:])
    after = link.retimed(before, [fault], lambda node, _: down if node == "relay" else None)
    assert before.nodes == ("sat", "relay", "other", "far-gate", "station")
    assert after.nodes == PATH.nodes


def test_frame_without_another_way_waits_for_one_and_is_lost_by_name_if_none_comes() -> None:
    fault = link_fault("relay", "gate", 5 * MS)

    def later(node: str, unix_ns: int) -> Path | None:
        return two_ways(node, unix_ns) if unix_ns > 3 * SECOND_NS else None

    late = carried([fault], later)
    assert not late.lost
    assert late.stays[1].leaves_node_unix_ns == 3 * SECOND_NS + 5 * MS + DETECTION_NS
    lost = carried([fault], no_way)
    assert "link relay to gate failed (fault-1)" in lost.lost
    assert "relay found no other way within 12 s" in lost.lost
    assert lost.arrival_unix_ns == 12 * SECOND_NS + 5 * MS + DETECTION_NS


def test_node_that_fails_while_a_frame_waits_in_it_for_a_way_loses_it() -> None:
    faults = [link_fault("relay", "gate", 5 * MS), node_fault("relay", SECOND_NS)]
    lost = carried(faults, no_way)
    assert "node relay failed" in lost.lost
    assert lost.arrival_unix_ns == SECOND_NS


def test_further_failures_on_the_new_way_are_met_in_turn() -> None:
    faults = [link_fault("relay", "gate", 5 * MS), link_fault("other", "far-gate", 65 * MS, 10 * SECOND_NS)]
    third = Path((OTHER_WAY.legs[1]._replace(to_node="gate"), PATH.legs[2]))
    transit = carried(faults, lambda node, at: third if node == "other" else two_ways(node, at))
    assert transit.nodes == ("sat", "relay", "other", "gate", "station")
    assert [stay.arrived for stay in transit.stays] == [True, False, True, False, True, True]


def test_way_on_over_a_link_that_is_still_out_is_no_way() -> None:
    # Whoever names the failed link again is not believed.
    lost = carried([link_fault("relay", "gate", 5 * MS)], lambda _node, _at: Path(PATH.legs[1:]))
    assert "no other way" in lost.lost


def test_frame_that_is_sent_round_and_round_is_lost_by_name() -> None:
    # A path that leads to the cut again from wherever it is asked for.
    round_again = Path((OTHER_WAY.legs[0], PATH.legs[1]._replace(from_node="other")))
    faults = [link_fault("relay", "gate", 0), link_fault("other", "gate", 0)]
    lost = carried(faults, lambda node, _: round_again if node == "relay" else Path((PATH.legs[0], *round_again.legs)))
    assert "again and again" in lost.lost


def run_of_frames(link: StreamLink, faults: Iterable[Fault], *, early: Iterable[Fault] = ()) -> list[Transit]:
    """Return the ways of 20 frames that queue; early: faults that each is re-timed with before all of them."""
    ways = []
    for sequence in range(20):
        transit = link.carry(PATH, 8 * MS * sequence, FRAME_BYTES, sequence)
        transit = link.retimed(transit, early, two_ways)
        ways.append(link.retimed(transit, faults, two_ways))
    return ways


def test_ways_are_the_same_whether_faults_were_known_before_or_become_known_later() -> None:
    network = Network(jitter_s=0.001, loss=0.01)
    first, second = link_fault("relay", "gate", 45 * MS, 95 * MS), node_fault("gate", 170 * MS)
    known = run_of_frames(stream_link(network), [first, second])
    assert any(not stay.arrived for transit in known for stay in transit.stays)
    assert run_of_frames(stream_link(network), [first, second], early=[first]) == known
    # All carried before anybody knows of a fault, then re-timed in order.
    link = stream_link(network)
    carried_before = [link.carry(PATH, 8 * MS * k, FRAME_BYTES, k) for k in range(20)]
    assert [link.retimed(transit, [first, second], two_ways) for transit in carried_before] == known
    assert [link.retimed(transit, [first, second], two_ways) for transit in known] == known


def test_frames_behind_one_that_waits_arrive_after_it_and_behind_one_that_is_lost_after_that() -> None:
    link = stream_link()
    fault = link_fault("relay", "gate", 5 * MS)
    held = link.retimed(link.carry(PATH, 0, FRAME_BYTES, 0), [fault], two_ways)
    behind = link.carry(Path((PATH.legs[0], *OTHER_WAY.legs)), 10 * MS, FRAME_BYTES, 1)
    assert behind.arrival_unix_ns >= held.arrival_unix_ns
    link = stream_link()
    lost = link.retimed(link.carry(PATH, 0, FRAME_BYTES, 0), [fault], no_way)
    assert link.carry(OTHER_WAY, 10 * MS, FRAME_BYTES, 1).arrival_unix_ns == lost.arrival_unix_ns


def test_frame_that_meets_no_fault_still_arrives_after_one_before_it_that_does() -> None:
    link = stream_link()
    first = link.carry(PATH, 0, FRAME_BYTES, 0)
    second = link.carry(OTHER_WAY, 10 * MS, FRAME_BYTES, 1)
    fault = link_fault("relay", "gate", 5 * MS)
    first = link.retimed(first, [fault], two_ways)
    assert second.arrival_unix_ns < first.arrival_unix_ns <= link.retimed(second, [fault], two_ways).arrival_unix_ns


def test_link_that_failed_under_a_frame_is_idle_once_it_is_healed() -> None:
    link = stream_link()
    fault = link_fault("relay", "gate", 5 * MS, 6 * MS)
    link.retimed(link.carry(PATH, 0, FRAME_BYTES, 0), [fault], two_ways)
    behind = link.retimed(link.carry(PATH, 4 * MS, FRAME_BYTES, 1), [fault], two_ways)
    # The first would have been sent from 2.5 to 12.5 ms.
    assert behind.stays[1].enters_link_unix_ns == pytest.approx(6.5 * MS, abs=ROUNDING_NS)


def test_frame_is_lost_at_the_instant_of_its_loss_whatever_came_before_it() -> None:
    link = stream_link()
    faults = [link_fault("relay", "gate", 5 * MS), node_fault("sat", 15 * MS)]
    link.retimed(link.carry(PATH, 0, FRAME_BYTES, 0), faults, no_way)
    assert link.retimed(link.carry(PATH, 14 * MS + MS // 2, FRAME_BYTES, 1), faults, no_way).arrival_unix_ns == 15 * MS


def test_node_sends_a_waiting_frame_on_when_it_notices_and_not_only_when_its_turn_comes() -> None:
    # The transmitter is there only after 100 ms, and the node is gone by then.
    turning = Path((PATH.legs[0], PATH.legs[1]._replace(usable_from_unix_ns=100 * MS), PATH.legs[2]))
    link = stream_link()
    faults = [link_fault("relay", "gate", 20 * MS), node_fault("relay", 90 * MS)]
    transit = link.retimed(link.carry(turning, 0, FRAME_BYTES, 0), faults, two_ways)
    assert not transit.lost
    assert transit.nodes[-2] == "far-gate"


def test_frame_sent_another_way_goes_there_before_those_behind_it_even_if_they_were_asked_about_first() -> None:
    network = Network(link_queue_bytes=2 * FRAME_BYTES)
    fault = link_fault("relay", "gate", 5 * MS)
    from_other = Path(OTHER_WAY.legs[1:])

    def frames(link: StreamLink, *, at_once: bool) -> list[Transit]:
        # The first is ready in `other` at 61 ms; those behind it start there half a millisecond before.
        paths = ((PATH, 0), (from_other, 60 * MS), (from_other, 60 * MS))
        if at_once:
            return [link.retimed(link.carry(*each, FRAME_BYTES, k), [fault], two_ways) for k, each in enumerate(paths)]
        first = [link.carry(*each, FRAME_BYTES, k) for k, each in enumerate(paths)]
        return [link.retimed(transit, [fault], two_ways) for transit in first]

    at_once = frames(stream_link(network), at_once=True)
    assert frames(stream_link(network), at_once=False) == at_once
    # There is room for two, and those behind it take none from the first.
    assert not any(transit.lost for transit in at_once)
    starts = [transit.stays[-2].enters_link_unix_ns for transit in at_once]
    assert starts == pytest.approx([61 * MS, 71 * MS, 81 * MS], abs=2 * ROUNDING_NS)


def test_what_a_fault_takes_is_remembered_of_so_many_legs_only() -> None:
    taken = Taken(node_fault("relay", 0), sketched())
    for number in range(LEGS_KEPT + 10):
        assert taken["relay", f"relay-{number}"] == (True, False)
    assert len(taken) <= LEGS_KEPT


def test_frame_too_old_to_be_remembered_is_refused() -> None:
    link = stream_link()
    first = link.carry(PATH, 0, FRAME_BYTES, 0)
    for sequence in range(1, 600):
        link.carry(PATH, 100 * MS * sequence, FRAME_BYTES, sequence)
    with pytest.raises(ValueError, match="no more remembered"):
        link.retimed(first, [], two_ways)
