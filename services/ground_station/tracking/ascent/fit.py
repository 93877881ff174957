"""A burning rocket's state, launch and heading from lines of sight, by batch least squares with a physical model."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from services.ground_station.tracking.ascent import layout
from services.ground_station.tracking.ascent.launching import Ground, follow, search_launch
from services.ground_station.tracking.ascent.mixture import UNKNOWN_LAUNCH, Launch, launch_of, moments, shares, state_of
from services.ground_station.tracking.ascent.problem import Problem, Solution
from services.ground_station.tracking.ascent.rays import BiasPrior, Rays
from services.ground_station.tracking.ascent.staging import UNSEEN_S, is_fitting, next_burn, outdoes_straight_flight

Float64 = NDArray[np.float64]

# Fewer lines of sight than this tell of no motion.
LEAST_RAYS = 4
# Solutions with less than this share are left out, and are no start for the next fit.
LEAST_SHARE = 2e-2
# The ground's height at the launch where the caller does not know it, m.
GROUND_SIGMA_M = 300.0
# Where one burn from the launch does not fit and no earlier fit is at hand: the looks are cut by so much until it does.
CUTS_S = (6.0, 15.0, 35.0, 60.0, 100.0)
# With so many times more looks the bank is tried again, as long as the first burn is young, or where nothing fitted:
# that is no rocket, or one in a way that is not known.
SEARCH_AGAIN = 1.5
YOUNG_S = 50.0
# The bank's best is no better than what was there, if its log evidence is less by this.
LIKELIER = 1.0


@dataclass(frozen=True)
class AscentFit:
    """What the lines of sight tell; instants in seconds since the rays' epoch.

    state_itrs: (9,) position (m), velocity over the ground (m/s) and specific force without gravity (thrust less drag,
    m/s^2) at at_s; covariance: (9, 9). exhaust_m_per_s: how fast the propellant leaves, of which the thrust's growth
    follows (s' = s^2 / c).

    launch: of the first burn, as far as it was seen; NaN where no ascent from a launch ever fitted.

    chi2 is the likeliest solution's, of the looks since `begin_s` alone: the first look, or where the newest burn
    begins; degrees_of_freedom: two a look, less the parameters. is_fitting: whether chance explains the misses; where
    it does not, the covariance is grown by chi2 over its freedom. outdoes_straight_flight:
    whether the newest looks are explained far better so than by that.

    biases: (S, 4) with covariance (4 S, 4 S), as `BiasPrior` orders them; no rows where none were estimated.
    solutions and their shares: what the next fit starts from. searched: how many looks there were when the bank was
    tried last.
    """

    at_s: float
    state_itrs: Float64
    covariance: Float64
    exhaust_m_per_s: float
    exhaust_sigma_m_per_s: float
    launch: Launch
    begin_s: float
    chi2: float
    degrees_of_freedom: int
    is_fitting: bool
    outdoes_straight_flight: bool
    biases: Float64
    biases_covariance: Float64
    solutions: tuple[Solution, ...]
    shares: Float64
    searched: int

    @property
    def parameters(self) -> Float64:
        """The likeliest solution's, as `layout` orders them."""
        return self.solutions[0].parameters

    @property
    def parameters_covariance(self) -> Float64:
        """The likeliest solution's."""
        return self.solutions[0].covariance


def fit_ascent(
    rays: Rays,
    at_s: float,
    *,
    start: AscentFit | None = None,
    bias: BiasPrior | None = None,
    ground_height_m: float = 0.0,
    ground_sigma_m: float = GROUND_SIGMA_M,
) -> AscentFit | None:
    """Return the ascent that the lines of sight up to at_s tell of.

    One burn from the launch on; where that does not fit any more, the newest burn from a free state, and the launch of
    the burn before. Later lines of sight than at_s are left out: so a caller who knows of a burnout asks for it.

    start: an earlier fit of the same target with the same epoch: its solutions alone are followed on while they fit.
    Without, the whole bank of profiles is tried, which takes some five times as long, from one direction only some
    thirty times; so it does once there are half as many looks more, in the first YOUNG_S or where nothing fits.
    bias: None takes the sensors for free of bias.

    None with fewer than four lines of sight, or where the first one comes nowhere near the Earth, or no solution is
    finite, or a step of linear algebra fails. From one direction only, the profiles bound what the looks do not tell:
    see the covariances.
    """
    seen = rays.until(at_s)
    if len(seen) < LEAST_RAYS:
        return None
    try:
        return _fitted(seen, at_s, start, bias, Ground(ground_height_m, ground_sigma_m))
    except np.linalg.LinAlgError:
        return None


def _fitted(
    seen: Rays, at_s: float, start: AscentFit | None, bias: BiasPrior | None, ground: Ground
) -> AscentFit | None:
    followed = _followed(seen, at_s, bias, start) if start is not None else None
    if start is not None and followed is not None and not _is_to_search(seen, at_s, start, followed):
        return followed
    searched = _searched(seen, at_s, bias, ground, start)
    if followed is not None and followed.is_fitting and (searched is None or _is_likelier(followed, searched)):
        return replace(followed, searched=len(seen))
    return searched


def _is_to_search(seen: Rays, at_s: float, start: AscentFit, followed: AscentFit) -> bool:
    """Return whether the whole bank is to be tried: it stopped fitting, or there are many more looks than last time."""
    if len(seen) < SEARCH_AGAIN * start.searched:
        return start.is_fitting and not followed.is_fitting
    young = followed.solutions[0].model.from_launch and at_s < float(seen.time_s[0]) + YOUNG_S
    return young or not followed.is_fitting


def _is_likelier(one: AscentFit, other: AscentFit) -> bool:
    return one.solutions[0].log_evidence > other.solutions[0].log_evidence + LIKELIER


def _searched(
    seen: Rays, at_s: float, bias: BiasPrior | None, ground: Ground, start: AscentFit | None
) -> AscentFit | None:
    """Return the best of the bank where one burn fits, else the burn after the start's, else the best that there is."""
    found = search_launch(Problem(seen, at_s, bias), ground)
    if not found:
        return None
    if not is_fitting(found[0], seen):
        before = None
        if start is not None and start.is_fitting:
            fine_s = start.at_s - UNSEEN_S
            before = _followed(seen.until(fine_s), fine_s, bias, start)
        before = before or _longest_that_fits(seen, at_s, bias, ground, found)
        later = next_burn(seen, at_s, bias, before.solutions, before.at_s) if before is not None else []
        if before is not None and later:
            return _stated(later, seen.since(later[0].model.start_s), at_s, before.launch, len(seen))
    return _stated(found, seen, at_s, None, len(seen))


def _followed(seen: Rays, at_s: float, bias: BiasPrior | None, start: AscentFit) -> AscentFit | None:
    """Return an earlier fit's solutions on these looks; None where too few are of its burn."""
    window = seen.since(start.begin_s)
    if len(window) < LEAST_RAYS:
        return None
    found = follow(Problem(window, at_s, bias), start.solutions)
    if not found:
        return None
    launch = None if found[0].model.from_launch else start.launch
    return _stated(found, window, at_s, launch, start.searched)


def _longest_that_fits(
    seen: Rays, at_s: float, bias: BiasPrior | None, ground: Ground, found: Sequence[Solution]
) -> AscentFit | None:
    """Return the fit of one burn from the launch to as many of the first looks as it fits."""
    for cut_s in CUTS_S:
        past = seen.until(at_s - cut_s)
        if len(past) < LEAST_RAYS:
            return None
        problem = Problem(past, at_s - cut_s, bias)
        shorter = follow(problem, found[:2])
        if not shorter or not is_fitting(shorter[0], past):
            shorter = search_launch(problem, ground)
        if shorter and is_fitting(shorter[0], past):
            return _stated(shorter, past, at_s - cut_s, None, len(past))
    return None


def _stated(found: Sequence[Solution], window: Rays, at_s: float, launch: Launch | None, searched: int) -> AscentFit:
    """Return what solutions over a window say; launch: None takes that of the solutions."""
    solutions, share = shares(found, LEAST_SHARE)
    state, covariance = state_of(solutions, share)
    exhaust = np.exp([one.parameters[layout.LOG_EXHAUST] for one in solutions])
    spread = exhaust**2 * [one.covariance[layout.LOG_EXHAUST, layout.LOG_EXHAUST] for one in solutions]
    exhaust_mean, exhaust_variance = moments(exhaust[:, None], spread[:, None, None], share)
    best = solutions[0]
    width, freedom = best.model.width, max(2 * len(window) - len(best.parameters), 1)
    fitting = is_fitting(best, window)
    if launch is None:
        launch = launch_of(solutions, share) if best.model.from_launch else UNKNOWN_LAUNCH
    return AscentFit(
        at_s,
        state,
        covariance * (1.0 if fitting else max(best.chi2 / freedom, 1.0)),
        float(exhaust_mean[0]),
        math.sqrt(float(exhaust_variance[0, 0])),
        launch,
        float(window.time_s[0]) if best.model.from_launch else best.model.start_s,
        best.chi2,
        freedom,
        fitting,
        outdoes_straight_flight(best, window),
        best.parameters[width:].reshape(-1, layout.BIASES),
        best.covariance[width:, width:],
        tuple(solutions),
        share,
        searched,
    )
