"""A program's life: it runs until SIGTERM or SIGINT, drains, and leaves with an honest exit code."""

import asyncio
import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable

INTERRUPTED = 130
# linux/prctl.h
PR_SET_PDEATHSIG = 1
PARENT_CHECK_S = 0.5


def stop_on_signals(interrupted: asyncio.Event | None = None) -> asyncio.Event:
    """Return an event that SIGTERM and SIGINT set. A second Ctrl-C ends the program at once.

    interrupted: set as well when it was SIGINT.

    Python runs no `finally` on an unhandled SIGTERM, which is what `docker compose stop` sends. Must be called in
    the main thread, with the loop running.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_interrupt() -> None:
        stop.set()
        if interrupted is not None:
            interrupted.set()
        loop.remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))

    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGINT, on_interrupt)
    return stop


def run_program(main: Callable[[asyncio.Event], Awaitable[int]]) -> int:
    """Run `main(stop)` to its end and return the exit code: its own, or 130 when Ctrl-C stopped it."""

    async def body() -> int:
        interrupted = asyncio.Event()
        code = await main(stop_on_signals(interrupted))
        return INTERRUPTED if interrupted.is_set() and code == 0 else code

    return asyncio.run(body())


def end_with_parent() -> None:
    """Have SIGTERM sent to this process when its parent dies, however it dies.

    The kernel does it on Linux; elsewhere a thread looks twice a second whether the parent has changed.
    """
    parent = os.getppid()
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0) == 0:
            # It may have died before the call.
            if os.getppid() != parent:
                os.kill(os.getpid(), signal.SIGTERM)
            return
    threading.Thread(target=_watch_parent, args=(parent,), name="parent watch", daemon=True).start()


def _watch_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK_S)
    os.kill(os.getpid(), signal.SIGTERM)
