"""What every flight offers, whatever flies it."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]


class Flight(Protocol):
    """Position and velocity over time since launch, seconds."""

    @property
    def end_s(self) -> float:
        """When it is over (it meets the ground, or its file ends), or the last instant that was asked for."""

    def state_itrs(self, time_s: float) -> tuple[Float64, Float64]:
        """Return position and velocity over the turning Earth, (3,) each, ITRS, m and m/s.

        At rest at the launch point before launch; ValueError beyond `end_s`.
        """

    def stage_at(self, time_s: float) -> int | None:
        """Return the index of the engine that burns; None where none does."""
