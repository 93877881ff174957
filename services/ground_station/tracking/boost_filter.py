"""The filter of a track in space: position, velocity and acceleration in ITRS, driven by white jerk.

Measurements may come out of order, by a satellite whose frames take a longer way: the filter keeps its past and goes
through it again from there, so that their order changes nothing.
"""

import bisect
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.ground_station.tracking.measurement import Measurement

Float64 = NDArray[np.float64]

AXES = np.eye(3)
# Places of the state's parts; a pair of them names the diagonal of a block.
POSITION, VELOCITY, ACCELERATION = np.arange(3), np.arange(3, 6), np.arange(6, 9)
# Normalised innovation, two degrees of freedom, over the last looks: above this the motion is livelier than assumed.
LIVELY = 5.0
# A measurement may come before the filter's beginning by so much.
BACKWARDS_S = 0.6
LIVELY_MEMORY = 0.8


@dataclass(frozen=True, eq=False)
class Node:
    """The filter just after one measurement. lively: fading mean of the normalised innovations squared."""

    time_s: float
    state: Float64
    covariance: Float64
    lively: float
    measurement: Measurement | None


def transition(step_s: float) -> Float64:
    """Return the (9, 9) matrix of constant acceleration over a step."""
    matrix = np.eye(9)
    matrix[POSITION, VELOCITY] = matrix[VELOCITY, ACCELERATION] = step_s
    matrix[POSITION, ACCELERATION] = step_s**2 / 2
    return matrix


def jerk_noise(step_s: float, jerk: float) -> Float64:
    """Return the (9, 9) covariance that white jerk of a spectral density jerk^2 adds over a step.

    Bar-Shalom, Li, Kirubarajan, "Estimation with Applications to Tracking and Navigation" (2001), eq. 6.2.3-9.
    """
    t = abs(step_s)
    noise = np.zeros((9, 9))
    noise[POSITION, POSITION] = t**5 / 20
    noise[POSITION, VELOCITY] = noise[VELOCITY, POSITION] = t**4 / 8
    noise[POSITION, ACCELERATION] = noise[ACCELERATION, POSITION] = t**3 / 6
    noise[VELOCITY, VELOCITY] = t**3 / 3
    noise[VELOCITY, ACCELERATION] = noise[ACCELERATION, VELOCITY] = t**2 / 2
    noise[ACCELERATION, ACCELERATION] = t
    return noise * jerk**2


class BoostFilter:
    """One track's filter and its recent past."""

    def __init__(self, time_s: float, state: Float64, covariance: Float64, jerk: float, memory_s: float) -> None:
        self.jerk = jerk
        self.memory_s = memory_s
        self.nodes = [Node(time_s, state, covariance, 2.0, None)]

    @property
    def time_s(self) -> float:
        """Return the time of the newest measurement."""
        return self.nodes[-1].time_s

    def at(self, time_s: float) -> tuple[Float64, Float64]:
        """Return state (9,) and covariance (9, 9) at a time, from the measurements up to it.

        A time before all that is remembered is reached backwards from there.
        """
        place = bisect.bisect_right(self.nodes, time_s, key=lambda node: node.time_s)
        return self._move(self.nodes[max(place - 1, 0)], time_s)

    def add(self, measured: Measurement) -> None:
        """Take a measurement in, at its place in time; one long before all that is remembered is left out."""
        place = bisect.bisect_right(self.nodes, measured.time_s, key=lambda node: node.time_s)
        if place == 0:
            first = self.nodes[0]
            if first.time_s - measured.time_s > BACKWARDS_S:
                return
            # Light from a farther satellite left a little earlier: the beginning moves back to it.
            state, covariance = self._move(first, measured.time_s)
            self.nodes[0] = Node(measured.time_s, state, covariance, first.lively, None)
            place = 1
        later = [node.measurement for node in self.nodes[place:] if node.measurement is not None]
        del self.nodes[place:]
        for each in [measured, *later]:
            self.nodes.append(self._corrected(self.nodes[-1], each))
        oldest = self.time_s - self.memory_s
        drop = bisect.bisect_left(self.nodes, oldest, key=lambda node: node.time_s)
        del self.nodes[: min(drop, len(self.nodes) - 1)]

    def rest(self, speed_sigma_m_per_s: float) -> None:
        """Take it to be at rest, up to a standard deviation of its velocity."""
        newest = self.nodes[-1]
        state = newest.state.copy()
        state[3:] = 0.0
        covariance = np.zeros((9, 9))
        covariance[:3, :3] = newest.covariance[:3, :3]
        covariance[3:6, 3:6] = AXES * speed_sigma_m_per_s**2
        covariance[6:, 6:] = AXES * 0.1**2
        self.nodes = [Node(newest.time_s, state, covariance, 2.0, None)]

    def _move(self, node: Node, time_s: float) -> tuple[Float64, Float64]:
        step = time_s - node.time_s
        if step == 0:
            return node.state, node.covariance
        matrix = transition(step)
        jerk = self.jerk * (3.0 if node.lively > LIVELY else 1.0)
        return matrix @ node.state, matrix @ node.covariance @ matrix.T + jerk_noise(step, jerk)

    def _corrected(self, node: Node, measured: Measurement) -> Node:
        state, covariance = self._move(node, measured.time_s)
        across = across_axes(measured.los_itrs)
        offset = across @ (measured.origin_itrs_m - state[:3])
        sigma = measured.sigma_rad * float(np.linalg.norm(state[:3] - measured.origin_itrs_m))
        crossed = covariance[:, :3] @ across.T
        inverse = np.linalg.inv(across @ crossed[:3] + np.eye(2) * sigma**2)
        gain = crossed @ inverse
        corrected = covariance - gain @ crossed.T
        lively = LIVELY_MEMORY * node.lively + (1 - LIVELY_MEMORY) * float(offset @ inverse @ offset)
        return Node(measured.time_s, state + gain @ offset, (corrected + corrected.T) / 2, lively, measured)


def across_axes(los: Float64) -> Float64:
    """Return (2, 3): two unit vectors across a line of sight and each other."""
    x, y, z = los.tolist()
    # Frisvad's construction without trigonometry (Journal of Graphics Tools 16 (2012) 151), away from its pole.
    side = 1.0 if z >= 0 else -1.0
    a = -1.0 / (side + z)
    b = x * y * a
    return np.array([[1.0 + side * x * x * a, side * b, -side * x], [b, side + y * y * a, -y]])
