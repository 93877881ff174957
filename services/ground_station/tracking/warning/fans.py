"""Areas on the ground about the place below an object, as far as engine or lift may still carry it.

Distances and directions are those on the mean sphere, 0.3 % off at most: less than a tenth of any fan's margin.
"""

import math

import numpy as np
from numpy.typing import NDArray

from services.geometry.ellipsoid import east_north_up, itrs_to_geodetic
from services.geometry.geodesic import MEAN_RADIUS_M, geodesic_inverse
from services.ground_station.tracking.forces import STANDARD_GRAVITY
from services.ground_station.tracking.warning import kernels

Float64 = NDArray[np.float64]
Corners = tuple[tuple[float, float], ...]

# From this on a heading is no heading.
HEADING_KNOWN_RAD = math.radians(30.0)
HEADING_SIGMA = 2.5
# Steering out of the plane bends the way by so much.
BEND_RAD = math.radians(8.0)
# The longest burn of intercontinental missiles, after launch: near 240 s for two stages of liquid, up to 300 s;
# D. Barton et al., "Report of the APS Study Group on Boost-Phase Intercept Systems" (2004), section 5.
LONGEST_BURN_S = 300.0
# The engine may burn on for so long even then.
LEAST_BURN_S = 20.0
# An engine that pushes less will be followed by one that pushes so hard.
LEAST_THRUST_M_PER_S2 = 20.0
# The longest range of missiles in open literature: 11,000 to 16,000 km; National Air and Space Intelligence Center,
# "Ballistic and Cruise Missile Threat" (2017), intercontinental missiles, and the same report's table 4.1.
LONGEST_RANGE_M = 16_000_000.0
# What the fall from here may come short by: drag of a body that tumbles.
SHORT = 0.85
FAN_RAYS = 9

# Best ratio of lift to drag of hypersonic gliders is 2 to 3 in open literature; 4 leaves room.
LIFT_TO_DRAG = 4.0
# A turn is flown banked by 45 degrees: half the lift squared turns, half carries.
BANKED = math.sqrt(0.5)
TURNS_RAD = np.radians(np.linspace(-120.0, 120.0, 17))
# A glider that dives may come down below where it is.
BEHIND_M = 50_000.0
FEWEST_CORNERS = 12
MOST_CORNERS = 36


def burn_fan(
    state: Float64,
    spread: Float64,
    down_itrs_m: Float64,
    thrust_m_per_s2: float,
    time_since_launch_s: float | None,
) -> Corners | None:
    """Return the fan of what burns yet; None where its heading is not known well enough.

    state: (6,) position and velocity; spread: (6, 6). down_itrs_m: where it falls if the engine stops now.
    """
    latitude, longitude, east, north = _ground(state)
    speed = math.hypot(east, north)
    axes = east_north_up(latitude, longitude)
    across = (north * axes[0] - east * axes[1]) / max(speed, 1e-9)
    sigma = math.sqrt(max(float(across @ spread[3:, 3:] @ across), 0.0)) / max(speed, 1e-9)
    if sigma > HEADING_KNOWN_RAD:
        return None
    heading = math.atan2(east, north)
    down_latitude, down_longitude, _ = (float(value) for value in itrs_to_geodetic(down_itrs_m))
    nearest, _ = geodesic_inverse(latitude, longitude, down_latitude, down_longitude)
    left_s = max(LONGEST_BURN_S - (time_since_launch_s or 0.0), LEAST_BURN_S)
    thrust = max(thrust_m_per_s2, LEAST_THRUST_M_PER_S2)
    first, last = kernels.turned_below(state, axes, heading, thrust, left_s, LONGEST_RANGE_M)
    margin = BEND_RAD + HEADING_SIGMA * sigma
    offsets = np.linspace(first - margin, last + margin, FAN_RAYS)
    rays = [(heading + offset, SHORT * nearest) for offset in offsets.tolist()]
    for offset in offsets[::-1].tolist():
        far = kernels.farthest_m(state, axes[2], -offset, thrust, left_s, LIFT_TO_DRAG)
        rays.append((heading + offset, max(min(far, LONGEST_RANGE_M), nearest)))
    return _polar(latitude, longitude, np.array(rays))


