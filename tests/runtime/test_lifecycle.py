"""Programs stop on signals, with the exit code a shell expects; children follow their parent. Real processes."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator

import psutil
import pytest

from services.runtime.errors import PlumewatchError
from services.runtime.lifecycle import run_program, stopped_within

PROGRAM = """
import asyncio, sys
from services.runtime.lifecycle import run_program
async def main(stop):
    print("ready", flush=True)
    await stop.wait()
    {after_stop}
    print("drained", flush=True)
    return {code}
sys.exit(run_program(main))
"""


class Program:
    """A child process under test, killed if the test leaves it behind."""

    def __init__(self, text: str) -> None:
        command = [sys.executable, "-c", textwrap.dedent(text)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.first_line = self.process.stdout.readline().strip()

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def end(self) -> tuple[int, str]:
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, out + err


@pytest.fixture
def programs() -> Iterator[list[Program]]:
    running: list[Program] = []
    yield running
    for program in running:
        program.process.kill()
        program.process.communicate()


def start(programs: list[Program], text: str) -> Program:
    programs.append(Program(text))
    return programs[-1]


@pytest.mark.parametrize(
    ("number", "code", "expected"),
    [(signal.SIGTERM, 0, 0), (signal.SIGINT, 0, 130), (signal.SIGTERM, 3, 3), (signal.SIGINT, 3, 3)],
)
def test_signal_drains_and_gives_the_exit_code(programs: list[Program], number: int, code: int, expected: int) -> None:
    program = start(programs, PROGRAM.format(after_stop="pass", code=code))
    program.signal(number)
    assert program.end() == (expected, "drained\n")


def test_second_interrupt_cancels_what_hangs_and_still_cleans_up(programs: list[Program]) -> None:
    hang = 'print("hangs", flush=True)\n    try: await asyncio.sleep(60)\n    finally: print("cleaned", flush=True)'
    program = start(programs, PROGRAM.format(after_stop=hang, code=0))
    program.signal(signal.SIGINT)
    assert program.process.stdout is not None
    assert program.process.stdout.readline() == "hangs\n"
    program.signal(signal.SIGINT)
    assert program.end() == (130, "cleaned\n")


def test_error_for_the_user_comes_out_of_a_task_group() -> None:
    async def fail() -> None:
        raise PlumewatchError("the port is taken")

    async def main(_: asyncio.Event) -> int:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(fail())
        return 0

    with pytest.raises(PlumewatchError, match="the port is taken"):
        run_program(main)


def test_defect_stays_a_group_with_its_trace() -> None:
    async def main(_: asyncio.Event) -> int:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(asyncio.sleep(60))
            return 1 // 0

    with pytest.raises(BaseExceptionGroup):
        run_program(main)


async def test_pause_ends_with_stop() -> None:
    stop = asyncio.Event()
    assert not await stopped_within(stop, 0.0)
    stop.set()
    assert await asyncio.wait_for(stopped_within(stop, 60.0), 1.0)


PARENT = """
import os, subprocess, sys, time
from services.runtime.deathsig import dying_with_parent
child = subprocess.Popen({command})
print(child.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_any_program_dies_with_its_parent(programs: list[Program], number: int) -> None:
    parent = start(programs, PARENT.format(command='dying_with_parent(["sleep", "60"])'))
    child = psutil.Process(int(parent.first_line))
    parent.signal(number)
    child.wait(10)


def test_command_that_does_not_exist_is_named() -> None:
    from services.runtime import deathsig

    command = [sys.executable, deathsig.__file__, str(os.getpid()), "no-such-program"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert ended.returncode == 127
    assert "no-such-program: No such file" in ended.stderr


def test_program_that_does_not_drain_is_ended_within_its_limit() -> None:
    text = (
        "import os, signal, time; from services.runtime import lifecycle; lifecycle.DRAIN_LIMIT_S = 0.3\n"
        "async def main(stop):\n    os.kill(os.getpid(), signal.SIGTERM); await stop.wait(); time.sleep(60); return 0\n"
        "lifecycle.run_program(main)"
    )
    ended = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=20, check=False)
    assert ended.returncode == 1
    assert "not drained within 0.3 s" in ended.stderr
