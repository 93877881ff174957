"""Where satellites are between two anchors, how long light takes over each link, and which gateways see whom.

All places are TEME, metres. The ellipsoid is the same in every frame whose z is the Earth's axis. Rows of NaN, of a
satellite that has no position, fail every comparison and so have no link.
"""

import math

from numba import njit

from services.relay.network.light import LIGHT_M_PER_S


@njit(
    "void(float64[:,::1], float64[:,::1], float64[:,::1], float64[:,::1], float64, float64, float64[:,::1])",
    cache=True,
    nogil=True,
    error_model="numpy",
)
def places_between(before, before_speed, after, after_speed, part, span_s, places):
    """Fill places (n, 3) at a part of the span between two anchors: the cubic through both states.

    before, before_speed, after, after_speed: (n, 3) positions, m, and velocities, m/s, at its two ends.
    """
    rest = 1.0 - part
    a, c = rest * rest * (1.0 + 2.0 * part), part * part * (3.0 - 2.0 * part)
    b, d = part * rest * rest * span_s, -part * part * rest * span_s
    # Flat, so that the loop runs over whole vector registers.
    count = before.size
    p, u = before.reshape(count), before_speed.reshape(count)
    q, v = after.reshape(count), after_speed.reshape(count)
    filled = places.reshape(count)
    for i in range(count):
        filled[i] = a * p[i] + b * u[i] + c * q[i] + d * v[i]


@njit(
    "void(float64[:,::1], float64[:,::1], float64[:,::1], float64[:,::1], int32[::1], float64, float64,float64[:,::1])",
    cache=True,
    nogil=True,
    error_model="numpy",
)
def some_places_between(before, before_speed, after, after_speed, nodes, part, span_s, places):
    """Fill places (k, 3) of some satellites, as `places_between` would."""
    rest = 1.0 - part
    a, c = rest * rest * (1.0 + 2.0 * part), part * part * (3.0 - 2.0 * part)
    b, d = part * rest * rest * span_s, -part * part * rest * span_s
    for k in range(nodes.size):
        i = nodes[k]
        for axis in range(3):
            places[k, axis] = (
                a * before[i, axis] + b * before_speed[i, axis] + c * after[i, axis] + d * after_speed[i, axis]
            )


@njit("boolean(float64[:,::1], int64, int64, float64, float64, float64)", cache=True, nogil=True, error_model="numpy")
def _in_sight(places, i, j, squared_range, across, along):
    """Return whether a link is short enough and its line stays out of the ellipsoid that the scales make a unit sphere.

    across, along: squares of the scales across and along the axis. No root and no division: the line's distance from
    the centre, squared, is |a|^2 - (a.s)^2 / |s|^2 with its step s, where its nearest point lies between the ends.
    """
    ax, ay, az = places[i, 0], places[i, 1], places[i, 2]
    bx, by, bz = places[j, 0], places[j, 1], places[j, 2]
    sx, sy, sz = bx - ax, by - ay, bz - az
    flat, high = sx * sx + sy * sy, sz * sz
    if not flat + high <= squared_range:
        return False
    start = (ax * ax + ay * ay) * across + az * az * along
    if not (start > 1.0 and (bx * bx + by * by) * across + bz * bz * along > 1.0):
        return False
    step = flat * across + high * along
    inward = -((ax * sx + ay * sy) * across + az * sz * along)
    # Not between the ends: the nearer end is the nearest point.
    if inward <= 0.0 or inward >= step:
        return True
    return (start - 1.0) * step > inward * inward


@njit(
    "float64(float64[:,::1], float64[:,::1], int32[:,::1], float64, float64, float64, float64[::1])",
    cache=True,
    nogil=True,
    error_model="numpy",
)
def link_delays(places, earlier, links, range_m, across_per_m, along_per_m, delays_s):
    """Fill light times (m,) of links that are in sight now and were earlier; inf: not so. Return the longest, metres.

    places, earlier: (n, 3) at the two instants. links: (m, 2) rows of them.
    across_per_m, along_per_m: scales that make the grown ellipsoid a unit sphere.
    """
    squared, across, along = range_m * range_m, across_per_m * across_per_m, along_per_m * along_per_m
    longest = 0.0
    for k in range(links.shape[0]):
        i, j = links[k, 0], links[k, 1]
        if _in_sight(places, i, j, squared, across, along) and _in_sight(earlier, i, j, squared, across, along):
            x, y, z = places[j, 0] - places[i, 0], places[j, 1] - places[i, 1], places[j, 2] - places[i, 2]
            apart = x * x + y * y + z * z
            longest = max(longest, apart)
            delays_s[k] = math.sqrt(apart) / LIGHT_M_PER_S
        else:
            delays_s[k] = math.inf
    return math.sqrt(longest)


@njit(
    "void(float64[:,::1], int64, float64, float64, float64, boolean[::1])",
    cache=True,
    nogil=True,
    error_model="numpy",
)
def in_sight_of(places, node, range_m, across_per_m, along_per_m, seen):
    """Clear the mask seen (r,) of the first r rows of `places` wherever one of its rows has no link to them."""
    squared, across, along = range_m * range_m, across_per_m * across_per_m, along_per_m * along_per_m
    for i in range(seen.size):
        if seen[i]:
            seen[i] = i != node and _in_sight(places, node, i, squared, across, along)


@njit(
    "int64(float64[:,::1], int64, float64[:,::1], float64[:,::1], float64, int32[::1], int32[::1], float64[::1])",
    cache=True,
    nogil=True,
    error_model="numpy",
)
def ground_links(places, count, sites, ups, least_sine, relays, gateways, distances_m):
    """Fill pairs of a satellite and a gateway that sees it above its mask; return how many.

    places: (n, 3), of which the first `count` are relay satellites. sites, ups: (g, 3) gateways and their verticals.
    least_sine: of the mask's elevation, not negative. relays, gateways, distances_m: room for count x g pairs.
    """
    squared = least_sine * least_sine
    pairs = 0
    for g in range(sites.shape[0]):
        x, y, z = sites[g, 0], sites[g, 1], sites[g, 2]
        ux, uy, uz = ups[g, 0], ups[g, 1], ups[g, 2]
        ground = x * ux + y * uy + z * uz
        for i in range(count):
            above = places[i, 0] * ux + places[i, 1] * uy + places[i, 2] * uz - ground
            # Nineteen of twenty are below the horizon.
            if above >= 0.0:
                dx, dy, dz = places[i, 0] - x, places[i, 1] - y, places[i, 2] - z
                apart = dx * dx + dy * dy + dz * dz
                if above * above >= squared * apart:
                    relays[pairs], gateways[pairs], distances_m[pairs] = i, g, math.sqrt(apart)
                    pairs += 1
    return pairs
