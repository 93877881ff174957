"""Launch point and heading from two satellites, 30 s of looks from the pad on, 50 urad, 1 Hz.

Over many runs, in the family that estimators assume (one burn, a gravity turn) and out of it (a pitch programme, twice
the drag, kicks half as large again, a stage that ends within the half minute): the root of the mean squared errors,
the Cramer-Rao bound's for the same looks (not known for a pitch programme), and how many launch points lie in the
stated 90 % ellipse. Runs without a launch estimate at the last look are misses; see `known`. Geometry differs from run
to run, so beside the ratio of the errors to the bound stands the root mean square of each run's own ratio, `per_run`.
Headings are compared where the bound itself is within 10 degrees: rockets that barely lean have none to speak of.

Run alone: python -m bench.tracking.launch [--runs 400] [--picture launch.png]
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from bench.tracking.bodies import Flights, Truth
from bench.tracking.bound import boost_bound
from bench.tracking.curves import draw_launches
from bench.tracking.looks import looks
from bench.tracking.report import add_picture, options, percentile, rms, seeds, show
from bench.tracking.run import track
from bench.tracking.scenarios import Quality, boost
from bench.tracking.sightings import sightings
from bench.tracking.tracks import CUTOFF_M
from services.geometry.geodesic import geodesic_inverse
from services.scenario.references import reference_rocket

SEEN_S = 30.0
QUALITY = Quality(sigma_rad=5e-5)
WIDEST_HEADING_DEG = 10.0
IN_FAMILY = ("short_range_liquid", "medium_range_solid", "intercontinental_liquid", "intercontinental_solid")


def in_family(number: int) -> tuple[str, dict[str, Any]]:
    """Return the kind of a run's rocket, and which of its keys are set."""
    return IN_FAMILY[number % len(IN_FAMILY)], {}


