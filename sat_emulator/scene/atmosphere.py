"""The standard atmosphere: what the air weighs on a rocket, and how warm it is."""

import bisect
import itertools
import math

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
LAYER_BASES_M = tuple(base for base, *_ in LAYERS)
# The same, page 2: J/(kg K) for air, standard gravity (m/s^2), pressure at the ground (Pa), radius in r0 (m).
GAS_CONSTANT = 287.053
STANDARD_GRAVITY = 9.80665
GROUND_PRESSURE_PA = 101_325.0
EARTH_RADIUS_M = 6_356_766.0
# Up to here the table serves; above, density falls with the last layer's own scale height.
TOP_M = 86_000.0


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


def air_temperature_k(height_m: float) -> float:
    """Return the temperature of the standard atmosphere at a geometric height; held below 0 and above 86 km."""
    return _layer_state(height_m)[0]


def air_pressure_pa(height_m: float) -> float:
    """Return the pressure of the standard atmosphere at a geometric height; below the ground as on it."""
    temperature, pressure = _layer_state(height_m)
    return pressure * _above_table(height_m, temperature)


def air_density_kg_per_m3(height_m: float) -> float:
    """Return the density of the standard atmosphere at a geometric height; below the ground as on it."""
    temperature, pressure = _layer_state(height_m)
    return pressure / (GAS_CONSTANT * temperature) * _above_table(height_m, temperature)


def _layer_state(height_m: float) -> tuple[float, float]:
    """Return temperature and pressure, K and Pa, at a geometric height held within the table."""
    geometric = min(max(height_m, 0.0), TOP_M)
    geopotential = EARTH_RADIUS_M * geometric / (EARTH_RADIUS_M + geometric)
    layer = bisect.bisect_right(LAYER_BASES_M, geopotential) - 1
    base, temperature, lapse = LAYERS[layer]
    rise = geopotential - base
    pressure = BASE_PRESSURES_PA[layer] * _pressure_ratio(rise, temperature, lapse)
    return temperature + lapse * rise, pressure


def _above_table(height_m: float, temperature_k: float) -> float:
    """Return by what pressure and density have fallen above the table, by the last layer's own scale height."""
    above_m = max(0.0, height_m - TOP_M)
    return math.exp(-above_m * STANDARD_GRAVITY / (GAS_CONSTANT * temperature_k))
