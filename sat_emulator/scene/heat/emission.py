"""What a small hot thing sends towards a satellite, and what every one of them offers."""

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from sat_emulator.scene.flight.flight import Flight
from services.scenario.model import Place

Float64 = NDArray[np.float64]

TruthClass = Literal["ballistic", "glide", "cruise", "space_launch", "static_heat"]


@dataclass(frozen=True)
class Look:
    """One exposure: its middle (emulated UTC), how long it takes, and whence it is taken (ITRS, m)."""

    unix_ns: int
    exposure_s: float
    satellite_itrs_m: Float64


@dataclass(frozen=True)
class Emission:
    """What a source radiates towards the satellite: ITRS position, and intensity in the band before the atmosphere.

    The mean over the exposure, for what changes within it.
    """

    position_itrs_m: Float64
    radiant_intensity_w_per_sr: float


class HeatSource(Protocol):
    """Something small and hot, in one sensor's band."""

    id: str
    truth_class: TruthClass

    def emission(self, look: Look) -> Emission | None:
        """Return what it radiates towards a satellite at an instant; None where it radiates nothing."""

    def position_itrs_m(self, unix_ns: int) -> Float64 | None:
        """Return where it is, (3,), ITRS, whether it shines or not; None before it is there and after it is gone."""


class ThreatSource(HeatSource, Protocol):
    """What is to be warned of."""

    launch: Place
    launch_unix_ns: int

    @property
    def flight(self) -> Flight:
        """Return how it flies; its time counts from the launch."""
