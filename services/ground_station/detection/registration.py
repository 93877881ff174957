"""How far the scene moved between two frames of one camera."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]

# A larger frame is registered by its middle: enough to see a shift, and the transforms stay cheap (of 1024 x 1024
# frames, forty a second must pass beside the rest of the chain).
LARGEST_SIDE = 256
# Median and deviation are taken of every so many rows and columns; they only say where to cut.
SAMPLING = 2
# Counts further from the median than so many median deviations are cut: one bright target in a dull scene must not
# register the frames on itself.
CLIP_DEVIATIONS = 4.0
# Height of the correlation's peak over its standard deviation below which the frames are said to have nothing in
# common. Unrelated noise of 256 x 256 reaches 4.5 by chance.
LEAST_PEAK = 8.0


@dataclass(frozen=True)
class Shift:
    """A point of the scene at (row, column) of the earlier frame is at (row + rows, column + columns) of the later."""

    rows: float
    columns: float


def spectrum(counts: Counts) -> NDArray[np.complex64]:
    """Return what `shift_between` compares: the transform of the frame's middle, cut, levelled and windowed."""
    rows, columns = (min(size, LARGEST_SIDE) for size in counts.shape)
    top, left = (counts.shape[0] - rows) // 2, (counts.shape[1] - columns) // 2
    middle = counts[top : top + rows, left : left + columns].astype(np.float32)
    sample = middle[::SAMPLING, ::SAMPLING]
    centre = np.median(sample)
    limit = CLIP_DEVIATIONS * max(float(np.median(np.abs(sample - centre))), 1e-12)
    levelled = np.clip(middle - centre, -limit, limit)
    window = np.outer(np.hanning(rows), np.hanning(columns)).astype(np.float32)
    return np.asarray(np.fft.rfft2((levelled - levelled.mean()) * window), dtype=np.complex64)


def shift_between(earlier: NDArray[np.complex64], later: NDArray[np.complex64], columns: int) -> Shift | None:
    """Return the scene's shift, sub-pixel; None where the frames have nothing in common.

    earlier, later: of `spectrum`. columns: of the frames. Phase correlation, after Kuglin and Hines (1975), with a
    parabola through the peak. A turning or zooming camera is beyond it.
    """
    cross = later * np.conj(earlier)
    magnitude = np.abs(cross)
    shape = (cross.shape[0], min(columns, LARGEST_SIDE))
    # A thousandth of the mean keeps frequencies without signal from being taken for full evidence.
    correlation = np.fft.irfft2(cross / (magnitude + 1e-3 * magnitude.mean() + 1e-30), s=shape)
    i, j = (int(place) for place in np.unravel_index(np.argmax(correlation), shape))
    if not correlation[i, j] > LEAST_PEAK * float(correlation.std()):
        return None
    rows = i + _vertex(correlation[i - 1, j], correlation[i, j], correlation[(i + 1) % shape[0], j])
    along = j + _vertex(correlation[i, j - 1], correlation[i, j], correlation[i, (j + 1) % shape[1]])
    return Shift(_signed(rows, shape[0]), _signed(along, shape[1]))


def _vertex(before: float, peak: float, after: float) -> float:
    """Return where the parabola through three neighbouring values has its top, from the middle one."""
    curvature = float(before - 2.0 * peak + after)
    return 0.5 * float(before - after) / curvature if curvature < 0 else 0.0


def _signed(shift: float, size: int) -> float:
    return shift - size if shift > math.floor(size / 2) else shift
