"""What the emulator's kernels are held against: slow, obvious, and written apart from them."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d
from scipy.stats import poisson

from sat_emulator.sensor.fixed_pattern import FixedPattern
from sat_emulator.sensor.radiometry import Radiometer
from services.geometry.ellipsoid import SEMI_MAJOR_M, SEMI_MINOR_M

Float64 = NDArray[np.float64]
UInt64 = NDArray[np.uint64]

WORD = 0xFFFFFFFF
AXES_M = np.array([SEMI_MAJOR_M, SEMI_MAJOR_M, SEMI_MINOR_M])
# The radius of the sphere to which the ellipsoid is scaled, for heights: (2 a + b) / 3.
MEAN_RADIUS_M = (2 * SEMI_MAJOR_M + SEMI_MINOR_M) / 3


def philox(counter: Any, key: Any) -> list[UInt64]:
    """Return the four words of Philox 4x32-10 for counters (four broadcastable arrays) and a key of two numbers."""
    c = [np.asarray(word, dtype=np.uint64) for word in counter]
    k0, k1 = (int(word) for word in key)
    for _ in range(10):
        left, right = np.uint64(0xD2511F53) * c[0], np.uint64(0xCD9E8D57) * c[2]
        low = [product & np.uint64(WORD) for product in (left, right)]
        high = [product >> np.uint64(32) for product in (left, right)]
        c = [high[1] ^ c[1] ^ np.uint64(k0), low[1], high[0] ^ c[3] ^ np.uint64(k1), low[0]]
        k0, k1 = (k0 + 0x9E3779B9) & WORD, (k1 + 0xBB67AE85) & WORD
    return c


def normals(counter: Any, key: Any) -> list[Float64]:
    """Return four standard normal numbers of each counter by Box and Muller's formula in double precision."""
    words = [word.astype(np.float64) for word in philox(counter, key)]
    numbers = []
    for first, second in ((words[0], words[1]), (words[2], words[3])):
        radius = np.sqrt(-2 * np.log((first + 0.5) / 2**32))
        angle = 2 * np.pi * second / 2**32
        numbers += [radius * np.sin(angle), radius * np.cos(angle)]
    return numbers


