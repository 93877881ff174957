"""What becomes of each message of a stream."""

from hypothesis import given
from hypothesis import strategies as st

from services.ground_station.ingest import MOST_SKIPPED, Loss, SequenceBook


def test_frames_in_order_are_accepted_and_settle_their_number() -> None:
    book = SequenceBook()
    for sequence in range(5):
        verdict = book.judge(sequence, 100 + sequence)
        assert verdict.accepted
        assert verdict.settles == sequence
        assert verdict.losses == ()


def test_repeat_is_dropped_and_counted_and_changes_nothing() -> None:
    book = SequenceBook(settled_sequence=4, newest_readout_end_unix_ns=100)
    verdict = book.judge(4, 100)
    assert not verdict.accepted
    assert verdict.settles is None
    assert verdict.losses == ()
    assert (book.repeated, book.next_sequence) == (1, 5)


def test_gap_is_named_as_skipped() -> None:
    book = SequenceBook(settled_sequence=4, newest_readout_end_unix_ns=100)
    verdict = book.judge(8, 200)
    assert verdict.accepted
    assert [(loss.first_sequence, loss.last_sequence, loss.cause) for loss in verdict.losses] == [(5, 7, "skipped")]
    assert len(verdict.losses[0]) == 3


def test_time_from_the_past_is_refused_and_the_stream_goes_on() -> None:
    book = SequenceBook()
    assert book.judge(0, 100).accepted
    refused = book.judge(1, 100)
    assert not refused.accepted
    assert refused.settles == 1
    assert refused.losses[0].cause == "refused"
    assert "100" in refused.losses[0].detail
    assert book.judge(2, 101).accepted


def test_refused_frame_does_not_move_the_newest_time() -> None:
    book = SequenceBook()
    assert not book.judge(0, 10**18, "rows x columns is 0 x 0; both must be above 0").accepted
    assert book.judge(1, 100).accepted


def test_message_without_a_number_stands_for_the_next_one() -> None:
    book = SequenceBook(settled_sequence=4)
    verdict = book.judge(None, problem="3 bytes are no Frame")
    assert verdict.settles == 5
    assert verdict.losses == (Loss(5, 5, "refused", "3 bytes are no Frame"),)


def test_number_out_of_all_reach_does_not_make_repeats_of_what_follows() -> None:
    book = SequenceBook(settled_sequence=4, newest_readout_end_unix_ns=100)
    verdict = book.judge(MOST_SKIPPED + 6, 200)
    assert verdict.losses == (verdict.losses[0],)
    assert (verdict.losses[0].first_sequence, verdict.losses[0].cause) == (5, "refused")
    assert book.judge(6, 300).accepted


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30), st.booleans()), max_size=40))
def test_every_number_is_settled_once_as_a_frame_or_as_a_loss(messages: list[tuple[int, int, bool]]) -> None:
    book = SequenceBook()
    fate: dict[int, str] = {}
    times = []
    for sequence, time, bad in messages:
        verdict = book.judge(sequence, time, "bad" if bad else "")
        for loss in verdict.losses:
            for number in range(loss.first_sequence, loss.last_sequence + 1):
                assert number not in fate
                fate[number] = loss.cause
        if verdict.accepted:
            assert sequence not in fate
            fate[sequence] = "accepted"
            times.append(time)
    assert sorted(fate) == list(range(book.next_sequence))
    assert times == sorted(set(times))
