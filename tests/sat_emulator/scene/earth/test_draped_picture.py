"""Pictures draped round the area against their own pixels."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sat_emulator.scene.earth.texture import picture_pyramid
from services.runtime.errors import BadInputError


def test_picture_keeps_its_sides_and_repeats_mirrored(tmp_path: Path) -> None:
    # Bright towards north and east; powers of two, so that nothing is resampled.
    picture = np.add.outer(np.arange(32.0)[::-1], 2 * np.arange(64.0)).astype(np.float32)
    np.save(tmp_path / "p.npy", picture)
    levels = picture_pyramid(tmp_path / "p.npy", 4000.0, np.random.default_rng(1))
    assert (levels.rows[0], levels.columns[0]) == (64, 128)
    assert levels.texel_m.tolist() == [4000.0, 4000.0]
    field = levels.level(0)
    assert (field.min(), field.max()) == pytest.approx((-1.0, 1.0), abs=1e-4)
    # Rows go north, columns east, from the picture's middle; beyond its border all comes back.
    assert field[10, 0] > field[0, 0] > field[-10, 0]
    assert field[0, 10] > field[0, 0] > field[0, -10]
    assert field[16 + 4, 0] == pytest.approx(field[15 - 4, 0], abs=1e-4)


def test_picture_of_any_size_keeps_its_extent(tmp_path: Path) -> None:
    picture = np.add.outer(np.zeros(50), np.sin(np.arange(100.0) / 9)).astype(np.float32)
    np.save(tmp_path / "p.npy", picture)
    levels = picture_pyramid(tmp_path / "p.npy", 3000.0, np.random.default_rng(1))
    assert (levels.rows[0], levels.columns[0]) == (128, 256)
    assert levels.texel_m * [128, 256] == pytest.approx([2 * 50 * 3000.0, 2 * 100 * 3000.0])


def test_whole_numbers_are_dithered(tmp_path: Path) -> None:
    steps = np.repeat(np.arange(4, dtype=np.uint8), 16)[None, :].repeat(32, axis=0)
    Image.fromarray(steps).save(tmp_path / "p.png")
    levels = picture_pyramid(tmp_path / "p.png", 4000.0, np.random.default_rng(1))
    assert len(np.unique(levels.level(0))) > 1000


def test_resampled_picture_stays_between_its_lowest_and_highest_value(tmp_path: Path) -> None:
    # Sides that are no powers of two, and edges, at which cubics overshoot.
    picture = np.random.default_rng(1).integers(0, 2, (50, 90)).astype(np.uint8) * 255
    Image.fromarray(picture).save(tmp_path / "p.png")
    field = picture_pyramid(tmp_path / "p.png", 4000.0, np.random.default_rng(1)).level(0)
    assert (field.min(), field.max()) == pytest.approx((-1.0, 1.0), abs=1e-12)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (np.full((4, 4), 3.0), "is 3 all over"),
        (np.array([[1.0, np.nan], [2.0, 3.0]]), "not finite"),
        (np.zeros((2, 2, 2)), "of shape"),
        (None, "no such file"),
        (b"\x89PNG and no more", "is not PNG, TIFF or NPY"),
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
