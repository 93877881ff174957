"""Points in a normalised residual: sub-pixel matched filters around local maxima, threshold, place and scatter."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from services.ground_station.detection.calibration import level_at, psf_shares, psf_taps
from services.ground_station.detection.registration import vertex
from services.ground_station.detection.staring import kernels
from services.ground_station.detection.staring.kernels import HALF

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

# Half width of the square of residuals that a point is judged by.
REACH = 2
# Sub-pixel places tried: every quarter of a pixel, as far as a peak's place may lie from its pixel's centre.
OFFSETS_PX = np.arange(-3, 4) * 0.25
# The residuals' noise, beside the filtered white noise, that nothing tells apart from a point; as a share of variance.
RIDGE = 0.02
# Best that a place is known: no point-spread function is quite Gaussian.
MODEL_SIGMA_PX = 0.003
# Two points nearer than this are one, and up to GUARD_PX a strong point's own rings are no points.
RESOLVED_PX, GUARD_PX, RING_SHARE = 2.0, 5.0, 0.1


@dataclass(frozen=True)
class PointBank:
    """The sub-pixel matched filters of one point-spread function, separable in rows and columns.

    taps: (HALF + 1,) of the response, centre first, scaled to leave white noise as strong as it is.
    filters: (offsets, 2 REACH + 1) unit filters along one axis. information: (offsets,) -d2/dx2 of the likelihood's
    logarithm for a signal-to-noise ratio of 1. share: (offsets,) norm along one axis of a point's shares of pixels.
    density: how often peaks of noise come, per pixel, before their height is looked at. level_gain: what the taps make
    of one count more everywhere. shown: what the brightest pixels of a point between four show of its ratio.
    """

    taps: Float32
    filters: Float64
    information: Float64
    share: Float64
    density: float
    level_gain: float
    shown: float

    def threshold(self, pfa: float) -> float:
        """Return the height that peaks of Gaussian noise exceed at a rate of `pfa` per pixel.

        The mean number of peaks of a smooth field above u: density (2 pi)^-1.5 u exp(-u^2 / 2); Adler, The Geometry of
        Random Fields, section 6.
        """
        scale = self.density * (2.0 * math.pi) ** -1.5
        return level_at(lambda level: scale * level * math.exp(-0.5 * level**2), pfa)


@lru_cache(maxsize=16)
def point_bank(psf_sigma_px: float) -> PointBank:
    """Return the filters of a Gaussian point-spread function."""
    half = psf_taps(psf_sigma_px, HALF)
    taps = half / math.sqrt(float(half[0] ** 2 + 2.0 * np.sum(half[1:] ** 2)))
    line = np.concatenate([taps[:0:-1], taps])
    lags = np.correlate(line, line, mode="full")
    middle = len(lags) // 2
    cells = np.arange(-REACH, REACH + 1)
    white = lags[middle + cells[:, None] - cells]
    noise = white + RIDGE * np.eye(len(cells))
    signal = np.array([_response(offset, psf_sigma_px, line) for offset in OFFSETS_PX])
    step = 1e-3
    slope = np.array(
        [
            (_response(offset + step, psf_sigma_px, line) - _response(offset - step, psf_sigma_px, line)) / (2.0 * step)
            for offset in OFFSETS_PX
        ]
    )
    whitened = np.linalg.solve(noise, signal.T).T
    power = np.sum(whitened * signal, axis=1)
    scatter = np.sqrt(np.sum(whitened @ white * whitened, axis=1))
    # What the slope shows beyond a change of strength, at unit signal-to-noise ratio.
    along = np.sum(whitened * slope, axis=1)
    information = (np.sum(np.linalg.solve(noise, slope.T).T * slope, axis=1) - along**2 / power) / power
    share = np.array([math.sqrt(float(np.sum(_shares(offset, psf_sigma_px) ** 2))) for offset in OFFSETS_PX])
    filters = whitened / scatter[:, None]
    inner, between = np.abs(OFFSETS_PX) <= 0.5, int(np.argmax(OFFSETS_PX == 0.5))
    return PointBank(
        taps=taps.astype(np.float32),
        filters=np.ascontiguousarray(filters),
        information=information,
        share=share,
        density=float(np.mean(information[inner])),
        level_gain=float(line.sum()) ** 2,
        shown=float(signal[between, REACH] / (filters[between] @ signal[between])) ** 2,
    )


@dataclass(frozen=True)
class Points:
    """Judged local maxima, strongest first: place, pixels; variance of row and column; ratio; norm of pixel shares."""

    row: Float64
    column: Float64
    variance_px2: Float64
    snr: Float64
    share: Float64
    area_px: NDArray[np.int64]


def judge(z: Float32, row: NDArray[np.int64], column: NDArray[np.int64], bank: PointBank, threshold: float) -> Points:
    """Return which local maxima of `z` (n,) are points of at least `threshold`, strongest first.

    Places stay 2 REACH off the edge.
    """
    reach = np.arange(-REACH, REACH + 1)
    window = z[row[:, None, None] + reach[:, None], column[:, None, None] + reach].astype(np.float64)
    ratio = bank.filters @ window @ bank.filters.T
    best = ratio.reshape(len(row), -1).argmax(axis=1) if len(row) else np.empty(0, dtype=np.int64)
    i, j = np.unravel_index(best, ratio.shape[1:])
    every = np.arange(len(row))
    above = np.flatnonzero(ratio[every, i, j] >= threshold)
    above = above[np.argsort(-ratio[above, i[above], j[above]], kind="stable")]
    ratio, window, i, j = ratio[above], window[above], i[above], j[above]
    row, column, every = row[above], column[above], np.arange(len(above))
    snr = ratio[every, i, j]
    information = np.column_stack([bank.information[i], bank.information[j]])
    points = Points(
        row=row + OFFSETS_PX[i] + 0.25 * _off_largest(ratio[every, :, j], i),
        column=column + OFFSETS_PX[j] + 0.25 * _off_largest(ratio[every, i, :], j),
        variance_px2=1.0 / (information * snr[:, None] ** 2) + MODEL_SIGMA_PX**2,
        snr=snr,
        share=bank.share[i] * bank.share[j],
        area_px=np.sum(window > 0.5 * window[:, REACH : REACH + 1, REACH : REACH + 1], axis=(1, 2)).astype(np.int64),
    )
    return _apart(points)


def _apart(points: Points) -> Points:
    """Return the points without those that belong to a stronger one beside them."""
    keep = np.ones(len(points.snr), dtype=np.bool_)
    by_row = np.argsort(points.row)
    kernels.keep_apart(points.row, points.column, points.snr, by_row, RESOLVED_PX, GUARD_PX, RING_SHARE, keep)
    return Points(*(getattr(points, name)[keep] for name in points.__dataclass_fields__))


def _off_largest(line: Float64, at: NDArray[np.int64]) -> Float64:
    """Return how far the top lies off the largest value of each row of `line`, steps; 0 at a row's ends."""
    every, size = np.arange(len(at)), line.shape[1]
    inner = np.clip(at, 1, size - 2)
    top = vertex(line[every, inner - 1], line[every, inner], line[every, inner + 1])
    return np.where(inner == at, np.clip(top, -0.5, 0.5), 0.0)


def _shares(offset: float, sigma: float) -> Float64:
    """Return the shares of a point `offset` behind a pixel's centre in that pixel and those around."""
    return psf_shares(sigma, np.arange(-HALF - REACH, HALF + REACH + 1, dtype=np.float64) - offset)


def _response(offset: float, sigma: float, line: Float64) -> Float64:
    """Return the filter's output along one axis at the cells -REACH..REACH for a point at `offset`."""
    return np.correlate(_shares(offset, sigma), line, mode="valid")
