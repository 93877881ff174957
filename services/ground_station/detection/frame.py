"""A frame made ready for the filter: pixels corrected, those that tell nothing found and replaced."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.ground_station.detection.correction import MOST_BAD, PixelCorrection
from services.ground_station.detection.pixels.kernels import correct_frame, find_bad_lines, replace_pixels
from services.ground_station.detection.workspace import Workspace

Counts = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]

# Largest count of each type a frame may have.
FULL_SCALE = {"uint8": 255.0, "uint16": 65535.0, "float32": math.inf}
# Rounding to whole counts spreads evenly over one count.
ROUNDING_SIGMA = 1.0 / math.sqrt(12.0)
# Where more than this part of the lines stands off, that is the picture and no fault of its.
MOST_LINES = 0.1


@dataclass(frozen=True)
class Frame:
    """Counts as the kernels take them: in rows, aligned, in this machine's byte order.

    bias: a typical count. rounding: noise that rounding leaves a pixel, counts. saturation: counts from which a pixel
    says no more than that. bad: how many pixels were replaced.
    """

    counts: Counts
    bias: np.float32
    rounding: float
    saturation: float
    bad: int = 0


def prepare(counts: Counts, correction: PixelCorrection | None, saturation: float, work: Workspace) -> Frame | None:
    """Return the frame, corrected and without its bad pixels and lines; None where hardly any pixel is finite.

    saturation: raw counts. Pixels that were replaced are marked in the work space, until the next frame.
    """
    _forget(work)
    counts = _native(counts)
    bias, rounding = _rounding(counts)
    frame = Frame(counts, np.float32(bias), rounding, saturation)
    if correction is not None:
        correct_frame(counts, correction.gain, correction.offset, work.clean)
        frame = Frame(work.clean, np.float32(_rounding(work.clean)[0]), rounding, correction.saturation(saturation))
        frame = replace_bad(frame, correction.cells, work)
    if counts.dtype == np.float32:
        endless = np.flatnonzero(~np.isfinite(frame.counts))
        if len(endless) > MOST_BAD * counts.size:
            return None
        frame = replace_bad(frame, endless, work)
    return replace_bad(frame, _bad_lines(frame, work), work)


def unfit(counts: object, smallest_side: int) -> str:
    """Return why these are no counts to be searched: WRONG_SHAPE, WRONG_TYPE or TOO_SMALL; empty where they are."""
    if not isinstance(counts, np.ndarray) or counts.ndim != 2:
        return "WRONG_SHAPE"
    if counts.dtype.name not in FULL_SCALE:
        return "WRONG_TYPE"
    return "TOO_SMALL" if min(counts.shape) < smallest_side else ""


def replace_bad(frame: Frame, cells: NDArray[np.integer[Any]], work: Workspace) -> Frame:
    """Return the frame with these pixels, flat indices, replaced from their good neighbours, in `work.clean`."""
    if len(cells) == 0:
        return frame
    if frame.counts is not work.clean:
        np.copyto(work.clean, frame.counts)
    work.bad_cells = np.concatenate([work.bad_cells, cells]).astype(np.int32)
    work.bad.ravel()[work.bad_cells] = 1
    replace_pixels(work.clean, work.bad, work.bad_cells, frame.bias)
    bad = int(np.count_nonzero(work.bad))
    return Frame(work.clean, frame.bias, frame.rounding, frame.saturation, bad)


def _forget(work: Workspace) -> None:
    work.bad.ravel()[work.bad_cells] = 0
    work.bad_cells = work.bad_cells[:0]


def _bad_lines(frame: Frame, work: Workspace) -> NDArray[np.integer[Any]]:
    """Return flat indices of the pixels of lines that are bad as a whole."""
    find_bad_lines(frame.counts, *work.profiles, *work.odd_lines)
    rows, columns = (odd.view(np.bool_) for odd in work.odd_lines)
    lines = np.zeros(frame.counts.shape if rows.any() or columns.any() else (0, 0), dtype=bool)
    if lines.size:
        lines[rows] = rows.mean() <= MOST_LINES
        lines[:, columns] |= columns.mean() <= MOST_LINES
    return np.flatnonzero(lines)


def _native(counts: Counts) -> Counts:
    """Return the same counts as the kernels take them."""
    if counts.flags.c_contiguous and counts.flags.aligned and counts.dtype.isnative:
        return counts
    return counts.astype(counts.dtype.newbyteorder("="), order="C")  # type: ignore[return-value]


def _rounding(counts: Counts) -> tuple[float, float]:
    """Return a typical count, to take out before single precision rounds, and the noise that rounding leaves."""
    sample = counts[:: max(1, counts.shape[0] // 16), :: max(1, counts.shape[1] // 16)]
    if counts.dtype != np.float32:
        return float(np.median(sample)), ROUNDING_SIGMA
    sample = sample[np.isfinite(sample)]
    if len(sample) == 0:
        return 0.0, 0.0
    return float(np.median(sample)), float(np.finfo(np.float32).eps) * float(np.max(np.abs(sample)))
