"""Writes the table of manners from which classes are told, out of some thousand varied flights.

    python -m bench.warning.learn_classes [--flights 400] [--seed 1]

Mixtures by expectation and maximisation (C. M. Bishop, "Pattern Recognition and Machine Learning" (2006), section
9.2), one for each class and each of its phases: with its engine on, off, and (glide) long after.
"""

import argparse
import json
import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from bench.warning.flights import Flown, Noise, drawn_noise, evidence, flights
from services.ground_station.tracking import manners
from services.ground_station.tracking.snapshot import TargetClass

Float64 = NDArray[np.float64]

# What is expected before anything is known. Unknown: something that is in no table.
PRIORS: dict[TargetClass, float] = {
    "ballistic": 0.42,
    "glide": 0.19,
    "cruise": 0.18,
    "space_launch": 0.19,
    "unknown": 0.02,
}
# Manners of a class by phase: powered, unpowered.
MANNERS: dict[TargetClass, tuple[int, int]] = {
    "ballistic": (10, 8),
    "glide": (6, 10),
    "cruise": (4, 0),
    "space_launch": (8, 4),
}
STATES_A_FLIGHT = 24
# Flights differ from the generic ones by some tenths, and by twice as much: nobody knows by how much.
BREADTHS = (1.0, 2.0)
# States are drawn from here after launch until so long after burnout, some later.
FIRST_S = 8.0
AFTER_BURNOUT_S = 240.0
LATER_PART = 0.25
# Standard deviations below which no manner is believed to hold, feature by feature.
LEAST_SIGMA = np.array([0.08, 0.08, 0.15, 0.08, 0.04, 0.03, 0.02, 0.08, 0.15, 0.15])
ROUNDS = 60
# What nobody has seen spreads so much wider than what is known.
UNKNOWN_SPREAD = 2.0
# Where a feature does not exist (time since launch, boost and lift-off of what flies level) any value is as likely.
BROAD_MEAN = np.array([5.0, 5.0, 2.0])
BROAD_SIGMA = np.array([1.2, 1.2, 1.0])
# A filter that takes level flight for granted has no force in its state, and may state none: the lift of what cruises
# is not always told.
UNSTATED_LIFT = 0.5
TEMPERS = np.linspace(1.0, 3.0, 21)


def state_times(flown: Flown, rng: np.random.Generator, count: int = STATES_A_FLIGHT) -> Float64:
    """Return times after launch, (count,), at which a flight is judged: mostly until some minutes after burnout."""
    end = flown.flight.end_s - 1.0
    early = end if flown.burnout_s is None else min(flown.burnout_s + AFTER_BURNOUT_S, end)
    later = rng.random(count) < LATER_PART
    times: Float64 = np.where(later, rng.uniform(FIRST_S, end, count), rng.uniform(FIRST_S, early, count))
    return times


