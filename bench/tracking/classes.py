"""Classes of confirmed tracks against what truly flew: 60 s after burnout, or after 120 s of cruise.

One object a run, of each kind in turn: the generic rockets of references.toml, varied, and cruise missiles; bodies
that no longer burn are seen with 0.7 of the probability of detection. Wrong is a likeliest class that is not the
object's, `unknown` included. Calibration: over all confirmed lines at that instant, how often the stated class was
right where it was stated with such a probability.

Run alone: python -m bench.tracking.classes [--runs 90]
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.tracking.bodies import Flights
from bench.tracking.looks import looks
from bench.tracking.report import options, seeds, show
from bench.tracking.run import track
from bench.tracking.scenarios import flight_to_classify
from bench.tracking.tracks import assign, read_tracks
from services.scenario.references import rocket_names

AFTER_BURNOUT_S, AFTER_CRUISE_S = 60.0, 120.0
PERIOD_S = 1.0
# Edges of the calibration's bins of stated probability.
EDGES = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 1.0)


@dataclass(frozen=True)
class Verdict:
    """One run's: the kind that flew, its class, the class said (None: no confirmed track) and its probability."""

    kind: str
    true: str
    said: str | None
    probability: float


def verdict(seed: int, kind: str) -> Verdict:
    """Return what the tracker says of one object."""
    sky = flight_to_classify(seed, kind)
    flights = sky.bodies[0]
    assert isinstance(flights, Flights)
    truth = flights.truths[0]
    asked_s = AFTER_CRUISE_S if kind == "cruise" else min(truth.burnout_s + AFTER_BURNOUT_S, sky.duration_s)
    taken = looks(sky, np.random.default_rng(seed))
    tables = read_tracks(track(look.line for look in taken if look.true_s <= asked_s + PERIOD_S), sky.start_unix_ns)
    assigned = assign(tables, [truth], [asked_s], PERIOD_S)
    number, line = int(assigned.track[0, 0]), int(assigned.line[0, 0])
    if number < 0:
        return Verdict(kind, truth.target_class, None, math.nan)
    record: Mapping[str, Any] = tables[number].records[line]
    return Verdict(kind, truth.target_class, record["class"], float(record["class_probability"][record["class"]]))


def kind_rows(verdicts: Sequence[Verdict]) -> list[dict[str, Any]]:
    """Return a table row for each kind, and one for all."""
    rows = []
    for kind in [*dict.fromkeys(each.kind for each in verdicts), "all"]:
        own = [each for each in verdicts if kind in (each.kind, "all")]
        said = [each for each in own if each.said is not None]
        wrong = [each for each in said if each.said != each.true]
        rows.append(
            {
                "kind": kind,
                "runs": len(own),
                "confirmed": len(said) / len(own),
                "wrong": len(wrong) / len(said) if said else math.nan,
                "mean_probability": float(np.mean([each.probability for each in said])) if said else math.nan,
                "said_instead": ", ".join(sorted({str(each.said) for each in wrong})) or "-",
            }
        )
    return rows


def calibration_rows(verdicts: Sequence[Verdict]) -> list[dict[str, Any]]:
    """Return a table row for each bin of stated probability."""
    said = [each for each in verdicts if each.said is not None]
    rows = []
    for least, most in itertools.pairwise(EDGES):
        own = [each for each in said if least <= each.probability < most or (most == 1.0 == each.probability)]
        rows.append(
            {
                "stated": f"{least:g} to {most:g}",
                "runs": len(own),
                "mean_stated": float(np.mean([each.probability for each in own])) if own else math.nan,
                "right": float(np.mean([each.said == each.true for each in own])) if own else math.nan,
            }
        )
    return rows


def main() -> None:
    """Print the figures."""
    chosen = options(__doc__, runs=90).parse_args()
    kinds = [*rocket_names(), "cruise"]
    verdicts = [verdict(seed, kinds[seed % len(kinds)]) for seed in seeds(chosen, "flights")]
    show("Classes 60 s after burnout, or after 120 s of cruise", kind_rows(verdicts), chosen.json)
    show("Stated probability against the part that was right", calibration_rows(verdicts), chosen.json)


if __name__ == "__main__":
    main()
