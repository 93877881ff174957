"""How every program starts and stops: two signals set one event."""

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator

from services.runtime.errors import PlumewatchError

# What a shell expects of a program that Ctrl-C ended: 128 + SIGINT.
INTERRUPTED = 130


# Time after SIGTERM within which a program has drained, or is ended as it stands: what orchestrators grant, seconds.
DRAIN_LIMIT_S = 12.0


class StopEvent(asyncio.Event):
    """Set once the program is to stop. interrupted: by Ctrl-C."""

    interrupted = False


def stop_on_signals() -> StopEvent:
    """Return an event that SIGTERM and SIGINT set.

    A second Ctrl-C cancels the task that called this, so that its `finally` blocks still run; a third ends the
    process on the spot. SIGTERM may come any number of times. Call it within the running loop of the main thread.
    """
    loop = asyncio.get_running_loop()
    stop = StopEvent()
    program = asyncio.current_task()
    interrupts = 0

    def terminate() -> None:
        if not stop.is_set():
            # A thread, so that it ends even a program whose loop is stuck.
            limit = threading.Timer(DRAIN_LIMIT_S, _give_up_draining)
            limit.daemon = True
            limit.start()
        stop.set()

    def interrupt() -> None:
        nonlocal interrupts
        interrupts += 1
        stop.interrupted = True
        stop.set()
        if interrupts == 2 and program is not None:
            program.cancel()
        if interrupts > 2:
            os._exit(INTERRUPTED)

    loop.add_signal_handler(signal.SIGTERM, terminate)
    loop.add_signal_handler(signal.SIGINT, interrupt)
    return stop


def run_program(main: Callable[[asyncio.Event], Awaitable[int]]) -> int:
    """Run `main(stop)` and return the process's exit code.

    What `main` returns, but 130 where Ctrl-C stopped it and it had nothing worse to say; SIGTERM is an ordinary end.
    An error meant for the user comes out as itself, also where a task group had wrapped it.
    """

    async def program() -> int:
        stop = stop_on_signals()
        try:
            code = await main(stop)
        except asyncio.CancelledError:
            if not stop.interrupted:
                raise
            return INTERRUPTED
        return INTERRUPTED if stop.interrupted and code == 0 else code

    try:
        return asyncio.run(program())
    except BaseExceptionGroup as group:
        errors = list(_leaves(group))
        if all(isinstance(error, PlumewatchError) for error in errors):
            raise errors[0] from group
        raise


async def stopped_within(stop: asyncio.Event, timeout_s: float) -> bool:
    """Wait for `stop`, at most so long; return whether it is set. The way to pause in a loop that must end."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), timeout_s)
    return stop.is_set()


def _give_up_draining() -> None:
    print(f"not drained within {DRAIN_LIMIT_S:g} s; ended", file=sys.stderr, flush=True)
    os._exit(1)


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
