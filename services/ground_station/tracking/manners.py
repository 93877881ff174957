"""How each class flies: mixtures of normal distributions of a few features, and what a feature vector says of them.

The table beside this file is written by `python -m bench.warning.learn_classes`.
"""

import functools
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numba import njit
from numpy.typing import NDArray

from services.geometry.ellipsoid import SEMI_MAJOR_M

if TYPE_CHECKING:
    from services.ground_station.tracking.classify import FlightEvidence
    from services.ground_station.tracking.snapshot import TargetClass

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

FILE = Path(__file__).with_name("manners.json")
# In the order of the feature vector.
FEATURES = (
    "time_since_launch",
    "boost",
    "lift_off",
    "height",
    "speed",
    "climb",
    "perigee",
    "apogee",
    "along",
    "lift",
)
# Logarithms begin at these: below them, differences tell classes no more apart.
TIME_SCALE_S = 10.0
HEIGHT_SCALE_M = 3_000.0
SPEED_SCALE_M_PER_S = 50.0
APOGEE_SCALE_M = 10_000.0
FORCE_SCALE_M_PER_S2 = 3.0
LEAST_LIFT_OFF_M_PER_S2 = 0.5
# A track's errors are those that it states once it has been seen for some times as long as this.
YOUNG_S = 3.0
SHORTEST_S = 1.0
# Error of a feature that is not known.
UNKNOWN = math.inf


def features(evidence: "FlightEvidence") -> tuple[Float64, Float64]:
    """Return the feature vector, in the order of FEATURES, and its variances; infinite: not known, or no number."""
    value = np.zeros(len(FEATURES))
    sigma = np.full(len(FEATURES), UNKNOWN)
    if evidence.time_since_launch_s is not None:
        since = max(evidence.time_since_launch_s, 0.0) + TIME_SCALE_S
        value[0], sigma[0] = math.log(since), evidence.time_since_launch_sigma_s / since
    if evidence.boost_s is not None:
        boost = max(evidence.boost_s, 0.0) + TIME_SCALE_S
        value[1], sigma[1] = math.log(boost), evidence.time_since_launch_sigma_s / boost
    if evidence.lift_off_m_per_s2 is not None:
        lift_off = max(evidence.lift_off_m_per_s2, LEAST_LIFT_OFF_M_PER_S2)
        value[2], sigma[2] = math.log(lift_off), evidence.lift_off_sigma_m_per_s2 / lift_off
    height = max(evidence.height_m, 0.0) + HEIGHT_SCALE_M
    speed = evidence.speed_m_per_s + SPEED_SCALE_M_PER_S
    apogee = max(evidence.apogee_m, 0.0) + APOGEE_SCALE_M
    value[3], sigma[3] = math.log(height), evidence.height_sigma_m / height
    value[4], sigma[4] = math.log(speed), evidence.speed_sigma_m_per_s / speed
    value[5], sigma[5] = evidence.climb_rad, evidence.climb_sigma_rad
    value[6], sigma[6] = 1 + evidence.perigee_m / SEMI_MAJOR_M, evidence.perigee_sigma_m / SEMI_MAJOR_M
    value[7], sigma[7] = math.log(apogee), evidence.apogee_sigma_m / apogee
    for k, force in ((8, evidence.along_m_per_s2), (9, evidence.lift_m_per_s2)):
        if force is not None:
            slope = 1 / math.hypot(force, FORCE_SCALE_M_PER_S2)
            value[k] = math.asinh(force / FORCE_SCALE_M_PER_S2)
            sigma[k] = evidence.force_sigma_m_per_s2 * slope
    # What is no number is not known.
    lost = ~np.isfinite(value) | np.isnan(sigma)
    value[lost], sigma[lost] = 0.0, UNKNOWN
    return value, sigma**2


