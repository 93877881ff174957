"""How well an object can be known at all from its lines of sight: Cramer-Rao bounds.

`boost_bound`: for whoever knows that a rocket of one stage rises from the ground: eight unknowns (BOOST_PARAMETERS),
drag and the height of the ground known; how the flight answers to each comes from flights of the emulator with changed
values. `free_state_bound`: for whoever knows only that something burns along its way: position, velocity, specific
thrust and its growth. Both optionally with what each satellite's attitude and clock may be wrong by.

Information is summed over exactly the looks that reported the object (H. L. Van Trees, "Detection, Estimation, and
Modulation Theory", part I (1968), section 2.4); prior knowledge adds its own. Lines of sight are angles with equal
errors on two axes.

Run alone: python -m bench.tracking.bound --looks looks.jsonl --truth truth.jsonl
"""

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bench.tracking.bodies import Truth, thrust_along_since_s, truth_from_record
from bench.tracking.looks import turned_east
from bench.tracking.sight import across_axes
from bench.tracking.sightings import Sightings, sightings_near
from bench.tracking.slopes import SLOWEST_M_PER_S, flight_slopes, free_slopes, free_state
from services.geometry.frames import EARTH_RATE_RAD_PER_S

Float64 = NDArray[np.float64]

# What is taken as known beforehand of BOOST_PARAMETERS, standard deviations: so wide that it only matters where looks
# say next to nothing, for instance of a kick that is not yet over at the last look.
WIDE_PRIOR = (1e7, 1e7, 1e4, 10.0, 1e3, 1e6, 1e3, 10.0)
# Scaled information worse than this determines nothing.
WORST_CONDITION = 1e13


@dataclass(frozen=True)
class BiasPrior:
    """What is known beforehand of each satellite's constant errors, standard deviations: three angles, one time."""

    attitude_rad: float = 2e-4
    time_s: float = 0.02


@dataclass(frozen=True, eq=False)
class BoostBound:
    """Least errors. position_m: root of the trace of position_covariance_m2 (3, 3, ITRS), at `at_s`, time of presence.

    launch_m: the same of launch_covariance_m2 (2, 2, east and north). covariance: (8, 8) of BOOST_PARAMETERS.
    """

    at_s: float
    looks: int
    position_m: float
    position_covariance_m2: Float64
    velocity_m_per_s: float
    launch_m: float
    launch_covariance_m2: Float64
    launch_time_s: float
    heading_rad: float
    covariance: Float64


@dataclass(frozen=True, eq=False)
class FreeStateBound:
    """Least errors of position and velocity at `at_s`; covariance (8, 8): position, velocity, thrust, its growth."""

    at_s: float
    looks: int
    position_m: float
    velocity_m_per_s: float
    covariance: Float64


def boost_bound(
    truth: Truth,
    seen: Sightings,
    bias: BiasPrior | None = None,
    prior_sigma: Sequence[float] = WIDE_PRIOR,
    at_s: float | None = None,
) -> BoostBound:
    """Return the bound of a rocket's first stage, over the looks up to `at_s` (default: the last) and its burnout.

    prior_sigma: (8,) standard deviations of BOOST_PARAMETERS known beforehand, infinity for none.
    Raises ValueError where the rocket does not fly the family's gravity turn or the looks do not determine it.
    """
    rocket, launch_s = truth.rocket, truth.launch_s
    if rocket is None or launch_s is None:
        raise ValueError(f"{truth.object_id} has no rocket; use free_state_bound")
    if rocket.pitch:
        raise ValueError(f"{truth.object_id} flies a pitch programme, which has no pitch-over; use free_state_bound")
    last_s = min(math.inf if at_s is None else at_s, launch_s + rocket.stages[0].burn_time_s)
    present = seen.presence_s(truth)
    kept = (present <= last_s) & (present > launch_s)
    seen, present = seen.chosen(kept), present[kept]
    if not len(present):
        raise ValueError(f"{truth.object_id}: no look reports it before its first burnout at {last_s:g} s")
    at = float(present[-1]) if at_s is None else last_s
    times = np.append(present, at) - launch_s
    slopes, velocity_slopes = flight_slopes(rocket, times)
    information = _information(truth, seen, present, slopes[:-1], bias)
    information[range(8), range(8)] += 1 / np.square(np.asarray(prior_sigma, dtype=np.float64))
    covariance = _inverse(information, truth.object_id)[:8, :8]
    position = slopes[-1] @ covariance @ slopes[-1].T
    velocity = velocity_slopes[-1] @ covariance @ velocity_slopes[-1].T
    return BoostBound(
        at,
        len(seen),
        _rms(position),
        position,
        _rms(velocity),
        _rms(covariance[:2, :2]),
        covariance[:2, :2],
        math.sqrt(covariance[2, 2]),
        math.sqrt(covariance[3, 3]),
        covariance,
    )


