"""Counts against closed-form statistics, kernels against their twins."""

import dataclasses
from typing import Literal

import numpy as np
import pytest

from sat_emulator.sensor import optics
from sat_emulator.sensor.exposure import digitised, mean_electrons
from sat_emulator.sensor.radiometry import Radiometer
from services.scenario.model import Sensor
from services.scenario.view import lens
from tests.sat_emulator import naive

SENSOR = Sensor()
RADIOMETER = Radiometer.of(SENSOR)
SIDE = 400


def _counts(mean_e: float, radiometer: Radiometer = RADIOMETER, seed: int = 1) -> np.ndarray:
    mean = np.full((SIDE, SIDE), mean_e + radiometer.dark_e, np.float32)
    return digitised(mean, radiometer, np.random.default_rng(seed)).astype(float)


@pytest.mark.parametrize("mean_e", [0.0, 2_000.0, 33_000.0, 1_000_000.0])
def test_mean_and_spread_of_counts_are_the_closed_forms(mean_e: float) -> None:
    counts = _counts(mean_e)
    expected = RADIOMETER.offset_counts + (mean_e + RADIOMETER.dark_e) / RADIOMETER.electrons_per_count
    sigma = RADIOMETER.noise_e(mean_e) / RADIOMETER.electrons_per_count
    five_sigma = 5 / SIDE
    assert counts.mean() == pytest.approx(expected, abs=five_sigma * sigma)
    assert counts.std() == pytest.approx(sigma, rel=five_sigma / np.sqrt(2) + 0.003)


def test_noise_is_independent_from_pixel_to_pixel() -> None:
    noise = _counts(33_000.0) - _counts(33_000.0).mean()
    for step in ((0, 1), (1, 0), (1, 1)):
        shifted = np.roll(noise, step, axis=(0, 1))
        assert abs(np.corrcoef(noise.ravel(), shifted.ravel())[0, 1]) < 5 / SIDE


def test_few_electrons_are_whole_numbers_of_poissons() -> None:
    fine = dataclasses.replace(RADIOMETER, dark_e=0.0, read_noise_e=0.0, electrons_per_count=1.0, offset_counts=0.0)
    counts = _counts(3.0, fine)
    share = [(counts == k).mean() for k in range(6)]
    # Poisson of mean 3, tabled.
    assert share == pytest.approx([0.0498, 0.1494, 0.2240, 0.2240, 0.1680, 0.1008], abs=0.006)
    assert (_counts(0.0, fine) == 0).all()
    with_read = dataclasses.replace(fine, read_noise_e=5.0, offset_counts=100.0)
    assert _counts(3.0, with_read).std() == pytest.approx(np.sqrt(3.0 + 25.0 + 1 / 12), rel=0.01)


def test_full_well_is_full_scale() -> None:
    assert (_counts(1e9) == 2**14 - 1).all()
    at_the_brim = _counts(SENSOR.full_well_e - RADIOMETER.dark_e)
    assert at_the_brim.max() == 2**14 - 1
    assert at_the_brim.mean() == pytest.approx(2**14 - 1, abs=10)
    sixteen = Radiometer.of(dataclasses.replace(SENSOR, bit_depth=16))
    assert (_counts(1e9, sixteen) == 65_535).all()


def test_blur_is_its_slow_twins() -> None:
    generator = np.random.default_rng(2)
    for sigma in (0.4, 0.6, 1.7):
        radiance = generator.uniform(0, 1e-3, (37, 53)).astype(np.float32)
        solid_angle = generator.uniform(0.8, 1, (37, 53)).astype(np.float32)
        taps = optics.blur_taps(sigma)
        assert taps.sum() == pytest.approx(1.0, abs=1e-6)
        fast = mean_electrons(radiance, taps, solid_angle, RADIOMETER)
        slow = naive.blur_to_electrons(
            radiance, taps, solid_angle, RADIOMETER.electrons_per_w_per_m2_sr, RADIOMETER.dark_e
        )
        assert fast == pytest.approx(slow, rel=1e-5)


def test_images_that_do_not_fit_are_refused() -> None:
    image = np.zeros((8, 8), np.float32)
    with pytest.raises(ValueError, match="differ in shape"):
        mean_electrons(image, optics.blur_taps(0.6), image[:4].copy(), RADIOMETER)
    with pytest.raises(ValueError, match="taps do not blur"):
        mean_electrons(image, optics.blur_taps(4.0), image, RADIOMETER)


def test_point_keeps_its_light_and_its_place() -> None:
    for row, column in ((20.0, 20.0), (20.3, 19.6), (20.5, 20.49)):
        image = np.zeros((41, 41), np.float32)
        optics.add_point(image, row, column, 1e5, 0.6)
        assert image.sum() == pytest.approx(1e5, rel=1e-4)
        rows, columns = np.mgrid[0:41, 0:41]
        assert (rows * image).sum() / image.sum() == pytest.approx(row, abs=2e-3)
        assert (columns * image).sum() / image.sum() == pytest.approx(column, abs=2e-3)
        gain = float((image.astype(float) ** 2).sum()) / 1e10
        assert optics.concentration(row, column, 0.6) == pytest.approx(gain, rel=1e-4)


def test_point_at_the_border_loses_what_falls_off() -> None:
    image = np.zeros((20, 20), np.float32)
    optics.add_point(image, -0.5, 10.0, 1000.0, 0.6)
    assert image.sum() == pytest.approx(500.0, rel=1e-3)
    optics.add_point(image, 40.0, 40.0, 1000.0, 0.6)
    optics.add_point(image, -30.0, 10.0, 1000.0, 0.6)
    assert image.sum() == pytest.approx(500.0, rel=1e-3)


@pytest.mark.parametrize("projection", ["equidistant", "gnomonic"])
def test_solid_angle_of_a_pixel_is_that_between_its_corners(projection: Literal["equidistant", "gnomonic"]) -> None:
    sensor = dataclasses.replace(SENSOR, rows=256, columns=256, ifov_rad=4e-3, projection=projection)
    camera = lens(sensor)
    los = optics.lines_of_sight(camera, 256, 256)
    relative = optics.relative_solid_angle(camera, los)
    for row, column in ((127, 127), (0, 0), (10, 200)):
        offsets = [(-0.5, -0.5), (-0.5, 0.5), (0.5, 0.5), (0.5, -0.5)]
        corners = camera.lines_of_sight(*np.transpose([(row + dr, column + dc) for dr, dc in offsets]))
        across = np.cross(corners[2] - corners[0], corners[3] - corners[1])
        assert relative[row, column] == pytest.approx(np.linalg.norm(across) / 2 / sensor.ifov_rad**2, rel=2e-3)


def test_calibration_says_what_a_count_is() -> None:
    camera = RADIOMETER.calibrate(SENSOR)
    # A uniform scene of known radiance, and a point of known irradiance, come back from their counts.
    assert camera.psf_sigma_px == SENSOR.psf_sigma_px
    electrons = 2e-3 * RADIOMETER.electrons_per_w_per_m2_sr
    counts = _counts(electrons).mean() - _counts(0.0).mean()
    assert counts * camera.radiance_w_per_m2_sr_per_count == pytest.approx(2e-3, rel=1e-3)
    ratio = camera.irradiance_w_per_m2_per_count / camera.radiance_w_per_m2_sr_per_count
    assert ratio == pytest.approx(SENSOR.ifov_rad**2)
