"""How a rough sea mirrors the sun."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import erfc

Float64 = NDArray[np.float64]

# Water at 25 degrees C: wavelength (um), real and imaginary part of the refractive index. G. M. Hale and M. R. Querry,
# Appl. Opt. 12 (1973) 555, table I. Salt changes the real part by 0.006 (D. Friedman, Appl. Opt. 8 (1969) 2073).
WATER_INDEX = np.array(
    [
        (1.00, 1.327, 2.9e-6),
        (1.40, 1.321, 1.4e-4),
        (2.00, 1.306, 1.1e-3),
        (2.40, 1.279, 9.6e-4),
        (2.60, 1.242, 3.2e-3),
        (2.65, 1.219, 6.7e-3),
        (2.70, 1.188, 0.019),
        (2.75, 1.157, 0.059),
        (2.80, 1.142, 0.115),
        (2.85, 1.149, 0.185),
        (2.90, 1.201, 0.268),
        (2.95, 1.292, 0.298),
        (3.00, 1.371, 0.272),
        (3.05, 1.426, 0.240),
        (3.10, 1.467, 0.192),
        (3.20, 1.478, 0.092),
        (3.30, 1.450, 0.037),
        (3.40, 1.420, 0.020),
        (3.50, 1.400, 9.4e-3),
        (3.60, 1.385, 5.2e-3),
        (3.70, 1.374, 3.6e-3),
        (3.80, 1.364, 3.4e-3),
        (3.90, 1.357, 3.8e-3),
        (4.00, 1.351, 4.6e-3),
        (4.20, 1.342, 6.9e-3),
        (4.40, 1.334, 0.010),
        (4.60, 1.330, 0.015),
        (5.00, 1.325, 0.012),
    ]
)
# Samples across a band over which the index is averaged.
INDEX_SAMPLES = 33
# Slopes' variance, both directions together: without wind, and its growth per m/s of wind at 12.5 m height. C. Cox and
# W. Munk, "Measurement of the roughness of the sea surface from photographs of the sun's glitter", J. Opt. Soc. Am. 44
# (1954) 838, the clean surface without regard to direction.
CALM_SLOPE_VARIANCE = 0.003
SLOPE_VARIANCE_PER_M_PER_S = 0.00512
# What sees the horizon sees it at so little above: keeps divisions finite where the result is small anyway.
LEAST_COSINE = 1e-6


def water_index(lower_m: float, upper_m: float) -> complex:
    """Return the mean of water's complex refractive index over a band.

    Between 1 and 5 um; beyond, the value at the end. Where the index bends strongly, in 2.69 to 2.95 um, the
    reflectance of the mean is 15 % below the mean of the reflectance.
    """
    wavelength_um = 1e6 * np.linspace(lower_m, upper_m, INDEX_SAMPLES)
    real, imaginary = (np.interp(wavelength_um, WATER_INDEX[:, 0], WATER_INDEX[:, part]).mean() for part in (1, 2))
    return complex(real, imaginary)


def fresnel_reflectance(cosine: ArrayLike, index: complex) -> Float64:
    """Return the reflectance of unpolarised light at an angle of incidence, given by its cosine, from air.

    M. Born and E. Wolf, "Principles of Optics", section 1.5.2.
    """
    incidence = np.clip(np.asarray(cosine, dtype=np.float64), 0.0, 1.0)
    within = np.sqrt(index * index - 1 + incidence * incidence)
    across = (incidence - within) / (incidence + within)
    along = (index * index * incidence - within) / (index * index * incidence + within)
    reflectance: Float64 = 0.5 * (np.abs(across) ** 2 + np.abs(along) ** 2)
    return reflectance


def slope_variance(wind_m_per_s: float) -> float:
    """Return the variance of the sea's slope, both directions together, at a wind."""
    return CALM_SLOPE_VARIANCE + SLOPE_VARIANCE_PER_M_PER_S * wind_m_per_s


def glint_radiance_factor(
    to_sun_local: ArrayLike, to_satellite_local: ArrayLike, wind_m_per_s: float, index: complex
) -> Float64:
    """Return a rough sea's radiance over the sun's irradiance (on a plane across its rays), 1/sr.

    to_sun_local, to_satellite_local: (..., 3) unit vectors from the water, east, north and up; they broadcast.
    index: of the water in the band, see `water_index`.

    Facets with isotropic Gaussian slopes mirror by Fresnel's law (Cox and Munk 1954); they hide each other towards
    the horizon as in B. G. Smith, IEEE Trans. Antennas Propag. 15 (1967) 668. Light mirrored twice is left out, and
    so is the sun's width, a twentieth of what the calmest sea's slopes spread.

    0 where sun or satellite is below the horizon. Divided by the cosine of the sun's zenith angle it is a
    bidirectional reflectance, the same with sun and satellite exchanged.
    """
    sun = np.asarray(to_sun_local, dtype=np.float64)
    satellite = np.asarray(to_satellite_local, dtype=np.float64)
    up_sun, up_satellite = np.broadcast_arrays(sun[..., 2], satellite[..., 2])
    both_up = (up_sun > LEAST_COSINE) & (up_satellite > LEAST_COSINE)
    up_sun, up_satellite = np.where(both_up, up_sun, 1.0), np.where(both_up, up_satellite, 1.0)
    # The facet that mirrors one into the other stands half-way between the two.
    between = np.clip(np.sum(sun * satellite, axis=-1), -1.0, 1.0)
    cosine_incidence = np.sqrt((1 + between) / 2)
    facet_up = (up_sun + up_satellite) / np.maximum(2 * cosine_incidence, LEAST_COSINE)
    variance = slope_variance(wind_m_per_s)
    slope2 = np.maximum(1 / facet_up**2 - 1, 0.0)
    facets = np.exp(-slope2 / variance) / (math.pi * variance)
    unhidden = 1 / (1 + hidden_facets(up_sun, variance) + hidden_facets(up_satellite, variance))
    mirrored = fresnel_reflectance(cosine_incidence, index) * facets * unhidden / (4 * up_satellite * facet_up**4)
    factor: Float64 = np.where(both_up, mirrored, 0.0)
    return factor


def hidden_facets(cosine_zenith: Float64, variance: float) -> Float64:
    """Return facets that hide the surface over those that are seen (Smith 1967)."""
    one_way = math.sqrt(variance / 2)
    ratio = cosine_zenith / np.sqrt(np.maximum(1 - cosine_zenith**2, 1e-12)) / one_way
    return np.asarray(
        0.5 * (math.sqrt(2 / math.pi) / ratio * np.exp(-ratio * ratio / 2) - erfc(ratio / math.sqrt(2))),
        dtype=np.float64,
    )
