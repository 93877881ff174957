"""Detection, ns a pixel on one thread, beside numpy.copyto and OpenCV's 9 x 9 top-hat in the same run.

The call is the ground station's, with its default settings. 32 frames of 1024 x 1024 counts of 16 bits take turns, 64
MiB, so that no frame is still in the second-level cache when it comes round again. The contenders take turns on each
frame: what else the machine does hits all alike. Each frame has noise over a cloud-like field and twelve points.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.detection.scenes import cloud_field, spots
from services.ground_station.config import Settings
from services.ground_station.detection.detect import Detector

SIDE = 1024
RING = 32
ROUNDS = 8
PSF_SIGMA_PX = 0.6
TOP_HAT_PX = 9


def run(rounds: int = ROUNDS) -> dict[str, Any]:
    """Return minimum and median ns a pixel of each contender, and how many points the last frame showed."""
    frames = _frames()
    copy = np.empty_like(frames[0])
    detector = Detector(Settings().detection)
    contenders: dict[str, Callable[[NDArray[np.uint16]], object]] = {
        "detect": lambda frame: detector.detect(frame, PSF_SIGMA_PX),
        "numpy.copyto": lambda frame: np.copyto(copy, frame),
        **_top_hat(),
    }
    for call in contenders.values():
        call(frames[0])
    taken_ns: dict[str, list[int]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for frame in frames:
            for name, call in contenders.items():
                begun = time.perf_counter_ns()
                call(frame)
                taken_ns[name].append(time.perf_counter_ns() - begun)
    return {
        "side_px": SIDE,
        "frames": RING,
        "calls": rounds * RING,
        "detections": len(detector.detect(frames[-1], PSF_SIGMA_PX)),
        "ns_per_pixel": {
            name: {"min": min(times) / SIDE**2, "median": float(np.median(times)) / SIDE**2}
            for name, times in taken_ns.items()
        },
    }


def table(figures: dict[str, Any]) -> str:
    """Return the figures as lines for a person."""
    side = figures["side_px"]
    what = f"{figures['calls']} calls over a ring of {figures['frames']} frames {side} x {side} uint16, one thread, "
    lines = [what + f"{figures['detections']} points found a frame", f"{'ns a pixel':22}{'min':>8}{'median':>8}"]
    lines += [f"{name:22}{each['min']:8.2f}{each['median']:8.2f}" for name, each in figures["ns_per_pixel"].items()]
    return "\n".join(lines)


def _frames() -> list[NDArray[np.uint16]]:
    rng = np.random.default_rng(1)
    field = 1500.0 + 200.0 * cloud_field(rng, SIDE)
    places = rng.uniform(20, SIDE - 20, (12, 2))
    light = spots((SIDE, SIDE), places, PSF_SIGMA_PX, np.full(12, 2000.0))
    return [np.rint(field + light + rng.normal(0, 12, field.shape)).astype(np.uint16) for _ in range(RING)]


def _top_hat() -> dict[str, Callable[[NDArray[np.uint16]], object]]:
    try:
        import cv2
    except ImportError:
        return {}
    cv2.setNumThreads(1)
    square = cv2.getStructuringElement(cv2.MORPH_RECT, (TOP_HAT_PX, TOP_HAT_PX))
    return {"cv2 top-hat 9 x 9": lambda frame: cv2.morphologyEx(frame, cv2.MORPH_TOPHAT, square)}


if __name__ == "__main__":
    print(table(run()))