def probabilities(seen: tuple[Float64, Float64], seen_s: float) -> "dict[TargetClass, float]":
    """Return the probability of each moving class for a feature vector and its variances; they sum to 1.

    seen_s: for how long its track has been seen.
    """
    table = _table()
    score = table.log_prior + log_likelihoods(seen) / (table.temper * youth(seen_s))
    weight = np.exp(score - score.max())
    weight /= weight.sum()
    return dict(zip(table.words, weight.tolist(), strict=True))


def log_likelihoods(seen: tuple[Float64, Float64]) -> Float64:
    """Return the log likelihood of a feature vector under each class of the table, in its order."""
    table = _table()
    found: Float64 = mixture_log_likelihoods(*seen, table.log_weight, table.mean, table.covariance, table.of_class)
    return found


def youth(seen_s: float) -> float:
    """Return by how much less the evidence of a young track counts: its errors are not yet those that it states."""
    return 1 + YOUNG_S / max(seen_s, SHORTEST_S)


def reload_table() -> None:
    """Read the file again at the next call."""
    _table.cache_clear()


@njit(
    "float64[::1](float64[::1], float64[::1], float64[::1], float64[:, ::1], float64[:, :, ::1], int64[::1])",
    cache=True,
)
def mixture_log_likelihoods(
    value: Float64, variance: Float64, log_weight: Float64, mean: Float64, covariance: Float64, of_class: Int64
) -> Float64:
    """Return the log likelihood of a feature vector under each class's mixture, (classes,).

    value, variance: (d,) with the variance infinite where the feature is not known: it is then left out. log_weight
    (k,), mean (k, d), covariance (k, d, d): of the manners; the vector's variance is added to the covariance.
    of_class: (k,) whose manner it is; ascending, from 0, without gaps.
    """
    known = np.flatnonzero(np.isfinite(variance))
    n = len(known)
    lower = np.empty((n, n))
    white = np.empty(n)
    score = np.empty(len(log_weight))
    for k in range(len(log_weight)):
        total = log_weight[k]
        # Cholesky's lower factor row by row, and the whitened offset with it.
        for i in range(n):
            a = known[i]
            rest = value[a] - mean[k, a]
            for j in range(i + 1):
                b = known[j]
                left = covariance[k, a, b]
                if i == j:
                    left += variance[a]
                for m in range(j):
                    left -= lower[i, m] * lower[j, m]
                if i == j:
                    lower[i, i] = math.sqrt(max(left, 1e-12))
                else:
                    lower[i, j] = left / lower[j, j]
                    rest -= lower[i, j] * white[j]
            white[i] = rest / lower[i, i]
            total -= 0.5 * white[i] * white[i] + math.log(lower[i, i])
        score[k] = total - 0.5 * n * math.log(2 * math.pi)
    found = np.full(of_class[-1] + 1, -math.inf)
    for k in range(len(score)):
        found[of_class[k]] = np.logaddexp(found[of_class[k]], score[k])
    return found


@dataclass(frozen=True)
class _Table:
    """The file's content: classes in order with the logarithm of their priors; manners of all, class by class."""

    words: "tuple[TargetClass, ...]"
    log_prior: Float64
    temper: float
    log_weight: Float64
    mean: Float64
    covariance: Float64
    of_class: Int64


@functools.lru_cache(maxsize=1)
def _table() -> _Table:
    record = json.loads(FILE.read_text(encoding="utf-8"))
    size = len(FEATURES)
    rows, columns = np.tril_indices(size)
    weights, means, covariances, of_class = [], [], [], []
    for index, manner in enumerate(record["classes"].values()):
        for weight, mean, lower in manner["manners"]:
            covariance = np.zeros((size, size))
            covariance[rows, columns] = covariance[columns, rows] = lower
            weights.append(math.log(weight))
            means.append(mean)
            covariances.append(covariance)
            of_class.append(index)
    return _Table(
        tuple(record["classes"]),
        np.log([manner["prior"] for manner in record["classes"].values()]),
        float(record["temper"]),
        np.array(weights),
        np.array(means),
        np.array(covariances),
        np.array(of_class, dtype=np.int64),
    )
