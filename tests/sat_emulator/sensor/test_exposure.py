"""Counts against their slow twin and closed-form statistics; bad arguments."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

from sat_emulator.sensor import optics
from sat_emulator.sensor.exposure import digitised, photoelectrons
from sat_emulator.sensor.fixed_pattern import FixedPattern, fixed_pattern
from sat_emulator.sensor.philox import key_of
from sat_emulator.sensor.radiometry import Radiometer
from services.scenario.model import Sensor
from tests.sat_emulator import naive

SENSOR = Sensor(rows=400, columns=400)
RADIOMETER = Radiometer.of(SENSOR)
SIDE = 400
NONE = np.zeros(0, np.intp)
ALIKE = FixedPattern(np.zeros((SIDE, SIDE), np.int16), 0.0, 0.0, NONE, NONE)
# An electron a count and nothing but photon noise.
ELECTRONS = dataclasses.replace(
    RADIOMETER, dark_e=0.0, read_noise_e=0.0, electrons_per_count=1.0, offset_counts=0.0, full_well_e=6e4
)


def _counts(mean_e: float, radiometer: Radiometer = RADIOMETER, seed: int = 1, sequence: int = 0) -> np.ndarray:
    mean = np.full((SIDE, SIDE), mean_e, np.float32)
    return digitised(mean, radiometer, ALIKE, 1.0, key_of(seed, 0), sequence).astype(float)


@pytest.mark.parametrize(("rows", "columns"), [(64, 64), (67, 97)])
@pytest.mark.parametrize("bit_depth", [8, 12, 16])
def test_counts_are_their_slow_twins(rows: int, columns: int, bit_depth: int) -> None:
    sensor = dataclasses.replace(
        SENSOR, rows=rows, columns=columns, bit_depth=bit_depth, offset_counts=20.0, gain_residue=0.01,
        dark_current_e_per_s=500.0, full_well_e=1e5, hot_fraction=0.0, dead_fraction=0.0,
    )  # fmt: skip
    radiometer, pattern = Radiometer.of(sensor), fixed_pattern(sensor, 3, 1)
    # From nothing to beyond the well, through both branches.
    photo_e = 10 ** np.random.default_rng(2).uniform(-2, 5.3, (rows, columns)).astype(np.float32)
    slow = naive.digitise(photo_e, radiometer, pattern, key_of(3, 1), 9)
    fast = digitised(photo_e, radiometer, pattern, 1.0, key_of(3, 1), 9)
    assert fast.dtype == np.uint16
    assert fast.max() == 2**bit_depth - 1
    # Half a count of rounding and what single precision loses of 1e5 electrons. On the edge of two numbers of the
    # Poisson branch, or of the branches, one may be a few electrons off.
    off = np.abs(fast - slow)
    assert np.mean(off > 0.5 + 0.05 / radiometer.electrons_per_count) < 1e-3
    assert off.max() <= 0.5 + 60 / radiometer.electrons_per_count


def test_rounding_is_to_the_nearest_count() -> None:
    step = dataclasses.replace(ELECTRONS, electrons_per_count=1000.0, offset_counts=7.0, read_noise_e=1e-3)
    image = np.zeros((SIDE, SIDE), np.float32)
    for offset_e, counts in ((490.0, 7), (510.0, 8), (1490.0, 8), (-510.0, 6), (-490.0, 7)):
        # The residue of offset is not noisy: 127 of its steps.
        residue = np.full((SIDE, SIDE), 127 << 8, np.uint16).view(np.int16)
        pattern = dataclasses.replace(ALIKE, residue=residue, offset_step_e=offset_e / 127)
        assert (digitised(image, step, pattern, 1.0, key_of(1), 0) == counts).all(), offset_e


@pytest.mark.parametrize("mean_e", [0.0, 2_000.0, 33_000.0, 1_000_000.0])
def test_mean_and_spread_of_counts_are_the_closed_forms(mean_e: float) -> None:
    counts = _counts(mean_e)
    expected = RADIOMETER.offset_counts + (mean_e + RADIOMETER.dark_e) / RADIOMETER.electrons_per_count
    sigma = RADIOMETER.noise_e(mean_e) / RADIOMETER.electrons_per_count
    five_sigma = 5 / SIDE
    assert counts.mean() == pytest.approx(expected, abs=five_sigma * sigma)
    assert counts.std() == pytest.approx(sigma, rel=five_sigma / np.sqrt(2) + 0.003)


@pytest.mark.parametrize("mean_e", [0.5, 5.0, 40.0])
def test_few_electrons_are_poissons_whole_numbers(mean_e: float) -> None:
    counts = _counts(mean_e, ELECTRONS)
    n = counts.size
    assert counts.mean() == pytest.approx(mean_e, abs=5 * np.sqrt(mean_e / n))
    # The variance of a sample's variance: (fourth central moment - variance^2) / n, and the former is m + 3 m^2.
    assert counts.var() == pytest.approx(mean_e, abs=5 * np.sqrt((mean_e + 2 * mean_e**2) / n))
    numbers = np.arange(200)
    expected = n * stats.poisson.pmf(numbers, mean_e)
    seen = np.bincount(counts.astype(int).ravel(), minlength=200)
    often = expected > 20
    chi2 = ((seen - expected)[often] ** 2 / expected[often]).sum()
    assert stats.chi2.sf(chi2, often.sum()) > 1e-4
    assert (_counts(0.0, ELECTRONS) == 0).all()


@pytest.mark.parametrize("mean_e", [51.0, 200.0, 12_000.0])
@pytest.mark.parametrize("read_noise_e", [0.0, 10.0])
def test_many_electrons_have_poissons_first_three_moments(mean_e: float, read_noise_e: float) -> None:
    fine = dataclasses.replace(ELECTRONS, read_noise_e=read_noise_e, offset_counts=100.0)
    counts = np.concatenate([_counts(mean_e, fine, sequence=k).ravel() for k in range(4)])
    n, variance = counts.size, mean_e + read_noise_e**2 + 1 / 12
    assert counts.mean() == pytest.approx(100 + mean_e, abs=5 * np.sqrt(variance / n))
    # The bend adds skewness^2 / 18 to the variance, 0.1 % at 51 electrons.
    assert counts.var() == pytest.approx(variance, rel=5 * np.sqrt(2 / n) + 1 / (15 * mean_e))
    skewness = mean_e / variance**1.5
    assert stats.skew(counts) == pytest.approx(skewness, abs=5 * np.sqrt(6 / n) + 0.02 * skewness)


def test_few_electrons_under_read_noise_have_both_noises() -> None:
    fine = dataclasses.replace(ELECTRONS, read_noise_e=5.0, offset_counts=100.0)
    assert _counts(3.0, fine).std() == pytest.approx(np.sqrt(3.0 + 25.0 + 1 / 12), rel=0.01)


def test_noise_does_not_step_where_poissons_branch_ends() -> None:
    below, above = (_counts(mean_e, ELECTRONS).var() / mean_e for mean_e in (49.9, 50.1))
    assert below == pytest.approx(above, rel=0.02)


def test_full_well_is_full_scale() -> None:
    assert (_counts(1e9) == 2**14 - 1).all()
    assert _counts(SENSOR.full_well_e - RADIOMETER.dark_e).mean() == pytest.approx(2**14 - 1, abs=10)
    sixteen = Radiometer.of(dataclasses.replace(SENSOR, bit_depth=16))
    assert (_counts(1e9, sixteen) == 65_535).all()
    # With more electrons a count than fill the digitiser, the well ends first: 200 + 2e6 / 200.
    coarse = Radiometer.of(dataclasses.replace(SENSOR, gain_e_per_count=200.0))
    assert (_counts(1e9, coarse) == 10_200).all()


def test_dark_current_and_residues_are_in_the_counts() -> None:
    sensor = dataclasses.replace(SENSOR, gain_residue=0.05, offset_residue_e=3000.0, bit_depth=16)
    radiometer, pattern = Radiometer.of(sensor), fixed_pattern(sensor, 1, 0)
    photo_e = np.full((SIDE, SIDE), 2e5, np.float32)
    expected = naive.expected_counts(photo_e, radiometer, pattern)
    good = np.ones(photo_e.size, bool)
    good[pattern.dead] = good[pattern.hot] = False
    frames = [digitised(photo_e.copy(), radiometer, pattern, 100.0, key_of(1, 0), k).astype(float) for k in range(16)]
    off = (np.mean(frames, axis=0) - expected).ravel()[good]
    sigma = radiometer.noise_e(2e5) / radiometer.electrons_per_count / 4
    assert expected.std() > 40 * sigma
    assert off.std() == pytest.approx(sigma, rel=0.02)
    assert abs(off.mean()) < 5 * sigma / SIDE


def test_dead_pixels_stay_at_the_offset_and_hot_ones_have_their_dark_current() -> None:
    sensor = dataclasses.replace(
        SENSOR, dead_fraction=0.01, hot_fraction=0.01, offset_residue_e=0.0, gain_residue=0.0, gain_e_per_count=20.0,
        bad_pixels_replaced=False,
    )  # fmt: skip
    radiometer, pattern = Radiometer.of(sensor), fixed_pattern(sensor, 1, 0)
    counts = digitised(np.full((SIDE, SIDE), 4e4, np.float32), radiometer, pattern, 100.0, key_of(1, 0), 0).ravel()
    dead, hot = counts[pattern.dead].astype(float), counts[pattern.hot].astype(float)
    assert dead.mean() == pytest.approx(200.0, abs=5 * 3.0 / 40)
    # Read noise of 60 electrons alone.
    assert dead.std() == pytest.approx(3.0, rel=0.1)
    assert hot.mean() == pytest.approx(200 + (4e4 + 100 * 400) / 20, rel=1e-3)
    assert np.median(counts) == pytest.approx(200 + 40_400 / 20, abs=1)


def test_bad_pixels_are_replaced_by_their_neighbours_in_the_row() -> None:
    sensor = dataclasses.replace(SENSOR, rows=64, columns=80)
    pattern = FixedPattern(np.zeros((64, 80), np.int16), 0.0, 0.0, np.array([80 * 5 + 7]), np.array([0, 80 * 9 + 79]))
    photo_e = np.random.default_rng(1).uniform(1e5, 3e5, (64, 80)).astype(np.float32)
    raw, replaced = (
        digitised(
            photo_e.copy(),
            Radiometer.of(sensor),
            dataclasses.replace(pattern, bad_pixels_replaced=replace),
            100.0,
            key_of(1, 0),
            0,
        ).astype(int)
        for replace in (False, True)
    )
    assert replaced[5, 7] == pytest.approx((raw[5, 6] + raw[5, 8]) / 2, abs=0.5)
    # At the border there is one neighbour.
    assert (replaced[0, 0], replaced[9, 79]) == (raw[0, 1], raw[9, 78])
    assert (raw != replaced).sum() == 3
    assert raw[5, 7] < 300


def test_neighbours_have_noise_of_their_own() -> None:
    noise = _counts(33_000.0) - _counts(33_000.0).mean()
    for step in ((0, 1), (1, 0), (1, 1), (0, 100), (0, 200), (3, 300)):
        shifted = np.roll(noise, step, axis=(0, 1))
        assert abs(np.corrcoef(noise.ravel(), shifted.ravel())[0, 1]) < 5 / SIDE


def test_no_noise_is_used_twice() -> None:
    # Of both branches; all pairs of frames of a satellite, another satellite and another seed.
    for mean_e in (12_000.0, 5.0):
        frames = [
            digitised(np.full((SIDE, SIDE), mean_e, np.float32), ELECTRONS, ALIKE, 1.0, key_of(*key), sequence)
            for key in ((1, 0), (1, 1), (2, 0))
            for sequence in (0, 1, 2, 179, 65_536)
        ]
        noise = np.array([frame.astype(float) - frame.mean(dtype=float) for frame in frames])
        for step in ((0, 0), (0, 1), (1, 0), (2, -3), (0, 100)):
            shifted = np.roll(noise, step, axis=(1, 2)).reshape(len(frames), -1)
            products = noise.reshape(len(frames), -1) @ shifted.T
            correlation = products / np.sqrt(np.outer(*2 * [(noise**2).sum(axis=(1, 2))]))
            if step == (0, 0):
                correlation -= np.eye(len(frames))
            assert np.abs(correlation).max() < 5 / SIDE, (mean_e, step)


def test_normal_and_poisson_numbers_of_a_pixel_are_independent() -> None:
    # The one pixel of the other branch: read noise alone against photon noise alone.
    read = dataclasses.replace(ELECTRONS, read_noise_e=10.0, offset_counts=100.0)
    assert abs(np.corrcoef(_counts(0.0, read).ravel(), _counts(5.0, ELECTRONS).ravel())[0, 1]) < 5 / SIDE


def test_blur_is_its_slow_twins() -> None:
    generator = np.random.default_rng(2)
    for sigma in (0.2, 0.6, 1.7, 5.0):
        radiance = generator.uniform(0, 1e-3, (37, 53)).astype(np.float32)
        taps = optics.blur_taps(sigma)
        assert taps.sum() == pytest.approx(1.0, abs=1e-6)
        fast = np.empty_like(radiance)
        photoelectrons(radiance, taps, RADIOMETER, fast)
        slow = naive.blur_to_electrons(radiance, taps, RADIOMETER.electrons_per_w_per_m2_sr)
        assert fast == pytest.approx(slow, rel=1e-5)


def test_images_that_do_not_fit_are_refused() -> None:
    image = np.zeros((8, 8), np.float32)
    with pytest.raises(ValueError, match=r"shape \(8, 8\) does not go into one of shape \(4, 8\)"):
        photoelectrons(image, optics.blur_taps(0.6), RADIOMETER, image[:4].copy())
    with pytest.raises(ValueError, match=r"25 taps do not blur an image of shape .* use an odd, smaller number"):
        photoelectrons(image, optics.blur_taps(4.0), RADIOMETER, image.copy())
    with pytest.raises(ValueError, match=r"photoelectrons \(8, 8\) and the pattern \(400, 400\) differ"):
        digitised(image, RADIOMETER, ALIKE, 1.0, key_of(1, 0), 0)
