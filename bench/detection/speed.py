"""Detection, ns a pixel on one thread, beside numpy.copyto and other libraries' ways in the same run.

    python -m bench.detection.speed [--picture PNG] [--rounds N]

The call is the ground station's, with its default settings: those that `calibration` and `sensitivity` measure. 32
frames of 1024 x 1024 counts of 16 bits take turns, 64 MiB, so that no frame is still in the second-level cache when it
comes round again. The contenders take turns on each frame: what else the machine does hits all alike. Slow ones sit out
most frames. Each frame has noise over a cloud-like field and twelve points.
"""

import argparse
import time
import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bench.detection.scenes import cloud_field, spots
from services.ground_station.config import Settings
from services.ground_station.detection import Detector, PixelCorrection

SIDE = 1024
RING = 32
ROUNDS = 8
PSF_SIGMA_PX = 0.6
TOP_HAT_PX = 9
# Calls of the contenders that take tens of milliseconds.
SLOW_CALLS = 4
BAD_PART = 0.001

Frame = NDArray[np.uint16]
Call = Callable[[Frame], object]


def run(rounds: int = ROUNDS) -> dict[str, Any]:
    """Return minimum and median ns a pixel of each contender, and how many points the last frame showed."""
    frames = _frames()
    copy = np.empty_like(frames[0])
    detector = Detector(Settings().detection)
    corrected = Detector(Settings().detection, _correction())
    fast: dict[str, Call] = {
        "detect": lambda frame: detector.detect(frame, PSF_SIGMA_PX),
        "detect, pixels corrected": lambda frame: corrected.detect(frame, PSF_SIGMA_PX),
        "numpy.copyto": lambda frame: np.copyto(copy, frame),
        **_top_hat(),
    }
    slow: dict[str, Call] = {
        "scipy top-hat 9 x 9": lambda frame: ndimage.white_tophat(frame, size=TOP_HAT_PX),
        "scipy Laplace, maxima": _laplace_maxima,
        **_sep(),
        **_trackpy(),
    }
    every = rounds * RING // SLOW_CALLS
    taken_ns: dict[str, list[int]] = {name: [] for name in fast | slow}
    for call in (fast | slow).values():
        call(frames[0])
    for n in range(rounds * RING):
        for name, call in (fast | slow if n % every == 0 else fast).items():
            begun = time.thread_time_ns()
            call(frames[n % RING])
            taken_ns[name].append(time.thread_time_ns() - begun)
    return {
        "side_px": SIDE,
        "frames": RING,
        "calls": rounds * RING,
        "detections": len(detector.detect(frames[-1], PSF_SIGMA_PX)),
        "ns_per_pixel": {
            name: {"min": min(times) / SIDE**2, "median": float(np.median(times)) / SIDE**2, "calls": len(times)}
            for name, times in taken_ns.items()
        },
    }


def table(figures: dict[str, Any]) -> str:
    """Return the figures as lines for a person."""
    side = figures["side_px"]
    what = (
        f"ring of {figures['frames']} frames {side} x {side} uint16, one thread, {figures['detections']} points found"
    )
    lines = [what, f"{'ns a pixel':26}{'min':>8}{'median':>8}{'calls':>7}{'Mpx/s':>8}"]
    lines += [
        f"{name:26}{each['min']:8.2f}{each['median']:8.2f}{each['calls']:7d}{1e3 / each['min']:8.0f}"
        for name, each in figures["ns_per_pixel"].items()
    ]
    return "\n".join(lines)


def draw(figures: dict[str, Any], path: Path) -> None:
    """Draw what each contender takes a pixel."""
    from matplotlib.figure import Figure

    rows = figures["ns_per_pixel"]
    picture = Figure(figsize=(8, 4), layout="tight")
    panel = picture.subplots()
    bars = panel.barh(list(rows), [each["min"] for each in rows.values()])
    panel.bar_label(bars, fmt=" %.2f")
    panel.axvline(2.5, color="grey", lw=0.8)
    panel.invert_yaxis()
    panel.set(xscale="log", xlabel="ns a pixel, least of all calls, one thread; line: 400 Mpx/s")
    picture.savefig(path, dpi=120)


def _frames() -> list[Frame]:
    rng = np.random.default_rng(1)
    field = 1500.0 + 200.0 * cloud_field(rng, SIDE)
    places = rng.uniform(20, SIDE - 20, (12, 2))
    light = spots((SIDE, SIDE), places, PSF_SIGMA_PX, np.full(12, 2000.0))
    return [np.rint(field + light + rng.normal(0, 12, field.shape)).astype(np.uint16) for _ in range(RING)]


def _correction() -> PixelCorrection:
    rng = np.random.default_rng(2)
    gain, offset = (rng.normal(mean, 1e-3, (SIDE, SIDE)).astype(np.float32) for mean in (1.0, 0.0))
    return PixelCorrection(gain, offset, rng.random((SIDE, SIDE)) < BAD_PART)


def _laplace_maxima(frame: Frame) -> object:
    response = -ndimage.gaussian_laplace(frame.astype(np.float32), PSF_SIGMA_PX)
    largest = ndimage.maximum_filter(response, size=3)
    return np.argwhere((response == largest) & (response > 6.0 * response.std()))


def _top_hat() -> dict[str, Call]:
    cv2 = _library("cv2")
    if cv2 is None:
        return {}
    cv2.setNumThreads(1)
    square = cv2.getStructuringElement(cv2.MORPH_RECT, (TOP_HAT_PX, TOP_HAT_PX))
    return {"cv2 top-hat 9 x 9": lambda frame: cv2.morphologyEx(frame, cv2.MORPH_TOPHAT, square)}


def _sep() -> dict[str, Call]:
    sep = _library("sep")
    if sep is None:
        return {}

    def extract(frame: Frame) -> object:
        counts = frame.astype(np.float32)
        background = sep.Background(counts)
        return sep.extract(counts - background, 5.0, err=background.globalrms, minarea=1)

    return {"sep background, extract": extract}


def _trackpy() -> dict[str, Call]:
    # Not in the extra `bench`: there are no wheels of it. `pip install trackpy` brings it in.
    trackpy = _library("trackpy")
    if trackpy is None:
        return {}
    trackpy.quiet()

    def locate(frame: Frame) -> object:
        # It calls pandas in a way that newer pandas warns of.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            return trackpy.locate(frame, 5, topn=100, engine="numba")

    return {"trackpy.locate": locate}


def _library(name: str) -> Any:
    """Return a library the project itself does without; None where it is not installed."""
    try:
        return import_module(name)
    except ImportError:
        return None


def main() -> None:
    parser = argparse.ArgumentParser(description="Detection's time a pixel beside other libraries'.")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="turns each frame takes")
    parser.add_argument("--picture", type=Path, help="PNG to draw")
    options = parser.parse_args()
    figures = run(options.rounds)
    print(table(figures))
    if options.picture:
        draw(figures, options.picture)


if __name__ == "__main__":
    main()
