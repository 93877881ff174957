"""How far sums of noise along paths scatter, measured on the frames that are searched.

Residuals of independent white noise make sums of unit variance. Those against a learnt background do not: the
background's own noise, of some 32 frames, is in every frame that is held against it, and adds up along paths that stay
in their place against the scene; and a filter other than the expected one leaves neighbouring pixels related otherwise.
"""

import numpy as np
from numpy.typing import NDArray

from services.ground_station.detection.movers import kernels

Float64 = NDArray[np.float64]

# Speeds at which the scatter is measured, pixels a frame: what stands adds up, what has left its place does not.
SPEEDS_PX = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.45, 0.7, 1.1, 1.5)
# Paths drawn a speed and frame; FIRST_PATHS until LEAST_TOLD have told the scatter, to 2 %.
PATHS, FIRST_PATHS, LEAST_TOLD = 256, 4096, 1024
# The scatter is the mean over so many: the paths of some 128 frames. Its error moves a score of 6 by some 0.05.
MOST_TOLD = 128 * PATHS // 2
# A path tells the noise where it shows at least this share of the window.
LEAST_SHOWN = 0.75
# Median magnitude m of the unit normal, and of its negative values alone. That of n values lies above it in the mean by
# so much of it over n: -f'(m) / (8 m f(m)^3), f the density (David and Nagaraja, Order Statistics, section 4.6).
MEDIAN_MAGNITUDE, MEDIAN_EXCESS = 0.6744897502, 0.3094
# Steps of an additive recurrence that fills the unit cube evenly: powers of 1 / 1.2207..., the root of x^4 = x + 1
# (Roberts, The unreasonable effectiveness of quasirandom sequences, 2018).
EVEN_STEPS = 1.2207440846057596 ** -np.arange(1.0, 4.0)


class Scatter:
    """Standard deviation of the integrated signal-to-noise ratio where nothing flies, by speed against the scene."""

    def __init__(self, fastest_px: float) -> None:
        self._speeds = np.array([each for each in SPEEDS_PX if each < fastest_px] + [fastest_px])
        self._scatter = np.ones(len(self._speeds))
        self._told = np.zeros(len(self._speeds))
        self._drawn = 0

    def of(self, velocities: Float64) -> Float64:
        """Return (n,) the standard deviation of sums along paths of these velocities (n, 2), pixels a frame."""
        return np.interp(np.hypot(velocities[:, 0], velocities[:, 1]), self._speeds, self._scatter)

    def measure(
        self,
        history: NDArray[np.int8],
        slots: NDArray[np.int64],
        offsets: Float64,
        weights: NDArray[np.float32],
        *,
        anew: bool,
    ) -> None:
        """Learn from the window that ends in the newest frame; arguments as `kernels.sum_paths` takes them.

        anew: what windows before said holds no longer, as they were shorter. The median of negative sums tells: light
        adds, so that targets do not pass for noise, and few sums meet the holes and rings around the brightest.
        """
        if anew:
            self._told[:] = 0.0
        count = PATHS if self._told.min() >= LEAST_TOLD else FIRST_PATHS
        frames = len(offsets)
        tracks = self._draw(count, history.shape[1:], 0.5 * (frames - 1))
        sums, shown = np.empty(len(tracks)), np.empty(len(tracks), dtype=np.int32)
        kernels.sum_paths(history, slots, offsets, weights, tracks, sums, shown)
        tells = ((shown >= LEAST_SHOWN * frames) & (sums < 0.0)).reshape(-1, count)
        magnitude = (np.abs(sums) / np.sqrt(np.maximum(shown, 1))).reshape(-1, count)
        told = tells.sum(axis=1)
        self._told = np.minimum(self._told + told, MOST_TOLD)
        for n in np.flatnonzero(told):
            found = float(np.median(magnitude[n, tells[n]])) / (MEDIAN_MAGNITUDE * (1.0 + MEDIAN_EXCESS / told[n]))
            self._scatter[n] += told[n] / self._told[n] * (found - self._scatter[n])

    def _draw(self, count: int, shape: tuple[int, ...], middle: float) -> Float64:
        """Return (speeds * count, 4) places in the newest frame and velocities, `count` of each speed.

        Places, where the path is in the middle of the window, and headings are spread evenly.
        """
        number = self._drawn + np.arange(len(self._speeds) * count)
        self._drawn += len(number)
        even = np.outer(number, EVEN_STEPS) % 1.0
        heading = 2.0 * np.pi * even[:, 2]
        speed = np.repeat(self._speeds, count)
        velocity = np.column_stack([speed * np.cos(heading), speed * np.sin(heading)])
        place = even[:, :2] * (np.array(shape) - 1.0) + middle * velocity
        return np.column_stack([place, velocity])
