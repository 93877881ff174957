"""How a point spreads over pixels, and what the lens's distortion does to the frame."""

import math

import numpy as np
import pytest
from scipy import stats

from sat_emulator.scene.earth.background import relative_solid_angle
from sat_emulator.sensor import optics
from services.geometry.camera import Camera


def test_shares_are_the_gaussians_over_each_pixel() -> None:
    first, shares = optics.pixel_shares(20.3, 0.6, 41)
    edges = np.arange(first, first + len(shares) + 1) - 0.5
    assert shares == pytest.approx(np.diff(stats.norm.cdf(edges, 20.3, 0.6)), abs=1e-12)
    # All but what lies beyond four standard deviations.
    assert 1 - 7e-5 < shares.sum() <= 1
    assert optics.pixel_shares(60.0, 0.6, 41)[1].size == 0


@pytest.mark.parametrize(("row", "column"), [(20.0, 20.0), (20.3, 19.6), (20.5, 20.49)])
def test_point_keeps_its_light_and_its_place(row: float, column: float) -> None:
    image = np.zeros((41, 41), np.float32)
    optics.add_point(image, row, column, 1e5, 0.6)
    assert image.sum() == pytest.approx(1e5, rel=1e-4)
    rows, columns = np.mgrid[0:41, 0:41]
    assert (rows * image).sum() / image.sum() == pytest.approx(row, abs=2e-3)
    assert (columns * image).sum() / image.sum() == pytest.approx(column, abs=2e-3)
    gain = float((image.astype(float) ** 2).sum()) / 1e10
    assert optics.concentration(row, column, 0.6) == pytest.approx(gain, rel=1e-4)


def test_concentration_of_a_wide_spot_is_the_gaussians() -> None:
    # The square of a two-dimensional Gaussian has the integral 1 / (4 pi sigma^2).
    assert optics.concentration(3.2, 1.7, 4.0) == pytest.approx(1 / (4 * math.pi * 16), rel=0.01)


def test_point_at_the_border_loses_what_falls_off() -> None:
    image = np.zeros((20, 20), np.float32)
    optics.add_point(image, -0.5, 10.0, 1000.0, 0.6)
    assert image.sum() == pytest.approx(500.0, rel=1e-3)
    optics.add_point(image, 40.0, 40.0, 1000.0, 0.6)
    optics.add_point(image, -30.0, 10.0, 1000.0, 0.6)
    assert image.sum() == pytest.approx(500.0, rel=1e-3)


@pytest.mark.parametrize("sigma_px", [0.2, 0.6, 1.0, 5.0])
def test_scene_is_blurred_by_the_spread_of_a_point_in_a_pixels_middle(sigma_px: float) -> None:
    taps = optics.blur_taps(sigma_px)
    assert len(taps) % 2 == 1
    assert taps == pytest.approx(taps[::-1])
    assert taps.sum() == pytest.approx(1.0, abs=1e-6)
    image = np.zeros((101, 101), np.float32)
    optics.add_point(image, 50.0, 50.0, 1.0, sigma_px)
    half = len(taps) // 2
    # What is beyond three standard deviations is left out of the blur, a part in 370.
    assert image[50 - half : 51 + half].sum(axis=1) == pytest.approx(taps, abs=2e-3)


@pytest.mark.parametrize(
    "camera",
    [
        Camera("equidistant", 250.0, 127.5, 127.5),
        Camera("gnomonic", 250.0, 127.5, 127.5),
        Camera("equidistant", 250.0, 127.5, 127.5, distortion_k1=-0.2, distortion_k2=0.1),
    ],
)
def test_solid_angle_of_a_pixel_is_that_between_its_corners(camera: Camera) -> None:
    for row, column in ((127, 127), (0, 0), (10, 200)):
        offsets = [(-0.5, -0.5), (-0.5, 0.5), (0.5, 0.5), (0.5, -0.5)]
        corners = camera.lines_of_sight(*np.transpose([(row + dr, column + dc) for dr, dc in offsets]))
        across = np.cross(corners[2] - corners[0], corners[3] - corners[1])
        relative = relative_solid_angle(camera, camera.lines_of_sight([row], [column]))
        assert relative[0] == pytest.approx(np.linalg.norm(across) / 2 * 250.0**2, rel=2e-3)


def test_solid_angle_of_a_flat_plane_falls_with_the_third_power_of_the_cosine() -> None:
    camera = Camera("gnomonic", 250.0, 0.0, 0.0)
    for theta in (0.1, 0.5, 1.0):
        los = np.array([[math.sin(theta), 0.0, math.cos(theta)]])
        assert relative_solid_angle(camera, los)[0] == pytest.approx(math.cos(theta) ** 3, rel=1e-3)
