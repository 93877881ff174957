"""How dim a point is found, and how well its place is known, beside what theory allows.

    python -m bench.detection.sensitivity [--picture PNG] [--frames N]

White Gaussian noise rounded to 16 bits, a known Gaussian point-spread function, points at uniformly random sub-pixel
places, well apart. SNR is A sqrt(sum p^2) / sigma with p the point-spread function integrated over pixels at the
point's true place. A hit lies within 1 px of the truth. The bound on detection is that of a detector which knows
place, level and noise: Pd = Q(Q^-1(Pfa) - SNR). The bound on the place is Cramer and Rao's with amplitude, level and
place unknown, averaged over the points.
"""

import argparse
import math
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.detection.scenes import noise_frame, spots
from services.ground_station.detection.calibration import psf_shares
from services.ground_station.detection.detect import DetectionConfig, Detector

Float64 = NDArray[np.float64]

SIDE = 1024
NOISE_COUNTS = 20.0
LEVEL_COUNTS = 3000.0
PFA = 1e-6
PD = 0.9
SIGMAS_PX = (0.5, 0.6, 0.8, 1.2, 2.0)
DIM_SNRS = (5.0, 5.6, 6.0, 6.4, 6.8, 7.5)
PLACE_SNRS = (8.0, 10.0, 15.0, 30.0, 60.0, 100.0)
# Points this far apart do not reach into each other's noise.
SPACING_PX = 64
HIT_PX = 1.0
# Half width of the square of pixels in which a point's light and level are known.
KNOWN_PX = 16
NORMAL = NormalDist()