def out_of_family(number: int) -> tuple[str, dict[str, Any]]:
    """Return the kind of a run's rocket, and which of its keys are set: one of four ways out of the family in turn."""
    kind = IN_FAMILY[number // 4 % len(IN_FAMILY)]
    rocket = _plain(kind)
    stages = [dict(stage) for stage in rocket["stage"]]
    match number % 4:
        case 0:
            return "glider", {}
        case 1:
            return kind, {"drag_area_m2": 2 * rocket["drag_area_m2"]}
        case 2:
            return kind, {"kick_deg": 1.5 * rocket["kick_deg"]}
        case _:
            # A booster of 18 s, then the same engine on.
            first = stages[0]
            parts = 18.0 / first["burn_time_s"]
            booster = {**first, "burn_time_s": 18.0, "propellant_mass_kg": first["propellant_mass_kg"] * parts}
            rest = {
                **first,
                "burn_time_s": first["burn_time_s"] - 18.0,
                "propellant_mass_kg": first["propellant_mass_kg"] * (1 - parts),
                "thrust_n": 0.8 * first["thrust_n"],
            }
            booster["dry_mass_kg"], rest["dry_mass_kg"] = 0.5 * first["dry_mass_kg"], 0.5 * first["dry_mass_kg"]
            return kind, {"stage": [booster, rest, *stages[1:]]}


def measured(seed: int, kind: str, changes: Mapping[str, Any]) -> dict[str, float]:
    """Return one run's errors, bounds and how far out in its ellipse the truth is; NaN where nothing is known."""
    sky = boost(seed, 2, kind, QUALITY, SEEN_S, changes, from_the_pad=True)
    flights = sky.bodies[0]
    assert isinstance(flights, Flights)
    truth = flights.truths[0]
    taken = list(looks(sky, np.random.default_rng(seed)))
    found = {"error_m": math.nan, "heading_deg": math.nan, "of_ellipse": math.nan, "bound_m": math.nan}
    found["heading_bound_deg"] = math.nan
    if truth.rocket is not None and not truth.rocket.pitch:
        bound = boost_bound(truth, sightings(taken, truth.object_id, sky.start_unix_ns))
        found["bound_m"], found["heading_bound_deg"] = bound.launch_m, math.degrees(bound.heading_rad)
    known = [
        record
        for record in track(look.line for look in taken)
        if record.get("launch") and record["state"] == "confirmed" and is_near(record, truth, sky.start_unix_ns)
    ]
    if known:
        launch = max(known, key=lambda record: int(record["time_unix_ns"]))["launch"]
        found.update(launch_errors(launch, truth))
    return found


def is_near(record: Mapping[str, Any], truth: Truth, start_unix_ns: int) -> bool:
    """Return whether a line's place is within CUTOFF_M of a truth."""
    time_s = (int(record["time_unix_ns"]) - start_unix_ns) / 1e9
    place = truth.states(np.array([time_s]))[0][0]
    return float(np.linalg.norm(place - np.array(record["position_itrs_m"]))) < CUTOFF_M


def launch_errors(launch: Mapping[str, Any], truth: Truth) -> dict[str, float]:
    """Return error_m, heading_deg (NaN where none is stated) and of_ellipse of one launch estimate.

    of_ellipse: how far out the truth lies in the 90 % ellipse, 1 on its edge.
    """
    assert truth.rocket is not None
    pad = truth.rocket.launch
    away, azimuth = geodesic_inverse(
        float(launch["latitude_deg"]), float(launch["longitude_deg"]), pad.latitude_deg, pad.longitude_deg
    )
    ellipse = launch["ellipse"]
    turn = math.radians(azimuth - ellipse["orientation_deg"])
    along, across = away * math.cos(turn), away * math.sin(turn)
    out = math.hypot(along / ellipse["semi_major_m"], across / ellipse["semi_minor_m"])
    heading = launch.get("heading_deg")
    off = math.nan if heading is None else (heading - truth.rocket.heading_deg + 180) % 360 - 180
    return {"error_m": away, "heading_deg": off, "of_ellipse": out}


def _plain(kind: str) -> dict[str, Any]:
    rocket = reference_rocket(
        id="plain",
        reference=kind,
        launch={"latitude_deg": 0.0, "longitude_deg": 0.0},
        launch_time_s=0.0,
        heading_deg=0.0,
    )
    keys = (
        "propellant",
        "thrust_n",
        "burn_time_s",
        "propellant_mass_kg",
        "dry_mass_kg",
        "nozzle_exit_area_m2",
        "coast_s",
    )
    stages = [{key: getattr(stage, key) for key in keys} for stage in rocket.stages]
    return {"stage": stages, "drag_area_m2": rocket.drag_area_m2, "kick_deg": rocket.kick_deg}


def row(name: str, found: list[dict[str, float]]) -> dict[str, Any]:
    """Return a table row over runs."""
    table = {key: np.array([each[key] for each in found]) for key in found[0]}
    known, bounded = np.isfinite(table["error_m"]), np.isfinite(table["bound_m"])
    headed, both = np.isfinite(table["heading_deg"]), np.isfinite(table["error_m"]) & bounded
    heading_both = headed & (table["heading_bound_deg"] < WIDEST_HEADING_DEG)
    return {
        "rockets": name,
        "runs": len(found),
        "known": float(known.mean()),
        "launch_rmse_m": rms(table["error_m"][known]),
        "launch_median_m": percentile(table["error_m"][known].tolist(), 50),
        "bound_m": rms(table["bound_m"][both]),
        "over_bound": rms(table["error_m"][both]) / rms(table["bound_m"][both]),
        "per_run": rms(table["error_m"][both] / table["bound_m"][both]),
        "heading_known": float(headed.mean()),
        "heading_rmse_deg": rms(table["heading_deg"][heading_both]),
        "heading_bound_deg": rms(table["heading_bound_deg"][heading_both]),
        "heading_over_bound": rms(table["heading_deg"][heading_both]) / rms(table["heading_bound_deg"][heading_both]),
        "heading_per_run": rms(table["heading_deg"][heading_both] / table["heading_bound_deg"][heading_both]),
        "in_90_%_ellipse": float(np.mean(table["of_ellipse"][known] <= 1)),
    }


def main() -> None:
    """Print the figures."""
    parser = options(__doc__, runs=400)
    add_picture(parser, "how many launches ellipses of any size hold, and how far off they are")
    chosen = parser.parse_args()
    found = {
        name: [measured(seed, *draw(seed)) for seed in seeds(chosen, name)]
        for name, draw in (("in the family", in_family), ("out of it", out_of_family))
    }
    rows = [row(name, runs) for name, runs in found.items()]
    show("Launch point and heading, two satellites, 30 s from the pad, 50 urad", rows, chosen.json)
    if chosen.picture:
        draw_launches(found, chosen.picture)


if __name__ == "__main__":
    main()
