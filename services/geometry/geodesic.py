"""Distances and directions along the WGS 84 ellipsoid.

T. Vincenty, "Direct and inverse solutions of geodesics on the ellipsoid with application of nested equations",
Survey Review 176 (1975) 88. Good to a millimetre; points nearly opposite each other on the Earth, where the inverse
does not settle, get the great circle of the mean sphere instead (0.5 % in distance).
"""

import math

from services.geometry.ellipsoid import FLATTENING, SECOND_ECCENTRICITY_SQUARED, SEMI_MAJOR_M, SEMI_MINOR_M

MEAN_RADIUS_M = (2 * SEMI_MAJOR_M + SEMI_MINOR_M) / 3
SETTLED_RAD = 1e-12
MOST_STEPS = 100


def geodesic_distance_m(
    latitude1_deg: float, longitude1_deg: float, latitude2_deg: float, longitude2_deg: float
) -> float:
    """Return the length of the shortest way over the ellipsoid."""
    return geodesic_inverse(latitude1_deg, longitude1_deg, latitude2_deg, longitude2_deg)[0]


def geodesic_azimuth_deg(
    latitude1_deg: float, longitude1_deg: float, latitude2_deg: float, longitude2_deg: float
) -> float:
    """Return the direction at the first point towards the second, clockwise from north, in [0, 360)."""
    return geodesic_inverse(latitude1_deg, longitude1_deg, latitude2_deg, longitude2_deg)[1]


def geodesic_inverse(
    latitude1_deg: float, longitude1_deg: float, latitude2_deg: float, longitude2_deg: float
) -> tuple[float, float]:
    """Return (distance_m, azimuth_deg at the first point); azimuth 0 where the points are one."""
    sin_u1, cos_u1 = _reduced(latitude1_deg)
    sin_u2, cos_u2 = _reduced(latitude2_deg)
    difference = math.radians((longitude2_deg - longitude1_deg + 180.0) % 360.0 - 180.0)
    longitude = difference
    for _ in range(MOST_STEPS):
        sin_l, cos_l = math.sin(longitude), math.cos(longitude)
        east, north = cos_u2 * sin_l, cos_u1 * sin_u2 - sin_u1 * cos_u2 * cos_l
        sin_sigma = math.hypot(east, north)
        cos_sigma = sin_u1 * sin_u2 + cos_u1 * cos_u2 * cos_l
        if sin_sigma == 0:
            # One point, or the two ends of an axis.
            break
        sigma = math.atan2(sin_sigma, cos_sigma)
        sin_alpha = cos_u1 * cos_u2 * sin_l / sin_sigma
        cos2_alpha = 1 - sin_alpha * sin_alpha
        # Both points on the equator: the term that this divides is zero there.
        cos_2m = cos_sigma - 2 * sin_u1 * sin_u2 / cos2_alpha if cos2_alpha > 1e-15 else 0.0
        c = FLATTENING / 16 * cos2_alpha * (4 + FLATTENING * (4 - 3 * cos2_alpha))
        series = sigma + c * sin_sigma * (cos_2m + c * cos_sigma * (2 * cos_2m * cos_2m - 1))
        before, longitude = longitude, difference + (1 - c) * FLATTENING * sin_alpha * series
        if abs(longitude) > math.pi:
            break
        if abs(longitude - before) < SETTLED_RAD:
            a, delta = _series(cos2_alpha, sigma, cos_2m)
            return SEMI_MINOR_M * a * (sigma - delta), math.degrees(math.atan2(east, north)) % 360.0
    return _on_sphere(latitude1_deg, latitude2_deg, difference)


