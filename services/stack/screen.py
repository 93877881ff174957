"""The run on a terminal: tables and a progress bar that redraw, or plain lines where nothing can be redrawn."""

import asyncio
import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from plumewatch.v1 import alert_pb2
from services.command_center import describe
from services.scenario.model import Scenario
from services.scenario.resolve import ResolvedSatellite, start_unix_ns
from services.stack.config import StackConfig
from services.stack.schedule import Schedule
from services.stack.state import RunState

REDRAW_S = 0.25
# Where nothing can be redrawn, a line of status as often as a person would look.
LINE_S = 10.0
ALERTS_SHOWN = 8
BEHIND_STYLE = "bold red"


class Screen(Console):
    """A console that outlives its reader: where `head` has had enough, it says so once and prints nothing more."""

    def __init__(self, width: int | None = None) -> None:
        super().__init__(width=width)
        self.on_reader_gone: Callable[[], None] = lambda: None

    def on_broken_pipe(self) -> None:
        """Go quiet; rich's own way, to end the program, would end a task in the middle of the run."""
        self.quiet = True
        # What is buffered can be written nowhere else, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        self.on_reader_gone()


def welcome(config: StackConfig, what: str, broker: str) -> Text:
    """Return where others can join. what: the run in a line."""
    # As its user can type it: by name where the shell would find it, else by where it lies.
    command = "plumewatch" if shutil.which("plumewatch") else _beside_python("plumewatch")
    lines = [
        what,
        f"  relay           {config.ports.relay_address:<22} gRPC: FrameDownlinkService, NetworkService",
        f"  ground station  {config.ports.station_address:<22} gRPC: GroundStationService",
        f"  broker          {broker:<22} MQTT: plumewatch/v1/alerts/+",
        "join from another terminal:",
        f"  {command} watch --broker {broker}",
        f"  {command} network show --relay {config.ports.relay_address}",
    ]
    return Text("\n".join(lines))


def run_in_words(scenario: Scenario, satellites: Sequence[ResolvedSatellite], schedules: Mapping[str, Schedule]) -> str:
    """Return what is run in a line; of recorded images alone, how long they last, whatever the scenario's duration."""
    count = f"{len(satellites)} satellite{'' if len(satellites) == 1 else 's'}"
    if any(satellite.replay is None for satellite in satellites):
        return f"scenario {scenario.name}: {count}, {scenario.duration_s:g} s"
    frames = sum(schedule.frames for schedule in schedules.values())
    images = f"{frames} recorded image{'' if frames == 1 else 's'}"
    last = max(schedule.last_unix_ns for schedule in schedules.values())
    lasting_s = (last - start_unix_ns(scenario)) / 1e9
    return f"scenario {scenario.name}: {count} with {images}, {lasting_s:g} s"


def _beside_python(command: str) -> str:
    beside = Path(sys.executable).parent / command
    if not beside.exists():
        return command
    here = Path.cwd()
    return str(beside.relative_to(here) if beside.is_relative_to(here) else beside)


async def show(state: RunState, console: Console) -> None:
    """Show the run until cancelled."""
    if not console.is_terminal:
        await _lines(state, console)
        return
    # Notes go above what is redrawn.
    with Live(console=console, refresh_per_second=1 / REDRAW_S, transient=True) as live:
        state.on_note = lambda text: live.console.print(Text(text))
        try:
            while True:
                live.update(picture(state, time.time_ns()))
                await asyncio.sleep(REDRAW_S)
        finally:
            state.on_note = lambda text: console.print(Text(text))


async def _lines(state: RunState, console: Console) -> None:
    state.on_note = lambda text: console.print(Text(text), soft_wrap=True)
    while True:
        await asyncio.sleep(LINE_S)
        console.print(status_line(state, time.time_ns()), soft_wrap=True)


def status_line(state: RunState, wall_unix_ns: int) -> Text:
    """Return the run in one line."""
    if state.clock is None:
        return Text(f"waiting for satellites: {state.satellites_connected} of {len(state.schedules)}")
    satellites = state.satellites.values()
    line = Text(
        f"{state.progress:4.0%}  {sum(each.frames_per_s for each in satellites):.1f} frames/s  "
        f"{sum(each.frames_committed for each in satellites)} frames  {sum(each.lost for each in satellites)} lost  ",
        no_wrap=True,
    )
    behind_s = max((state.behind_s(each, wall_unix_ns) for each in satellites), default=0.0)
    if behind_s:
        line.append(f"{behind_s:.0f} s behind", style=BEHIND_STYLE).append("  ")
    return line.append(f"{state.tracks_confirmed} tracks  {len(state.book.entries)} alerts  {state.memory_mb:.0f} MB")


def picture(state: RunState, wall_unix_ns: int) -> Group:
    """Return everything on one screen."""
    bar = Table.grid(padding=(0, 1), expand=False)
    bar.add_row(ProgressBar(total=1.0, completed=state.progress, width=24), status_line(state, wall_unix_ns))
    return Group(_satellites(state, wall_unix_ns), _alerts(state), bar)


def _satellites(state: RunState, wall_unix_ns: int) -> Table:
    table = Table(box=None, padding=(0, 1), header_style="bold")
    for name in ("satellite", "frames/s", "frames", "lost", "hot points", "search", "way down", "late p99", "behind"):
        table.add_column(name, justify="left" if name == "satellite" else "right", no_wrap=True)
    for each in state.satellites.values():
        behind_s = state.behind_s(each, wall_unix_ns)
        table.add_row(
            Text(each.satellite_id, style="" if each.connected else "dim"),
            f"{each.frames_per_s:.1f}",
            str(each.frames_committed),
            Text(str(each.lost), style="red" if each.lost else ""),
            str(each.detections),
            f"{each.detection_p50_s * 1e3:.1f} ms",
            f"{each.delay_s * 1e3:.1f} ms",
            f"{each.lateness_p99_s * 1e3:.1f} ms",
            Text(f"{behind_s:.0f} s" if behind_s else "-", style=BEHIND_STYLE if behind_s else ""),
        )
    return table


def _alerts(state: RunState) -> Table:
    table = Table(box=None, padding=(0, 1), header_style="bold")
    # Where the terminal is narrow, the launch gives way.
    for name, width in (("state", 9), ("class", 15), ("now", 22), ("latency", 7), ("launch", None), ("event", 20)):
        table.add_column(name, no_wrap=True, min_width=width)
    # Warnings first, whatever else goes on.
    entries = sorted(state.book.in_order(), key=lambda entry: entry.alert.state != alert_pb2.ALERT_STATE_CONFIRMED)
    for entry in entries[:ALERTS_SHOWN]:
        alert = entry.alert
        latency = describe.latency_s(alert)
        words = (
            describe.state(alert),
            describe.target_class(alert),
            describe.place(alert),
            "" if latency is None else f"{latency:.2f} s",
            describe.launch(alert),
            describe.plain(alert.event_id),
        )
        # Text, not markup: what came over the network must not style the screen.
        table.add_row(*(Text(word, style="bold" if entry.is_open else "dim") for word in words))
    if not state.book.entries:
        table.add_row(Text("none yet", style="dim"))
    return table
