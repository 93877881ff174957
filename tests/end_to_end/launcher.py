"""`plumewatch up` as its user starts it: a process of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil

STEP_S = 0.05


def write_sequences(folder: Path, satellites: int, images: int, side: int = 96, seed: int = 5) -> Path:
    """Write recorded skies with one point that moves a third of a pixel an image, and where it is."""
    generator = np.random.default_rng(seed)
    rows, columns = np.mgrid[:side, :side]
    for satellite in range(1, satellites + 1):
        sequence = folder / f"cam-{satellite}"
        sequence.mkdir(parents=True)
        targets = []
        for k in range(images):
            row, column = side / 3 + k / 3 % (side / 3), side / 4 + k / 4 % (side / 2)
            spot = 600 * np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / (2 * 0.8**2))
            image = 1000 + generator.normal(0, 12, (side, side)) + spot
            np.save(sequence / f"{k:04d}.npy", image.astype(np.uint16))
            targets.append(f"{column:.2f} {row:.2f}")
        (sequence / "targets_xy.txt").write_text("\n".join(targets) + "\n")
    return folder


@dataclass
class Launched:
    """A running `plumewatch up`."""

    process: subprocess.Popen[str]
    report_file: Path
    run_dir: Path
    output: str = ""
    errors: str = ""
    _report: dict[str, Any] = field(default_factory=dict)

    @property
    def report(self) -> dict[str, Any]:
        """What it wrote at the end."""
        if not self._report:
            self._report = json.loads(self.report_file.read_text())
        return self._report

    def finish(self, timeout_s: float = 120.0) -> int:
        """Wait for its end; return the exit code."""
        self.output, self.errors = self.process.communicate(timeout=timeout_s)
        return self.process.returncode

    def children(self) -> list[psutil.Process]:
        """All processes below it."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def child(self, verb: str) -> psutil.Process:
        """The process that runs a verb."""
        for process in self.children():
            if "services.cli" in (words := process.cmdline()) and verb in words:
                return process
        raise LookupError(f"no process runs {verb}: {[process.cmdline() for process in self.children()]}")

    def broker(self) -> psutil.Process:
        """The broker's process."""
        for process in self.children():
            if process.name() in ("mosquitto", "nats-server"):
                return process
        raise LookupError("no broker runs")

    def wait_for(self, condition: Callable[[], bool], timeout_s: float = 60.0) -> None:
        """Return once the condition holds; fail where the run ends or time is up before."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            if self.process.poll() is not None:
                self.finish()
                raise AssertionError(f"the run ended first: {self.output}{self.errors}")
            if time.monotonic() > deadline:
                raise AssertionError("not within time")
            time.sleep(STEP_S)

    def run_has_started(self) -> bool:
        """Whether the run clock runs."""
        log = self.run_dir / "relay.log"
        return log.exists() and "run starts" in log.read_text()

    def interrupt(self) -> None:
        """Ctrl-C."""
        self.process.send_signal(signal.SIGINT)


def launch(tmp_path: Path, *arguments: str, environment: dict[str, str] | None = None) -> Launched:
    """Start `plumewatch up ARGUMENTS` on free ports."""
    report, run_dir = tmp_path / "report.json", tmp_path / "run"
    command = [sys.executable, "-m", "services.cli", "up", *arguments, "--report", str(report)]
    process = subprocess.Popen(
        [*command, "--run-dir", str(run_dir), "--port-base", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **(environment or {})},
        start_new_session=True,
    )
    return Launched(process, report, run_dir)
