"""Kernels against their slow twins."""

import numpy as np
import pytest

from services.ground_station.detection import kernels
from services.ground_station.detection.calibration import matched_filter
from services.ground_station.detection.detect import SCREEN_SHARE, DetectionConfig, Detector
from services.ground_station.detection.matched.kernels import WIDE_STEP
from services.ground_station.detection.pixels import kernels as pixels
from services.ground_station.detection.refinement import kernels as refinement
from services.ground_station.detection.spot import PHASES_PX, SpotFilter
from services.ground_station.detection.workspace import Workspace
from tests import naive

# Of a point of 0.5 px on a pixel's centre: light in the four side neighbours over that in the centre.
SIDES = refinement.DARK_SIDES

SHAPES = [(64, 80), (18, 18), (47, 33), (100, 130)]


def scene(shape: tuple[int, int], dtype: str, seed: int, ramp: float = 40.0) -> np.ndarray:
    """Noise over a ramp with bright points: near a corner, in the middle, on the edge, side by side."""
    rng = np.random.default_rng(seed)
    counts = rng.normal(60, 3, shape) + np.linspace(0, ramp, shape[1])
    for row, column, amplitude in [(2, 2, 100), (shape[0] // 2, shape[1] // 2, 150), (shape[0] - 2, 5, 90), (9, 9, 70)]:
        counts += amplitude * naive.spot(shape, row + 0.2, column - 0.3, 0.7)
    return counts.astype(dtype) if dtype == "float32" else np.rint(np.clip(counts, 0, 255)).astype(dtype)


def workspace(detector: Detector, spot: SpotFilter, shape: tuple[int, int]) -> Workspace:
    """Return the arrays of the last frame searched."""
    return detector._workspace(shape[0], shape[1], spot.second.wide_half)


def strong(spot: SpotFilter) -> tuple[float, int]:
    """Return from where on a point is strong, and half of the square left out of its noise."""
    return refinement.STRONG_SNR, spot.guard + spot.reach + 1


def block_sums(cells: np.ndarray, blocks: list[list[slice]]) -> np.ndarray:
    return np.array([[cells[r, c].sum() for c in blocks[1]] for r in blocks[0]])


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("sigma", [0.6, 1.1, 2.2])
def test_filter_noise_and_peaks_equal_their_twins(dtype: str, shape: tuple[int, int], sigma: float) -> None:
    detector = Detector(DetectionConfig(pfa=1e-3, psf_sigma_px=sigma, sharpest_psf_px=0.0))
    spot = SpotFilter.of(sigma)
    if min(shape) < spot.smallest_side:
        pytest.skip("smaller than this filter's reference")
    counts = scene(shape, dtype, seed=3)
    # A scene of nothing makes every place uneven to the detector: no second look.
    detections = detector.detect(counts, scene_response=np.zeros(shape, dtype=np.float32))
    work = workspace(detector, spot, shape)
    floor = spot.gain / np.sqrt(12) if dtype != "float32" else 0.0

    response = naive.filtered(counts, matched_filter(sigma, spot.reach, spot.box_half))
    np.testing.assert_allclose(work.response, response, atol=1e-5 * np.abs(response).max())

    cells = naive.noise_cells(response, kernels.BLOCK, floor, kernels.SUSPECT_FACTOR, kernels.CLIP_SIGMA)
    blocks = [naive.block_slices(size, kernels.BLOCK) for size in shape]
    np.testing.assert_allclose(work.noise_sum, block_sums(cells, blocks), rtol=1e-4)

    threshold = detector._limits(spot).uneven
    expected = naive.peaks(response, cells, kernels.BLOCK, floor, threshold, spot.guard, *strong(spot))
    found = len(expected)
    flat = work.place[:found]
    assert [(p // shape[1], p % shape[1]) for p in flat] == [(row, column) for row, column, _ in expected]
    np.testing.assert_allclose(work.snr[:found], [snr for *_, snr in expected], rtol=1e-4)
    assert found >= 1
    assert detections.threshold_snr <= threshold


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("sigma", [0.6, 1.1, 2.2])
def test_second_look_equals_its_twin(dtype: str, sigma: float) -> None:
    shape = (100, 130)
    detector = Detector(DetectionConfig(pfa=1e-2, psf_sigma_px=sigma, sharpest_psf_px=0.0))
    spot = SpotFilter.of(sigma)
    second = spot.second
    counts = scene(shape, dtype, seed=4, ramp=0.0)
    detector.detect(counts)
    work = workspace(detector, spot, shape)

    narrow = naive.filtered(counts, matched_filter(sigma, spot.reach, spot.box_half))
    wide = naive.filtered(counts, matched_filter(sigma, spot.reach, second.wide_half))
    looked_at = (np.arange(shape[0]) % WIDE_STEP == 2)[:, None]
    blocks = [naive.block_slices(size, kernels.BLOCK) for size in shape]
    wide_sums, narrow_sums = (block_sums(np.abs(each) * looked_at, blocks) for each in (wide, narrow))
    np.testing.assert_allclose(work.wide_sum, wide_sums, rtol=1e-4)
    np.testing.assert_allclose(work.narrow_sum, narrow_sums, rtol=1e-4)

    around = refinement.COMPARED
    ratios = np.zeros(work.block_ratio.shape)
    for i, j in np.ndindex(ratios.shape):
        near = slice(max(i - around, 0), i + around + 1), slice(max(j - around, 0), j + around + 1)
        ratio = wide_sums[near].sum() / narrow_sums[near].sum()
        most = second.even_ratio + refinement.EVEN_PART * (1 - second.even_ratio)
        ratios[i, j] = max(ratio, second.even_ratio) if ratio < most else 0.0
    np.testing.assert_allclose(work.block_ratio, ratios, rtol=1e-4)

    floor = spot.gain / np.sqrt(12) if dtype != "float32" else 0.0
    cells = naive.noise_cells(narrow, kernels.BLOCK, floor, kernels.SUSPECT_FACTOR, kernels.CLIP_SIGMA)
    limits = detector._limits(spot)
    half = second.profiles.shape[1] // 2
    screen = SCREEN_SHARE * second.even_ratio * limits.lowest
    expected = []
    for row, column, first_snr in naive.peaks(narrow, cells, kernels.BLOCK, floor, screen, spot.guard, *strong(spot)):
        i, j = min(row // kernels.BLOCK, ratios.shape[0] - 1), min(column // kernels.BLOCK, ratios.shape[1] - 1)
        # The noise of one pixel with a point's own light left out, and with it.
        noise = narrow[row, column] / first_snr * ratios[i, j] / second.wide_gain
        with_light = work.block_noise[i, j] * ratios[i, j] / second.wide_gain
        edge = min(row, column, shape[0] - 1 - row, shape[1] - 1 - column)
        even = ratios[i, j] > 0 and edge >= second.wide_half
        halves = [half, int(second.halves[2]), second.wide_half]
        if even and naive.levels_agree(counts, row, column, halves, with_light, refinement.LEVEL_SIGMA):
            best = naive.second_look(counts, row, column, sigma, list(PHASES_PX), half, second.wide_half)
            snr, threshold = best / noise, limits.even
        else:
            snr, threshold = first_snr, limits.uneven
        if snr > threshold:
            expected.append((row * shape[1] + column, snr))
    assert len(expected) > 10
    np.testing.assert_array_equal(work.place[: len(expected)], [place for place, _ in expected])
    np.testing.assert_allclose(work.snr[: len(expected)], [snr for _, snr in expected], rtol=1e-3)


def test_single_pixels_are_told_from_points_as_the_twin_tells_them() -> None:
    counts = np.random.default_rng(8).normal(1000, 10, (60, 60)).astype(np.float32)
    counts[20, 20] += 200
    counts[40, 20] -= 200
    for column, sigma in ((20, 0.5), (40, 0.9)):
        counts += 600 * naive.spot(counts.shape, 30.0, column + 20.0 if column == 20 else 20.4, sigma)
    told = [
        (row, column, sign)
        for row, column, sign in [(20, 20, 1.0), (40, 20, -1.0), (30, 40, 1.0), (30, 20, 1.0), (10, 10, 1.0)]
        if refinement._single_pixel(counts, row, column, np.float32(900.0), 100.0, 10.0, SIDES, sign) >= 0
    ]
    twin = [
        (row, column, sign)
        for row, column, sign in [(20, 20, 1.0), (40, 20, -1.0), (30, 40, 1.0), (30, 20, 1.0), (10, 10, 1.0)]
        if naive.single_pixel(sign * counts, row, column, sign * 1000.0, 10.0, SIDES, refinement.BAD_SIGMA)
    ]
    assert told == twin == [(20, 20, 1.0), (40, 20, -1.0)]


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_corrected_and_replaced_pixels_equal_their_twins(dtype: str) -> None:
    rng = np.random.default_rng(6)
    counts = scene((40, 50), dtype, seed=6)
    gain, offset = (rng.normal(mean, 0.1, counts.shape).astype(np.float32) for mean in (1.0, 5.0))
    bad = rng.random(counts.shape) < 0.05
    bad[0, :3] = bad[10:15, 10:15] = bad[:, 30] = bad[-1] = True
    clean = np.empty(counts.shape, dtype=np.float32)
    pixels.correct_frame(counts, gain, offset, clean)
    corrected = gain.astype(np.float64) * counts + offset
    np.testing.assert_allclose(clean, corrected, rtol=1e-6)
    clean[bad] = np.nan
    pixels.replace_pixels(clean, bad.astype(np.uint8), np.flatnonzero(bad).astype(np.int32), np.float32(0.0))
    expected = naive.replaced(corrected, bad, pixels.FEWEST, pixels.FURTHEST_PX)
    np.testing.assert_allclose(clean, expected, rtol=1e-5)


@pytest.mark.parametrize("shape", [(64, 80), (48, 61), (200, 300)])
def test_bad_lines_equal_their_twin(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(9)
    counts = np.rint(rng.normal(1000, 5, shape)).astype(np.uint16)
    counts[0] = counts[9] = counts[10] = 0
    counts[:, shape[1] - 1] += 500
    counts[:, 7] = 65_000
    odd = np.zeros(shape[0], dtype=np.uint8), np.zeros(shape[1], dtype=np.uint8)
    profiles = [np.empty((pixels.PARTS, size), dtype=np.float32) for size in shape]
    pixels.find_bad_lines(counts, profiles[0], profiles[1], odd[0], odd[1])
    for axis in (0, 1):
        across = shape[1 - axis]
        width = max(1, min(pixels.PART_PX, across // pixels.PARTS))
        lines = counts if axis == 0 else counts.T
        starts = [part * across // pixels.PARTS for part in range(pixels.PARTS)]
        samples = np.stack([lines[:, start : start + width].mean(axis=1) for start in starts], axis=1)
        np.testing.assert_allclose(profiles[axis].T, samples, rtol=1e-5)
        np.testing.assert_array_equal(
            odd[axis], naive.odd_lines(samples, pixels.LINE_FACTOR, pixels.CUT_FACTOR, pixels.CUTS)
        )
    assert np.flatnonzero(odd[0]).tolist() == [0, 9, 10]
    assert np.flatnonzero(odd[1]).tolist() == [7, shape[1] - 1]


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
        kernels.estimate_noise(work.astype(np.float32), work, "0", work, work, work)