def run(frames: int = 24) -> dict[str, Any]:
    """Return detection probability and centroid error over signal-to-noise ratio, for each point-spread function."""
    return {
        "detection": [detection(sigma, frames) for sigma in SIGMAS_PX],
        "places": [points(snr, sigma, max(2, frames // 3)) for sigma in SIGMAS_PX for snr in PLACE_SNRS],
    }


def detection(sigma_px: float, frames: int) -> dict[str, Any]:
    """Return Pd at each SNR, and how many dB the SNR for a Pd of 0.9 lies above the bound's."""
    found = [points(snr, sigma_px, frames) for snr in DIM_SNRS]
    normal = [NORMAL.inv_cdf(min(max(each["pd"], 1e-3), 1.0 - 1e-4)) for each in found]
    needed = float(np.interp(NORMAL.inv_cdf(PD), normal, DIM_SNRS))
    bound = NORMAL.inv_cdf(1.0 - PFA) + NORMAL.inv_cdf(PD)
    return {
        "psf_sigma_px": sigma_px,
        "pfa": PFA,
        "snr": list(DIM_SNRS),
        "pd": [each["pd"] for each in found],
        "points": found[0]["points"],
        "needed_snr": needed,
        "bound_snr": bound,
        "loss_db": 20.0 * math.log10(needed / bound),
    }


def points(snr: float, sigma_px: float, frames: int) -> dict[str, float]:
    """Return the share of points found, and how their centroids err beside bound and covariance."""
    rng = np.random.default_rng([11, round(100 * snr), round(1000 * sigma_px)])
    detector = Detector(DetectionConfig(pfa=PFA, psf_sigma_px=sigma_px))
    hits = total = 0
    squares: list[float] = []
    stated: list[float] = []
    normalised: list[float] = []
    bounds: list[Float64] = []
    for _ in range(frames):
        places = grid(rng)
        energy, variance = point_information(places, sigma_px)
        light = spots((SIDE, SIDE), places, sigma_px, snr * NOISE_COUNTS / np.sqrt(energy))
        found = detector.detect(noise_frame(rng, (LEVEL_COUNTS + light).astype(np.float32), NOISE_COUNTS))
        bounds.append(variance / snr**2)
        total += len(places)
        offsets = np.stack([found.row, found.column], axis=1)[None] - places[:, None]
        if len(found) == 0:
            continue
        nearest = np.argmin(np.hypot(offsets[..., 0], offsets[..., 1]), axis=1)
        for place, index in enumerate(nearest):
            error = offsets[place, index]
            if np.hypot(*error) > HIT_PX:
                continue
            hits += 1
            rr, rc, cc = found.covariance_px2[index]
            squares.append(float(error @ error) / 2.0)
            stated.append((rr + cc) / 2.0)
            normalised.append(float(error @ np.linalg.inv(np.array([[rr, rc], [rc, cc]])) @ error) / 2.0)
    bound = math.sqrt(float(np.mean(np.concatenate(bounds))))
    rms = math.sqrt(float(np.mean(squares))) if squares else math.nan
    return {
        "psf_sigma_px": sigma_px,
        "snr": snr,
        "points": total,
        "pd": hits / total,
        "rms_px": rms,
        "bound_px": bound,
        "over_bound": rms / bound,
        "stated_px": math.sqrt(float(np.mean(stated))) if stated else math.nan,
        "normalised_error": float(np.mean(normalised)) if normalised else math.nan,
    }


def point_information(places: Float64, sigma_px: float) -> tuple[Float64, Float64]:
    """Return sum p^2 of each point, and the bound on its place's variance a coordinate for an SNR of 1, px^2.

    The inverse of the Fisher information of amplitude, level, row and column; the mean over row and column.
    """
    pixels = np.arange(-KNOWN_PX, KNOWN_PX + 1, dtype=np.float64)
    energies, variances = np.empty(len(places)), np.empty(len(places))
    for n, place in enumerate(places):
        (u, du), (v, dv) = (_profile(pixels - (each - round(each)), sigma_px) for each in place)
        slopes = np.stack([np.outer(u, v), np.ones((len(u), len(v))), np.outer(du, v), np.outer(u, dv)]).reshape(4, -1)
        energies[n] = np.sum(slopes[0] ** 2)
        inverse = np.linalg.inv(slopes @ slopes.T)
        variances[n] = 0.5 * (inverse[2, 2] + inverse[3, 3]) * energies[n]
    return energies, variances


def _profile(offsets: Float64, sigma: float) -> tuple[Float64, Float64]:
    """Return pixels' shares of a Gaussian line, and how they change with its place."""
    upper, lower = offsets + 0.5, offsets - 0.5
    scale = math.sqrt(2.0) * sigma
    slopes = (np.exp(-((lower / scale) ** 2)) - np.exp(-((upper / scale) ** 2))) / (math.sqrt(2.0 * math.pi) * sigma)
    return psf_shares(sigma, offsets), np.asarray(slopes)


def grid(rng: np.random.Generator) -> Float64:
    """Return places SPACING_PX apart, each at a random sub-pixel phase."""
    axis = np.arange(SPACING_PX // 2, SIDE, SPACING_PX, dtype=np.float64)
    places = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    return places + rng.uniform(-0.5, 0.5, places.shape)


def table(figures: dict[str, Any]) -> str:
    """Return the figures as lines for a person."""
    snrs = figures["detection"][0]["snr"]
    heads = "".join(f"  Pd at {snr:3.1f}" for snr in snrs)
    lines = [f"{'psf, px':>8}{heads}{'SNR for 0.9':>13}{'above, dB':>11}"]
    lines += [
        f"{e['psf_sigma_px']:8.1f}"
        + "".join(f"{pd:11.3f}" for pd in e["pd"])
        + f"{e['needed_snr']:13.2f}{e['loss_db']:11.2f}"
        for e in figures["detection"]
    ]
    lines += ["", f"{'psf, px':>8}{'SNR':>6}{'rms, px':>10}{'over bound':>12}{'stated, px':>12}{'error^2 / cov':>15}"]
    lines += [
        f"{e['psf_sigma_px']:8.1f}{e['snr']:6.0f}{e['rms_px']:10.4f}{e['over_bound']:12.3f}{e['stated_px']:12.4f}"
        f"{e['normalised_error']:15.2f}"
        for e in figures["places"]
    ]
    return "\n".join(lines)


def draw(figures: dict[str, Any], path: Path) -> None:
    """Draw detection probability beside its bound, and centroid error over its bound, against SNR."""
    from matplotlib.figure import Figure

    picture = Figure(figsize=(11, 4.5), layout="tight")
    left, right = picture.subplots(1, 2)
    snrs = np.linspace(4.5, 8.0, 100)
    quantile = NORMAL.inv_cdf(1.0 - PFA)
    left.plot(snrs, [NORMAL.cdf(snr - quantile) for snr in snrs], "k--", label="bound: all known but presence")
    for each in figures["detection"]:
        label = f"psf {each['psf_sigma_px']:g} px: {each['loss_db']:+.2f} dB"
        left.plot(each["snr"], each["pd"], marker="o", label=label)
    left.axhline(PD, color="grey", lw=0.8)
    left.set(xlabel="SNR", ylabel="Pd", ylim=(0, 1), title=f"detection at a stated Pfa of {PFA:g} a pixel")
    for sigma in SIGMAS_PX:
        rows = [each for each in figures["places"] if each["psf_sigma_px"] == sigma]
        right.plot([e["snr"] for e in rows], [e["over_bound"] for e in rows], marker="o", label=f"psf {sigma:g} px")
    right.axhline(1.15, color="grey", lw=0.8, label="1.15")
    right.set(xscale="log", xlabel="SNR", ylabel="rms error over the Cramer-Rao bound", title="place", ylim=(0.9, 1.4))
    for panel in (left, right):
        panel.legend(fontsize=8)
        panel.grid(alpha=0.3, which="both")
    picture.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description="Sensitivity and centroids beside their bounds.")
    parser.add_argument("--frames", type=int, default=24, help="frames of 256 points a figure is taken from")
    parser.add_argument("--picture", type=Path, help="PNG to draw")
    options = parser.parse_args()
    figures = run(options.frames)
    print(table(figures))
    if options.picture:
        draw(figures, options.picture)


if __name__ == "__main__":
    main()
