"""The batch ascent estimator by itself: errors against the Cramer-Rao bound, honesty of its covariances, time.

It is given exactly the lines of sight that truly report the rocket, light's way removed with the true distance.

- boost: four satellites, 1 Hz, 100 urad, probability of detection 0.95, seen from a low cloud top on; after 20, 40 and
  60 looks of each satellite the place's RMSE, the bound's (bench/tracking/bound.py), and the mean NEES of the place (3
  where the covariance is true; the mean of 100 runs then lies in 2.54 to 3.50 nineteen times in twenty).
- biases: the same with 200 urad of attitude and 20 ms of clock unknown for each satellite.
- launch: two satellites, 50 urad, the first 30 s from the pad on, in and out of the estimator's family (see
  bench/tracking/launch.py): launch point and heading against the bound, and how many lie in the 90 % ellipse; and one
  satellite alone for 60 s. heading_sigmas: root of the mean squared error over the stated standard deviation.
- staged: four satellites over 100 s of two-stage rockets, so that the newest burn alone fits at the end.
- time: one solution's least squares and a whole fit, from where the look before left it; the least of many.

Run alone: python -m bench.tracking.ascent [--runs 100] [--only boost ...] [--json]
"""

import argparse
import math
import timeit
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.tracking import launch as families
from bench.tracking.bodies import Flights, Truth
from bench.tracking.bound import BiasPrior as KnownBias
from bench.tracking.bound import boost_bound
from bench.tracking.looks import looks
from bench.tracking.report import options, rms, seeds, show
from bench.tracking.scenarios import LONG_BOOST, Quality, boost
from bench.tracking.sightings import Sightings, sightings
from services.geometry.ellipsoid import east_north_up, geodetic_to_itrs
from services.geometry.frames import EARTH_RATE_RAD_PER_S
from services.ground_station.tracking.ascent.fit import AscentFit, fit_ascent
from services.ground_station.tracking.ascent.problem import Problem
from services.ground_station.tracking.ascent.rays import BiasPrior, Rays

Float64 = NDArray[np.float64]

AFTER_LOOKS = (20, 40, 60)
# So low that all kinds still burn their first stage after 60 looks.
CLOUD_TOP_M = (500.0, 3_000.0)
BIASES = KnownBias(attitude_rad=2e-4, time_s=0.02)
STAGED = ("intercontinental_solid", "medium_range_solid", "glider")
# Chi-square with two degrees of freedom, 90 %.
NINETY_PERCENT = -2 * math.log(0.1)


class Run:
    """One rocket's lines of sight, as the estimator takes them, and its truth."""

    def __init__(self, seed: int, satellites: int, kind: str, quality: Quality, seen_s: float, **others: Any) -> None:
        sky = boost(seed, satellites, kind, quality, seen_s, **others)
        flights = sky.bodies[0]
        assert isinstance(flights, Flights)
        self.truth: Truth = flights.truths[0]
        taken = looks(sky, np.random.default_rng(seed))
        self.seen: Sightings
        self.seen, self.rays = _rays(list(taken), self.truth, sky.start_unix_ns)

    def bound(self, at_s: float, bias: KnownBias | None = None) -> Any:
        """Return the bound over the looks until an instant."""
        return boost_bound(self.truth, self.seen, bias, at_s=at_s)

    def place_error(self, fit: AscentFit) -> tuple[float, float]:
        """Return how far off the place is, metres, and its NEES."""
        place, _ = self.truth.states(np.array([fit.at_s]))
        off = fit.state_itrs[:3] - place[0]
        return float(np.linalg.norm(off)), float(off @ np.linalg.solve(fit.covariance[:3, :3], off))

    def launch_errors(self, fit: AscentFit) -> dict[str, float]:
        """Return errors of launch point (m) and heading (deg), and whether the 90 % ellipse holds the point."""
        assert self.truth.rocket is not None
        pad = self.truth.rocket.launch
        axes = east_north_up(pad.latitude_deg, pad.longitude_deg)
        away = fit.launch.itrs_m - geodetic_to_itrs(pad.latitude_deg, pad.longitude_deg, pad.height_m)
        off = (axes @ away)[:2]
        inside = float(off @ np.linalg.solve(fit.launch.covariance_m2, off)) <= NINETY_PERCENT
        turned = math.remainder(fit.launch.heading_rad - math.radians(self.truth.rocket.heading_deg), 2 * math.pi)
        return {
            "error_m": float(np.linalg.norm(off)),
            "inside": float(inside),
            "heading_deg": math.degrees(turned),
            "heading_sigmas": turned / fit.launch.heading_sigma_rad,
        }


