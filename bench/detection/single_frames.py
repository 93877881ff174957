"""Single pictures: targets found in recorded ones, and false objects in empty ones, over the verifier's threshold.

    python -m bench.detection.single_frames FOLDER [--folds DIR | --shipped] [--picture PNG]

FOLDER has single_frame/images and /masks (pictures with masks of their small targets) and goes_3_9um (scenes without
any). Each picture is judged by networks and weights that have not seen its fold, each recorded scene by networks that
have not seen it: those kept in bench/detection/verifier/folds, or others in DIR, of `bench.detection.verifier.train`
and `.stage`. No threshold is chosen: log odds of 0, as likely a target as not, are what the product asks for. With
--shipped the model that ships is judged on what it was trained on: a check that it works, no figure to quote.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bench.detection.scores import score_masks
from bench.detection.verifier.pictures import FOLDS
from bench.detection.verifier.samples import SCENES, dithered, fold_of, labelled, painted_over, synthetic
from sat_emulator.replay.images import list_images, read_image
from services.ground_station.detection.detect import Detector
from services.ground_station.detection.frame import Counts
from services.ground_station.detection.verify.verifier import LEAST_SCORE, Judged, Verifier, decide
from services.ground_station.detection_batch import Detections

Bool = NDArray[np.bool_]

KEPT_FOLDS = Path(__file__).parent / "verifier" / "folds"
THRESHOLDS = tuple(np.round(np.arange(-3.0, 4.01, 0.25), 2).tolist())
SYNTHETIC_FRAMES, SYNTHETIC_SIDE = 24, 1024


@dataclass(frozen=True)
class Case:
    """One picture: its kind, its fold (-1: of none), its targets' mask, what the verifier made of it, and how soon."""

    kind: str
    fold: int
    truth: Bool
    candidates: Detections
    judged: Judged
    seconds: float

    def mask(self, least_score: float) -> Bool:
        """Return the pixels of what passes."""
        return decide(self.truth.shape, self.candidates, self.judged, least_score)[1] > 0

    def objects(self, least_score: float) -> int:
        """Return how many detections pass."""
        return len(decide(self.truth.shape, self.candidates, self.judged, least_score)[0])


def run(data: Path, folds: Path | None = KEPT_FOLDS, synthetic_frames: int = SYNTHETIC_FRAMES) -> dict[str, Any]:
    """Return the figures at each of THRESHOLDS and at the product's.

    folds: has fold0.npz .. fold4.npz; None: the model that ships judges all.
    """
    verifiers = [Verifier.load(folds / f"fold{k}.npz") if folds else Verifier.load() for k in range(FOLDS)]
    cases = [*_recorded(data, verifiers), *_scenes(data, verifiers), *_noise(synthetic_frames, verifiers)]
    real = [case for case in cases if case.kind == "labelled"]
    return {
        "unseen": folds is not None,
        "recall": _recall(real),
        "candidates": float(np.mean([len(case.candidates) for case in real])),
        "ms_a_candidate": 1e3 * sum(case.seconds for case in real) / sum(len(case.candidates) for case in real),
        "curve": [_at(cases, threshold) for threshold in THRESHOLDS],
        "default": _at(cases, LEAST_SCORE),
    }


def _recorded(data: Path, verifiers: list[Verifier]) -> list[Case]:
    rng = np.random.default_rng(21)
    names = [path.name for path in list_images(data / "single_frame" / "images")]
    cases = []
    for name, fold in zip(names, fold_of(len(names)).tolist(), strict=True):
        counts, truth = labelled(data, name)
        cases.append(_case("labelled", fold, counts, truth, verifiers))
        cases.append(_case("painted over", fold, painted_over(counts, truth, rng), np.zeros_like(truth), verifiers))
    return cases


def _scenes(data: Path, verifiers: list[Verifier]) -> list[Case]:
    rng = np.random.default_rng(22)
    cases = []
    for name, unseen_by in SCENES.items():
        counts = read_image(data / "goes_3_9um" / name)
        none = np.zeros(counts.shape, dtype=bool)
        for fold in unseen_by:
            cases += [
                _case(name.split("-")[0] + " scene", fold, form, none, verifiers)
                for form in (counts, dithered(counts, rng))
            ]
    return cases


def _noise(frames: int, verifiers: list[Verifier]) -> list[Case]:
    # Another seed than the training's.
    rng = np.random.default_rng(2023)
    cases = []
    for i in range(frames):
        counts, none = synthetic(rng, SYNTHETIC_SIDE, points=0)
        cases.append(_case(f"noise {counts.dtype.name}", i % FOLDS, counts, none, verifiers))
    return cases


