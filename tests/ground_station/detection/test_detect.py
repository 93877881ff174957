"""What the detector says of frames: calibrated, sub-pixel, with true covariance, and of frames it cannot search."""

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from bench.detection.calibration import false_alarms
from bench.detection.sensitivity import detection, points
from services.ground_station.detection.correction import PixelCorrection
from services.ground_station.detection.detect import DetectionConfig, Detector
from tests import naive

SHAPE = (128, 160)


def frame_with(places: list[tuple[float, float, float]], seed: int = 1, sigma: float = 0.6) -> np.ndarray:
    """Return 16-bit noise of 10 counts about 2000 with points: row, column, amplitude."""
    counts = np.random.default_rng(seed).normal(2000, 10, SHAPE)
    for row, column, amplitude in places:
        counts += amplitude * naive.spot(SHAPE, row, column, sigma)
    return np.rint(np.clip(counts, 0, 65535)).astype(np.uint16)


@pytest.mark.parametrize("sigma", [0.6, 1.35])
def test_false_alarms_come_at_the_stated_rate(sigma: float) -> None:
    # 1,678 are expected in 16 frames; three standard deviations are 7 %.
    assert 0.85 < false_alarms(1e-4, sigma, frames=16)["ratio"] < 1.15


def test_false_alarms_on_clutter_come_at_the_stated_rate() -> None:
    # 839 are expected in 8 frames of a field of 10 noise deviations.
    assert 0.5 < false_alarms(1e-4, 0.6, frames=8, strength=10.0)["ratio"] < 2.0


def test_dim_points_are_found_half_a_decibel_above_the_bound() -> None:
    # 1,024 points at each SNR: a standard deviation of Pd of 1 %, of 0.04 dB.
    assert detection(0.6, frames=4)["loss_db"] < 0.5


@pytest.mark.parametrize("snr", [10.0, 30.0])
def test_centroid_error_is_near_its_bound_and_what_its_covariance_says(snr: float) -> None:
    figures = points(snr, 0.6, frames=2)
    assert figures["pd"] > 0.99
    # The mean of 512 squared errors of two dimensions has a standard deviation of 0.044.
    assert 0.85 < figures["normalised_error"] < 1.15
    assert figures["over_bound"] < 1.15


def test_point_is_found_where_it_is_with_its_amplitude() -> None:
    found = Detector().detect(frame_with([(40.3, 70.8, 3000)]), psf_sigma_px=0.6)
    assert found.row[0] == pytest.approx(40.3, abs=0.02)
    assert found.column[0] == pytest.approx(70.8, abs=0.02)
    assert found.amplitude_counts[0] == pytest.approx(3000, rel=0.03)
    assert found.snr[0] > 50
    assert 1 <= found.area_px[0] <= 6


def test_bright_neighbour_does_not_hide_a_dim_point() -> None:
    alone = Detector().detect(frame_with([(40.0, 60.0, 220)]), psf_sigma_px=0.6)
    beside = Detector().detect(frame_with([(40.0, 60.0, 220), (52.0, 75.0, 60_000)]), psf_sigma_px=0.6)
    assert len(alone) == 1
    near = np.hypot(beside.row - 40.0, beside.column - 60.0) < 1
    assert near.sum() == 1
    assert beside.snr[near][0] > 0.7 * alone.snr[0]


def test_strongest_is_first_and_what_is_left_out_is_counted() -> None:
    frame = frame_with([(20, 20, 800), (60, 40, 3000), (90, 120, 1500)])
    found = Detector(DetectionConfig(max_detections=2)).detect(frame)
    np.testing.assert_allclose(found.row, [60, 90], atol=0.2)
    assert found.left_out == 1
    assert np.all(np.diff(Detector().detect(frame).snr) <= 0)


def test_ten_thousand_candidates_stay_bounded() -> None:
    counts = np.zeros((512, 512), dtype=np.uint8)
    counts[1::4, 1::4] = 255
    counts += np.random.default_rng(3).integers(0, 3, counts.shape, dtype=np.uint8) * (counts == 0)
    found = Detector(DetectionConfig(pfa=1e-2, psf_sigma_px=0.3, max_detections=1000)).detect(counts)
    assert len(found) <= 1000
    assert len(found) + found.left_out > 10_000


