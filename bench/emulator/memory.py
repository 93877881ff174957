"""Whether the emulator's memory stays flat: resident memory over an hour of emulated time.

7,200 frames of 128 x 128 at 2 Hz, each with its truth as `plumewatch simulate` writes it, from an orbit so high that
the area is in view all the time, with everything on: rocket, glider, cruise missile, fires that grow and move, flares,
storm, aircraft, a water that glints. Then 300 frames of 1024 x 1024 of the default scenario, evenly over its run.

Run alone: python -m bench.emulator.memory [--frames 7200]
"""

import argparse
import gc
from datetime import UTC, datetime
from typing import Any

import numpy as np
import psutil

from sat_emulator.sensor.detectability import View
from sat_emulator.sensor.source import EmulatedSource
from sat_emulator.sensor.truth import frame_truth
from services.scenario.load import load_scenario
from services.scenario.model import (
    Aircraft,
    Cruise,
    Fire,
    Flare,
    Glint,
    Lightning,
    Place,
    Scenario,
    Sensor,
    Train,
)
from services.scenario.references import reference_rocket
from services.scenario.resolve import resolve_satellites

FRAMES = 7200
LARGE_FRAMES = 300
RATE_HZ = 2.0
SIDE = 128
# From here a place is in view for more than an hour, and 128 pixels of 1 mrad span 1,000 km on the ground.
ALTITUDE_M = 8.0e6
# Caches that are bounded fill meanwhile: of rotations, for instance, the last 256.
WARM_UP_FRAMES = 300


def run(frames: int = FRAMES, large_frames: int = LARGE_FRAMES) -> dict[str, Any]:
    """Return resident memory, MB, at the start (warmed up), after a tenth and at the end, of small and large frames."""
    hour, default = everything(frames / RATE_HZ), load_scenario("default")
    warm_up = min(WARM_UP_FRAMES, frames // 10)
    return {
        "hour": _over(hour, range(frames), warm_up),
        "large": _over(default, _evenly(default, large_frames), min(10, large_frames)),
    }


def table(figures: dict[str, Any]) -> str:
    """Return the figures as lines for a person."""
    lines = [f"{'resident memory, MB':42}{'start':>8}{'tenth':>8}{'end':>8}{'growth':>8}"]
    for each in figures.values():
        what = f"{each['frames']} frames of {each['rows']} x {each['columns']}, {each['emulated_s']:.0f} s"
        resident = (each["start_mb"], each["tenth_mb"], each["end_mb"])
        growth = f"{each['end_mb'] - each['tenth_mb']:8.1f}"
        lines.append(f"{what:42}" + "".join(f"{mb:8.1f}" for mb in resident) + growth)
    return "\n".join(lines)


def everything(duration_s: float) -> Scenario:
    """Return a scenario with one of each that the emulator knows, by day; a long run's flights go on to its end."""
    area = Place(20.0, -30.0)
    around = [Place(20.0 + north, -30.0 + east) for north, east in ((1, 1), (-1, 2), (2, -2), (-2, -1))]
    return Scenario(
        name="everything",
        start=datetime(2026, 3, 20, 14, 0, tzinfo=UTC),
        duration_s=duration_s,
        area=area,
        sensor=Sensor(rows=SIDE, columns=SIDE, frame_rate_hz=RATE_HZ),
        train=Train(satellites=1, altitude_m=ALTITUDE_M),
        rockets=tuple(
            reference_rocket(
                id=name,
                reference=name,
                launch={"latitude_deg": 19.5, "longitude_deg": -31.0},
                launch_time_s=0.1 * duration_s * place,
                heading_deg=90.0,
            )
            for place, name in enumerate(("intercontinental_solid", "glider"))
        ),
        cruises=(Cruise("cruise", 0.0, 250.0, (around[3], around[0], around[2])),),
        fires=(Fire("fire", around[0], count=8, within_m=1e5, growth_per_hour=2.0, spread_m_per_s=2.0),),
        flares=(Flare("flare", around[1], count=4, within_m=1e5),),
        lightnings=(Lightning("storm", around[2], flashes_per_minute=60.0),),
        aircraft=(Aircraft("aircraft", (around[1], around[2])),),
        glints=(Glint("glint", around[3]),),
    )


def _over(scenario: Scenario, sequences: "range | list[int]", warm_up: int) -> dict[str, Any]:
    view = View(EmulatedSource(scenario, resolve_satellites(scenario)[0]))

    def make(sequence: int) -> None:
        view.source.frame(sequence)
        frame_truth(view, sequence)

    for sequence in sequences[:warm_up]:
        make(sequence)
    start_mb = tenth_mb = _resident_mb()
    for place, sequence in enumerate(sequences):
        make(sequence)
        if place == len(sequences) // 10:
            tenth_mb = _resident_mb()
    sensor = scenario.sensor
    return {
        "frames": len(sequences),
        "rows": sensor.rows,
        "columns": sensor.columns,
        "emulated_s": (sequences[-1] - sequences[0] + 1) / sensor.frame_rate_hz,
        "start_mb": start_mb,
        "tenth_mb": tenth_mb,
        "end_mb": _resident_mb(),
    }


def _evenly(scenario: Scenario, frames: int) -> list[int]:
    last = round(scenario.duration_s * scenario.sensor.frame_rate_hz) - 1
    return [round(k) for k in np.linspace(0, last, frames)]


def _resident_mb() -> float:
    gc.collect()
    return float(psutil.Process().memory_info().rss) / 1e6


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--frames", type=int, default=FRAMES)
    print(table(run(parser.parse_args().frames)))
