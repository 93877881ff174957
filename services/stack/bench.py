"""The benchmarks of a source checkout, one after another.

Each is a module of `bench/`: one that offers `run() -> dict` is measured in this process, one that is a command of its
own with `--json` runs as that, in a small edition. The commands' own defaults are longer.
"""

import importlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.runtime.errors import PlumewatchError


@dataclass(frozen=True)
class Part:
    """A benchmark. arguments: of the small edition of a module that is a command; None: it offers `run`."""

    module: str
    title: str
    arguments: tuple[str, ...] | None = None


# In an order in which none heats the machine for the next one's small numbers.
PARTS: dict[str, Part] = {
    "detection": Part("bench.detection.speed", "detection, ns a pixel, beside numpy.copyto and OpenCV's top-hat"),
    "temporal": Part("bench.detection.temporal_speed", "frames against their scene and dim movers, ns a pixel"),
    "sensitivity": Part(
        "bench.detection.sensitivity", "SNR for Pd 0.9 beside the bound, centroids beside Cramer-Rao's"
    ),
    "render": Part(
        "bench.emulator.render", "emulated frames, ns a pixel, beside numpy.copyto and numpy's Gaussian noise"
    ),
    "compression": Part(
        "bench.downlink.compression", "downlink compression, bits a pixel and MB/s, beside numpy.copyto"
    ),
    "tracking.speed": Part(
        "bench.tracking.speed",
        "ms of processor time to track a frame of four looks, beside Stone Soup",
        ("--runs", "1", "--targets", "20", "100", "--frames", "30", "--peer-frames", "6", "3"),
    ),
    "tracking.accuracy": Part(
        "bench.tracking.accuracy",
        "error of a rocket's place beside Cramer-Rao's bound and Stone Soup",
        ("--runs", "30"),
    ),
    "tracking.ascent": Part(
        "bench.tracking.ascent",
        "the ascent's fit alone: place, launch and heading beside the bound, ms",
        ("--runs", "20", "--only", "boost", "launch", "time"),
    ),
    "tracking.launch": Part(
        "bench.tracking.launch", "launch point and heading from two satellites, beside the bound", ("--runs", "100")
    ),
    "tracking.confirmation": Part(
        "bench.tracking.confirmation", "looks until a track and a threat are confirmed", ("--runs", "25")
    ),
    "tracking.classes": Part("bench.tracking.classes", "classes of tracks after burnout", ("--runs", "10")),
    "tracking.salvo": Part("bench.tracking.salvo", "4 x 5 rockets at once, beside Stone Soup", ("--runs", "2")),
    "tracking.false_tracks": Part(
        "bench.tracking.false_tracks", "false threats on a sky without any", ("--days", "0.005")
    ),
    "tracking.ghosts": Part(
        "bench.tracking.ghosts", "crossings of two satellites' lines of sight that are judged moving", ("--runs", "500")
    ),
    "warning.classes": Part("bench.warning.classes", "classes told of flights that were not learnt from"),
    "warning.reach": Part("bench.warning.reach", "area and time left that are said, beside where and when it ends"),
    "network.refresh": Part(
        "bench.network.refresh", "moving 41,914 satellites and finding paths, ms, beside NumPy and SciPy"
    ),
    "network.motion": Part("bench.network.motion", "light time of links beside SGP4's"),
    "network.channel": Part(
        "bench.network.channel", "what the model of links costs a frame, microseconds, and its delay"
    ),
    "network.routes": Part(
        "bench.network.routes", "routes beside SciPy's Dijkstra, and what arrives after links are cut"
    ),
    "relay.alarm": Part(
        "bench.relay.alarm", "a million waits of the relay's alarm and a million releases: how many are early"
    ),
    "relay.lateness": Part("bench.relay.lateness", "relay, write call - due time, beside a bare clock_nanosleep"),
    "relay.added": Part("bench.relay.added", "what the relay adds to the way of 2 MiB and 2 KiB messages"),
    "relay.throughput": Part("bench.relay.throughput", "relay alone, 2 MiB frames"),
    "chain": Part("bench.chain.throughput", "satellite, relay, ground station: frames/s, MB/s, peak memory"),
    "memory": Part("bench.emulator.memory", "the emulator's resident memory over an hour of emulated time"),
}