def _rays(taken: Sequence[Any], truth: Truth, start_unix_ns: int) -> tuple[Sightings, Rays]:
    """Return who saw the rocket when, and the lines of sight at the times of presence, in the axes of these."""
    seen = sightings(taken, truth.object_id, start_unix_ns)
    present = seen.presence_s(truth)
    turn = EARTH_RATE_RAD_PER_S * (seen.time_s - present)
    rays = _turned(seen.position_itrs_m, turn), _turned(seen.los_itrs, turn)
    return seen, Rays(present, *rays, seen.sigma_rad, seen.sensor)


def _turned(vectors: Float64, angle_rad: Float64) -> Float64:
    cosine, sine = np.cos(angle_rad), np.sin(angle_rad)
    x, y, z = vectors.T
    return np.stack([cosine * x - sine * y, sine * x + cosine * y, z], axis=1)


def boost_rows(chosen: argparse.Namespace, biased: bool) -> list[dict[str, Any]]:
    """Return a row for each of AFTER_LOOKS: place against the bound, with and without biases."""
    quality = Quality(attitude_bias_rad=2e-4, time_bias_s=0.02) if biased else Quality()
    errors: dict[int, list[tuple[float, float, float]]] = {count: [] for count in AFTER_LOOKS}
    for number, seed in enumerate(seeds(chosen, "biases" if biased else "boost")):
        kind = LONG_BOOST[number % len(LONG_BOOST)]
        run = Run(seed, 4, kind, quality, AFTER_LOOKS[-1], cloud_top_m=CLOUD_TOP_M)
        prior = BiasPrior.of(4, BIASES.attitude_rad, BIASES.time_s) if biased else None
        first_s, fit = float(run.rays.time_s[0]), None
        for count in AFTER_LOOKS:
            at_s = float(run.rays.time_s[run.rays.time_s < first_s + count - 0.5][-1])
            fit = fit_ascent(run.rays, at_s, start=fit, bias=prior)
            assert fit is not None
            errors[count].append((*run.place_error(fit), run.bound(at_s, BIASES if biased else None).position_m))
    return [_place_row("biases" if biased else "boost", count, found) for count, found in errors.items()]


def _place_row(name: str, count: int, found: Sequence[tuple[float, float, float]]) -> dict[str, Any]:
    error, nees, bound = np.array(found).T
    return {
        "case": name,
        "looks": count,
        "runs": len(error),
        "rmse_m": rms(error),
        "bound_m": rms(bound),
        "over_bound": rms(error) / rms(bound),
        "per_run": rms(error / bound),
        "nees": float(nees.mean()),
    }


def launch_rows(chosen: argparse.Namespace) -> list[dict[str, Any]]:
    """Return rows of launch point and heading by two satellites, in and out of the family, and by one."""
    rows = []
    cases: tuple[tuple[str, Callable[[int], tuple[str, Mapping[str, Any]]], int, float], ...] = (
        ("in family, two", families.in_family, 2, families.SEEN_S),
        ("out of family, two", families.out_of_family, 2, families.SEEN_S),
        ("in family, one", families.in_family, 1, 60.0),
    )
    for name, family, satellites, seen_s in cases:
        found = []
        for number, seed in enumerate(seeds(chosen, name)):
            kind, changes = family(number)
            run = Run(seed, satellites, kind, families.QUALITY, seen_s, changes=changes, from_the_pad=True)
            at_s = float(run.rays.time_s[-1])
            fit = fit_ascent(run.rays, at_s)
            errors = {"bound_m": math.nan, "heading_bound_deg": math.nan}
            assert run.truth.rocket is not None
            if not run.truth.rocket.pitch and satellites > 1:
                bound = run.bound(at_s)
                errors = {"bound_m": bound.launch_m, "heading_bound_deg": math.degrees(bound.heading_rad)}
            assert fit is not None
            found.append({**errors, **run.launch_errors(fit)})
        rows.append(_launch_row(name, found))
    return rows


