"""The air: what it weighs on a rocket, and what it takes from a plume's light."""

import itertools
import math

from services.geometry.ellipsoid import SEMI_MAJOR_M
from services.scenario.model import Atmosphere

# U.S. Standard Atmosphere 1976, table 4: geopotential height at the base (m), temperature there (K), lapse (K/m).
LAYERS = (
    (0.0, 288.15, -6.5e-3),
    (11_000.0, 216.65, 0.0),
    (20_000.0, 216.65, 1.0e-3),
    (32_000.0, 228.65, 2.8e-3),
    (47_000.0, 270.65, 0.0),
    (51_000.0, 270.65, -2.8e-3),
    (71_000.0, 214.65, -2.0e-3),
)
# The same, page 2: J/(kg K) for air, standard gravity (m/s^2), pressure at the ground (Pa), radius in r0 (m).
GAS_CONSTANT = 287.053
STANDARD_GRAVITY = 9.80665
GROUND_PRESSURE_PA = 101_325.0
EARTH_RADIUS_M = 6_356_766.0
# Up to here the table serves; above, density falls with the last layer's own scale height.
TOP_M = 86_000.0
# Within the troposphere, used where radiation comes from the lower air: K/m.
TROPOSPHERE_LAPSE_K_PER_M = 6.5e-3


def _base_pressures() -> tuple[float, ...]:
    pressures = [GROUND_PRESSURE_PA]
    for (base, temperature, lapse), (above, *_) in itertools.pairwise(LAYERS):
        pressures.append(pressures[-1] * _pressure_ratio(above - base, temperature, lapse))
    return tuple(pressures)


def _pressure_ratio(rise_m: float, temperature_k: float, lapse_k_per_m: float) -> float:
    """Return pressure over the layer's base pressure; equations 33a and 33b."""
    if lapse_k_per_m == 0:
        return math.exp(-STANDARD_GRAVITY * rise_m / (GAS_CONSTANT * temperature_k))
    warmer = temperature_k / (temperature_k + lapse_k_per_m * rise_m)
    return float(warmer ** (STANDARD_GRAVITY / (GAS_CONSTANT * lapse_k_per_m)))


BASE_PRESSURES_PA = _base_pressures()


def air_density_kg_per_m3(height_m: float) -> float:
    """Return the density of the standard atmosphere at a geometric height; below the ground as on it."""
    geometric = min(max(height_m, 0.0), TOP_M)
    geopotential = EARTH_RADIUS_M * geometric / (EARTH_RADIUS_M + geometric)
    layer = max(k for k, (base, *_) in enumerate(LAYERS) if base <= geopotential)
    base, temperature, lapse = LAYERS[layer]
    rise = geopotential - base
    pressure = BASE_PRESSURES_PA[layer] * _pressure_ratio(rise, temperature, lapse)
    temperature += lapse * rise
    density = pressure / (GAS_CONSTANT * temperature)
    if height_m > TOP_M:
        density *= math.exp(-(height_m - TOP_M) * STANDARD_GRAVITY / (GAS_CONSTANT * temperature))
    return density


def air_mass(cosine_zenith: float, scale_height_m: float) -> float:
    """Return the slant path over the vertical path for an absorber of a scale height, from the ground upwards.

    cosine_zenith: 0 to 1. A homogeneous shell as thick as the scale height on a round Earth: exact overhead, 13 % too
    long at the horizon. E. Schoenberg, "Theoretische Photometrie", Handbuch der Astrophysik 2 (1929).
    """
    ratio = SEMI_MAJOR_M / scale_height_m
    along = ratio * cosine_zenith
    return math.sqrt(along * along + 2 * ratio + 1) - along


def transmission(atmosphere: Atmosphere, height_m: float, sine_elevation: float) -> float:
    """Return which part of a source's radiation in the band reaches space; 0 where the Earth is in the way.

    height_m: of the source. sine_elevation: of the direction towards the satellite above the source's horizontal.
    """
    depth = _slant_depth(atmosphere, height_m, sine_elevation)
    return math.exp(-depth) if depth < math.inf else 0.0


def _slant_depth(atmosphere: Atmosphere, height_m: float, sine_elevation: float) -> float:
    scale = atmosphere.scale_height_m

    def upwards(height: float, sine: float) -> float:
        # Exponents are held where any air is opaque anyway.
        vertical = atmosphere.optical_depth * math.exp(min(-height / scale, 50.0))
        return vertical * air_mass(sine, scale)

    if sine_elevation >= 0:
        return upwards(height_m, sine_elevation)
    # A ray that first goes down passes its lowest point and rises again: twice the way from there, less what lies
    # beyond the source (Chapman's relation).
    radius = SEMI_MAJOR_M + height_m
    lowest_m = radius * math.sqrt(1 - sine_elevation * sine_elevation) - SEMI_MAJOR_M
    if lowest_m < 0:
        return math.inf
    return max(0.0, 2 * upwards(lowest_m, 0.0) - upwards(height_m, -sine_elevation))
