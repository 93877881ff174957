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
from services.ground_station.tracking.flight_kernels import (
    ALONG,
    APOGEE,
    APOGEE_SIGMA,
    BOOST,
    CLIMB,
    CLIMB_SIGMA,
    FORCE_SIGMA,
    HEIGHT,
    HEIGHT_SIGMA,
    LIFT,
    LIFT_OFF,
    LIFT_OFF_SIGMA,
    PERIGEE,
    PERIGEE_SIGMA,
    SEEN,
    SINCE_LAUNCH,
    SINCE_LAUNCH_SIGMA,
    SPEED,
    SPEED_SIGMA,
    STATIC,
)

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
    value, variance = np.empty(len(FEATURES)), np.empty(len(FEATURES))
    write_features(evidence.row(), value, variance)
    return value, variance


def probabilities(evidence: Float64) -> "tuple[tuple[TargetClass, ...], Float64]":
    """Return the moving classes, and the probability of each for rows of evidence (n, EVIDENCE).

    (n, classes + 1), last that it stays; rows sum to 1. A state that is no number is of unknown class.
    """
    table = _table()
    probability = np.empty((len(evidence), len(table.words) + 1))
    write_probabilities(
        evidence,
        table.log_prior,
        table.temper,
        table.log_weight,
        table.mean,
        table.covariance,
        table.of_class,
        table.words.index("unknown"),
        probability,
    )
    return table.words, probability


def log_likelihoods(seen: tuple[Float64, Float64]) -> Float64:
    """Return the log likelihood of a feature vector under each class of the table, in its order."""
    table = _table()
    found: Float64 = mixture_log_likelihoods(*seen, table.log_weight, table.mean, table.covariance, table.of_class)
    return found


def reload_table() -> None:
    """Read the file again at the next call."""
    _table.cache_clear()


@njit("float64(float64)", cache=True)
def youth(seen_s: float) -> float:
    """Return by how much less the evidence of a young track counts: its errors are not yet those that it states."""
    return 1.0 + YOUNG_S / max(seen_s, SHORTEST_S)


@njit("float64(float64, float64)", cache=True)
def _at_least(value: float, least: float) -> float:
    """Return the greater of both; what is not known stays so."""
    return least if value < least else value


@njit("void(float64[::1], float64[::1], float64[::1])", cache=True)
def write_features(evidence: Float64, value: Float64, variance: Float64) -> None:
    """Write the feature vector of a row of evidence and its variances, as `features` has them."""
    since = _at_least(evidence[SINCE_LAUNCH], 0.0) + TIME_SCALE_S
    boost = _at_least(evidence[BOOST], 0.0) + TIME_SCALE_S
    lift_off = _at_least(evidence[LIFT_OFF], LEAST_LIFT_OFF_M_PER_S2)
    height, speed = _at_least(evidence[HEIGHT], 0.0) + HEIGHT_SCALE_M, evidence[SPEED] + SPEED_SCALE_M_PER_S
    apogee = _at_least(evidence[APOGEE], 0.0) + APOGEE_SCALE_M
    value[0], variance[0] = math.log(since), evidence[SINCE_LAUNCH_SIGMA] / since
    value[1], variance[1] = math.log(boost), evidence[SINCE_LAUNCH_SIGMA] / boost
    value[2], variance[2] = math.log(lift_off), evidence[LIFT_OFF_SIGMA] / lift_off
    value[3], variance[3] = math.log(height), evidence[HEIGHT_SIGMA] / height
    value[4], variance[4] = math.log(speed), evidence[SPEED_SIGMA] / speed
    value[5], variance[5] = evidence[CLIMB], evidence[CLIMB_SIGMA]
    value[6], variance[6] = 1.0 + evidence[PERIGEE] / SEMI_MAJOR_M, evidence[PERIGEE_SIGMA] / SEMI_MAJOR_M
    value[7], variance[7] = math.log(apogee), evidence[APOGEE_SIGMA] / apogee
    for k, force in ((8, evidence[ALONG]), (9, evidence[LIFT])):
        value[k] = math.asinh(force / FORCE_SCALE_M_PER_S2)
        variance[k] = evidence[FORCE_SIGMA] / math.hypot(force, FORCE_SCALE_M_PER_S2)
    for k in range(len(value)):
        # What is no number is not known.
        if not math.isfinite(value[k]) or math.isnan(variance[k]):
            value[k], variance[k] = 0.0, UNKNOWN
        variance[k] *= variance[k]


