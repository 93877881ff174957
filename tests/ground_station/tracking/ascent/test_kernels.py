"""The compiled ascent against the emulator's flights, differences and plain linear algebra."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from sat_emulator.scene.flight.rocket import RocketFlight
from services.ground_station.tracking.ascent import layout
from services.ground_station.tracking.ascent.kernels.flight import NODES, fly
from services.ground_station.tracking.ascent.kernels.linear import factorise, invert, solve
from tests.ground_station.tracking.ascent.flights import family_parameters, rocket

Float64 = NDArray[np.float64]

FLOWN_S = 55.0
KNOTS, KNOT_S = 7, 10.0


def flown(x: Float64, reference: Float64, knots: int = 0, end_s: float = FLOWN_S) -> tuple[Float64, Float64]:
    """Return position, velocity and specific force at end_s, (9,), and their slopes (9, P)."""
    tau, states, slopes = np.zeros(NODES), np.zeros((NODES, 6)), np.zeros((NODES, 6, len(x)))
    force, force_slopes = np.zeros((2, 3)), np.zeros((3, len(x)))
    count = fly(
        x, reference, np.zeros((4, 3)), True, knots, KNOT_S, end_s, tau, states, slopes, force, force_slopes
    )  # fmt: skip
    assert tau[count - 1] == pytest.approx(end_s, abs=1e-6)
    return np.concatenate([states[count - 1], force[0]]), np.concatenate([slopes[count - 1], force_slopes])


@pytest.mark.parametrize("name", ["short_range_liquid", "medium_range_solid", "intercontinental_liquid"])
def test_model_flies_as_the_emulated_rocket(name: str) -> None:
    generic = rocket(name)
    flight = RocketFlight(generic, FLOWN_S + 1.0)
    two_metres, a_tenth = 2.0, 0.1
    for time_s in (10.0, 30.0, FLOWN_S):
        state, _ = flown(*family_parameters(generic), end_s=time_s)
        place, velocity = flight.state_itrs(time_s)
        assert np.linalg.norm(state[:3] - place) < two_metres
        assert np.linalg.norm(state[3:6] - velocity) < a_tenth


def test_sensitivities_are_the_slopes_of_the_flight() -> None:
    x, reference = family_parameters(rocket("short_range_liquid"))
    rng = np.random.default_rng(3)
    x = np.concatenate([x, rng.normal(size=2 * KNOTS) * 0.02])
    _, slopes = flown(x, reference, KNOTS)
    for parameter in range(len(x)):
        if parameter == layout.LAUNCH_TIME:
            assert (slopes[:, parameter] == 0).all()
            continue
        h = 500.0 if parameter in {layout.EAST, layout.NORTH} else 20.0 if parameter == layout.UP else 5e-4
        ends = []
        for side in (h, -h):
            moved = x.copy()
            moved[parameter] += side
            ends.append(flown(moved, reference, KNOTS)[0])
        expected = (ends[0] - ends[1]) / (2 * h)
        for part in (slice(0, 3), slice(3, 6)):
            size = max(float(np.linalg.norm(expected[part])), 1e-3 if parameter <= layout.UP else 1.0)
            assert np.linalg.norm(slopes[part, parameter] - expected[part]) < 0.12 * size, parameter


def test_small_systems_are_solved_and_inverted() -> None:
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(30, 6)) * np.array([1e-6, 1.0, 1e5, 1.0, 1e3, 1e-3])
    matrix, right = rows.T @ rows, rng.normal(size=6)
    scale, factor, found, inverse = np.zeros(6), np.zeros((6, 6)), np.zeros(6), np.zeros((6, 6))
    factorise(matrix, scale, factor)
    solve(factor, scale, right, found)
    log_determinant = invert(factor, scale, np.zeros(6), inverse)
    assert matrix @ found == pytest.approx(right, rel=1e-5)
    assert inverse @ matrix == pytest.approx(np.eye(6), abs=1e-4)
    assert log_determinant == pytest.approx(np.linalg.slogdet(matrix)[1])


def test_undetermined_unknown_comes_out_as_large_not_as_an_error() -> None:
    matrix = np.array([[1.0, 1.0], [1.0, 1.0]])
    scale, factor, inverse = np.zeros(2), np.zeros((2, 2)), np.zeros((2, 2))
    factorise(matrix, scale, factor)
    assert math.isfinite(invert(factor, scale, np.zeros(2), inverse))
    assert inverse[0, 0] > 1e10
