"""Kernels against their slow twins."""

import numpy as np
import pytest

from services.ground_station.detection import kernels
from services.ground_station.detection.calibration import matched_filter
from services.ground_station.detection.detect import DetectionConfig, Detector
from services.ground_station.detection.spot import SpotFilter
from tests import naive

SHAPES = [(64, 80), (18, 18), (47, 33), (100, 130)]


def scene(shape: tuple[int, int], dtype: str, seed: int) -> np.ndarray:
    """Noise over a ramp with bright points: near a corner, in the middle, on the edge, side by side."""
    rng = np.random.default_rng(seed)
    counts = rng.normal(60, 3, shape) + np.linspace(0, 40, shape[1])
    for row, column, amplitude in [(2, 2, 100), (shape[0] // 2, shape[1] // 2, 150), (shape[0] - 2, 5, 90), (9, 9, 70)]:
        counts += amplitude * naive.spot(shape, row + 0.2, column - 0.3, 0.7)
    return counts.astype(dtype) if dtype == "float32" else np.rint(np.clip(counts, 0, 255)).astype(dtype)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("sigma", [0.6, 1.1, 2.2])
def test_filter_noise_and_peaks_equal_their_twins(dtype: str, shape: tuple[int, int], sigma: float) -> None:
    detector = Detector(DetectionConfig(pfa=1e-3, psf_sigma_px=sigma))
    spot = SpotFilter.of(sigma)
    if min(shape) < spot.smallest_side:
        pytest.skip("smaller than this filter's reference")
    counts = scene(shape, dtype, seed=3)
    detections = detector.detect(counts)
    work = detector._workspace(shape[0], shape[1], spot.box_half)
    floor = spot.gain / np.sqrt(12) if dtype != "float32" else 0.0

    response = naive.filtered(counts, matched_filter(sigma, spot.reach, spot.box_half))
    np.testing.assert_allclose(work.response, response, atol=1e-5 * np.abs(response).max())

    cells = naive.noise_cells(response, kernels.BLOCK, floor, kernels.SUSPECT_FACTOR, kernels.CLIP_SIGMA)
    blocks = [naive.block_slices(size, kernels.BLOCK) for size in shape]
    sums = [[cells[r, c].sum() for c in blocks[1]] for r in blocks[0]]
    np.testing.assert_allclose(work.noise_sum, sums, rtol=1e-4)

    expected = naive.peaks(response, cells, kernels.BLOCK, floor, detections.threshold_snr, spot.guard)
    found = len(expected)
    flat = work.place[:found]
    assert [(p // shape[1], p % shape[1]) for p in flat] == [(row, column) for row, column, _ in expected]
    np.testing.assert_allclose(work.snr[:found], [snr for *_, snr in expected], rtol=1e-4)
    assert found >= 1


def test_extent_and_place_equal_their_twins() -> None:
    counts = np.rint(1000 + 5000 * naive.spot((40, 40), 20.3, 17.8, 0.8)).astype(np.uint16)
    counts += np.random.default_rng(5).integers(0, 20, counts.shape, dtype=np.uint16)
    config = DetectionConfig(psf_sigma_px=0.8, extent_level=0.5)
    detections, extents = Detector(config).detect_with_extents(counts)
    assert len(detections) == 1
    row, column = 20, 18
    surroundings = naive.rim_mean(counts, row, column, 4)
    level = 0.5 * (surroundings + counts[row, column])
    region, reached = naive.extent(counts, row, column, 4, level, np.zeros(counts.shape, dtype=bool))
    assert not reached
    np.testing.assert_array_equal(extents, region)
    assert detections.area_px[0] == region.sum()
    place = naive.fit_point(counts[row - 2 : row + 3, column - 2 : column + 3].astype(float), 2.0, 2.0, 0.8)
    assert detections.row[0] == pytest.approx(place[2] + row - 2, abs=2e-3)
    assert detections.column[0] == pytest.approx(place[3] + column - 2, abs=2e-3)
    assert detections.amplitude_counts[0] == pytest.approx(place[0], rel=2e-3)


def test_wrong_type_fails_loudly_in_the_kernel() -> None:
    work = np.zeros((8, 8))
    with pytest.raises(TypeError, match="No matching definition"):
        kernels.estimate_noise(work, work, 0.0, 1.0, work, work, work)
