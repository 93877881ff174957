"""Whether a new track goes on where a lost one was going: how far their states are apart, in standard deviations."""

import math

import numpy as np
from numpy.typing import NDArray

from services.ground_station.tracking.snapshot import Kinematic
from services.ground_station.tracking.warning import kernels

Float64 = NDArray[np.float64]

# 99.9 % of chi-square with six degrees of freedom.
GATE = 22.46


def squared_distance(lost: Kinematic, found: Kinematic, gap_s: float, force_sigma_m_per_s2: float) -> float:
    """Return the squared distance between two states in standard deviations, six degrees of freedom.

    The lost one falls freely for `gap_s`, pushed meanwhile by unknown forces of this standard deviation an axis: one in
    the gap's first half, another in its second. Infinite where covariances give no distance.
    """
    try:
        squared = _squared_distance(lost, found, gap_s, force_sigma_m_per_s2)
    except np.linalg.LinAlgError:
        return math.inf
    return squared if squared >= 0 else math.inf


def _squared_distance(lost: Kinematic, found: Kinematic, gap_s: float, force_sigma_m_per_s2: float) -> float:
    state = np.concatenate([lost.position_itrs_m, lost.velocity_itrs_m_per_s])
    values, vectors = np.linalg.eigh(lost.covariance)
    axes = (vectors * np.sqrt(np.maximum(values, 0.0))).T
    states = np.ascontiguousarray(np.concatenate([state[None], state + axes]))
    kernels.drift(states, gap_s)
    moved = states[1:] - states[0]
    spread = moved.T @ moved + found.covariance
    # On place and velocity in the end: (T/2)^2 / 2 + (T/2)^2 and T/2 of the first half's force, (T/2)^2 / 2 and T/2.
    for part in (3 / 8, 1 / 8):
        push = force_sigma_m_per_s2 * np.concatenate([np.eye(3) * part * gap_s**2, np.eye(3) * gap_s / 2])
        spread += push @ push.T
    apart = np.concatenate([found.position_itrs_m, found.velocity_itrs_m_per_s]) - states[0]
    scale = np.sqrt(np.maximum(np.diag(spread), 1e-12))
    return float(apart / scale @ np.linalg.solve(spread / np.outer(scale, scale), apart / scale))