def normals_of_frame(rows: int, columns: int, key: Any, sequence: int) -> Float64:
    """Return the normal number of each pixel: a quarter of each row has its counters' first numbers, and so on."""
    quarter = -(-columns // 4)
    row, place = np.mgrid[0:rows, 0:quarter]
    return np.concatenate(normals((place, row, sequence, 0), key), axis=1)[:, :columns]


def residues(pattern: FixedPattern) -> tuple[Float64, Float64]:
    """Return the residue of gain (1) and of offset (electrons) of each pixel."""
    two_bytes = pattern.residue.copy().view(np.int8).reshape(*pattern.residue.shape, 2)
    gain, offset = two_bytes[..., 0].astype(np.float64), two_bytes[..., 1].astype(np.float64)
    return gain * pattern.gain_step, offset * pattern.offset_step_e


def expected_counts(photo_e: Any, radiometer: Radiometer, pattern: FixedPattern) -> Float64:
    """Return the counts, not rounded, that pixels have in the mean below saturation."""
    gain, offset = residues(pattern)
    electrons = np.asarray(photo_e, dtype=np.float64) * (1 + gain) + radiometer.dark_e + offset
    counts: Float64 = electrons / radiometer.electrons_per_count + radiometer.offset_counts
    return counts


def digitise(photo_e: Any, radiometer: Radiometer, pattern: FixedPattern, key: Any, sequence: int) -> Float64:
    """Return counts before rounding; what they are at dead and hot pixels is in `photo_e` already."""
    gain, offset = residues(pattern)
    rows, columns = gain.shape
    mean = np.asarray(photo_e, dtype=np.float64) * (1 + gain) + radiometer.dark_e
    z = normals_of_frame(rows, columns, key, sequence)
    positive, read = np.maximum(mean, 0.0), radiometer.read_noise_e
    variance = positive + read**2
    # Poisson's third moment is its mean; Cornish and Fisher's first term gives the sum of both noises that skewness.
    skewness = positive / np.maximum(variance, 1e-12) ** 1.5
    many = mean + np.sqrt(variance) * (z + skewness / 6 * (z**2 - 1))
    row, column = np.mgrid[0:rows, 0:columns]
    even = (philox((column, row, sequence, 1), key)[0].astype(np.float64) + 0.5) / 2**32
    few = poisson.ppf(even, positive) + read * z
    electrons = np.minimum(np.where(mean < 50, few, many), radiometer.full_well_e)
    counts = (electrons + offset) / radiometer.electrons_per_count + radiometer.offset_counts
    return np.clip(counts, 0, radiometer.full_scale_counts)


def blur_to_electrons(radiance: Any, taps: Any, per_radiance: float) -> Float64:
    """Return mean photoelectrons; scipy's correlation in double precision."""
    blurred = radiance.astype(float)
    for axis in (0, 1):
        blurred = correlate1d(blurred, taps.astype(float), axis=axis, mode="nearest")
    mean: Float64 = blurred * per_radiance
    return mean


def meet_shell(position_itrs_m: Any, los_itrs: Any, height_m: float = 0.0) -> Float64 | None:
    """Return where a line of sight first meets the ellipsoid whose axes are all longer by the same share; or None.

    The share is height over mean radius. By bisection between the nearest point and the satellite, in metres.
    """
    axes = AXES_M * (1 + height_m / MEAN_RADIUS_M)
    position, los = np.asarray(position_itrs_m, float), np.asarray(los_itrs, float)

    def outside(distance_m: float) -> float:
        return float((((position + distance_m * los) / axes) ** 2).sum()) - 1

    # The nearest point is where the derivative along the ray vanishes.
    nearest_m = -float((position * los / axes**2).sum()) / float((los**2 / axes**2).sum())
    if not nearest_m > 0 or outside(nearest_m) > 0:
        return None
    near, far = 0.0, nearest_m
    for _ in range(80):
        middle = (near + far) / 2
        if outside(middle) > 0:
            near = middle
        else:
            far = middle
    return position + far * los


def on_map(area_itrs_m: Any, point_itrs_m: Any) -> tuple[float, float]:
    """Return north and east, metres, of a point from the area's by Lambert's equal-area projection.

    On the sphere to which the ellipsoid is scaled; from the angle and the bearing between the two, the latter by
    spherical trigonometry (J. P. Snyder, "Map projections - a working manual", USGS PP 1395 (1987), p. 185).
    """
    (lat0, lon0), (lat, lon) = (_spherical(np.asarray(each, float) / AXES_M) for each in (area_itrs_m, point_itrs_m))
    east = math.cos(lat) * math.sin(lon - lon0)
    north = math.cos(lat0) * math.sin(lat) - math.sin(lat0) * math.cos(lat) * math.cos(lon - lon0)
    cosine = math.sin(lat0) * math.sin(lat) + math.cos(lat0) * math.cos(lat) * math.cos(lon - lon0)
    angle = math.atan2(math.hypot(east, north), cosine)
    bearing, far_m = math.atan2(east, north), 2 * MEAN_RADIUS_M * math.sin(angle / 2)
    return far_m * math.cos(bearing), far_m * math.sin(bearing)


def _spherical(vector: Float64) -> tuple[float, float]:
    x, y, z = vector.tolist()
    return math.atan2(z, math.hypot(x, y)), math.atan2(y, x)


def lowest_height_m(position_itrs_m: Any, los_itrs: Any) -> float:
    """Return the height of a ray's lowest point, on the scaled sphere, by trying places along it."""
    start, ray = np.asarray(position_itrs_m, float) / AXES_M, np.asarray(los_itrs, float) / AXES_M
    middle, half = float(np.linalg.norm(position_itrs_m)), 2 * float(np.linalg.norm(position_itrs_m))
    for _ in range(40):
        along = middle + half * np.linspace(-1, 1, 21)
        radii = np.linalg.norm(start + along[:, None] * ray, axis=1)
        middle, half = float(along[radii.argmin()]), half / 8
    return (float(radii.min()) - 1) * MEAN_RADIUS_M
