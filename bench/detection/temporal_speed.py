"""The temporal chain, ns a pixel on one thread, beside numpy.copyto, numpy's Gaussian noise and OpenCV's top-hat.

    python -m bench.detection.temporal_speed [--frames N]

The chain is the staring detector and, on its residual, the detector of dim movers. The scene is a cloud-like field, 40
times as strong as the noise, that drifts and trembles; one detector is told the drift, as from a satellite's known
geometry, the other follows the scene by itself. Until the background has settled nothing is timed. All take turns on
each frame, so that what else the machine does hits all alike; time is the thread's own.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.detection.scenes import cloud_field, spots
from services.ground_station.detection.movers.detect import MoverDetector
from services.ground_station.detection.staring import SceneMotion, StaringDetector

SIDE = 1024
# Of the field that the frames are cut from, which returns after so many pixels of drift.
FIELD_SIDE = 1152
FRAMES = 112
# Frames after which the background is as steady as it gets.
SETTLED = 56
NOISE_COUNTS, CONTRAST = 20.0, 40.0
DRIFT_PX = np.array([0.3, -0.2])
JITTER_PX = 0.2
PSF_SIGMA_PX = 0.6
TOP_HAT_PX = 9
FLOORS = ("numpy.copyto", "numpy standard_normal")

Frame = NDArray[np.uint16]


def run(frames: int = FRAMES) -> dict[str, Any]:
    """Return least, median and mean ns a pixel of each part and of the yardsticks; frames: at least SETTLED + 8."""
    if frames < SETTLED + 8:
        raise ValueError(f"{frames} frames are too few; {SETTLED} settle the background and 8 are timed at least")
    chains = {"told the drift": _Chain(SceneMotion.translation((SIDE, SIDE), *DRIFT_PX)), "untold": _Chain(None)}
    yardsticks = _yardsticks()
    taken_ns: dict[str, list[int]] = {name: [] for name in yardsticks}
    for what in chains:
        taken_ns |= {f"staring, {what}": [], f"and movers, {what}": []}
    for n, counts in enumerate(_frames(frames)):
        timed = n >= SETTLED
        for name, call in yardsticks.items():
            begun = time.thread_time_ns()
            call(counts)
            taken_ns[name] += [time.thread_time_ns() - begun] * timed
        for what, chain in chains.items():
            staring_ns, movers_ns = chain.take(counts)
            taken_ns[f"staring, {what}"] += [staring_ns] * timed
            taken_ns[f"and movers, {what}"] += [staring_ns + movers_ns] * timed
    return {
        "side_px": SIDE,
        "calls": frames - SETTLED,
        "known": {what: chain.known for what, chain in chains.items()},
        "ns_per_pixel": {
            name: {
                "min": min(times) / SIDE**2,
                "median": float(np.median(times)) / SIDE**2,
                "mean": float(np.mean(times)) / SIDE**2,
            }
            for name, times in taken_ns.items()
        },
    }


def table(figures: dict[str, Any]) -> str:
    """Return the figures as lines for a person."""
    known = ", ".join(f"{share:.3f} {what}" for what, share in figures["known"].items())
    lines = [
        f"{figures['calls']} frames of {figures['side_px']} x {figures['side_px']} uint16, one thread; known: {known}",
        f"{'ns a pixel':28}{'min':>8}{'median':>8}{'mean':>8}{'Mpx/s':>8}",
    ]
    lines += [
        f"{name:28}{each['min']:8.2f}{each['median']:8.2f}{each['mean']:8.2f}{1e3 / each['median']:8.0f}"
        for name, each in figures["ns_per_pixel"].items()
    ]
    return "\n".join(lines)


class _Chain:
    """A staring detector and the movers behind it. known: share of the last frame that the background covered."""

    def __init__(self, motion: SceneMotion | None) -> None:
        self._motion = motion
        self._staring, self._movers = StaringDetector(), MoverDetector(SIDE, SIDE)
        self.known = 0.0

    def take(self, counts: Frame) -> tuple[int, int]:
        """Return the ns that one frame took in the two stages."""
        begun = time.thread_time_ns()
        frame = self._staring.step(counts, self._motion)
        between = time.thread_time_ns()
        # Where the frame's middle lies in the scene, less where it lies in the frame.
        place = frame.shift @ [SIDE / 2, SIDE / 2, 1.0] - SIDE / 2
        self._movers.push(frame.z, place[0], place[1])
        ended = time.thread_time_ns()
        self.known = frame.known
        return between - begun, ended - between


def _frames(count: int) -> list[Frame]:
    rng = np.random.default_rng(1)
    rows, columns = np.fft.fftfreq(FIELD_SIDE)[:, None], np.fft.rfftfreq(FIELD_SIDE)[None, :]
    # The lens lets less than a tenth of the finest detail through.
    lens = np.exp(-7.0 * (rows**2 + columns**2))
    spectrum = np.fft.rfft2(cloud_field(rng, FIELD_SIDE, -3.0)) * lens * CONTRAST * NOISE_COUNTS
    targets = rng.uniform(50.0, SIDE - 50.0, (12, 2))
    velocities = rng.uniform(-0.8, 0.8, (12, 2))
    counts = []
    for k in range(count):
        place = k * DRIFT_PX + rng.normal(0.0, JITTER_PX, 2)
        phase = np.exp(2j * np.pi * rows * place[0]) * np.exp(2j * np.pi * columns * place[1])
        image = 5000.0 + np.fft.irfft2(spectrum * phase, s=(FIELD_SIDE, FIELD_SIDE))[:SIDE, :SIDE]
        image += spots(image.shape, targets + k * velocities, PSF_SIGMA_PX, np.full(12, 10.0 * NOISE_COUNTS))
        image += NOISE_COUNTS * rng.standard_normal(image.shape, dtype=np.float32)
        counts.append(np.clip(np.rint(image), 0, 65535).astype(np.uint16))
    return counts


def _yardsticks() -> dict[str, Callable[[Frame], object]]:
    copy, noise = np.empty((SIDE, SIDE), np.uint16), np.empty((SIDE, SIDE), np.float32)
    rng = np.random.default_rng(2)
    calls: dict[str, Callable[[Frame], object]] = {
        FLOORS[0]: lambda counts: np.copyto(copy, counts),
        FLOORS[1]: lambda _: rng.standard_normal(dtype=np.float32, out=noise),
    }
    try:
        import cv2
    except ImportError:
        return calls
    cv2.setNumThreads(1)
    kernel = np.ones((TOP_HAT_PX, TOP_HAT_PX), np.uint8)
    return calls | {"OpenCV top-hat 9 x 9": lambda counts: cv2.morphologyEx(counts, cv2.MORPH_TOPHAT, kernel)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--frames", type=int, default=FRAMES)
    print(table(run(parser.parse_args().frames)))