def glide_fan(state: Float64) -> Corners:
    """Return the fan of what glides, from a (6,) state: straight on, turned, or down at once."""
    latitude, longitude, east, north = _ground(state)
    radius = math.hypot(*state[:3].tolist())
    # Height counts as the speed that it can be changed into.
    speed = math.sqrt(kernels.inertial_speed(state) ** 2 + 2 * STANDARD_GRAVITY * max(radius - MEAN_RADIUS_M, 0.0))
    straight = min(kernels.glide_range_m(speed, MEAN_RADIUS_M, LIFT_TO_DRAG), LONGEST_RANGE_M)
    rays = []
    for turn in TURNS_RAD.tolist():
        left = speed * math.exp(-abs(turn) / (LIFT_TO_DRAG * BANKED))
        then = min(kernels.glide_range_m(left, MEAN_RADIUS_M, LIFT_TO_DRAG), straight)
        chord = BANKED * (straight - then) * max(float(np.sinc(turn / math.pi)), 0.0)
        rays.append((math.atan2(east, north) + turn, then + chord))
    rays.append((math.atan2(east, north) + math.pi, BEHIND_M))
    return _polar(latitude, longitude, np.array(rays))


def joined(one: Corners, other: Corners) -> Corners:
    """Return the convex hull of two areas, 12 to 36 corners; flat about one of them, in true distances."""
    points = np.array(one + other)
    latitude, longitude = points[0].tolist()
    flat = []
    for there in points.tolist():
        distance, azimuth = geodesic_inverse(latitude, longitude, *there)
        flat.append((distance * math.sin(math.radians(azimuth)), distance * math.cos(math.radians(azimuth))))
    hull = _hull(flat)
    while len(hull) > MOST_CORNERS:
        # The corner whose loss costs least area.
        sizes = [abs(_turn(hull[k - 1], hull[k], hull[(k + 1) % len(hull)])) for k in range(len(hull))]
        hull.pop(int(np.argmin(sizes)))
    while len(hull) < FEWEST_CORNERS:
        lengths = [math.dist(hull[k - 1], hull[k]) for k in range(len(hull))]
        k = int(np.argmax(lengths))
        hull.insert(k, ((hull[k - 1][0] + hull[k][0]) / 2, (hull[k - 1][1] + hull[k][1]) / 2))
    return places(latitude, longitude, np.array(hull))


def places(latitude_deg: float, longitude_deg: float, offsets_m: Float64) -> Corners:
    """Return latitude and longitude, degrees, of (n, 2) offsets east and north from a place, along great circles."""
    distance = np.hypot(offsets_m[:, 0], offsets_m[:, 1])
    return _polar(
        latitude_deg, longitude_deg, np.stack([np.arctan2(offsets_m[:, 0], offsets_m[:, 1]), distance], axis=1)
    )


def _polar(latitude_deg: float, longitude_deg: float, rays: Float64) -> Corners:
    """Return places in directions (clockwise from north, rad) and distances (m) from a place; rays: (n, 2)."""
    latitude, longitude = math.radians(latitude_deg), math.radians(longitude_deg)
    azimuth, angle = rays[:, 0], rays[:, 1] / MEAN_RADIUS_M
    sine = math.sin(latitude) * np.cos(angle) + math.cos(latitude) * np.sin(angle) * np.cos(azimuth)
    east = np.arctan2(np.sin(azimuth) * np.sin(angle) * math.cos(latitude), np.cos(angle) - math.sin(latitude) * sine)
    latitudes = np.degrees(np.arcsin(np.clip(sine, -1.0, 1.0)))
    longitudes = (np.degrees(longitude + east) + 180.0) % 360.0 - 180.0
    return tuple(zip(latitudes.tolist(), longitudes.tolist(), strict=True))


def _ground(state: Float64) -> tuple[float, float, float, float]:
    """Return latitude and longitude below a state, degrees, and its velocity east and north, m/s."""
    latitude, longitude, _ = (float(value) for value in itrs_to_geodetic(state[:3]))
    east, north, _ = (float(value) for value in east_north_up(latitude, longitude) @ state[3:])
    return latitude, longitude, east, north


def _hull(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the convex hull, anticlockwise; A. M. Andrew's monotone chain (1979)."""
    ordered = sorted(set(points))
    chains = []
    for sequence in (ordered, ordered[::-1]):
        chain: list[tuple[float, float]] = []
        for point in sequence:
            while len(chain) >= 2 and _turn(chain[-2], chain[-1], point) <= 0:
                chain.pop()
            chain.append(point)
        chains.append(chain[:-1])
    return chains[0] + chains[1]


def _turn(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    """Return twice the signed area of a triangle."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
