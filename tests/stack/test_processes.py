import asyncio
import os
import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest

from services.stack.compile_kernels import MODULES
from services.stack.processes import Child, ChildFailedError, Children, memory_mb

PYTHON = sys.executable


def _child(tmp_path: Path, code: str, name: str = "part") -> Child:
    return Child(name, [PYTHON, "-c", textwrap.dedent(code)], tmp_path / f"{name}.log")


def _nobody(name: str, code: int) -> None:
    raise AssertionError(f"{name} was started again after {code}")


async def test_child_that_is_done_is_done(tmp_path: Path) -> None:
    child = _child(tmp_path, "print('done')")
    await child.start()
    await child.run(_nobody)
    assert child.log_file.read_text() == "done\n"


async def test_child_that_fails_is_reported_with_its_last_words(tmp_path: Path) -> None:
    child = _child(tmp_path, "import sys; sys.exit('the port is taken')")
    await child.start()
    with pytest.raises(ChildFailedError, match=r"part ended with exit code 1; its last words:\n    the port is taken"):
        await child.run(_nobody)


async def test_killed_child_is_started_again(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    child = _child(
        tmp_path,
        f"""
        import os, pathlib, signal
        mark = pathlib.Path({str(mark)!r})
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        """,
    )
    restarts: list[tuple[str, int]] = []
    await child.start()
    await child.run(lambda name, code: restarts.append((name, code)))
    assert restarts == [("part", -signal.SIGKILL)]


async def test_child_that_had_served_is_started_again_after_an_error_of_its_own(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    code = f"import pathlib, sys; m = pathlib.Path({str(mark)!r}); there = m.exists(); m.touch(); sys.exit(not there)"
    child = _child(tmp_path, code)
    child.served = True
    restarts: list[int] = []
    await child.start()
    await child.run(lambda _, code: restarts.append(code))
    assert restarts == [1]


async def test_child_that_dies_over_and_over_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.stack.processes.MOST_RESTARTS", 1)
    child = _child(tmp_path, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    await child.start()
    with pytest.raises(ChildFailedError, match="was ended by SIGKILL"):
        await child.run(lambda *_: None)


async def test_child_that_does_not_drain_is_killed(tmp_path: Path) -> None:
    child = _child(
        tmp_path,
        """
        import signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print("ready", flush=True)
        time.sleep(60)
        """,
    )
    await child.start()
    while "ready" not in child.log_file.read_text():  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    await child.stop(grace_s=0.2)
    assert child.process is not None
    assert child.process.returncode == -signal.SIGKILL


async def test_senders_stop_before_receivers(tmp_path: Path) -> None:
    order = tmp_path / "order"
    children = Children(tmp_path)
    for name in ("ground-station", "relay", "satellite/sat-1", "satellite/sat-2"):
        child = _child(
            tmp_path,
            f"""
            import signal, sys, time
            def end(*_):
                time.sleep(0.05)
                with open({str(order)!r}, "a") as file:
                    file.write({name!r} + "\\n")
                sys.exit(0)
            signal.signal(signal.SIGTERM, end)
            print("ready", flush=True)
            time.sleep(60)
            """,
            name.replace("/", "-"),
        )
        child.name = name
        children.members.append(child)
        await child.start()
        while "ready" not in child.log_file.read_text():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    await children.stop_all()
    ended = order.read_text().split()
    assert set(ended[:2]) == {"satellite/sat-1", "satellite/sat-2"}
    assert ended[2:] == ["relay", "ground-station"]


def test_no_child_outlives_a_launcher_that_is_killed(tmp_path: Path) -> None:
    launcher = subprocess.Popen(
        [
            PYTHON,
            "-c",
            textwrap.dedent(f"""
            import asyncio, pathlib
            from services.stack.processes import Child
            async def main():
                command = [{PYTHON!r}, "-c", "import time; time.sleep(60)"]
                child = Child("part", command, pathlib.Path({str(tmp_path)!r}, "log"))
                await child.start()
                print(child.pid, flush=True)
                await asyncio.sleep(60)
            asyncio.run(main())
            """),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert launcher.stdout is not None
    child = psutil.Process(int(launcher.stdout.readline()))
    os.kill(launcher.pid, signal.SIGKILL)
    launcher.wait()
    launcher.stdout.close()
    psutil.wait_procs([child], timeout=10)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell what processes share")
def test_memory_counts_children_and_what_processes_share_once() -> None:
    alone_mb = memory_mb()
    waits = "import numpy, sys; print(1, flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", waits], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        both = [psutil.Process(), psutil.Process(child.pid)]
        own_mb = sum(process.memory_full_info().uss for process in both) / 1e6
        counted_twice_mb = sum(process.memory_info().rss for process in both) / 1e6
        assert own_mb < memory_mb() < counted_twice_mb
        assert memory_mb() > alone_mb + 5
        child.communicate()


def test_every_module_of_kernels_of_satellites_and_relay_is_compiled_beforehand() -> None:
    repository = Path(__file__).parents[2]
    found = {
        ".".join(path.relative_to(repository).with_suffix("").parts)
        for room in ("sat_emulator", "services/relay")
        for path in (repository / room).rglob("*.py")
        # Explicit signatures compile at import; what has none is compiled with those that call it.
        if re.search(r"njit\(\s*\"", path.read_text())
    }
    assert found == set(MODULES)
