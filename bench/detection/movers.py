"""Dim movers: detection over signal-to-noise ratio beside the theory's bounds, chance tracks over stated, and speed.

    python -m bench.detection.movers [PICTURE.png]

Residuals are white Gaussian noise with points integrated over pixels, through the matched filter of the point-spread
function, over the noise's deviation. Points fly straight, at speeds spread evenly over the disc up to 1.5 pixels a
frame, and have been there for longer than the window. A point's ratio is that of a filter matched at its true place.
"""

import itertools
import math
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bench.detection.scenes import spots
from services.ground_station.detection.movers.calibration import matched_kernel
from services.ground_station.detection.movers.detect import MoverConfig, MoverDetector

Float64 = NDArray[np.float64]
Float32 = NDArray[np.float32]

PSF_SIGMA_PX = 0.6
SIDE = 1024
PFA = 1e-6
# Window and the signal-to-noise ratios a frame at which detection is measured.
CURVES = {
    5: (2.6, 2.9, 3.2, 3.5, 3.8),
    10: (1.8, 2.0, 2.2, 2.4, 2.6),
    20: (1.3, 1.45, 1.6, 1.75, 1.9),
    40: (1.05, 1.2, 1.35, 1.5, 1.65),
}
# Velocities in the bank of the bound a searcher is held against.
BANK = 1000
# Points stand so far apart, and are counted from so many frames past the window.
SPACING_PX = 100
SETTLE, MEASURED = 16, 16
HIT_PX = 1.0
# Half width of the square a point is drawn in.
STAMP = 7


@dataclass(frozen=True)
class Flights:
    """Straight flights: places (n, 2) in frame 0, pixels; velocities (n, 2) a frame; ratio a frame."""

    places: Float64
    velocities: Float64
    snr: float

    def at(self, frame: int) -> Float64:
        """Return (n, 2) places in a frame."""
        return self.places + frame * self.velocities


