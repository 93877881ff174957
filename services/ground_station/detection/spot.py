"""The matched filter of one point-spread function, in the form the kernels take it."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.ground_station.detection.calibration import guard_half, matched_filter, psf_taps

# Fewest cells, besides a point's own, from which its noise is taken.
REFERENCE_CELLS = 256
# The filter reaches so many standard deviations from a point's centre.
REACH_SIGMA = 1.5
# Point-spread functions for which the filter's sizes make sense: from nearly none to 15 px wide squares.
SMALLEST_SIGMA_PX, LARGEST_SIGMA_PX = 0.3, 3.0


@dataclass(frozen=True)
class SpotFilter:
    """Least-squares estimator of a point's amplitude over the mean of the square around it.

    taps: separable, centre first, scaled so that their outer product less mean_weight is the filter.
    gain: standard deviation of the response for noise of one count a pixel.
    guard: half width of the square in which a point's own light shows in the response.
    largest_point_px: what covers more pixels is no point but an extended source.
    """

    sigma_px: float
    reach: int
    box_half: int
    guard: int
    taps: NDArray[np.float32]
    mean_weight: np.float32
    gain: float
    largest_point_px: int

    @classmethod
    def of(cls, sigma_px: float) -> "SpotFilter":
        """Return the filter of a Gaussian point-spread function; ValueError outside the supported widths."""
        if not SMALLEST_SIGMA_PX <= sigma_px <= LARGEST_SIGMA_PX:
            raise ValueError(
                f"psf_sigma_px is {sigma_px:g}, not within {SMALLEST_SIGMA_PX:g} to {LARGEST_SIGMA_PX:g} pixels"
            )
        reach = max(1, round(REACH_SIGMA * sigma_px))
        box_half = reach + 2
        taps = psf_taps(sigma_px, reach)
        weights = matched_filter(sigma_px, reach, box_half)
        scale = math.sqrt(float(weights[box_half, box_half] - weights[0, 0])) / taps[0]
        # Four times what a point covers above half of its peak: pi * 2 ln 2 * (sigma^2 + the pixel's own 1/12).
        largest = 4.0 * math.pi * 2.0 * math.log(2.0) * (sigma_px**2 + 1.0 / 12.0)
        return cls(
            sigma_px=sigma_px,
            reach=reach,
            box_half=box_half,
            guard=guard_half(reach, box_half),
            taps=(taps * scale).astype(np.float32),
            mean_weight=np.float32(-weights[0, 0]),
            gain=float(np.sqrt(np.sum(weights**2))),
            largest_point_px=max(9, math.ceil(largest)),
        )

    @property
    def smallest_side(self) -> int:
        """Return the side of the smallest square with REFERENCE_CELLS besides a point's own."""
        return math.ceil(math.sqrt(REFERENCE_CELLS + (2 * self.guard + 1) ** 2))
