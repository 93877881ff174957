"""Which candidates of a single picture are targets, and which pixels each covers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from services.ground_station.detection.verify.network import Network
from services.ground_station.detection.verify.outline import EIGHT, Pixels, isolation, joined, target_pixels
from services.ground_station.detection.verify.windows import WINDOW_PX, cut
from services.ground_station.detection_batch import Detections

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int32 = NDArray[np.int32]

MODEL = Path(__file__).with_name("model.npz")
# Log odds asked for: as likely a target as not.
LEAST_SCORE = 0.0
# Strongest candidates looked at; each costs some 2 ms. Recorded pictures of 0.1 megapixel have 11, at most 74.
MOST_CANDIDATES = 200
# A first look's log odds from which all networks look again, from several sides.
WORTH_MORE = -1.5
# How a window is turned for further looks: so many right angles, and mirrored or not.
TURNS = ((0, False), (1, True), (2, False), (3, True))
# What covers more pixels, with its middle further from the candidate, is looked at again from that middle.
LARGE_PX, ASIDE_PX = 20, 2.0
# Names in the model file of what is no network: log odds = bias + weights . features.
STAGE = "stage"
# Features: the networks' log odds; contrast on the least clear side; log of the signal-to-noise ratio; log odds of the
# picture's surest other candidate, at least OTHER_PX away.
FEATURES = 4
OTHER_PX = 8.0
LOWEST = np.array([-6.0, 0.0, 1.5, -4.0])
HIGHEST = np.array([6.0, 0.5, 5.0, 4.0])


@dataclass(frozen=True)
class Judged:
    """Candidates as judged.

    score: (n,) log odds of being a target. features: (n, FEATURES) what the score is made of. pixels: rows and columns
    that each candidate covers which was worth more than a first look; may be empty.
    """

    score: Float64
    features: Float64
    pixels: dict[int, Pixels]


class Verifier:
    """Judges candidates with trained networks; holds no state, so threads may share one."""

    def __init__(self, networks: Sequence[Network], stage: Float64 | None = None) -> None:
        """stage: (1 + FEATURES,) bias and weights; None: the networks' log odds alone."""
        self._networks = list(networks)
        self._stage = np.array([0.0, 1.0, 0.0, 0.0, 0.0]) if stage is None else stage

    @classmethod
    def load(cls, path: Path = MODEL) -> "Verifier":
        """Return the verifier of a model file, by default the one that ships; OSError where it cannot be read."""
        with np.load(path, allow_pickle=False) as arrays:
            parts: dict[str, dict[str, NDArray[np.generic]]] = {}
            for key in arrays.files:
                network, _, name = key.partition(".")
                parts.setdefault(network, {})[name] = arrays[key]
        stage = parts.pop(STAGE, {}).get("weights")
        return cls(
            [Network(parts[network]) for network in sorted(parts)], None if stage is None else stage.astype(np.float64)
        )

    def verify(
        self, counts: NDArray[np.generic], candidates: Detections, least_score: float = LEAST_SCORE
    ) -> tuple[Detections, Int32]:
        """Return the targets among candidates, strongest first, and extents, (rows, columns): 1 + index, 0 elsewhere.

        counts: (rows, columns), what the candidates were found in. Score becomes the log odds of being a target, area
        the extent's; places and signal-to-noise ratios stay. Of candidates in one extent the surest stands for all.
        Candidates beyond MOST_CANDIDATES are not looked at but counted as left out.
        """
        if len(candidates) == 0:
            return candidates, np.zeros(counts.shape, dtype=np.int32)
        return decide(counts.shape, candidates, self.judge(counts, candidates), least_score)

    def judge(self, counts: NDArray[np.generic], candidates: Detections) -> Judged:
        """Return what the strongest candidates are."""
        rows, columns = _whole_places(candidates, counts.shape)
        odds = np.empty(len(rows))
        clear = np.zeros(len(rows))
        pixels: dict[int, Pixels] = {}
        windows = cut(counts, rows, columns)
        for i, (fine, coarse) in enumerate(zip(windows.fine, windows.coarse, strict=True)):
            odds[i] = self._networks[0].look(fine, coarse).odds
            if odds[i] >= WORTH_MORE:
                odds[i], pixels[i] = self._covered(counts, int(rows[i]), int(columns[i]))
                clear[i] = isolation(counts, pixels[i]) if len(pixels[i][0]) else 0.0
        away = np.hypot(rows[:, None] - rows, columns[:, None] - columns) > OTHER_PX
        other = np.where(away, odds, LOWEST[3]).max(axis=1, initial=LOWEST[3])
        strength = np.log(np.maximum(candidates.snr[: len(rows)], 1.0))
        features = np.stack([odds, clear, strength, other], axis=1).clip(LOWEST, HIGHEST)
        return Judged(self._stage[0] + features @ self._stage[1:], features, pixels)

    def _covered(self, counts: NDArray[np.generic], row: int, column: int) -> tuple[float, Pixels]:
        """Return log odds and pixels of a candidate, from all sides and, where it is large, from its own middle."""
        odds, mask = self._from_all_sides(counts, row, column)
        pixels = target_pixels(mask, row, column, counts.shape)
        if len(pixels[0]) <= LARGE_PX:
            return odds, pixels
        middle = round(float(pixels[0].mean())), round(float(pixels[1].mean()))
        if np.hypot(middle[0] - row, middle[1] - column) <= ASIDE_PX:
            return odds, pixels
        odds, mask = self._from_all_sides(counts, *middle)
        return odds, joined(pixels, target_pixels(mask, *middle, counts.shape), counts.shape)

    def _from_all_sides(self, counts: NDArray[np.generic], row: int, column: int) -> tuple[float, Float32]:
        """Return means over networks and turns of a place's log odds and of its window's pixels', (48, 48)."""
        windows = cut(counts, np.array([row]), np.array([column]))
        odds = 0.0
        mask = np.zeros((WINDOW_PX, WINDOW_PX), dtype=np.float32)
        for quarter, mirror in TURNS:
            turned = [_turned(each[0], quarter, mirror) for each in (windows.fine, windows.coarse)]
            for network in self._networks:
                seen = network.look(*turned)
                odds += seen.odds
                mask += _turned_back(network.mask(seen), quarter, mirror)
        looks = len(TURNS) * len(self._networks)
        return odds / looks, mask / np.float32(looks)


