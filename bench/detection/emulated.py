"""False detections and hits on frames of the emulated satellites: the frame alone, and against its camera's scene.

    python -m bench.detection.emulated [--frames N] [SCENARIO:CAMERA ...]

Each camera's frames come in turn, from the start; told is the geometry that a satellite reports, without its jitter.
Counted are frames from the 26th on, when the scene has been learnt. A hit lies within 2 px of a source of the truth
whose signal-to-noise ratio is above 6; a detection within 3 px of any source is not false.
"""

import argparse
import dataclasses
import sys
from typing import Any

import numpy as np

from sat_emulator.sensor.detectability import View
from sat_emulator.sensor.source import EmulatedSource
from sat_emulator.sensor.truth import frame_truth
from services.ground_station.detection import (
    DetectionConfig,
    Detections,
    Detector,
    SceneMotion,
    StaringConfig,
    StaringDetector,
)
from services.ground_station.detection.frame import Counts
from services.ground_station.detection_batch import Geometry
from services.scenario.load import load_scenario
from services.scenario.resolve import resolve_satellites

# The default with its four cameras, the same with cloud tops at 6 km, and three scenarios by day near 3.8 um.
CAMERAS = (
    *(f"tranche0:{camera}" for camera in range(4)),
    "tranche0-6km:0",
    "tranche0-6km:2",
    *(f"{name}:{camera}" for name in ("fire_season", "terminator", "cruise") for camera in (0, 2)),
)
HIGH_CLOUD, HIGH_CLOUD_TOP_M = "-6km", 6000.0
FRAMES, FIRST_COUNTED = 85, 25
HIT_PX, NEAR_PX, LEAST_SNR = 2.0, 3.0, 6.0


def run(cameras: tuple[str, ...] = CAMERAS, frames: int = FRAMES) -> dict[str, Any]:
    """Return for each camera false detections a frame and hits, alone and with its scene."""
    return {camera: _camera(camera, frames) for camera in cameras}


def _camera(camera: str, frames: int) -> dict[str, float]:
    source = _source(camera)
    view, sigma_px = View(source), source.sensor.psf_sigma_px
    alone = Detector(DetectionConfig(psf_sigma_px=sigma_px))
    staring = StaringDetector(StaringConfig(psf_sigma_px=sigma_px), alone)
    before: tuple[Geometry, int] | None = None
    counted: list[tuple[float, ...]] = []
    for number in range(min(frames, len(source))):
        counts, now = _frame(source, number)
        motion = SceneMotion.between(*before, *now, (counts.shape[0], counts.shape[1])) if before else None
        before = now
        step = staring.step(counts, motion)
        if number >= FIRST_COUNTED:
            objects = frame_truth(view, number)["objects"]
            found = (alone.detect(counts), step.detections)
            wanted = sum(each["snr"] > LEAST_SNR for each in objects)
            counted.append((*(n for each in found for n in _judged(each, objects)), wanted, step.known))
    names = ("false_alone", "hits_alone", "false_with_scene", "hits_with_scene", "wanted", "known")
    return dict(zip(names, np.mean(counted, axis=0).tolist(), strict=True))


def _source(camera: str) -> EmulatedSource:
    name, _, number = camera.partition(":")
    scenario = load_scenario(name.removesuffix(HIGH_CLOUD))
    if name.endswith(HIGH_CLOUD):
        scenario = dataclasses.replace(scenario, cloud=dataclasses.replace(scenario.cloud, top_m=HIGH_CLOUD_TOP_M))
    satellites = resolve_satellites(scenario)
    if not number.isdecimal() or int(number) >= len(satellites):
        raise SystemExit(f"{camera}: write SCENARIO:CAMERA, with CAMERA from 0 to {len(satellites) - 1}")
    return EmulatedSource(scenario, satellites[int(number)])


def _frame(source: EmulatedSource, number: int) -> tuple[Counts, tuple[Geometry, int]]:
    frame = source.frame(number)
    pose = frame.pose
    assert pose is not None
    geometry = Geometry(pose.position_gcrs_m, pose.velocity_gcrs_m_per_s, pose.rotation_camera_to_gcrs, source.camera)
    return frame.counts, (geometry, source.mid_exposure_unix_ns(number))


def _judged(found: Detections, objects: list[dict[str, Any]]) -> tuple[int, int]:
    """Return false detections and hits."""
    near, hits = np.zeros(len(found), dtype=bool), 0
    for each in objects:
        distance = np.hypot(found.row - each["row"], found.column - each["column"])
        near |= distance < NEAR_PX
        hits += bool(each["snr"] > LEAST_SNR and (distance < HIT_PX).any())
    return int((~near).sum()), hits


def table(figures: dict[str, Any]) -> str:
    """Return the figures as lines for a person."""
    lines = [
        f"{'a frame':20}{'false alone':>12}{'with scene':>12}{'hits alone':>12}{'with scene':>12}{'of':>8}{'known':>8}"
    ]
    for name, each in figures.items():
        lines.append(
            f"{name:20}{each['false_alone']:12.1f}{each['false_with_scene']:12.1f}{each['hits_alone']:12.2f}"
            f"{each['hits_with_scene']:12.2f}{each['wanted']:8.2f}{each['known']:8.2f}"
        )
    return "\n".join(lines)


def main(arguments: list[str]) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.detection.emulated",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("cameras", nargs="*", default=list(CAMERAS), metavar="SCENARIO:CAMERA")
    parser.add_argument("--frames", type=int, default=FRAMES, help="of each camera, at most")
    options = parser.parse_args(arguments)
    print(table(run(tuple(options.cameras), options.frames)))


if __name__ == "__main__":
    main(sys.argv[1:])
