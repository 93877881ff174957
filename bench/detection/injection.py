"""Targets that move against a real scene under a trembling camera: what the staring chain finds, and what it rejects.

    python -m bench.detection.injection DATA [--scene Alaska] [--picture injection.png]

DATA has goes_3_9um: two GOES-15 pictures at 3.9 um, Alaska and Hawaii. Each is taken for the scene of a camera with one
of its pixels a frame pixel (bench/detection/injection_scenes.py); contrast is the standard deviation of the whole
picture over the noise of a pixel. Every frame is decided by itself. `told`: the drift is known geometry; the jitter
never is.

Detection: ratio at which nine of ten targets are found, from a normal distribution function fitted to hits over
ratios, at the threshold for one false detection in a million pixels; a hit is one to one and within 1 px. Losses are
against 6.04, which a single look at a known place in noise alone needs. False detections: those that no target is near,
against those stated; so are the tracks of dim movers in what is left. Rejection: how much less clutter the residual has
than the spatial filter's response, rms, the noise taken out of both.
"""

import argparse
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_ndtr

from bench.detection.injection_scenes import (
    NOISE_COUNTS,
    PSF_SIGMA_PX,
    SCENES,
    Field,
    Motion,
    Shot,
    load_field,
    shots,
)
from services.ground_station.detection.detect import DetectionConfig, Detector
from services.ground_station.detection.movers.detect import MoverConfig, MoverDetector
from services.ground_station.detection.spot import SpotFilter
from services.ground_station.detection.staring import SceneMotion, StaringConfig, StaringDetector, StaringFrame

Float64 = NDArray[np.float64]

CONTRASTS = (0.0, 5.0, 20.0, 60.0)
SPEEDS_PX = (0.2, 0.5, 1.0, 1.5)
PFA = 1e-6
# A matched filter at a target's own place: threshold for PFA and one half of the scatter for nine of ten, sigma.
BOUND_SNR = 6.04
# Frames that a detector has had before its decisions count; and that then do, of each run.
LEARNING, COUNTED = 40, 80
MATCH_PX = 1.0
# Further from its place than this nothing is a target's light.
OWN_LIGHT_PX = 5.0
# Clutter below this part of the noise is not told from none: its variance is a hundredth of a percent of the noise's.
LEAST_CLUTTER = 0.01
PERCENTILE_90 = 1.2815515655446004
SHAKES = {
    "calm": Motion(drift_px=(0.06, -0.05), jitter_px=0.1),
    "drifting": Motion(drift_px=(0.31, -0.47), jitter_px=0.2),
    "rough": Motion(drift_px=(0.7, 0.55), jitter_px=0.3),
    "turning": Motion(drift_px=(0.31, -0.47), jitter_px=0.2, turn_rad=1e-4, growth=1e-4),
}


@dataclass
class Tally:
    """Decisions over targets and pixels: each target's ratio and whether it was found, false detections, pixels."""

    snrs: list[float]
    found: list[bool]
    false: int = 0
    pixels: float = 0.0

    def count(self, row: Float64, column: Float64, shot: Shot, known: NDArray[np.bool_]) -> None:
        """Add one frame's detections; targets and detections where nothing is known do not count."""
        distance = np.hypot(row[:, None] - shot.places[:, 0], column[:, None] - shot.places[:, 1])
        rounded = np.rint(shot.places).astype(np.int64)
        inside = known[rounded[:, 0], rounded[:, 1]]
        taken = np.zeros(len(row), dtype=bool)
        for n in np.flatnonzero(inside):
            near = np.flatnonzero((distance[:, n] <= MATCH_PX) & ~taken)
            self.snrs.append(float(shot.snrs[n]))
            self.found.append(len(near) > 0)
            taken[near[:1]] = True
        where = known[np.rint(row).astype(np.int64), np.rint(column).astype(np.int64)]
        far = np.min(distance, axis=1, initial=np.inf) > OWN_LIGHT_PX
        self.false += int(np.sum(far & where))
        self.pixels += float(known.sum()) - len(shot.places) * math.pi * OWN_LIGHT_PX**2

    def snr_at_90(self) -> float:
        """Return the ratio at which nine of ten are found; NaN where the targets do not show it."""
        snrs, found = np.array(self.snrs), np.array(self.found)
        if not 0.05 < found.mean() < 0.98:
            return math.nan

        def surprise(parameters: Float64) -> float:
            z = np.exp(parameters[1]) * (snrs - parameters[0])
            return -float(np.sum(np.where(found, log_ndtr(z), log_ndtr(-z))))

        best = minimize(surprise, np.array([5.5, 0.0]), method="Nelder-Mead").x
        return float(best[0] + PERCENTILE_90 / np.exp(best[1]))

    def curve(self, step: float = 0.5) -> list[tuple[float, float]]:
        """Return (ratio, share found) in steps of ratio."""
        snrs, found = np.array(self.snrs), np.array(self.found)
        bins = np.floor(snrs / step)
        return [(float((each + 0.5) * step), float(found[bins == each].mean())) for each in np.unique(bins)]


