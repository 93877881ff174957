"""Recorded images: what comes back, and that a broken one is a named error."""

import contextlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sat_emulator.replay.images import list_images, read_image
from services.runtime.errors import BadInputError


def counts_8() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (20, 30), dtype=np.uint8)


def counts_16() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 65536, (20, 30), dtype=np.uint16)


def counts_float() -> np.ndarray:
    return np.random.default_rng(1).normal(100, 20, (20, 30)).astype(np.float32)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".npy"])
@pytest.mark.parametrize("counts", [counts_8(), counts_16(), counts_float()], ids=["uint8", "uint16", "float32"])
def test_counts_come_back_as_written(tmp_path: Path, suffix: str, counts: np.ndarray) -> None:
    path = tmp_path / f"image{suffix}"
    if suffix == ".png" and counts.dtype == np.float32:
        pytest.skip("PNG has no float")
    np.save(path, counts) if suffix == ".npy" else Image.fromarray(counts).save(path)
    back = read_image(path)
    assert back.dtype == counts.dtype
    assert back.flags.c_contiguous
    np.testing.assert_array_equal(back, counts)


def test_type_is_told_by_content_not_by_name(tmp_path: Path) -> None:
    with (tmp_path / "image.png").open("wb") as file:
        np.save(file, counts_16())
    np.testing.assert_array_equal(read_image(tmp_path / "image.png"), counts_16())


def test_big_endian_and_wide_integers_are_brought_to_counts(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, counts_16().astype(">u2"))
    assert read_image(path).dtype == np.uint16
    np.save(path, counts_16().astype(np.int64))
    np.testing.assert_array_equal(read_image(path), counts_16())
    np.save(path, counts_16().astype(np.int32) - 1000)
    assert read_image(path).dtype == np.float32


def test_colour_with_equal_channels_is_grey_and_other_colour_its_luma(tmp_path: Path) -> None:
    grey = counts_8()
    Image.fromarray(np.dstack([grey] * 3)).save(tmp_path / "grey.png")
    np.testing.assert_array_equal(read_image(tmp_path / "grey.png"), grey)
    Image.fromarray(np.full((8, 8, 4), (200, 100, 50, 7), dtype=np.uint8)).save(tmp_path / "colour.png")
    assert np.all(read_image(tmp_path / "colour.png") == round(0.299 * 200 + 0.587 * 100 + 0.114 * 50))


def test_one_bit_becomes_black_and_white(tmp_path: Path) -> None:
    bits = counts_8() > 127
    Image.fromarray(bits).save(tmp_path / "bits.png")
    np.testing.assert_array_equal(read_image(tmp_path / "bits.png"), np.where(bits, 255, 0))


def test_folder_is_its_images_in_natural_order(tmp_path: Path) -> None:
    for name in ("f10.png", "f2.png", "f1.PNG", ".f0.png", "notes.txt"):
        Image.fromarray(counts_8()).save(tmp_path / name, format="PNG")
    assert [path.name for path in list_images(tmp_path)] == ["f1.PNG", "f2.png", "f10.png"]


def test_missing_path_and_empty_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="nowhere: no such file or folder"):
        list_images(tmp_path / "nowhere")
    with pytest.raises(BadInputError, match=r"holds no image; looked for \.png"):
        list_images(tmp_path)
    with pytest.raises(BadInputError, match="no such file"):
        read_image(tmp_path / "nothing.png")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "not PNG, TIFF or NPY"),
        (b"P6 3 3 255\n" + bytes(27), "not PNG, TIFF or NPY"),
        (b"\x89PNG\r\n\x1a\n", "not PNG, TIFF or NPY"),
        (b"\x93NUMPY\x01\x00", "cannot be read"),
    ],
)
def test_wrong_or_cut_header_is_a_named_error(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "image.png"
    path.write_bytes(content)
    with pytest.raises(BadInputError, match=problem) as caught:
        read_image(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("array", [np.zeros((2, 3, 4)), np.zeros(5), np.zeros((0, 4)), np.zeros((4, 4), complex)])
def test_array_that_is_no_image_is_refused(tmp_path: Path, array: np.ndarray) -> None:
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(BadInputError):
        read_image(tmp_path / "a.npy")


def test_pickled_object_is_not_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(BadInputError):
        read_image(tmp_path / "a.npy")


def test_several_pages_are_refused_with_the_remedy(tmp_path: Path) -> None:
    page = Image.fromarray(counts_8())
    page.save(tmp_path / "stack.tif", save_all=True, append_images=[page])
    with pytest.raises(BadInputError, match="holds 2 pages; write one image a file"):
        read_image(tmp_path / "stack.tif")


# Pillow warns of what it reads past; whether the file can be used is what matters here.
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", ["image.png", "image.tif", "packed.tif", "image.npy"])
def test_damaged_file_is_an_image_or_a_named_error_never_a_crash(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.endswith("npy"):
        np.save(path, counts_16())
    else:
        Image.fromarray(counts_16()).save(path, compression="tiff_lzw" if name == "packed.tif" else None)
    good = path.read_bytes()
    rng = np.random.default_rng(7)
    for trial in range(300):
        damaged = bytearray(good[: rng.integers(1, len(good))] if trial % 2 else good)
        for place in rng.integers(0, min(len(damaged), 400), 3):
            damaged[place] ^= int(rng.integers(1, 256))
        path.write_bytes(damaged)
        # Anything but an image or BadInputError fails the test.
        with contextlib.suppress(BadInputError):
            assert read_image(path).ndim == 2


@pytest.mark.parametrize("name", ["image.png", "image.tif", "image.npy"])
def test_truncated_file_is_a_named_error(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    np.save(path, counts_16()) if name.endswith("npy") else Image.fromarray(counts_16()).save(path)
    good = path.read_bytes()
    for part in (0.1, 0.5, 0.9):
        path.write_bytes(good[: int(part * len(good))])
        with pytest.raises(BadInputError, match=name):
            read_image(path)
