"""Points where the background is unknown: by the frame alone, in boxes around those places."""

from collections import OrderedDict
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.ground_station.detection.detect import DetectionConfig, Detector
from services.ground_station.detection.frame import Counts
from services.ground_station.detection.staring.kernels import TILE_COLUMNS, TILE_ROWS
from services.ground_station.detection_batch import Detections

Bool = NDArray[np.bool_]

# Boxes are of whole squares of this many pixels; around each the spatial detector sees so many more, its reference.
SQUARE_PX, AROUND_PX = 64, 16
# Where more of the tiles are unknown the whole frame is searched: its noise and clutter are then judged in context.
WHOLE_SHARE = 0.25
# Sizes of parts whose detectors are kept: those along two edges of a frame, and some within.
KEPT = 6


class Fallback:
    """The spatial detector for parts of frames. A detector keeps its work space, so each size of a part has its own."""

    def __init__(self, config: DetectionConfig, alone: Detector) -> None:
        """alone: what whole frames are searched with; it may have another width of the point-spread function."""
        self._config, self._alone = config, alone
        self._detectors: OrderedDict[tuple[int, int], Detector] = OrderedDict()

    def search(self, counts: Counts, unknown_tiles: Bool, z: NDArray[np.float32]) -> Detections:
        """Return what the spatial detector finds on pixels of which `z` is 0: unknown. Strongest first.

        z: (rows, columns), as `counts`. unknown_tiles: (tile rows, tile columns) tiles with such pixels.
        """
        rows, columns = counts.shape
        found: list[Detections] = []
        whole = [(0, rows, 0, columns)]
        for top, bottom, left, right in _boxes(unknown_tiles) if unknown_tiles.mean() < WHOLE_SHARE else whole:
            first, begin = max(top - AROUND_PX, 0), max(left - AROUND_PX, 0)
            last, end = min(bottom + AROUND_PX, rows), min(right + AROUND_PX, columns)
            part = counts[first:last, begin:end]
            if part.shape == counts.shape:
                each = self._alone.detect(counts, self._config.psf_sigma_px)
            else:
                each = self._detect(part.copy())
            row, column = each.row + first, each.column + begin
            here = (row > top - 0.5) & (row <= bottom - 0.5) & (column > left - 0.5) & (column <= right - 0.5)
            near_row = np.clip(np.rint(row).astype(np.int64), 0, rows - 1)
            near_column = np.clip(np.rint(column).astype(np.int64), 0, columns - 1)
            here &= z[near_row, near_column] == 0.0
            found.append(replace(each, row=row, column=column).only(here))
        return joined(found)

    def _detect(self, part: Counts) -> Detections:
        size = (part.shape[0], part.shape[1])
        detector = self._detectors.pop(size, None) or Detector(self._config)
        self._detectors[size] = detector
        if len(self._detectors) > KEPT:
            self._detectors.popitem(last=False)
        return detector.detect(part)


def joined(parts: list[Detections]) -> Detections:
    """Return all points of several lists, strongest first; the threshold of the first."""
    if not parts:
        return Detections.none()
    order = np.argsort(-np.concatenate([each.snr for each in parts]), kind="stable")
    arrays: dict[str, Any] = {
        name: np.concatenate([getattr(each, name) for each in parts])[order] for name in Detections.point_arrays()
    }
    left_out = sum(each.left_out for each in parts)
    return Detections(**arrays, left_out=left_out, threshold_snr=parts[0].threshold_snr)


def _boxes(unknown_tiles: Bool) -> list[tuple[int, int, int, int]]:
    """Return rows and columns (from, to) of boxes that cover the tiles and do not overlap."""
    down, across = SQUARE_PX // TILE_ROWS, SQUARE_PX // TILE_COLUMNS
    rows, columns = -(-unknown_tiles.shape[0] // down), -(-unknown_tiles.shape[1] // across)
    tiles = np.zeros((rows * down, columns * across), dtype=np.bool_)
    tiles[: unknown_tiles.shape[0], : unknown_tiles.shape[1]] = unknown_tiles
    squares: Bool = np.any(tiles.reshape(rows, down, columns, across), axis=(1, 3))
    return _boxes_of(rows, columns, squares.tobytes())


# From frame to frame the same squares are unknown, most of the time.
@lru_cache(maxsize=16)
def _boxes_of(rows: int, columns: int, flags: bytes) -> list[tuple[int, int, int, int]]:
    squares = np.frombuffer(flags, dtype=np.bool_).reshape(rows, columns)
    open_boxes: dict[tuple[int, int], int] = {}
    boxes = []
    for i in range(rows + 1):
        runs = set(_runs(squares[i])) if i < rows else set()
        ended = [each for each in open_boxes if each not in runs]
        boxes += [
            (open_boxes.pop(run) * SQUARE_PX, i * SQUARE_PX, run[0] * SQUARE_PX, run[1] * SQUARE_PX) for run in ended
        ]
        for run in runs:
            open_boxes.setdefault(run, i)
    return sorted(boxes)


def _runs(line: Bool) -> list[tuple[int, int]]:
    """Return (from, to) of the stretches of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], line, [False]]).astype(np.int8)))
    return [(int(begin), int(end)) for begin, end in edges.reshape(-1, 2)]
