"""The WGS 84 ellipsoid: places, lines of sight that meet it, and lines that must clear it.

NIMA TR8350.2, third edition, table 3.1. No terrain, no refraction. Positions are ITRS, metres, (3,) or (..., 3);
latitudes and longitudes are geodetic, degrees; the frame of results follows their names.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float64 = NDArray[np.float64]

SEMI_MAJOR_M = 6_378_137.0
FLATTENING = 1 / 298.257223563
SEMI_MINOR_M = SEMI_MAJOR_M * (1 - FLATTENING)
ECCENTRICITY_SQUARED = FLATTENING * (2 - FLATTENING)
SECOND_ECCENTRICITY_SQUARED = ECCENTRICITY_SQUARED / (1 - ECCENTRICITY_SQUARED)
# Bowring's step is good to a nanometre near the ground; two more serve to geostationary heights and down to 5,000 km.
BOWRING_STEPS = 3


def geodetic_to_itrs(latitude_deg: ArrayLike, longitude_deg: ArrayLike, height_m: ArrayLike = 0.0) -> Float64:
    """Return positions (..., 3), metres; the three arguments broadcast."""
    latitude, longitude, height = np.broadcast_arrays(
        np.radians(np.asarray(latitude_deg, dtype=np.float64)),
        np.radians(np.asarray(longitude_deg, dtype=np.float64)),
        np.asarray(height_m, dtype=np.float64),
    )
    sine, cosine = np.sin(latitude), np.cos(latitude)
    normal = SEMI_MAJOR_M / np.sqrt(1 - ECCENTRICITY_SQUARED * sine * sine)
    position = np.empty((*latitude.shape, 3))
    position[..., 0] = (normal + height) * cosine * np.cos(longitude)
    position[..., 1] = (normal + height) * cosine * np.sin(longitude)
    position[..., 2] = (normal * (1 - ECCENTRICITY_SQUARED) + height) * sine
    return position


def itrs_to_geodetic(position_itrs_m: ArrayLike) -> tuple[Float64, Float64, Float64]:
    """Return (latitude_deg, longitude_deg, height_m), each of the shape of `position` without its last axis.

    Longitude in [-180, 180). Good to a micrometre from 5,000 km under the ground to 100,000 km above; the Earth's
    centre has no latitude, and what comes back for it means nothing. After B. R. Bowring, "Transformation from
    spatial to geographical coordinates", Survey Review 181 (1976) 323.
    """
    position = np.asarray(position_itrs_m, dtype=np.float64)
    x, y, z = position[..., 0], position[..., 1], position[..., 2]
    across = np.hypot(x, y)
    # Reduced latitude, first as if on a sphere.
    tangent_sine, tangent_cosine = z * SEMI_MAJOR_M, across * SEMI_MINOR_M
    latitude = np.zeros_like(across)
    for _ in range(BOWRING_STEPS):
        length = np.hypot(tangent_sine, tangent_cosine)
        with np.errstate(invalid="ignore", divide="ignore"):
            sine, cosine = tangent_sine / length, tangent_cosine / length
        latitude = np.arctan2(
            z + SECOND_ECCENTRICITY_SQUARED * SEMI_MINOR_M * sine**3,
            across - ECCENTRICITY_SQUARED * SEMI_MAJOR_M * cosine**3,
        )
        tangent_sine, tangent_cosine = (1 - FLATTENING) * np.sin(latitude), np.cos(latitude)
    sine = np.sin(latitude)
    # This form of the height loses no digits at the poles.
    height = across * np.cos(latitude) + z * sine - SEMI_MAJOR_M * np.sqrt(1 - ECCENTRICITY_SQUARED * sine * sine)
    longitude = np.degrees(np.arctan2(y, x))
    return np.degrees(latitude), np.where(longitude >= 180.0, longitude - 360.0, longitude), height


def east_north_up(latitude_deg: float, longitude_deg: float) -> Float64:
    """Return the (3, 3) rotation whose rows are east, north and up at a place, in ITRS: local = rotation @ itrs."""
    latitude, longitude = math.radians(latitude_deg), math.radians(longitude_deg)
    sin_lat, cos_lat, sin_lon, cos_lon = (
        math.sin(latitude),
        math.cos(latitude),
        math.sin(longitude),
        math.cos(longitude),
    )
    return np.array(
        [
            [-sin_lon, cos_lon, 0.0],
            [-sin_lat * cos_lon, -sin_lat * sin_lon, cos_lat],
            [cos_lat * cos_lon, cos_lat * sin_lon, sin_lat],
        ]
    )


def limb_crossing(position_itrs_m: ArrayLike, los_itrs: ArrayLike, height_m: float = 0.0) -> Float64:
    """Return where each line of sight first meets the ellipsoid, grown by `height_m` on its axes.

    position_itrs_m: (3,) or (n, 3), outside the ellipsoid.
    los_itrs: (n, 3) unit vectors away from there.

    Returns (n, 3) points in metres; rows of NaN where the ray misses Earth or starts inside it.

    After `surfpt` in the SPICE Toolkit.
    """
    los = np.atleast_2d(np.asarray(los_itrs, dtype=np.float64))
    position = np.broadcast_to(np.asarray(position_itrs_m, dtype=np.float64), los.shape)
    scale = _scale_to_sphere(height_m)
    start, direction = position * scale, los * scale
    a = np.einsum("ij,ij->i", direction, direction)
    half_b = np.einsum("ij,ij->i", start, direction)
    c = np.einsum("ij,ij->i", start, start) - 1.0
    discriminant = half_b * half_b - a * c
    # The nearer root in the form that does not subtract two near-equal numbers.
    with np.errstate(invalid="ignore", divide="ignore"):
        distance = c / (np.sqrt(discriminant) - half_b)
        hit = (discriminant >= 0) & (half_b < 0) & (c >= 0)
    crossing: Float64 = position + np.where(hit, distance, np.nan)[:, None] * los
    return crossing


def elevation_rad(site_itrs_m: ArrayLike, target_itrs_m: ArrayLike) -> Float64:
    """Return the angle of targets above the horizon of sites (plane across the ellipsoid's normal); they broadcast."""
    site = np.asarray(site_itrs_m, dtype=np.float64)
    to_target = np.asarray(target_itrs_m, dtype=np.float64) - site
    latitude_deg, longitude_deg, _ = itrs_to_geodetic(site)
    latitude, longitude = np.radians(latitude_deg), np.radians(longitude_deg)
    up = np.stack([np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)], -1)
    above = np.sum(to_target * up, axis=-1)
    along = np.linalg.norm(to_target - above[..., None] * up, axis=-1)
    elevation: Float64 = np.arctan2(above, along)
    return elevation