def test_patch_is_one_detection_at_its_centre_of_light() -> None:
    counts = frame_with([]).astype(np.float32)
    counts[50:58, 80:87] += 500
    found, extents = Detector().detect_with_extents(counts)
    assert len(found) == 1
    assert found.row[0] == pytest.approx(53.5, abs=0.3)
    assert found.column[0] == pytest.approx(83.0, abs=0.3)
    assert found.area_px[0] == 56
    assert (extents > 0).sum() == 56


def test_bright_line_one_pixel_wide_has_a_proper_covariance() -> None:
    counts = frame_with([])
    counts[60, 70:83] += 900
    found = Detector().detect(counts)
    assert len(found) == 1
    rr, rc, cc = found.covariance_px2[0]
    assert 0 < rr < cc
    assert rr * cc > rc * rc


def test_edge_of_a_bright_half_is_no_point() -> None:
    counts = frame_with([])
    counts[:, 80:] += 3000
    assert len(Detector().detect(counts)) == 0


def test_saturated_point_keeps_its_place_and_says_it_is_less_sure() -> None:
    clear = frame_with([(60.2, 80.3, 60_000)], sigma=0.9)
    found = Detector(DetectionConfig(psf_sigma_px=0.9)).detect(clear)
    cut = Detector(DetectionConfig(psf_sigma_px=0.9, saturation_counts=8000)).detect(np.minimum(clear, 8000))
    assert cut.row[0] == pytest.approx(60.2, abs=0.1)
    assert cut.column[0] == pytest.approx(80.3, abs=0.1)
    assert cut.covariance_px2[0, 0] > found.covariance_px2[0, 0]


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        (np.full((64, 64), 7, dtype=np.uint16), "CONSTANT"),
        (np.zeros((17, 64), dtype=np.uint8), "TOO_SMALL"),
        (np.zeros((2, 64, 64), dtype=np.uint8), "WRONG_SHAPE"),
        (np.zeros((64, 64), dtype=np.int16), "WRONG_TYPE"),
        (np.where(np.eye(64) > 0, np.nan, 1.0).astype(np.float32), "CONSTANT"),
        (np.where(np.arange(4096).reshape(64, 64) % 3 == 0, np.nan, 1.0).astype(np.float32), "NOT_FINITE"),
        (np.full((64, 64), np.nan, dtype=np.float32), "NOT_FINITE"),
        (np.random.default_rng(1).uniform(-3e38, 3e38, (64, 64)).astype(np.float32), "NOT_FINITE"),
    ],
)
def test_frame_that_cannot_be_searched_says_why_and_the_next_is_served(counts: np.ndarray, reason: str) -> None:
    detector = Detector()
    found = detector.detect(counts)
    assert found.reason == reason
    assert len(found) == 0
    assert len(detector.detect(frame_with([(40.0, 60.0, 2000)]))) == 1


@pytest.mark.parametrize("place", [(0, 0), (5, 63), (63, 63), (63, 0), (31, 31)])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_pixel_that_is_no_number_is_passed_over(place: tuple[int, int], value: float) -> None:
    counts = np.random.default_rng(2).normal(100, 3, (64, 64)).astype(np.float32)
    counts += (500 * naive.spot((64, 64), 20.2, 40.1, 0.7)).astype(np.float32)
    counts[place] = value
    found = Detector().detect(counts)
    assert found.bad_pixels == 1
    assert len(found) == 1
    assert found.row[0] == pytest.approx(20.2, abs=0.1)


@pytest.mark.parametrize("level", [0, 900, 65535])
def test_dead_rows_and_columns_are_passed_over(level: int) -> None:
    counts = frame_with([(40.3, 60.2, 2000)])
    counts[[0, 30, 31, 100]] = level
    counts[:, [90, 159]] = level
    found = Detector().detect(counts, psf_sigma_px=0.6)
    assert found.bad_pixels == 4 * SHAPE[1] + 2 * SHAPE[0] - 8
    assert len(found) == 1
    assert found.row[0] == pytest.approx(40.3, abs=0.05)


