"""Where the sun stands, without an ephemeris file.

J. Meeus, "Astronomical Algorithms", 2nd ed. (1998), chapter 25 (low accuracy; the Astronomical Almanac's page C5 has
the same terms), turned from the mean equator of date to GCRS by the precession of chapter 21. Good to 0.01 degrees and
to 1e-4 of the distance from 1950 to 2050: a fiftieth of the sun's width, a sixth of a wide-field pixel.
"""

import math

import numpy as np
from numpy.typing import NDArray

from services.geometry.time import JULIAN_DATE_1970, NS_PER_DAY

# IAU Resolution B2 of 2012.
ASTRONOMICAL_UNIT_M = 149_597_870_700.0
# Julian date of J2000.0, which series count from, and days in a Julian century.
J2000_JULIAN_DATE = 2_451_545.0
DAYS_PER_CENTURY = 36_525.0
# TT - UTC since 2017. In earlier years it was up to 37 s less, in which the sun moves by 0.0004 degrees.
TT_MINUS_UTC_DAYS = 69.184 / 86_400
# How far the Earth's motion moves the sun's place back along the ecliptic; Meeus, page 167.
ABERRATION_DEG = 0.00569
ARC_SECOND_RAD = math.pi / 648_000


def sun_direction_gcrs(unix_ns: int) -> NDArray[np.float64]:
    """Return the unit vector, (3,), from the Earth's centre to where the sun is seen, GCRS; good to 0.01 degrees.

    Seen from a satellite or the ground the direction is the same to within 0.003 degrees; for geostationary heights
    0.016.
    """
    centuries = _centuries(unix_ns)
    anomaly_rad = _mean_anomaly_rad(centuries)
    mean_longitude_deg = 280.46646 + (36_000.76983 + 0.0003032 * centuries) * centuries
    longitude = math.radians(mean_longitude_deg + _centre_deg(centuries, anomaly_rad) - ABERRATION_DEG)
    # Meeus, equation 22.2, without the terms that matter over many centuries only.
    obliquity = (84_381.448 - 46.8150 * centuries) * ARC_SECOND_RAD
    of_date = np.array(
        [
            math.cos(longitude),
            math.cos(obliquity) * math.sin(longitude),
            math.sin(obliquity) * math.sin(longitude),
        ]
    )
    direction: NDArray[np.float64] = _j2000_from_mean_equator_of_date(centuries) @ of_date
    return direction


def sun_distance_m(unix_ns: int) -> float:
    """Return the distance from the Earth's centre to the sun's; good to 1e-4 of it. Meeus, equation 25.5."""
    centuries = _centuries(unix_ns)
    anomaly_rad = _mean_anomaly_rad(centuries)
    eccentricity = 0.016708634 - (0.000042037 + 0.0000001267 * centuries) * centuries
    true_anomaly_rad = anomaly_rad + math.radians(_centre_deg(centuries, anomaly_rad))
    return ASTRONOMICAL_UNIT_M * 1.000001018 * (1 - eccentricity**2) / (1 + eccentricity * math.cos(true_anomaly_rad))


def _centuries(unix_ns: int) -> float:
    """Return Julian centuries of TT since J2000.0."""
    days = (JULIAN_DATE_1970 - J2000_JULIAN_DATE) + unix_ns / NS_PER_DAY + TT_MINUS_UTC_DAYS
    return days / DAYS_PER_CENTURY


def _mean_anomaly_rad(centuries: float) -> float:
    """Return the sun's mean anomaly; Meeus, equation 25.3."""
    return math.radians(357.52911 + (35_999.05029 - 0.0001537 * centuries) * centuries)


def _centre_deg(centuries: float, anomaly_rad: float) -> float:
    """Return the equation of the centre: true minus mean anomaly; Meeus, page 164."""
    return (
        (1.914602 - (0.004817 + 0.000014 * centuries) * centuries) * math.sin(anomaly_rad)
        + (0.019993 - 0.000101 * centuries) * math.sin(2 * anomaly_rad)
        + 0.000289 * math.sin(3 * anomaly_rad)
    )


def _j2000_from_mean_equator_of_date(centuries: float) -> NDArray[np.float64]:
    """Return the (3, 3) rotation that takes precession out; Meeus, equations 21.3 and 21.4.

    J2000's mean equator and equinox are GCRS to within 0.02 arc seconds.
    """
    t = centuries
    zeta = (2306.2181 + (0.30188 + 0.017998 * t) * t) * t * ARC_SECOND_RAD
    z = (2306.2181 + (1.09468 + 0.018203 * t) * t) * t * ARC_SECOND_RAD
    theta = (2004.3109 - (0.42665 + 0.041833 * t) * t) * t * ARC_SECOND_RAD
    cos_zeta, sin_zeta = math.cos(zeta), math.sin(zeta)
    cos_z, sin_z = math.cos(z), math.sin(z)
    cos_theta, sin_theta = math.cos(theta), math.sin(theta)
    return np.array(
        [
            [cos_zeta * cos_theta * cos_z - sin_zeta * sin_z, cos_zeta * cos_theta * sin_z + sin_zeta * cos_z,
             cos_zeta * sin_theta],
            [-sin_zeta * cos_theta * cos_z - cos_zeta * sin_z, cos_zeta * cos_z - sin_zeta * cos_theta * sin_z,
             -sin_zeta * sin_theta],
            [-sin_theta * cos_z, -sin_theta * sin_z, cos_theta],
        ]
    )  # fmt: skip
