"""The alarm that releases frames: never early, whoever sets the clock, and to be ended from another thread."""

import sys
import threading
import time
from collections.abc import Callable

import psutil
import pytest

from services.relay.alarm import NEVER_UNIX_NS, SPIN_NS, Alarm, DescriptorTimer, LockTimer, Timer

MS = 1_000_000
TIMERS = [LockTimer, *([DescriptorTimer] if sys.platform == "linux" else [])]

every_timer = pytest.mark.parametrize("timer", TIMERS)


def in_thread(wait: Callable[[], bool]) -> tuple[threading.Thread, list[bool]]:
    """Return a thread that waits, and where it puts what the wait returned."""
    returned: list[bool] = []
    thread = threading.Thread(target=lambda: returned.append(wait()), daemon=True)
    thread.start()
    return thread, returned


@every_timer
def test_alarm_never_rings_early(timer: Callable[[], Timer]) -> None:
    waiter = Alarm(timer())
    for wait_ns in (-MS, 0, 1, 1_000, SPIN_NS - 1, SPIN_NS + 1, 300_000, 999_999, 1_000_001, 2_500_000, 7_000_000):
        for _ in range(5):
            due = time.time_ns() + wait_ns
            assert waiter.wait_until(due)
            assert time.time_ns() >= due
    waiter.close()


@every_timer
def test_alarm_keeps_to_a_clock_that_is_set_back(timer: Callable[[], Timer], monkeypatch: pytest.MonkeyPatch) -> None:
    ahead_ns = 0
    machine_ns = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: machine_ns() + ahead_ns)
    waiter = Alarm(timer())
    due = time.time_ns() + 20 * MS
    thread, returned = in_thread(lambda: waiter.wait_until(due))
    ahead_ns = -30 * MS
    thread.join(10)
    assert returned == [True]
    assert time.time_ns() >= due
    waiter.close()


@every_timer
def test_ring_from_another_thread_ends_the_wait(timer: Callable[[], Timer]) -> None:
    waiter = Alarm(timer())
    thread, returned = in_thread(lambda: waiter.wait_until(NEVER_UNIX_NS))
    waiter.ring()
    thread.join(10)
    assert returned == [False]
    due = time.time_ns() + MS
    assert waiter.wait_until(due)
    assert time.time_ns() >= due
    waiter.close()


@every_timer
def test_ring_that_nobody_waited_for_ends_the_next_wait_and_only_that(timer: Callable[[], Timer]) -> None:
    waiter = Alarm(timer())
    waiter.ring()
    waiter.ring()
    assert not waiter.wait_until(NEVER_UNIX_NS)
    assert waiter.wait_until(time.time_ns() + MS)
    waiter.close()


@every_timer
def test_closed_alarm_ends_the_wait_and_every_later_one(timer: Callable[[], Timer]) -> None:
    waiter = Alarm(timer())
    thread, returned = in_thread(lambda: waiter.wait_until(NEVER_UNIX_NS))
    waiter.close()
    thread.join(10)
    assert returned == [False]
    assert not waiter.wait_until(NEVER_UNIX_NS)
    waiter.close()
    waiter.ring()


@pytest.mark.skipif(sys.platform != "linux", reason="timer descriptors are Linux's")
def test_closed_alarm_gives_its_descriptor_back_whether_somebody_waits_or_not() -> None:
    before = psutil.Process().num_fds()
    for _ in range(20):
        Alarm().close()
        waiter = Alarm()
        thread, _ = in_thread(lambda waiter=waiter: waiter.wait_until(NEVER_UNIX_NS))  # type: ignore[misc]
        waiter.close()
        thread.join(10)
    assert psutil.Process().num_fds() == before
