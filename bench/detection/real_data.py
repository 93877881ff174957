"""Recorded infrared imagery: what `plumewatch detect` finds with its default options.

    python -m bench.detection.real_data FOLDER

FOLDER has single_frame/images and /masks (213 pictures with masks of their small targets) and sequences/sequence1..6
(100 frames of a dim aircraft each, targets_xy.txt: column and row a frame). The default options were chosen on these
very data: figures here are no exam.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from bench.detection.scores import MATCH_PX, score_masks
from sat_emulator.replay.images import list_images, read_image
from services.ground_station.detection.clutter import LEAST_SCORE, keep_prominent
from services.ground_station.detection.detect import Detector
from services.ground_station.detection.sequence import SequenceDetector
from services.stack.detect_files import Options, search

SCORES = (2.0, 2.5, LEAST_SCORE, 3.5, 4.0, 5.0)
FRAME_RATE_HZ = 10.0


def run(data: Path) -> dict[str, Any]:
    """Return scores of the single pictures over LEAST_SCORE, and of each sequence in three ways."""
    folders = sorted((data / "sequences").iterdir())
    return {
        "single": [{"least_score": score, **_single(data / "single_frame", score)} for score in SCORES],
        "sequences": {folder.name: _sequence(folder) for folder in folders if folder.is_dir()},
    }


def _single(folder: Path, least_score: float) -> dict[str, float]:
    detector = Detector()
    pairs = []
    for path in list_images(folder / "images"):
        _, extents = keep_prominent(*detector.detect_with_extents(read_image(path)), least_score)
        pairs.append((extents > 0, read_image(folder / "masks" / path.name) > 127))
    score = score_masks(pairs)
    return {"pd": score.pd, "fa": score.fa, "iou": score.iou, "niou": score.niou}


def _sequence(folder: Path) -> dict[str, Any]:
    """Return Pd and false detections a frame: frames alone, as the verb does, and as they come (past only)."""
    targets = np.loadtxt(folder / "targets_xy.txt")[:, ::-1]
    files = list_images(folder)
    frames = [read_image(path) for path in files]
    alone = Detector()
    stream = SequenceDetector(frame_rate_hz=FRAME_RATE_HZ)
    found = {
        "alone": [_places(alone.detect(frame)) for frame in frames],
        "on file": [
            np.array([[each["row"], each["column"]] for each in searched.line["detections"]]).reshape(-1, 2)
            for searched in search(files, Options(sequence=True, frame_rate_hz=FRAME_RATE_HZ))
        ],
        "as they come": [_places(stream.detect(i, frame)[0]) for i, frame in enumerate(frames)],
    }
    return {way: _score(places, targets) for way, places in found.items()}


def _places(detections: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.stack([detections.row, detections.column], axis=1)


def _score(places: list[Any], targets: Any) -> dict[str, float]:
    hits = false = 0
    squares: list[float] = []
    for found, target in zip(places, targets, strict=True):
        distance = np.hypot(*(found - target).T)
        near = distance[distance <= MATCH_PX]
        hits += len(near) > 0
        false += int(np.sum(distance > MATCH_PX))
        squares += [float(near.min()) ** 2] if len(near) else []
    rms = float(np.sqrt(np.mean(squares))) if squares else float("nan")
    return {"pd": hits / len(targets), "false_per_frame": false / len(targets), "rms_px": rms}


def table(figures: dict[str, Any]) -> str:
    """Return the figures as lines for a person."""
    lines = [f"{'least score':>12}{'Pd':>8}{'Fa, 1e-6':>10}{'IoU':>8}{'nIoU':>8}"]
    lines += [
        f"{e['least_score']:12.1f}{e['pd']:8.3f}{1e6 * e['fa']:10.1f}{e['iou']:8.3f}{e['niou']:8.3f}"
        for e in figures["single"]
    ]
    ways = ("alone", "on file", "as they come")
    lines += ["", f"{'':12}" + "".join(f"{way:>26}" for way in ways)]
    lines += [f"{'':12}" + f"{'Pd':>8}{'false':>8}{'rms px':>10}" * len(ways)]
    for name, each in figures["sequences"].items():
        cells = "".join(
            f"{each[way]['pd']:8.2f}{each[way]['false_per_frame']:8.2f}{each[way]['rms_px']:10.2f}" for way in ways
        )
        lines.append(f"{name:12}{cells}")
    return "\n".join(lines)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m bench.detection.real_data FOLDER")
    print(table(run(Path(sys.argv[1]))))
