"""Four groups of five rockets each, pads within +-500 m and launches within two seconds of one another.

Over 40 frames (look times) from 20 s after the start: identity switches by place (each frame, tracks and truths are
assigned one to one by least squared distance up to 5 km; a switch is a truth whose track is another than the one
before) and by detections (purity: the part of a track's detections that are of the truth most of them are of), the
root of the mean squared error, GOSPA and SIAP. Every truth counts; where less than 99 % are tracked the error is void.
Extra tracks: confirmed ones a frame that no truth is left for. Stone Soup tracks the same looks.

Run alone: python -m bench.tracking.salvo [--runs 10]
"""

import math
from typing import Any

import numpy as np

from bench.tracking.accuracy import LEAST_SHARE
from bench.tracking.bodies import Flights
from bench.tracking.looks import looks
from bench.tracking.report import options, seeds, show
from bench.tracking.run import track
from bench.tracking.scenarios import Quality, salvo
from bench.tracking.soup_metrics import metrics
from bench.tracking.stone_soup import run as stone_soup
from bench.tracking.tracks import Sources, assign, purity, read_tracks

FIRST_FRAME, FRAMES = 20, 40


def measured(seed: int) -> dict[str, dict[str, Any]]:
    """Return what each tracker made of one salvo."""
    sky = salvo(seed, quality=Quality(rolling=False))
    flights = sky.bodies[0]
    assert isinstance(flights, Flights)
    taken = list(looks(sky, np.random.default_rng(seed)))
    lines, sources = [look.line for look in taken], Sources(taken)
    times = [FIRST_FRAME + frame + 0.001 for frame in range(FRAMES)]
    result = {}
    for name, records in (("ours", track(lines)), ("Stone Soup", list(stone_soup(lines)))):
        tables = read_tracks(records, sky.start_unix_ns)
        assigned = assign(tables, flights.truths, times, 1.0)
        result[name] = {
            "switches": assigned.switches(),
            "tracked": assigned.share_tracked,
            "extra": float((assigned.shown - (assigned.track >= 0).sum(axis=1)).mean()),
            "squares_m2": np.square(assigned.error_m[np.isfinite(assigned.error_m)]),
            "purity": purity(tables, sources),
            **metrics(tables, flights.truths, times, 1.0),
        }
    return result


def main() -> None:
    """Print the figures."""
    parser = options(__doc__, runs=10)
    chosen = parser.parse_args()
    found = [measured(seed) for seed in seeds(chosen, "salvo")]
    rows = []
    for name in ("ours", "Stone Soup"):
        own = [each[name] for each in found]
        share = float(np.mean([each["tracked"] for each in own]))
        squares = np.concatenate([each["squares_m2"] for each in own])
        row: dict[str, Any] = {
            "tracker": name,
            "switches_a_run": float(np.mean([each["switches"] for each in own])),
            "runs_without": sum(each["switches"] == 0 for each in own),
            "tracked": share,
            "extra_tracks": float(np.mean([each["extra"] for each in own])),
            "rmse_m": math.nan if share < LEAST_SHARE else math.sqrt(float(squares.mean())),
        }
        for key in ("purity", "gospa_m", "completeness", "ambiguity", "spuriousness", "longest_segment"):
            row[key] = float(np.nanmean([each[key] for each in own]))
        rows.append(row)
    show(f"Salvo of 4 x 5 within +-500 m, {FRAMES} frames, {chosen.runs} runs", rows, chosen.json)


if __name__ == "__main__":
    main()
