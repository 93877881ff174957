"""What the verifier says of candidates: targets kept, scenery dropped, extents that agree with the list."""

import time
from pathlib import Path

import numpy as np
import pytest

from bench.detection.scenes import cloud_field, spots
from bench.detection.scores import components
from bench.detection.verifier.samples import painted_over
from services.ground_station.detection.detect import DetectionConfig, Detector
from services.ground_station.detection.verify import verifier as product
from services.ground_station.detection.verify.outline import isolation, joined, target_pixels
from services.ground_station.detection.verify.verifier import MOST_CANDIDATES, Judged, Verifier, decide

SHAPE = (160, 200)
PLACES = np.array([[40.3, 60.7], [110.2, 150.1]])


@pytest.fixture(scope="module")
def verifier() -> Verifier:
    return Verifier.load()


def picture(seed: int = 1, strength: float = 600.0) -> np.ndarray:
    """Return 16-bit noise of 10 counts with two points a little wider than a pixel."""
    counts = np.random.default_rng(seed).normal(1000, 10, SHAPE)
    return np.rint(counts + spots(SHAPE, PLACES, 1.0, np.full(2, strength))).astype(np.uint16)


def test_points_in_noise_are_targets_with_masks_around_them(verifier: Verifier) -> None:
    counts = picture()
    found, extents = verifier.verify(counts, Detector().detect(counts))
    order = np.argsort(found.row)
    np.testing.assert_allclose(np.stack([found.row, found.column], axis=1)[order], PLACES, atol=0.2)
    for i, (row, column) in enumerate(zip(found.row, found.column, strict=True)):
        assert extents[round(row), round(column)] == i + 1
        assert found.area_px[i] == np.sum(extents == i + 1)
        assert 4 <= found.area_px[i] <= 60


def test_a_cloudy_sky_without_targets_has_none(verifier: Verifier) -> None:
    rng = np.random.default_rng(3)
    sky = 3000 + 400 * cloud_field(rng, 512) + rng.normal(0, 20, (512, 512))
    counts = np.rint(sky).astype(np.uint16)
    candidates = Detector(DetectionConfig(pfa=1e-4)).detect(counts)
    assert len(candidates) > 10
    found, extents = verifier.verify(counts, candidates)
    assert len(found) == 0
    assert not extents.any()