@njit(
    "float64[::1](float64[::1], float64[::1], float64[::1], float64[:, ::1], float64[:, :, ::1], int64[::1])",
    error_model="numpy",
    cache=True,
)
def mixture_log_likelihoods(
    value: Float64, variance: Float64, log_weight: Float64, mean: Float64, covariance: Float64, of_class: Int64
) -> Float64:
    """Return the log likelihood of a feature vector under each class's mixture, (classes,).

    value, variance: (d,) with the variance infinite where the feature is not known: it is then left out. log_weight
    (k,), mean (d, k), covariance (d, d, k): of the manners; the vector's variance is added to the covariance.
    of_class: (k,) whose manner it is; ascending, from 0, without gaps.
    """
    known = np.flatnonzero(np.isfinite(variance))
    n, manners = len(known), len(log_weight)
    # Cholesky's lower factors row by row, and the whitened offsets with them; manners lie side by side, so that the
    # innermost loops take several at a time.
    lower = np.empty((n, n, manners))
    white = np.empty((n, manners))
    left = np.empty(manners)
    score = log_weight - 0.5 * n * math.log(2.0 * math.pi)
    for i in range(n):
        a = known[i]
        for k in range(manners):
            white[i, k] = value[a] - mean[a, k]
        for j in range(i + 1):
            added = variance[a] if i == j else 0.0
            for k in range(manners):
                left[k] = covariance[a, known[j], k] + added
            for m in range(j):
                for k in range(manners):
                    left[k] -= lower[i, m, k] * lower[j, m, k]
            if i == j:
                for k in range(manners):
                    lower[i, i, k] = math.sqrt(max(left[k], 1e-12))
                    white[i, k] /= lower[i, i, k]
                    score[k] -= 0.5 * white[i, k] * white[i, k] + math.log(lower[i, i, k])
            else:
                for k in range(manners):
                    lower[i, j, k] = left[k] / lower[j, j, k]
                    white[i, k] -= lower[i, j, k] * white[j, k]
    found = np.full(of_class[-1] + 1, -math.inf)
    for k in range(len(score)):
        found[of_class[k]] = np.logaddexp(found[of_class[k]], score[k])
    return found


@njit(
    "void(float64[:, ::1], float64[::1], float64, float64[::1], float64[:, ::1], float64[:, :, ::1], int64[::1], int64,"
    " float64[:, ::1])",
    cache=True,
)
def write_probabilities(
    evidence: Float64,
    log_prior: Float64,
    temper: float,
    log_weight: Float64,
    mean: Float64,
    covariance: Float64,
    of_class: Int64,
    unknown: int,
    probability: Float64,
) -> None:
    """Write for rows of evidence what `probabilities` returns; unknown: the place of the class of what is no number."""
    classes = len(log_prior)
    value, variance = np.empty(len(mean)), np.empty(len(mean))
    for k in range(len(evidence)):
        if not (math.isfinite(evidence[k, HEIGHT]) and math.isfinite(evidence[k, SPEED])):
            probability[k] = 0.0
            probability[k, unknown] = 1.0
            continue
        write_features(evidence[k], value, variance)
        likelihood = mixture_log_likelihoods(value, variance, log_weight, mean, covariance, of_class)
        score = log_prior + likelihood / (temper * youth(evidence[k, SEEN]))
        weight = np.exp(score - score.max())
        probability[k, :classes] = weight / weight.sum() * (1.0 - evidence[k, STATIC])
        probability[k, classes] = evidence[k, STATIC]


@dataclass(frozen=True)
class _Table:
    """The file's content: classes in order with the logarithm of their priors; manners of all, class by class.

    log_weight (k,), mean (d, k), covariance (d, d, k), of_class (k,): as mixture_log_likelihoods takes them.
    """

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
        np.ascontiguousarray(np.transpose(means)),
        np.ascontiguousarray(np.transpose(covariances)),
        np.array(of_class, dtype=np.int64),
    )