def run(data: Path, seed: int = 1, scenes: tuple[str, ...] = tuple(SCENES)) -> dict[str, Any]:
    """Return detection over contrast and speed, false detections over stated ones, and rejection."""
    fields = {scene: load_field(data, scene, seed) for scene in scenes}
    return {
        "detection": [
            detection(fields[scene], scene, contrast, speed, SHAKES["drifting"], seed)
            for scene in scenes
            for contrast in CONTRASTS
            for speed in SPEEDS_PX
        ],
        "shaking": [
            detection(fields[scene], scene, 20.0, 0.5, SHAKES[shake], seed, told=told, shake=shake)
            for scene in scenes
            for shake in SHAKES
            for told in (False, True)
        ],
        "false": [
            false_detections(fields[scene], scene, contrast, pfa, seed)
            for scene in scenes
            for contrast in CONTRASTS
            for pfa in (1e-4, 1e-5, 1e-6)
        ],
        "tracks": [
            false_tracks(fields[scene], scene, contrast, pfa, seed)
            for scene in scenes
            for contrast in CONTRASTS
            for pfa in (1e-4, 1e-5)
        ],
        "rejection": [
            rejection(fields[scene], scene, contrast, seed) for scene in scenes for contrast in CONTRASTS[1:]
        ],
    }


def detection(
    field: Field,
    scene: str,
    contrast: float,
    speed_px: float,
    motion: Motion,
    seed: int,
    *,
    told: bool = True,
    shake: str = "drifting",
) -> dict[str, Any]:
    """Return the ratio for nine of ten of the temporal and of the spatial chain, with the curves."""
    frames = shots(field, contrast, speed_px, LEARNING + COUNTED, np.random.default_rng(seed), motion=motion)
    temporal, spatial = Tally([], []), Tally([], [])
    alone = Detector(DetectionConfig(pfa=PFA, psf_sigma_px=PSF_SIGMA_PX))
    for shot, seen in searched(frames, StaringConfig(pfa=PFA, psf_sigma_px=PSF_SIGMA_PX), told=told):
        known = seen.z != 0
        temporal.count(seen.detections.row, seen.detections.column, shot, known)
        found = alone.detect(shot.counts)
        spatial.count(found.row, found.column, shot, known)
    each = {
        name: {
            "snr_at_90": tally.snr_at_90(),
            "loss_db": 20.0 * math.log10(tally.snr_at_90() / BOUND_SNR),
            "pd_at_7": float(np.mean(np.array(tally.found)[np.abs(np.array(tally.snrs) - 7.0) < 0.5])),
            "false": tally.false,
            "stated": PFA * tally.pixels,
            "targets": len(tally.snrs),
            "curve": tally.curve(),
        }
        for name, tally in (("temporal", temporal), ("spatial", spatial))
    }
    return {"scene": scene, "contrast": contrast, "speed_px": speed_px, "shake": shake, "told": told, **each}