def _case(kind: str, fold: int, counts: Counts, truth: Bool, verifiers: list[Verifier]) -> Case:
    candidates = Detector().detect(counts)
    begun_s = time.perf_counter()
    judged = verifiers[fold].judge(counts, candidates)
    return Case(kind, fold, truth, candidates, judged, time.perf_counter() - begun_s)


def _at(cases: Sequence[Case], threshold: float) -> dict[str, Any]:
    score = score_masks((case.mask(threshold), case.truth) for case in cases if case.kind == "labelled")
    figures = {"pd": score.pd, "fa": score.fa, "iou": score.iou, "niou": score.niou}
    return {"threshold": threshold, **figures, "empty_per_megapixel": _empty(cases, threshold)}


def _empty(cases: Sequence[Case], threshold: float) -> dict[str, float]:
    """Return false objects per megapixel of each kind of empty picture."""
    figures = {}
    for kind in sorted({case.kind for case in cases} - {"labelled"}):
        own = [case for case in cases if case.kind == kind]
        megapixels = sum(case.truth.size for case in own) / 1e6
        figures[kind] = sum(case.objects(threshold) for case in own) / megapixels
    return figures


def _recall(real: Sequence[Case]) -> float:
    """Return the share of targets with a candidate on or beside their pixels."""
    found = total = 0
    for case in real:
        label, count = ndimage.label(case.truth, structure=np.ones((3, 3)))
        near = ndimage.grey_dilation(label, size=(3, 3))
        places = np.rint(np.stack([case.candidates.row, case.candidates.column])).astype(int)
        places = places.clip(0, np.array(case.truth.shape)[:, None] - 1)
        found += len(set(near[tuple(places)].tolist()) - {0})
        total += count
    return found / total


def table(figures: dict[str, Any]) -> str:
    """Return the figures as lines for a person."""
    kinds = sorted(figures["default"]["empty_per_megapixel"])
    lines = [
        "networks that had not seen the picture"
        if figures["unseen"]
        else "the shipped model, on its training pictures",
        (
            f"candidates: {figures['candidates']:.1f} a picture, of {100 * figures['recall']:.1f} % of the targets; "
            f"{figures['ms_a_candidate']:.1f} ms a candidate"
        ),
        f"{'threshold':>10}{'Pd':>8}{'Fa, 1e-6':>10}{'IoU':>8}{'nIoU':>8}   false objects per Mpx: " + ", ".join(kinds),
    ]
    for each in [*figures["curve"], figures["default"]]:
        cells = "".join(f"{each['empty_per_megapixel'][kind]:10.2f}" for kind in kinds)
        lines.append(f"{each['threshold']:10.2f}{_cells(each)}   {cells}")
    return "\n".join(lines)


def _cells(each: dict[str, Any]) -> str:
    return f"{each['pd']:8.3f}{1e6 * each['fa']:10.1f}{each['iou']:8.3f}{each['niou']:8.3f}"


def draw(figures: dict[str, Any], path: Path) -> None:
    """Write Pd and IoU over falsely covered pixels, and false objects in empty pictures, as a PNG."""
    from matplotlib.figure import Figure

    curve = figures["curve"]
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    fa = [1e6 * each["fa"] for each in curve]
    for key, name in (("pd", "Pd"), ("iou", "IoU"), ("niou", "nIoU")):
        left.plot(fa, [100 * each[key] for each in curve], ".-", label=name)
        left.plot(1e6 * figures["default"]["fa"], 100 * figures["default"][key], "ko", fillstyle="none")
    left.set(xlabel="falsely covered pixels, 1e-6 of all", ylabel="%", title="213 recorded pictures, unseen folds")
    left.legend()
    thresholds = [each["threshold"] for each in curve]
    for kind in sorted(curve[0]["empty_per_megapixel"]):
        right.plot(thresholds, [each["empty_per_megapixel"][kind] for each in curve], ".-", label=kind)
    right.axvline(LEAST_SCORE, color="k", linewidth=0.8)
    right.set(xlabel="threshold, log odds", ylabel="false objects per megapixel", title="empty pictures")
    right.legend()
    for axes in (left, right):
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=130)


def main(arguments: list[str]) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.detection.single_frames",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, help="recorded data: single_frame/ and goes_3_9um/")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--folds", type=Path, default=KEPT_FOLDS, help="networks to judge each fold by")
    which.add_argument("--shipped", action="store_true", help="judge by the model that ships, which has seen all")
    parser.add_argument("--picture", type=Path, help="PNG of the curves")
    options = parser.parse_args(arguments)
    figures = run(options.folder, None if options.shipped else options.folds)
    print(table(figures))
    if options.picture:
        draw(figures, options.picture)


if __name__ == "__main__":
    main(sys.argv[1:])
