"""Flicker as a pure function of the seed, a name and the time."""

import numpy as np

from services.geometry.chance import seeded_generator

# Waves that make up the flicker; their sum is close to a Gaussian process.
WAVES = 24


class Flicker:
    """A random factor around 1 with a correlation time, the same for everyone who has the seed and the name."""

    def __init__(self, seed: int, name: str, sigma: float, correlation_s: float) -> None:
        generator = seeded_generator(seed, name)
        # Frequencies drawn from a Lorentz line make the correlation fall exponentially (Wiener-Khinchin).
        turn = np.clip(generator.uniform(size=WAVES), 0.02, 0.98) - 0.5
        self._rates_rad_per_s = np.tan(np.pi * turn) / correlation_s
        self._phases = generator.uniform(0, 2 * np.pi, WAVES)
        self._amplitude = sigma * np.sqrt(2.0 / WAVES)

    def at(self, time_s: float) -> float:
        """Return the factor; never below 0."""
        waves = np.cos(self._rates_rad_per_s * time_s + self._phases)
        return max(0.0, 1.0 + float(self._amplitude * waves.sum()))
