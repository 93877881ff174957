"""A process that sleeps until instants of the wall clock: what the system allows a program that does nothing else."""

import contextlib
import ctypes
import multiprocessing
import time
from collections.abc import Iterator
from typing import Any

SLEEP_STEP_NS = 7_000_000
_CLOCK_REALTIME, _TIMER_ABSTIME = 0, 1


class _Timespec(ctypes.Structure):
    _fields_ = (("tv_sec", ctypes.c_long), ("tv_nsec", ctypes.c_long))


@contextlib.contextmanager
def bare_sleeper() -> Iterator[list[int]]:
    """Sleep in a process of its own; the list has the lateness of every waking, nanoseconds, once the block ends."""
    spawn = multiprocessing.get_context("spawn")
    stop, results = spawn.Event(), spawn.Queue()
    sleeper = spawn.Process(target=_sleep, args=(stop, results), daemon=True)
    sleeper.start()
    late_ns: list[int] = []
    try:
        yield late_ns
    finally:
        stop.set()
        late_ns += results.get(timeout=30)
        sleeper.join(10)


def _sleep(stop: Any, results: Any) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    late_ns = []
    while not stop.is_set():
        due = time.time_ns() + SLEEP_STEP_NS
        until = _Timespec(*divmod(due, 1_000_000_000))
        libc.clock_nanosleep(_CLOCK_REALTIME, _TIMER_ABSTIME, ctypes.byref(until), None)
        late_ns.append(time.time_ns() - due)
    results.put(late_ns)
