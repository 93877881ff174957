"""Fit how the networks' odds, contrast, strength and the rest of the picture make a candidate's score.

    python -m bench.detection.verifier.stage FOLDER OUT

OUT is what `bench.detection.verifier.train` wrote. Every labelled picture is judged by networks that have not seen
it; a logistic regression on the other four folds goes into each fold's file, and one on all five into model.npz.
"""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bench.detection.verifier.pictures import FOLDS
from bench.detection.verifier.samples import FAR_PX, NEAR_PX, fold_of, labelled, painted_over
from sat_emulator.replay.images import list_images
from services.ground_station.detection.detect import Detector
from services.ground_station.detection.frame import Counts
from services.ground_station.detection.verify.verifier import STAGE, Verifier

Float64 = NDArray[np.float64]
Bool = NDArray[np.bool_]

# Candidates that the networks give less are out of the question, and would only bend the fit.
LEAST_ODDS = 0.5
# Weight of the squared weights against the log likelihood.
RIDGE = 0.05


def fit(features: Float64, label: Float64) -> Float64:
    """Return bias and weights of the logistic regression of label (n,) on features (n, k), by Newton's method."""
    design = np.column_stack([np.ones(len(features)), features])
    ridge = np.full(design.shape[1], RIDGE)
    ridge[0] = 0.0
    weights = np.zeros(design.shape[1])
    for _ in range(100):
        chance = 1.0 / (1.0 + np.exp(-design @ weights))
        slope = design.T @ (chance - label) + ridge * weights
        curvature = (design * (chance * (1.0 - chance))[:, None]).T @ design + np.diag(ridge + 1e-9)
        step = np.linalg.solve(curvature, slope)
        weights -= step
        if float(np.abs(step).max()) < 1e-9:
            break
    return weights


def gathered(data: Path, out: Path) -> tuple[Float64, Float64, NDArray[np.int64]]:
    """Return features, labels and folds of all decided candidates worth more than a first look."""
    rng = np.random.default_rng(31)
    verifiers = [Verifier.load(out / f"fold{fold}.npz") for fold in range(FOLDS)]
    names = [path.name for path in list_images(data / "single_frame" / "images")]
    parts = []
    for name, fold in zip(names, fold_of(len(names)).tolist(), strict=True):
        counts, mask = labelled(data, name)
        parts.append(_decided(counts, mask, verifiers[fold], fold))
        parts.append(_decided(painted_over(counts, mask, rng), np.zeros_like(mask), verifiers[fold], fold))
    features, label, folds = (np.concatenate(each) for each in zip(*parts, strict=True))
    return features, label, folds.astype(np.int64)


def _decided(counts: Counts, mask: Bool, verifier: Verifier, fold: int) -> tuple[Float64, Float64, Float64]:
    candidates = Detector().detect(counts)
    judged = verifier.judge(counts, candidates)
    some = np.array([i for i in sorted(judged.pixels) if judged.features[i, 0] > LEAST_ODDS], dtype=np.int64)
    rows = np.rint(candidates.row[some]).astype(np.int64).clip(0, mask.shape[0] - 1)
    columns = np.rint(candidates.column[some]).astype(np.int64).clip(0, mask.shape[1] - 1)
    away = ndimage.distance_transform_edt(~mask)[rows, columns] if mask.any() else np.full(len(some), np.inf)
    sure = (away <= NEAR_PX) | (away >= FAR_PX)
    return (
        judged.features[some][sure],
        (away[sure] <= NEAR_PX).astype(np.float64),
        np.full(int(sure.sum()), float(fold)),
    )


def main(data: Path, out: Path) -> None:
    """Write the weights into the files of the folds and of the model."""
    features, label, folds = gathered(data, out)
    for name, own in [*((f"fold{k}.npz", folds != k) for k in range(FOLDS)), ("model.npz", folds >= 0)]:
        weights = fit(features[own], label[own])
        print(f"{name}: {int(own.sum())} candidates, {int(label[own].sum())} of targets: {np.round(weights, 3)}")
        with np.load(out / name, allow_pickle=False) as arrays:
            kept = {key: arrays[key] for key in arrays.files}
        np.savez(out / name, **{**kept, f"{STAGE}.weights": weights})


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python -m bench.detection.verifier.stage FOLDER OUT")
    main(Path(sys.argv[1]), Path(sys.argv[2]))
