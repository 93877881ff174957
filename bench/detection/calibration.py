"""Whether stated false alarms, detections and centroid errors are the found ones.

    python -m bench.detection.calibration

Noise: frames of white Gaussian noise, rounded to 16 bits; found false detections over stated. Points: at random
sub-pixel places, well apart; share found, and the centroid's squared error over its covariance, which is 1 for a true
covariance. Clutter: the same on cloud-like fields and on recorded ones, where no theory states a rate.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.detection.scenes import cloud_field, spots
from services.ground_station.detection.calibration import threshold_snr
from services.ground_station.detection.detect import DetectionConfig, Detector
from services.ground_station.detection.spot import SpotFilter

SIDE = 1024
NOISE_COUNTS = 20.0
LEVEL_COUNTS = 3000.0
RATES = (1e-4, 1e-5, 1e-6)
SIGMAS_PX = (0.5, 0.6, 0.8, 1.2, 2.0)
SNRS = (4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 15.0, 30.0, 100.0)
# Points this far apart do not reach into each other's noise.
SPACING_PX = 64


def run(frames: int = 32) -> dict[str, Any]:
    """Return found over stated false detections, and detection and centroid figures over signal-to-noise ratio."""
    return {
        "false_alarms": [false_alarms(pfa, sigma, frames) for sigma in SIGMAS_PX for pfa in RATES],
        "points": [points(snr, sigma, max(2, frames // 8)) for sigma in (0.6, 1.2) for snr in SNRS],
        "clutter": [clutter(strength, max(2, frames // 8)) for strength in (0.0, 2.0, 10.0, 50.0)],
    }


def false_alarms(pfa: float, sigma_px: float, frames: int) -> dict[str, float]:
    """Return how many false detections noise gives beside how many are stated."""
    rng = np.random.default_rng(7)
    detector = Detector(DetectionConfig(pfa=pfa, psf_sigma_px=sigma_px))
    found = sum(len(detector.detect(_noise(rng))) for _ in range(frames))
    stated = pfa * frames * SIDE**2
    return {"psf_sigma_px": sigma_px, "pfa": pfa, "stated": stated, "found": found, "ratio": found / stated}


def points(snr: float, sigma_px: float, frames: int) -> dict[str, float]:
    """Return the share of points found, and the mean squared centroid error over its covariance.

    snr: amplitude over the standard deviation of its best estimate, for a point on a pixel's centre.
    """
    rng = np.random.default_rng(11)
    spot = SpotFilter.of(sigma_px)
    detector = Detector(DetectionConfig(psf_sigma_px=sigma_px))
    errors: list[float] = []
    distances: list[float] = []
    total = 0
    for _ in range(frames):
        places = _grid(rng)
        total += len(places)
        light = spots((SIDE, SIDE), places, sigma_px, np.full(len(places), snr * NOISE_COUNTS * spot.gain))
        frame = np.rint(LEVEL_COUNTS + light + rng.normal(0, NOISE_COUNTS, light.shape)).astype(np.uint16)
        found = detector.detect(frame)
        for place in places:
            offset = np.stack([found.row, found.column], axis=1) - place
            near = np.flatnonzero(np.hypot(*offset.T) <= 1.5)
            if len(near):
                rr, rc, cc = found.covariance_px2[near[0]]
                inverse = np.linalg.inv(np.array([[rr, rc], [rc, cc]]))
                errors.append(float(offset[near[0]] @ inverse @ offset[near[0]]) / 2.0)
                distances.append(float(np.sum(offset[near[0]] ** 2)) / 2.0)
    return {
        "psf_sigma_px": sigma_px,
        "snr": snr,
        "pd": len(errors) / total,
        "normalised_error": float(np.mean(errors)) if errors else float("nan"),
        "rms_px": float(np.sqrt(np.mean(distances))) if distances else float("nan"),
        "threshold_snr": threshold_snr(1e-6, sigma_px, spot.reach, spot.box_half),
    }


def clutter(strength: float, frames: int) -> dict[str, float]:
    """Return false detections at a stated 1e-6 over a cloud-like field of `strength` noise deviations."""
    rng = np.random.default_rng(13)
    detector = Detector(DetectionConfig(psf_sigma_px=0.6))
    found = 0
    for _ in range(frames):
        field = LEVEL_COUNTS + strength * NOISE_COUNTS * cloud_field(rng, SIDE)
        frame = np.rint(np.clip(field + rng.normal(0, NOISE_COUNTS, field.shape), 0, 65535)).astype(np.uint16)
        found += len(detector.detect(frame))
    return {"strength": strength, "found_per_megapixel": found / frames / (SIDE**2 / 1e6)}


def table(figures: dict[str, Any]) -> str:
    """Return the figures as lines for a person."""
    lines = [f"{'psf, px':>8}{'pfa':>10}{'stated':>10}{'found':>8}{'ratio':>8}"]
    lines += [
        f"{e['psf_sigma_px']:8.1f}{e['pfa']:10.0e}{e['stated']:10.1f}{e['found']:8d}{e['ratio']:8.2f}"
        for e in figures["false_alarms"]
    ]
    lines += ["", f"{'psf, px':>8}{'SNR':>8}{'Pd':>8}{'error^2 / covariance':>22}{'rms, px':>10}"]
    lines += [
        f"{e['psf_sigma_px']:8.1f}{e['snr']:8.0f}{e['pd']:8.3f}{e['normalised_error']:22.2f}{e['rms_px']:10.4f}"
        for e in figures["points"]
    ]
    lines += ["", f"{'cloud / noise':>14}{'found per Mpx, stated 1':>26}"]
    lines += [f"{e['strength']:14.0f}{e['found_per_megapixel']:26.2f}" for e in figures["clutter"]]
    return "\n".join(lines)


def _noise(rng: np.random.Generator) -> NDArray[np.uint16]:
    counts = LEVEL_COUNTS + NOISE_COUNTS * rng.standard_normal((SIDE, SIDE), dtype=np.float32)
    return np.asarray(np.rint(counts), dtype=np.uint16)


def _grid(rng: np.random.Generator) -> NDArray[np.float64]:
    axis = np.arange(SPACING_PX // 2, SIDE, SPACING_PX, dtype=np.float64)
    places = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    return places + rng.uniform(-0.5, 0.5, places.shape)


if __name__ == "__main__":
    print(table(run()))
