"""Priority of the threads that release frames, where the operating system grants it."""

import contextlib
import os
import threading

# Lowest of the real-time priorities: before every ordinary thread, after all that the system itself keeps there.
REAL_TIME_PRIORITY = 1
# Where that is not granted: well before ordinary threads, whose niceness is 0.
NICENESS = -10


def prefer_this_thread() -> None:
    """Let the calling thread run as soon as it is awake, before ordinary ones; without permission all stays as it is.

    Ordinary threads wait meanwhile: some tenths of a millisecond a frame, and after a fault for as long as the first
    thread whose frame comes works out the new routes, some milliseconds at 42,000 relay satellites. Threads that it
    starts are ordinary again.
    """
    if not hasattr(os, "sched_setscheduler"):
        return
    try:
        # On Linux 0 is the calling thread, not its process.
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(REAL_TIME_PRIORITY))
    except OSError:
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
