"""A flight along a straight line, for tests of what flies without what makes it fly."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class StraightFlight:
    """From a point on, at one velocity, burning until `burn_s`."""

    start_itrs_m: Float64
    velocity_itrs_m_per_s: Float64
    end_s: float = 100.0
    burn_s: float = 0.0
    intensity_w_per_sr: float | None = None

    def state_itrs(self, time_s: float) -> tuple[Float64, Float64]:
        return self.start_itrs_m + time_s * self.velocity_itrs_m_per_s, self.velocity_itrs_m_per_s

    def stage_at(self, time_s: float) -> int | None:
        return 0 if 0 <= time_s < self.burn_s else None

    def radiant_intensity_w_per_sr(self, time_s: float) -> float | None:  # noqa: ARG002  # as the file has it
        return self.intensity_w_per_sr
