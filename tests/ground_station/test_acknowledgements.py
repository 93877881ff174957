"""An operator's acknowledgement: a revision of its own, taken once, within bounds."""

from typing import Any

import pytest

from plumewatch.v1 import alert_pb2
from services.ground_station.alerting import MOST_ACKNOWLEDGEMENTS, AlertBook
from tests.ground_station.snapshots import in_space, told


def acknowledgement(**fields: Any) -> alert_pb2.Acknowledgement:
    return alert_pb2.Acknowledgement(**{"event_id": "e1", "operator": "watch officer", **fields})


def test_acknowledgement_is_a_revision_and_stays(book: AlertBook) -> None:
    told(book, in_space())
    acknowledged = book.acknowledge(acknowledgement(note="seen"))
    assert acknowledged is not None
    assert acknowledged.revision == 2
    assert told(book, in_space(1.0)).acknowledgements[0].note == "seen"


def test_acknowledgement_that_comes_twice_is_taken_once(book: AlertBook) -> None:
    told(book, in_space())
    assert book.acknowledge(acknowledgement()) is not None
    assert book.acknowledge(acknowledgement()) is None
    newest = book.newest("e1")
    assert newest is not None
    assert len(newest.acknowledgements) == 1


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"operator": ""}, "operator has 0 characters"),
        ({"operator": "x" * 65}, "operator has 65 characters"),
        ({"note": "x" * 1001}, "note has 1001 characters"),
        ({"revision": 2}, "revision 2 of event e1 does not exist"),
    ],
)
def test_acknowledgement_out_of_bounds_is_refused(book: AlertBook, fields: dict[str, Any], says: str) -> None:
    told(book, in_space())
    with pytest.raises(ValueError, match=says):
        book.acknowledge(acknowledgement(**fields))


def test_acknowledgement_of_nothing_is_refused(book: AlertBook) -> None:
    with pytest.raises(LookupError, match="e1"):
        book.acknowledge(acknowledgement())


def test_acknowledgements_are_bounded(book: AlertBook) -> None:
    told(book, in_space())
    for k in range(MOST_ACKNOWLEDGEMENTS):
        book.acknowledge(acknowledgement(operator=f"officer {k}"))
    with pytest.raises(ValueError, match="as many as are kept"):
        book.acknowledge(acknowledgement(operator="one more"))
