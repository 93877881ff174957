"""Rendering of emulated frames, ns a pixel on one thread, beside numpy.copyto and numpy's Gaussian noise in one run.

Frames of the default scenario's satellites as `EmulatedSource.frame` makes them for the downlink, with everything on:
land, sea, cloud and limb, point sources, blur, fixed pattern, dead and hot pixels, blooming, noise, digitising; as the
scenario has it, by night, and with the start moved to local noon at its area, where sunlight and glint come on top.
Floors take turns with every frame: what else the machine does hits all alike. numpy makes one normal number a pixel.

The parts of a frame are measured in a second pass, by the thread's own processor time.

Run alone: python -m bench.emulator.render [--rounds 4]
"""

import argparse
import dataclasses
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np

from sat_emulator.scene.earth.background import node_sights
from sat_emulator.sensor import optics
from sat_emulator.sensor.exposure import digitised, photoelectrons, saturate
from sat_emulator.sensor.philox import key_of
from sat_emulator.sensor.source import EmulatedSource
from services.scenario.load import load_scenario
from services.scenario.model import Scenario
from services.scenario.resolve import resolve_area, resolve_satellites

ROUNDS = 4
# Frames of each satellite, evenly over the run.
FRAMES = 8
# Four satellites at 10 Hz are 42; so that they leave room on two cores for the rest.
WANTED_MPX_PER_S = 60.0
PARTS = ("scene", "blur", "sources", "noise and digitising")
FLOORS = ("numpy.copyto", "numpy standard_normal")

Times = dict[str, list[float]]


def run(rounds: int = ROUNDS, scenario: Scenario | None = None) -> dict[str, Any]:
    """Return ns a pixel of frames by night and by day, of their parts and of the floors, and what that is in Mpx/s."""
    chosen = scenario or load_scenario("default")
    lights = {"night": chosen, "day": at_local_noon(chosen)}
    return {
        "rounds": rounds,
        "frames": FRAMES,
        "rows": chosen.sensor.rows,
        "columns": chosen.sensor.columns,
        "wanted_mpx_per_s": WANTED_MPX_PER_S,
        "lights": {name: _light(lit, rounds) for name, lit in lights.items()},
    }


def table(figures: dict[str, Any]) -> str:
    """Return the figures as lines for a person."""
    calls = figures["rounds"] * figures["frames"]
    what = f"{calls} frames {figures['rows']} x {figures['columns']} a satellite, one thread; "
    lines = [
        what + f"wanted: {figures['wanted_mpx_per_s']:g} Mpx/s",
        f"{'':30}{'ns a pixel':>16}{'Mpx/s':>16}{'of copyto':>11}{'of normal':>11}",
        f"{'':30}{'min':>8}{'median':>8}{'best':>8}{'median':>8}{'median':>11}{'median':>11}",
    ]
    for name, light in figures["lights"].items():
        copied, drawn = (light["floors"][floor]["median"] for floor in FLOORS)
        for satellite, each in light["satellites"].items():
            earth = f"{name}, {satellite}, {100 * each['earth']:.0f} % Earth"
            lines.append(_line(earth, each["ns_per_pixel"], copied, drawn))
        lines.append(_line(f"{name}, mean", light["mean_ns_per_pixel"], copied, drawn))
        lines += [_line(f"{name}, {floor}", light["floors"][floor], copied, drawn) for floor in FLOORS]
        parts = light["parts_ns_per_pixel"]
        lines += [f"{'  of it ' + part:30}{each['min']:8.2f}{each['median']:8.2f}" for part, each in parts.items()]
    return "\n".join(lines)


def at_local_noon(scenario: Scenario) -> Scenario:
    """Return the scenario with its start moved, within its day, to noon by the sun's mean time at its area."""
    noon_h = (12.0 - resolve_area(scenario).longitude_deg / 15.0) % 24.0
    midnight = scenario.start.replace(hour=0, minute=0, second=0, microsecond=0)
    return dataclasses.replace(scenario, start=midnight + timedelta(hours=noon_h))


