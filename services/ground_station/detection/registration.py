"""How far the scene moved between two frames of one camera."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from services.ground_station.detection.turning.kernels import motion_sums

Float32 = NDArray[np.float32]
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
# Gauss-Newton steps for a turn; each leaves a tenth.
STEPS = 4
# Share of the picture that both frames must show for a turn to be told.
LEAST_OVERLAP = 0.25
# What refines a shift by more, pixels, has gone astray.
MOST_REFINED_PX = 1.0
# Standard deviations from which a turn is believed, radians up to which; REPEATED: see `motion_between`.
LEAST_TURN_SIGMAS, LARGEST_TURN, REPEATED = 6.0, math.radians(2.0), 4.0


@dataclass(frozen=True)
class Shift:
    """A point of the scene at (row, column) of the earlier frame is at (row + rows, column + columns) of the later."""

    rows: float
    columns: float


def spectrum(counts: Counts) -> NDArray[np.complex64]:
    """Return what `shift_between` compares: the transform of the frame's middle, cut, levelled and windowed."""
    return _spectrum(_levelled(counts))


@dataclass(frozen=True)
class View:
    """What `motion_between` compares of a frame: `spectrum`, and its middle, levelled, smooth, at half resolution."""

    spectrum: NDArray[np.complex64]
    picture: Float32
    columns: int

    @classmethod
    def of(cls, counts: Counts) -> "View":
        """Return the view of a frame."""
        levelled = _levelled(counts)
        rows, columns = levelled.shape[0] // 2, levelled.shape[1] // 2
        lines = levelled[: 2 * rows : 2] + levelled[1 : 2 * rows : 2]
        picture = (lines[:, : 2 * columns : 2] + lines[:, 1 : 2 * columns : 2]) / np.float32(4)
        return cls(_spectrum(levelled), _smooth(picture), counts.shape[1])


@dataclass(frozen=True)
class Motion:
    """A point at p of the earlier frame is at p turned about the frame's middle, plus shift, of the later.

    turn: radians; the place (1, 0) from the middle turns to (cos, sin).
    """

    shift: Shift
    turn: float


def motion_between(earlier: View, later: View) -> Motion | None:
    """Return how the scene moved and turned; None where the frames have nothing in common.

    The shift of `shift_between`, which leans to whole pixels, is refined together with a turn of up to LARGEST_TURN,
    after Lucas and Kanade (1981), on half the resolution. A turn too small to be told is 0.
    """
    shift = shift_between(earlier.spectrum, later.spectrum, later.columns)
    if shift is None:
        return None
    motion = np.array([shift.rows / 2, shift.columns / 2, 0.0])
    sums = np.zeros((4, 4))
    limit = math.inf
    for _ in range(STEPS):
        motion_sums(earlier.picture, later.picture, motion, limit, sums)
        if sums[3, 1] < LEAST_OVERLAP * later.picture.size:
            return Motion(shift, 0.0)
        # The smallest of numbers keeps an empty picture from being singular.
        normal = sums[:3, :3] + 1e-9 * np.eye(3)
        motion += np.linalg.solve(normal, sums[:3, 3])
        limit = 2.0 * sums[3, 0] / sums[3, 1]
    # Residuals of neighbours repeat one another: so many count as one.
    sigma = limit / 2.0 * math.sqrt(REPEATED * float(np.linalg.inv(normal)[2, 2]))
    refined = Shift(2.0 * motion[0], 2.0 * motion[1])
    if math.hypot(refined.rows - shift.rows, refined.columns - shift.columns) > MOST_REFINED_PX:
        return Motion(shift, 0.0)
    turn = float(motion[2]) if LEAST_TURN_SIGMAS * sigma < abs(motion[2]) < LARGEST_TURN else 0.0
    return Motion(refined, turn)


def _levelled(counts: Counts) -> Float32:
    rows, columns = (min(size, LARGEST_SIDE) for size in counts.shape)
    top, left = (counts.shape[0] - rows) // 2, (counts.shape[1] - columns) // 2
    middle = counts[top : top + rows, left : left + columns].astype(np.float32)
    sample = middle[::SAMPLING, ::SAMPLING]
    centre = np.median(sample)
    limit = CLIP_DEVIATIONS * max(float(np.median(np.abs(sample - centre))), 1e-12)
    return np.asarray(np.clip(middle - centre, -limit, limit), dtype=np.float32)


def _smooth(picture: NDArray[np.floating[Any]]) -> Float32:
    """Return the picture less its noise, which would hold least squares back: a binomial of deviation 1."""
    for _ in range(2):
        padded = np.pad(picture, ((2, 2), (0, 0)), "edge")
        lines = 6 * padded[2:-2] + 4 * (padded[1:-3] + padded[3:-1]) + padded[:-4] + padded[4:]
        picture = (lines / np.float32(16)).T
    return np.ascontiguousarray(picture, dtype=np.float32)


def _spectrum(levelled: Float32) -> NDArray[np.complex64]:
    window = np.outer(np.hanning(levelled.shape[0]), np.hanning(levelled.shape[1])).astype(np.float32)
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
    rows = i + float(vertex(correlation[i - 1, j], correlation[i, j], correlation[(i + 1) % shape[0], j]))
    along = j + float(vertex(correlation[i, j - 1], correlation[i, j], correlation[i, (j + 1) % shape[1]]))
    return Shift(_signed(rows, shape[0]), _signed(along, shape[1]))


def vertex(before: ArrayLike, peak: ArrayLike, after: ArrayLike) -> NDArray[np.float64]:
    """Return where parabolas through three neighbouring values have their top, steps from the middle; 0 if none."""
    low, middle, high = (np.asarray(each, dtype=np.float64) for each in (before, peak, after))
    curvature = low - 2.0 * middle + high
    return np.divide(0.5 * (low - high), curvature, out=np.zeros_like(curvature), where=curvature < 0)


def _signed(shift: float, size: int) -> float:
    return shift - size if shift > math.floor(size / 2) else shift
