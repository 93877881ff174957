"""Where the least squares of an ascent may begin: launches that a profile leads from to the first looks."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.geometry.ellipsoid import east_north_up, itrs_to_geodetic, limb_crossing
from services.ground_station.tracking.ascent import layout
from services.ground_station.tracking.ascent.kernels.flight import NODES, fly
from services.ground_station.tracking.ascent.rays import Rays

Float64 = NDArray[np.float64]

# The first looks, over which a motion with one acceleration tells place and velocity.
WINDOW_S = 25.0
# Of the lines of sight, the sine squared of the angle between the most different ones: below, they are one line.
LEAST_SPREAD = 1e-3
# A single line of sight fits any distance: headings and heights of the first look that are tried.
HEADINGS = 8
HEIGHTS_M = (100.0, 3_000.0, 8_000.0, 15_000.0, 30_000.0)
# As long as a profile is flown to see where it leads.
TABLE_S = 150.0
# Good enough for a start, m.
EARTH_M = 6.371e6


@dataclass(frozen=True)
class Motion:
    """Place and velocity (3,), ITRS, at an instant."""

    time_s: float
    position_itrs_m: Float64
    velocity_itrs_m_per_s: Float64


def first_motion(rays: Rays) -> tuple[Motion, Motion] | None:
    """Return the motion at the first look and WINDOW_S later; None where the looks come from one direction only.

    One acceleration over the window, by linear least squares; rays in order of time.
    """
    early = rays.at(rays.time_s <= rays.time_s[0] + WINDOW_S)
    if not _is_spread(early):
        return None
    start, span = float(early.time_s[0]), max(float(np.ptp(early.time_s)), 1.0)
    since = (early.time_s - start) / span
    degree = 2 if np.ptp(early.time_s) > 6.0 else 1
    powers = np.vander(since, degree + 1, increasing=True)
    across = early.across()
    distance = np.full(len(early), 1.5e6)
    found = np.zeros((degree + 1, 3))
    for _ in range(3):
        weight = 1 / (early.sigma_rad * distance)
        rows = (powers[:, None, :, None] * across[:, :, None, :]).reshape(len(early), 2, -1) * weight[:, None, None]
        right = np.einsum("nmk,nk->nm", across, early.origin_itrs_m) * weight[:, None]
        flat = np.linalg.lstsq(rows.reshape(2 * len(early), -1), right.ravel(), rcond=1e-12)[0]
        found = flat.reshape(degree + 1, 3)
        distance = np.maximum(np.linalg.norm(powers @ found - early.origin_itrs_m, axis=1), 1e3)
    velocities = found[1:] * np.arange(1, degree + 1)[:, None] / span
    last = found.sum(axis=0), velocities.sum(axis=0)
    return Motion(start, found[0], velocities[0]), Motion(start + span, *last)


def _is_spread(rays: Rays) -> bool:
    mean = rays.los_itrs.mean(axis=0)
    sideways = np.linalg.norm(np.cross(rays.los_itrs, mean / np.linalg.norm(mean)), axis=1)
    return bool((sideways**2).max() > LEAST_SPREAD and len(np.unique(rays.sensor)) > 1)


def launch_through(motions: tuple[Motion, Motion], reference: Float64, profile: Float64) -> Float64:
    """Return parameters of a launch whose profile leads through the first look; profile: (P,) as `layout`."""
    first, later = motions
    latitude, longitude, _ = (float(value) for value in itrs_to_geodetic(first.position_itrs_m))
    level = (east_north_up(latitude, longitude) @ later.velocity_itrs_m_per_s)[:2]
    return _launch(first.time_s, first.position_itrs_m, math.atan2(*level), reference, profile, flown(profile))


def launches_along(rays: Rays, reference: Float64, profile: Float64) -> list[Float64]:
    """Return parameters of launches in all directions whose profile leads through the first line of sight."""
    way, found = flown(profile), []
    for height in HEIGHTS_M:
        place = limb_crossing(rays.origin_itrs_m[0], rays.los_itrs[:1], height)[0]
        if np.isfinite(place).all():
            headings = 2 * math.pi * np.arange(HEADINGS) / HEADINGS
            first_s = float(rays.time_s[0])
            found += [_launch(first_s, place, heading, reference, profile, way) for heading in headings.tolist()]
    return found


@dataclass(frozen=True)
class Way:
    """A profile's way up: (n,) times after launch (s), heights and ways along the ground (m), as long as it rises."""

    time_s: Float64
    height_m: Float64
    along_m: Float64


def flown(profile: Float64) -> Way:
    """Return a profile's way, flown eastwards from the equator."""
    x = profile[: layout.LAUNCH_KNOTS].copy()
    x[[layout.EAST, layout.NORTH, layout.UP]] = 0.0
    x[layout.HEADING] = math.pi / 2
    tau, states, sensitivities = np.zeros(NODES), np.zeros((NODES, 6)), np.zeros((NODES, 6, len(x)))
    axes, force, slopes = np.zeros((4, 3)), np.zeros((2, 3)), np.zeros((3, len(x)))
    count = fly(x, np.zeros(2), axes, True, 0, 1.0, TABLE_S, tau, states, sensitivities, force, slopes)
    _, longitude_deg, height = itrs_to_geodetic(states[:count, :3])
    rising = int(np.argmax(np.append(np.diff(height) < 0, True))) + 1
    return Way(tau[:rising], height[:rising], np.radians(longitude_deg[:rising]) * EARTH_M)


def _launch(
    time_s: float, position_itrs_m: Float64, heading: float, reference: Float64, profile: Float64, way: Way
) -> Float64:
    """Return the parameters with which the profile leads through a place at a time on a heading."""
    latitude_deg, longitude_deg, height = (float(value) for value in itrs_to_geodetic(position_itrs_m))
    since = float(np.interp(height, way.height_m, way.time_s))
    gone = float(np.interp(since, way.time_s, way.along_m))
    start = profile.copy()
    start[layout.HEADING] = heading
    start[layout.LAUNCH_TIME] = time_s - since
    latitude, turned = math.radians(latitude_deg), math.remainder(math.radians(longitude_deg) - reference[1], math.tau)
    start[layout.EAST] = EARTH_M * math.cos(reference[0]) * turned - gone * math.sin(heading)
    start[layout.NORTH] = EARTH_M * (latitude - reference[0]) - gone * math.cos(heading)
    return start
