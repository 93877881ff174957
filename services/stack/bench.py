"""The benchmarks of a source checkout, one after another: each a module of `bench/` that offers `run() -> dict`."""

import importlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.runtime.errors import PlumewatchError

# Part, module, and what it measures; in an order in which none heats the machine for the next one's small numbers.
PARTS: dict[str, tuple[str, str]] = {
    "detection": ("bench.detection.speed", "detection, ns a pixel, beside numpy.copyto and OpenCV's top-hat"),
    "temporal": ("bench.detection.temporal_speed", "frames against their scene and dim movers, ns a pixel"),
    "sensitivity": ("bench.detection.sensitivity", "SNR for Pd 0.9 beside the bound, centroids beside Cramer-Rao's"),
    "render": ("bench.emulator.render", "emulated frames, ns a pixel, beside numpy.copyto and numpy's Gaussian noise"),
    "compression": ("bench.downlink.compression", "downlink compression, bits a pixel and MB/s, beside numpy.copyto"),
    "lateness": ("bench.relay.lateness", "relay, write call - due time, beside a bare clock_nanosleep"),
    "relay": ("bench.relay.throughput", "relay alone, 2 MiB frames"),
    "chain": ("bench.chain.throughput", "satellite, relay, ground station: frames/s, MB/s, peak memory"),
    "memory": ("bench.emulator.memory", "the emulator's resident memory over an hour of emulated time"),
}


class NoBenchError(PlumewatchError):
    """The benchmarks are not there."""


@dataclass(frozen=True)
class Figures:
    """What one part measured. lines: for a person."""

    part: str
    title: str
    values: Mapping[str, Any]
    lines: str
    took_s: float


def run_parts(parts: Sequence[str], announce: Callable[[str], None]) -> Iterator[Figures]:
    """Yield the figures of each part as it is done; `announce` is told what is measured next."""
    for part in parts:
        module_name, title = PARTS[part]
        module = _load(module_name)
        announce(title)
        began_s = time.perf_counter()
        values = module.run()
        table = getattr(module, "table", plain_table)
        yield Figures(part, title, values, table(values), time.perf_counter() - began_s)


def plain_table(values: Mapping[str, Any]) -> str:
    """Return nested figures as lines of `name value`."""
    flat = list(_flat(values, ""))
    width = max((len(name) for name, _ in flat), default=0)
    return "\n".join(f"{name:<{width}}  {_form(value)}" for name, value in flat)


def _flat(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.") if value else ((prefix + key, "none"),)
        else:
            yield prefix + key, value


def _form(value: Any) -> str:
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