def false_detections(field: Field, scene: str, contrast: float, pfa: float, seed: int) -> dict[str, Any]:
    """Return found and stated false detections of frames without targets."""
    tally = Tally([], [])
    # More frames where false detections are rare.
    for run_seed in range(seed, seed + (3 if pfa < 5e-6 else 1)):
        rng = np.random.default_rng(run_seed)
        frames = shots(field, contrast, 1.0, LEARNING + COUNTED, rng, motion=SHAKES["drifting"], targets=False)
        for shot, seen in searched(frames, StaringConfig(pfa=pfa, psf_sigma_px=PSF_SIGMA_PX), told=True):
            tally.count(seen.detections.row, seen.detections.column, shot, seen.z != 0)
    stated = pfa * tally.pixels
    return {
        "scene": scene,
        "contrast": contrast,
        "pfa": pfa,
        "found": tally.false,
        "stated": stated,
        "ratio": tally.false / stated,
    }


def false_tracks(field: Field, scene: str, contrast: float, pfa: float, seed: int) -> dict[str, Any]:
    """Return found and stated chance tracks of dim movers in the residuals of frames without targets."""
    found, pixels, settled = 0, 0.0, MoverConfig().frames
    for run_seed in (seed, seed + 1):
        rng = np.random.default_rng(run_seed)
        frames = shots(field, contrast, 1.0, LEARNING + COUNTED, rng, motion=SHAKES["drifting"], targets=False)
        movers: MoverDetector | None = None
        for k, (shot, seen) in enumerate(searched(frames, StaringConfig(psf_sigma_px=PSF_SIGMA_PX), told=True)):
            rows, columns = shot.counts.shape
            movers = movers or MoverDetector(rows, columns, MoverConfig(pfa=pfa, psf_sigma_px=PSF_SIGMA_PX))
            tracks = movers.push(seen.z, *seen.shift[:, 2])
            if k >= settled:
                found, pixels = found + len(tracks), pixels + np.count_nonzero(seen.z)
    stated = pfa * pixels
    return {
        "scene": scene,
        "contrast": contrast,
        "pfa": pfa,
        "found": found,
        "stated": stated,
        "ratio": found / stated,
    }


def rejection(field: Field, scene: str, contrast: float, seed: int) -> dict[str, Any]:
    """Return the clutter's rms before and after, in deviations of a pixel's noise, and their ratio, dB.

    Before: the spatial filter's response, its noise taken out. After: what the residual of the staring chain's filter
    has beyond the same chain's in noise alone; where that is less than it can be measured to, LEAST_CLUTTER.
    """
    spot = SpotFilter.of(PSF_SIGMA_PX)
    alone = Detector(DetectionConfig(psf_sigma_px=PSF_SIGMA_PX))
    before: list[float] = []
    squares: dict[float, float] = {}
    for each in (contrast, 0.0):
        rng = np.random.default_rng(seed)
        frames = shots(field, each, 1.0, LEARNING + COUNTED, rng, motion=SHAKES["drifting"], targets=False)
        after: list[float] = []
        for shot, seen in searched(frames, StaringConfig(psf_sigma_px=PSF_SIGMA_PX), told=True):
            after.append(float(np.nanmean((seen.residual_counts / NOISE_COUNTS) ** 2)))
            response = alone.response(shot.counts) if each == contrast else None
            if response is not None:
                before.append(float(np.var(response[seen.z != 0] / spot.gain / NOISE_COUNTS)))
        squares[each] = float(np.mean(after))
    clutter_before = math.sqrt(max(float(np.mean(before)) - 1.0, 0.0))
    clutter_after = max(math.sqrt(max(squares[contrast] - squares[0.0], 0.0)), LEAST_CLUTTER)
    return {
        "scene": scene,
        "contrast": contrast,
        "before": clutter_before,
        "after": clutter_after,
        "rejection_db": 20.0 * math.log10(clutter_before / clutter_after),
    }


def searched(frames: Iterator[Shot], config: StaringConfig, *, told: bool) -> Iterator[tuple[Shot, StaringFrame]]:
    """Yield each shot after LEARNING with what the staring chain says of it."""
    detector = StaringDetector(config)
    before: Shot | None = None
    for k, shot in enumerate(frames):
        motion = _known_motion(before, shot) if told and before is not None else None
        seen = detector.step(shot.counts, motion)
        before = shot
        if k >= LEARNING:
            yield shot, seen


