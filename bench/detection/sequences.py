"""Recorded sequences, leave one out: rules fixed on all but one, detections and false ones of that one.

    python -m bench.detection.sequences FOLDER [PICTURE.png]

FOLDER has sequences/sequence1.. (frames of a dim aircraft, targets_xy.txt: column and row a frame). Rules are chosen on
file, where they cost the fewest misses and false detections, each weighed by what is asked for: 5 % misses and one
false detection a megapixel; of equals, the middle one. The same rules are then used on file and as frames come. A hit
lies within 3 px of the target, one to one.
"""

import itertools
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.detection.scores import match
from sat_emulator.replay.images import Counts, list_images, read_image
from services.ground_station.detection.consistency import Looked, PathSearch, Rule
from services.ground_station.detection.sequence import BELIEVED_SNR, SequenceDetector, SequenceRules, half_window

Float64 = NDArray[np.float64]

FRAME_RATE_HZ = 10.0
# What the rules are chosen from.
CANDIDATE_SNRS = (3.0, 3.5, 4.0, 4.5, 5.0)
PATH_SNRS = (8.0, 12.0, 16.0, 20.0, 24.0)
TRAVELS_PX = (1.5, 2.0, 2.5, 3.0, 3.5)
# What is asked for.
MISSED, FALSE_PER_MPX = 0.05, 1.0


@dataclass(frozen=True)
class Recording:
    """A sequence: its frames and target places (frames, 2), row and column; NaN: no target."""

    name: str
    frames: list[Counts]
    targets: Float64

    @property
    def megapixels(self) -> float:
        """Of all frames together."""
        return sum(each.size for each in self.frames) / 1e6


@dataclass(frozen=True)
class Candidates:
    """A sequence's candidates at the lowest of CANDIDATE_SNRS."""

    looks: list[Looked]
    ms_per_frame: float


def run(data: Path) -> dict[str, Any]:
    """Return figures of each sequence under rules chosen on the others; and the curve over candidate_snr."""
    recordings = [read_recording(each) for each in sorted((data / "sequences").iterdir()) if each.is_dir()]
    filed = [candidates(each, both_sides=True) for each in recordings]
    live = [candidates(each, both_sides=False) for each in recordings]
    costs = [_costs(*each) for each in zip(recordings, filed, strict=True)]
    figures = {}
    for i, recording in enumerate(recordings):
        rules = choose(costs[:i] + costs[i + 1 :])
        figures[recording.name] = {
            "rules": rules,
            "file": score(recording, filed[i], rules, both_sides=True),
            "live": score(recording, live[i], rules, both_sides=False),
            "chosen": score(recording, filed[i], SequenceRules(), both_sides=True),
            "file_ms": filed[i].ms_per_frame,
            "live_ms": live[i].ms_per_frame,
        }
    return {"sequences": figures, "curves": {"file": _curve(recordings, filed), "paths off": _off(recordings, filed)}}


def read_recording(folder: Path) -> Recording:
    """Return a sequence from its folder."""
    targets = np.loadtxt(folder / "targets_xy.txt", ndmin=2)[:, ::-1]
    return Recording(folder.name, [read_image(path) for path in list_images(folder)], targets)


def candidates(recording: Recording, *, both_sides: bool) -> Candidates:
    """Return what the detector takes for candidates at the lowest signal-to-noise ratio of the choice."""
    rules = replace(SequenceRules(), candidate_snr=min(CANDIDATE_SNRS))
    detector = SequenceDetector(frame_rate_hz=FRAME_RATE_HZ, both_sides=both_sides, rules=rules)
    frames, looks = recording.frames, []
    begun = time.thread_time()
    for i, frame in enumerate(frames):
        for later in range(i, min(i + detector.frames_ahead + 1, len(frames))):
            detector.remember(later, frames[later])
        looks.append(detector.look(i, frame))
    return Candidates(looks, 1e3 * (time.thread_time() - begun) / len(frames))


def choose(costs: list[dict[SequenceRules, float]]) -> SequenceRules:
    """Return the rules of least cost over the sequences, of equals the middle one."""
    total = {rules: sum(each[rules] for each in costs) for rules in costs[0]}
    least = min(total.values())
    best = [rules for rules, cost in total.items() if cost <= least + 1e-9]
    places = np.array([[rules.candidate_snr, rules.path_snr, rules.travel_px] for rules in best])
    widths = np.array([np.ptp(each) for each in (CANDIDATE_SNRS, PATH_SNRS, TRAVELS_PX)])
    return best[int(np.argmin((np.abs(places - places.mean(axis=0)) / widths).sum(axis=1)))]


def _costs(recording: Recording, found: Candidates) -> dict[SequenceRules, float]:
    """Return misses and false detections on file, weighed, by rules."""
    costs = {}
    for choice in itertools.product(CANDIDATE_SNRS, PATH_SNRS, TRAVELS_PX):
        rules = SequenceRules(*choice)
        scored = score(recording, found, rules, both_sides=True)
        costs[rules] = (1 - scored["pd"]) / MISSED + scored["false_per_mpx"] / FALSE_PER_MPX
    return costs