class NoBenchError(PlumewatchError):
    """The benchmarks are not there."""


class BenchFailedError(PlumewatchError):
    """A benchmark that is a command of its own ended without figures."""


@dataclass(frozen=True)
class Figures:
    """What one part measured. lines: for a person."""

    part: str
    title: str
    values: Mapping[str, Any]
    lines: str
    took_s: float


def find_parts(names: Sequence[str]) -> list[str]:
    """Return the parts that the names stand for: each itself, or all whose name begins with it and a dot.

    None: all parts. Raises KeyError with the name that is neither.
    """
    found = []
    for name in names or PARTS:
        meant = [part for part in PARTS if part == name or part.startswith(f"{name}.")]
        if not meant:
            raise KeyError(name)
        found += meant
    return found


def run_parts(parts: Sequence[str], announce: Callable[[str], None]) -> Iterator[Figures]:
    """Yield the figures of each part as it is done; `announce` is told what is measured next.

    Raises NoBenchError without a checkout, BenchFailedError where a command fails; it has said why on standard error.
    """
    for name in parts:
        part = PARTS[name]
        module = _load(part.module)
        announce(part.title)
        began_s = time.perf_counter()
        if part.arguments is None:
            values = module.run()
            lines = getattr(module, "table", plain_table)(values)
        else:
            values = _run_command(part.module, part.arguments)
            lines = "\n".join(f"{title}\n{rows_table(rows)}" for title, rows in values.items())
        yield Figures(name, part.title, values, lines, time.perf_counter() - began_s)


def plain_table(values: Mapping[str, Any]) -> str:
    """Return nested figures as lines of `name value`."""
    flat = list(_flat(values, ""))
    width = max((len(name) for name, _ in flat), default=0)
    return "\n".join(f"{name:<{width}}  {_form(value)}" for name, value in flat)


def rows_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows that have the same keys as aligned lines: a line a key, or a line a row where there are more rows.

    rows: at least one.
    """
    lines = [list(rows[0]), *([_form(value) for value in row.values()] for row in rows)]
    if len(rows) <= len(rows[0]):
        lines = [list(column) for column in zip(*lines, strict=True)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            [f"{first:<{widths[0]}}", *(f"{cell:>{width}}" for cell, width in zip(rest, widths[1:], strict=True))]
        )
        for first, *rest in lines
    )


def _run_command(module_name: str, arguments: Sequence[str]) -> dict[str, Any]:
    """Return the rows of each of a command's tables, by title.

    A process of its own: it may bind itself to a core, and its memory goes with it.
    """
    command = [sys.executable, "-m", module_name, *arguments, "--json"]
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if ended.returncode != 0:
        raise BenchFailedError(f"`{' '.join(command[1:])}` ended with {ended.returncode}")
    decoder, tables, rest = json.JSONDecoder(), {}, ended.stdout.strip()
    while rest:
        table, end = decoder.raw_decode(rest)
        tables[table["title"]] = table["rows"]
        rest = rest[end:].lstrip()
    return tables


def _flat(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.") if value else ((prefix + key, "none"),)
        else:
            yield prefix + key, value


def _form(value: Any) -> str:
    """Return a figure in four digits; not known: -."""
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _load(module_name: str) -> Any:
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.split(".")[0] != "bench":
            raise NoBenchError(
                f"{module_name} needs {error.name}: install the extra `bench` (make sets it up)"
            ) from error
        raise NoBenchError(
            f"{module_name} is not there: benchmarks come with the source, not with the package; run `make bench` in a "
            "checkout"
        ) from error
