"""How chance sums scatter: measured where frames share noise, and not misled by light."""

import math

import numpy as np
import pytest

from bench.detection.movers import Flights, residuals
from services.ground_station.detection.movers import kernels
from services.ground_station.detection.movers.calibration import point_shape
from services.ground_station.detection.movers.detect import MoverConfig, MoverDetector
from services.ground_station.detection.movers.scatter import Scatter

SIDE, FRAMES = 256, 10
# Of the noise that all frames share, against a frame's own.
SHARED = 0.3
SPEEDS_PX = np.array([[0.0, 0.0], [0.0, 1.5]])


def scatter_of(frames: list[np.ndarray]) -> Scatter:
    history = np.zeros((len(frames), SIDE, SIDE), dtype=np.int8)
    for each, held in zip(frames, history, strict=True):
        kernels.store(each, held)
    scatter, slots = Scatter(1.5), len(frames) - 1 - np.arange(len(frames))
    scatter.measure(history, slots, np.zeros((len(frames), 2)), point_shape(0.6).weights, anew=True)
    return scatter


def test_independent_noise_scatters_by_one() -> None:
    found = scatter_of(list(residuals(SIDE, FRAMES, None, seed=1))).of(SPEEDS_PX)
    np.testing.assert_allclose(found, 1.0, atol=0.05)


def test_noise_that_frames_share_adds_up_along_paths_that_stay() -> None:
    *own, shared = residuals(SIDE, FRAMES + 1, None, seed=2)
    still, fast = scatter_of([each + np.float32(SHARED) * shared for each in own]).of(SPEEDS_PX)
    assert still == pytest.approx(math.sqrt(1.0 + FRAMES * SHARED**2), abs=0.07)
    # A path of 1.5 px a frame meets other noise in each, but for what neighbouring pixels share.
    assert fast == pytest.approx(math.sqrt(1.0 + SHARED**2), abs=0.07)


def test_light_is_no_noise() -> None:
    places = np.stack(np.meshgrid(np.arange(25.0, 250, 50), np.arange(25.0, 250, 50)), axis=-1).reshape(-1, 2)
    bright = Flights(places=places, velocities=np.zeros_like(places), snr=20.0)
    with_light = scatter_of(list(residuals(SIDE, FRAMES, bright, seed=1))).of(SPEEDS_PX)
    without = scatter_of(list(residuals(SIDE, FRAMES, None, seed=1))).of(SPEEDS_PX)
    # Light and the dark rings around it reach over a fiftieth of the frame.
    np.testing.assert_allclose(with_light, without, atol=0.1)


def test_unknown_frames_tell_no_scatter() -> None:
    np.testing.assert_array_equal(scatter_of([np.zeros((SIDE, SIDE), np.float32)] * FRAMES).of(SPEEDS_PX), 1.0)


def test_noise_that_frames_share_gives_no_more_tracks_than_stated() -> None:
    pfa = 1e-4
    detector = MoverDetector(SIDE, SIDE, MoverConfig(pfa=pfa, frames=FRAMES))
    *own, shared = residuals(SIDE, 80, None, seed=3)
    counts = [len(detector.push(each + np.float32(SHARED) * shared)) for each in own][18:]
    assert 0.1 < sum(counts) / (len(counts) * SIDE**2 * pfa) < 1.4
