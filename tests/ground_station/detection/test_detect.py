"""What the detector says of frames: calibrated, sub-pixel, with true covariance, and of frames it cannot search."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from bench.detection.calibration import false_alarms, points
from services.ground_station.detection.detect import DetectionConfig, Detector
from tests import naive

SHAPE = (128, 160)


def frame_with(places: list[tuple[float, float, float]], seed: int = 1, sigma: float = 0.6) -> np.ndarray:
    """Return 16-bit noise of 10 counts about 2000 with points: row, column, amplitude."""
    counts = np.random.default_rng(seed).normal(2000, 10, SHAPE)
    for row, column, amplitude in places:
        counts += amplitude * naive.spot(SHAPE, row, column, sigma)
    return np.rint(np.clip(counts, 0, 65535)).astype(np.uint16)


@pytest.mark.parametrize("sigma", [0.6, 1.2])
def test_false_alarms_come_at_the_stated_rate(sigma: float) -> None:
    # 839 are expected in 8 frames; three standard deviations are a tenth of that.
    assert 0.8 < false_alarms(1e-4, sigma, frames=8)["ratio"] < 1.25


@pytest.mark.parametrize("snr", [10.0, 30.0])
def test_centroid_error_is_what_its_covariance_says(snr: float) -> None:
    figures = points(snr, 0.6, frames=2)
    assert figures["pd"] > 0.99
    # The mean of 512 squared errors of two dimensions has a standard deviation of 0.044.
    assert 0.85 < figures["normalised_error"] < 1.15
    assert figures["rms_px"] < 1.1 / snr


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
        (np.where(np.eye(64) > 0, np.nan, 1.0).astype(np.float32), "NOT_FINITE"),
        (np.where(np.arange(4096).reshape(64, 64) == 100, np.inf, 1.0).astype(np.float32), "NOT_FINITE"),
    ],
)
def test_frame_that_cannot_be_searched_says_why(counts: np.ndarray, reason: str) -> None:
    found = Detector().detect(counts)
    assert found.reason == reason
    assert len(found) == 0


@pytest.mark.parametrize("place", [(0, 0), (5, 63), (63, 63), (63, 0), (31, 31)])
def test_a_single_nan_is_seen_wherever_it_is(place: tuple[int, int]) -> None:
    counts = np.random.default_rng(2).normal(100, 3, (64, 64)).astype(np.float32)
    counts[place] = np.nan
    assert Detector().detect(counts).reason == "NOT_FINITE"


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
        ({"saturation_counts": -1.0}, "saturation_counts is -1"),
    ],
)
def test_setting_out_of_range_is_refused(settings: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DetectionConfig(**settings)  # type: ignore[arg-type]
