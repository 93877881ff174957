"""The faults of a run: healed, called off before they begin, and never too many."""

import pytest

from services.relay.network.faults import MAX_FAULTS, MAX_OVER, Fault, FaultBook, FaultKind
from services.relay.network.moments import moment_of
from services.relay.network.routing import Router
from tests.relay.sky import SECOND_NS, START_UNIX_NS, TO_EAST, book, fault, path_of, ring


def test_fault_that_is_healed_before_it_begins_never_was() -> None:
    faults = FaultBook()
    begins = START_UNIX_NS + 5 * SECOND_NS
    named = faults.inject(fault(FaultKind.LINK, "ring-9", "ring-10", start=begins))
    faults.clear(named.fault_id, START_UNIX_NS)
    assert not faults.all()
    assert not faults.in_force(START_UNIX_NS)
    assert not moment_of(faults, begins, 0).faults
    # Were it only as short as can be, the link would have to be acquired anew.
    router = Router(ring(acquisition_s=10.0), faults)
    assert path_of(router, begins + SECOND_NS).nodes == TO_EAST
    with pytest.raises(KeyError):
        faults.clear(named.fault_id, START_UNIX_NS)


def test_fault_that_has_begun_is_healed_and_remembered() -> None:
    faults = book(fault(FaultKind.NODE, "east", start=100))
    healed = faults.clear("fault-1", 300)
    assert (healed.start_unix_ns, healed.end_unix_ns) == (100, 300)
    assert faults.between(200, 400) == (healed,)
    assert not faults.in_force(300)
    with pytest.raises(KeyError):
        faults.clear("fault-1", 400)


def node_fault(start: int, end: int | None = None) -> Fault:
    return Fault("", FaultKind.NODE, "east", "", start, end)


def test_too_many_faults_are_refused_and_room_is_made_by_healing_one() -> None:
    faults = book(*(node_fault(100) for _ in range(MAX_FAULTS)))
    with pytest.raises(OverflowError, match="1000 faults are in force or to come; clear some"):
        faults.inject(node_fault(100))
    faults.clear("fault-7", 200)
    # One that is to come counts from now on as well.
    assert faults.inject(node_fault(900), 200).fault_id == f"fault-{MAX_FAULTS + 1}"
    with pytest.raises(OverflowError):
        faults.inject(node_fault(1000, 1100), 200)


def test_of_faults_that_are_over_those_that_ended_last_are_remembered() -> None:
    faults = FaultBook()
    for start in range(0, 2 * MAX_OVER + 100, 2):
        faults.inject(node_fault(start, start + 1))
    ends = [each.end_unix_ns for each in faults.all()]
    assert len(ends) == MAX_OVER + 1
    assert ends[-1] == start + 1