def geodesic_destination(
    latitude_deg: float, longitude_deg: float, azimuth_deg: float, distance_m: float
) -> tuple[float, float]:
    """Return (latitude_deg, longitude_deg in [-180, 180)) reached from a point in a direction over a distance."""
    sin_u, cos_u = _reduced(latitude_deg)
    sin_azimuth, cos_azimuth = math.sin(math.radians(azimuth_deg)), math.cos(math.radians(azimuth_deg))
    sigma1 = math.atan2(sin_u, cos_u * cos_azimuth)
    sin_alpha = cos_u * sin_azimuth
    cos2_alpha = 1 - sin_alpha * sin_alpha
    sigma = start = 0.0
    for step in range(MOST_STEPS):
        cos_2m = math.cos(2 * sigma1 + sigma)
        a, delta = _series(cos2_alpha, sigma, cos_2m)
        if step == 0:
            start = distance_m / (SEMI_MINOR_M * a)
            delta = 0.0
        before, sigma = sigma, start + delta
        if step > 0 and abs(sigma - before) < SETTLED_RAD:
            break
    sin_sigma, cos_sigma, cos_2m = math.sin(sigma), math.cos(sigma), math.cos(2 * sigma1 + sigma)
    along = sin_u * sin_sigma - cos_u * cos_sigma * cos_azimuth
    latitude = math.atan2(
        sin_u * cos_sigma + cos_u * sin_sigma * cos_azimuth, (1 - FLATTENING) * math.hypot(sin_alpha, along)
    )
    on_sphere = math.atan2(sin_sigma * sin_azimuth, cos_u * cos_sigma - sin_u * sin_sigma * cos_azimuth)
    c = FLATTENING / 16 * cos2_alpha * (4 + FLATTENING * (4 - 3 * cos2_alpha))
    series = sigma + c * sin_sigma * (cos_2m + c * cos_sigma * (2 * cos_2m * cos_2m - 1))
    longitude = longitude_deg + math.degrees(on_sphere - (1 - c) * FLATTENING * sin_alpha * series)
    return math.degrees(latitude), (longitude + 180.0) % 360.0 - 180.0


def _reduced(latitude_deg: float) -> tuple[float, float]:
    """Return sine and cosine of the reduced latitude."""
    reduced = math.atan2((1 - FLATTENING) * math.sin(math.radians(latitude_deg)), math.cos(math.radians(latitude_deg)))
    return math.sin(reduced), math.cos(reduced)


def _series(cos2_alpha: float, sigma: float, cos_2m: float) -> tuple[float, float]:
    """Return Vincenty's A and delta sigma, equations 3, 4 and 6."""
    u2 = cos2_alpha * SECOND_ECCENTRICITY_SQUARED
    a = 1 + u2 / 16384 * (4096 + u2 * (-768 + u2 * (320 - 175 * u2)))
    b = u2 / 1024 * (256 + u2 * (-128 + u2 * (74 - 47 * u2)))
    sin_sigma, cos_sigma = math.sin(sigma), math.cos(sigma)
    inner = cos_sigma * (2 * cos_2m**2 - 1) - b / 6 * cos_2m * (4 * sin_sigma**2 - 3) * (4 * cos_2m**2 - 3)
    return a, b * sin_sigma * (cos_2m + b / 4 * inner)


def _on_sphere(latitude1_deg: float, latitude2_deg: float, longitude_difference_rad: float) -> tuple[float, float]:
    """Return (distance_m, azimuth_deg) on the mean sphere; also serves one point with itself."""
    sin1, cos1 = math.sin(math.radians(latitude1_deg)), math.cos(math.radians(latitude1_deg))
    sin2, cos2 = math.sin(math.radians(latitude2_deg)), math.cos(math.radians(latitude2_deg))
    east = cos2 * math.sin(longitude_difference_rad)
    north = cos1 * sin2 - sin1 * cos2 * math.cos(longitude_difference_rad)
    angle = math.atan2(math.hypot(east, north), sin1 * sin2 + cos1 * cos2 * math.cos(longitude_difference_rad))
    return MEAN_RADIUS_M * angle, math.degrees(math.atan2(east, north)) % 360.0
