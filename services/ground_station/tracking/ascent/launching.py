"""Ascents from a launch: the search through the bank of profiles, and the solutions' way on as looks come in."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.geometry.ellipsoid import itrs_to_geodetic, limb_crossing
from services.ground_station.tracking.ascent import layout
from services.ground_station.tracking.ascent.mixture import same
from services.ground_station.tracking.ascent.problem import Model, Prior, Problem, Solution
from services.ground_station.tracking.ascent.profiles import (
    BANK,
    KNOT_S,
    LOOSE,
    TIGHT,
    Freedom,
    Profile,
    knots_over,
    launch_prior,
    with_deviations,
)
from services.ground_station.tracking.ascent.rays import Rays
from services.ground_station.tracking.ascent.start import first_motion, launch_through, launches_along

Float64 = NDArray[np.float64]

# Many starting points are told apart in rounds: so many of a profile's are left after so many rounds of least squares.
ROUNDS_AND_LEFT = ((2, 6), (6, 2))
# The likeliest ones also without the family's bonds.
FREED = 2


@dataclasses.dataclass(frozen=True)
class Ground:
    """The ground's height above the ellipsoid at the launch, and its standard deviation, m."""

    height_m: float
    sigma_m: float


def search_launch(problem: Problem, ground: Ground) -> list[Solution]:
    """Return solutions of all profiles that lead anywhere, likeliest first; none where no ray comes near the Earth."""
    motions = first_motion(problem.rays)
    about = motions[0].position_itrs_m if motions is not None else _under(problem.rays)
    if about is None:
        return []
    latitude, longitude, _ = (float(value) for value in itrs_to_geodetic(about))
    reference = np.radians([latitude, longitude])
    found = []
    for profile in BANK:
        model, prior = _family(problem, profile, TIGHT, reference, ground)
        if motions is not None:
            ended = [problem.solve(model, prior, launch_through(motions, reference, prior.mean))]
        else:
            ended = _best_of(problem, model, prior, launches_along(problem.rays, reference, prior.mean))
        found += [one for one in ended if one is not None]
    found.sort(key=lambda one: -one.log_evidence)
    freed = [_freed(problem, one, ground) for one in found[:FREED]]
    return sorted([*found, *(one for one in freed if one is not None)], key=lambda one: -one.log_evidence)


def follow(problem: Problem, before: Sequence[Solution]) -> list[Solution]:
    """Return earlier solutions fitted to the problem's looks, likeliest first."""
    found = []
    for one in before:
        model, prior, begin = one.model, one.prior, one.parameters
        span_s = problem.at_s - (begin[layout.LAUNCH_TIME] if model.from_launch else model.start_s)
        if model.knots and span_s > (model.knots - 1) * model.knot_s:
            model, prior, begin = _lengthened(one, *knots_over(span_s))
        elif len(begin) != model.width + layout.BIASES * problem.sensors:
            begin = begin[: model.width]
        solution = problem.solve(model, prior, begin)
        if solution is not None:
            found.append(solution)
    return sorted(found, key=lambda one: -one.log_evidence)


def _lengthened(one: Solution, knots: int, knot_s: float) -> tuple[Model, Prior, Float64]:
    """Return a solution's model with knots that reach farther; new ones begin where the last one stood."""
    model = one.model
    first = model.width - 2 * model.knots
    mean, precision = with_deviations(
        one.prior.mean[:first], one.prior.precision[:first, :first], one.prior.freedom, knots, knot_s
    )
    stood_s, stand_s = np.arange(model.knots) * model.knot_s, np.arange(knots) * knot_s
    deviations = np.split(one.parameters[first : model.width], 2)
    begin = np.concatenate([one.parameters[:first], *(np.interp(stand_s, stood_s, each) for each in deviations)])
    prior = Prior.of(one.prior.name, one.prior.freedom, mean, precision)
    return dataclasses.replace(model, knots=knots, knot_s=knot_s), prior, begin


def _best_of(problem: Problem, model: Model, prior: Prior, begins: Sequence[Float64]) -> list[Solution | None]:
    """Return one profile's solutions from the best starting points, if these come to different places."""
    for rounds, left in ROUNDS_AND_LEFT:
        tried = [problem.solve(model, prior, begin, rounds) for begin in begins]
        best: list[Solution] = []
        for one in sorted((one for one in tried if one is not None), key=lambda one: one.cost):
            if len(best) < left and not any(same(one, other) for other in best):
                best.append(one)
        begins = [one.parameters for one in best]
    return [problem.solve(model, prior, begin) for begin in begins]


def _freed(problem: Problem, one: Solution, ground: Ground) -> Solution | None:
    profile = next(profile for profile in BANK if one.prior.name == profile.name)
    knots, knot_s = knots_over(problem.at_s - one.parameters[layout.LAUNCH_TIME])
    model, prior = _family(problem, profile, LOOSE, one.model.reference, ground, knots, knot_s)
    begin = np.zeros(model.width)
    begin[: layout.LAUNCH_KNOTS] = one.parameters[: layout.LAUNCH_KNOTS]
    return problem.solve(model, prior, begin)


def _family(
    problem: Problem,
    profile: Profile,
    freedom: Freedom,
    reference: Float64,
    ground: Ground,
    knots: int = 0,
    knot_s: float = KNOT_S,
) -> tuple[Model, Prior]:
    first_s = float(problem.rays.time_s[0])
    mean, precision = launch_prior(profile, freedom, ground.height_m, ground.sigma_m, first_s, knots, knot_s)
    return Model(True, reference, knots, knot_s), Prior.of(profile.name, freedom, mean, precision)


def _under(rays: Rays) -> Float64 | None:
    """Return where the first line of sight meets the ground, or thin air where it passes by; None above that."""
    for height in (0.0, 20_000.0, 60_000.0, 120_000.0):
        place: Float64 = limb_crossing(rays.origin_itrs_m[0], rays.los_itrs[:1], height)[0]
        if np.isfinite(place).all():
            return place
    return None
