"""The matched filter of one point-spread function, in the form the kernels take it."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.ground_station.detection.calibration import first_sizes, guard_half, matched_filter, psf_shares, psf_taps

Float32 = NDArray[np.float32]

# Fewest cells, besides a point's own, from which its noise is taken.
REFERENCE_CELLS = 256
# The second look reaches so many standard deviations from a point's centre.
SECOND_REACH_SIGMA = 2.4
# The fit of a point's place reaches as far as its slopes, which say most about it, 1.4 to 2 standard deviations out.
FIT_REACH_SIGMA = 2.4
# Sub-pixel places of the second look, px from the peak pixel's centre: nowhere is further than an eighth of a pixel.
PHASES_PX = (-0.5, -0.25, 0.0, 0.25, 0.5)
# Where the surroundings are even the level comes from a square so wide that not knowing it costs a point at most 4 %
# of its signal-to-noise ratio squared; wider than this none is.
LEVEL_COST = 0.042
WIDE_HALVES = (7, 12, 17, 22)
# Point-spread functions for which the filters' sizes make sense, from nearly none on.
SMALLEST_SIGMA_PX, LARGEST_SIGMA_PX = 0.3, 3.0


@dataclass(frozen=True)
class SecondLook:
    """A point's amplitude at every sub-pixel phase, over the level of a wide square around it.

    halves: half widths of the squares of a point, of the narrow level, of the wide level's inner part and all of it.
    profiles: (phases, size) shares of a line of light in the pixels of `size` about the peak; shares: their sums.
    scale: (phases, phases) from a sum of counts times profiles, over the level, to noise of one count.
    wide_scale, wide_weight: of the first filter with the wide square's mean taken out, see `filter_frame`.
    wide_gain: that filter's noise for noise of one count a pixel. even_ratio: the same over the narrow filter's.
    """

    halves: NDArray[np.int64]
    profiles: Float32
    shares: Float32
    scale: Float32
    wide_scale: np.float32
    wide_weight: np.float32
    wide_gain: float
    even_ratio: float

    @property
    def wide_half(self) -> int:
        return int(self.halves[3])

    @classmethod
    def of(cls, sigma_px: float, reach: int, box_half: int) -> "SecondLook":
        """Return the second look after a first filter of (2 reach + 1)^2 pixels in a (2 box_half + 1)^2 square."""
        half = min(max(2, math.ceil(SECOND_REACH_SIGMA * sigma_px)), box_half)
        profiles = np.stack(
            [psf_shares(sigma_px, np.arange(-half, half + 1, dtype=np.float64) - phase) for phase in PHASES_PX]
        )
        shares, squares = profiles.sum(axis=1), np.sum(profiles**2, axis=1)
        energy = np.outer(squares, squares)
        costs = {wide: 1.0 / ((2 * wide + 1) ** 2 * energy.max()) for wide in WIDE_HALVES}
        wide_half = next((wide for wide, cost in costs.items() if cost <= LEVEL_COST), WIDE_HALVES[-1])
        level = np.outer(shares, shares) ** 2 / (2 * wide_half + 1) ** 2
        narrow, wide = (matched_filter(sigma_px, reach, each) for each in (box_half, wide_half))
        slope = (wide[wide_half, wide_half] - wide[0, 0]) / (narrow[box_half, box_half] - narrow[0, 0])
        gain, wide_gain = (float(np.sqrt(np.sum(each**2))) for each in (narrow, wide))
        return cls(
            halves=np.array([reach, box_half, max(box_half, half) + 1, wide_half]),
            profiles=profiles.astype(np.float32),
            shares=shares.astype(np.float32),
            scale=(1.0 / np.sqrt(energy - level)).astype(np.float32),
            wide_scale=np.float32(slope),
            wide_weight=np.float32(-wide[0, 0]),
            wide_gain=wide_gain,
            even_ratio=wide_gain / gain,
        )


@dataclass(frozen=True)
class SpotFilter:
    """Least-squares estimator of a point's amplitude over the mean of the square around it.

    taps: separable, centre first, scaled so that their outer product less mean_weight is the filter.
    gain: standard deviation of the response for noise of one count a pixel.
    guard: half width of the square in which a point's own light shows in the response.
    largest_point_px: what covers more pixels is no point but an extended source.
    fit_half: half width of the square in which a point is fitted.
    """

    sigma_px: float
    reach: int
    box_half: int
    guard: int
    taps: Float32
    mean_weight: np.float32
    gain: float
    largest_point_px: int
    fit_half: int
    second: SecondLook

    @classmethod
    def of(cls, sigma_px: float) -> "SpotFilter":
        """Return the filter of a Gaussian point-spread function; ValueError outside the supported widths."""
        if not SMALLEST_SIGMA_PX <= sigma_px <= LARGEST_SIGMA_PX:
            raise ValueError(
                f"psf_sigma_px is {sigma_px:g}, not within {SMALLEST_SIGMA_PX:g} to {LARGEST_SIGMA_PX:g} pixels"
            )
        reach, box_half = first_sizes(sigma_px)
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
            fit_half=max(reach + 1, math.ceil(FIT_REACH_SIGMA * sigma_px)),
            second=SecondLook.of(sigma_px, reach, box_half),
        )

    @property
    def smallest_side(self) -> int:
        """Return the side of the smallest square with REFERENCE_CELLS besides a point's own."""
        return math.ceil(math.sqrt(REFERENCE_CELLS + (2 * self.guard + 1) ** 2))
