"""What moves so: class probabilities from height, speed, climb and acceleration.

Each class is described by how its members fly, as normal distributions of a few features; Bayes' rule does the rest.
In the first seconds of a launch the classes hardly differ, and their probabilities say so: a boost-glide vehicle
rises on a missile's booster, and only the slow lift-off of heavy launchers tells them early.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.geometry.ellipsoid import east_north_up, itrs_to_geodetic
from services.ground_station.tracking.snapshot import TargetClass

Float64 = NDArray[np.float64]

# Evidence is tempered: features are not independent from look to look, and the models are coarse.
LARGEST_LOG_RATIO = 8.0

STATIC: dict[TargetClass, float] = {"static_heat": 0.97, "unknown": 0.03}
UNDECIDED: dict[TargetClass, float] = {"unknown": 0.6, "static_heat": 0.4}
MOVES: dict[TargetClass, float] = {"unknown": 0.95, "static_heat": 0.05}


@dataclass(frozen=True)
class Features:
    """How it flies now, and how it lifted off.

    climb_rad: angle of its velocity above the horizontal. acceleration_m_per_s2: change of speed along its velocity,
    averaged over its looks. lift_off_m_per_s2: net acceleration in its first seconds, where it was seen; its sigma.
    """

    height_m: float
    speed_m_per_s: float
    climb_rad: float
    acceleration_m_per_s2: float
    lift_off_m_per_s2: float | None = None
    lift_off_sigma_m_per_s2: float = 0.0


@dataclass(frozen=True)
class Manner:
    """How one class flies: mean and standard deviation of each feature; None: as may be."""

    prior: float
    height_m: tuple[float, float] | None = None
    speed_m_per_s: tuple[float, float] | None = None
    climb_rad: tuple[float, float] | None = None
    acceleration_m_per_s2: tuple[float, float] | None = None
    lift_off_m_per_s2: tuple[float, float] | None = None


# While it rises under power. Lift-off: thrust over weight of 2 to 3.5 for missiles, 1.15 to 1.6 for launchers (user's
# guides of Ariane 5, Atlas V, Falcon 9); climb: steep for minutes.
BOOSTING: dict[TargetClass, Manner] = {
    "ballistic": Manner(0.70, climb_rad=(1.0, 0.45), acceleration_m_per_s2=(20.0, 14.0), lift_off_m_per_s2=(13.0, 4.5)),
    "space_launch": Manner(
        0.20, climb_rad=(1.0, 0.45), acceleration_m_per_s2=(12.0, 9.0), lift_off_m_per_s2=(3.5, 1.8)
    ),
    "glide": Manner(0.10, climb_rad=(0.7, 0.45), acceleration_m_per_s2=(20.0, 14.0), lift_off_m_per_s2=(13.0, 4.5)),
}
# Level flight. Cruise: below 20 km at 200 to 1,000 m/s; glide: 25 to 70 km at 1.5 to 7 km/s (public reports of HTV-2
# and of boost-glide tests).
LEVEL: dict[TargetClass, Manner] = {
    "cruise": Manner(0.45, (3000.0, 6000.0), (350.0, 250.0), (0.0, 0.06), acceleration_m_per_s2=(0.0, 3.0)),
    "glide": Manner(0.45, (45_000.0, 15_000.0), (4000.0, 2000.0), (0.0, 0.08), acceleration_m_per_s2=(-1.5, 3.0)),
}
# Fits anything, none of it well.
UNKNOWN = Manner(0.04, (50_000.0, 150_000.0), (1500.0, 2500.0), (0.5, 1.0), (5.0, 40.0), (10.0, 15.0))


def features(
    position_itrs_m: Float64,
    velocity_itrs_m_per_s: Float64,
    acceleration_itrs_m_per_s2: Float64,
    lift_off_m_per_s2: tuple[float, float] | None,
) -> Features:
    """Return the features of a state, (3,) each; lift-off: (net acceleration, its standard deviation) if seen."""
    latitude, longitude, height = (float(value) for value in itrs_to_geodetic(position_itrs_m))
    up = east_north_up(latitude, longitude)[2]
    speed = float(np.linalg.norm(velocity_itrs_m_per_s))
    along = velocity_itrs_m_per_s / speed if speed > 0 else up
    climb = math.asin(max(-1.0, min(1.0, float(along @ up))))
    net = float(acceleration_itrs_m_per_s2 @ along)
    value, sigma = lift_off_m_per_s2 if lift_off_m_per_s2 is not None else (None, 0.0)
    return Features(height, speed, climb, net, value, sigma)


def class_probability(seen: Features) -> dict[TargetClass, float]:
    """Return the probability of each class for something that moves; they sum to 1."""
    scores: dict[TargetClass, float] = {"unknown": _score(UNKNOWN, seen)}
    for manners in (BOOSTING, LEVEL):
        for word, manner in manners.items():
            score = _score(manner, seen)
            scores[word] = max(scores.get(word, -math.inf), score)
    best = max(scores.values())
    weight = {word: math.exp(max(score - best, -LARGEST_LOG_RATIO)) for word, score in scores.items()}
    total = sum(weight.values())
    moving: dict[TargetClass, float] = {word: value / total for word, value in weight.items()}
    return {**moving, "static_heat": 0.0}


def _score(manner: Manner, seen: Features) -> float:
    """Return the log likelihood of the features under a manner of flying, its prior added."""
    score = math.log(manner.prior)
    pairs = (
        (manner.height_m, UNKNOWN.height_m, seen.height_m, 0.0),
        (manner.speed_m_per_s, UNKNOWN.speed_m_per_s, seen.speed_m_per_s, 0.0),
        (manner.climb_rad, UNKNOWN.climb_rad, seen.climb_rad, 0.0),
        (manner.acceleration_m_per_s2, UNKNOWN.acceleration_m_per_s2, seen.acceleration_m_per_s2, 3.0),
        (manner.lift_off_m_per_s2, UNKNOWN.lift_off_m_per_s2, seen.lift_off_m_per_s2, seen.lift_off_sigma_m_per_s2),
    )
    for stated, anything, value, error in pairs:
        shape = stated or anything
        if value is None or shape is None:
            continue
        mean, spread = shape
        variance = spread**2 + error**2
        score += -((value - mean) ** 2) / (2 * variance) - math.log(variance) / 2
    return score
