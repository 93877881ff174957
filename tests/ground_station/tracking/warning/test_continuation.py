"""How far a new track's state is from where a lost one was going."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import chi2

from services.ground_station.tracking.snapshot import Kinematic
from services.ground_station.tracking.warning.continuation import GATE, squared_distance
from services.ground_station.tracking.warning.kernels import drift

Float64 = NDArray[np.float64]
START = np.array([-4.2e6, 3.9e6, -3.3e6, 1500.0, 2000.0, 2500.0])
LOST = np.diag([200.0**2] * 3 + [20.0**2] * 3)
FOUND = np.diag([100.0**2] * 3 + [10.0**2] * 3)


def kinematic(state: Float64, covariance: Float64) -> Kinematic:
    return Kinematic(state[:3], state[3:], covariance)


def moved(state: Float64, seconds: float) -> Float64:
    states = state[None].copy()
    drift(states, seconds)
    end: Float64 = states[0]
    return end


def test_gate_lets_999_in_1000_through() -> None:
    assert chi2(6).cdf(GATE) == pytest.approx(0.999, abs=1e-5)


@pytest.mark.parametrize("gap_s", [5.0, 120.0, 300.0])
def test_distance_to_the_same_object_is_chi_square(gap_s: float) -> None:
    rng = np.random.default_rng(2)
    squared = []
    for _ in range(300):
        lost = START + rng.multivariate_normal(np.zeros(6), LOST)
        found = moved(START, gap_s) + rng.multivariate_normal(np.zeros(6), FOUND)
        squared.append(squared_distance(kinematic(lost, LOST), kinematic(found, FOUND), gap_s, 1e-3))
    # The mean of six degrees of freedom, and three standard deviations of a mean of 300.
    assert np.mean(squared) == pytest.approx(6.0, abs=3 * np.sqrt(12 / 300))


def test_object_beside_it_is_far() -> None:
    aside = moved(START, 60.0) + np.array([0.0, 0.0, 20_000.0, 0.0, 0.0, 0.0])
    assert squared_distance(kinematic(START, LOST), kinematic(aside, FOUND), 60.0, 0.1) > GATE
    # With an engine that may have burned meanwhile it may be the same.
    assert squared_distance(kinematic(START, LOST), kinematic(aside, FOUND), 60.0, 20.0) < GATE


def test_drift_there_and_back_is_where_it_was() -> None:
    there = moved(START, 250.0)
    assert moved(there, -250.0) == pytest.approx(START, abs=0.05)


def test_covariance_that_is_no_number_is_infinitely_far() -> None:
    lost = kinematic(START, np.full((6, 6), np.nan))
    assert squared_distance(lost, kinematic(START, FOUND), 10.0, 0.1) == np.inf
    assert squared_distance(kinematic(START, LOST), kinematic(START, np.full((6, 6), np.nan)), 10.0, 0.1) == np.inf


def test_states_without_covariance_are_infinitely_far() -> None:
    exact = kinematic(START, np.zeros((6, 6)))
    other = kinematic(START + 1.0, np.zeros((6, 6)))
    assert squared_distance(exact, other, 0.0, 0.0) > 1e6