def _light(scenario: Scenario, rounds: int) -> dict[str, Any]:
    sources = {one.id: EmulatedSource(scenario, one) for one in resolve_satellites(scenario) if one.replay is None}
    frames = {name: _evenly(source) for name, source in sources.items()}
    pixels = scenario.sensor.rows * scenario.sensor.columns
    copy = np.empty((scenario.sensor.rows, scenario.sensor.columns), dtype=np.uint16)
    rng, normal = np.random.default_rng(1), np.empty(copy.shape, dtype=np.float32)
    taken: Times = {name: [] for name in (*sources, *FLOORS)}
    for name, source in sources.items():
        # Fields, tables and patterns are made with the first frame; kernels are loaded.
        source.frame(frames[name][0])
    for _ in range(rounds):
        for turn in range(FRAMES):
            for name, source in sources.items():
                counts = _timed(taken[name], lambda: source.frame(frames[name][turn]).counts)  # noqa: B023
                _timed(taken[FLOORS[0]], lambda: np.copyto(copy, counts))  # noqa: B023
                _timed(taken[FLOORS[1]], lambda: rng.standard_normal(dtype=np.float32, out=normal))
    parts: Times = {name: [] for name in PARTS}
    for name, source in sources.items():
        for turn in frames[name]:
            _parts(source, turn, parts)
    each = {name: _least_and_median(taken[name], pixels) for name in sources}
    return {
        "start": scenario.start.isoformat(),
        "satellites": {
            name: {"ns_per_pixel": each[name], "earth": _earth_share(source, frames[name])}
            for name, source in sources.items()
        },
        "mean_ns_per_pixel": {kind: float(np.mean([one[kind] for one in each.values()])) for kind in ("min", "median")},
        "floors": {name: _least_and_median(taken[name], pixels) for name in FLOORS},
        "parts_ns_per_pixel": {name: _least_and_median(times, pixels) for name, times in parts.items()},
    }


def _parts(source: EmulatedSource, sequence: int, taken: Times) -> None:
    """Make a frame step by step, as `EmulatedSource.frame` does, and note what each took of the processor."""
    sensor, radiometer = source.sensor, source.radiometer
    exposure = source.exposure(sequence)
    sights, taps = node_sights(source.camera, sensor.rows, sensor.columns), optics.blur_taps(sensor.psf_sigma_px)
    radiance, photo_e = (np.zeros((sensor.rows, sensor.columns), dtype=np.float32) for _ in range(2))
    key = key_of(source.scenario.seed, source.satellite.index)

    def scene() -> None:
        turn = exposure.itrs_from_gcrs @ exposure.rotation_camera_to_gcrs
        source.background.draw(sights, turn, exposure.position_itrs_m, exposure.sun_itrs, radiance)

    def points() -> None:
        for spot in source.spots(exposure):
            optics.add_point(photo_e, spot.row, spot.column, spot.electrons, sensor.psf_sigma_px)

    def counts() -> None:
        saturate(photo_e, radiometer, sensor.blooming)
        digitised(photo_e, radiometer, source.pattern, sensor.hot_dark_factor, key, sequence)

    steps = (scene, lambda: photoelectrons(radiance, taps, radiometer, photo_e), points, counts)
    for name, step in zip(PARTS, steps, strict=True):
        _timed(taken[name], step, time.thread_time_ns)


def _evenly(source: EmulatedSource) -> list[int]:
    return [round(k) for k in np.linspace(0, len(source) - 1, FRAMES)]


def _earth_share(source: EmulatedSource, frames: list[int]) -> float:
    """Return the part of the pixels in which something shines, air at the limb included."""
    shares = [float((source.scene_e(source.exposure(sequence)) > 0).mean()) for sequence in frames]
    return float(np.mean(shares))


def _timed(taken: list[float], call: Callable[[], Any], clock: Callable[[], int] = time.perf_counter_ns) -> Any:
    begun = clock()
    result = call()
    taken.append(clock() - begun)
    return result


def _least_and_median(times_ns: list[float], pixels: int) -> dict[str, float]:
    return {"min": min(times_ns) / pixels, "median": float(np.median(times_ns)) / pixels}


def _line(name: str, ns: dict[str, float], copied: float, drawn: float) -> str:
    least, median = ns["min"], ns["median"]
    speeds = f"{1e3 / least:8.0f}{1e3 / median:8.0f}"
    return f"{name:30}{least:8.2f}{median:8.2f}{speeds}{median / copied:11.1f}{median / drawn:11.2f}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    print(table(run(parser.parse_args().rounds)))