def line_clears_earth(a_itrs_m: ArrayLike, b_itrs_m: ArrayLike, grazing_height_m: float = 0.0) -> NDArray[np.bool_]:
    """Return whether the straight line from a to b stays above a height; (..., 3) each, they broadcast.

    The ellipsoid is grown by the height on its axes, which differs from the true parallel surface by less than 0.3 %
    of the height. False where a coordinate is NaN. An end on the ground touches: give ground links an elevation mask.
    """
    scale = _scale_to_sphere(grazing_height_m)
    a = np.asarray(a_itrs_m, dtype=np.float64) * scale
    b = np.asarray(b_itrs_m, dtype=np.float64) * scale
    step = b - a
    length_squared = np.sum(step * step, axis=-1)
    # Where along the line it comes nearest to the centre.
    with np.errstate(invalid="ignore", divide="ignore"):
        along = np.where(length_squared > 0, -np.sum(a * step, axis=-1) / length_squared, 0.0)
    nearest = a + np.clip(along, 0.0, 1.0)[..., None] * step
    clears: NDArray[np.bool_] = np.sum(nearest * nearest, axis=-1) > 1.0
    return clears


def _scale_to_sphere(height_m: float) -> Float64:
    """Return factors that make the grown ellipsoid a unit sphere."""
    return 1.0 / np.array([SEMI_MAJOR_M + height_m, SEMI_MAJOR_M + height_m, SEMI_MINOR_M + height_m])
