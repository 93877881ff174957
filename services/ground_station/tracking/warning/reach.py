"""The ground on which it may come down, and the soonest.

    under power     a fan: from where it falls if the engine stops now, to the farthest that the longest generic burn
                    leaves it to reach, as wide as the heading is uncertain
    burnt out       the 90 % ellipse of the fall, of state and drag as uncertain as they are
    gliding         a fan of what lift of up to four times the drag reaches, turns included
    cruising        none: nothing in its flight tells how far its fuel goes, and it may turn anywhere
    into orbit      none

What the class leaves open is open here too: areas of all classes are joined that have more than a twentieth.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.geometry.ellipsoid import east_north_up, itrs_to_geodetic
from services.ground_station.tracking.snapshot import TargetClass
from services.ground_station.tracking.warning import fans, kernels
from services.ground_station.tracking.warning.fans import Corners

Float64 = NDArray[np.float64]

# Nothing is said before a rocket is as fast as this: earlier, every direction is open and so is every range.
LEAST_SPEED_M_PER_S = 500.0
# A class below this does not shape the area.
LEAST_PART = 0.05
# At this probability of a launcher nothing comes down that could be warned of.
LAUNCHER_PART = 0.9
# Mass over drag coefficient and area of what is left after burnout, kg/m^2: from 1,000 (a tank that tumbles) to 25,000
# (a slim warhead); NRC, "Making Sense of Ballistic Missile Defense" (2012), gives 5,000 to 10,000 for warheads.
# A normal distribution of its logarithm.
BALLISTIC_KG_PER_M2 = 6_000.0
BALLISTIC_LOG_SIGMA = 0.8
# Longer than any fall from an intercontinental trajectory, lofted ones included.
LONGEST_FALL_S = 7_200.0
# 90 % of a normal distribution in two dimensions lies within so many standard deviations.
NINETY_PERCENT = math.sqrt(-2 * math.log(0.1))
# The ground's height is not known here: a step in height moves the end of a slanting fall.
GROUND_SIGMA_M = 700.0
ELLIPSE_CORNERS = 24
# An ellipse wider than this is no answer.
WIDEST_M = 2_000_000.0
# How many standard deviations sooner than expected it is said to come down at the soonest.
SOONEST_SIGMA = 3.0


@dataclass(frozen=True)
class Reach:
    """corners: (latitude, longitude), degrees, in order, ring left open; empty: the data supports none.

    time_left_s: from the state's time until the soonest that it may come down; None: not known.
    """

    corners: Corners = ()
    time_left_s: float | None = None


NOWHERE = Reach()


def reach(
    position_itrs_m: Float64,
    velocity_itrs_m_per_s: Float64,
    covariance: Float64,
    class_probability: Mapping[TargetClass, float],
    *,
    thrust_m_per_s2: float | None = None,
    time_since_launch_s: float | None = None,
) -> Reach:
    """Return what a state, (3,) each, leaves it to reach.

    covariance: (6, 6) or larger, position and velocity first, SI. thrust_m_per_s2: specific force along the velocity
    while the engine burns; None: it does not. time_since_launch_s: None: not known.
    """
    state = np.concatenate([position_itrs_m, velocity_itrs_m_per_s])
    spread = np.asarray(covariance, dtype=np.float64)[:6, :6]
    if not (np.isfinite(state).all() and np.isfinite(spread).all()):
        return NOWHERE
    if class_probability.get("space_launch", 0.0) >= LAUNCHER_PART or _is_likeliest("cruise", class_probability):
        return NOWHERE
    down = _fall(state, spread)
    if down is None:
        return NOWHERE
    if thrust_m_per_s2 is not None:
        corners = _burn_fan(state, spread, down, thrust_m_per_s2, time_since_launch_s)
    else:
        corners = _after_burnout(state, down, class_probability.get("glide", 0.0))
    if not corners:
        return NOWHERE
    return Reach(corners, max(down.time_s - SOONEST_SIGMA * down.time_sigma_s, 0.0))


def _burn_fan(
    state: Float64, spread: Float64, down: "_Fall", thrust_m_per_s2: float, time_since_launch_s: float | None
) -> Corners:
    if math.hypot(*state[3:].tolist()) < LEAST_SPEED_M_PER_S:
        return ()
    return fans.burn_fan(state, spread, down.place_itrs_m, thrust_m_per_s2, time_since_launch_s) or ()


def _after_burnout(state: Float64, down: "_Fall", glide: float) -> Corners:
    """Return where it falls, or glides to, or both; glide: the probability of that."""
    if glide >= 1 - LEAST_PART:
        return fans.glide_fan(state)
    ellipse = _ellipse(down) or ()
    return fans.joined(ellipse, fans.glide_fan(state)) if ellipse and glide > LEAST_PART else ellipse


def _is_likeliest(word: TargetClass, class_probability: Mapping[TargetClass, float]) -> bool:
    return class_probability.get(word, 0.0) > 0 and class_probability[word] == max(class_probability.values())


@dataclass(frozen=True)
class _Fall:
    """Where the state falls, ITRS, when, and how both change with one standard deviation of each of what is unknown.

    changes: (n, 4), m and s, a row for each unknown; bends: (n, 4), the same in second order.
    """

    place_itrs_m: Float64
    time_s: float
    changes: Float64
    bends: Float64

    @property
    def time_sigma_s(self) -> float:
        """Standard deviation of the time."""
        return math.sqrt(float((self.changes[:, 3] ** 2 + self.bends[:, 3] ** 2 / 2).sum()))


def _fall(state: Float64, spread: Float64) -> _Fall | None:
    """Return the fall to the ground; None where it does not fall, or not within what the spread allows.

    Central differences along the covariance's own axes, and along the drag; S. J. Julier and J. K. Uhlmann,
    "Unscented filtering and nonlinear estimation", Proc. IEEE 92 (2004) 401, section II, for the second order.
    """
    # Metres and metres per second do not compare: the axes are those of the correlation.
    scale = np.sqrt(np.maximum(np.diag(spread), 1e-12))
    values, vectors = np.linalg.eigh(spread / np.outer(scale, scale))
    axes = (vectors * np.sqrt(np.maximum(values, 0.0))).T * scale
    states = np.ascontiguousarray(np.concatenate([state[None], state + axes, state - axes, state[None], state[None]]))
    drags = np.full(len(states), 1 / BALLISTIC_KG_PER_M2)
    drags[-2] *= math.exp(BALLISTIC_LOG_SIGMA)
    drags[-1] /= math.exp(BALLISTIC_LOG_SIGMA)
    down = np.empty((len(states), 4))
    kernels.falls(states, drags, LONGEST_FALL_S, down)
    if not np.isfinite(down).all():
        return None
    middle = down[0]
    above = np.concatenate([down[1:7], down[-2:-1]])
    below = np.concatenate([down[7:13], down[-1:]])
    return _Fall(middle[:3], float(middle[3]), (above - below) / 2, above + below - 2 * middle)


def _ellipse(down: _Fall) -> Corners | None:
    """Return the corners of the 90 % ellipse; None where it is too wide to say anything."""
    latitude, longitude, _ = (float(value) for value in itrs_to_geodetic(down.place_itrs_m))
    axes = east_north_up(latitude, longitude)[:2]
    changes, bends = down.changes[:, :3] @ axes.T, down.bends[:, :3] @ axes.T
    centre = bends.sum(axis=0) / 2
    covariance = changes.T @ changes + bends.T @ bends / 2 + np.eye(2) * GROUND_SIGMA_M**2
    values, vectors = np.linalg.eigh(covariance)
    if NINETY_PERCENT * math.sqrt(float(values[1])) > WIDEST_M:
        return None
    angle = np.arange(ELLIPSE_CORNERS) * (2 * math.pi / ELLIPSE_CORNERS)
    # Corners lie so far outside that the polygon has the ellipse's area.
    radius = NINETY_PERCENT * math.sqrt(2 * math.pi / ELLIPSE_CORNERS / math.sin(2 * math.pi / ELLIPSE_CORNERS))
    circle = radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return fans.places(latitude, longitude, centre + circle * np.sqrt(values) @ vectors.T)
