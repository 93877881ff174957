"""The training pictures as one file, so that a machine without the detector can train."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

# Parts of the labelled pictures; each is judged by networks that were trained on the others.
FOLDS = 5


@dataclass(frozen=True)
class Picture:
    """One training picture: counts, mask of its targets, kind, and the folds whose networks must not see it.

    candidates: (n, 3) int32 row, column, and 1 for a target's, 0 for none's, -1 for undecided.
    """

    counts: NDArray[np.generic]
    mask: NDArray[np.bool_]
    kind: str
    held_out_of: tuple[int, ...]
    candidates: NDArray[np.int32]


def save(path: Path, pictures: list[Picture]) -> None:
    """Write the pictures to one file, so that another machine can train without the detector."""
    arrays: dict[str, NDArray[np.generic]] = {}
    for i, each in enumerate(pictures):
        arrays[f"{i}/counts"], arrays[f"{i}/mask"] = each.counts, np.packbits(each.mask)
        arrays[f"{i}/candidates"] = each.candidates
        arrays[f"{i}/held_out_of"] = np.array(each.held_out_of, dtype=np.int64)
        arrays[f"{i}/kind"] = np.array(each.kind)
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]


def load(path: Path) -> list[Picture]:
    """Return the pictures of a file that `save` wrote."""
    with np.load(path, allow_pickle=False) as arrays:
        pictures = []
        for i in range(len(arrays.files) // 5):
            counts = arrays[f"{i}/counts"]
            mask = np.unpackbits(arrays[f"{i}/mask"], count=counts.size).reshape(counts.shape).astype(bool)
            held = tuple(int(fold) for fold in arrays[f"{i}/held_out_of"])
            pictures.append(Picture(counts, mask, str(arrays[f"{i}/kind"]), held, arrays[f"{i}/candidates"]))
        return pictures
