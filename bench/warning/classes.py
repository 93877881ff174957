"""How often classes are wrong and how far their probabilities can be believed, on flights that were not learnt from.

    python -m bench.warning.classes [--flights 100] [--seed 1001]

States have a tracker's noise, from that of many satellites to that of two; the tracker itself is not run.
"""

import argparse
import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

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
        for _ in track(range(count), description=word, transient=True):
            flown = next(source)
            for phase, time_s in phases(flown).items():
                if time_s < flown.flight.end_s - 1:
                    stated = class_probability(evidence(flown, time_s, drawn_noise(rng), rng))
                    said = max(stated, key=lambda each: stated[each])
                    found.append(Judged(word, said, stated[said], phase))
    return found


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flights", type=int, default=100, help="of each class")
    parser.add_argument("--seed", type=int, default=1001)
    options = parser.parse_args()
    found = judge(dict.fromkeys(CLASSES, options.flights), options.seed)
    console = Console()
    table = Table("phase", "flights", "wrong", *(f"{word} wrong" for word in CLASSES))
    for phase in dict.fromkeys(each.phase for each in found):
        those = [each for each in found if each.phase == phase]
        shares = [_wrong([each for each in those if each.truth == word]) for word in CLASSES]
        table.add_row(phase, str(len(those)), _wrong(those), *shares)
    console.print(table)
    table = Table("stated", "judgements", "mean stated", "right")
    for low, high in itertools.pairwise(EDGES):
        those = [each for each in found if low <= each.probability < high]
        if those:
            right = sum(each.said == each.truth for each in those) / len(those)
            stated = sum(each.probability for each in those) / len(those)
            table.add_row(f"{low:.2f} to {min(high, 1):.2f}", str(len(those)), f"{stated:.3f}", f"{right:.3f}")
    console.print(table)


def _wrong(those: list[Judged]) -> str:
    return f"{sum(each.said != each.truth for each in those) / len(those):.1%}" if those else ""


if __name__ == "__main__":
    main()
