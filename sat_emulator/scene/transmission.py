"""What the air takes from light on its way through a band."""

import functools
import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from services.geometry.ellipsoid import SEMI_MAJOR_M
from services.scenario.model import Absorber, Scenario, Sensor
from services.scenario.references import band_absorbers

Float64 = NDArray[np.float64]


def air_mass(cosine_zenith: ArrayLike, scale_height_m: ArrayLike) -> Float64:
    """Return the slant path over the vertical path for an absorber of a scale height, from the ground upwards.

    cosine_zenith: 0 to 1. A homogeneous shell as thick as the scale height on a round Earth: exact overhead, 13 % too
    long at the horizon. E. Schoenberg, "Theoretische Photometrie", Handbuch der Astrophysik 2 (1929).
    """
    ratio = SEMI_MAJOR_M / np.asarray(scale_height_m, dtype=np.float64)
    along = ratio * np.asarray(cosine_zenith, dtype=np.float64)
    longer: Float64 = np.sqrt(along * along + 2 * ratio + 1) - along
    return longer


class BandAir:
    """The air in one band: parts of the band, each with its own absorption, exponential in height and path.

    Transmission of the whole band is the sum over its parts, so that a long path loses the strongly absorbed parts
    first and then little more, as a real band does (R. M. Goody and Y. L. Yung, "Atmospheric Radiation", 1989, 4.8).
    """

    def __init__(self, absorbers: tuple[Absorber, ...]) -> None:
        self.shares = np.array([absorber.share for absorber in absorbers])
        self.depths = np.array([absorber.optical_depth for absorber in absorbers])
        self.scale_heights_m = np.array([absorber.scale_height_m for absorber in absorbers])

    def transmission(self, height_m: float, sine_elevation: float) -> float:
        """Return which part of a source's radiation in the band reaches space; 0 where the Earth is in the way.

        height_m: of the source. sine_elevation: of the direction towards space above the source's horizontal.
        """
        if sine_elevation >= 0:
            return float(self.shares @ np.exp(-self.depths_upwards(height_m, sine_elevation)))
        # A ray that first goes down passes its lowest point and rises again: twice the way from there, less what lies
        # beyond the source (Chapman's relation).
        radius = SEMI_MAJOR_M + height_m
        lowest_m = radius * math.sqrt(1 - sine_elevation * sine_elevation) - SEMI_MAJOR_M
        if lowest_m < 0:
            return 0.0
        depth = 2 * self.depths_upwards(lowest_m, 0.0) - self.depths_upwards(height_m, -sine_elevation)
        return float(self.shares @ np.exp(-np.maximum(depth, 0.0)))

    def depths_upwards(self, height_m: float, sine_elevation: float) -> Float64:
        """Return each part's optical depth, (parts,), from a height to space; the sine is 0 or more."""
        # Exponents are held where any air is opaque anyway.
        vertical = self.depths * np.exp(np.minimum(-height_m / self.scale_heights_m, 50.0))
        depth: Float64 = vertical * air_mass(sine_elevation, self.scale_heights_m)
        return depth


def band_air(scenario: Scenario, sensor: Sensor) -> BandAir:
    """Return the air in a sensor's band: the scenario's own absorbers, else those of the band's name."""
    return _band_air(scenario.atmosphere.absorbers or band_absorbers(sensor.band))


@functools.lru_cache(maxsize=8)
def _band_air(absorbers: tuple[Absorber, ...]) -> BandAir:
    return BandAir(absorbers)
