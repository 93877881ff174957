"""A crowd's looks laid out for the kernels: where each detection lies across its look's mean line of sight."""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from services.ground_station.tracking.ascent.rays import Rays
from services.ground_station.tracking.histories import emitted

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]


class CrowdLooks(NamedTuple):
    """L looks in order of time, with n detections.

    time_s: (L,) of presence; origin: (L, 3), ITRS axes of that instant. across: (L, 2, 3) unit vectors across the mean
    line of sight and each other. begins: (L + 1,) where each look's detections begin. aside_rad: (n, 2) a detection's
    line of sight along these vectors; sigma_rad: (n,). odds: log of the chance of being seen over that of being missed
    and over the density of clutter, per steradian.
    """

    time_s: Float64
    origin: Float64
    across: Float64
    begins: Int64
    aside_rad: Float64
    sigma_rad: Float64
    odds: float


def lay_out_looks(rays: NDArray[np.void], odds: float) -> tuple[CrowdLooks, Rays]:
    """Return the looks of rays in order of time and sensor; and their mean lines of sight, as of one object.

    The mean ones err by how far the crowd is spread.
    """
    begins = np.flatnonzero(np.append(True, (np.diff(rays["time_s"]) != 0) | (np.diff(rays["sensor"]) != 0)))
    ends = np.append(begins[1:], len(rays))
    origin, los = np.empty((len(rays), 3)), np.empty((len(rays), 3))
    _emitted_all(rays, origin, los)
    count = ends - begins
    mean = np.add.reduceat(los, begins) / count[:, None]
    mean /= np.linalg.norm(mean, axis=1)[:, None]
    off2 = float(np.sum((los - np.repeat(mean, count, axis=0)) ** 2)) / 2
    freedom = len(rays) - len(begins)
    sigma = np.sqrt(np.add.reduceat(rays["sigma_rad"] ** 2, begins) / count)
    spread = np.maximum(sigma, np.sqrt(off2 / max(freedom, 1)))
    times = rays["time_s"][begins] - rays["age_s"][begins]
    means = Rays(times, origin[begins], mean, spread / np.sqrt(count), rays["sensor"][begins].astype(np.int64))
    across = means.across()
    aside = np.einsum("nij,nj->ni", np.repeat(across, count, axis=0), los)
    return (
        CrowdLooks(
            times,
            means.origin_itrs_m,
            across,
            np.append(begins, len(rays)),
            np.ascontiguousarray(aside),
            np.ascontiguousarray(rays["sigma_rad"]),
            odds,
        ),
        means,
    )


@njit(cache=True, error_model="numpy")
def _emitted_all(rays, origin, los):
    for k in range(len(rays)):
        emitted(rays[k].origin, rays[k].age_s, origin[k])
        emitted(rays[k].los, rays[k].age_s, los[k])