def decide(
    shape: tuple[int, ...], candidates: Detections, judged: Judged, least_score: float
) -> tuple[Detections, Int32]:
    """Return the targets and their extents, as `Verifier.verify` does, of candidates that were judged before."""
    covered = {i: each for i, each in judged.pixels.items() if judged.score[i] >= least_score and len(each[0])}
    extents = np.zeros(shape, dtype=np.int32)
    for pixels in covered.values():
        extents[pixels] = 1
    label, parts = ndimage.label(extents, structure=EIGHT)
    surest: dict[int, int] = {}
    for i in sorted(covered, key=lambda each: -judged.score[each]):
        surest.setdefault(int(label[covered[i][0][0], covered[i][1][0]]), i)
    kept = np.array(sorted(surest.values()), dtype=np.int64)
    number = np.zeros(parts + 1, dtype=np.int32)
    for part, i in surest.items():
        number[part] = 1 + int(np.searchsorted(kept, i))
    extents = number[label]
    found = replace(
        candidates.only(kept),
        score=judged.score[kept],
        area_px=np.bincount(extents.ravel(), minlength=len(kept) + 1)[1:].astype(np.int64),
        left_out=candidates.left_out + len(candidates) - len(judged.score),
    )
    return found, extents


def _whole_places(candidates: Detections, shape: tuple[int, ...]) -> Pixels:
    """Return the strongest candidates' rows and columns, rounded, within the picture."""
    rows, columns = (np.rint(each[:MOST_CANDIDATES]).astype(np.int64) for each in (candidates.row, candidates.column))
    return rows.clip(0, shape[0] - 1), columns.clip(0, shape[1] - 1)


def _turned(x: Float32, quarter: int, mirror: bool) -> Float32:
    turned = np.rot90(x, quarter)
    return np.ascontiguousarray(turned[:, ::-1] if mirror else turned)


def _turned_back(x: Float32, quarter: int, mirror: bool) -> Float32:
    return np.rot90(x[:, ::-1] if mirror else x, -quarter)
