"""How far a camera points beside where it should: jitter and drift, as pure functions of time.

Both are sums of many cosines whose frequencies and phases are drawn once: the spectral representation of a stationary
Gaussian process, M. Shinozuka and G. Deodatis, "Simulation of stochastic processes by spectral representation", Appl.
Mech. Rev. 44 (1991) 191. Each wave has the same power, and its frequency is drawn within an equal share of the
spectrum's power: the spectrum is met closely, and nothing repeats.
"""

import numpy as np
from numpy.typing import NDArray

from services.geometry.chance import seeded_generator

Float64 = NDArray[np.float64]

# Waves an axis. Correlation between frames errs by 1 / sqrt(2 * waves), 3 %; the excess kurtosis is 1.5 / waves.
JITTER_WAVES = 512
DRIFT_WAVES = 256


class PointingError:
    """Small rotations about the camera's x, y and z, the same for everyone who has the seed and the name.

    jitter_rad, jitter_bandwidth_hz: standard deviation per axis of a part whose one-sided power spectral density is
    flat, jitter_rad^2 / bandwidth (rad^2/Hz), up to the bandwidth and zero beyond.
    drift_rad, drift_correlation_s: standard deviation per axis of a part whose correlation falls by e in that time;
    one-sided density 4 drift_rad^2 T / (1 + (2 pi f T)^2) (rad^2/Hz).
    """

    def __init__(
        self,
        seed: int,
        name: str,
        *,
        jitter_rad: float,
        jitter_bandwidth_hz: float,
        drift_rad: float,
        drift_correlation_s: float,
    ) -> None:
        for value, what in ((jitter_bandwidth_hz, "jitter_bandwidth_hz"), (drift_correlation_s, "drift_correlation_s")):
            if not 0 < value < np.inf:
                raise ValueError(f"{what} is {value:g} and must be above 0 and finite")
        generator = seeded_generator(seed, f"pointing/{name}")
        jitter_hz = jitter_bandwidth_hz * _strata(generator, JITTER_WAVES)
        # Where the Lorentz line's integral from 0 reaches each share of the power.
        drift_hz = np.tan(np.pi / 2 * _strata(generator, DRIFT_WAVES)) / (2 * np.pi * drift_correlation_s)
        self._rates_rad_per_s = 2 * np.pi * np.concatenate([jitter_hz, drift_hz], axis=1)
        self._phases = generator.uniform(0, 2 * np.pi, self._rates_rad_per_s.shape)
        self._amplitudes = np.repeat(
            [jitter_rad * np.sqrt(2 / JITTER_WAVES), drift_rad * np.sqrt(2 / DRIFT_WAVES)], [JITTER_WAVES, DRIFT_WAVES]
        )

    def at(self, time_s: float) -> Float64:
        """Return the angles, (3,), radians, at a time in seconds since the run's start."""
        angles: Float64 = np.cos(self._rates_rad_per_s * time_s + self._phases) @ self._amplitudes
        return angles


def _strata(generator: np.random.Generator, waves: int) -> Float64:
    """Return numbers from 0 to 1, (3, waves): one in each of `waves` equal parts, for each axis."""
    numbers: Float64 = (np.arange(waves) + generator.uniform(size=(3, waves))) / waves
    return numbers
