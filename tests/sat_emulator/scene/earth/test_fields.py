"""The seeded fields: their spectrum, variance and shares, in themselves and in what is drawn of them."""

import dataclasses
import functools

import numpy as np
import pytest

from sat_emulator.scene.earth.background import (
    COARSE_RATIO,
    FINE_LONGEST_PX,
    Background,
    Fields,
    shared_fields,
)
from services.geometry.camera import Camera
from services.scenario.model import Background as Ground
from services.scenario.model import Cloud, Sensor
from tests.sat_emulator.scene.earth import seeing

PIXEL_M = 1000.0


@functools.lru_cache(maxsize=8)
def _fields(seed: int, land: float = 0.5, cover: float = 0.35, exponent: float = -3.0) -> Fields:
    run = seeing.scenario(
        seed=seed,
        background=Ground(land_fraction=land, spectral_exponent=exponent),
        cloud=Cloud(cover=cover, spectral_exponent=exponent),
    )
    return shared_fields(run, PIXEL_M)


def _power(field: np.ndarray, texel_m: float) -> tuple[np.ndarray, np.ndarray]:
    """Return frequency, 1/m, and power spectral density, m^2, of a field's elements."""
    frequency = np.hypot(
        np.fft.fftfreq(field.shape[0], texel_m)[:, None], np.fft.fftfreq(field.shape[1], texel_m)[None, :]
    )
    return frequency, np.abs(np.fft.fft2(field)) ** 2 * texel_m**2 / field.size


@pytest.mark.parametrize("exponent", [-2.5, -3.0, -3.5])
def test_fine_and_coarse_parts_are_one_spectrum(exponent: float) -> None:
    fields = _fields(1, exponent=exponent)
    fine_frequency, fine = _power(fields.ground.level(0), PIXEL_M)
    coarse_frequency, coarse = _power(fields.coarse[..., 1].astype(float), fields.coarse_texel_m)
    split = 1 / (FINE_LONGEST_PX * PIXEL_M)
    # Each part has nothing of the other's.
    assert fine[fine_frequency < 0.9 * split].sum() < 1e-6 * fine.sum()
    assert coarse[coarse_frequency > 1.1 * split].sum() < 1e-6 * coarse.sum()
    middle_fine = (fine_frequency > 1.1 * split) & (fine_frequency < 0.3 / PIXEL_M)
    middle_coarse = (coarse_frequency > 5e-6) & (coarse_frequency < 0.9 * split)
    frequency = np.log(np.concatenate([fine_frequency[middle_fine], coarse_frequency[middle_coarse]]))
    power = np.log(np.concatenate([fine[middle_fine], coarse[middle_coarse]]))
    slope, level = np.polyfit(frequency, power, 1)
    assert slope == pytest.approx(exponent, abs=0.05)
    # The coarse part alone has the same level, within a fifth.
    at = np.mean(np.log(coarse[middle_coarse]) - slope * np.log(coarse_frequency[middle_coarse]))
    assert at == pytest.approx(level, abs=0.2)


def test_variance_of_both_parts_together_is_one() -> None:
    total = [
        [
            fields.ground.level(0).var() + fields.coarse[..., 1].var(),
            fields.cloud.level(0).var() + fields.coarse[..., 2].var(),
        ]
        for fields in (_fields(seed) for seed in range(1, 7))
    ]
    # A field of some tens of weather systems knows its variance to a quarter each; twelve of them to less.
    assert np.mean(total) == pytest.approx(1.0, abs=0.15)


@pytest.mark.parametrize("share", [0.1, 0.35, 0.8])
def test_land_and_cloud_are_as_much_as_asked_for(share: float) -> None:
    lands, covers = [], []
    for seed in (1, 2, 3, 4):
        fields = _fields(seed, share, share)
        # Anywhere in the coarse fields; the fine ones repeat in them many times, at places of their own.
        generator = np.random.default_rng(seed)
        coarse = fields.coarse[tuple(generator.integers(0, 512, (2, 200_000)))]
        fine, cloud = (
            field.level(0)[tuple(generator.integers(0, 1024, (2, 200_000)))] for field in (fields.ground, fields.cloud)
        )
        lands.append((coarse[:, 0] + fine > fields.land_at).mean())
        covers.append((coarse[:, 2] + cloud > fields.cloud_at).mean())
    assert np.mean(lands) == pytest.approx(share, abs=0.06)
    assert np.mean(covers) == pytest.approx(share, abs=0.06)


def test_none_and_all_are_exactly_that() -> None:
    none, whole = _fields(1, 0.0, 0.0), _fields(1, 1.0, 1.0)
    assert none.land_at > 100 * np.abs(none.coarse[..., 0]).max()
    assert whole.cloud_at < -100 * np.abs(whole.coarse[..., 2]).max()


def test_clouds_stay_when_the_ground_changes_and_fields_are_independent() -> None:
    one, other = _fields(1, land=0.5), _fields(1, land=0.2, exponent=-3.0)
    assert np.array_equal(one.cloud.pairs, other.cloud.pairs)
    assert np.array_equal(one.coarse, other.coarse)
    for k, m in ((0, 1), (0, 2), (1, 2)):
        # Few weather systems make for some correlation by chance.
        assert abs(np.corrcoef(one.coarse[..., k].ravel(), one.coarse[..., m].ravel())[0, 1]) < 0.25
    fine = np.corrcoef(one.ground.level(0).ravel(), one.cloud.level(0).ravel())[0, 1]
    assert abs(fine) < 0.05


def test_seed_changes_and_reproduces_the_fields() -> None:
    run = seeing.scenario(seed=9)
    first = shared_fields(run, PIXEL_M)
    shared_fields.cache_clear()
    again = shared_fields(run, PIXEL_M)
    other = shared_fields(dataclasses.replace(run, seed=10), PIXEL_M)
    assert np.array_equal(first.ground.pairs, again.ground.pairs)
    assert np.array_equal(first.coarse, again.coarse)
    assert not np.array_equal(first.coarse, other.coarse)
    assert first.coarse_texel_m == COARSE_RATIO * PIXEL_M


@pytest.mark.parametrize("exponent", [-2.5, -3.5])
def test_drawn_texture_has_the_stated_spectrum(exponent: float) -> None:
    # Land without sea and cloud, straight down, a pixel of 1 km as the texture's elements.
    run = seeing.scenario(
        atmosphere=seeing.CLEAR_AIR,
        background=Ground(land_fraction=1.0, sun=False, spectral_exponent=exponent, land_sigma_k=10.0),
        cloud=Cloud(cover=0.0),
    )
    powers = []
    for seed in (1, 2, 3, 4):
        seeded = dataclasses.replace(run, seed=seed)
        background = Background(seeded, Sensor(), shared_fields(seeded, PIXEL_M))
        eye = seeing.eye(rows=256, columns=256, camera=Camera("equidistant", 1000.0, 127.5, 127.5))
        image = eye.draw(background).astype(float) / eye.weight()
        window = np.outer(np.hanning(256), np.hanning(256))
        powers.append(_power((image - image.mean()) * window, PIXEL_M)[1])
    frequency, _ = _power(np.zeros((256, 256)), PIXEL_M)
    middle = (frequency > 0.02 / PIXEL_M) & (frequency < 0.12 / PIXEL_M)
    slope, _ = np.polyfit(np.log(frequency[middle]), np.log(np.mean(powers, axis=0)[middle]), 1)
    # Straight lines between elements take a little from the fine end.
    assert slope == pytest.approx(exponent, abs=0.25)
