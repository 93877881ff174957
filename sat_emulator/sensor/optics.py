"""The lens: how a point spreads over pixels, and how it blurs what is extended."""

import math

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

# A point's light beyond so many standard deviations is left out: 2e-5 of it.
REACH_SIGMA = 4.0


def pixel_shares(position: float, sigma_px: float, size: int) -> tuple[int, Float64]:
    """Return the first pixel of a line that a point at `position` reaches, and each pixel's share of its light.

    The Gaussian spread integrated over pixels, whose centres lie at whole numbers. Empty beyond the detector's ends.
    """
    reach = REACH_SIGMA * sigma_px
    first = max(0, math.ceil(position - reach - 0.5))
    last = min(size - 1, math.floor(position + reach + 0.5))
    if last < first:
        return first, np.zeros(0)
    scale = 1 / (sigma_px * math.sqrt(2))
    edges = [math.erf((pixel - 0.5 - position) * scale) for pixel in range(first, last + 2)]
    return first, np.diff(edges) / 2


def add_point(image: Float32, row: float, column: float, total: float, sigma_px: float) -> None:
    """Add a point source of `total` to an image, at sub-pixel place; what falls off the detector is lost."""
    top, along_rows = pixel_shares(row, sigma_px, image.shape[0])
    left, along_columns = pixel_shares(column, sigma_px, image.shape[1])
    spot = total * np.outer(along_rows, along_columns)
    image[top : top + len(along_rows), left : left + len(along_columns)] += spot.astype(np.float32)


def concentration(row: float, column: float, sigma_px: float) -> float:
    """Return the sum of squares of pixels' shares of a point's light: what a matched filter gains from it.

    The filter's signal-to-noise ratio is total * sqrt(concentration) / noise of a pixel.
    """
    reach = math.ceil(REACH_SIGMA * sigma_px) + 2
    size = 2 * reach + 1
    shares = [pixel_shares(reach + at - math.floor(at), sigma_px, size)[1] for at in (row, column)]
    return float((shares[0] ** 2).sum() * (shares[1] ** 2).sum())


def blur_taps(sigma_px: float) -> Float32:
    """Return the weights, odd in number, of the lens's blur along one axis of an extended scene; their sum is 1."""
    reach = max(1, math.ceil(3 * sigma_px))
    _, shares = pixel_shares(reach, sigma_px, 2 * reach + 1)
    taps = np.zeros(2 * reach + 1)
    first = reach - len(shares) // 2
    taps[first : first + len(shares)] = shares
    weights: Float32 = (taps / taps.sum()).astype(np.float32)
    return weights
