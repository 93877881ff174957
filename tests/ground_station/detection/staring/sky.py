"""A cloud field under a drifting, trembling camera, for the tests of the staring chain."""

import numpy as np

from bench.detection.scenes import cloud_field, spots
from services.ground_station.detection.staring import StaringDetector, StaringFrame

SIDE = 128
NOISE_COUNTS = 20.0
PSF_SIGMA_PX = 0.6
DRIFT_PX = np.array([0.4, -0.3])
JITTER_PX = 0.2
# Frames until the background is known nearly everywhere and as steady as it gets.
SETTLED = 50


class Sky:
    """Frames of a cloud field seen by a drifting, trembling camera; shifted exactly, by its transform."""

    def __init__(self, contrast: float, seed: int = 1) -> None:
        self.rng = np.random.default_rng(seed)
        field = cloud_field(self.rng, 2 * SIDE, -3.0)
        # The lens lets less than a tenth of the finest detail through.
        lens = np.exp(-7.0 * (np.fft.fftfreq(2 * SIDE)[:, None] ** 2 + np.fft.rfftfreq(2 * SIDE)[None, :] ** 2))
        self.spectrum = np.fft.rfft2(field) * lens * contrast * NOISE_COUNTS
        self.place = np.zeros(2)

    def frame(self, k: int, points: list[tuple[float, float, float]] | None = None) -> np.ndarray:
        """Return frame k; points: row, column in the scene's coordinates, and counts."""
        self.place = k * DRIFT_PX + self.rng.normal(0.0, JITTER_PX, 2)
        rows, columns = np.fft.fftfreq(2 * SIDE)[:, None], np.fft.rfftfreq(2 * SIDE)[None, :]
        moved = self.spectrum * np.exp(2j * np.pi * (rows * self.place[0] + columns * self.place[1]))
        image = 5000.0 + np.fft.irfft2(moved, s=(2 * SIDE, 2 * SIDE))[:SIDE, :SIDE]
        for row, column, counts in points or []:
            where = np.array([[row, column]]) - self.place
            image += spots(image.shape, where, PSF_SIGMA_PX, np.array([counts]))
        return np.rint(image + self.rng.normal(0.0, NOISE_COUNTS, image.shape)).astype(np.uint16)


def run(detector: StaringDetector, sky: Sky, first: int, last: int) -> list[StaringFrame]:
    return [detector.step(sky.frame(k)) for k in range(first, last)]


def is_near(frame: StaringFrame, place: np.ndarray, within_px: float = 1.0) -> bool:
    found = frame.detections
    return bool(np.any(np.hypot(found.row - place[0], found.column - place[1]) < within_px))
