"""Weights for reading a matched filter's response between its pixels."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from services.ground_station.detection.staring.kernels import PHASES, TAPS

# A pixel's own width, as a variance.
PIXEL_VARIANCE_PX2 = 1.0 / 12.0
# Keeps the equations' smallest eigenvalue off zero; as a share of the response's variance.
RIDGE = 1e-6


@lru_cache(maxsize=16)
def weights(psf_sigma_px: float) -> NDArray[np.float32]:
    """Return (PHASES + 1, TAPS) weights of the cells -1, 0, 1, 2 for a place k / PHASES behind cell 0.

    The best linear ones, with sum 1, for a scene without structure of its own seen through lens, pixel and matched
    filter, whose covariance is then nearly Gaussian: ordinary kriging (Cressie, Statistics for Spatial Data, 3.2).
    """
    table = _weights_at(np.arange(PHASES + 1) / PHASES, psf_sigma_px)
    # On a cell, the cell itself.
    table[0], table[PHASES] = np.eye(TAPS)[TAPS // 2 - 1], np.eye(TAPS)[TAPS // 2]
    return np.ascontiguousarray(table, dtype=np.float32)


@lru_cache(maxsize=16)
def curves(psf_sigma_px: float) -> NDArray[np.float32]:
    """Return (TAPS, 6) coefficients of polynomials in the place, constant first, that follow the weights.

    From a quarter of a cell before cell 0 to a quarter behind cell 1.
    """
    places = np.linspace(-0.25, 1.25, 61)
    fitted = np.polynomial.polynomial.polyfit(places, _weights_at(places, psf_sigma_px), 5)
    return np.ascontiguousarray(fitted.T, dtype=np.float32)


def _weights_at(places: NDArray[np.float64], psf_sigma_px: float) -> NDArray[np.float64]:
    # Lens and pixel twice: once as the camera sees, once as the filter weighs.
    variance = 2.0 * (psf_sigma_px**2 + PIXEL_VARIANCE_PX2)
    cells = np.arange(TAPS, dtype=np.float64) - (TAPS // 2 - 1)
    between = _covariance(cells[:, None] - cells, variance) + RIDGE * np.eye(TAPS)
    solved = np.linalg.solve(between, _covariance(cells[:, None] - places, variance)).T
    return np.asarray(solved / solved.sum(axis=1, keepdims=True))


def _covariance(distance: NDArray[np.float64], variance: float) -> NDArray[np.float64]:
    return np.asarray(np.exp(-(distance**2) / (4.0 * variance)))
