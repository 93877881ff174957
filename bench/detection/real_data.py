"""Recorded infrared sequences: what `plumewatch detect --sequence` finds with its default options.

    python -m bench.detection.real_data FOLDER

FOLDER has sequences/sequence1..6 (100 frames of a dim aircraft each, targets_xy.txt: column and row a frame). The
default options were chosen on these very data: figures here are no exam. Single pictures are in single_frames.py.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from bench.detection.scores import MATCH_PX
from sat_emulator.replay.images import list_images, read_image
from services.ground_station.detection.detect import Detector
from services.ground_station.detection.sequence import SequenceDetector
from services.stack.detect_files import Options, search

FRAME_RATE_HZ = 10.0


def run(data: Path) -> dict[str, Any]:
    """Return the figures of each sequence in three ways."""
    folders = sorted((data / "sequences").iterdir())
    return {
        "sequences": {folder.name: _sequence(folder) for folder in folders if folder.is_dir()},
    }


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
    ways = ("alone", "on file", "as they come")
    lines = [f"{'':12}" + "".join(f"{way:>26}" for way in ways)]
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
