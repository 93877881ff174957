"""Camera and attitude: every pixel has a direction, and every direction its pixel."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from services.geometry.attitude import look_at, matrix_from_quaternion, quaternion_from_matrix
from services.geometry.camera import Camera, Projection

LENSES: list[tuple[Projection, float, float]] = [
    ("equidistant", 0.0, 0.0),
    ("equidistant", -0.2, 0.03),
    ("gnomonic", 0.0, 0.0),
    ("gnomonic", 0.1, -0.01),
]


def _camera(projection: Projection = "equidistant", k1: float = 0.0, k2: float = 0.0) -> Camera:
    return Camera(projection, 1000.0, 511.5, 511.5, k1, k2)


@pytest.mark.parametrize(("projection", "k1", "k2"), LENSES)
def test_pixel_to_direction_and_back(projection: Projection, k1: float, k2: float) -> None:
    rng = np.random.default_rng(2)
    row, column = rng.uniform(0, 1023, (2, 500))
    row[0] = column[0] = 511.5
    camera = _camera(projection, k1, k2)
    los = camera.lines_of_sight(row, column)
    assert np.allclose(np.linalg.norm(los, axis=1), 1.0)
    back_row, back_column = camera.project(3.0 * los)
    assert np.abs(back_row - row).max() < 1e-6
    assert np.abs(back_column - column).max() < 1e-6


def test_axes_follow_rows_and_columns() -> None:
    los = _camera().lines_of_sight([511.5, 611.5, 511.5], [511.5, 511.5, 611.5])
    assert np.allclose(los[0], [0, 0, 1])
    assert np.allclose(los[1], [0, math.sin(0.1), math.cos(0.1)])
    assert np.allclose(los[2], [math.sin(0.1), 0, math.cos(0.1)])
    assert np.allclose(
        _camera("gnomonic").lines_of_sight(611.5, 511.5)[0, 1:], [math.sin(math.atan(0.1)), math.cos(math.atan(0.1))]
    )


def test_direction_behind_the_lens_has_no_pixel() -> None:
    behind = [[0.0, 0.1, -1.0], [0.0, 0.0, -1.0], [1.0, 0.0, 0.0]]
    assert np.isnan(_camera("gnomonic").project(behind)[0]).all()
    # A lens with equal angles sees backwards, but not straight back.
    rows, columns = _camera().project(behind)
    assert np.isfinite(rows).tolist() == [True, False, True]
    assert columns[2] == pytest.approx(511.5 + 1000 * math.pi / 2)


def test_direction_beyond_the_turn_of_the_distortion_has_no_pixel() -> None:
    camera = _camera("equidistant", -0.5)
    turning = math.sqrt(1 / 1.5)
    for angle, taken in ((turning - 0.01, True), (turning + 0.01, False)):
        assert np.isfinite(camera.project([math.sin(angle), 0, math.cos(angle)])[0][0]) == taken
    beyond_px = 1000 * (turning - 0.5 * turning**3) + 1
    assert np.isnan(camera.lines_of_sight(511.5, 511.5 + beyond_px)).all()


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_focal_length_must_be_positive(value: float) -> None:
    with pytest.raises(ValueError, match="focal_length_px"):
        Camera("gnomonic", value, 0, 0)


def test_unknown_lens_has_no_directions() -> None:
    camera = Camera("unknown", 0.0, 0.0, 0.0)
    with pytest.raises(ValueError, match="lens is unknown"):
        camera.lines_of_sight(0, 0)
    with pytest.raises(ValueError, match="lens is unknown"):
        camera.project([0, 0, 1])


@given(st.lists(st.floats(-1, 1), min_size=4, max_size=4).filter(lambda q: math.hypot(*q) > 0.01))
def test_quaternion_round_trip_agrees_with_scipy(q: list[float]) -> None:
    rotation = matrix_from_quaternion(q)
    assert np.allclose(rotation, Rotation.from_quat([*q[1:], q[0]]).as_matrix())
    assert np.allclose(matrix_from_quaternion(quaternion_from_matrix(rotation)), rotation, atol=1e-12)
    assert quaternion_from_matrix(rotation)[0] >= 0


@pytest.mark.parametrize("quaternion", [[0, 0, 0, 0], [math.nan, 0, 0, 1], [1, 2, 3]])
def test_quaternion_that_is_no_rotation_is_refused(quaternion: list[float]) -> None:
    with pytest.raises(ValueError, match="no rotation"):
        matrix_from_quaternion(quaternion)


@pytest.mark.parametrize("matrix", [np.zeros((3, 3)), np.diag([1, 1, -1]), np.full((3, 3), np.nan), np.eye(2)])
def test_matrix_that_is_no_rotation_is_refused(matrix: Any) -> None:
    with pytest.raises(ValueError, match="not a rotation"):
        quaternion_from_matrix(matrix)


def test_camera_looks_where_it_is_told_with_up_at_the_top() -> None:
    position, target, up = np.array([7e6, 0, 0]), np.array([6.3e6, 4e5, -2e5]), np.array([0, 0.3, 1.0])
    rotation = look_at(position, target, up)
    assert np.allclose(rotation @ rotation.T, np.eye(3))
    assert np.linalg.det(rotation) == pytest.approx(1)
    assert np.allclose(rotation[:, 2], (target - position) / np.linalg.norm(target - position))
    # Up lies towards lower rows, and has no part along the columns.
    assert rotation[:, 1] @ up < 0
    assert rotation[:, 0] @ up == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("up", [[0, 0, 5.0], [0, 0, 0]])
def test_up_along_the_boresight_still_gives_a_rotation(up: list[float]) -> None:
    rotation = look_at([0, 0, 0], [0, 0, 9.0], up)
    assert np.allclose(rotation @ rotation.T, np.eye(3))
    assert np.allclose(rotation[:, 2], [0, 0, 1])


def test_camera_cannot_look_at_itself() -> None:
    with pytest.raises(ValueError, match="cannot look at a target 0 m away"):
        look_at([1, 2, 3], [1, 2, 3], [0, 0, 1])
