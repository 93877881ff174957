"""Looks of satellites with round fields of view, made of what they are to see: for the tracker and its parts."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.geometry.time import NS_PER_S
from services.ground_station.tracking.config import TrackingConfig
from services.ground_station.tracking.histories import TRACKLET_ROW
from services.ground_station.tracking.look import ConeView, Look, make_look
from services.ground_station.tracking.pool import Pool, PoolArrays
from services.ground_station.tracking.records import TRACKLET
from services.ground_station.tracking.tracklets import begin_tracklets
from tests.ground_station.tracking.sky import START_UNIX_NS
from tests.ground_station.tracking.targets import SITE_ITRS_M, Motion, Satellite, line_of_sight, noisy

Float64 = NDArray[np.float64]

HALF_ANGLE_RAD = 0.35
SIGMA_RAD = 1e-4


def cone_look(
    name: str, time_unix_ns: int, origin_itrs_m: Float64, los_itrs: Sequence[Float64], sigma_rad: float = SIGMA_RAD
) -> Look:
    """Return a look at the site; its time is its sequence number."""
    boresight = (SITE_ITRS_M - origin_itrs_m) / np.linalg.norm(SITE_ITRS_M - origin_itrs_m)
    los = np.array(los_itrs, dtype=np.float64).reshape(-1, 3)
    return make_look(
        name,
        time_unix_ns,
        time_unix_ns,
        origin_itrs_m,
        ConeView(boresight, HALF_ANGLE_RAD),
        2.0 * math.pi * (1.0 - math.cos(HALF_ANGLE_RAD)),
        4.0 * sigma_rad,
        los,
        np.full(len(los), sigma_rad),
        np.full(len(los), 10.0),
    )


def begun(looks: Sequence[Look]) -> tuple[NDArray[np.void], PoolArrays]:
    """Return the tracks of single satellites that looks at time 0 begin, one a detection, and their histories' pool."""
    pool = Pool(TRACKLET_ROW, 10.0)
    tracklets = np.zeros(sum(len(look) for look in looks), dtype=TRACKLET)
    count = 0
    for sensor, look in enumerate(looks):
        begin_tracklets(
            tracklets,
            count,
            pool.arrays,
            look.arrays,
            np.ones(len(look), dtype=np.bool_),
            0.0,
            sensor,
            look.sequence,
            count + 1,
            TrackingConfig().plane_speed_sigma_m_per_s,
        )
        count += len(look)
    return tracklets, pool.arrays


def stare(
    motions: Sequence[Motion],
    watching: Sequence[Satellite],
    times_s: Sequence[float],
    rng: np.random.Generator,
    clutter: float = 3.0,
    seen: float = 0.95,
    apart_s: float = 0.05,
) -> list[Look]:
    """Return looks of all satellites at each time, apart_s apart, in the order of their times.

    motions: positions at a time; NaN where there is nothing to see. clutter: mean points a look that are nothing.
    """
    looks = []
    for time_s in times_s:
        for number, satellite in enumerate(watching):
            at_s = time_s + apart_s * number
            origin = satellite(at_s)
            los = [
                noisy(line_of_sight(motion, origin, at_s), SIGMA_RAD, rng)
                for motion in motions
                if rng.random() < seen and np.isfinite(motion(at_s)).all()
            ]
            boresight = (SITE_ITRS_M - origin) / np.linalg.norm(SITE_ITRS_M - origin)
            los += [noisy(boresight, HALF_ANGLE_RAD / 4.0, rng) for _ in range(rng.poisson(clutter))]
            looks.append(cone_look(f"sat-{number}", START_UNIX_NS + round(at_s * NS_PER_S), origin, los))
    return looks
