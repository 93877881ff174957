"""The run clock and the faults in force, kept in a file so that a relay that starts again carries on with them."""

import asyncio
import dataclasses
import hashlib
import json
import os
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from services.relay.network.faults import Fault, FaultBook, FaultKind
from services.runtime.clock import RunClock
from services.runtime.errors import BadInputError
from services.scenario.model import Scenario
from services.scenario.resolve import end_unix_ns, start_unix_ns

FILE_NAME = "run.json"
# A run that ended longer ago (wall time) is over; a relay that starts then begins a new one.
OVER_AFTER_NS = 60_000_000_000


@dataclass(frozen=True)
class RunPlan:
    """What a run is before it starts. Instants are emulated UTC, nanoseconds since 1970; end 0: it has none."""

    scenario_name: str
    # Of all that the scenario says and that the relay reads from files beside it: a changed scenario is another run.
    scenario_digest: str
    emulated_start_unix_ns: int
    emulated_end_unix_ns: int
    rate: float


class RunState:
    """The one run of this relay: its id, its clock once started, its faults."""

    def __init__(
        self, plan: RunPlan, run_id: str, wall_start_unix_ns: int | None, faults: FaultBook, file: Path | None
    ):
        self.plan = plan
        self.run_id = run_id
        self.faults = faults
        self.clock: RunClock | None = None
        self.started = asyncio.Event()
        self._file = file
        self._writing = asyncio.Lock()
        if wall_start_unix_ns is not None:
            self._set_clock(wall_start_unix_ns)

    def emulated_now_unix_ns(self) -> int | None:
        """Return the emulated instant now; None before the run starts."""
        return None if self.clock is None else self.clock.emulated_unix_ns(time.time_ns())

    async def start(self, lead_s: float) -> None:
        """Let emulated time run in `lead_s` of wall time.

        The start is on disk before anybody can see it, so that no crash takes it back.
        """
        async with self._writing:
            if self.clock is not None:
                return
            wall_start_unix_ns = time.time_ns() + round(lead_s * 1e9)
            await self._write(wall_start_unix_ns)
            self._set_clock(wall_start_unix_ns)

    async def keep(self) -> None:
        """Write the run and its faults to disk; returns when they are there."""
        async with self._writing:
            await self._write(self.clock.wall_start_unix_ns if self.clock else None)

    def _set_clock(self, wall_start_unix_ns: int) -> None:
        plan = self.plan
        self.clock = RunClock(
            self.run_id, plan.emulated_start_unix_ns, wall_start_unix_ns, plan.rate, plan.emulated_end_unix_ns
        )
        self.started.set()

    async def _write(self, wall_start_unix_ns: int | None) -> None:
        """Write what is so now. The caller holds `_writing`: what was so before must not reach the disk last."""
        if self._file is None:
            return
        content = {
            "run_id": self.run_id,
            **dataclasses.asdict(self.plan),
            "wall_start_unix_ns": wall_start_unix_ns,
            "faults": [{**dataclasses.asdict(fault), "kind": fault.kind.value} for fault in self.faults.all()],
        }
        await asyncio.to_thread(_replace_file, self._file, json.dumps(content, indent=1) + "\n")


def plan_of(scenario: Scenario) -> RunPlan:
    """Return the plan of a scenario whose orbits' and network's files can be read."""
    network = scenario.network
    digest = hashlib.sha256(repr(scenario).encode())
    for path in (network.tle_file, network.trace, *(satellite.tle_file for satellite in scenario.satellites)):
        if path is not None:
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return RunPlan(
        scenario.name, digest.hexdigest()[:16], start_unix_ns(scenario), end_unix_ns(scenario), scenario.rate
    )


def open_run(
    plan: RunPlan,
    state_dir: Path | None,
    run_id: str = "",
    planned: Iterable[Fault] = (),
    wall_clock_ns: Callable[[], int] = time.time_ns,
) -> RunState:
    """Return the run that the state directory holds, or a new one with the planned faults.

    A new one begins where the directory holds none, where it holds one of another plan or another `run_id`, and where
    that run ended more than a minute ago. state_dir: None keeps nothing, and every start is a new run.
    """
    file = None if state_dir is None else state_dir / FILE_NAME
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        kept = _read(file)
        if kept is not None and _goes_on(kept, plan, run_id, wall_clock_ns()):
            faults = FaultBook(Fault(**{**fault, "kind": FaultKind(fault["kind"])}) for fault in kept["faults"])
            return RunState(plan, kept["run_id"], kept["wall_start_unix_ns"], faults, file)
    return RunState(plan, run_id or new_run_id(plan.scenario_name), None, FaultBook(planned), file)


def new_run_id(scenario_name: str) -> str:
    """Return an id that no other run has, `[A-Za-z0-9_-]{1,64}`."""
    return f"{scenario_name[:32]}-{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"


def _goes_on(kept: dict[str, Any], plan: RunPlan, run_id: str, wall_unix_ns: int) -> bool:
    same_plan = all(kept.get(key) == value for key, value in dataclasses.asdict(plan).items())
    same_id = not run_id or kept.get("run_id") == run_id
    wall_start = kept.get("wall_start_unix_ns")
    over = False
    if isinstance(wall_start, int) and plan.emulated_end_unix_ns:
        clock = RunClock("", plan.emulated_start_unix_ns, wall_start, plan.rate)
        over = clock.wall_unix_ns(plan.emulated_end_unix_ns) + OVER_AFTER_NS < wall_unix_ns
    return same_plan and same_id and not over


def _read(file: Path) -> dict[str, Any] | None:
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise BadInputError(str(file), f"is no run state ({error}); remove it to begin a new run") from error
    if not isinstance(content, dict) or not {"run_id", "wall_start_unix_ns", "faults"} <= content.keys():
        raise BadInputError(str(file), "is no run state; remove it to begin a new run")
    return content


def _replace_file(file: Path, text: str) -> None:
    """Put `text` in place of the file's content: after a crash there is the old or the new, nothing in between."""
    fresh = file.with_suffix(".new")
    with fresh.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(file)
    directory = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
