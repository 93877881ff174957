"""The whole chain on this machine, from start to scored end: processes, clients that watch them, and nothing else.

broker ── ground station ── relay ── satellites        each a process, started in this order
   └────────── alerts ──> this process, a client like any other
"""

import asyncio
import json
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from services.runtime.broker import RunningBroker, running_broker
from services.runtime.errors import PlumewatchError
from services.runtime.grpc_server import wait_until_serving
from services.scenario.model import Scenario
from services.scenario.resolve import ResolvedSatellite, resolve_satellites
from services.scenario.view import check_launches_seen
from services.stack import screen, watchers
from services.stack.config import StackConfig
from services.stack.processes import Child, ChildFailedError, Children
from services.stack.replay_record import ReplayRecord
from services.stack.scenario_file import to_toml
from services.stack.schedule import schedule_of
from services.stack.state import RunState

# After the last frame: until all alerts are with the broker and back here.
SETTLE_S = 10.0
# A run starts without satellites that are missing for so long; compiling for the first time takes a while.
START_AFTER_S = 180


class Chain:
    """One run. `run` returns whether it came to its end; then `state`, `record` and the files in the folder tell it."""

    def __init__(self, config: StackConfig, scenario: Scenario, console: Console) -> None:
        self._config = config
        self._scenario = scenario
        self._console = console
        self._children = Children(config.folder)
        self._scenario_file = config.folder / "scenario.toml"
        self.satellites: Sequence[ResolvedSatellite] = resolve_satellites(scenario)
        check_launches_seen(scenario, self.satellites)
        self.state = RunState({satellite.id: schedule_of(scenario, satellite) for satellite in self.satellites})
        self.record = ReplayRecord()
        self.broker_kind = ""
        self.alerts_file = config.folder / "alerts.jsonl"

    async def run(self, stop: asyncio.Event) -> bool:
        """Run to the scenario's end or until `stop`; return whether it was the end. No process is left either way."""
        # What an earlier run left in the folder is not this one's.
        for file in (self.alerts_file, *(self._account_file(satellite.id) for satellite in self.satellites)):
            file.unlink(missing_ok=True)
        self._scenario_file.write_text(to_toml(self._scenario))
        async with running_broker(
            self._config.broker_url, self._config.ports.broker, self._config.folder / "broker"
        ) as broker:
            self.broker_kind = broker.kind
            what = screen.run_in_words(self._scenario, self.satellites, self.state.schedules)
            self._console.print(screen.welcome(self._config, what, broker.url))
            body = asyncio.create_task(self._body(broker), name="chain")
            stopping = asyncio.create_task(stop.wait(), name="stop")
            try:
                await asyncio.wait((body, stopping), return_when=asyncio.FIRST_COMPLETED)
                if body.done():
                    body.result()
                return not stop.is_set()
            finally:
                for task in (body, stopping):
                    task.cancel()
                await asyncio.gather(body, stopping, return_exceptions=True)
                await self._children.stop_all()

    def accounts(self) -> list[dict[str, Any]]:
        """Return what each satellite wrote of its frames."""
        return [json.loads(self._account_file(satellite.id).read_text()) for satellite in self.satellites]

    def _account_file(self, satellite_id: str) -> Path:
        return self._config.folder / f"{satellite_id}.json"

    async def _body(self, broker: RunningBroker) -> None:
        """Start, follow to the end, settle."""
        # Raised after the block: before Python 3.11.4, what is raised within `except*` comes out as a group.
        failed: PlumewatchError | None = None
        try:
            async with asyncio.TaskGroup() as tasks:
                background = [
                    tasks.create_task(screen.show(self.state, self._console), name="screen"),
                    tasks.create_task(watchers.watch_memory(self.state), name="memory"),
                ]
                kernels = await self._start_compiling()
                servers = await self._start_servers(broker)
                background += [tasks.create_task(self._keep(child), name=child.name) for child in servers]
                background += [tasks.create_task(watch, name="watch") for watch in self._watchers(broker)]
                await self._compiled(kernels)
                satellites = await self._start_satellites()
                flights = [tasks.create_task(child.run(self.state.restarted), name=child.name) for child in satellites]
                await asyncio.wait(flights)
                if not await watchers.all_alerts_here(self._config.ports.station_address, self.state, SETTLE_S):
                    self.state.note("some alerts have not come back from the broker; the archive has them")
                for task in background:
                    task.cancel()
        except* PlumewatchError as group:
            failed = _first(group)
        if failed is not None:
            raise failed

    async def _keep(self, child: Child) -> None:
        """Have a server for the whole run."""
        await child.run(self.state.restarted)
        raise PlumewatchError(f"{child.name} ended before the run did; see {child.log_file}")

    def _watchers(self, broker: RunningBroker) -> list[Coroutine[Any, Any, None]]:
        ports = self._config.ports
        found = [
            watchers.watch_relay(ports.relay_address, self.state),
            watchers.watch_station(ports.station_address, self.state),
            watchers.watch_alerts(self._config.broker_url or broker.url, self.state, self.alerts_file),
        ]
        if any(satellite.replay is not None for satellite in self.satellites):
            found.append(watchers.record_detections(ports.station_address, self.record))
            found.append(watchers.record_tracks(ports.station_address, self.record))
        return found

    async def _start_servers(self, broker: RunningBroker) -> list[Child]:
        ports, folder = self._config.ports, self._config.folder
        logs = ["--log-level", self._config.log_level]
        station = await self._children.start(
            "ground-station",
            [
                *("ground-station", "--listen", ports.station_address, "--relay", ports.relay_address),
                *("--state-dir", str(folder / "station"), "--station-id", self._scenario.station_id, *logs),
            ],
            # A broker's address may hold a password.
            {"PLUMEWATCH_BROKER": self._config.broker_url or broker.url},
        )
        relay = await self._children.start(
            "relay",
            [
                *("relay", str(self._scenario_file), "--listen", ports.relay_address),
                *("--station", ports.station_address, "--state-dir", str(folder / "relay")),
                *("--start-after", str(START_AFTER_S), *logs),
            ],
        )
        await self._serving(station, ports.station_address, "plumewatch.v1.GroundStationService")
        await self._serving(relay, ports.relay_address, "plumewatch.v1.NetworkService")
        return [station, relay]

    async def _serving(self, child: Child, address: str, service: str) -> None:
        """Return once the server says so; raise where its process ends before."""
        serving = asyncio.create_task(
            wait_until_serving(address, service, self._config.start_timeout_s), name="serving"
        )
        assert child.process is not None
        ended = asyncio.create_task(child.process.wait(), name="ended")
        try:
            await asyncio.wait((serving, ended), return_when=asyncio.FIRST_COMPLETED)
            if serving.done() and serving.result():
                child.served = True
            elif ended.done():
                raise ChildFailedError(child.name, ended.result(), child.log_file)
            else:
                raise PlumewatchError(
                    f"{child.name} does not serve after {self._config.start_timeout_s:g} s; see {child.log_file}"
                )
        finally:
            serving.cancel()
            ended.cancel()

    async def _start_compiling(self) -> Child | None:
        """Have the emulated satellites' kernels compiled while the servers start."""
        if all(satellite.replay is not None for satellite in self.satellites):
            return None
        return await self._children.start_module("kernels", "services.stack.compile_kernels")

    async def _compiled(self, kernels: Child | None) -> None:
        if kernels is None or kernels.process is None:
            return
        if kernels.process.returncode is None:
            self.state.note("compiling kernels, which the first start does once ...")
        await kernels.run(self.state.restarted)

    async def _start_satellites(self) -> list[Child]:
        return [
            await self._children.start(
                f"satellite/{satellite.id}",
                [
                    *("satellite", str(self._scenario_file), "--id", satellite.id),
                    *("--to", self._config.ports.relay_address),
                    *("--report", str(self._account_file(satellite.id)), "--log-level", self._config.log_level),
                ],
            )
            for satellite in self.satellites
        ]


def _first(group: BaseExceptionGroup[PlumewatchError]) -> PlumewatchError:
    """Return the error that came first; what followed, followed from it."""
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
