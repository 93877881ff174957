"""What several solutions say together, each with its share: the moments of their mixture."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.geometry.ellipsoid import east_north_up, itrs_to_geodetic
from services.ground_station.tracking.ascent import layout
from services.ground_station.tracking.ascent.kernels.flight import begin_at_launch
from services.ground_station.tracking.ascent.problem import Solution

Float64 = NDArray[np.float64]

# Solutions of one prior closer than this, in standard deviations of launch place, time and heading, are one.
SAME_SIGMA = 0.5
# A heading with a larger standard deviation is not known; and how far a rocket may then lean, rad.
HEADING_UNKNOWN_RAD = 1.0
UNSEEN_LEAN_RAD = 0.06
# More solutions are not followed.
MOST = 4
# Variances whose ratio's logarithm is below this are as good as equal.
ALIKE = 0.4


@dataclass(frozen=True)
class Launch:
    """When (since the epoch), where (ITRS; covariance east and north, m^2) and whereto; NaN where not known."""

    time_s: float
    time_sigma_s: float
    itrs_m: Float64
    covariance_m2: Float64
    heading_rad: float
    heading_sigma_rad: float


UNKNOWN_LAUNCH = Launch(math.nan, math.nan, np.full(3, math.nan), np.full((2, 2), math.nan), math.nan, math.nan)


def shares(found: Sequence[Solution], least: float) -> tuple[list[Solution], Float64]:
    """Return the different solutions that have at least a share, likeliest first, and their shares (k,).

    Solutions that say the same by different priors stand as one for all. The likeliest of each freedom is kept with
    whatever share it has: later looks may need it.
    """
    different: list[Solution] = []
    for one in sorted(found, key=lambda one: -one.log_evidence):
        if not any(same(one, other) for other in different):
            different.append(one)
    share = np.exp([one.log_evidence - different[0].log_evidence for one in different])
    kept: list[int] = []
    for k, one in enumerate(different):
        alike = next((j for j in kept if _alike(one, different[j])), None)
        if alike is not None:
            share[alike] += share[k]
        elif (share[k] >= least and len(kept) < MOST) or all(
            one.prior.freedom != different[j].prior.freedom for j in kept
        ):
            kept.append(k)
    return [different[k] for k in kept], share[kept] / share[kept].sum()


def same(one: Solution, other: Solution) -> bool:
    """Return whether two solutions are one: of one prior and about the same launch."""
    if (one.prior.name, one.prior.freedom) != (other.prior.name, other.prior.freedom):
        return False
    which = [layout.EAST, layout.NORTH, layout.LAUNCH_TIME, layout.HEADING]
    return bool((np.abs(_apart(one, other)[which]) < SAME_SIGMA).all())


def _alike(one: Solution, other: Solution) -> bool:
    """Return whether two solutions of different priors say the same of all parameters, now and so for ever."""
    if one.prior.freedom != other.prior.freedom or one.model.width != other.model.width:
        return False
    ratio = np.diag(one.covariance) / np.diag(other.covariance)
    width = layout.LAUNCH_KNOTS
    return bool(
        (np.abs(_apart(one, other)[:width]) < SAME_SIGMA).all() and (np.abs(np.log(ratio[:width])) < ALIKE).all()
    )


def _apart(one: Solution, other: Solution) -> Float64:
    """Return how far apart the parameters common to two solutions are, in standard deviations of the first."""
    width = min(len(one.parameters), len(other.parameters))
    apart = one.parameters[:width] - other.parameters[:width]
    if one.model.from_launch:
        apart[layout.HEADING] = math.remainder(apart[layout.HEADING], 2 * math.pi)
    return apart / np.sqrt(np.diag(one.covariance)[:width])


def moments(means: Float64, covariances: Float64, share: Float64) -> tuple[Float64, Float64]:
    """Return mean (n,) and covariance (n, n) of a mixture of means (k, n) and covariances (k, n, n)."""
    mean = share @ means
    off = means - mean
    covariance = np.einsum("k,kij->ij", share, covariances) + np.einsum("k,ki,kj->ij", share, off, off)
    return mean, covariance


def state_of(solutions: Sequence[Solution], share: Float64) -> tuple[Float64, Float64]:
    """Return mean (9,) and covariance (9, 9) of position, velocity and specific force, ITRS."""
    covariances = [one.slopes @ one.covariance @ one.slopes.T + _unseen_lean(one) for one in solutions]
    return moments(np.array([one.state_itrs for one in solutions]), np.array(covariances), share)


def _unseen_lean(solution: Solution) -> Float64:
    """Return the covariance (9, 9) of what a rocket that still stands straight may lean without having been seen to.

    Its slopes know nothing of a lean that begins later than now; zero once the heading is known.
    """
    model, state = solution.model, solution.state_itrs
    if not model.from_launch or solution.covariance[layout.HEADING, layout.HEADING] < HEADING_UNKNOWN_RAD**2:
        return np.zeros((9, 9))
    latitude, longitude, height = (float(value) for value in itrs_to_geodetic(state[:3]))
    level = east_north_up(latitude, longitude)[:2]
    # The way aside grows as a third of the lean's at the end, and all three together.
    aside = UNSEEN_LEAN_RAD * np.array([height / 3, np.linalg.norm(state[3:6]), np.linalg.norm(state[6:9])])
    return np.kron(np.outer(aside, aside), level.T @ level) + np.kron(np.diag(aside**2) * 1e-3, np.eye(3))


def launch_of(solutions: Sequence[Solution], share: Float64) -> Launch:
    """Return the launch that solutions from a launch with one reference say together."""
    nan = math.nan
    rows = [_launch_rows(one) for one in solutions]
    means = np.array([row @ one.parameters for row, one in zip(rows, solutions, strict=True)])
    # Headings beside the likeliest one's.
    means[:, 4] = means[0, 4] + np.array([math.remainder(one - means[0, 4], 2 * math.pi) for one in means[:, 4]])
    covariances = np.array([row @ one.covariance @ row.T for row, one in zip(rows, solutions, strict=True)])
    mean, covariance = moments(means, covariances, share)
    place = _place(solutions[0].model.reference, mean[:3])
    heading_sigma = math.sqrt(float(covariance[4, 4]))
    known = heading_sigma < math.pi / 2
    return Launch(
        float(mean[3]),
        math.sqrt(float(covariance[3, 3])),
        place,
        covariance[:2, :2],
        float(mean[4]) % (2 * math.pi) if known else nan,
        heading_sigma if known else nan,
    )


def _launch_rows(solution: Solution) -> Float64:
    """Return (5, M): east, north, up, launch time and heading of the parameters.

    The heading is that of a rocket of the family, which keeps to its plane: where the thrust turned out of the plane,
    the one that would have led to the present way over the ground.
    """
    rows = np.zeros((5, len(solution.parameters)))
    which = [layout.EAST, layout.NORTH, layout.UP, layout.LAUNCH_TIME, layout.HEADING]
    rows[np.arange(5), which] = 1.0
    model = solution.model
    turns = np.arange(layout.LAUNCH_KNOTS + model.knots, layout.LAUNCH_KNOTS + 2 * model.knots)
    latitude, longitude, _ = (float(value) for value in itrs_to_geodetic(solution.state_itrs[:3]))
    east, north, _ = east_north_up(latitude, longitude)
    velocity = solution.state_itrs[3:6]
    right = (velocity @ north) * east - (velocity @ east) * north
    sideways = right @ solution.slopes[3:6]
    if sideways[layout.HEADING] > 0:
        rows[4, turns] = sideways[turns] / sideways[layout.HEADING]
    return rows


def _place(reference: Float64, east_north_up_m: Float64) -> Float64:
    """Return the place (3,), ITRS, of a launch off its reference."""
    x, state = np.zeros(layout.LAUNCH_KNOTS), np.zeros(6)
    x[layout.EAST : layout.UP + 1] = east_north_up_m
    begin_at_launch(x, reference, np.zeros((4, 3)), state, np.zeros((6, len(x))), np.zeros(3))
    return state[:3]