def _launch_row(name: str, found: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    table = {key: np.array([each[key] for each in found]) for key in found[0]}
    bounded = np.isfinite(table["bound_m"])
    headed = bounded & np.isfinite(table["heading_deg"]) & (table["heading_bound_deg"] < families.WIDEST_HEADING_DEG)
    error, bound = table["error_m"], table["bound_m"]
    heading, heading_bound = table["heading_deg"], table["heading_bound_deg"]
    return {
        "case": name,
        "runs": len(found),
        "launch_rmse_m": rms(error),
        "median_m": float(np.median(error)),
        "over_bound": rms(error[bounded]) / rms(bound[bounded]),
        "per_run": rms(error[bounded] / bound[bounded]),
        "in_ellipse": float(table["inside"].mean()),
        "heading_known": float(np.isfinite(heading).mean()),
        "heading_median_deg": float(np.nanmedian(np.abs(heading))),
        "heading_over_bound": rms(heading[headed]) / rms(heading_bound[headed]),
        "heading_per_run": rms(heading[headed] / heading_bound[headed]),
        "heading_sigmas": float(np.sqrt(np.nanmean(table["heading_sigmas"] ** 2))),
    }


def staged_rows(chosen: argparse.Namespace) -> list[dict[str, Any]]:
    """Return a row: 15 s and more into the second burn, followed from look to look."""
    found = []
    for number, seed in enumerate(seeds(chosen, "staged")):
        run = Run(seed, 4, STAGED[number % len(STAGED)], Quality(), 100.0, from_the_pad=True)
        fit = None
        for at_s in _every_second(run):
            fit = fit_ascent(run.rays, at_s, start=fit)
        assert fit is not None
        found.append((*run.place_error(fit), math.nan))
    return [_place_row("staged", 100, found)]


def _every_second(run: Run) -> Iterator[float]:
    assert run.truth.rocket is not None
    assert run.truth.launch_s is not None
    first, second = run.truth.rocket.stages[:2]
    end_s = run.truth.launch_s + first.burn_time_s + second.coast_s + second.burn_time_s
    yield from np.arange(run.rays.time_s[0] + 3.0, min(float(run.rays.time_s[-1]), end_s - 1.0), 1.0).tolist()


def time_rows(chosen: argparse.Namespace) -> list[dict[str, Any]]:
    """Return a row a case: least times of fits of 60 looks of four satellites, warm-started, milliseconds."""
    run = Run(chosen.first_seed, 4, LONG_BOOST[0], Quality(), 60.0, cloud_top_m=CLOUD_TOP_M)
    at_s = float(run.rays.time_s[-1])
    rows = []
    for name, bias in (("no biases", None), ("biases", BiasPrior.of(4, BIASES.attitude_rad, BIASES.time_s))):
        before = fit_ascent(run.rays, at_s - 1.0, bias=bias)
        assert before is not None
        problem, best = Problem(run.rays.until(at_s), at_s, bias), before.solutions[0]
        solved = problem.solve(best.model, best.prior, best.parameters)
        assert solved is not None
        alone_ms = _least_ms(lambda p=problem, b=best: p.solve(b.model, b.prior, b.parameters))  # type: ignore[misc]
        whole_ms = _least_ms(lambda b=before, w=bias: fit_ascent(run.rays, at_s, start=b, bias=w))  # type: ignore[misc]
        rows.append(
            {
                "case": name,
                "rays": len(run.rays),
                "rounds": solved.rounds,
                "a_round_ms": alone_ms / solved.rounds,
                "solutions": len(before.solutions),
                "whole_fit_ms": whole_ms,
                "cold_fit_ms": _least_ms(lambda w=bias: fit_ascent(run.rays, at_s, bias=w)),  # type: ignore[misc]
            }
        )
    return rows


def _least_ms(call: Callable[[], object]) -> float:
    return min(timeit.repeat(call, number=1, repeat=30)) * 1e3


PARTS: dict[str, Callable[[argparse.Namespace], list[dict[str, Any]]]] = {
    "boost": lambda chosen: boost_rows(chosen, biased=False),
    "biases": lambda chosen: boost_rows(chosen, biased=True),
    "launch": launch_rows,
    "staged": staged_rows,
    "time": time_rows,
}


def main() -> None:
    """Print each part's table."""
    parser = options(__doc__, runs=100)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="parts to measure")
    chosen = parser.parse_args()
    for name in chosen.only:
        show(name, PARTS[name](chosen), chosen.json)


if __name__ == "__main__":
    main()