def test_single_hot_and_dead_pixels_are_no_points() -> None:
    counts = frame_with([(40.3, 60.2, 2000)])
    rng = np.random.default_rng(5)
    rows, columns = rng.choice(np.arange(2, 126, 4), 25, replace=False), rng.choice(np.arange(2, 158, 4), 25)
    away = np.hypot(rows - 40, columns - 60) > 8
    counts[rows[away], columns[away]] = rng.choice([0, 2500, 65535], away.sum())
    found = Detector(DetectionConfig(sharpest_psf_px=0.5)).detect(counts, psf_sigma_px=0.6)
    assert found.bad_pixels == away.sum()
    assert len(found) == 1
    assert found.row[0] == pytest.approx(40.3, abs=0.05)
    kept = Detector(DetectionConfig(sharpest_psf_px=0.0)).detect(counts, psf_sigma_px=0.6)
    assert len(kept) > 10


def test_bright_hot_pixel_is_told_from_a_point_whatever_the_optics() -> None:
    counts = frame_with([(40.3, 60.2, 2000)])
    counts[90, 100] += 1000
    found = Detector().detect(counts)
    assert found.bad_pixels == 1
    assert len(found) == 1


@pytest.mark.parametrize("phase", [(0.0, 0.0), (0.5, 0.5), (0.0, 0.5), (0.3, -0.2)])
@pytest.mark.parametrize("amplitude", [200, 3000, 100_000])
def test_the_sharpest_point_is_not_taken_for_a_bad_pixel(phase: tuple[float, float], amplitude: float) -> None:
    for sigma in (0.5, 0.7):
        counts = frame_with([(40 + phase[0], 60 + phase[1], amplitude)], sigma=sigma)
        found = Detector(DetectionConfig(sharpest_psf_px=0.5)).detect(counts, psf_sigma_px=sigma)
        assert len(found) == 1
        assert found.bad_pixels == 0


def test_correction_makes_uneven_pixels_searchable() -> None:
    rng = np.random.default_rng(4)
    gain = rng.normal(1.0, 0.05, SHAPE)
    offset = rng.normal(0.0, 60.0, SHAPE)
    bad = rng.random(SHAPE) < 0.01
    bad[60:64, 100:104] = True
    true = frame_with([(40.3, 70.8, 3000), (90.0, 30.5, 300)]).astype(np.float64)
    raw = np.rint(np.clip(np.where(bad, 65535, (true - offset) / gain), 0, 65535)).astype(np.uint16)
    correction = PixelCorrection(gain.astype(np.float32), offset.astype(np.float32), bad)
    found = Detector(DetectionConfig(psf_sigma_px=0.6), correction).detect(raw)
    assert len(found) == 2
    assert found.bad_pixels == bad.sum()
    np.testing.assert_allclose([found.row[0], found.column[0]], [40.3, 70.8], atol=0.03)
    assert found.amplitude_counts[0] == pytest.approx(3000, rel=0.03)
    assert Detector(None, correction).detect(raw[:64]).reason == "WRONG_SHAPE"


def test_flat_fields_give_the_correction() -> None:
    rng = np.random.default_rng(4)
    shape = (40, 50)
    gain, offset = rng.normal(1.0, 0.05, shape), rng.normal(200.0, 20.0, shape)
    dark = rng.normal(offset, 3, (64, *shape))
    flat = rng.normal(offset + gain * 2000, 3, (64, *shape))
    flat[:, 5, 6] = dark[:, 5, 6]
    dark[:, 7, 8] += rng.normal(0, 100, 64)
    correction = PixelCorrection.from_flat_fields(dark, flat)
    assert np.argwhere(correction.bad).tolist() == [[5, 6], [7, 8]]
    corrected = correction.gain * (offset + gain * 1000) + correction.offset
    good = ~correction.bad
    # Means of 64 frames leave 3 counts / 8 a level.
    assert corrected[good].std() < 1.0
    assert corrected[good].mean() == pytest.approx(1200, abs=20)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gain": np.ones(5)}, "gain has shape"),
        ({"offset": np.zeros((5, 4))}, "offset has shape"),
        ({"bad": np.ones((4, 5), dtype=bool)}, "100% of the pixels are bad"),
        ({"gain": np.zeros((4, 5))}, "gain is 0 at row 0, column 0"),
        ({"offset": np.full((4, 5), np.nan)}, "offset is nan"),
    ],
)
def test_correction_that_makes_no_sense_is_refused(change: dict[str, np.ndarray], message: str) -> None:
    parts = {"gain": np.ones((4, 5)), "offset": np.zeros((4, 5)), "bad": np.zeros((4, 5), dtype=bool)} | change
    with pytest.raises(ValueError, match=message):
        PixelCorrection(**parts)


