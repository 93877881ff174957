"""Turning evenly between two attitudes."""

import math

import numpy as np
import pytest
from scipy.spatial.transform import Rotation, Slerp

from services.geometry.attitude import matrix_from_quaternion, quaternion_from_matrix, slerp


def test_slerp_agrees_with_scipy() -> None:
    generator = np.random.default_rng(4)
    for _ in range(50):
        # Of any length and either sign.
        pair = generator.normal(size=(2, 4)) * generator.uniform(0.1, 10)
        along = float(generator.uniform())
        expected = Slerp([0, 1], Rotation.from_quat(pair[:, [1, 2, 3, 0]]))(along).as_matrix()
        assert np.abs(matrix_from_quaternion(slerp(pair[0], pair[1], along)) - expected).max() < 1e-12


def test_ends_are_met_and_the_rate_is_even() -> None:
    first, last = [1.0, 0.0, 0.0, 0.0], [math.cos(0.4), 0.0, math.sin(0.4), 0.0]
    assert slerp(first, last, 0.0) == pytest.approx(first)
    assert slerp(first, last, 1.0) == pytest.approx(last)
    # A turn by 0.8 rad about y: a quarter of the way is 0.2 rad.
    assert slerp(first, last, 0.25) == pytest.approx([math.cos(0.1), 0.0, math.sin(0.1), 0.0])


@pytest.mark.parametrize("angle_rad", [0.0, 1e-12, 1e-8, 1e-5])
def test_small_turns_lose_no_digits(angle_rad: float) -> None:
    last = [math.cos(angle_rad / 2), math.sin(angle_rad / 2), 0.0, 0.0]
    half = slerp([1.0, 0.0, 0.0, 0.0], last, 0.5)
    assert half[1] == pytest.approx(angle_rad / 4, rel=1e-9)
    assert np.linalg.norm(half) == pytest.approx(1.0)


def test_the_shorter_way_is_taken() -> None:
    turned = quaternion_from_matrix(Rotation.from_euler("z", 20, degrees=True).as_matrix())
    half = matrix_from_quaternion(slerp([1.0, 0.0, 0.0, 0.0], -turned, 0.5))
    assert np.abs(half - Rotation.from_euler("z", 10, degrees=True).as_matrix()).max() < 1e-12


@pytest.mark.parametrize("quaternion", [[0.0, 0.0, 0.0, 0.0], [math.nan, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
def test_what_is_no_rotation_is_refused(quaternion: list[float]) -> None:
    with pytest.raises(ValueError, match="is no rotation; it needs four finite numbers"):
        slerp([1.0, 0.0, 0.0, 0.0], quaternion, 0.5)
