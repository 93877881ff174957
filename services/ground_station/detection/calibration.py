"""From a stated rate of false detections to a threshold on the signal-to-noise ratio."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

# The first filter reaches so many standard deviations from a point's centre.
REACH_SIGMA = 1.5
# What the detector as it is adds to theory.
TABLE = Path(__file__).with_name("thresholds.json")
# Cells of the 3 x 3 blocks of 16 x 16 around a point away from the frame's edge.
BLOCK_CELLS = 9 * 16 * 16


def psf_taps(psf_sigma_px: float, reach: int) -> Float64:
    """Return the shares of a centred Gaussian line in the pixels 0..reach from its place."""
    return psf_shares(psf_sigma_px, np.arange(reach + 1, dtype=np.float64))


def psf_shares(psf_sigma_px: float, offsets: Float64) -> Float64:
    """Return the shares of a Gaussian line in pixels whose centres are at `offsets` from its place, px."""
    scale = 1.0 / (math.sqrt(2.0) * psf_sigma_px)
    return np.array([0.5 * (math.erf((each + 0.5) * scale) - math.erf((each - 0.5) * scale)) for each in offsets])


def matched_filter(psf_sigma_px: float, reach: int, box_half: int) -> Float64:
    """Return the least-squares estimator of a point's amplitude over an unknown constant background.

    (2 box_half + 1)^2 weights with sum 0, for a point at the centre pixel's centre. The point-spread function is cut
    to (2 reach + 1)^2 pixels. After Kay, Fundamentals of Statistical Signal Processing I, section 4.5.
    """
    half = psf_taps(psf_sigma_px, reach)
    line = np.zeros(2 * box_half + 1)
    line[box_half - reach : box_half + reach + 1] = np.concatenate([half[::-1], half[1:]])
    spot = np.outer(line, line)
    deviation = spot - spot.mean()
    return np.asarray(deviation / np.sum(deviation**2))


def first_sizes(psf_sigma_px: float) -> tuple[int, int]:
    """Return reach and box_half of the first filter, see `matched_filter`."""
    reach = max(1, round(REACH_SIGMA * psf_sigma_px))
    return reach, reach + 2


def guard_half(reach: int, box_half: int) -> int:
    """Return the half width of the square around a point in which its own light shows in the filter's output."""
    return box_half + reach - 1


@dataclass(frozen=True)
class Thresholds:
    """Signal-to-noise ratios that noise alone exceeds at the stated rate: after the second look, and without it."""

    even: float
    uneven: float

    @property
    def lowest(self) -> float:
        return min(self.even, self.uneven)


@lru_cache(maxsize=256)
def thresholds(pfa: float, psf_sigma_px: float) -> Thresholds:
    """Return what noise alone exceeds, as a detection, at a rate of `pfa` per pixel.

    For white Gaussian noise of locally even strength. `thresholds.json` has what the detector as it is adds to
    theory, measured by `python -m bench.detection.calibration --fit`.
    """
    theory = in_theory(pfa, psf_sigma_px)
    return Thresholds(
        theory.even + _correction("even", psf_sigma_px, pfa), theory.uneven + _correction("uneven", psf_sigma_px, pfa)
    )


def in_theory(pfa: float, psf_sigma_px: float) -> Thresholds:
    """Return from where on a field of noise has maxima at a rate of `pfa` per pixel.

    The noise's own strength is estimated from some 2,000 correlated cells.
    """
    reach, box_half = first_sizes(psf_sigma_px)
    correlation = _autocorrelation(matched_filter(psf_sigma_px, reach, box_half))
    cells = BLOCK_CELLS - (2 * guard_half(reach, box_half) + 1) ** 2
    spread = math.sqrt(_magnitude_variance(correlation) / cells)
    return Thresholds(
        _solve(pfa, spread, lambda level: _rate_of_maxima(level, psf_sigma_px)),
        _solve(pfa, spread, lambda level: _rate_of_peaks(level, correlation)),
    )


def level_at(rate: Callable[[float], float], pfa: float, lowest: float = 1.0) -> float:
    """Return the level between `lowest` and 40, to 1e-6, from which on `rate`, which falls with it, is below `pfa`."""
    low, high = lowest, 40.0
    while high - low > 1e-6:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if rate(middle) > pfa else (low, middle)
    return high


def _correction(which: str, psf_sigma_px: float, pfa: float) -> float:
    """Return what the measured threshold is above theory's; linear between the table's entries, level beyond them."""
    table = _table()
    exponents, sigmas = np.array(table["log10_pfa"]), np.array(table["psf_sigma_px"])
    rows = np.array(table[which])
    at_pfa = [float(np.interp(math.log10(pfa), exponents, row)) for row in rows]
    return float(np.interp(psf_sigma_px, sigmas, at_pfa))


@lru_cache(maxsize=1)
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(TABLE.read_text())
    return table


def _solve(pfa: float, spread: float, rate: Callable[[float], float]) -> float:
    """Return the level that noise exceeds at a rate of `pfa`, the noise known to a relative `spread`."""
    # E over the estimated noise (1 + spread x), x standard normal: Gauss-Hermite, probabilists' weights.
    nodes, weights = np.polynomial.hermite_e.hermegauss(15)
    parts = list(zip(nodes, weights / weights.sum(), strict=True))
    return level_at(lambda level: float(sum(w * rate(level * (1.0 + spread * x)) for x, w in parts)), pfa)


def _rate_of_maxima(level: float, psf_sigma_px: float) -> float:
    """Return how many maxima a pixel a continuous field has above `level`: the matched filter's at every phase.

    Its correlation at a distance d is exp(-d^2 / 4 s^2), s^2 the point-spread function's variance with that of a
    pixel. After Adler, The Geometry of Random Fields, theorem 6.3.1, for high levels.
    """
    curvature = 0.5 / (psf_sigma_px**2 + 1.0 / 12.0)
    return curvature * level * math.exp(-0.5 * level**2) / math.pow(2.0 * math.pi, 1.5)


def _rate_of_peaks(level: float, correlation: Float64) -> float:
    """Return how many pixels exceed `level` and their neighbours, a pixel."""
    centre = correlation.shape[0] // 2
    around = correlation[centre - 1 : centre + 2, centre - 1 : centre + 2].ravel()[[0, 1, 2, 3, 5, 6, 7, 8]]
    lead = np.sqrt((1.0 - around) / (1.0 + around))
    # Each neighbour, given that this pixel stands at `level`, is Gaussian about correlation * level.
    return _upper_tail(level) * math.prod(1.0 - _upper_tail(level * float(each)) for each in lead)


def _upper_tail(x: float) -> float:
    return 0.5 * math.erfc(x / math.sqrt(2.0))


def _autocorrelation(weights: Float64) -> Float64:
    """Return the correlation of the filtered white noise between pixels, all lags, zero lag in the middle."""
    size = 2 * weights.shape[0] - 1
    spectrum = np.abs(np.fft.fft2(weights, (size, size))) ** 2
    full = np.fft.fftshift(np.fft.ifft2(spectrum).real)
    return np.asarray(full / full.max())


def _magnitude_variance(correlation: Float64) -> float:
    """Return N var(mean |z|) / E(|z|)^2 of N cells of Gaussian noise with this correlation.

    E|a||b| = (2/pi) (sqrt(1 - r^2) + r asin r) for unit normals of correlation r.
    """
    r = np.clip(correlation, -1.0, 1.0)
    products = np.sqrt(1.0 - r**2) + r * np.arcsin(r)
    return float(np.sum(products - 1.0))