def free_state_bound(
    truth: Truth, seen: Sightings, since_s: float, at_s: float | None = None, bias: BiasPrior | None = None
) -> FreeStateBound:
    """Return the bound of a free state at `at_s` (default: the last look), over the looks from `since_s` on.

    since_s: from when the engine that burns at `at_s` burned along the way; see bodies.thrust_along_since_s. Looks
    from when it was slower than SLOWEST_M_PER_S are left out: there the way says nothing of where the thrust points.
    """
    present = seen.presence_s(truth)
    speed = np.linalg.norm(truth.states(present)[1], axis=1)
    last_s = math.inf if at_s is None else at_s
    kept = (present >= since_s) & (present <= last_s) & (speed > SLOWEST_M_PER_S)
    seen, present = seen.chosen(kept), present[kept]
    if not len(present):
        raise ValueError(
            f"{truth.object_id}: no look reports it faster than {SLOWEST_M_PER_S:g} m/s after {since_s:g} s"
        )
    at = float(present[-1]) if at_s is None else at_s
    slopes = free_slopes(free_state(truth, at), present - at)
    covariance = _inverse(_information(truth, seen, present, slopes, bias), truth.object_id)[:8, :8]
    return FreeStateBound(at, len(seen), _rms(covariance[:3, :3]), _rms(covariance[3:6, 3:6]), covariance)


def efficient_error(truth: Truth, seen: Sightings, at_s: float) -> tuple[Float64, Float64]:
    """Return by how much an estimator that reaches `boost_bound` errs on these very looks, (3,), and its covariance.

    It takes one step of least squares from the truth, with the truth's own slopes: nobody can, but nobody's errors are
    more truly those of their covariance (3, 3). So it says what the looks' noise, as it was drawn, makes of a figure.
    Metres, ITRS; satellites without biases, before the first burnout.
    """
    rocket, launch_s = truth.rocket, truth.launch_s
    assert rocket is not None
    assert launch_s is not None
    present = seen.presence_s(truth)
    kept = (present <= at_s) & (present > launch_s)
    seen, present = seen.chosen(kept), present[kept]
    slopes, _ = flight_slopes(rocket, np.append(present, at_s) - launch_s)
    rows, _, axes = _answers(truth, seen, present, slopes[:-1])
    place, _ = truth.states(present)
    # Where the light comes from in the axes of reception.
    ray = turned_east(place, -EARTH_RATE_RAD_PER_S * (seen.time_s - present)) - seen.position_itrs_m
    missed = seen.los_itrs - ray / np.linalg.norm(ray, axis=1)[:, None]
    flat = rows.reshape(-1, rows.shape[2])
    covariance = _inverse(flat.T @ flat + np.diag(np.square(WIDE_PRIOR) ** -1.0), truth.object_id)
    step = covariance @ (flat.T @ np.einsum("nij,nj->ni", axes, missed).ravel())
    return slopes[-1] @ step, slopes[-1] @ covariance @ slopes[-1].T


def _information(truth: Truth, seen: Sightings, present_s: Float64, slopes: Float64, bias: BiasPrior | None) -> Float64:
    """Return the information (m, m) on the slopes' unknowns and, with biases, four a satellite after them."""
    rows, count, _ = _answers(truth, seen, present_s, slopes, bias)
    unknowns = slopes.shape[2]
    flat = rows.reshape(-1, unknowns + count)
    information: Float64 = flat.T @ flat
    if bias is not None:
        known = np.tile([1 / bias.attitude_rad**2] * 3 + [1 / bias.time_s**2], len(seen.sensor_ids))
        information[range(unknowns, unknowns + count), range(unknowns, unknowns + count)] += known
    return information


