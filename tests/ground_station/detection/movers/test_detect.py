"""Dim movers in simulated residuals: found where they are, once each, as rarely by chance as stated."""

import math
from typing import Any

import numpy as np
import pytest

from bench.detection.movers import Flights, residuals
from services.ground_station.detection.movers.calibration import matched_kernel, point_shape, threshold_snr
from services.ground_station.detection.movers.detect import MOST_CANDIDATES, MoverConfig, MoverDetector
from services.ground_station.detection.movers.paths import bank_paths

SIDE = 160


def test_dim_mover_is_found_with_its_place_velocity_and_covariance() -> None:
    flights = Flights(places=np.array([[80.3, 70.8]]), velocities=np.array([[0.9, -0.7]]), snr=3.0)
    detector = MoverDetector(SIDE, SIDE, MoverConfig(pfa=1e-9, frames=16))
    errors = []
    for frame, residual in enumerate(residuals(SIDE, 40, flights, seed=1)):
        found = detector.push(residual)
        if frame >= 24:
            assert len(found) == 1
            truth = np.concatenate([flights.at(frame)[0], flights.velocities[0]])
            state = [found.row[0], found.column[0], found.row_velocity[0], found.column_velocity[0]]
            error = np.array(state) - truth
            errors.append(float(error @ np.linalg.solve(found.covariance[0], error)) / 4)
            assert found.score[0] > found.threshold
            assert found.frames[0] == 16
    assert 0.2 < np.mean(errors) < 3.0


def test_camera_that_moves_with_the_target_sees_it_against_the_scene() -> None:
    # The target stands still in the frame; the scene passes below it.
    flights = Flights(places=np.array([[70.2, 80.6]]), velocities=np.zeros((1, 2)), snr=3.5)
    detector = MoverDetector(SIDE, SIDE, MoverConfig(pfa=1e-9, frames=12))
    for frame, residual in enumerate(residuals(SIDE, 24, flights, seed=2)):
        found = detector.push(residual, row=0.83 * frame, column=-0.41 * frame)
    assert len(found) == 1
    assert math.hypot(found.row[0] - 70.2, found.column[0] - 80.6) < 1.0
    assert found.row_velocity[0] == pytest.approx(0.83, abs=0.1)
    assert found.column_velocity[0] == pytest.approx(-0.41, abs=0.1)


@pytest.mark.parametrize(("snr", "near_px"), [(20.0, 1.0), (200.0, 2.0)])
def test_strong_mover_is_one_track(snr: float, near_px: float) -> None:
    # Beyond eight deviations all light counts the same, which leaves the place of the strongest less sharp.
    flights = Flights(places=np.array([[80.0, 80.0]]), velocities=np.array([[1.1, 0.4]]), snr=snr)
    detector = MoverDetector(SIDE, SIDE, MoverConfig(pfa=1e-9))
    for frame, residual in enumerate(residuals(SIDE, 40, flights, seed=3)):
        found = detector.push(residual)
        if frame >= 20:
            assert len(found) == 1
            assert math.hypot(*(flights.at(frame)[0] - [found.row[0], found.column[0]])) < near_px


def test_two_movers_that_cross_stay_two() -> None:
    flights = Flights(
        places=np.array([[80.0, 60.0], [80.0, 100.0]]), velocities=np.array([[0, 1.0], [0, -1.0]]), snr=5.0
    )
    detector = MoverDetector(SIDE, SIDE, MoverConfig(pfa=1e-9, frames=16))
    counts = [len(detector.push(residual)) for residual in residuals(SIDE, 44, flights, seed=4)]
    assert counts[18] == 2
    assert counts[43] == 2


def test_chance_gives_no_more_tracks_than_stated() -> None:
    pfa = 1e-4
    detector = MoverDetector(256, 256, MoverConfig(pfa=pfa, frames=10))
    counts = [len(detector.push(each)) for each in residuals(256, 120, None, seed=5)][18:]
    # A chance track lasts some five frames: about a hundred independent ones.
    assert 0.5 < sum(counts) / (len(counts) * 256**2 * pfa) < 1.4


def test_frame_full_of_points_takes_bounded_memory_and_gives_bounded_lists() -> None:
    rng = np.random.default_rng(6)
    detector = MoverDetector(128, 128, MoverConfig(frames=10))
    # Five numbers a candidate come to what is there from the start.
    most = detector.held_bytes + MOST_CANDIDATES * 5 * 8
    for _ in range(14):
        residual = rng.normal(0, 1, (128, 128)).astype(np.float32)
        residual[rng.random(residual.shape) < 0.1] = 30.0
        found = detector.push(residual)
        assert detector.held_bytes <= most
        assert len(found) <= MOST_CANDIDATES
    # Dense as they are, chance paths meet so many of them that each frame has tracks.
    assert len(found) > 100
    assert np.all(np.diff(found.score) <= 0)
    assert np.all(found.score >= found.threshold)
    # A track that flew out of the frame is told while the window's older frames bear it out.
    beyond = 9 * detector.config.fastest_px
    for place in (found.row, found.column):
        assert np.all((place > -beyond) & (place < 127 + beyond))
    assert np.hypot(found.row_velocity, found.column_velocity).max() < detector.config.fastest_px + 1e-9
    assert np.all((found.frames >= 1) & (found.frames <= 10))


def test_unknown_frames_and_pixels_are_no_evidence() -> None:
    detector = MoverDetector(64, 64)
    for _ in range(24):
        assert len(detector.push(np.full((64, 64), np.nan, dtype=np.float32))) == 0


def test_threshold_falls_with_the_rate_and_rises_with_velocities() -> None:
    curvature = point_shape(0.6).curvature_px2
    assert threshold_snr(1e-6, 20, 1.5, curvature) > threshold_snr(1e-5, 20, 1.5, curvature)
    assert threshold_snr(1e-6, 20, 1.5, curvature) > threshold_snr(1e-6, 20, 0.5, curvature)


def test_weights_leave_noise_its_unit_variance() -> None:
    kernel = matched_kernel(0.6)
    kernel = kernel / np.sqrt(np.sum(kernel**2))
    rng = np.random.default_rng(7)
    noise = rng.normal(size=(400, 400))
    size = kernel.shape[0]
    windows = np.lib.stride_tricks.sliding_window_view(noise, kernel.shape)
    residual = np.einsum("ijkl,kl->ij", windows, kernel)
    assert size % 2 == 1
    weights = point_shape(0.6).weights
    for i, j in ((0, 0), (8, 8), (3, 12)):
        w = weights[i, j]
        seen = w[0, 0] * residual[:-1, :-1] + w[0, 1] * residual[:-1, 1:]
        seen = seen + w[1, 0] * residual[1:, :-1] + w[1, 1] * residual[1:, 1:]
        assert seen.std() == pytest.approx(1.0, abs=0.02)


def test_bank_reaches_the_fastest_and_stays_within_its_tile() -> None:
    paths, velocities = bank_paths(1.5)
    assert np.hypot(*velocities.T).max() >= 1.4
    assert len(paths) < 512
    assert np.abs(paths[:, 2:]).max() + np.abs(paths[:, :2]).max() < 11
    assert np.any(np.all(velocities == 0, axis=1))


@pytest.mark.parametrize(("field", "value"), [("pfa", 0.1), ("frames", 2), ("fastest_px", 3.0), ("psf_sigma_px", 0.0)])
def test_setting_out_of_range_is_refused(field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=field):
        MoverConfig(**{field: value})


def test_frame_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(9, 9\)"):
        MoverDetector(64, 64).push(np.zeros((9, 9), dtype=np.float32))
