"""What rockets do on their way up: generic profiles as priors of an ascent's parameters.

Values round off the generic classes of `services/scenario/references.toml`; thrust to weight, exhaust speeds and pitch
manoeuvres as in G. P. Sutton and O. Biblarz, "Rocket Propulsion Elements", 9th ed., tables 4-1 and 12-1.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.ground_station.tracking.ascent import layout

Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class Profile:
    """A generic rocket: the middle of what its class does."""

    name: str
    # Specific thrust in vacuum at launch, and exhaust speed.
    thrust_m_per_s2: float
    exhaust_m_per_s: float
    # When it begins to lean, and how far it leans before it follows its way.
    pitch_over_s: float
    kick_rad: float
    # Drag coefficient times area over the mass at launch.
    drag_m2_per_kg: float
    # Part of the thrust that sea level's pressure takes.
    nozzle: float
    nozzle_sigma: float


BANK = (
    Profile("short range", 23.0, 2350.0, 7.0, math.radians(26.0), 3.3e-5, 0.04, 0.04),
    Profile("solid", 28.5, 2700.0, 4.5, math.radians(34.0), 2.8e-5, 0.105, 0.015),
    Profile("heavy liquid", 18.5, 2750.0, 9.5, math.radians(14.0), 1.6e-5, 0.11, 0.015),
    Profile("launcher", 15.8, 2940.0, 10.0, math.radians(3.5), 1.8e-5, 0.105, 0.015),
)
# How far rockets of one class differ: standard deviations of the logarithms.
THRUST_SIGMA = 0.15
EXHAUST_SIGMA = 0.10
PITCH_OVER_SIGMA = 0.4
KICK_SIGMA = 0.4
DRAG_SIGMA = 0.4
# A slow turn, rad/s.
KICK_RATE_RAD_PER_S = math.radians(2.0)


@dataclass(frozen=True)
class Freedom:
    """How far a rocket may leave the family: standard deviations about it.

    Deviations of the thrust's direction in the plane are correlated over `lasting_s`, as exp(-dt / lasting_s); out of
    it they begin with `first_turn_rad` and walk at random.
    """

    name: str
    kick_rate_sigma: float
    in_plane_rad: float
    first_turn_rad: float
    turning_rad_per_root_s: float
    lasting_s: float


TIGHT = Freedom("family", 0.02, 0.0, 0.0, 0.0, 1.0)
LOOSE = Freedom("free", 0.3, 0.1, 3e-4, 0.001, 40.0)
# Later burns: along the way, and steered off it as upper stages are on their way into an orbit. These set out up to a
# radian above or below their way over the ground, and beside it as the Earth turns below; then they turn slowly.
STATE_FREEDOMS = (
    Freedom("along its way", 0.0, 0.0, 0.0, 0.0, 1.0),
    Freedom("steered", 0.0, 0.5, 0.2, 0.003, 400.0),
)
# Specific thrust of any stage at any time, and what else a stage is: means and standard deviations of the logarithms.
ANY_THRUST, ANY_THRUST_SIGMA = math.log(30.0), 0.6
ANY_EXHAUST, ANY_EXHAUST_SIGMA = math.log(2850.0), 0.12
ANY_DRAG, ANY_DRAG_SIGMA = math.log(4e-5), 0.7
ANY_NOZZLE, ANY_NOZZLE_SIGMA = 0.2, 0.1
# Deviations' knots are at first this far apart, and at most so many: a longer flight has them twice as far apart, or
# four times, and so on.
KNOT_S = 10.0
MOST_KNOTS = 12
# Where on the Earth, when and whereto is not known beforehand: as good as flat, and the same for all.
ANYWHERE_M = 1e6
ANY_TIME_S = 1e3
ANY_HEADING_RAD = 10.0


def launch_prior(
    profile: Profile, freedom: Freedom, ground_m: float, ground_sigma_m: float, time_s: float, knots: int, knot_s: float
) -> tuple[Float64, Float64]:
    """Return mean (P,) and precision (P, P) of the parameters of an ascent from its launch.

    time_s: some time about the launch.
    """
    first = layout.LAUNCH_KNOTS
    mean, sigma = np.zeros(first), np.zeros(first)
    entries = {
        layout.EAST: (0.0, ANYWHERE_M),
        layout.NORTH: (0.0, ANYWHERE_M),
        layout.UP: (ground_m, ground_sigma_m),
        layout.LAUNCH_TIME: (time_s, ANY_TIME_S),
        layout.HEADING: (0.0, ANY_HEADING_RAD),
        layout.LOG_PITCH_OVER: (math.log(profile.pitch_over_s), PITCH_OVER_SIGMA),
        layout.LOG_THRUST: (math.log(profile.thrust_m_per_s2), THRUST_SIGMA),
        layout.LOG_EXHAUST: (math.log(profile.exhaust_m_per_s), EXHAUST_SIGMA),
        layout.LOG_DRAG: (math.log(profile.drag_m2_per_kg), DRAG_SIGMA),
        layout.NOZZLE: (profile.nozzle, profile.nozzle_sigma),
        layout.LOG_KICK: (math.log(profile.kick_rad), KICK_SIGMA),
        layout.LOG_KICK_RATE: (math.log(KICK_RATE_RAD_PER_S), freedom.kick_rate_sigma),
    }
    for place, (middle, spread) in entries.items():
        mean[place], sigma[place] = middle, spread
    return with_deviations(mean, np.diag(1 / sigma**2), freedom, knots, knot_s)


def state_prior(
    freedom: Freedom, velocity_m_per_s: Float64, covariance: Float64, knots: int, knot_s: float
) -> tuple[Float64, Float64]:
    """Return mean (P,) and precision (P, P) of the parameters of a burn from a state at the reference.

    velocity_m_per_s: (3,) and covariance: (6, 6) of place and velocity, east, north, up.
    """
    first = layout.STATE_KNOTS
    mean, precision = np.zeros(first), np.zeros((first, first))
    mean[layout.VELOCITY : layout.VELOCITY + 3] = velocity_m_per_s
    precision[:6, :6] = np.linalg.inv(covariance)
    entries = {
        layout.LOG_THRUST: (ANY_THRUST, ANY_THRUST_SIGMA),
        layout.LOG_EXHAUST: (ANY_EXHAUST, ANY_EXHAUST_SIGMA),
        layout.LOG_DRAG: (ANY_DRAG, ANY_DRAG_SIGMA),
        layout.NOZZLE: (ANY_NOZZLE, ANY_NOZZLE_SIGMA),
    }
    for place, (middle, spread) in entries.items():
        mean[place], precision[place, place] = middle, spread**-2
    return with_deviations(mean, precision, freedom, knots, knot_s)


def knots_over(span_s: float) -> tuple[int, float]:
    """Return how many knots the deviations of a flight of some length have, the last not before its end; how far apart.

    Steering that goes on after the last knot would have nothing to explain it but thrust and place.
    """
    doublings = math.ceil(math.log2(max(span_s / ((MOST_KNOTS - 1) * KNOT_S), 1.0)))
    apart_s = KNOT_S * 2.0**doublings
    return max(math.ceil(span_s / apart_s) + 1, 2), apart_s


def with_deviations(
    mean: Float64, precision: Float64, freedom: Freedom, knots: int, knot_s: float
) -> tuple[Float64, Float64]:
    """Return the prior with the deviations' knots behind the parameters."""
    first = len(mean)
    whole = np.zeros((first + 2 * knots, first + 2 * knots))
    whole[:first, :first] = precision
    if knots:
        apart = np.abs(np.subtract.outer(np.arange(knots), np.arange(knots))) * knot_s
        middle = first + knots
        whole[first:middle, first:middle] = np.linalg.inv(np.exp(-apart / freedom.lasting_s)) / freedom.in_plane_rad**2
        # The turn out of the plane walks at random from the heading that it begins with.
        passed = np.arange(knots) * knot_s
        walk = np.minimum.outer(passed, passed) * freedom.turning_rad_per_root_s**2 + freedom.first_turn_rad**2
        whole[middle:, middle:] = np.linalg.inv(walk)
    return np.concatenate([mean, np.zeros(2 * knots)]), whole
