"""A child that dies with its parent, whatever program it is.

`python deathsig.py PARENT_PID COMMAND...` asks the kernel for SIGTERM at the parent's death and
becomes COMMAND: the request outlives exec (prctl(2), PR_SET_PDEATHSIG). Unlike subprocess's `preexec_fn` it runs
no Python between fork and exec, which may deadlock where there are threads.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

# linux/prctl.h
PR_SET_PDEATHSIG = 1
# What a shell answers where there is no such program.
NOT_FOUND = 127


def ask_for_signal_when_parent_dies(number: signal.Signals) -> bool:
    """Ask the kernel for a signal when the thread that started this process ends; return whether it can."""
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    answer: int = libc.prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)
    return answer == 0


def dying_with_parent(command: Sequence[str]) -> list[str]:
    """Return a command that runs `command` and ends it when this process is gone.

    Start it from the main thread: the kernel watches the thread that forks, not the process.
    """
    # By its path and isolated: a folder named `services` where the user stands must not get in between.
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *command]


def main() -> None:
    """Become the command given after the parent's process id."""
    if len(sys.argv) < 3:
        sys.exit("usage: deathsig.py PARENT_PID COMMAND [ARGUMENT...]")
    parent, command = int(sys.argv[1]), sys.argv[2:]
    ask_for_signal_when_parent_dies(signal.SIGTERM)
    # The parent may have died before the kernel was asked.
    if os.getppid() != parent:
        sys.exit(f"the parent process {parent} is gone; {command[0]} is not started")
    try:
        os.execvp(command[0], command)
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
        sys.exit(NOT_FOUND)


if __name__ == "__main__":
    main()
