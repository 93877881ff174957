"""Reading pictures: real GOES scenes in GINI against their decoded copies, and what cannot be read."""

import importlib
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sat_emulator.scene.earth.picture import half_kelvins, read_picture
from sat_emulator.scene.earth.texture import picture_pyramid
from services.runtime.errors import BadInputError

SCENES = ["AK-REGIONAL_8km_3.9_20160408_1445", "HI-REGIONAL_4km_3.9_20160616_1715"]


@pytest.fixture
def goes(shared_data: Path) -> Path:
    pytest.importorskip("metpy", reason="MetPy, which reads GINI, is not installed: the extra `gini` brings it")
    folder = shared_data / "goes_3_9um"
    if not folder.is_dir():
        pytest.skip(f"no GOES scenes: {folder} is missing")
    return folder


def test_counts_are_the_published_temperatures() -> None:
    # Both ends of the table and either side of its bend (The GOES User's Guide): 330, 242, 241 and 163 K.
    assert (half_kelvins(np.array([0, 176, 177, 255], np.uint8)) / 2).tolist() == [330.0, 242.0, 241.0, 163.0]


def test_counts_fall_as_temperature_rises() -> None:
    assert np.all(np.diff(half_kelvins(np.arange(256, dtype=np.uint8)).astype(int)) < 0)


@pytest.mark.parametrize("name", SCENES)
def test_gini_is_its_decoded_copy_in_half_kelvins(goes: Path, name: str) -> None:
    counts = np.load(goes / f"{name}.npy")
    values = read_picture(goes / f"{name}.gini")
    seen = (counts > 0) & (counts < 255)
    assert 0.7 < seen.mean() < 1.0
    assert np.array_equal(values[seen], half_kelvins(counts)[seen])
    # What GOES never saw is neither the hottest nor the coldest.
    assert np.all(values[~seen] == np.median(values[seen]))


def test_pacific_has_the_temperature_of_the_sea(goes: Path) -> None:
    # Surface water round Hawaii is 298 to 300 K in June; the air takes a few kelvins at 3.9 um, and cloud more.
    values = read_picture(goes / f"{SCENES[1]}.gini").astype(float) / 2
    assert 288 < np.median(values) < 300
    assert values.max() < 305
    assert values.min() > 220


def test_gini_can_be_draped(goes: Path) -> None:
    first = picture_pyramid(goes / f"{SCENES[0]}.gini", 8000.0, np.random.default_rng(1)).level(0)
    assert -1.0 <= first.min() < -0.9
    assert 0.9 < first.max() <= 1.0


def test_gini_without_metpy_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(importlib, "import_module", missing)
    (tmp_path / "a.gini").write_bytes(b"")
    with pytest.raises(BadInputError, match=r"a\.gini: is a GINI file, which takes MetPy .* extra `gini`"):
        read_picture(tmp_path / "a.gini")


def test_damaged_gini_is_named(goes: Path, tmp_path: Path) -> None:
    whole = (goes / f"{SCENES[0]}.gini").read_bytes()
    for part in (b"", b"no GINI at all, whatever its name may say" * 40, whole[: len(whole) // 2]):
        (tmp_path / "a.gini").write_bytes(part)
        with pytest.raises(BadInputError, match=r"a\.gini: cannot be read as a GINI file: .+"):
            read_picture(tmp_path / "a.gini")


def test_missing_gini_is_said_to_be_missing(goes: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"no such file; background\.picture is relative to the scenario file"):
        read_picture(tmp_path / "a.gini")


def test_gini_is_known_by_its_name_in_any_case(goes: Path, tmp_path: Path) -> None:
    shutil.copyfile(goes / f"{SCENES[1]}.gini", tmp_path / "A.3.9.GINI")
    assert read_picture(tmp_path / "A.3.9.GINI").dtype == np.uint16


@pytest.mark.parametrize("suffix", [".png", ".tif", ".npy"])
def test_counts_of_other_pictures_stay_what_they_are(tmp_path: Path, suffix: str) -> None:
    counts = np.random.default_rng(1).integers(0, 65536, (5, 7)).astype(np.uint16)
    path = tmp_path / f"p{suffix}"
    if suffix == ".npy":
        np.save(path, counts)
    else:
        Image.fromarray(counts).save(path)
    assert np.array_equal(read_picture(path), counts)


def test_floats_of_tiff_stay_floats(tmp_path: Path) -> None:
    kelvins = np.linspace(220.0, 300.0, 12, dtype=np.float32).reshape(3, 4)
    Image.fromarray(kelvins).save(tmp_path / "p.tif")
    assert np.array_equal(read_picture(tmp_path / "p.tif"), kelvins)


def test_colour_becomes_luminance(tmp_path: Path) -> None:
    colour = np.zeros((2, 3, 3), np.uint8)
    colour[..., :] = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255]])[None]
    Image.fromarray(colour).save(tmp_path / "p.png")
    # 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601).
    assert read_picture(tmp_path / "p.png")[0].tolist() == [76, 150, 29]


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("p.npy", np.zeros((2, 2, 2)), r"of shape \(2, 2, 2\), not \(rows, columns\)"),
        ("p.npy", np.zeros((1, 5)), "2 x 2 and larger"),
        ("p.npy", np.array([["a", "b"], ["c", "d"]]), "not numbers of counts"),
        ("p.npy", b"\x93NUMPY and no more", "cannot be read as an image"),
        ("p.npy", b"", "is not PNG, TIFF or NPY"),
        ("p.png", b"\x89PNG and no more", "is not PNG, TIFF or NPY"),
        ("p.tif", None, "no such file; background.picture is relative"),
    ],
)
def test_what_is_no_picture_is_named(
    tmp_path: Path, name: str, content: np.ndarray | bytes | None, problem: str
) -> None:
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        np.save(path, content)
    with pytest.raises(BadInputError, match=problem) as caught:
        read_picture(path)
    assert str(path) in str(caught.value)


def test_picture_that_claims_too_many_pixels_is_named(tmp_path: Path) -> None:
    Image.new("1", (20_000, 20_000)).save(tmp_path / "p.png")
    with pytest.raises(BadInputError, match=r"p\.png: claims more than 268435456 pixels"):
        read_picture(tmp_path / "p.png")