def residuals(side: int, frames: int, flights: Flights | None, seed: int) -> Iterator[Float32]:
    """Yield (side, side) residuals of unit variance, with the flights in them."""
    rng = np.random.default_rng(seed)
    kernel = matched_kernel(PSF_SIGMA_PX)
    # The kernel is a separable spot less its mean.
    spot = kernel - kernel.min()
    size, floor = kernel.shape[0], float(-kernel.min())
    line = spot[size // 2] / math.sqrt(float(spot[size // 2, size // 2]))
    gain = np.float32(math.sqrt(float(np.sum(kernel**2))))
    for frame in range(frames):
        counts = rng.standard_normal((side, side), dtype=np.float32)
        for place in [] if flights is None else flights.at(frame):
            _add_point(counts, place, flights.snr if flights else 0.0)
        answer = ndimage.correlate1d(ndimage.correlate1d(counts, line, axis=0), line, axis=1)
        answer -= np.float32(floor * size**2) * ndimage.uniform_filter(counts, size)
        yield np.asarray(answer / gain, dtype=np.float32)


def curve(frames: int, snrs: tuple[float, ...]) -> list[dict[str, float]]:
    """Return, per signal-to-noise ratio, the share of points a frame reports and its other tracks."""
    return [{"snr": snr, **_detected(frames, snr)} for snr in snrs]


def false_tracks(frames: int, pfa: float, count: int, seed: int = 17) -> dict[str, float]:
    """Return chance tracks found over stated, in `count` frames of noise past the window."""
    detector = MoverDetector(SIDE, SIDE, MoverConfig(pfa=pfa, frames=frames, psf_sigma_px=PSF_SIGMA_PX))
    found = [len(detector.push(each)) for each in residuals(SIDE, frames + SETTLE + count, None, seed)]
    stated = pfa * count * SIDE**2
    return {"stated": stated, "found": sum(found[frames + SETTLE :]), "ratio": sum(found[frames + SETTLE :]) / stated}


def speed(frames: int, count: int = 48) -> dict[str, float]:
    """Return minimum and median ns a pixel and frame, noise with 81 movers; beside numpy's normal generator."""
    detector = MoverDetector(SIDE, SIDE, MoverConfig(frames=frames, psf_sigma_px=PSF_SIGMA_PX))
    rng = np.random.default_rng(1)
    taken, yardstick = [], []
    for residual in residuals(SIDE, frames + SETTLE + count, _flights(1.3, frames, rng), seed=2):
        begun = time.thread_time_ns()
        detector.push(residual)
        taken.append(time.thread_time_ns() - begun)
        begun = time.thread_time_ns()
        rng.standard_normal(residual.shape, dtype=np.float32)
        yardstick.append(time.thread_time_ns() - begun)
    settled = np.array(taken[frames + SETTLE :]) / SIDE**2
    return {
        "min_ns": float(settled.min()),
        "median_ns": float(np.median(settled)),
        "yardstick_ns": min(yardstick) / SIDE**2,
        "bytes_per_px": float(detector.held_bytes) / SIDE**2,
    }


def bound(frames: int, velocities: int) -> float:
    """Return the ratio a frame at which a sum along the right path is found with 0.9, PFA spread over velocities."""
    normal = NormalDist()
    return (normal.inv_cdf(0.9) - normal.inv_cdf(PFA / velocities)) / math.sqrt(frames)


def at_nine_tenths(points: list[dict[str, float]]) -> float:
    """Return the ratio at which the curve passes 0.9, straight between points; NaN where it does not."""
    for low, high in itertools.pairwise(points):
        if low["pd"] < 0.9 <= high["pd"]:
            return low["snr"] + (0.9 - low["pd"]) / (high["pd"] - low["pd"]) * (high["snr"] - low["snr"])
    return math.nan


def run() -> dict[str, Any]:
    """Return all figures; a few minutes."""
    return {
        "curves": {frames: curve(frames, snrs) for frames, snrs in CURVES.items()},
        "false": [
            {"frames": frames, "pfa": pfa, **false_tracks(frames, pfa, count)}
            for frames in CURVES
            for pfa, count in ((1e-5, 60), (1e-6, 300))
        ],
        "speed": {frames: speed(frames) for frames in (10, 16, 20, 40)},
    }


def table(figures: dict[str, Any]) -> str:
    """Return the figures as lines for a person."""
    lines = [f"{'frames':>6}{'SNR':>7}{'Pd':>7}{'others a frame':>16}"]
    for frames, points in figures["curves"].items():
        lines += [f"{frames:6d}{e['snr']:7.2f}{e['pd']:7.3f}{e['others']:16.2f}" for e in points]
    lines += ["", f"{'frames':>6}{'Pd 0.9 at':>11}{'known path':>12}{'1000 paths':>12}{'loss to it, dB':>16}"]
    for frames, points in figures["curves"].items():
        at, known, bank = at_nine_tenths(points), bound(frames, 1), bound(frames, BANK)
        lines.append(f"{frames:6d}{at:11.2f}{known:12.2f}{bank:12.2f}{20 * math.log10(at / bank):16.2f}")
    lines += ["", f"{'frames':>6}{'pfa':>9}{'stated':>9}{'found':>7}{'ratio':>7}"]
    lines += [
        f"{e['frames']:6d}{e['pfa']:9.0e}{e['stated']:9.0f}{e['found']:7d}{e['ratio']:7.2f}" for e in figures["false"]
    ]
    lines += ["", f"{'frames':>6}{'ns/px min':>11}{'median':>8}{'normal()':>10}{'bytes/px':>10}"]
    lines += [
        f"{n:6d}{e['min_ns']:11.2f}{e['median_ns']:8.2f}{e['yardstick_ns']:10.2f}{e['bytes_per_px']:10.1f}"
        for n, e in figures["speed"].items()
    ]
    return "\n".join(lines)


def draw(figures: dict[str, Any], path: Path) -> None:
    """Draw detection over signal-to-noise ratio, a panel a window, with the bounds of a known path and of a bank."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.2 * len(figures["curves"]), 3.2), layout="tight")
    axes = figure.subplots(1, len(figures["curves"]), sharey=True)
    normal = NormalDist()
    for axis, (frames, points) in zip(np.atleast_1d(axes), figures["curves"].items(), strict=True):
        snr = np.linspace(0.6 * bound(frames, 1), points[-1]["snr"], 100)
        for velocities, name in ((1, "known path"), (BANK, "1,000 velocities")):
            level = -normal.inv_cdf(PFA / velocities)
            axis.plot(snr, [normal.cdf(each * math.sqrt(frames) - level) for each in snr], label=name)
        axis.plot([e["snr"] for e in points], [e["pd"] for e in points], "ko-", label="found")
        axis.axhline(0.9, color="grey", linewidth=0.5)
        axis.set(title=f"{frames} frames", xlabel="signal-to-noise ratio a frame")
    np.atleast_1d(axes)[0].set_ylabel("probability of detection")
    np.atleast_1d(axes)[0].legend(fontsize=7)
    figure.savefig(path, dpi=120)


def _detected(frames: int, snr: float) -> dict[str, float]:
    rng = np.random.default_rng(23)
    flights = _flights(snr, frames, rng)
    detector = MoverDetector(SIDE, SIDE, MoverConfig(pfa=PFA, frames=frames, psf_sigma_px=PSF_SIGMA_PX))
    hits = others = 0
    for frame, residual in enumerate(residuals(SIDE, frames + SETTLE + MEASURED, flights, seed=29)):
        found = detector.push(residual)
        if frame < frames + SETTLE:
            continue
        truth = flights.at(frame)
        distance = np.hypot(found.row[:, None] - truth[:, 0], found.column[:, None] - truth[:, 1])
        near = int(np.sum(np.any(distance <= HIT_PX, axis=0)))
        hits += near
        others += len(found) - near
    return {"pd": hits / (len(flights.places) * MEASURED), "others": others / MEASURED}


def _flights(snr: float, frames: int, rng: np.random.Generator) -> Flights:
    """Return flights from a grid, at random sub-pixel places, that stay in the frame: its middle in mid-flight."""
    axis = np.arange(SPACING_PX + 10, SIDE - SPACING_PX, SPACING_PX, dtype=np.float64)
    places = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    places = places + rng.uniform(-0.5, 0.5, places.shape)
    heading, fast = rng.uniform(0, 2 * math.pi, len(places)), 1.5 * np.sqrt(rng.uniform(0, 1, len(places)))
    velocities = np.stack([fast * np.cos(heading), fast * np.sin(heading)], axis=1)
    return Flights(places - velocities * (frames + SETTLE + MEASURED) / 2, velocities, snr)


def _add_point(counts: Float32, place: Float64, snr: float) -> None:
    whole = np.rint(place).astype(int)
    light = spots((2 * STAMP + 1, 2 * STAMP + 1), (place - whole + STAMP)[None, :], PSF_SIGMA_PX, np.ones(1))
    row, column = whole - STAMP
    stamp = snr / math.sqrt(float(np.sum(light**2))) * light
    counts[row : row + 2 * STAMP + 1, column : column + 2 * STAMP + 1] += stamp.astype(np.float32)


if __name__ == "__main__":
    measured = run()
    print(table(measured))
    if len(sys.argv) > 1:
        draw(measured, Path(sys.argv[1]))
