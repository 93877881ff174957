"""Whether false alarms come at the stated rate, in noise and on cloud-like clutter, and the table that sees to it.

    python -m bench.detection.calibration [--picture PNG] [--frames N]
    python -m bench.detection.calibration --fit

Noise: frames of white Gaussian noise, rounded to 16 bits; false detections found over stated. Clutter: the same on
cloud-like fields of up to 50 noise deviations. The table's frames are others than those it is checked on, and some of
the point-spread functions checked are not in it.
"""

import argparse
import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from bench.detection.scenes import cloud_field, noise_frame
from services.ground_station.detection import calibration
from services.ground_station.detection.detect import DetectionConfig, Detector

SIDE = 1024
NOISE_COUNTS = 20.0
# Five deviations of the strongest clutter above nought.
LEVEL_COUNTS = 5000.0
RATES = (1e-4, 1e-5, 1e-6)
SIGMAS_PX = (0.5, 0.6, 0.75, 0.9, 1.35, 2.0)
CLUTTER = (2.0, 10.0, 50.0)
# Cloud-like fields take long to make: each is used so many times, turned and mirrored, with noise of its own.
USES = 8

FIT_SEED, CHECK_SEED, CLUTTER_SEED = 101, 7, 13
# Both sides of where the first filter's size steps, and between.
FIT_SIGMAS_PX = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.99, 1.0, 1.2, 1.4, 1.66, 1.67, 2.0, 2.33, 2.34, 3.0)
FIT_RATES = (1e-6, 1e-5, 1e-4, 1e-3)
# False detections to take a threshold from, 3 % by their number alone, and most frames for it: 270 Mpx.
FIT_COUNT = 1000
FIT_FRAMES = 256


def run(frames: int = 96) -> dict[str, Any]:
    """Return false detections found and stated over rate, point-spread function and clutter."""
    return {
        "noise": [false_alarms(pfa, sigma, frames_for(pfa, frames)) for sigma in SIGMAS_PX for pfa in RATES],
        "clutter": [false_alarms(pfa, 0.6, frames_for(pfa, frames), strength) for strength in CLUTTER for pfa in RATES],
    }


def frames_for(pfa: float, most: int) -> int:
    """Return enough frames for the count's error to be a few per cent, if `most` allow it."""
    return max(1, min(most, math.ceil(FIT_COUNT / (pfa * SIDE**2))))


