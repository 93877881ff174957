"""Rain on a ground link: how much it attenuates, and what is left of the link's rate.

    gamma = k R^alpha                   specific attenuation, dB/km, at rain rate R, mm/h   (ITU-R P.838-3, eq. 1)
    A     = gamma L                     over the part L of the path that lies in the rain
    rate  = clear rate * log2(1 + snr 10^(-A / 10)) / log2(1 + snr)                         (Shannon, 1949)

Rain does not delay: its refractive delay over 5 km is below a tenth of a nanosecond. The rate follows capacity, as
that of a link with adaptive coding and modulation does.
"""

import functools
import math

# Mean height of the rain above sea level at low latitudes, metres: 0 degree isotherm of about 4.64 km plus 0.36 km
# (ITU-R P.839-4, eq. 1). Its map goes down to 1 km and less towards the poles; one height for all is on the wet side.
RAIN_HEIGHT_M = 5000.0
# Effective radius of the Earth, of a ray bent by the lower atmosphere; metres (ITU-R P.618-14, 2.2.1.1, step 2).
EFFECTIVE_EARTH_RADIUS_M = 8.5e6
# Below this ratio no coding of DVB-S2X closes a link any more, dB (ETSI EN 302 307-2: VL-SNR, rate 1/5, spread by two).
LEAST_SNR_DB = -9.9

# ITU-R P.838-3, tables 1 to 4: terms (a, b, c), then slope m and constant c over log10 of the frequency in GHz.
_K_HORIZONTAL = (
    (
        (-5.33980, -0.10008, 1.13098),
        (-0.35351, 1.26970, 0.45400),
        (-0.23789, 0.86036, 0.15354),
        (-0.94158, 0.64552, 0.16817),
    ),
    -0.18961,
    0.71147,
)
_K_VERTICAL = (
    (
        (-3.80595, 0.56934, 0.81061),
        (-3.44965, -0.22911, 0.51059),
        (-0.39902, 0.73042, 0.11899),
        (0.50167, 1.07319, 0.27195),
    ),
    -0.16398,
    0.63297,
)
_ALPHA_HORIZONTAL = (
    (
        (-0.14318, 1.82442, -0.55187),
        (0.29591, 0.77564, 0.19822),
        (0.32177, 0.63773, 0.13164),
        (-5.37610, -0.96230, 1.47828),
        (16.1721, -3.29980, 3.43990),
    ),
    0.67849,
    -1.95537,
)
_ALPHA_VERTICAL = (
    (
        (-0.07771, 2.33840, -0.76284),
        (0.56727, 0.95545, 0.54039),
        (-0.20238, 1.14520, 0.26809),
        (-48.2991, 0.791669, 0.116226),
        (48.5833, 0.791459, 0.116479),
    ),
    -0.053739,
    0.83433,
)
_Curve = tuple[tuple[tuple[float, float, float], ...], float, float]


def linear_coefficients(frequency_hz: float) -> tuple[float, float, float, float]:
    """Return (k, alpha) of horizontal and then of vertical polarisation; ITU-R P.838-3, eq. 2 and 3.

    k in dB/km at 1 mm/h. ValueError outside the recommendation's 1 to 1000 GHz.
    """
    if not 1e9 <= frequency_hz <= 1e12:
        raise ValueError(f"frequency_hz is {frequency_hz:g}; ITU-R P.838-3 covers 1e9 to 1e12")
    decade = math.log10(frequency_hz * 1e-9)
    k_h, k_v = (10 ** _curve(curve, decade) for curve in (_K_HORIZONTAL, _K_VERTICAL))
    return k_h, _curve(_ALPHA_HORIZONTAL, decade), k_v, _curve(_ALPHA_VERTICAL, decade)


@functools.lru_cache(maxsize=16)
def circular_coefficients(frequency_hz: float) -> tuple[float, float]:
    """Return (k, alpha) of circular polarisation; ITU-R P.838-3, eq. 4 and 5 at a tilt of 45 degrees.

    At that tilt the elevation of the path drops out of both. Ka-band ground links are circular.
    """
    k_h, alpha_h, k_v, alpha_v = linear_coefficients(frequency_hz)
    return (k_h + k_v) / 2, (k_h * alpha_h + k_v * alpha_v) / (k_h + k_v)


def slant_path_m(elevation_rad: float) -> float:
    """Return how far a ray from sea level runs below the rain height, metres; ITU-R P.618-14, eq. 2.

    Its form over a curved Earth, which stays finite at the horizon and above 5 degrees is within 2 % of height / sine.
    A station's own height is left out.
    """
    sine = math.sin(elevation_rad)
    return 2 * RAIN_HEIGHT_M / (math.sqrt(sine * sine + 2 * RAIN_HEIGHT_M / EFFECTIVE_EARTH_RADIUS_M) + sine)


def rain_attenuation_db(rain_mm_per_h: float, frequency_hz: float, elevation_rad: float) -> float:
    """Return the attenuation of the whole slant path, dB, where it rains as hard all along it.

    That is widespread rain. A shower is narrower than a low path is long: give its mean over the path.
    """
    k, alpha = circular_coefficients(frequency_hz)
    specific_db_per_km: float = k * rain_mm_per_h**alpha
    return specific_db_per_km * slant_path_m(elevation_rad) / 1000


def rate_factor(rain_mm_per_h: float, frequency_hz: float, elevation_rad: float, clear_sky_snr_db: float) -> float:
    """Return what share of its clear-sky rate a ground link keeps in the rain, 0 to 1; 0: it does not close."""
    if rain_mm_per_h <= 0:
        return 1.0
    rainy_db = clear_sky_snr_db - rain_attenuation_db(rain_mm_per_h, frequency_hz, elevation_rad)
    if rainy_db < LEAST_SNR_DB:
        return 0.0
    return math.log2(1 + 10 ** (rainy_db / 10)) / math.log2(1 + 10 ** (clear_sky_snr_db / 10))


def least_elevation_sine(rain_mm_per_h: float, frequency_hz: float, clear_sky_snr_db: float) -> float:
    """Return the sine of the elevation below which rain closes a ground link; above 1: it does at any.

    `slant_path_m` turned round: of the path that attenuates as much as the link can bear.
    """
    k, alpha = circular_coefficients(frequency_hz)
    longest_m: float = 1000 * (clear_sky_snr_db - LEAST_SNR_DB) / (k * rain_mm_per_h**alpha)
    # The root in that equation, less the sine.
    rest = 2 * RAIN_HEIGHT_M / longest_m
    return (rest * rest - 2 * RAIN_HEIGHT_M / EFFECTIVE_EARTH_RADIUS_M) / (2 * rest)


def _curve(curve: _Curve, decade: float) -> float:
    terms, slope, constant = curve
    return sum(a * math.exp(-(((decade - b) / c) ** 2)) for a, b, c in terms) + slope * decade + constant
