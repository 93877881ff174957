"""What the verifier sees of a candidate does not depend on the camera's counts, and matches a plain twin."""

import numpy as np
import pytest

from services.ground_station.detection.verify import windows as w
from services.ground_station.detection.verify.windows import cut, mirrored


def picture(shape: tuple[int, int] = (150, 170), seed: int = 3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.rint(rng.normal(1000, 20, shape) + np.linspace(0, 300, shape[1])).astype(np.uint16)


def plain(counts: np.ndarray, row: int, column: int) -> tuple[np.ndarray, np.ndarray]:
    """The specification: pad by mirroring, slice, divide."""
    half = w.FIELD_PX // 2
    padded = np.pad(counts.astype(np.float64), half, mode="symmetric")
    field = padded[row : row + w.FIELD_PX, column : column + w.FIELD_PX]
    window = field[w.INSET_PX : -w.INSET_PX, w.INSET_PX : -w.INSET_PX]
    above = field - np.median(window)
    few = field[:: w.SAMPLE_STEP]
    bends = [
        abs(line[c] - 0.5 * (line[c - 1] + line[c + 1]))
        for line in few
        for c in range(1, w.FIELD_PX - 1, w.SAMPLE_STEP)
    ]
    spread = few[:, :: w.SAMPLE_STEP].std()
    noise = max(np.median(bends) / 0.6745 / np.sqrt(1.5), 12**-0.5, 1e-3 * spread)
    height = max(above[half - 3 : half + 4, half - 3 : half + 4].max(), noise)
    inner = above[w.INSET_PX : -w.INSET_PX, w.INSET_PX : -w.INSET_PX]
    fine = [(inner / height).clip(-4, 4), 0.25 * np.arcsinh(inner / noise), (inner / spread).clip(-4, 4)]
    blocks = [above[i : i + 4, j : j + 4] for i in range(0, 192, 4) for j in range(0, 192, 4)]
    mean = np.array([each.mean() for each in blocks]).reshape(48, 48)
    highest = np.array([each.max() for each in blocks]).reshape(48, 48)
    both = (mean, highest)
    coarse = [0.25 * np.arcsinh(each / noise) for each in both] + [(each / spread).clip(-4, 4) for each in both]
    return np.stack(fine, axis=-1), np.stack(coarse, axis=-1)


@pytest.mark.parametrize("place", [(75, 80), (0, 0), (149, 3), (10, 169)])
def test_windows_match_the_plain_twin(place: tuple[int, int]) -> None:
    counts = picture()
    found = cut(counts, np.array([place[0]]), np.array([place[1]]))
    fine, coarse = plain(counts, *place)
    np.testing.assert_allclose(found.fine[0], fine, atol=2e-6)
    np.testing.assert_allclose(found.coarse[0], coarse, atol=2e-6)


def test_stronger_counts_look_the_same() -> None:
    counts = picture().astype(np.float32)
    rows, columns = np.array([70]), np.array([90])
    one, other = cut(counts, rows, columns), cut(17.0 * counts + 5000.0, rows, columns)
    np.testing.assert_allclose(one.fine, other.fine, atol=1e-3)
    np.testing.assert_allclose(one.coarse, other.coarse, atol=1e-3)


def test_mirror_doubles_the_edge_pixel_as_often_as_it_takes() -> None:
    assert mirrored(np.arange(-4, 7), 3).tolist() == [2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0]


def test_missing_pixels_leave_the_rest_as_it_is() -> None:
    counts = picture().astype(np.float32)
    holed = counts.copy()
    holed[40:44, 40] = [np.nan, np.inf, -np.inf, np.nan]
    rows, columns = np.array([75]), np.array([80])
    one, other = cut(counts, rows, columns), cut(holed, rows, columns)
    assert np.isfinite(other.coarse).all()
    np.testing.assert_allclose(one.fine, other.fine, atol=2e-2)


@pytest.mark.parametrize("value", [0.0, 3e38, np.nan])
def test_hopeless_pictures_give_finite_windows(value: float) -> None:
    counts = np.full((20, 20), value, dtype=np.float32)
    found = cut(counts, np.array([3]), np.array([4]))
    assert np.isfinite(found.fine).all()
    assert np.isfinite(found.coarse).all()
