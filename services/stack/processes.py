"""Child processes of the chain: started, watched, started again when something kills them, stopped in order."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import structlog

from services.runtime.backoff import Backoff
from services.runtime.deathsig import dying_with_parent
from services.runtime.errors import PlumewatchError

# A process that drains takes a second or two; after this it is killed.
STOP_GRACE_S = 10.0
# A process killed more often than this in one run has something wrong with it that starting it again will not mend.
MOST_RESTARTS = 10
LOG_LINES_SHOWN = 12

# How glibc keeps freed memory: arenas of its own for each of a program's dozen threads, and blocks of up to 32 MiB, as
# frames are, cost the default run 230 MB more. Where it is set already, that counts; other libraries ignore it.
MEMORY_ENVIRONMENT = {"MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": str(1 << 20)}

log = structlog.get_logger()


class ChildFailedError(PlumewatchError):
    """A process of the chain ended by itself before it should."""

    def __init__(self, name: str, code: int, log_file: Path) -> None:
        ended = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        tail = _tail(log_file)
        super().__init__(f"{name} {ended}; its last words:\n{tail}" if tail else f"{name} {ended} without a word")
        self.name = name
        self.code = code


@dataclass
class Child:
    """One process of the chain and what it was started with."""

    name: str
    command: list[str]
    log_file: Path
    # In addition to this process's own; what must not be read in a list of processes goes here.
    environment: Mapping[str, str] = field(default_factory=dict)
    process: asyncio.subprocess.Process | None = None
    restarts: int = 0
    # Set once it has answered: what then ends with an error of its own is started again as well.
    served: bool = False
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def pid(self) -> int:
        """Process id of the present process; 0 before the start."""
        return 0 if self.process is None else self.process.pid

    async def start(self) -> None:
        """Start the process. Must be called in the main thread (see runtime.deathsig)."""
        with self.log_file.open("ab") as output:
            self.process = await asyncio.create_subprocess_exec(
                *dying_with_parent(self.command),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**MEMORY_ENVIRONMENT, **os.environ, **self.environment},
                # Ctrl-C goes to the launcher alone, which stops its children in order.
                start_new_session=True,
            )

    async def run(self, on_restart: Callable[[str, int], None]) -> None:
        """Return when the process is done (exit code 0) or was told to stop; start it again where it was killed.

        Raises ChildFailedError where it ends with an error before it has served, or is killed too often.
        """
        backoff = Backoff()
        while True:
            assert self.process is not None
            code = await self.process.wait()
            if self.stopping.is_set() or code == 0:
                return
            if (code > 0 and not self.served) or self.restarts >= MOST_RESTARTS:
                raise ChildFailedError(self.name, code, self.log_file)
            self.restarts += 1
            on_restart(self.name, code)
            await asyncio.sleep(backoff.next_delay_s())
            if self.stopping.is_set():
                return
            await self.start()

    async def stop(self, grace_s: float = STOP_GRACE_S) -> None:
        """Have the process drain and end; kill it where it does not."""
        self.stopping.set()
        if self.process is None or self.process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
        try:
            await asyncio.wait_for(self.process.wait(), grace_s)
        except TimeoutError:
            log.warning("did not stop in time and is killed", child=self.name, grace_s=grace_s)
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()


@dataclass
class Children:
    """All processes of the chain, in the order of their start.

    folder: where their logs go. stop_all ends them the other way round from the way of the data: who sends goes
    first, so that who receives can finish.
    """

    folder: Path
    members: list[Child] = field(default_factory=list)

    async def start(self, name: str, arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> Child:
        """Start `plumewatch ARGUMENTS` as a process of its own."""
        return await self.start_module(name, "services.cli", arguments, environment)

    async def start_module(
        self, name: str, module: str, arguments: Sequence[str] = (), environment: Mapping[str, str] | None = None
    ) -> Child:
        """Start `python -m MODULE ARGUMENTS` as a process of its own."""
        command = [sys.executable, "-m", module, *arguments]
        child = Child(name, command, self.folder / f"{name.replace('/', '-')}.log", environment or {})
        self.members.append(child)
        await child.start()
        return child

    async def stop_all(self) -> None:
        """Stop satellites at once, then the relay, then the ground station."""
        for child in self.members:
            child.stopping.set()
        groups: dict[str, list[Child]] = {"satellite": [], "relay": [], "ground-station": []}
        for child in self.members:
            groups.setdefault(child.name.rpartition("/")[0] or child.name, []).append(child)
        for group in groups.values():
            await asyncio.gather(*(child.stop() for child in group))


def memory_mb() -> float:
    """Return the memory of this process and all below it, megabytes of 10^6 bytes.

    Where the system tells it (Linux), the sum of proportional set sizes: a page that processes share counts once in
    all. Elsewhere the sum of resident set sizes, which counts it once for each: libraries alone make 0.7 GB of that.
    """
    launcher = psutil.Process()
    total = 0
    for process in [launcher, *launcher.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            total += _memory_bytes(process)
    return total / 1e6


def _memory_bytes(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.AccessDenied):
        # Only Linux's has the field.
        proportional = getattr(process.memory_full_info(), "pss", None)
        if proportional is not None:
            return int(proportional)
    return int(process.memory_info().rss)


def _tail(log_file: Path) -> str:
    try:
        lines = log_file.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    return "\n".join("    " + line for line in lines[-LOG_LINES_SHOWN:])
