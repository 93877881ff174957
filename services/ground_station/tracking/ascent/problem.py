"""One least-squares fit of one model under one prior, and how well it does."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.ground_station.tracking.ascent import layout
from services.ground_station.tracking.ascent.kernels.solve import fit
from services.ground_station.tracking.ascent.profiles import Freedom
from services.ground_station.tracking.ascent.rays import BiasPrior, Rays

Float64 = NDArray[np.float64]

# Rounds of least squares: some three from where the look before left it, ten from a profile.
ROUNDS = 25
# The most that a step may change each parameter by, as in `layout`: beyond, the model bends too much.
LAUNCH_STEPS = np.array([2e5, 2e5, 1e3, 10.0, 0.5, 0.4, 0.2, 0.15, 1.0, 0.1, 0.4, 0.4])
STATE_STEPS = np.array([2e4, 2e4, 2e4, 1e3, 1e3, 1e3, 0.2, 0.15, 1.0, 0.1])
DEVIATION_STEP_RAD = 0.2
BIAS_STEPS = np.array([1e-2, 1e-2, 1e-2, 0.2])


@dataclass(frozen=True)
class Model:
    """Which ascent, off which reference, with how many knots of deviations at which distance."""

    from_launch: bool
    # Latitude and longitude (rad) near the launch; or a place (ITRS, m) and its east, north and up: (12,).
    reference: Float64
    knots: int
    knot_s: float
    # When the model from a state begins.
    start_s: float = math.nan

    @property
    def width(self) -> int:
        """How many parameters it has, biases aside."""
        return (layout.LAUNCH_KNOTS if self.from_launch else layout.STATE_KNOTS) + 2 * self.knots


@dataclass(frozen=True)
class Prior:
    """Mean (P,) and precision (P, P) of a model's parameters; whose profile, and how far the thrust may leave it."""

    name: str
    freedom: Freedom
    mean: Float64
    precision: Float64
    # Of the precision's determinant.
    log_determinant: float

    @staticmethod
    def of(name: str, freedom: Freedom, mean: Float64, precision: Float64) -> "Prior":
        """Return the prior of this mean and precision."""
        return Prior(name, freedom, mean, precision, float(np.linalg.slogdet(precision)[1]))


@dataclass(frozen=True)
class Solution:
    """The least cost found. parameters: (M,), the model's and then 4 biases a sensor; covariance (M, M)."""

    model: Model
    prior: Prior
    parameters: Float64
    covariance: Float64
    # Position, velocity, specific force at the instant asked for, ITRS; (9, M) their slopes over the parameters.
    state_itrs: Float64
    slopes: Float64
    # Across each line of sight, in standard deviations: (n, 2), in order of time.
    misses: Float64
    cost: float
    chi2: float
    rounds: int
    settled: bool
    # Log of the evidence, but for what all models share: Laplace's approximation.
    log_evidence: float


class Problem:
    """Lines of sight laid out for the kernels, once for all models."""

    def __init__(self, rays: Rays, at_s: float, bias: BiasPrior | None) -> None:
        """rays: in order of time, none after at_s.

        Raises ValueError for a prior of fewer sensors than the rays have.
        """
        if bias is not None and len(bias.mean) < rays.sensors:
            raise ValueError(
                f"bias: prior of {len(bias.mean)} sensors for rays of {rays.sensors}; give one row a sensor"
            )
        self.rays = rays
        self.at_s = at_s
        self.sensors = len(bias.mean) if bias is not None else 0
        self._across = rays.across()
        self._bias = bias
        self._drift = rays.drift_itrs_m_per_s() if bias is not None else np.zeros_like(rays.origin_itrs_m)

    def solve(self, model: Model, prior: Prior, begin: Float64, rounds: int = ROUNDS) -> Solution | None:
        """Return the solution from where to begin ((P,) or with biases (M,)); None where no step could be computed."""
        size = model.width + layout.BIASES * self.sensors
        mean, precision, steps = np.zeros(size), np.zeros((size, size)), np.empty(size)
        mean[: model.width], precision[: model.width, : model.width] = prior.mean, prior.precision
        basic = LAUNCH_STEPS if model.from_launch else STATE_STEPS
        steps[: len(basic)], steps[len(basic) : model.width] = basic, DEVIATION_STEP_RAD
        steps[model.width :] = np.tile(BIAS_STEPS, self.sensors)
        start = mean.copy()
        if self._bias is not None:
            biases = np.arange(model.width, size)
            mean[biases], precision[biases, biases] = self._bias.mean.ravel(), self._bias.sigma.ravel() ** -2
            start[biases] = mean[biases]
        start[: len(begin)] = begin
        best, covariance = start.copy(), np.zeros((size, size))
        output, slopes, figures = np.zeros(12), np.zeros((9, size)), np.full(4, math.inf)
        misses = np.zeros((len(self.rays), 2))
        rays = self.rays
        settled = fit(
            start, model.reference, model.from_launch, model.knots, model.knot_s, mean, precision,
            float(rays.time_s[0]), steps,
            rays.time_s, rays.origin_itrs_m, self._drift, self._across, rays.sigma_rad, rays.sensor, self.sensors,
            self.at_s, model.start_s, rounds, best, covariance, output, slopes, misses, figures,
        )  # fmt: skip
        cost, chi2, log_determinant, used = figures.tolist()
        if not (math.isfinite(cost) and np.isfinite(covariance).all() and np.isfinite(output[:9]).all()):
            return None
        evidence = (prior.log_determinant - log_determinant - cost) / 2
        return Solution(
            model, prior, best, covariance, output[:9], slopes, misses, cost, chi2, int(used), bool(settled), evidence
        )
