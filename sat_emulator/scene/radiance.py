"""Thermal radiation within a band."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float64 = NDArray[np.float64]

# CODATA 2018, exact since the SI of 2019: J s, m/s, J/K.
PLANCK = 6.626_070_15e-34
LIGHT_SPEED = 299_792_458.0
BOLTZMANN = 1.380_649e-23
# Gauss-Legendre nodes over the band; Planck's function over a tenth of a wavelength needs 6 for 1e-12.
NODES = 12
# Steps of a table of radiance over temperature, K; straight lines between them are good to 1e-4.
TABLE_STEP_K = 0.25


def photon_energy_j(wavelength_m: float) -> float:
    """Return the energy of one photon."""
    return PLANCK * LIGHT_SPEED / wavelength_m


def band_radiance_w_per_m2_sr(temperature_k: ArrayLike, lower_m: float, upper_m: float) -> Float64:
    """Return Planck's radiance within a band, of the shape of the temperature; 0 at 0 K."""
    temperature = np.asarray(temperature_k, dtype=np.float64)[..., None]
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    half = (upper_m - lower_m) / 2
    wavelength = lower_m + half * (1 + nodes)
    with np.errstate(divide="ignore", over="ignore"):
        exponent = PLANCK * LIGHT_SPEED / (wavelength * BOLTZMANN * temperature)
        spectral = 2 * PLANCK * LIGHT_SPEED**2 / wavelength**5 / np.expm1(exponent)
    radiance: Float64 = half * spectral @ weights
    return radiance


def sensitivity_w_per_m2_sr_k(temperature_k: float, lower_m: float, upper_m: float) -> float:
    """Return how much the band's radiance grows per kelvin."""
    around = band_radiance_w_per_m2_sr([temperature_k - 0.05, temperature_k + 0.05], lower_m, upper_m)
    return float(around[1] - around[0]) / 0.1


def radiance_table(lower_m: float, upper_m: float, coldest_k: float, warmest_k: float) -> NDArray[np.float32]:
    """Return radiance at `coldest_k + i * TABLE_STEP_K`, up to at least `warmest_k`."""
    steps = math.ceil((warmest_k - coldest_k) / TABLE_STEP_K) + 2
    temperatures = coldest_k + TABLE_STEP_K * np.arange(steps)
    return band_radiance_w_per_m2_sr(temperatures, lower_m, upper_m).astype(np.float32)
