"""Four groups of like rockets, pads within +-spread of the group's centre and launches within a few seconds.

Over 40 frames (look times) from 20 s after the start: identity switches by place (each frame, tracks and truths are
assigned one to one by least squared distance up to 5 km; a switch is a truth whose track is another than the one
before) and by detections (purity: the part of a track's detections that are of the truth most of them are of), the
root of the mean squared error, GOSPA and SIAP. Every truth counts; where less than 99 % are tracked the error is void.
Extra tracks: confirmed ones a frame that no truth is left for. Stone Soup tracks the same looks.

With --oracle, what nobody can do without being told: "true places" gives each look's detections to the rockets by
where these truly are, one to one by likelihood (purity: the part that it gives to the right one); "true names" gives
each to whom it is of. Our tracker then follows every rocket's detections alone. Nearest: distances across the line of
sight from each rocket to the nearest one of its group, over all frames and satellites, their tenth part, half and nine
tenths.

Run alone: python -m bench.tracking.salvo [--runs 10] [--oracle] [--spread-m 500 1000] [--within-s 2 5 10] [--each 5]
[--picture salvo.png]
"""

import argparse
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from bench.tracking.accuracy import LEAST_SHARE
from bench.tracking.bodies import Flights
from bench.tracking.curves import draw_salvo
from bench.tracking.looks import LIGHT_ROUNDS, SimulatedLook, Sky, looks, turned_east
from bench.tracking.report import add_picture, options, seeds, show
from bench.tracking.run import track
from bench.tracking.scenarios import Quality, salvo
from bench.tracking.sight import LIGHT_M_PER_S
from bench.tracking.soup_metrics import metrics
from bench.tracking.stone_soup import run as stone_soup
from bench.tracking.tracks import Sources, TrackTable, assign, purity, read_tracks
from services.geometry.frames import EARTH_RATE_RAD_PER_S

Float64 = NDArray[np.float64]

FIRST_FRAME, FRAMES = 20, 40
GROUPS = 4
# A detection farther from where a rocket is seen is not of it, standard deviations.
GATE_SIGMA = 5.0
NEAREST_PERCENT = (10, 50, 90)


@dataclass(frozen=True)
class Salvo:
    """One salvo's looks and flights."""

    sky: Sky
    flights: Flights
    taken: Sequence[SimulatedLook]
    each: int


def drawn(seed: int, each: int, spread_m: float, within_s: float) -> Salvo:
    """Return the salvo of a seed."""
    quality = Quality(rolling=False, clutter_per_look=5.0)
    sky = salvo(seed, groups=GROUPS, each=each, spread_m=spread_m, quality=quality, within_s=within_s)
    flights = sky.bodies[0]
    assert isinstance(flights, Flights)
    return Salvo(sky, flights, list(looks(sky, np.random.default_rng(seed))), each)


def measured(one: Salvo, oracle: bool) -> dict[str, dict[str, Any]]:
    """Return what each tracker, or oracle, made of one salvo."""
    if oracle:
        placed, named = by_place(one), [look.truth_ids for look in one.taken]
        rows = {
            "true places": _figures(one, followed_alone(one, placed)) | {"purity": part_right(one, placed)},
            "true names": _figures(one, followed_alone(one, named)) | {"purity": 1.0},
        }
        nearest = np.percentile(np.concatenate([nearest_m(one, look) for look in _in_frames(one)]), NEAREST_PERCENT)
        for row in rows.values():
            row |= {f"nearest_{p}_m": float(m) for p, m in zip(NEAREST_PERCENT, nearest, strict=True)}
        return rows
    lines, sources = [look.line for look in one.taken], Sources(one.taken)
    result = {}
    for name, records in (("ours", track(lines)), ("Stone Soup", list(stone_soup(lines)))):
        tables = read_tracks(records, one.sky.start_unix_ns)
        result[name] = _figures(one, tables) | {"purity": purity(tables, sources)}
    return result


def _figures(one: Salvo, tables: Sequence[TrackTable]) -> dict[str, Any]:
    times = [FIRST_FRAME + frame + 0.001 for frame in range(FRAMES)]
    assigned = assign(tables, one.flights.truths, times, 1.0)
    return {
        "switches": assigned.switches(),
        "tracked": assigned.share_tracked,
        "extra": float((assigned.shown - (assigned.track >= 0).sum(axis=1)).mean()),
        "squares_m2": np.square(assigned.error_m[np.isfinite(assigned.error_m)]),
        **metrics(tables, one.flights.truths, times, 1.0),
    }


def seen(one: Salvo, look: SimulatedLook) -> tuple[Float64, Float64]:
    """Return (n, 3) unit vectors to where each rocket's light comes from, and (n,) how far it came, m."""
    which = np.arange(len(one.flights.object_ids))
    position = np.array(look.line["position_itrs_m"])
    age = np.zeros(len(which))
    for _ in range(LIGHT_ROUNDS):
        place = one.flights.states(which, look.true_s - age)[0]
        ray = turned_east(place, -EARTH_RATE_RAD_PER_S * age) - position
        distance = np.linalg.norm(ray, axis=1)
        age = distance / LIGHT_M_PER_S
    return ray / distance[:, None], distance


