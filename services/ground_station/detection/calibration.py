"""From a stated rate of false detections to a threshold on the signal-to-noise ratio."""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

# Cells of the 3 x 3 blocks of 16 x 16 around a point away from the frame's edge.
BLOCK_CELLS = 9 * 16 * 16


def psf_taps(psf_sigma_px: float, reach: int) -> Float64:
    """Return the shares of a centred Gaussian line in the pixels 0..reach from its place."""
    edges = (np.arange(reach + 2) - 0.5) / (math.sqrt(2.0) * psf_sigma_px)
    return np.diff(np.array([0.5 * math.erf(edge) for edge in edges]))


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


def guard_half(reach: int, box_half: int) -> int:
    """Return the half width of the square around a point in which its own light shows in the filter's output."""
    return box_half + reach - 1


@lru_cache(maxsize=256)
def threshold_snr(pfa: float, psf_sigma_px: float, reach: int, box_half: int) -> float:
    """Return the signal-to-noise ratio that noise alone exceeds, as a local maximum, at a rate of `pfa` per pixel.

    For white Gaussian noise of locally even strength. Takes into account that the noise is itself estimated, from
    some 2,000 correlated cells, and that a pixel above threshold is no detection beside a larger neighbour.
    """
    correlation = _autocorrelation(matched_filter(psf_sigma_px, reach, box_half))
    cells = BLOCK_CELLS - (2 * guard_half(reach, box_half) + 1) ** 2
    spread = math.sqrt(_magnitude_variance(correlation) / cells)
    centre = correlation.shape[0] // 2
    around = correlation[centre - 1 : centre + 2, centre - 1 : centre + 2].ravel()[[0, 1, 2, 3, 5, 6, 7, 8]]
    lead = np.sqrt((1.0 - around) / (1.0 + around))
    # E over the estimated noise (1 + spread x), x standard normal: Gauss-Hermite, probabilists' weights.
    nodes, weights = np.polynomial.hermite_e.hermegauss(15)
    weights = weights / weights.sum()

    def rate(level: float) -> float:
        exceeded = sum(w * _upper_tail(level * (1.0 + spread * x)) for x, w in zip(nodes, weights, strict=True))
        # Each neighbour, given that this pixel stands at `level`, is Gaussian about correlation * level.
        return float(exceeded) * math.prod(1.0 - _upper_tail(level * float(each)) for each in lead)

    low, high = 1.0, 40.0
    while high - low > 1e-6:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if rate(middle) > pfa else (low, middle)
    return high


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
