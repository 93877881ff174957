"""Hot points of image files, a JSON line a file, and masks of what they cover."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sat_emulator.replay.images import Counts, list_images, read_image
from services.ground_station.detection.detect import DetectionConfig, Detector
from services.ground_station.detection.sequence import SequenceDetector
from services.ground_station.detection.verify.verifier import Verifier
from services.ground_station.detection_batch import Detections
from services.runtime.errors import BadInputError

REASONS = {
    "TOO_SMALL": "too small: noise cannot be told from fewer than 256 pixels around a point",
    "CONSTANT": "every pixel has the same count",
    "NOT_FINITE": "too much of it is NaN or infinity",
}


@dataclass(frozen=True)
class Options:
    """How files are searched.

    pfa: false detections per pixel of noise, and nothing else decides; None: the rules for cluttered pictures.
    """

    sequence: bool = False
    frame_rate_hz: float = 10.0
    psf_sigma_px: float | None = None
    pfa: float | None = None

    @property
    def config(self) -> DetectionConfig:
        """Return the detector's settings; ValueError where they are out of range."""
        default = DetectionConfig()
        return DetectionConfig(
            pfa=default.pfa if self.pfa is None else self.pfa,
            psf_sigma_px=default.psf_sigma_px if self.psf_sigma_px is None else self.psf_sigma_px,
        )


@dataclass(frozen=True)
class Searched:
    """One file's outcome: its line, and its mask where it was served."""

    image: Path
    line: dict[str, Any]
    mask: NDArray[np.uint8] | None


def groups(paths: Sequence[Path], sequence: bool) -> list[list[Path]]:
    """Return the files to search: as a sequence, each folder by itself and loose files together; else all as one."""
    # A path that is no folder stays: should it be missing, its line says so, and the others are served.
    if not sequence:
        return [[file for path in paths for file in (list_images(path) if path.is_dir() else [path])]]
    folders = [list_images(path) for path in paths if path.is_dir()]
    loose = [path for path in paths if not path.is_dir()]
    return [*folders, loose] if loose else folders


def search(files: Sequence[Path], options: Options) -> Iterator[Searched]:
    """Yield each file's outcome, in order; as a sequence, they are one camera's successive frames."""
    if options.sequence:
        yield from _search_sequence(files, options)
        return
    detector = Detector(options.config)
    verifier = Verifier.load() if options.pfa is None else None
    for frame, path in enumerate(files):
        counts = _read(path)
        if isinstance(counts, BadInputError):
            yield _refused(path, frame, counts.problem)
            continue
        if verifier is None:
            yield _outcome(path, frame, *detector.detect_with_extents(counts))
        else:
            yield _outcome(path, frame, *verifier.verify(counts, detector.detect(counts)))


def _search_sequence(files: Sequence[Path], options: Options) -> Iterator[Searched]:
    detector = SequenceDetector(options.config, options.frame_rate_hz, both_sides=True, cluttered=options.pfa is None)
    ahead: dict[int, Counts | BadInputError] = {}
    refused: dict[int, BadInputError] = {}
    for frame in range(len(files) + detector.frames_to_confirm):
        for later in range(frame, min(frame + detector.frames_ahead + 1, len(files))):
            if later not in ahead:
                counts = ahead[later] = _read(files[later])
                if not isinstance(counts, BadInputError):
                    detector.remember(later, counts)
        if frame < len(files):
            counts = ahead.pop(frame)
            if isinstance(counts, BadInputError):
                refused[frame] = counts
            else:
                detector.look(frame, counts)
        done = frame - detector.frames_to_confirm
        if done in refused:
            yield _refused(files[done], done, refused.pop(done).problem)
        elif done >= 0:
            yield _outcome(files[done], done, *detector.confirmed(done))


def write_mask(folder: Path, searched: Searched) -> None:
    """Write `<stem>.png`, 0 and 255, for a file that was served."""
    if searched.mask is not None:
        Image.fromarray(searched.mask).save(folder / f"{searched.image.stem}.png")


def check_mask_names(files: Sequence[Path]) -> None:
    """Raise BadInputError where two files would write the same mask."""
    first: dict[str, Path] = {}
    for path in files:
        other = first.setdefault(path.stem, path)
        if other is not path:
            raise BadInputError(str(path), f"would write the same mask as {other}; search them one after the other")


def _read(path: Path) -> Counts | BadInputError:
    try:
        return read_image(path)
    except BadInputError as error:
        return error


def _refused(path: Path, frame: int, problem: str) -> Searched:
    line = {"image": str(path), "frame": frame, "rows": 0, "columns": 0, "detections": [], "error": problem}
    return Searched(path, line, None)


def _outcome(path: Path, frame: int, found: Detections, extents: NDArray[np.int32]) -> Searched:
    line: dict[str, Any] = {
        "image": str(path),
        "frame": frame,
        "rows": extents.shape[0],
        "columns": extents.shape[1],
        "detections": [
            {
                "row": round(float(found.row[i]), 4),
                "column": round(float(found.column[i]), 4),
                "snr": round(float(found.snr[i]), 3),
                "score": round(float(found.score[i]), 3),
                "area_px": int(found.area_px[i]),
            }
            for i in range(len(found))
        ],
    }
    if found.reason:
        line["error"] = f"{found.reason}: {REASONS.get(found.reason, 'it cannot be searched')}"
        return Searched(path, line, None)
    return Searched(path, line, np.where(extents > 0, 255, 0).astype(np.uint8))