def _known_motion(before: Shot, shot: Shot) -> SceneMotion:
    """Return the motion without jitter, as geometry states it."""
    turn = np.linalg.inv(before.affine[:, :2])
    matrix = np.column_stack([turn @ shot.affine[:, :2], turn @ (shot.affine[:, 2] - before.affine[:, 2])])
    return SceneMotion.affine((shot.counts.shape[0], shot.counts.shape[1]), matrix)


def table(figures: dict[str, Any]) -> str:
    """Return the figures as lines for a person."""
    lines = ["SNR for Pd 0.9 at Pfa 1e-6 (loss against 6.04 in brackets), Pd at SNR 7, false detections / stated"]
    lines += [_detection_line(each) for each in (*figures["detection"], *figures["shaking"])]
    lines += ["false detections without targets"]
    lines += [_false_line(each) for each in figures["false"]]
    lines += ["chance tracks of dim movers in the residuals"]
    lines += [_false_line(each) for each in figures["tracks"]]
    lines += ["clutter, rms in deviations of a pixel's noise"]
    lines += [
        f"{each['scene']:8}contrast {each['contrast']:4.0f}  before {each['before']:6.2f}  after {each['after']:.3f}  "
        f"rejection {each['rejection_db']:.1f} dB"
        for each in figures["rejection"]
    ]
    return "\n".join(lines)


def _detection_line(each: dict[str, Any]) -> str:
    chains = "   ".join(
        f"{name}: {each[name]['snr_at_90']:5.2f} ({each[name]['loss_db']:+5.2f} dB), {each[name]['pd_at_7']:.2f}, "
        f"{each[name]['false']} / {each[name]['stated']:.1f}"
        for name in ("temporal", "spatial")
    )
    told = "told" if each["told"] else "not told"
    what = f"contrast {each['contrast']:3.0f}  {each['speed_px']:.1f} px  {each['shake']:9}{told:9}"
    return f"{each['scene']:8}{what}{chains}"


def _false_line(each: dict[str, Any]) -> str:
    return (
        f"{each['scene']:8}contrast {each['contrast']:4.0f}  Pfa {each['pfa']:.0e}  "
        f"found {each['found']:5d}  stated {each['stated']:7.1f}  ratio {each['ratio']:.2f}"
    )


def draw(figures: dict[str, Any], path: Path) -> None:
    """Write the share of targets found over their ratio, for each contrast and speed, both chains, as a picture."""
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    contrasts = sorted({each["contrast"] for each in figures["detection"]})
    speeds = sorted({each["speed_px"] for each in figures["detection"]})
    first = figures["detection"][0]["scene"]
    figure = Figure(figsize=(4.0 * len(contrasts), 3.6), layout="tight")
    axes = figure.subplots(1, len(contrasts), sharey=True)
    for axis, contrast in zip(np.atleast_1d(axes), contrasts, strict=True):
        for each in [one for one in figures["detection"] if one["contrast"] == contrast]:
            shade = 0.15 + 0.65 * speeds.index(each["speed_px"]) / max(len(speeds) - 1, 1)
            for name, colours, style in (("temporal", "Blues", "-"), ("spatial", "Oranges", "--")):
                curve = np.array(each[name]["curve"])
                label = f"{name}, {each['speed_px']:g} px a frame" if each["scene"] == first else None
                axis.plot(curve[:, 0], curve[:, 1], style, color=colormaps[colours](1.0 - 0.6 * shade), label=label)
        axis.axvline(BOUND_SNR, color="grey", linewidth=0.8)
        axis.set_title(f"contrast {contrast:g} sigma")
        axis.set_xlabel("signal-to-noise ratio")
    np.atleast_1d(axes)[0].set_ylabel("share of targets found")
    np.atleast_1d(axes)[-1].legend(fontsize=6)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--scene", action="append", choices=sorted(SCENES), help="default: all")
    parser.add_argument("--picture", type=Path)
    arguments = parser.parse_args()
    results = run(arguments.data, scenes=tuple(arguments.scene or SCENES))
    print(table(results))
    if arguments.picture:
        draw(results, arguments.picture)