def by_place(one: Salvo) -> list[list[str | None]]:
    """Return for each look and detection the rocket that it most likely is of, known where all are; None: of none."""
    found = []
    for look in one.taken:
        towards, _ = seen(one, look)
        los = np.array([each["los_itrs"] for each in look.line["detections"]]).reshape(-1, 3)
        apart = np.linalg.norm(towards[:, None] - los[None], axis=2) / look.line["sigma_rad"]
        lit = one.flights.seen_share(np.arange(len(towards)), look.true_s) > 0
        gain = np.where((apart < GATE_SIGMA) & lit[:, None], GATE_SIGMA**2 - apart**2, 0.0)
        names: list[str | None] = [None] * len(los)
        for row, column in zip(*linear_sum_assignment(-gain), strict=True):
            if gain[row, column] > 0:
                names[column] = one.flights.object_ids[row]
        found.append(names)
    return found


def part_right(one: Salvo, names: Sequence[Sequence[str | None]]) -> float:
    """Return the part of the detections that were given to any rocket which are of that rocket."""
    given = [
        (name, true)
        for look, own in zip(one.taken, names, strict=True)
        for name, true in zip(own, look.truth_ids, strict=True)
        if name is not None
    ]
    return sum(name == true for name, true in given) / len(given)


def followed_alone(one: Salvo, names: Sequence[Sequence[str | None]]) -> list[TrackTable]:
    """Return our tracker's tracks of each rocket's detections, as `names` have them, and nothing else."""
    tables = []
    for object_id in one.flights.object_ids:
        lines = [_only(look.line, own, object_id) for look, own in zip(one.taken, names, strict=True)]
        own_tables = read_tracks(track(lines), one.sky.start_unix_ns)
        tables += [replace(table, track_id=f"{object_id}/{table.track_id}") for table in own_tables]
    return tables


def _only(line: Mapping[str, Any], names: Sequence[str | None], object_id: str) -> dict[str, Any]:
    kept = [each for each, name in zip(line["detections"], names, strict=True) if name == object_id]
    return {**line, "detections": kept}


def nearest_m(one: Salvo, look: SimulatedLook) -> Float64:
    """Return (n,) how far from each rocket, across the line of sight, the nearest one of its group is."""
    towards, distance = seen(one, look)
    apart = np.linalg.norm(towards[:, None] - towards[None], axis=2) * distance[:, None]
    group = np.arange(len(towards)) // one.each
    apart[(group[:, None] != group[None]) | np.eye(len(towards), dtype=bool)] = np.inf
    nearest: Float64 = apart.min(axis=1)
    return nearest


def _in_frames(one: Salvo) -> list[SimulatedLook]:
    return [look for look in one.taken if FIRST_FRAME <= look.true_s < FIRST_FRAME + FRAMES]


def rows_of(found: Sequence[Mapping[str, Mapping[str, Any]]], spread_m: float, within_s: float) -> list[dict[str, Any]]:
    """Return a row a tracker over all runs."""
    rows = []
    for name in found[0]:
        own = [each[name] for each in found]
        share = float(np.mean([each["tracked"] for each in own]))
        squares = np.concatenate([each["squares_m2"] for each in own])
        row: dict[str, Any] = {
            "tracker": name,
            "spread_m": spread_m,
            "within_s": within_s,
            "switches_a_run": float(np.mean([each["switches"] for each in own])),
            "runs_without": sum(each["switches"] == 0 for each in own),
            "tracked": share,
            "extra_tracks": float(np.mean([each["extra"] for each in own])),
            "rmse_m": math.nan if share < LEAST_SHARE else math.sqrt(float(squares.mean())),
        }
        for key in ("purity", "gospa_m", "completeness", "ambiguity", "spuriousness", "longest_segment"):
            row[key] = float(np.nanmean([each[key] for each in own]))
        row |= {key: float(np.mean([each[key] for each in own])) for key in own[0] if key.startswith("nearest_")}
        rows.append(row)
    return rows


def _parser() -> argparse.ArgumentParser:
    parser = options(__doc__, runs=10)
    parser.add_argument("--oracle", action="store_true", help="what could be had if places or identities were known")
    parser.add_argument("--spread-m", type=float, nargs="+", default=[500.0], help="pads lie within +- so many metres")
    parser.add_argument(
        "--within-s", type=float, nargs="+", default=[2.0], help="launches of a group lie within so many seconds"
    )
    parser.add_argument("--each", type=int, default=5, help="rockets a group")
    add_picture(parser, "identities and errors over --spread-m")
    return parser


def main() -> None:
    """Print the figures."""
    chosen = _parser().parse_args()
    rows = []
    for spread_m, within_s in itertools.product(chosen.spread_m, chosen.within_s):
        runs = seeds(chosen, f"salvo within +-{spread_m:g} m and {within_s:g} s")
        found = [measured(drawn(seed, chosen.each, spread_m, within_s), chosen.oracle) for seed in runs]
        rows += rows_of(found, spread_m, within_s)
    show(f"Salvo of {GROUPS} x {chosen.each}, {FRAMES} frames, {chosen.runs} runs", rows, chosen.json)
    if chosen.picture:
        draw_salvo(rows, chosen.picture)


if __name__ == "__main__":
    main()
