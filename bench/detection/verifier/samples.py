"""What the verifier is trained on: pictures with masks, the same without their targets, scenes without any, noise.

Five folds of the labelled pictures; a picture without its targets stays in its fold. Recorded empty scenes are shared
out too, so that each fold's empty figures come from scenes its networks have not seen.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bench.detection.scenes import cloud_field, spots
from bench.detection.scores import EIGHT
from bench.detection.verifier.pictures import FOLDS, Picture
from sat_emulator.replay.images import list_images, read_image
from services.ground_station.detection.detect import DetectionConfig, Detector
from services.ground_station.detection.frame import Counts
from services.ground_station.detection_batch import Detections

# More candidates than the product looks at: what lies just below its threshold teaches too.
TRAINING_PFA = 1e-5
MOST_CANDIDATES = {"labelled": 60, "painted": 40, "scene": 600, "noise": 60, "points": 40}
# A candidate belongs to a target on or beside its mask's pixels; from FAR_PX on it certainly does not.
NEAR_PX, FAR_PX = 1.5, 6.0
# Recorded scenes and the folds that must not train on them.
SCENES = {
    "HI-REGIONAL_4km_3.9_20160616_1715.npy": (1, 3),
    "AK-REGIONAL_8km_3.9_20160408_1445.npy": (0, 2, 4),
    "NHEM-MULTICOMP_1km_IR_20151208_2100.npy": (0, 2, 4),
}
PAINT_PX = 3
SYNTHETIC_SIDE = 384
SYNTHETIC_FRAMES = 40


def gather(data: Path, seed: int) -> list[Picture]:
    """Return all training pictures of a folder with single_frame/ and goes_3_9um/; the seed makes noise and folds."""
    rng = np.random.default_rng(seed)
    pictures = []
    names = [path.name for path in list_images(data / "single_frame" / "images")]
    for name, fold in zip(names, fold_of(len(names)), strict=True):
        counts, mask = labelled(data, name)
        pictures.append(_picture(counts, mask, "labelled", (int(fold),)))
        pictures.append(_picture(painted_over(counts, mask, rng), np.zeros_like(mask), "painted", (int(fold),)))
    for name, folds in SCENES.items():
        counts = read_image(data / "goes_3_9um" / name)
        pictures += [
            _picture(form, np.zeros(counts.shape, dtype=bool), "scene", folds)
            for form in (counts, dithered(counts, rng))
        ]
    for _ in range(SYNTHETIC_FRAMES):
        frame, mask = synthetic(rng, SYNTHETIC_SIDE, points=0)
        pictures.append(_picture(frame, mask, "noise", ()))
        frame, mask = synthetic(rng, SYNTHETIC_SIDE, points=9)
        pictures.append(_picture(frame, mask, "points", ()))
    return pictures


def fold_of(count: int) -> NDArray[np.int64]:
    """Return each labelled picture's fold, in the order of their names."""
    return np.random.default_rng(0).permutation(count) % FOLDS


def labelled(data: Path, name: str) -> tuple[Counts, NDArray[np.bool_]]:
    """Return a labelled picture and its targets' mask."""
    folder = data / "single_frame"
    return read_image(folder / "images" / name), read_image(folder / "masks" / name) > 127


def painted_over(counts: Counts, mask: NDArray[np.bool_], rng: np.random.Generator) -> Counts:
    """Return the picture with its targets replaced by what surrounds them, smoothly, with the noise found there."""
    hole = ndimage.binary_dilation(mask, EIGHT, iterations=PAINT_PX)
    ring = ndimage.binary_dilation(hole, EIGHT, iterations=PAINT_PX) & ~hole
    filled = np.where(hole, np.median(counts[ring]) if ring.any() else 0.0, counts).astype(np.float64)
    # Laplace's equation over the hole, its edge held, by relaxation.
    for _ in range(300):
        filled[hole] = ndimage.uniform_filter(filled, 3, mode="nearest")[hole]
    bend = counts - ndimage.uniform_filter(counts.astype(np.float64), 3, mode="nearest")
    noise = np.median(np.abs(bend[ring])) / 0.6745 if ring.any() else 0.0
    filled[hole] += noise * rng.standard_normal(int(hole.sum()))
    return _rounded(filled, counts.dtype.name)


def dithered(counts: Counts, rng: np.random.Generator) -> Counts:
    """Return 8-bit counts as 16-bit ones of 64 times the strength, with the rounding taken back by even noise."""
    return ((counts + rng.random(counts.shape)) * 64.0).astype(np.uint16)


def synthetic(rng: np.random.Generator, side: int, points: int) -> tuple[Counts, NDArray[np.bool_]]:
    """Return a cloud-like or plain noisy frame of 8 or 16 bits, and the mask of so many point targets in it."""
    noise = float(rng.uniform(1.0, 30.0))
    strength = float(rng.choice([0.0, 1.0, 3.0, 10.0, 30.0]) * rng.uniform(0.7, 1.4))
    frame = strength * cloud_field(rng, side, -float(rng.uniform(2.2, 3.8))) + rng.standard_normal((side, side))
    sigma_px = float(rng.uniform(0.45, 1.3))
    places = rng.uniform(8, side - 8, (points, 2))
    light = np.zeros((side, side))
    mask = np.zeros((side, side), dtype=bool)
    share = spots((25, 25), np.array([[12.0, 12.0]]), sigma_px, np.ones(1))
    for place in places:
        strength_snr = float(np.exp(rng.uniform(np.log(8.0), np.log(80.0))))
        each = spots(light.shape, place[None], sigma_px, np.array([strength_snr / np.sqrt(np.sum(share**2))]))
        light += each
        mask |= each > 0.4 * each.max()
    eight = bool(rng.random() < 0.5)
    counts = (frame + light) * (noise if not eight else 40.0 / (4.0 + strength))
    return _rounded(counts + (60.0 if eight else 4000.0), "uint8" if eight else "uint16"), mask


def _rounded(counts: NDArray[np.float64], kind: str) -> Counts:
    if kind == "uint8":
        return np.clip(np.rint(counts), 0, 255).astype(np.uint8)
    return np.clip(np.rint(counts), 0, 65535).astype(np.uint16)


def _picture(counts: Counts, mask: NDArray[np.bool_], kind: str, held_out_of: tuple[int, ...]) -> Picture:
    found = Detector(DetectionConfig(pfa=TRAINING_PFA, max_detections=MOST_CANDIDATES[kind])).detect(counts)
    return Picture(counts, mask, kind, held_out_of, _judged(found, mask))


def _judged(found: Detections, mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    rows, columns = np.rint(found.row).astype(np.int32), np.rint(found.column).astype(np.int32)
    rows, columns = rows.clip(0, mask.shape[0] - 1), columns.clip(0, mask.shape[1] - 1)
    distance = ndimage.distance_transform_edt(~mask) if mask.any() else np.full(mask.shape, np.inf)
    away = distance[rows, columns]
    label = np.where(away <= NEAR_PX, 1, np.where(away < FAR_PX, -1, 0)).astype(np.int32)
    return np.stack([rows, columns, label], axis=1)
