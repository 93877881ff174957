"""The newest burn, where the looks no longer fit one burn from the launch on."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.geometry.ellipsoid import east_north_up, itrs_to_geodetic
from services.ground_station.tracking.ascent.launching import follow
from services.ground_station.tracking.ascent.mixture import shares, state_of
from services.ground_station.tracking.ascent.problem import Model, Prior, Problem, Solution
from services.ground_station.tracking.ascent.profiles import STATE_FREEDOMS, knots_over, state_prior
from services.ground_station.tracking.ascent.rays import BiasPrior, Rays
from services.ground_station.tracking.judgement.kernels import fit_motion

Float64 = NDArray[np.float64]

# Chi-square beyond so many of a normal distribution's standard deviations does not happen by chance.
UNLIKELY_SIGMA = 4.5
# By so much chi-square of a burn must be lower than that of straight flight over the newest looks: a rocket's profile
# fits airliners, too, if nothing else is asked.
STRAIGHT_CHI2, STRAIGHT_S = 36.0, 30.0
# Solutions of the burn before with a smaller share are left out.
LEAST_SHARE = 0.01
# A burnout or another stage is looked for so long before the newest look.
CHANGES_S = (3.0, 4.5, 6.5)
# Looks of the burn before may go on as long after its end until that shows.
UNSEEN_S = 5.0
# Tried beginnings of the next burn, after the last instant at which the one before was fine.
BEGINNINGS_S = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 12.0, 15.0, 19.0)
# What may happen between two burns that nobody foresees: a few seconds without thrust, a dropped stage.
PLACE_SIGMA_M, PACE_SIGMA_M_PER_S = 300.0, 120.0
# A burn with fewer lines of sight tells nothing of itself.
LEAST_RAYS = 6


def is_fitting(solution: Solution, rays: Rays) -> bool:
    """Return whether chance explains the misses: all of them, and what a change of thrust would make of the newest."""
    if float((solution.misses**2).sum()) > chi2_limit(solution.misses.size):
        return False
    return change_statistic(solution, rays) <= chi2_limit(3)


def change_statistic(solution: Solution, rays: Rays) -> float:
    """Return by how much another acceleration since a few seconds would lower chi-square; the most of the CHANGES_S.

    Without such a change it is at most a chi-square with three degrees of freedom, for each instant tried.
    """
    place = solution.state_itrs[:3]
    most = 0.0
    for since_s in CHANGES_S:
        recent = rays.time_s > rays.time_s[-1] - since_s
        newest = rays.at(recent)
        passed = newest.time_s - (rays.time_s[-1] - since_s)
        distance = np.linalg.norm(place - newest.origin_itrs_m, axis=1)
        rows = (newest.across() * (passed**2 / (2 * distance * newest.sigma_rad))[:, None, None]).reshape(-1, 3)
        misses = solution.misses[recent].ravel()
        # Which directions the looks tell of, and what the misses say along these.
        values, vectors = np.linalg.eigh(rows.T @ rows)
        told = values > 1e-9 * values[-1]
        along = vectors[:, told].T @ (rows.T @ misses)
        most = max(most, float((along**2 / values[told]).sum()))
    return most


def outdoes_straight_flight(solution: Solution, rays: Rays) -> bool:
    """Return whether the newest looks are explained far better so than by constant velocity.

    rays: the solution's, in order of time.
    """
    recent = rays.time_s > rays.time_s[-1] - STRAIGHT_S
    newest = rays.at(recent)
    chi2 = np.empty(1)
    determined = fit_motion(
        newest.time_s,
        newest.origin_itrs_m,
        newest.los_itrs,
        newest.sigma_rad,
        len(newest),
        solution.state_itrs[:3],
        float(newest.time_s[-1]),
        np.full(2, math.inf),
        np.empty((2, 3)),
        np.empty((6, 6)),
        chi2,
    )
    burn_chi2 = float((solution.misses[recent] ** 2).sum())
    return bool(determined and chi2[0] - burn_chi2 >= STRAIGHT_CHI2)


def chi2_limit(freedom: int) -> float:
    """Return the chi-square that UNLIKELY_SIGMA stands for; E. B. Wilson and M. M. Hilferty, PNAS 17 (1931) 684."""
    ninth = 2 / (9 * freedom)
    return freedom * (1 - ninth + UNLIKELY_SIGMA * math.sqrt(ninth)) ** 3


def next_burn(
    rays: Rays, at_s: float, bias: BiasPrior | None, before: Sequence[Solution], fine_s: float
) -> list[Solution]:
    """Return solutions from a free state on, from the likeliest instant on; none where none fits.

    rays: in order of time. before: the burn before, at fine_s, until when it fitted.
    """
    likeliest, best = -math.inf, []
    for after_s in BEGINNINGS_S:
        begin_s = fine_s + after_s
        window = rays.since(begin_s)
        if len(window) < LEAST_RAYS:
            break
        past = Problem(rays.until(begin_s), begin_s, bias)
        gone_on = follow(past, before)
        if not gone_on:
            continue
        earlier, share = shares(gone_on, LEAST_SHARE)
        found = from_state(Problem(window, at_s, bias), begin_s, *state_of(earlier, share))
        # Both burns together explain the looks: the one before until then, the newest from then on.
        evidence = earlier[0].log_evidence + found[0].log_evidence if found else -math.inf
        if evidence > likeliest and is_fitting(found[0], window):
            likeliest, best = evidence, found
    return best


def from_state(problem: Problem, begin_s: float, mean: Float64, covariance: Float64) -> list[Solution]:
    """Return solutions that begin at begin_s near a state, likeliest first; mean (>= 6,), covariance (>= 6, >= 6)."""
    latitude, longitude, _ = (float(value) for value in itrs_to_geodetic(mean[:3]))
    axes = east_north_up(latitude, longitude)
    local = np.kron(np.eye(2), axes)
    spread = local @ covariance[:6, :6] @ local.T
    spread += np.diag([PLACE_SIGMA_M**2] * 3 + [PACE_SIGMA_M_PER_S**2] * 3)
    reference = np.concatenate([mean[:3], axes.ravel()])
    found = []
    for freedom in STATE_FREEDOMS:
        knots, knot_s = knots_over(problem.at_s - begin_s)
        knots = knots if freedom.in_plane_rad > 0 else 0
        prior_mean, precision = state_prior(freedom, axes @ mean[3:6], spread, knots, knot_s)
        model = Model(False, reference, knots, knot_s, begin_s)
        solution = problem.solve(model, Prior.of(freedom.name, freedom, prior_mean, precision), prior_mean)
        if solution is not None and solution.settled:
            found.append(solution)
    return sorted(found, key=lambda one: -one.log_evidence)
