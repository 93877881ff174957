"""What one line of sight meets."""

import math

import numba

from sat_emulator.scene.earth.kernels.layout import (
    AIR,
    C_OWN,
    C_THROUGH,
    CLOUD_EAST,
    CLOUD_MEAN,
    CLOUD_NORTH,
    CLOUD_SLOPE,
    COSINE,
    DISTANCE,
    EAST,
    G_OWN,
    G_THROUGH,
    GROUND,
    HIDDEN,
    KIND,
    LAND,
    LAND_EMITTED,
    LAND_EMITTED_SLOPE,
    LAND_MEAN,
    LAND_SLOPE,
    LEAST_COSINE,
    LOWEST,
    NORTH,
    S_CLOUD_EMITTED,
    S_CLOUD_LIT,
    S_CLOUD_SLOPE,
    S_CLOUD_TOP,
    S_COARSE_TEXEL,
    S_LAND_LIT,
    S_RADIUS,
    S_REFLECTANCE_SIGMA,
    S_SEA_EMITTED,
    S_SEA_SLOPE,
    S_SLOPE_VARIANCE,
    S_SUN,
    SEA_MEAN,
    SEA_SLOPE,
    SPACE,
    WATER,
    WEIGHT,
)


@numba.njit(nogil=True)
def _place(table, cosine):
    """Row of the table over cosines from 0 to 1 below a cosine, and how far to the next."""
    last = table.shape[0] - 1
    position = min(max(cosine, 0.0), 1.0) * last
    index = min(int(position), last - 1)
    return index, position - index


@numba.njit(nogil=True)
def _at(table, place, column):
    """Value of a column of the table, straight between entries."""
    index, along = place
    below = table[index, column]
    return below + along * (table[index + 1, column] - below)


@numba.njit(nogil=True)
def _over_both(table, which, cosine, cosine_sun):
    """Value of a table over two cosines."""
    last = table.shape[1] - 1
    v = min(max(cosine, 0.0), 1.0) * last
    u = min(max(cosine_sun, 0.0), 1.0) * last
    i = min(int(v), last - 1)
    j = min(int(u), last - 1)
    dv = v - i
    du = u - j
    above = table[which, i, j] + du * (table[which, i, j + 1] - table[which, i, j])
    below = table[which, i + 1, j] + du * (table[which, i + 1, j + 1] - table[which, i + 1, j])
    return above + dv * (below - above)


@numba.njit(nogil=True)
def _coarse(fields, v, u, first, last, node):
    """Write values of coarse fields `first` to before `last` into the node; sides are powers of two, they repeat."""
    rows, columns, _ = fields.shape
    i = math.floor(v)
    j = math.floor(u)
    dv = v - i
    du = u - j
    r0 = int(i) & (rows - 1)
    r1 = (r0 + 1) & (rows - 1)
    c0 = int(j) & (columns - 1)
    c1 = (c0 + 1) & (columns - 1)
    for k in range(first, last):
        above = fields[r0, c0, k] + du * (fields[r0, c1, k] - fields[r0, c0, k])
        below = fields[r1, c0, k] + du * (fields[r1, c1, k] - fields[r1, c0, k])
        node[LAND + k] = above + dv * (below - above)


@numba.njit(nogil=True)
def _glint(cosine, cosine_sun, between, over, variance):
    """Cox and Munk's glint over the sun's irradiance, 1/sr; scene/sea.py has the formula."""
    incidence = math.sqrt(max(0.5 * (1.0 + between), 1e-12))
    facet_up = (cosine + cosine_sun) / (2.0 * incidence)
    facet2 = facet_up * facet_up
    facets = math.exp(-(1.0 / facet2 - 1.0) / variance) / (math.pi * variance)
    hidden = _at(over, _place(over, cosine), HIDDEN) + _at(over, _place(over, cosine_sun), HIDDEN)
    unhidden = 1.0 / (1.0 + hidden)
    return _at(over, _place(over, incidence), WATER) * facets * unhidden / (4.0 * cosine * facet2 * facet2)


@numba.njit(nogil=True)
def _light(node, cosine, cosine_sun, between, over, both, s):
    """Write a node's radiance of sea, land and cloud, each a mean and a slope over texture, times its solid angle."""
    seen = _place(over, cosine)
    lit = _place(over, cosine_sun)
    through = _at(over, seen, G_THROUGH)
    own = _at(over, seen, G_OWN)
    c_through = _at(over, seen, C_THROUGH)
    land_lit = 0.0
    cloud_lit = 0.0
    mirrored = 0.0
    if cosine_sun > 0.0 and s[S_SUN] > 0.0:
        two_ways = _over_both(both, 0, cosine, cosine_sun)
        land_lit = s[S_LAND_LIT] * cosine_sun * two_ways
        cloud_lit = s[S_CLOUD_LIT] * cosine_sun * _over_both(both, 1, cosine, cosine_sun)
        glint = _glint(max(cosine, LEAST_COSINE), max(cosine_sun, 1e-3), between, over, s[S_SLOPE_VARIANCE])
        mirrored = s[S_SUN] * two_ways * glint
    sigma = s[S_REFLECTANCE_SIGMA]
    weight = node[WEIGHT]
    node[SEA_MEAN] = weight * (s[S_SEA_EMITTED] * through + own + mirrored)
    node[SEA_SLOPE] = weight * (s[S_SEA_SLOPE] * through + sigma * mirrored)
    node[LAND_MEAN] = weight * (_at(over, lit, LAND_EMITTED) * through + own + land_lit)
    node[LAND_SLOPE] = weight * (_at(over, lit, LAND_EMITTED_SLOPE) * through + sigma * land_lit)
    node[CLOUD_MEAN] = weight * (s[S_CLOUD_EMITTED] * c_through + _at(over, seen, C_OWN) + cloud_lit)
    node[CLOUD_SLOPE] = weight * (s[S_CLOUD_SLOPE] * c_through + sigma * cloud_lit)