def score(recording: Recording, found: Candidates, rules: SequenceRules, *, both_sides: bool) -> dict[str, float]:
    """Return the share of targets found, and false detections a megapixel."""
    looks = [look.only(look.snr >= rules.candidate_snr) for look in found.looks]
    rule = Rule(half_window(FRAME_RATE_HZ), rules.path_snr, rules.travel_px)
    search = PathSearch(rule, both_sides=both_sides)
    kept: list[Float64] = []
    for i in range(len(looks) + search.frames_ahead):
        if i < len(looks):
            search.add(i, looks[i])
        done = i - search.frames_ahead
        if done >= 0:
            look, on_path = looks[done], search.on_path(done)
            believed = look.snr >= BELIEVED_SNR if on_path is None else np.flatnonzero(on_path)
            kept.append(look.places[believed])
    return _count(recording, kept)


def table(figures: dict[str, Any]) -> str:
    """Return the figures as lines for a person."""
    lines = [
        f"{'':12}{'rules of the others':>30}{'on file':>18}{'as they come':>18}{'default rules':>18}{'ms/frame':>14}",
        f"{'':12}{'SNR':>10}{'path SNR':>10}{'travel':>10}"
        + f"{'Pd':>8}{'false/Mpx':>10}" * 3
        + f"{'file':>7}{'live':>7}",
    ]
    for name, each in figures["sequences"].items():
        rules = each["rules"]
        cells = "".join(
            f"{each[way]['pd']:8.3f}{each[way]['false_per_mpx']:10.2f}" for way in ("file", "live", "chosen")
        )
        chosen = f"{rules.candidate_snr:10.1f}{rules.path_snr:10.0f}{rules.travel_px:10.1f}"
        lines.append(f"{name:12}{chosen}{cells}{each['file_ms']:7.1f}{each['live_ms']:7.1f}")
    for name, curve in figures["curves"].items():
        lines += ["", f"{name}: candidate SNR, Pd, false a Mpx, all sequences"]
        lines += [f"{e['snr']:10.1f}{e['pd']:8.3f}{e['false_per_mpx']:10.2f}" for e in curve]
    return "\n".join(lines)


def draw(figures: dict[str, Any], path: Path) -> None:
    """Draw detection over false detections a megapixel, with paths and without."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 3.6), layout="tight")
    axis = figure.subplots()
    for name, curve in figures["curves"].items():
        axis.plot([e["false_per_mpx"] + 0.01 for e in curve], [e["pd"] for e in curve], "o-", label=name)
    axis.axvline(FALSE_PER_MPX, color="grey", linewidth=0.5)
    axis.axhline(1 - MISSED, color="grey", linewidth=0.5)
    axis.set(xscale="log", xlabel="false detections a megapixel (+ 0.01)", ylabel="probability of detection")
    axis.legend()
    figure.savefig(path, dpi=120)


def _count(recording: Recording, kept: list[Float64]) -> dict[str, float]:
    hits = false = wanted = 0
    for places, target in zip(kept, recording.targets, strict=True):
        targets = target[None, :][~np.isnan(target[:1])]
        pairs = match(places, targets)
        hits, false, wanted = hits + len(pairs), false + len(places) - len(pairs), wanted + len(targets)
    return {"pd": hits / wanted, "false_per_mpx": false / recording.megapixels}


def _curve(recordings: list[Recording], found: list[Candidates]) -> list[dict[str, float]]:
    """Return figures over candidate_snr with the default paths, all sequences together."""
    points = []
    for snr in (3.0, 3.5, 4.0, 5.0, 6.0, 8.0, 10.0):
        rules = replace(SequenceRules(), candidate_snr=snr)
        points.append(
            {"snr": snr, **_mean([score(*e, rules, both_sides=True) for e in zip(recordings, found, strict=True)])}
        )
    return points


def _off(recordings: list[Recording], found: list[Candidates]) -> list[dict[str, float]]:
    """Return the same without paths: every candidate of so high a signal-to-noise ratio."""
    points = []
    for snr in (3.0, 3.5, 4.0, 5.0, 6.0, 8.0, 10.0):
        scores = [
            _count(recording, [look.places[look.snr >= snr] for look in each.looks])
            for recording, each in zip(recordings, found, strict=True)
        ]
        points.append({"snr": snr, **_mean(scores)})
    return points


def _mean(scores: list[dict[str, float]]) -> dict[str, float]:
    return {key: float(np.mean([each[key] for each in scores])) for key in scores[0]}


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python -m bench.detection.sequences FOLDER [PICTURE.png]")
    measured = run(Path(sys.argv[1]))
    print(table(measured))
    if len(sys.argv) == 3:
        draw(measured, Path(sys.argv[2]))
