"""Where sunlight off water dazzles a satellite: a spot that wanders over the ground as the satellite goes."""

import functools
import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from services.geometry.ellipsoid import SEMI_MAJOR_M
from services.geometry.frames import itrs_from_gcrs
from services.geometry.sun import sun_direction_gcrs

Float64 = NDArray[np.float64]

# Of the search for the mirror point, which begins with half a radian: a metre on the ground.
HALVINGS = 24
# Lower than this the sun's light no longer comes back to the satellite.
GRAZING_RAD = math.radians(88.0)
# The Earth's axes are taken anew after so long; the sun moves by 0.25 degrees a minute over the ground.
NANOSECONDS_KEPT = 10_000_000_000


@dataclass(frozen=True)
class Glint:
    """Bright patches of water round the mirror point of the sun.

    patches: mean number seen a look. spread_m: how far from the mirror point, standard deviation per axis. share: part
    of the ground that is water without cloud; elsewhere, in cells of `cell_rad`, there is no glint.
    """

    patches: float = 1.5
    spread_m: float = 15_000.0
    share: float = 0.35
    cell_rad: float = math.radians(2.0)

    def points_itrs_m(self, position_itrs_m: Float64, time_unix_ns: int, generator: np.random.Generator) -> Float64:
        """Return (n, 3) patches that dazzle a satellite at a place, (3,), ITRS; none where it is night or land."""
        at_ns = time_unix_ns // NANOSECONDS_KEPT * NANOSECONDS_KEPT
        mirror = mirror_point(position_itrs_m, _sun_itrs(at_ns))
        if mirror is None:
            return np.empty((0, 3))
        cell = np.floor(mirror / self.cell_rad).astype(np.int64) + 1000
        if _chance(*cell.tolist()) >= self.share:
            return np.empty((0, 3))
        count = int(generator.poisson(self.patches))
        points = mirror * SEMI_MAJOR_M + self.spread_m * generator.standard_normal((count, 3))
        patches: Float64 = SEMI_MAJOR_M * points / np.linalg.norm(points, axis=1)[:, None]
        return patches


@functools.lru_cache(maxsize=1)
def _sun_itrs(unix_ns: int) -> Float64:
    """Return the direction of the sun, (3,)."""
    direction: Float64 = itrs_from_gcrs(unix_ns) @ sun_direction_gcrs(unix_ns)
    return direction


@functools.lru_cache(maxsize=64)
def _chance(*cell: int) -> float:
    """Return a number from 0 to 1, always the same for a cell: water, or land and cloud."""
    return float(np.random.default_rng(cell).random())


def mirror_point(position_itrs_m: Float64, sun_itrs: Float64) -> Float64 | None:
    """Return the direction, (3,) unit, from the Earth's centre of the sphere's point that mirrors the sun; None: night.

    It lies between the satellite's own direction and the sun's, where both are equally far from the upright.
    """
    mirror = np.empty(3)
    return mirror if _mirror(position_itrs_m, sun_itrs, mirror) else None


@njit("float64(float64, float64, float64)", cache=True)
def _mirrored(distance: float, between: float, most: float) -> float:
    """Return how far, up to `most`, the mirror point is from below a satellite `between` away from the sun, rad."""
    least = 0.0
    for _ in range(HALVINGS):
        turn = (least + most) / 2
        to_satellite = math.atan2(distance * math.sin(turn), distance * math.cos(turn) - SEMI_MAJOR_M)
        if between - turn > to_satellite:
            least = turn
        else:
            most = turn
    return least


@njit("boolean(float64[::1], float64[::1], float64[::1])", cache=True)
def _mirror(position: Float64, sun: Float64, mirror: Float64) -> bool:
    """Write the direction of the mirror point, (3,); return whether there is one."""
    distance = math.sqrt(position[0] * position[0] + position[1] * position[1] + position[2] * position[2])
    cosine = (position[0] * sun[0] + position[1] * sun[1] + position[2] * sun[2]) / distance
    between = math.acos(max(-1.0, min(1.0, cosine)))
    most = math.acos(SEMI_MAJOR_M / distance)
    if between - most > GRAZING_RAD:
        return False
    least = _mirrored(distance, between, most)
    below_part, sun_part = 1.0, 0.0
    if between >= 1e-9:
        below_part, sun_part = math.sin(between - least) / math.sin(between), math.sin(least) / math.sin(between)
    for i in range(3):
        mirror[i] = below_part * position[i] / distance + sun_part * sun[i]
    return True
