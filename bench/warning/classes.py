"""How often classes are wrong and how far their probabilities can be believed, on flights that were not learnt from.

    python -m bench.warning.classes [--flights 100] [--seed 1001]

States have a tracker's noise, from that of many satellites to that of two; the tracker itself is not run.
"""

import argparse
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from bench.warning.flights import Flown, drawn_noise, evidence, flights
from services.ground_station.tracking.classify import class_probability
from services.ground_station.tracking.snapshot import TargetClass

Float64 = NDArray[np.float64]

CLASSES: tuple[TargetClass, ...] = ("ballistic", "glide", "cruise", "space_launch")
# After burnout; of cruise, after it was first seen.
DECIDED_S = 60.0
CRUISE_DECIDED_S = 120.0
# No flight is judged later than this after launch.
JUDGED_S = 900.0
FLIGHTS, SEED = 100, 1001
EDGES = (0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.97, 1.001)


@dataclass(frozen=True)
class Judged:
    """One judgement: what it truly was, what was said and how sure, and the phase in which."""

    truth: TargetClass
    said: TargetClass
    probability: float
    phase: str


def phases(flown: Flown) -> dict[str, float]:
    """Return the times after launch at which a flight is judged, by what they are called; None: it has no such."""
    if flown.burnout_s is None:
        return {"30 s of cruise": 30.0, "120 s of cruise": CRUISE_DECIDED_S, "600 s of cruise": 600.0}
    return {
        "20 s after launch": 20.0,
        "40 s after launch": 40.0,
        "half of the boost": flown.burnout_s / 2,
        "before burnout": flown.burnout_s - 5.0,
        "10 s after burnout": flown.burnout_s + 10.0,
        "60 s after burnout": flown.burnout_s + DECIDED_S,
        "120 s after burnout": flown.burnout_s + 2 * DECIDED_S,
    }


def judge(counts: Mapping[TargetClass, int], seed: int) -> list[Judged]:
    """Return judgements of so many flights of each class."""
    rng = np.random.default_rng(seed)
    found = []
    for word, count in counts.items():
        source = flights(word, rng, until_s=JUDGED_S)
        for _ in track(range(count), description=word, console=Console(stderr=True), transient=True):
            flown = next(source)
            for phase, time_s in phases(flown).items():
                if time_s < flown.flight.end_s - 1:
                    stated = class_probability(evidence(flown, time_s, drawn_noise(rng), rng))
                    said = max(stated, key=lambda each: stated[each])
                    found.append(Judged(word, said, stated[said], phase))
    return found


def run(flights: int = FLIGHTS, seed: int = SEED) -> dict[str, Any]:
    """Return shares of wrong judgements by phase, of all and of each class, and what stated probabilities are worth.

    A class that has no such phase is left out there.
    """
    found = judge(dict.fromkeys(CLASSES, flights), seed)
    phased = {}
    for phase in dict.fromkeys(each.phase for each in found):
        those = [each for each in found if each.phase == phase]
        true = {word: [each for each in those if each.truth == word] for word in CLASSES}
        classes = {word: _wrong(own) for word, own in true.items() if own}
        phased[phase] = {"judgements": len(those), "wrong": _wrong(those), "of_class": classes}
    stated = []
    for low, high in itertools.pairwise(EDGES):
        those = [each for each in found if low <= each.probability < high]
        if those:
            mean = sum(each.probability for each in those) / len(those)
            stated.append(
                {"from": low, "to": min(high, 1), "judgements": len(those), "mean": mean, "right": 1 - _wrong(those)}
            )
    return {"phases": phased, "stated": stated}


def table(figures: dict[str, Any]) -> str:
    """Return the figures as lines for a person."""
    lines = [f"{'wrong':20}{'of':>8}{'all':>8}" + "".join(f"{word:>14}" for word in CLASSES)]
    for phase, each in figures["phases"].items():
        shares = "".join(
            f"{each['of_class'][word]:14.1%}" if word in each["of_class"] else " " * 14 for word in CLASSES
        )
        lines.append(f"{phase:20}{each['judgements']:8}{each['wrong']:8.1%}{shares}")
    lines.append(f"{'stated':20}{'of':>8}{'mean':>8}{'right':>14}")
    for each in figures["stated"]:
        span = f"{each['from']:.2f} to {each['to']:.2f}"
        lines.append(f"{span:20}{each['judgements']:8}{each['mean']:8.3f}{each['right']:14.3f}")
    return "\n".join(lines)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flights", type=int, default=FLIGHTS, help="of each class")
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    print(table(run(options.flights, options.seed)))


def _wrong(those: list[Judged]) -> float:
    return sum(each.said != each.truth for each in those) / len(those)


if __name__ == "__main__":
    main()