def main() -> None:
    """Learn, temper on other flights, write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flights", type=int, default=400, help="of each class")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    exact = Noise(0.0, 0.0, 0.0, 0.0, 0.0, launch_seen=True)
    classes: dict[str, dict[str, object]] = {}
    everything = []
    for word, counts in MANNERS.items():
        parts: tuple[list[Float64], list[Float64]] = ([], [])
        for flown in _some(word, options.flights, rng):
            for time_s in state_times(flown, rng).tolist():
                value, variance = manners.features(evidence(flown, time_s, exact, rng))
                missing = ~np.isfinite(variance[:3])
                value[:3][missing] = (BROAD_MEAN + BROAD_SIGMA * rng.standard_normal(3))[missing]
                if word == "cruise" and rng.random() < UNSTATED_LIFT:
                    value[manners.FEATURES.index("lift")] = 0.0
                parts[flown.burnout_s is not None and time_s > flown.burnout_s].append(value)
        everything += parts[0] + parts[1]
        total = len(parts[0]) + len(parts[1])
        found = []
        for part, count in zip(parts, counts, strict=True):
            if count:
                mixture = fit_mixture(np.array(part), count, rng)
                found += [_manner(weight * len(part) / total, mean, spread) for weight, mean, spread in mixture]
        classes[word] = {"prior": PRIORS[word], "manners": found}
    pooled = np.array(everything)
    wide = np.cov(pooled.T) * UNKNOWN_SPREAD**2
    classes["unknown"] = {"prior": PRIORS["unknown"], "manners": [_manner(1.0, pooled.mean(axis=0), wide)]}
    _write(classes, 1.0)
    temper = _best_temper(rng, max(options.flights // 4, 10))
    _write(classes, temper)
    print(f"{sum(map(len, (c['manners'] for c in classes.values())))} manners, temper {temper:.2f}")  # type: ignore[arg-type]


def fit_mixture(values: Float64, count: int, rng: np.random.Generator) -> list[tuple[float, Float64, Float64]]:
    """Return (weight, mean (d,), covariance (d, d)) of `count` normal distributions that fit (n, d) values."""
    scale = np.maximum(values.std(axis=0), LEAST_SIGMA)
    means = values[_spread_out(values / scale, count, rng)]
    covariances = np.repeat(np.diag(scale**2)[None] / 4, count, axis=0)
    weights = np.full(count, 1 / count)
    for _ in range(ROUNDS):
        manners_now = zip(weights, means, covariances, strict=True)
        score = np.stack([math.log(w) + _log_normal(values, m, c) for w, m, c in manners_now])
        part = np.exp(score - np.logaddexp.reduce(score, axis=0))
        mass = part.sum(axis=1) + 1e-9
        weights = mass / mass.sum()
        means = part @ values / mass[:, None]
        for k in range(count):
            offset = values - means[k]
            covariances[k] = (part[k][:, None] * offset).T @ offset / mass[k] + np.diag(LEAST_SIGMA**2)
    return [(float(w), m, c) for w, m, c in zip(weights, means, covariances, strict=True) if w > 1e-3]


def _spread_out(values: Float64, count: int, rng: np.random.Generator) -> list[int]:
    """Return indices of rows far apart; D. Arthur and S. Vassilvitskii, "k-means++" (2007)."""
    chosen = [int(rng.integers(len(values)))]
    nearest = np.full(len(values), np.inf)
    while len(chosen) < count:
        nearest = np.minimum(nearest, ((values - values[chosen[-1]]) ** 2).sum(axis=1))
        chosen.append(int(rng.choice(len(values), p=nearest / nearest.sum())))
    return chosen


def _log_normal(values: Float64, mean: Float64, covariance: Float64) -> Float64:
    lower = np.linalg.cholesky(covariance)
    white = np.linalg.solve(lower, (values - mean).T)
    result: Float64 = -0.5 * (white**2).sum(axis=0) - np.log(np.diag(lower)).sum()
    return result - 0.5 * len(mean) * math.log(2 * math.pi)


def _best_temper(rng: np.random.Generator, count: int) -> float:
    """Return by how much log likelihoods are divided for the best logarithmic score on flights not learnt from."""
    seen, truth = [], []
    words = list(PRIORS)
    for word in MANNERS:
        for flown in _some(word, count, rng):
            for time_s in state_times(flown, rng).tolist():
                found = evidence(flown, time_s, drawn_noise(rng), rng)
                likelihood = manners.log_likelihoods(manners.features(found))
                seen.append(likelihood / manners.youth(found.seen_s))
                truth.append(words.index(word))
    likelihoods, index = np.array(seen), np.array(truth)
    weight = np.array([PRIORS[words[k]] / np.count_nonzero(index == k) for k in index])
    costs = []
    for temper in TEMPERS:
        score = np.log(list(PRIORS.values())) + likelihoods / temper
        score -= np.logaddexp.reduce(score, axis=1, keepdims=True)
        costs.append(-(weight * score[np.arange(len(index)), index]).sum() / weight.sum())
    return float(TEMPERS[int(np.argmin(costs))])


def _some(word: TargetClass, count: int, rng: np.random.Generator) -> Iterator[Flown]:
    sources = [flights(word, rng, breadth=breadth) for breadth in BREADTHS]
    for k in track(range(count), description=word):
        yield next(sources[k % len(sources)])


def _manner(weight: float, mean: Float64, covariance: Float64) -> list[object]:
    lower = covariance[np.tril_indices(len(mean))]
    return [float(f"{weight:.4g}"), [float(f"{x:.5g}") for x in mean], [float(f"{x:.4g}") for x in lower]]


def _write(classes: dict[str, dict[str, object]], temper: float) -> None:
    text = json.dumps({"features": manners.FEATURES, "temper": temper, "classes": classes})
    # A line a manner, so that a difference can be read.
    manners.FILE.write_text(text.replace("[[", "[\n[").replace("]], [", "]],\n[") + "\n", encoding="utf-8")
    manners.reload_table()


if __name__ == "__main__":
    main()
