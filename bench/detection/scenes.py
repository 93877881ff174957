"""Frames with known points, for the detection benchmarks."""

import math

import numpy as np
from numpy.typing import NDArray

from services.ground_station.detection.calibration import psf_shares

Float64 = NDArray[np.float64]


def cloud_field(rng: np.random.Generator, side: int, exponent: float = -3.0) -> Float64:
    """Return a field with a power spectral density of f^exponent, mean 0, standard deviation 1."""
    f = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None, :])
    f[0, 0] = np.inf
    phases = np.fft.rfft2(rng.normal(size=(side, side)))
    field = np.fft.irfft2(phases * f ** (exponent / 2), s=(side, side))
    return np.asarray((field - field.mean()) / field.std())


def noise_frame(rng: np.random.Generator, level: NDArray[np.float32], noise_counts: float) -> NDArray[np.uint16]:
    """Return white Gaussian noise over `level` (rows, columns), counts, rounded to 16 bits."""
    counts = rng.standard_normal(level.shape, dtype=np.float32)
    counts *= np.float32(noise_counts)
    counts += level
    return np.asarray(np.rint(counts.clip(0, 65535, out=counts), out=counts).astype(np.uint16))


def spots(shape: tuple[int, int], places: Float64, psf_sigma_px: float, amplitudes: Float64) -> Float64:
    """Return Gaussian points, integrated over pixels; places (n, 2) row and column, amplitudes summed counts."""
    image = np.zeros(shape)
    reach = math.ceil(6 * psf_sigma_px) + 1
    for (row, column), amplitude in zip(places, amplitudes, strict=True):
        top, left = max(round(row) - reach, 0), max(round(column) - reach, 0)
        bottom, right = min(round(row) + reach + 1, shape[0]), min(round(column) + reach + 1, shape[1])
        lines = np.outer(
            psf_shares(psf_sigma_px, np.arange(top, bottom) - row),
            psf_shares(psf_sigma_px, np.arange(left, right) - column),
        )
        image[top:bottom, left:right] += amplitude * lines
    return image
