"""When ways change: each second, in slots of 15 s, and at every fault; the same whatever was asked before."""

import dataclasses
import itertools
from concurrent.futures import ThreadPoolExecutor

from services.relay.network.constellation import Constellation
from services.relay.network.faults import Fault, FaultBook, FaultKind
from services.relay.network.routing import Router, path_now
from services.relay.network.slots import SLOT_NS, slot_start_ns
from tests.relay.sky import (
    SECOND_NS,
    START_UNIX_NS,
    TO_EAST,
    TO_WEST,
    book,
    fault,
    path_of,
    real_constellation,
    ring,
    with_gateways,
)


def test_cut_in_mid_second_turns_the_path_at_that_very_nanosecond() -> None:
    faults = FaultBook()
    router = Router(ring(closed=False), faults)
    cut_at = START_UNIX_NS + SECOND_NS // 3
    router.path("sat-1", START_UNIX_NS + SECOND_NS // 2)
    faults.inject(fault(FaultKind.LINK, "ring-9", "ring-10", start=cut_at))
    assert path_of(router, cut_at - 1).nodes == TO_EAST
    assert path_of(router, cut_at).nodes == TO_WEST


def test_healed_laser_link_has_to_be_acquired_anew() -> None:
    faults = FaultBook()
    router = Router(ring(closed=False, acquisition_s=10.0), faults)
    cut = faults.inject(fault(FaultKind.LINK, "ring-9", "ring-10", start=START_UNIX_NS - SECOND_NS))
    healed_at = START_UNIX_NS + SECOND_NS // 2
    faults.clear(cut.fault_id, healed_at)
    acquiring = healed_at + 9 * SECOND_NS
    assert path_of(router, acquiring).nodes[-2] == "west"
    assert router.path("sat-1", acquiring, "east") is None
    # A second is what choices last; this slot's gateway was chosen while the link was out.
    after = healed_at + 11 * SECOND_NS
    assert router.path("sat-1", after, "east") is not None
    assert path_of(router, after).nodes[-2] == "west"
    assert path_of(router, START_UNIX_NS + SLOT_NS).nodes[-2] == "east"


def test_terminal_that_turns_to_another_relay_takes_its_time() -> None:
    faults = FaultBook()
    router = Router(ring(sensor_links=2, acquisition_s=5.0), faults)
    assert router.joined("sat-1", START_UNIX_NS) == ("ring-7", "ring-6")
    lost_at = START_UNIX_NS + SECOND_NS
    lost = faults.inject(fault(FaultKind.NODE, "ring-7", start=lost_at))

    def joined(offset_s: float) -> tuple[str, ...]:
        return router.joined("sat-1", lost_at + round(offset_s * SECOND_NS))

    assert joined(0) == joined(4.9) == ("ring-6",)
    assert joined(5) == ("ring-6", "ring-8")
    faults.clear(lost.fault_id, lost_at + 7 * SECOND_NS)
    # Until the nearer one is acquired anew, the farther one keeps its terminal.
    assert joined(11.9) == ("ring-6", "ring-8")
    assert joined(12) == ("ring-7", "ring-6")


def without_fibre(constellation: Constellation) -> Constellation:
    """Return the constellation with a station at every gateway, so that the nearest changes often."""
    near = (dataclasses.replace(gateway, terrestrial_delay_s=0.0) for gateway in constellation.gateways)
    return dataclasses.replace(constellation, gateways=tuple(near))


def test_gateway_is_chosen_at_the_slots_start_and_kept_to_its_end() -> None:
    constellation = without_fibre(real_constellation())
    router = Router(constellation, FaultBook())
    kept_against_delay = 0
    for satellite in constellation.satellites:
        for slot in range(40):
            start = START_UNIX_NS + slot * SLOT_NS
            first = path_now(constellation, satellite, start) if slot % 10 == 0 else None
            during = [path_of(router, start + offset * SECOND_NS, satellite) for offset in (0, 7, 14)]
            gateways = {path.nodes[-2] for path in during}
            assert len(gateways) == 1
            if first is not None:
                assert gateways == {first.nodes[-2]}
            least = router.path_now(satellite, start + 14 * SECOND_NS)
            assert least is not None
            kept_against_delay += least.nodes[-2] not in gateways
    assert kept_against_delay


def test_path_to_the_slots_gateway_is_renewed_each_second() -> None:
    constellation = without_fibre(real_constellation())
    router = Router(constellation, FaultBook())
    changes = 0
    for second, satellite in itertools.product(range(120), constellation.satellites):
        at = START_UNIX_NS + second * SECOND_NS
        path = path_of(router, at, satellite)
        least = router.path_now(satellite, at, path.nodes[-2])
        assert least is not None
        assert path.nodes == least.nodes
        changes += second % 15 != 0 and path.nodes != path_of(router, at - SECOND_NS, satellite).nodes
    assert changes


def test_lost_gateway_is_left_at_once_and_taken_back_with_the_next_slot() -> None:
    faults = FaultBook()
    constellation = real_constellation()
    router = Router(constellation, faults)
    lost_at = START_UNIX_NS + 3 * SECOND_NS + 5
    before = path_of(router, lost_at)
    lost = faults.inject(fault(FaultKind.NODE, before.nodes[-2], start=lost_at))
    assert path_of(router, lost_at - 1).nodes[-2] == before.nodes[-2]
    others = with_gateways(constellation, frozenset(constellation.gateway_index) - {before.nodes[-2]})
    instead = path_of(router, lost_at)
    assert instead.nodes[-2] == path_of(Router(others, FaultBook()), START_UNIX_NS + 3 * SECOND_NS).nodes[-2]
    faults.clear(lost.fault_id, START_UNIX_NS + 16 * SECOND_NS)
    assert path_of(router, START_UNIX_NS + 20 * SECOND_NS).nodes[-2] == instead.nodes[-2]
    assert path_of(router, START_UNIX_NS + 30 * SECOND_NS).nodes[-2] == before.nodes[-2]


def test_stream_is_silent_while_its_transmitter_turns_to_another_gateway() -> None:
    faults = FaultBook()
    router = Router(ring(handover_gap_s=0.25), faults)

    def silent_until(offset_s: float) -> int:
        return path_of(router, START_UNIX_NS + round(offset_s * SECOND_NS)).legs[-2].usable_from_unix_ns

    assert silent_until(0) == silent_until(14.9) == 0
    lost_at = START_UNIX_NS + 4 * SECOND_NS + 7
    lost = faults.inject(fault(FaultKind.NODE, "east", start=lost_at))
    assert silent_until(3.9) == 0
    assert silent_until(4.1) == lost_at + SECOND_NS // 4
    # It has the new one in the next slot too, in which it need not turn.
    assert silent_until(5) == silent_until(15.1) == 0
    faults.clear(lost.fault_id, START_UNIX_NS + 20 * SECOND_NS)
    assert silent_until(20.1) == 0
    back_at = START_UNIX_NS + 2 * SLOT_NS
    assert silent_until(30.1) == back_at + SECOND_NS // 4
    assert silent_until(31) == 0


def test_turn_late_in_a_slot_still_silences_the_stream_in_the_next() -> None:
    lost_at = START_UNIX_NS + SLOT_NS - SECOND_NS // 10
    router = Router(ring(handover_gap_s=2.0), book(fault(FaultKind.NODE, "east", start=lost_at)))
    for offset_ns in (0, SECOND_NS, 2 * SECOND_NS - 1):
        assert path_of(router, lost_at + offset_ns).legs[-2].usable_from_unix_ns == lost_at + 2 * SECOND_NS
    assert path_of(router, lost_at + 2 * SECOND_NS).legs[-2].usable_from_unix_ns == 0


def cut_book() -> FaultBook:
    """Return faults that begin and end in mid-second, mid-slot, and one after the other."""
    return book(
        Fault(
            "", FaultKind.LASER_LINKS, "", "", START_UNIX_NS + 2_300_000_000, START_UNIX_NS + 21 * SECOND_NS, share=0.4
        ),
        Fault("", FaultKind.NODE, "perth", "", START_UNIX_NS + 5 * SECOND_NS, START_UNIX_NS + 18_500_000_000),
        Fault("", FaultKind.PLANE, "relay", "", START_UNIX_NS + 9_999_999_999, plane=3),
    )


def test_paths_do_not_depend_on_what_was_asked_or_prepared_before() -> None:
    constellation = real_constellation(handover_gap_s=0.1)
    prepared, fresh = Router(constellation, cut_book()), Router(constellation, cut_book())
    instants = [START_UNIX_NS + k * 1_700_000_000 for k in range(20)]
    for at in instants:
        prepared.prepare(at)
    forward = [prepared.path(name, at) for at in instants for name in constellation.satellites]
    backward = [fresh.path(name, at) for at in reversed(instants) for name in reversed(constellation.satellites)]
    assert forward == backward[::-1]
    assert len({path.nodes for path in forward if path}) > 4


def test_threads_that_ask_at_once_get_what_one_gets() -> None:
    constellation = real_constellation()
    alone, together = Router(constellation, cut_book()), Router(constellation, cut_book())
    questions = [(name, START_UNIX_NS + k * 700_000_000) for k in range(30) for name in constellation.satellites]
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda question: together.path(*question), questions))
    assert answers == [alone.path(*question) for question in questions]


def test_slots_begin_at_12_27_42_and_57_seconds_of_the_minute() -> None:
    minute = START_UNIX_NS - 12 * SECOND_NS
    assert minute % (60 * SECOND_NS) == 0
    starts = {slot_start_ns(minute + second * SECOND_NS) - minute for second in range(60)}
    assert sorted(start // SECOND_NS for start in starts) == [-3, 12, 27, 42, 57]
    assert slot_start_ns(START_UNIX_NS - 1) == START_UNIX_NS - SLOT_NS
