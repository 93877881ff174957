"""Which pixels a candidate covers, and whether it stands out on every side."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from services.ground_station.detection.verify.windows import WINDOW_PX

Pixels = tuple[NDArray[np.int64], NDArray[np.int64]]

# A target's pixels begin within this distance of its candidate.
NEAR_PX = 4.0
EIGHT = np.ones((3, 3), dtype=bool)
FROM_MIDDLE_PX = np.hypot(*(np.indices((WINDOW_PX, WINDOW_PX)) - WINDOW_PX // 2))
# Surroundings are compared from GAP_PX outside a target on, over RING_PX, in so many directions.
GAP_PX, RING_PX, SIDES = 1, 3, 8


def target_pixels(mask: NDArray[np.float32], row: int, column: int, shape: tuple[int, ...]) -> Pixels:
    """Return rows and columns of the connected part of a window's mask that its candidate belongs to.

    mask: log odds, (48, 48). Empty where no such part comes within NEAR_PX of the candidate.
    """
    rows = np.arange(WINDOW_PX) + (row - WINDOW_PX // 2)
    columns = np.arange(WINDOW_PX) + (column - WINDOW_PX // 2)
    inside = ((rows >= 0) & (rows < shape[0]))[:, None] & (columns >= 0) & (columns < shape[1])
    label, _ = ndimage.label((mask > 0) & inside, structure=EIGHT)
    away = np.where(label > 0, FROM_MIDDLE_PX, np.inf)
    nearest = int(np.argmin(away))
    if away.flat[nearest] > NEAR_PX:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    high, wide = np.nonzero(label == label.flat[nearest])
    return rows[high], columns[wide]


def joined(one: Pixels, other: Pixels, shape: tuple[int, ...]) -> Pixels:
    """Return the pixels of either."""
    flat = np.union1d(np.ravel_multi_index(one, shape), np.ravel_multi_index(other, shape))
    rows, columns = np.unravel_index(flat, shape)
    return rows, columns


def isolation(counts: NDArray[np.generic], pixels: Pixels) -> float:
    """Return a target's contrast on its least clear side over that against its surroundings' median.

    1: the same on all sides; 0 or less: as bright beyond it on one side, as the end of something larger is. 0 also
    where it is no brighter than its surroundings. The least directional contrast of Chen et al., "A local contrast
    method for small infrared target detection", IEEE TGRS 52(1), 2014, over an outline of any shape.
    """
    rows, columns = pixels
    margin = GAP_PX + RING_PX + 1
    top, left = rows.min() - margin, columns.min() - margin
    high = np.arange(top, rows.max() + margin + 1).clip(0, counts.shape[0] - 1)
    wide = np.arange(left, columns.max() + margin + 1).clip(0, counts.shape[1] - 1)
    patch = counts[high[:, None], wide].astype(np.float64)
    own = np.zeros(patch.shape, dtype=bool)
    own[rows - top, columns - left] = True
    near = ndimage.binary_dilation(own, EIGHT, iterations=GAP_PX)
    ring = ndimage.binary_dilation(near, EIGHT, iterations=RING_PX) & ~near & np.isfinite(patch)
    own &= np.isfinite(patch)
    if not ring.any() or not own.any():
        return 0.0
    down, right = np.nonzero(ring)
    angle = np.arctan2(down + top - rows.mean(), right + left - columns.mean())
    side = np.floor((angle + np.pi) / (2 * np.pi) * SIDES).astype(np.int64) % SIDES
    around = patch[ring]
    count = np.bincount(side, minlength=SIDES)
    brightest = float(np.max(np.bincount(side, around, SIDES)[count > 0] / count[count > 0]))
    inside, typical = float(patch[own].mean()), float(np.median(around))
    return (inside - brightest) / (inside - typical) if inside > typical else 0.0