def false_alarms(pfa: float, sigma_px: float, frames: int, strength: float = 0.0) -> dict[str, float]:
    """Return how many false detections noise gives beside how many are stated.

    strength: standard deviation of a cloud-like field under the noise, in those of the noise.
    """
    rng = np.random.default_rng(CLUTTER_SEED if strength else CHECK_SEED)
    detector = Detector(DetectionConfig(pfa=pfa, psf_sigma_px=sigma_px))
    found, field = 0, np.zeros((SIDE, SIDE), dtype=np.float32)
    for n in range(frames):
        if strength and n % USES == 0:
            field = (strength * NOISE_COUNTS * cloud_field(rng, SIDE)).astype(np.float32)
        turned = np.rot90(field, n)[:, :: 1 if n % USES < USES // 2 else -1]
        found += len(detector.detect(noise_frame(rng, LEVEL_COUNTS + turned, NOISE_COUNTS)))
    stated = pfa * frames * SIDE**2
    return {
        "psf_sigma_px": sigma_px,
        "pfa": pfa,
        "clutter": strength,
        "stated": stated,
        "found": found,
        "ratio": found / stated,
        "poisson": 1.0 / math.sqrt(max(found, 1)),
    }


def fit() -> dict[str, Any]:
    """Return the table of `thresholds.json`: thresholds measured in white noise, less theory's."""
    table: dict[str, Any] = {"psf_sigma_px": list(FIT_SIGMAS_PX), "log10_pfa": [math.log10(pfa) for pfa in FIT_RATES]}
    for which in ("even", "uneven"):
        table[which] = [[_added(which, sigma, pfa) for pfa in FIT_RATES] for sigma in FIT_SIGMAS_PX]
        print(which, table[which], flush=True)
    return table


def _added(which: str, sigma_px: float, pfa: float) -> float:
    """Return the signal-to-noise ratio that false detections exceed at `pfa`, less theory's."""
    rng = np.random.default_rng([FIT_SEED, round(1000 * sigma_px)])
    # With a lower threshold than is asked for, so that there is one to be found among the detections.
    detector = Detector(DetectionConfig(pfa=min(1.5 * pfa, 1e-2), psf_sigma_px=sigma_px, max_detections=100_000))
    # A scene of nothing makes every place uneven to the detector.
    scene = np.zeros((SIDE, SIDE), dtype=np.float32) if which == "uneven" else None
    frames = frames_for(pfa, FIT_FRAMES)
    level = np.full((SIDE, SIDE), LEVEL_COUNTS, dtype=np.float32)
    snr = np.concatenate(
        [detector.detect(noise_frame(rng, level, NOISE_COUNTS), scene_response=scene).snr for _ in range(frames)]
    )
    wanted = round(pfa * frames * SIDE**2)
    theory: float = getattr(calibration.in_theory(pfa, sigma_px), which)
    return round(float(np.sort(snr)[-wanted]) - theory, 4)


def table(figures: dict[str, Any]) -> str:
    """Return the figures as lines for a person."""
    lines = [f"{'psf, px':>8}{'clutter':>9}{'pfa':>10}{'stated':>10}{'found':>8}{'ratio':>8}{'+-':>7}"]
    lines += [
        f"{e['psf_sigma_px']:8.2f}{e['clutter']:9.0f}{e['pfa']:10.0e}{e['stated']:10.1f}{e['found']:8d}"
        f"{e['ratio']:8.2f}{e['ratio'] * e['poisson']:7.2f}"
        for e in figures["noise"] + figures["clutter"]
    ]
    return "\n".join(lines)


def draw(figures: dict[str, Any], path: Path) -> None:
    """Draw found over stated against the stated rate, with the bounds asked for."""
    from matplotlib.figure import Figure

    picture = Figure(figsize=(11, 4.5), layout="tight")
    panels = picture.subplots(1, 2, sharey=True)
    for panel, part, key, bound, title in (
        (panels[0], "noise", "psf_sigma_px", 1.3, "white noise, by point-spread function, px"),
        (panels[1], "clutter", "clutter", 2.0, "cloud-like clutter, by its strength over the noise"),
    ):
        rows = figures[part]
        for value in sorted({each[key] for each in rows}):
            one = [each for each in rows if each[key] == value]
            ratios = np.array([each["ratio"] for each in one])
            errors = ratios * np.array([each["poisson"] for each in one])
            panel.errorbar([each["pfa"] for each in one], ratios, errors, marker="o", capsize=3, label=f"{value:g}")
        panel.axhspan(1.0 / bound, bound, alpha=0.12, color="grey", label=f"factor {bound:g}")
        panel.set(xscale="log", yscale="log", ylim=(0.4, 2.5), title=title, xlabel="stated false detections a pixel")
        panel.legend(fontsize=8)
        panel.grid(alpha=0.3, which="both")
    panels[0].set_ylabel("found over stated")
    picture.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description="Found over stated false detections.")
    parser.add_argument("--fit", action="store_true", help="measure the table of thresholds anew; some minutes")
    parser.add_argument("--frames", type=int, default=96, help="most frames a figure is taken from")
    parser.add_argument("--picture", type=Path, help="PNG to draw")
    options = parser.parse_args()
    if options.fit:
        calibration.TABLE.write_text(json.dumps(fit(), indent=1) + "\n")
        return
    figures = run(options.frames)
    print(table(figures))
    if options.picture:
        draw(figures, options.picture)


if __name__ == "__main__":
    main()
