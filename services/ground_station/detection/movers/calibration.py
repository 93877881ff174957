"""How a point shows in matched-filter output between pixels, and what noise reaches when it is searched for tracks."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from services.ground_station.detection.calibration import level_at, psf_shares

Float64 = NDArray[np.float64]

# Sub-pixel places for which weights are held, per axis.
PHASES = 16
# A point's light reaches so many standard deviations; the filter's square is a pixel wider, for the background.
REACH_SIGMA = 3.0
# Of the maxima of chance that a frame has by theory, the search meets this share: they come and go within a window,
# and each place has its turn once a block. Measured in white noise at a rate of 1e-6;
# `python -m bench.detection.movers` holds the stated rate against the found one.
FOUND_FRAMES = (4, 5, 6, 8, 12, 16, 20, 28, 40)
FOUND_SHARE = (0.115, 0.14, 0.165, 0.205, 0.25, 0.2, 0.125, 0.09, 0.048)
# Theory's rate falls with the level from here on.
LOWEST_SNR = 2.5
# The pixels around a sub-pixel place, from the one above and left of it; reading order.
SQUARE = ((0, 0), (0, 1), (1, 0), (1, 1))


@dataclass(frozen=True)
class PointShape:
    """What the residual of a frame looks like around a point.

    weights: (PHASES, PHASES, 2, 2) by which the four pixels around a sub-pixel place are added for the best
    signal-to-noise ratio; the sum has unit variance in noise. share: mean over places of the ratio so reached over
    the ratio that a matched filter at the true place would reach, sqrt(sum p^2) A / sigma.
    curvature_px2: how fast the signal-to-noise ratio falls off with distance: 1 - curvature d^2 / 2; per pixel squared.
    """

    weights: NDArray[np.float32]
    share: float
    curvature_px2: float


@lru_cache(maxsize=16)
def point_shape(psf_sigma_px: float) -> PointShape:
    """Return the shape of a Gaussian point in white noise filtered with `matched_kernel`."""
    kernel = matched_kernel(psf_sigma_px)
    gain = math.sqrt(float(np.sum(kernel**2)))
    covariance = _neighbour_covariance(kernel / gain)
    weights = np.empty((PHASES, PHASES, 2, 2), dtype=np.float32)
    shares = []
    for i in range(PHASES):
        for j in range(PHASES):
            spot = _spot((i + 0.5) / PHASES, (j + 0.5) / PHASES, psf_sigma_px, _spot_side(psf_sigma_px))
            seen = _four(kernel, spot) / gain
            best = np.linalg.solve(covariance, seen)
            best /= math.sqrt(float(best @ covariance @ best))
            weights[i, j] = best.reshape(2, 2)
            shares.append(float(best @ seen) / math.sqrt(float(np.sum(spot**2))))
    return PointShape(weights, float(np.mean(shares)), _curvature(psf_sigma_px))


def matched_kernel(psf_sigma_px: float) -> Float64:
    """Return the matched filter of a point on a pixel's centre over an unknown background: an odd square, sum 0."""
    side = 2 * math.ceil(REACH_SIGMA * psf_sigma_px) + 3
    spot = _spot(0.0, 0.0, psf_sigma_px, side)
    return np.asarray(spot - spot.mean())


@lru_cache(maxsize=256)
def threshold_snr(pfa: float, frames: int, fastest_px: float, curvature_px2: float) -> float:
    """Return the integrated signal-to-noise ratio that tracks of noise exceed at `pfa` per pixel and frame.

    Expected Euler characteristic of a smooth Gaussian field over place and velocity, a disc of radius `fastest_px`
    (Adler and Taylor, Random Fields and Geometry, theorem 12.4.1; Worsley 1994): at high levels the number of peaks.
    With the place taken in the middle of the window, place and velocity are independent. FOUND_SHARE of them are met.
    """
    share = float(np.interp(math.log(frames), np.log(FOUND_FRAMES), FOUND_SHARE))
    # Variance of the frames' instants about the middle of the window.
    root = fastest_px * math.sqrt(curvature_px2 * (frames**2 - 1) / 12.0)

    def rate(u: float) -> float:
        fall = math.exp(-0.5 * u * u)
        two = u * (2 * math.pi) ** -1.5
        three = (u * u - 1.0) * (2 * math.pi) ** -2
        four = (u**3 - 3.0 * u) * (2 * math.pi) ** -2.5
        found: float = share * curvature_px2 * fall * (two + math.pi * root * three + math.pi * root**2 * four)
        return found

    return level_at(rate, pfa, LOWEST_SNR)


def _neighbour_covariance(kernel: Float64) -> Float64:
    """Return the (4, 4) covariance of filtered white noise in the pixels of a 2 x 2 square, reading order."""
    side = 2 * kernel.shape[0]
    correlation = np.fft.ifft2(np.abs(np.fft.fft2(kernel, (side, side))) ** 2).real
    return np.array([[correlation[a[0] - b[0], a[1] - b[1]] for b in SQUARE] for a in SQUARE])


def _spot(row: float, column: float, psf_sigma_px: float, side: int) -> Float64:
    """Return the shares of a point in the pixels of an odd square, this far past its middle."""
    centres = np.arange(side, dtype=np.float64) - side // 2
    return np.outer(psf_shares(psf_sigma_px, centres - row), psf_shares(psf_sigma_px, centres - column))


def _four(kernel: Float64, spot: Float64) -> Float64:
    """Return the filter's answer to `spot` in its middle pixel and the neighbours right, below and diagonal."""
    top = (spot.shape[0] - kernel.shape[0]) // 2
    size = kernel.shape[0]
    # The filter is symmetric: correlating is convolving.
    return np.array([np.sum(kernel * spot[top + i : top + i + size, top + j : top + j + size]) for i, j in SQUARE])


def _curvature(psf_sigma_px: float) -> float:
    """Return the mean over places of sum (dp/dx)^2 / sum p^2: the Fisher information of a place, SNR 1."""
    side, step = _spot_side(psf_sigma_px), 0.01
    values = []
    for i in range(PHASES):
        for j in range(PHASES):
            row, column = (i + 0.5) / PHASES - 0.5, (j + 0.5) / PHASES - 0.5
            slope = _spot(row + step, column, psf_sigma_px, side) - _spot(row - step, column, psf_sigma_px, side)
            values.append(np.sum((slope / (2 * step)) ** 2) / np.sum(_spot(row, column, psf_sigma_px, side) ** 2))
    return float(np.mean(values))


def _spot_side(psf_sigma_px: float) -> int:
    """Return a side that holds a point, and the filter one pixel off."""
    return 2 * math.ceil(2 * REACH_SIGMA * psf_sigma_px) + 5
