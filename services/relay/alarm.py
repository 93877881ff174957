"""Waiting for a wall instant in a thread: never waking early, and as little late as the operating system allows.

On Linux a timer file descriptor on the wall clock itself ends a blocking read once that clock has passed the instant,
and follows the clock when somebody sets it; the interpreter's lock is not held meanwhile. Elsewhere a timed wait on a
lock does, in steps. The last moment, which waking takes, is watched on the clock itself.
"""

import ctypes
import os
import sys
import threading
import time
from typing import Protocol

# An instant that does not come: the year 2116. Later ones do not fit the kernel's nanoseconds on every system.
NEVER_UNIX_NS = 1 << 62
_CLOCK_REALTIME = 0
_TFD_TIMER_ABSTIME = 1
_NS_PER_S = 1_000_000_000
# Waking a thread takes about this long: so long before the instant the thread is woken, and reads the clock until then.
# At 40 frames a second that is 0.2 % of a core.
SPIN_NS = 60_000
# Longest single wait where no timer descriptor exists: bounds the error after somebody sets the clock.
_LONGEST_WAIT_S = 1.0
# An instant long past, at which a timer rings at once; 0 would disarm it.
_AT_ONCE_UNIX_NS = 1


class Timer(Protocol):
    """What an alarm waits on. `wait` may return too early, never for good too late."""

    def set(self, wall_unix_ns: int) -> None:
        """Let the wait that is under way, or the next one, end at a wall instant."""

    def wait(self) -> None:
        """Return once the instant has come."""

    def close(self) -> None:
        """Give back what the system lent; nobody waits any more."""


class _Timespec(ctypes.Structure):
    _fields_ = (("tv_sec", ctypes.c_long), ("tv_nsec", ctypes.c_long))


class _Itimerspec(ctypes.Structure):
    _fields_ = (("it_interval", _Timespec), ("it_value", _Timespec))


class DescriptorTimer:
    """Linux's timer file descriptor on the wall clock."""

    def __init__(self) -> None:
        # These calls take less time than giving the interpreter's lock away and waiting to have it back.
        self._libc = ctypes.PyDLL(None, use_errno=True)
        self._fd = self._libc.timerfd_create(_CLOCK_REALTIME, os.O_CLOEXEC)
        _check(self._fd, "timerfd_create")

    def set(self, wall_unix_ns: int) -> None:
        at = _Itimerspec(_Timespec(0, 0), _Timespec(*divmod(wall_unix_ns, _NS_PER_S)))
        _check(self._libc.timerfd_settime(self._fd, _TFD_TIMER_ABSTIME, ctypes.byref(at), None), "timerfd_settime")

    def wait(self) -> None:
        os.read(self._fd, 8)

    def close(self) -> None:
        os.close(self._fd)


class LockTimer:
    """A timed wait on a lock, for systems without timer descriptors."""

    def __init__(self) -> None:
        self._changed = threading.Event()
        self._wall_unix_ns = NEVER_UNIX_NS

    def set(self, wall_unix_ns: int) -> None:
        self._wall_unix_ns = wall_unix_ns
        self._changed.set()

    def wait(self) -> None:
        self._changed.clear()
        left_s = (self._wall_unix_ns - time.time_ns()) / _NS_PER_S
        if left_s > 0:
            self._changed.wait(min(left_s, _LONGEST_WAIT_S))

    def close(self) -> None:
        pass


def system_timer() -> Timer:
    """Return the best timer of this system."""
    return DescriptorTimer() if sys.platform == "linux" else LockTimer()


class Alarm:
    """One thread's alarm. That thread waits; any thread rings or closes it."""

    def __init__(self, timer: Timer | None = None) -> None:
        self._timer = timer or system_timer()
        self._lock = threading.Lock()
        self._rung = self._waiting = self._closed = False

    def wait_until(self, wall_unix_ns: int) -> bool:
        """Return True once the wall clock (UTC, nanoseconds since 1970) is at or past an instant.

        False: somebody rang since the last wait, or the alarm is closed.
        """
        while True:
            with self._lock:
                if self._rung or self._closed:
                    self._rung = False
                    return False
                left_ns = wall_unix_ns - time.time_ns()
                if left_ns <= 0:
                    return True
                self._waiting = left_ns > SPIN_NS
                if self._waiting:
                    self._timer.set(wall_unix_ns - SPIN_NS)
            if self._waiting:
                self._wait()
            else:
                # Somebody may set the clock back meanwhile.
                while 0 < wall_unix_ns - time.time_ns() <= SPIN_NS:
                    pass

    def ring(self) -> None:
        """End the wait that is under way, or the next one."""
        with self._lock:
            self._rung = True
            if self._waiting:
                self._timer.set(_AT_ONCE_UNIX_NS)

    def close(self) -> None:
        """End the wait that is under way and all later ones."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            if self._waiting:
                self._timer.set(_AT_ONCE_UNIX_NS)  # whoever waits closes the timer
            else:
                self._timer.close()

    def _wait(self) -> None:
        self._timer.wait()
        with self._lock:
            self._waiting = False
            if self._closed:
                self._timer.close()


def _check(returned: int, call: str) -> None:
    if returned < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{call}: {os.strerror(code)}")
