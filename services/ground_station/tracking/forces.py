"""What acts on anything that flies, compiled: gravity, the Earth's turn, the height, the air.

Scalars in, scalars out, for kernels to call: a call costs some tens of nanoseconds. ITRS throughout; position in
metres, velocity over the turning Earth in m/s. Arguments are not checked: the Earth's centre gives infinities.
"""

import math

import numpy as np
from numba import njit

from services.geometry.ellipsoid import (
    ECCENTRICITY_SQUARED,
    SECOND_ECCENTRICITY_SQUARED,
    SEMI_MAJOR_M,
    SEMI_MINOR_M,
)
from services.geometry.frames import EARTH_RATE_RAD_PER_S

# WGS 84 (NIMA TR8350.2, tables 3.1 and 3.3): m^3/s^2, and the second zonal coefficient.
GRAVITATIONAL_PARAMETER = 3.986_004_418e14
J2 = 1.082_629_8e-3
# U.S. Standard Atmosphere 1976, table 4: geopotential height at each layer's base (m), temperature (K), lapse (K/m).
BASES_M = np.array([0.0, 11_000.0, 20_000.0, 32_000.0, 47_000.0, 51_000.0, 71_000.0])
BASE_TEMPERATURES_K = np.array([288.15, 216.65, 216.65, 228.65, 270.65, 270.65, 214.65])
LAPSES_K_PER_M = np.array([-6.5e-3, 0.0, 1.0e-3, 2.8e-3, 0.0, -2.8e-3, -2.0e-3])
# The same, table 4 continued: pressure at each base, Pa.
BASE_PRESSURES_PA = np.array([101_325.0, 22_632.06, 5_474.889, 868.0187, 110.9063, 66.93887, 3.956420])
# The same, page 2: J/(kg K) for air, standard gravity (m/s^2), the Earth's radius r0 (m).
GAS_CONSTANT = 287.053
STANDARD_GRAVITY = 9.80665
EARTH_RADIUS_M = 6_356_766.0
# Up to here the table serves; above, pressure and density fall with the last layer's own scale height.
TOP_M = 86_000.0


@njit("UniTuple(float64, 3)(float64, float64, float64, float64, float64, float64)", cache=True)
def gravity_and_turn(
    x: float,
    y: float,
    z: float,
    vx: float,
    vy: float,
    vz: float,  # noqa: ARG001
) -> tuple[float, float, float]:
    """Return the acceleration of what falls freely, m/s^2: gravity with J2, centrifugal and Coriolis.

    D. A. Vallado, "Fundamentals of Astrodynamics and Applications", 4th ed., equation 8-30.
    """
    distance2 = x * x + y * y + z * z
    central = -GRAVITATIONAL_PARAMETER / (distance2 * math.sqrt(distance2))
    flat = 1.5 * J2 * SEMI_MAJOR_M * SEMI_MAJOR_M / distance2
    polar = 5.0 * z * z / distance2
    across = central * (1.0 + flat * (1.0 - polar))
    rate = EARTH_RATE_RAD_PER_S
    return (
        across * x + rate * (rate * x + 2.0 * vy),
        across * y + rate * (rate * y - 2.0 * vx),
        central * (1.0 + flat * (3.0 - polar)) * z,
    )


@njit("UniTuple(float64, 4)(float64, float64, float64)", cache=True)
def height_and_up(x: float, y: float, z: float) -> tuple[float, float, float, float]:
    """Return the height above the WGS 84 ellipsoid, metres, and its outward normal: one step of Bowring's.

    Good to a millimetre up to 2,000 km. On the axis the normal's direction across it is arbitrary.
    """
    across = max(math.sqrt(x * x + y * y), 1e-6)
    reduced_sine, reduced_cosine = z * SEMI_MAJOR_M, across * SEMI_MINOR_M
    length = math.sqrt(reduced_sine * reduced_sine + reduced_cosine * reduced_cosine)
    reduced_sine /= length
    reduced_cosine /= length
    sine = z + SECOND_ECCENTRICITY_SQUARED * SEMI_MINOR_M * reduced_sine * reduced_sine * reduced_sine
    cosine = across - ECCENTRICITY_SQUARED * SEMI_MAJOR_M * reduced_cosine * reduced_cosine * reduced_cosine
    length = math.sqrt(sine * sine + cosine * cosine)
    sine /= length
    cosine /= length
    surface = SEMI_MAJOR_M * math.sqrt(1.0 - ECCENTRICITY_SQUARED * sine * sine)
    return across * cosine + z * sine - surface, cosine * x / across, cosine * y / across, sine


@njit("float64(float64, float64, float64)", cache=True)
def height_m(x: float, y: float, z: float) -> float:
    """Return the height above the WGS 84 ellipsoid, good to a millimetre up to 2,000 km."""
    return height_and_up(x, y, z)[0]


@njit("UniTuple(float64, 2)(float64)", cache=True)
def air_pressure_and_density(height_m: float) -> tuple[float, float]:
    """Return pressure (Pa) and density (kg/m^3) of the standard atmosphere at a geometric height.

    Below the ellipsoid as on it. U.S. Standard Atmosphere 1976, equations 18, 33a and 33b.
    """
    geometric = min(max(height_m, 0.0), TOP_M)
    geopotential = EARTH_RADIUS_M * geometric / (EARTH_RADIUS_M + geometric)
    layer = 0
    while layer < 6 and geopotential >= BASES_M[layer + 1]:
        layer += 1
    rise = geopotential - BASES_M[layer]
    base, lapse = BASE_TEMPERATURES_K[layer], LAPSES_K_PER_M[layer]
    temperature = base + lapse * rise
    if lapse == 0.0:
        ratio = math.exp(-STANDARD_GRAVITY * rise / (GAS_CONSTANT * base))
    else:
        ratio = (base / temperature) ** (STANDARD_GRAVITY / (GAS_CONSTANT * lapse))
    if height_m > TOP_M:
        ratio *= math.exp(-(height_m - TOP_M) * STANDARD_GRAVITY / (GAS_CONSTANT * temperature))
    pressure = BASE_PRESSURES_PA[layer] * ratio
    return pressure, pressure / (GAS_CONSTANT * temperature)


@njit("float64(float64)", cache=True)
def air_density_kg_per_m3(height_m: float) -> float:
    """Return the density of the standard atmosphere at a geometric height; below the ellipsoid as on it."""
    return air_pressure_and_density(height_m)[1]
