"""The scores' definitions, on masks small enough to count by hand."""

import numpy as np
import pytest

from bench.detection import speed
from bench.detection.scores import match, score_masks


def mask(*boxes: tuple[int, int, int]) -> np.ndarray:
    """Return a mask of squares: row, column, side."""
    array = np.zeros((40, 50), dtype=bool)
    for row, column, side in boxes:
        array[row : row + side, column : column + side] = True
    return array


def test_target_is_found_within_three_pixels_and_the_rest_is_false() -> None:
    true = mask((10, 10, 3), (30, 40, 2))
    score = score_masks([(mask((12, 12, 3), (20, 30, 2)), true)])
    assert score.pd == 0.5
    assert score.fa == 4 / 2000
    assert score.iou == pytest.approx(1 / (9 + 9 + 4 + 4 - 1))
    assert score.niou == score.iou


def test_iou_is_pooled_and_niou_is_its_mean() -> None:
    pairs = [(mask((10, 10, 2)), mask((10, 10, 4))), (mask((5, 5, 3)), mask((5, 5, 3)))]
    score = score_masks(pairs)
    assert score.iou == pytest.approx(13 / 25)
    assert score.niou == pytest.approx((0.25 + 1) / 2)


def test_match_is_one_to_one() -> None:
    found = np.array([[10.0, 10.0], [10.0, 12.0]])
    assert match(found, np.array([[10.0, 11.5]])) == [(1, 0)]
    assert sorted(match(found, np.array([[10.0, 11.0], [10.0, 14.0]]))) == [(0, 0), (1, 1)]
    assert match(found, np.empty((0, 2))) == []


def test_speed_names_every_contender(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "SIDE", 128)
    monkeypatch.setattr(speed, "RING", 2)
    figures = speed.run(rounds=2)
    assert {"detect", "numpy.copyto"} <= set(figures["ns_per_pixel"])
    for each in figures["ns_per_pixel"].values():
        assert 0 < each["min"] <= each["median"]
    assert "detect" in speed.table(figures)
