"""Waiting for a wall instant, never waking early and as little late as the operating system allows.

An event loop's own timers count whole milliseconds of a monotonic clock. On Linux a timer file descriptor on the
wall clock itself wakes the loop when that clock has passed the instant, within about 0.1 ms, and follows it when
somebody sets it. Elsewhere the loop's timer does.
"""

import asyncio
import ctypes
import os
import sys
import time

_CLOCK_REALTIME = 0
_TFD_TIMER_ABSTIME = 1
_NS_PER_S = 1_000_000_000
# Longest single wait where no timer descriptor exists: bounds the error after somebody sets the clock.
_LONGEST_SLEEP_S = 1.0


class _Timespec(ctypes.Structure):
    _fields_ = (("tv_sec", ctypes.c_long), ("tv_nsec", ctypes.c_long))


class _Itimerspec(ctypes.Structure):
    _fields_ = (("it_interval", _Timespec), ("it_value", _Timespec))


class Alarm:
    """One waiter's timer. Use as a context manager on a running event loop; one wait at a time."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._fd = -1
        self._waiter: asyncio.Future[None] | None = None
        self._libc: ctypes.CDLL | None = None
        if sys.platform == "linux":
            self._libc = ctypes.CDLL(None, use_errno=True)
            self._fd = self._libc.timerfd_create(_CLOCK_REALTIME, os.O_NONBLOCK | os.O_CLOEXEC)
            if self._fd < 0:
                code = ctypes.get_errno()
                raise OSError(code, f"timerfd_create: {os.strerror(code)}")
            self._loop.add_reader(self._fd, self._rang)

    def __enter__(self) -> "Alarm":
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1

    async def wait_until(self, wall_unix_ns: int) -> int:
        """Return the wall clock's reading (UTC, nanoseconds since 1970) once it is at or past `wall_unix_ns`."""
        while (now := time.time_ns()) < wall_unix_ns:
            if self._fd >= 0:
                await self._ring_at(wall_unix_ns)
            else:
                await asyncio.sleep(min((wall_unix_ns - now) / _NS_PER_S, _LONGEST_SLEEP_S))
        return now

    async def _ring_at(self, wall_unix_ns: int) -> None:
        assert self._libc is not None
        self._waiter = self._loop.create_future()
        at = _Itimerspec(_Timespec(0, 0), _Timespec(*divmod(wall_unix_ns, _NS_PER_S)))
        if self._libc.timerfd_settime(self._fd, _TFD_TIMER_ABSTIME, ctypes.byref(at), None) < 0:
            code = ctypes.get_errno()
            raise OSError(code, f"timerfd_settime: {os.strerror(code)}")
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _rang(self) -> None:
        try:
            os.read(self._fd, 8)
        except BlockingIOError:  # the timer was set anew between its ringing and this call
            return
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
