"""A made-up sky that runs every kernel once, so that all are compiled before the first real look.

Numba compiles a function when it is first called, and keeps the result on the disk. The first station on a fresh
machine would otherwise stand still for minutes in mid-launch.
"""

import math

import numpy as np
from numpy.typing import NDArray

from services.geometry.camera import Camera
from services.geometry.ellipsoid import east_north_up, geodetic_to_itrs
from services.geometry.time import NS_PER_S
from services.ground_station.tracking.config import TrackingConfig
from services.ground_station.tracking.look import CameraView, ConeView, Look, make_look
from services.ground_station.tracking.tracker import EPOCH_UNIX_NS, Tracker
from services.ground_station.tracking.warning.reach import reach

Float64 = NDArray[np.float64]

# A site on the equator, satellites about it; two rockets near each other and a fire.
SITE_ITRS_M = geodetic_to_itrs(0.0, 10.0, 0.0)
EAST, NORTH, UP = east_north_up(0.0, 10.0)
SATELLITES = ((-8e5, -6e5), (8e5, -5e5), (-5e5, 8e5), (6e5, 7e5))
SATELLITE_HEIGHT_M = 1.1e6
SATELLITE_M_PER_S = 7000.0
RISE_M_PER_S2 = 20.0
APART_M = 400.0
SIGMA_RAD = 1e-4
LASTS_S = 24
PIXEL_RAD = 1e-3


def rehearse(*, crowd: bool = True) -> int:
    """Track the made-up sky; return how many objects were shown to move: two, without the crowd one.

    Kernels that untangle crowds take ten megabytes in memory: who wants them only when they are needed leaves them out.
    """
    moving: set[str] = set()
    tracker = Tracker(TrackingConfig(), "rehearsal")
    for second in range(1, LASTS_S):
        for number in range(len(SATELLITES)):
            changed = tracker.update_look(_look(float(second), number, crowd))
            moving.update(each.track_id for each in changed if each.moving and each.kinematic is not None)
            for each in changed:
                if each.moving and each.kinematic is not None:
                    state = each.kinematic
                    reach(state.position_itrs_m, state.velocity_itrs_m_per_s, state.covariance, each.class_probability)
    return len(moving)


def origin_itrs_m(time_s: float, number: int) -> Float64:
    """Return where a satellite is, (3,), ITRS, metres."""
    east_m, north_m = SATELLITES[number]
    along_m = east_m + SATELLITE_M_PER_S * time_s
    position: Float64 = SITE_ITRS_M + along_m * EAST + north_m * NORTH + SATELLITE_HEIGHT_M * UP
    return position


def rockets_itrs_m(time_s: float) -> Float64:
    """Return where the two rockets are, (2, 3), ITRS, metres."""
    risen_m = RISE_M_PER_S2 * time_s**2 / 2
    first = SITE_ITRS_M + risen_m * UP + risen_m / 4 * EAST
    return np.array([first, first + APART_M * NORTH])


def _look(time_s: float, number: int, crowd: bool) -> Look:
    """Return a satellite's look; the last one's has a camera, the others' a round field of view."""
    position = origin_itrs_m(time_s, number)
    first, second = rockets_itrs_m(time_s)
    sources = np.array([first, SITE_ITRS_M + 5e4 * NORTH, *([second] if crowd else [])])
    los = sources - position
    los += np.random.default_rng([round(time_s), number]).normal(0.0, SIGMA_RAD, los.shape) * 1e6
    los /= np.linalg.norm(los, axis=1)[:, None]
    boresight = (SITE_ITRS_M - position) / np.linalg.norm(SITE_ITRS_M - position)
    time_unix_ns = EPOCH_UNIX_NS + round(time_s * NS_PER_S)
    view: ConeView | CameraView = ConeView(boresight, 0.6)
    if number == len(SATELLITES) - 1:
        across = np.cross(boresight, NORTH)
        across /= np.linalg.norm(across)
        axes = np.array([across, np.cross(boresight, across), boresight])
        view = CameraView(axes, Camera("equidistant", 1 / PIXEL_RAD, 599.5, 599.5), 1200, 1200)
    return make_look(
        f"rehearsal-{number}",
        time_unix_ns,
        time_unix_ns,
        position,
        view,
        2 * math.pi * (1 - math.cos(0.6)),
        PIXEL_RAD,
        los,
        np.full(len(los), SIGMA_RAD),
        np.full(len(los), 20.0),
        intensity_w_per_sr=np.full(len(los), 1e5),
    )


if __name__ == "__main__":
    rehearse()
