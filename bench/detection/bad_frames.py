"""Frames that a camera should not send: how long the detector takes over them, and which hot pixels it sees through.

    python -m bench.detection.bad_frames

Times are the thread's own, of 1024 x 1024 frames of noise, least and median of several calls. Hot pixels of so many
noise deviations stand single in noise; seen through are those without a detection within 2 px.
"""

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.detection.scenes import spots
from services.ground_station.detection import DetectionConfig, Detector

SIDE, LEVEL, NOISE, SIGMA_PX = 1024, 3000.0, 20.0, 0.6
CALLS = 7
STRENGTHS = (9.0, 20.0, 35.0, 60.0)
SHARPEST_PX = (0.3, 0.5)
HOT_SPACING_PX = 48


def run() -> dict[str, Any]:
    """Return milliseconds of each kind of frame, and the share of hot pixels seen through."""
    return {
        "ms": {name: _times(frame) for name, frame in _frames().items()},
        "hot_pixels_seen_through": {
            str(sharpest): {str(strength): _seen_through(sharpest, strength) for strength in STRENGTHS}
            for sharpest in SHARPEST_PX
        },
    }


def _noise() -> NDArray[np.float32]:
    rng = np.random.default_rng(31)
    return (LEVEL + NOISE * rng.standard_normal((SIDE, SIDE), dtype=np.float32)).astype(np.float32)


def _frames() -> dict[str, NDArray[Any]]:
    rng = np.random.default_rng(32)
    holes, crowd, hot = _noise(), _noise(), _noise()
    holes[rng.random(holes.shape) < 0.2] = np.nan
    dead = _noise()
    dead[rng.choice(SIDE, 60, replace=False)] = 0
    hot[rng.random(hot.shape) < 0.01] = 60_000
    axis = np.arange(4, SIDE - 4, 9, dtype=np.float64)
    places = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    crowd += spots(crowd.shape, places, SIGMA_PX, np.full(len(places), 3000.0)).astype(np.float32)
    whole = {"noise": _noise(), "60 dead rows": dead, "1 % hot pixels": hot, f"{len(places)} points": crowd}
    return {"20 % NaN": holes, **{name: np.rint(frame).astype(np.uint16) for name, frame in whole.items()}}


def _times(frame: NDArray[Any]) -> dict[str, float]:
    detector = Detector(DetectionConfig(psf_sigma_px=SIGMA_PX))
    detector.detect(frame)
    taken = []
    for _ in range(CALLS):
        begun = time.thread_time()
        detector.detect(frame)
        taken.append(1e3 * (time.thread_time() - begun))
    return {"min": min(taken), "median": float(np.median(taken))}


def _seen_through(sharpest_psf_px: float, strength: float) -> float:
    frame = _noise()
    axis = np.arange(HOT_SPACING_PX // 2, SIDE, HOT_SPACING_PX)
    rows, columns = (each.ravel() for each in np.meshgrid(axis, axis, indexing="ij"))
    frame[rows, columns] += strength * NOISE
    config = DetectionConfig(psf_sigma_px=SIGMA_PX, sharpest_psf_px=sharpest_psf_px)
    found = Detector(config).detect(np.rint(frame).astype(np.uint16))
    apart = np.hypot(rows[:, None] - found.row, columns[:, None] - found.column)
    return float(np.mean(np.all(apart > 2.0, axis=1)))


def table(figures: dict[str, Any]) -> str:
    """Return the figures as lines for a person."""
    lines = [f"{'frame':20}{'ms, min':>10}{'median':>10}"]
    lines += [f"{name:20}{each['min']:10.1f}{each['median']:10.1f}" for name, each in figures["ms"].items()]
    lines += [
        "",
        f"{'sharpest psf, px':20}" + "".join(f"{strength:>10}" for strength in STRENGTHS) + "  noise deviations",
    ]
    for sharpest, shares in figures["hot_pixels_seen_through"].items():
        lines.append(f"{sharpest:20}" + "".join(f"{share:10.2f}" for share in shares.values()))
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(run()))
