from hypothesis import given
from hypothesis import strategies as st

from sat_emulator.downlink.account import Account


def test_goes_on_after_what_the_receiver_has() -> None:
    account = Account("sat-1", 10)
    assert account.open(-1) == 0
    assert account.open(6) == 7


def test_settled_passes_over_frames_whose_loss_was_named() -> None:
    account = Account("sat-1", 10)
    account.open(-1)
    account.lose(3, 5, "network_model", "no path")
    assert account.settled_sequence == -1
    account.acknowledge(2)
    assert account.settled_sequence == 5
    account.acknowledge(9)
    assert account.done
    assert account.as_json()["lost"] == {"network_model": 3}
    assert account.as_json()["acknowledged"] == 7


def test_details_of_one_lost_frame_and_of_many_name_the_cause() -> None:
    account = Account("sat-1", 10)
    account.open(-1)
    account.lose(3, 3, "network_model", "no path")
    account.lose(4, 6, "queue_full", "the oldest made room")
    assert account.as_json()["details"] == [
        "frame 3: network_model: no path",
        "frames 4 to 6: queue_full: the oldest made room",
    ]


def test_frames_lost_beyond_the_receivers_newest_get_another_chance_on_a_new_stream() -> None:
    account = Account("sat-1", 10)
    account.open(-1)
    for sequence in range(6):
        account.send(sequence)
    account.lose(4, 5, "queue_full", "the oldest made room")
    account.acknowledge(3)
    assert account.open(3) == 4
    account.acknowledge(9)
    assert account.lost() == {}


def test_frame_that_its_source_cannot_read_stays_lost_and_is_counted_once() -> None:
    account = Account("sat-1", 4)
    account.open(-1)
    account.send(0)
    account.skip_unreadable(1, "1.png: truncated")
    account.send(2)
    account.send(3)
    # The receiver saw the gap and says so as well.
    account.lose(1, 1, "skipped", "frame 1 never came")
    account.acknowledge(0)
    assert account.open(0) == 2
    account.acknowledge(3)
    assert account.as_json()["lost"] == {"unreadable": 1}
    assert account.as_json()["sent"] == 3
    assert account.as_json()["details"] == ["frame 1: 1.png: truncated"]


def test_unreadable_last_frame_leaves_nothing_to_wait_for() -> None:
    account = Account("sat-1", 2)
    account.open(-1)
    account.acknowledge(0)
    account.skip_unreadable(1, "gone")
    assert account.done


def test_frames_nobody_settled_count_as_lost() -> None:
    account = Account("sat-1", 10)
    account.open(-1)
    account.acknowledge(3)
    assert account.as_json()["lost"] == {"unacknowledged": 6}


def test_frames_sent_again_are_counted_once_as_sent() -> None:
    account = Account("sat-1", 4)
    account.open(-1)
    for sequence in (0, 1, 2, 1, 2, 3):
        account.send(sequence)
    assert account.as_json()["sent"] == 4
    assert account.frames_repeated == 2


event = st.one_of(
    st.tuples(st.just("acknowledge"), st.integers(0, 19)),
    st.tuples(st.just("lose"), st.integers(0, 19)),
    st.tuples(st.just("skip"), st.integers(0, 19)),
    st.tuples(st.just("open"), st.integers(-1, 19)),
)


@given(st.lists(event))
def test_every_frame_is_acknowledged_or_lost_whatever_happens(events: list[tuple[str, int]]) -> None:
    account = Account("sat-1", 20)
    account.open(-1)
    for what, sequence in events:
        if what == "acknowledge":
            account.acknowledge(sequence)
        elif what == "lose":
            account.lose(sequence, sequence + 2, "network_model", "")
        elif what == "skip":
            account.skip_unreadable(sequence, "gone")
        else:
            account.open(sequence)
    report = account.as_json()
    assert report["acknowledged"] + sum(report["lost"].values()) == 20
    assert -1 <= account.settled_sequence < 22
