"""Random fields against their spectrum, pictures against their pixels."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sat_emulator.scene.texture import picture_pyramid, pyramid, random_field, spectrum_variance
from services.runtime.errors import BadInputError

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


def test_levels_keep_the_mean_and_lose_the_finest() -> None:
    field = np.random.default_rng(1).normal(size=(64, 32))
    levels = pyramid(field, 1.0, 2.0)
    assert levels.rows.tolist() == [64, 32, 16, 8, 4, 2]
    assert levels.columns.tolist() == [32, 16, 8, 4, 2, 1]
    assert len(levels.values) == sum(levels.rows.astype(int) * levels.columns)
    second = levels.values[levels.offset[1] : levels.offset[2]].reshape(32, 16)
    assert second[0, 0] == pytest.approx(field[:2, :2].mean(), abs=1e-6)
    assert levels.values[levels.offset[-1] :].mean() == pytest.approx(field.mean(), abs=1e-6)


def test_picture_keeps_its_sides_and_repeats_mirrored(tmp_path: Path) -> None:
    # Bright towards north and east; powers of two, so that nothing is resampled.
    picture = np.add.outer(np.arange(32.0)[::-1], 2 * np.arange(64.0)).astype(np.float32)
    np.save(tmp_path / "p.npy", picture)
    levels = picture_pyramid(tmp_path / "p.npy", 4000.0, np.random.default_rng(1))
    assert (levels.rows[0], levels.columns[0]) == (64, 128)
    assert levels.texel_m.tolist() == [4000.0, 4000.0]
    field = levels.values[: 64 * 128].reshape(64, 128)
    assert (field.min(), field.max()) == pytest.approx((-2.0, 2.0))
    # Rows go north, columns east, from the picture's middle; beyond its border all comes back.
    assert field[10, 0] > field[0, 0] > field[-10, 0]
    assert field[0, 10] > field[0, 0] > field[0, -10]
    assert field[16 + 4, 0] == pytest.approx(field[15 - 4, 0], abs=1e-6)


def test_whole_numbers_are_dithered(tmp_path: Path) -> None:
    steps = np.repeat(np.arange(4, dtype=np.uint8), 16)[None, :].repeat(32, axis=0)
    Image.fromarray(steps).save(tmp_path / "p.png")
    levels = picture_pyramid(tmp_path / "p.png", 4000.0, np.random.default_rng(1))
    assert len(np.unique(levels.values[: 64 * 128])) > 1000


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (np.full((4, 4), 3.0), "is 3 all over"),
        (np.array([[1.0, np.nan], [2.0, 3.0]]), "not finite"),
        (np.zeros((2, 2, 2)), "has shape"),
        (None, "no such file"),
        (b"\x89PNG and no more", "cannot be read as a picture"),
    ],
)
def test_picture_that_cannot_be_draped_is_named(
    tmp_path: Path, content: np.ndarray | bytes | None, problem: str
) -> None:
    path = tmp_path / ("p.png" if isinstance(content, bytes) else "p.npy")
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        np.save(path, content)
    with pytest.raises(BadInputError, match=problem) as caught:
        picture_pyramid(path, 4000.0, np.random.default_rng(1))
    assert str(path) in str(caught.value)
