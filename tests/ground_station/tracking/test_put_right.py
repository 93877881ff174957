"""A fit puts a track right only with a state that a rocket can have, and that is known."""

import numpy as np
import pytest
from numpy.typing import NDArray

from services.ground_station.tracking.bank.models import BOOST
from services.ground_station.tracking.following import put_right
from services.ground_station.tracking.records import TRACK
from tests.ground_station.tracking.targets import flight, true_state

Float64 = NDArray[np.float64]


def put(state: Float64, doubt_m_per_s: float = 20.0) -> bool:
    """Return whether a fit's state is taken over."""
    tracks = np.zeros(1, dtype=TRACK)
    tracks["probability"][0, BOOST] = 1.0
    before = true_state(flight("small_launcher", 120.0), 70.0)
    tracks["x"][0, BOOST, :9] = before
    tracks["p"][0, BOOST] = np.diag([1e4] * 3 + [1e3] * 3 + [10.0] * 3 + [1e-10])
    covariance = np.diag([1e3] * 3 + [doubt_m_per_s**2 / 3] * 3 + [1.0] * 3)
    put_right(tracks, 0.0, state, covariance, 1.0 / 2800.0, 1e-5)
    return not np.array_equal(tracks["x"][0, BOOST, :9], before)


def test_a_rockets_state_is_taken_over() -> None:
    assert put(true_state(flight("small_launcher", 120.0), 71.0))


@pytest.mark.parametrize(
    ("speed_m_per_s", "force_m_per_s2", "doubt_m_per_s"),
    [
        pytest.param(57_000.0, 20.0, 20.0, id="faster than any rocket"),
        pytest.param(1_500.0, 200.0, 20.0, id="harder than any stage pushes"),
        pytest.param(1_500.0, 20.0, 2_000.0, id="hardly known"),
    ],
)
def test_a_state_gone_astray_is_not(speed_m_per_s: float, force_m_per_s2: float, doubt_m_per_s: float) -> None:
    state = true_state(flight("small_launcher", 120.0), 71.0)
    way = state[3:6] / np.linalg.norm(state[3:6])
    state[3:6], state[6:9] = speed_m_per_s * way, force_m_per_s2 * way
    assert not put(state, doubt_m_per_s)