def test_frames_full_of_candidates_take_bounded_time() -> None:
    rng = np.random.default_rng(3)
    points = np.zeros((1024, 1024))
    points[4::9, 4::9] = 5000
    blurred = sum(
        share * np.roll(points, (i, j), (0, 1))
        for i, j, share in [(0, 0, 0.4), (1, 0, 0.15), (0, 1, 0.15), (-1, 0, 0.15)]
    )
    frame = np.rint(rng.normal(2000, 10, points.shape) + blurred).astype(np.uint16)
    noisy = rng.integers(0, 65535, points.shape, dtype=np.uint16)
    detector = Detector(DetectionConfig(max_detections=2000))
    for counts, least in ((frame, 10_000), (noisy, 0)):
        detector.detect(counts)
        begun = time.thread_time()
        found = detector.detect(counts)
        # 30 ms on the machine it was written on; a slow test machine has some room.
        assert time.thread_time() - begun < 0.2
        assert len(found) + found.left_out >= least


def test_one_huge_value_does_not_blind_the_rest() -> None:
    counts = frame_with([(40.0, 60.0, 2000)]).astype(np.float32)
    counts[100, 30] = 1e12
    found = Detector().detect(counts)
    assert np.any(np.hypot(found.row - 40, found.column - 60) < 0.2)


def test_offset_of_float_frames_costs_no_precision() -> None:
    counts = frame_with([(40.0, 60.0, 2000)]).astype(np.float32)
    plain, lifted = Detector().detect(counts), Detector().detect(counts + np.float32(1e6))
    np.testing.assert_allclose(lifted.row, plain.row, atol=2e-3)
    np.testing.assert_allclose(lifted.snr, plain.snr, rtol=1e-2)


def test_read_only_sliced_and_swapped_frames_give_the_same() -> None:
    counts = frame_with([(40.3, 60.1, 2000)])
    expected = Detector().detect(counts)
    big = np.zeros((SHAPE[0], 2 * SHAPE[1]), dtype=np.uint16)
    big[:, ::2] = counts
    for same in (
        np.frombuffer(counts.tobytes(), dtype=np.uint16).reshape(SHAPE),
        big[:, ::2],
        np.asfortranarray(counts),
        counts.astype(">u2"),
        np.frombuffer(b"x" + counts.tobytes(), dtype=np.uint16, offset=1).reshape(SHAPE),
    ):
        found = Detector().detect(same)
        np.testing.assert_array_equal(found.row, expected.row)
        np.testing.assert_array_equal(found.snr, expected.snr)


def test_threads_share_a_detector_without_mixing_frames() -> None:
    detector = Detector()
    frames = [frame_with([(20.0 + 3 * i, 30.0 + 4 * i, 2000)], seed=i) for i in range(16)]
    expected = [detector.detect(frame).row for frame in frames]
    with ThreadPoolExecutor(4) as pool:
        for row, wanted in zip(
            pool.map(lambda frame: detector.detect(frame).row, frames * 4), expected * 4, strict=True
        ):
            np.testing.assert_array_equal(row, wanted)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pfa": 0.5}, "pfa is 0.5"),
        ({"psf_sigma_px": 5.0}, "psf_sigma_px is 5"),
        ({"max_detections": 0}, "max_detections is 0"),
        ({"extent_level": 0.0}, "extent_level is 0"),
        ({"max_area_px": 0}, "max_area_px is 0"),
        ({"sharpest_psf_px": 0.8}, "sharpest_psf_px is 0.8"),
        ({"saturation_counts": -1.0}, "saturation_counts is -1"),
    ],
)
def test_setting_out_of_range_is_refused(settings: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DetectionConfig(**settings)  # type: ignore[arg-type]