def _answers(
    truth: Truth, seen: Sightings, present_s: Float64, slopes: Float64, bias: BiasPrior | None = None
) -> tuple[Float64, int, Float64]:
    """Return (n, 2, m) how each line of sight, over its error, answers to the unknowns; how many of these are biases.

    Third, (n, 2, 3), the axes across each line of sight, over its error. slopes: (n, 3, k) how the place at each look's
    time answers. What light's way and the turn of the axes meanwhile add to the slopes is a part in 10,000.
    """
    position, velocity = truth.states(present_s)
    ray = position - seen.position_itrs_m
    distance = np.linalg.norm(ray, axis=1)
    los = ray / distance[:, None]
    axes = across_axes(los) / seen.sigma_rad[:, None, None]
    unknowns = slopes.shape[2]
    count = 4 * len(seen.sensor_ids) if bias is not None else 0
    rows = np.zeros((len(seen), 2, unknowns + count))
    rows[:, :, :unknowns] = axes / distance[:, None, None] @ slopes
    if bias is not None:
        drift = bias_drift(seen, velocity, los, distance)
        turns = np.stack([np.cross(axis, los) for axis in np.eye(3)], axis=2)
        for number in range(len(seen.sensor_ids)):
            own, at = seen.sensor == number, unknowns + 4 * number
            rows[own, :, at : at + 3] = axes[own] @ turns[own]
            rows[own, :, at + 3] = np.einsum("nij,nj->ni", axes[own], drift[own])
    return rows, count, axes


def bias_drift(seen: Sightings, velocity_itrs_m_per_s: Float64, los_itrs: Float64, distance_m: Float64) -> Float64:
    """Return (n, 3): how lines of sight answer to their satellite's clock, a second fast, beside what is expected then.

    A clock that is fast states the place and the axes of a later instant than that of the exposure, at which the body,
    with velocities (n, 3), was elsewhere.
    """
    spin = np.array([0.0, 0.0, EARTH_RATE_RAD_PER_S])
    drift: Float64 = (seen.velocity_itrs_m_per_s - velocity_itrs_m_per_s) / distance_m[:, None] - np.cross(
        spin, los_itrs
    )
    return drift


def _inverse(information: Float64, name: str) -> Float64:
    scale = np.sqrt(np.diag(information))
    if not (scale > 0).all():
        raise ValueError(f"{name}: its looks say nothing of one of the unknowns; take more looks")
    scaled = information / np.outer(scale, scale)
    condition = float(np.linalg.cond(scaled))
    if not condition < WORST_CONDITION:
        raise ValueError(f"{name}: its looks do not determine it (condition {condition:.1e}); take more looks")
    inverse: Float64 = np.linalg.inv(scaled) / np.outer(scale, scale)
    return inverse


def _rms(covariance: Float64) -> float:
    return math.sqrt(float(np.trace(covariance)))


def table(lines: Sequence[dict[str, Any]], truths: Sequence[dict[str, Any]], bias: BiasPrior | None) -> Table:
    """Return the bounds of each truth, a row each; lines and truths as in looks.jsonl and truth.jsonl.

    What has no bound (a body without a rocket, too few looks) is shown as a dash, the reason under the table.
    """
    shown = Table(title="Least errors (root of the summed variances)", caption_justify="left")
    for heading in ("object", "looks", "free position", "free velocity", "boost position", "launch", "heading"):
        shown.add_column(heading, justify="left" if heading == "object" else "right")
    start = min(int(line["time_unix_ns"]) for line in lines)
    reasons = []
    for record in truths:
        truth = truth_from_record(record, start)
        seen = sightings_near(lines, truth, start)
        seen = seen.chosen(seen.presence_s(truth) <= truth.burnout_s)
        row = [truth.object_id, str(len(seen)), *["-"] * 5]
        last_s = float(seen.time_s.max(initial=truth.begin_s))
        try:
            free = free_state_bound(truth, seen, thrust_along_since_s(truth, last_s), bias=bias)
            row[2:4] = f"{free.position_m:.1f} m", f"{free.velocity_m_per_s:.2f} m/s"
        except ValueError as error:
            reasons.append(str(error))
        try:
            whole = boost_bound(truth, seen, bias)
            row[4:6] = f"{whole.position_m:.1f} m", f"{whole.launch_m:.1f} m"
            row[6] = f"{math.degrees(whole.heading_rad):.3f} deg"
        except ValueError as error:
            reasons.append(str(error))
        shown.add_row(*row)
    shown.caption = "\n".join(reasons)
    return shown


def main() -> None:
    """Print the bounds of every object of a truth file over the looks of a looks file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--looks", type=Path, required=True, help="looks, JSON lines")
    parser.add_argument("--truth", type=Path, required=True, help="truth, JSON lines")
    parser.add_argument("--biases", action="store_true", help="attitude (200 urad) and clock (20 ms) of each unknown")
    options = parser.parse_args()
    lines, truths = (
        [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        for path in (options.looks, options.truth)
    )
    Console().print(table(lines, truths, BiasPrior() if options.biases else None))


if __name__ == "__main__":
    main()
