"""The book believes the newest revision of each event, in whatever order messages come."""

import random

from hypothesis import given
from hypothesis import strategies as st

from plumewatch.v1 import alert_pb2
from services.command_center import alert_book
from services.command_center.alert_book import AlertBook
from services.runtime.envelope import Status

NS = 1_772_000_000_000_000_000


def an_alert(
    event_id: str = "ev-1",
    revision: int = 1,
    state: alert_pb2.AlertState = alert_pb2.ALERT_STATE_CONFIRMED,
) -> alert_pb2.Alert:
    return alert_pb2.Alert(event_id=event_id, revision=revision, state=state, time_unix_ns=NS)


def test_lower_and_equal_revisions_are_no_news() -> None:
    book = AlertBook()
    assert book.take(an_alert(revision=2), 0.0)
    assert not book.take(an_alert(revision=1), 1.0)
    assert not book.take(an_alert(revision=2), 2.0)
    assert book.entries["ev-1"].alert.revision == 2
    assert book.entries["ev-1"].heard_s == 0.0
    assert book.ignored == 2


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 9)), max_size=30), st.integers(0, 2**32))
def test_order_of_messages_does_not_change_what_is_believed(sent: list[tuple[str, int]], seed: int) -> None:
    shuffled = list(sent)
    random.Random(seed).shuffle(shuffled)
    books = AlertBook(), AlertBook()
    for book, messages in zip(books, (sent, shuffled), strict=True):
        for event_id, revision in messages:
            book.take(an_alert(event_id, revision), 0.0)
    believed = [{event_id: entry.alert.revision for event_id, entry in book.entries.items()} for book in books]
    assert believed[0] == believed[1]


def test_cleared_open_alert_stays_and_is_marked() -> None:
    book = AlertBook()
    book.take(an_alert(), 0.0)
    assert not book.clear("ev-1")
    assert book.entries["ev-1"].cleared
    # The ground station says it again when it connects to the broker; that takes the mark away.
    book.take(an_alert(), 1.0)
    assert not book.entries["ev-1"].cleared


def test_cleared_closed_alert_goes() -> None:
    book = AlertBook()
    book.take(an_alert(state=alert_pb2.ALERT_STATE_ENDED), 0.0)
    assert book.clear("ev-1")
    assert not book.entries
    assert not book.clear("ev-unknown")


def test_open_events_come_first_then_the_newest_news() -> None:
    book = AlertBook()
    for event_id, state in (
        ("old", alert_pb2.ALERT_STATE_CONFIRMED),
        ("closed", alert_pb2.ALERT_STATE_RETRACTED),
        ("new", alert_pb2.ALERT_STATE_DETECTED),
    ):
        book.take(an_alert(event_id, state=state), 0.0)
    assert [entry.alert.event_id for entry in book.in_order()] == ["new", "old", "closed"]
    book.take(an_alert("old", revision=2), 1.0)
    assert [entry.alert.event_id for entry in book.in_order()] == ["old", "new", "closed"]


def test_memory_is_bounded_and_closed_events_go_first() -> None:
    book = AlertBook()
    book.take(an_alert("open"), 0.0)
    book.take(an_alert("closed", state=alert_pb2.ALERT_STATE_ENDED), 0.0)
    for k in range(alert_book.EVENTS_KEPT - 1):
        book.take(an_alert(f"ev-{k}"), 0.0)
    assert len(book.entries) == alert_book.EVENTS_KEPT
    assert "open" in book.entries
    assert "closed" not in book.entries
    book.take(an_alert("one-more"), 0.0)
    assert len(book.entries) == alert_book.EVENTS_KEPT
    assert "open" not in book.entries


def test_emulated_time_goes_on_from_the_newest_instant_heard() -> None:
    book = AlertBook()
    assert book.emulated_now_unix_ns(5.0) == 0
    book.note_time(NS, 10.0)
    # A retained alert of an hour ago does not turn the clock back.
    book.note_time(NS - 3_600 * 10**9, 12.0)
    assert book.emulated_now_unix_ns(13.0) == NS + 3 * 10**9


def test_services_are_known_by_their_newest_word() -> None:
    book = AlertBook()
    book.note_status(Status("relay", "relay-1", "up"))
    book.note_status(Status("relay", "relay-1", "down"))
    assert [status.state for status in book.statuses.values()] == ["down"]
