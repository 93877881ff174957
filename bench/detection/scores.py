"""How found points and masks compare with labelled ones; the field's usual definitions."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.optimize import linear_sum_assignment

Bool = NDArray[np.bool_]
Float64 = NDArray[np.float64]

# A target is found by a point or component whose centre lies within this distance of its own.
MATCH_PX = 3.0
EIGHT = np.ones((3, 3), dtype=bool)


@dataclass(frozen=True)
class MaskScore:
    """pd: share of targets found; fa: pixels of unmatched components over all; iou: pooled; niou: mean an image."""

    pd: float
    fa: float
    iou: float
    niou: float


def components(mask: Bool) -> tuple[Float64, NDArray[np.int64]]:
    """Return centres (n, 2), row and column, and pixel counts (n,) of a mask's 8-connected components."""
    label, count = ndimage.label(mask, structure=EIGHT)
    index = np.arange(1, count + 1)
    centres = np.array(ndimage.center_of_mass(mask, label, index), dtype=np.float64).reshape(count, 2)
    return centres, np.asarray(ndimage.sum_labels(mask, label, index), dtype=np.int64)


def match(found: Float64, targets: Float64) -> list[tuple[int, int]]:
    """Return pairs (found, target) within MATCH_PX, one to one: most pairs first, then least distance."""
    if len(found) == 0 or len(targets) == 0:
        return []
    distance = np.linalg.norm(found[:, None, :] - targets[None, :, :], axis=2)
    cost = np.where(distance <= MATCH_PX, distance, 1e6)
    return [(int(i), int(j)) for i, j in zip(*linear_sum_assignment(cost), strict=True) if cost[i, j] < 1e6]


def score_masks(pairs: Iterable[tuple[Bool, Bool]]) -> MaskScore:
    """Return the score over pairs of (predicted, true) masks."""
    targets = hits = pixels = false_pixels = common = union = 0
    each = []
    for predicted, true in pairs:
        found, sizes = components(predicted)
        wanted, _ = components(true)
        matched = match(found, wanted)
        targets += len(wanted)
        hits += len(matched)
        pixels += predicted.size
        false_pixels += int(sizes.sum() - sum(sizes[i] for i, _ in matched))
        both, either = int(np.sum(predicted & true)), int(np.sum(predicted | true))
        common += both
        union += either
        each.append(both / either if either else 1.0)
    return MaskScore(hits / targets, false_pixels / pixels, common / union, float(np.mean(each)))
