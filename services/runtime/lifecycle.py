"""How every program starts and stops: two signals set one event, and no child outlives its parent."""

import asyncio
import contextlib
import os
import signal
import threading
import time
from collections.abc import Awaitable, Callable, Iterator

from services.runtime.deathsig import ask_for_signal_when_parent_dies
from services.runtime.errors import PlumewatchError

# What a shell expects of a program that Ctrl-C ended: 128 + SIGINT.
INTERRUPTED = 130
# How often a child looks whether its parent is still there, where the kernel cannot tell it; seconds.
PARENT_PERIOD_S = 0.5


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

    def interrupt() -> None:
        nonlocal interrupts
        interrupts += 1
        stop.interrupted = True
        stop.set()
        if interrupts == 2 and program is not None:
            program.cancel()
        if interrupts > 2:
            os._exit(INTERRUPTED)

    loop.add_signal_handler(signal.SIGTERM, stop.set)
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


def end_with_parent(parent_pid: int | None = None) -> None:
    """Have this process told to stop (SIGTERM) when its parent is gone, however it went.

    parent_pid: the parent as the child was told it, for one that died before this call; left out: the present one.
    On Linux the kernel does it; elsewhere, and within other process namespaces, a thread looks twice a second.
    """
    parent = os.getppid() if parent_pid is None else parent_pid
    asked = ask_for_signal_when_parent_dies(signal.SIGTERM)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)
    elif not asked:
        threading.Thread(target=_watch_parent, args=(parent,), name="watch parent", daemon=True).start()


async def stopped_within(stop: asyncio.Event, timeout_s: float) -> bool:
    """Wait for `stop`, at most so long; return whether it is set. The way to pause in a loop that must end."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), timeout_s)
    return stop.is_set()


def _watch_parent(parent_pid: int) -> None:
    while os.getppid() == parent_pid:
        time.sleep(PARENT_PERIOD_S)
    os.kill(os.getpid(), signal.SIGTERM)


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