@numba.njit(nogil=True)
def look(x, y, z, turn, start, sun, coarse, over, both, s, node):
    """Write what a line of sight meets into a node, whose solid angle is there already."""
    dx = turn[0, 0] * x + turn[0, 1] * y + turn[0, 2] * z
    dy = turn[1, 0] * x + turn[1, 1] * y + turn[1, 2] * z
    dz = turn[2, 0] * x + turn[2, 1] * y + turn[2, 2] * z
    square = dx * dx + dy * dy + dz * dz
    half_b = start[0] * dx + start[1] * dy + start[2] * dz
    outside = start[0] * start[0] + start[1] * start[1] + start[2] * start[2] - 1.0
    node[KIND] = SPACE
    node[COSINE] = 0.0
    node[DISTANCE] = 0.0
    node[LOWEST] = 1e12
    # Not so for what looks away from the Earth, nor for a pixel without direction (NaN).
    if not half_b < 0.0:
        return
    discriminant = half_b * half_b - square * outside
    radius_m = s[S_RADIUS]
    per_square = 1.0 / square
    node[DISTANCE] = -half_b * per_square
    node[LOWEST] = (math.sqrt(max(1.0 + outside - half_b * half_b * per_square, 0.0)) - 1.0) * radius_m
    if discriminant < 0.0:
        node[KIND] = AIR
        return
    root = math.sqrt(discriminant)
    distance = (-half_b - root) * per_square
    px = start[0] + distance * dx
    py = start[1] + distance * dy
    pz = start[2] + distance * dz
    per_length = math.sqrt(per_square)
    cosine = root * per_length
    cosine_sun = px * sun[0] + py * sun[1] + pz * sun[2]
    between = -(dx * sun[0] + dy * sun[1] + dz * sun[2]) * per_length
    node[KIND] = GROUND
    node[COSINE] = cosine
    node[DISTANCE] = distance
    # Lambert's azimuthal equal-area projection round the area; the antipode is held off.
    scale = radius_m * math.sqrt(2.0 / max(1.0 + pz, 1e-6))
    node[NORTH] = scale * py
    node[EAST] = scale * px
    top = 1.0 + s[S_CLOUD_TOP] / radius_m
    nearer = (-half_b - math.sqrt(max(discriminant + square * (top * top - 1.0), 0.0))) * per_square
    per_top = 1.0 / top
    cx = (start[0] + nearer * dx) * per_top
    cy = (start[1] + nearer * dy) * per_top
    cz = (start[2] + nearer * dz) * per_top
    scale = radius_m * math.sqrt(2.0 / max(1.0 + cz, 1e-6))
    node[CLOUD_NORTH] = scale * cy
    node[CLOUD_EAST] = scale * cx
    per_texel = 1.0 / s[S_COARSE_TEXEL]
    _coarse(coarse, node[NORTH] * per_texel, node[EAST] * per_texel, 0, 2, node)
    _coarse(coarse, node[CLOUD_NORTH] * per_texel, node[CLOUD_EAST] * per_texel, 2, 3, node)
    _light(node, cosine, cosine_sun, between, over, both, s)


@numba.njit(nogil=True)
def limb_radiance(lowest_m, limb, step_m):
    """Radiance of the air along a ray that passes the Earth."""
    position = max(lowest_m, 0.0) / step_m
    if not position < len(limb) - 1:
        return 0.0
    index = int(position)
    return limb[index] + (position - index) * (limb[index + 1] - limb[index])


@numba.njit(nogil=True)
def weights_of(v, u):
    """Weights of nine nodes in the quadratic at places from 0 to 2 along rows' and columns' directions."""
    return (
        (0.5 * (v - 1.0) * (v - 2.0), v * (2.0 - v), 0.5 * v * (v - 1.0)),
        (0.5 * (u - 1.0) * (u - 2.0), u * (2.0 - u), 0.5 * u * (u - 1.0)),
    )


@numba.njit(nogil=True)
def between(nodes, k, weights):
    """Value of the quadratic through nine nodes."""
    (a0, a1, a2), (b0, b1, b2) = weights
    total = a0 * (b0 * nodes[0, 0, k] + b1 * nodes[0, 1, k] + b2 * nodes[0, 2, k])
    total += a1 * (b0 * nodes[1, 0, k] + b1 * nodes[1, 1, k] + b2 * nodes[1, 2, k])
    return total + a2 * (b0 * nodes[2, 0, k] + b1 * nodes[2, 1, k] + b2 * nodes[2, 2, k])


@numba.njit(nogil=True)
def look_between(sights, v, u, sight, node):
    """Look along a line of sight between nine given ones, (3, 3, 4) x, y, z and solid angle."""
    turn, start, sun, coarse, over, both, s = sight
    weights = weights_of(v, u)
    node[WEIGHT] = between(sights, 3, weights)
    x, y, z = between(sights, 0, weights), between(sights, 1, weights), between(sights, 2, weights)
    look(x, y, z, turn, start, sun, coarse, over, both, s, node)
