"""Random fields against their spectrum, and their averages over ever larger cells."""

import numpy as np
import pytest

from sat_emulator.scene.earth.texture import pyramid, random_field, spectrum_variance, square_bounds

PIXEL_M = 1000.0
OUTER_M = 2e5


def _field(seed: int, exponent: float = -3.4, side: int = 512) -> np.ndarray:
    return random_field(np.random.default_rng(seed), side, PIXEL_M, exponent, OUTER_M, (0.0, 0.5 / PIXEL_M))


def test_spectrum_falls_with_the_stated_power() -> None:
    for exponent in (-3.0, -3.4):
        power = np.mean([np.abs(np.fft.rfft2(_field(seed, exponent))) ** 2 for seed in range(6)], axis=0)
        frequency = np.hypot(np.fft.fftfreq(512)[:, None], np.fft.rfftfreq(512)[None, :])
        inertial = (frequency > 0.04) & (frequency < 0.45)
        slope, _ = np.polyfit(np.log(frequency[inertial]), np.log(power[inertial]), 1)
        assert slope == pytest.approx(exponent, abs=0.06)


def test_variance_is_the_spectrums_integral() -> None:
    measured = np.mean([_field(seed).var() for seed in range(12)])
    assert measured / spectrum_variance(-3.4, OUTER_M, 0.5 / PIXEL_M) == pytest.approx(1.0, abs=0.15)
    # The power for which the integral is a logarithm.
    nearly = spectrum_variance(-2.0 - 1e-7, OUTER_M, 0.5 / PIXEL_M)
    assert spectrum_variance(-2.0, OUTER_M, 0.5 / PIXEL_M) == pytest.approx(nearly, rel=1e-5)


def test_parts_of_the_spectrum_add_up() -> None:
    split = 1 / 32_000.0
    variances = []
    for band in ((0.0, split), (split, 0.5 / PIXEL_M), (0.0, 0.5 / PIXEL_M)):
        fields = [
            random_field(np.random.default_rng(seed), 256, PIXEL_M, -3.0, OUTER_M, band).var() for seed in range(4)
        ]
        variances.append(float(np.mean(fields)))
    assert variances[0] + variances[1] == pytest.approx(variances[2], rel=1e-6)


def test_field_repeats_without_a_seam() -> None:
    field = _field(1, side=256)
    within = np.abs(np.diff(field, axis=0)).mean()
    assert np.abs(field[0] - field[-1]).mean() == pytest.approx(within, rel=0.3)
    assert abs(field.mean()) < 1e-9


def test_levels_keep_the_mean_and_lose_the_finest() -> None:
    field = np.random.default_rng(1).normal(size=(256, 128))
    levels = pyramid(field, 1.0, 2.0)
    assert levels.rows.tolist() == [256, 128, 64]
    assert levels.columns.tolist() == [128, 64, 32]
    assert levels.texel_m.tolist() == [1.0, 2.0]
    # Values come back to half a step of 1 / 65,534 of the range.
    step = np.abs(field).max() / 32_767
    assert levels.step == pytest.approx(step)
    expected = field
    for index in range(3):
        assert np.abs(levels.level(index) - expected).max() <= 0.51 * step
        expected = expected.reshape(expected.shape[0] // 2, 2, -1, 2).mean(axis=(1, 3))


def test_value_between_elements_is_straight_and_comes_back_beyond_the_border() -> None:
    field = np.random.default_rng(1).normal(size=(64, 128))
    levels = pyramid(field, 1.0, 1.0)
    near = pytest.approx
    tolerance = 2 * levels.step
    assert levels.between(3.0, 7.0) == near(field[3, 7], abs=tolerance)
    assert levels.between(40.0, 70.0) == near(field[40, 70], abs=tolerance)
    assert levels.between(3.25, 7.0) == near(0.75 * field[3, 7] + 0.25 * field[4, 7], abs=tolerance)
    assert levels.between(3.0, 31.5) == near((field[3, 31] + field[3, 32]) / 2, abs=tolerance)
    assert levels.between(63.5, 127.5) == near(field[[0, 0, 63, 63], [0, 127, 0, 127]].mean(), abs=tolerance)
    assert levels.between(-1.0, -2.0) == near(field[63, 126], abs=tolerance)
    assert levels.between(3.0 + 64 * 5, 7.0 - 128 * 9) == near(field[3, 7], abs=tolerance)


def test_field_without_contrast_has_levels_too() -> None:
    levels = pyramid(np.zeros((64, 64)), 1.0, 1.0)
    assert levels.level(0).tolist() == np.zeros((64, 64)).tolist()
    assert pyramid(np.full((64, 64), 3.0), 1.0, 1.0).level(1) == pytest.approx(3.0)


def test_field_smaller_than_a_tile_is_refused() -> None:
    with pytest.raises(ValueError, match=r"a field of \(16, 64\) elements is smaller than 32 x 32"):
        pyramid(np.zeros((16, 64)), 1.0, 1.0)


def test_bounds_are_the_extremes_of_squares_of_every_level() -> None:
    field = np.random.default_rng(1).normal(size=(128, 64))
    levels = pyramid(field, 1.0, 1.0)
    bounds, offsets = square_bounds(levels, 16)
    # 8 x 4 squares, then 4 x 2.
    assert offsets.tolist() == [0, 32]
    assert bounds.shape == (40, 2)
    for index in range(2):
        level = levels.level(index)
        across = level.shape[1] // 16
        for i in range(level.shape[0] // 16):
            for j in range(across):
                square = level[16 * i : 16 * i + 16, 16 * j : 16 * j + 16]
                assert bounds[offsets[index] + i * across + j].tolist() == [square.min(), square.max()]
    # One square along an axis that is shorter.
    assert square_bounds(levels, 256)[0][0].tolist() == [levels.level(0).min(), levels.level(0).max()]