def test_no_candidate_costs_no_look(verifier: Verifier, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = np.full(SHAPE, 7, np.uint8)
    monkeypatch.setattr(product, "cut", None)
    found, extents = verifier.verify(counts, Detector().detect(counts))
    assert found.reason == "CONSTANT"
    assert extents.shape == SHAPE
    assert not extents.any()


def test_same_picture_gives_the_same_list(verifier: Verifier) -> None:
    counts = picture(2)
    candidates = Detector().detect(counts)
    one, other = verifier.verify(counts, candidates), Verifier.load().verify(counts, candidates)
    np.testing.assert_array_equal(one[0].score, other[0].score)
    np.testing.assert_array_equal(one[1], other[1])


def test_work_on_a_picture_full_of_candidates_is_bounded(verifier: Verifier) -> None:
    counts = np.random.default_rng(5).normal(1000, 10, (512, 512)).astype(np.float32)
    candidates = Detector(DetectionConfig(pfa=1e-2)).detect(counts)
    assert len(candidates) > 2 * MOST_CANDIDATES
    started = time.thread_time()
    found, _ = verifier.verify(counts, candidates)
    assert found.left_out == candidates.left_out + len(candidates) - MOST_CANDIDATES
    # Some 2 ms each here; the bound leaves room for a slow machine.
    assert time.thread_time() - started < 20.0


@pytest.mark.parametrize("value", [np.nan, np.inf, -3e38])
def test_pixels_without_a_value_do_not_raise(verifier: Verifier, value: float) -> None:
    counts = picture().astype(np.float32)
    candidates = Detector().detect(counts)
    counts[38:43, 59] = value
    counts[100:120] = value
    found, extents = verifier.verify(counts, candidates)
    assert len(found) == extents.max()
    assert np.isfinite(found.score).all()


def test_candidates_of_one_target_become_one_detection() -> None:
    counts = picture()
    candidates = Detector().detect(counts)
    assert len(candidates) == 2
    shared = (np.array([30, 31, 31]), np.array([40, 41, 42]))
    judged = Judged(np.array([0.5, 2.0]), np.zeros((2, 4)), {0: shared, 1: shared})
    found, extents = decide(SHAPE, candidates, judged, 0.0)
    assert found.score.tolist() == [2.0]
    assert found.row[0] == candidates.row[1]
    assert found.area_px.tolist() == [3]
    assert np.flatnonzero(extents).tolist() == np.ravel_multi_index(shared, SHAPE).tolist()
    assert len(decide(SHAPE, candidates, judged, 2.5)[0]) == 0


def test_pixels_are_the_part_of_the_mask_at_the_candidate() -> None:
    mask = np.full((48, 48), -1.0, dtype=np.float32)
    mask[23:26, 24:27] = 1.0
    mask[2:5, 2:5] = 1.0
    rows, columns = target_pixels(mask, 50, 70, SHAPE)
    assert sorted({*rows.tolist()}) == [49, 50, 51]
    assert sorted({*columns.tolist()}) == [70, 71, 72]
    # At the corner, only what lies within the picture.
    rows, columns = target_pixels(mask, 0, 198, SHAPE)
    assert list(zip(rows.tolist(), columns.tolist(), strict=True)) == [(0, 198), (0, 199), (1, 198), (1, 199)]
    mask[23:26, 24:27] = -1.0
    assert len(target_pixels(mask, 50, 70, SHAPE)[0]) == 0


def test_isolation_tells_a_spot_from_the_edge_of_a_plateau() -> None:
    counts = np.full((40, 40), 100.0)
    counts[18:22, 18:22] = 200.0
    rows, columns = np.nonzero(counts > 150)
    spot = rows.astype(np.int64), columns.astype(np.int64)
    assert isolation(counts, spot) == pytest.approx(1.0)
    # The end of a bar fills half of two sides of the eight; a plateau all of several.
    counts[18:22, 22:] = 200.0
    assert isolation(counts, spot) == pytest.approx(0.5, abs=0.1)
    counts[:, 22:] = 200.0
    assert isolation(counts, spot) == pytest.approx(0.0, abs=1e-9)
    assert isolation(np.full((40, 40), 5.0), spot) == 0.0
    assert isolation(np.full((40, 40), np.nan), spot) == 0.0


def test_joined_pixels_count_once() -> None:
    one, other = (np.array([1, 2]), np.array([3, 4])), (np.array([2, 5]), np.array([4, 6]))
    rows, columns = joined(one, other, SHAPE)
    assert list(zip(rows.tolist(), columns.tolist(), strict=True)) == [(1, 3), (2, 4), (5, 6)]


def test_recorded_targets_are_found_and_gone_once_painted_over(shared_data: Path, verifier: Verifier) -> None:
    # The shipped model was trained on these pictures: this shows that the chain is whole, not how good it is.
    from bench.detection.verifier.samples import labelled

    rng = np.random.default_rng(6)
    names = sorted(path.name for path in (shared_data / "single_frame" / "images").iterdir())[::45]
    hits = targets = false = 0
    for name in names:
        counts, mask = labelled(shared_data, name)
        _, extents = verifier.verify(counts, Detector().detect(counts))
        targets += len(components(mask)[0])
        hits += len(np.unique(extents[mask])) - (0 in extents[mask])
        empty = painted_over(counts, mask, rng)
        false += len(verifier.verify(empty, Detector().detect(empty))[0])
    assert hits >= 0.9 * targets
    assert false == 0
