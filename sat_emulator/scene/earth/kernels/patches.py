"""Which patches a picture of the Earth is drawn in; air, space and the limb's own pixels are drawn at once."""

import math

import numba
import numpy as np

from sat_emulator.scene.earth.kernels.layout import (
    AIR,
    BOUND_SIDE,
    CLEAR,
    CLOUD,
    CLOUD_EAST,
    CLOUD_MEAN,
    CLOUD_NORTH,
    CLOUD_SLOPE,
    COSINE,
    COVERED,
    DISTANCE,
    EAST,
    FROM_LIMB_PX,
    GROUND,
    KIND,
    LAND,
    LAND_MEAN,
    LAND_SLOPE,
    LEAST_COSINE,
    LOWEST,
    MEDIUM,
    MIXED,
    NORTH,
    PATCH,
    S_CLOUD_AT,
    S_CLOUD_STEEP,
    S_CLOUD_STEP,
    S_GROUND_STEP,
    S_IFOV,
    S_LAND_AT,
    S_LAND_STEEP,
    S_LIMB_STEP,
    S_TEXEL_EAST,
    S_TEXEL_NORTH,
    SEA_MEAN,
    SEA_SLOPE,
    SMALL,
    TEXTURE,
    VALUES,
    WEIGHT,
)
from sat_emulator.scene.earth.kernels.looking import limb_radiance, look, look_between, weights_of


@numba.njit(nogil=True)
def _level(distance_m, cosine, s, levels):
    """The pyramid's level whose elements are nearest in size to a pixel on the ground, seen at a slant."""
    side_m = s[S_IFOV] * distance_m / math.sqrt(max(cosine, LEAST_COSINE))
    ratio = side_m / math.sqrt(s[S_TEXEL_NORTH] * s[S_TEXEL_EAST])
    return min(int(math.log2(max(ratio, 1.0)) + 0.5), levels - 1)


@numba.njit(nogil=True)
def _cover(nodes, level, textures, s):
    """Whether a patch, its coordinates in elements of a level already, is CLEAR, COVERED or MIXED.

    Bounds: coarse values at the nodes with room for what a quadratic does between them, and the fine field's least and
    greatest values in the squares of BOUND_SIDE elements that the patch may touch.
    """
    (_, rows, columns), bounds, bounds_offset = textures[2], textures[3], textures[4]
    low, high = np.inf, -np.inf
    top, bottom, left, right = np.inf, -np.inf, np.inf, -np.inf
    for a in range(3):
        for b in range(3):
            low, high = min(low, nodes[a, b, CLOUD]), max(high, nodes[a, b, CLOUD])
            top, bottom = min(top, nodes[a, b, CLOUD_NORTH]), max(bottom, nodes[a, b, CLOUD_NORTH])
            left, right = min(left, nodes[a, b, CLOUD_EAST]), max(right, nodes[a, b, CLOUD_EAST])
    room = 0.02 + 0.1 * (high - low)
    down = max(rows[level] // BOUND_SIDE, 1)
    across = max(columns[level] // BOUND_SIDE, 1)
    i0, i1 = int((top - 2) // BOUND_SIDE), int((bottom + 3) // BOUND_SIDE)
    j0, j1 = int((left - 2) // BOUND_SIDE), int((right + 3) // BOUND_SIDE)
    least, greatest = np.inf, -np.inf
    for i in range(i0, min(i1, i0 + int(down) - 1) + 1):
        for j in range(j0, min(j1, j0 + int(across) - 1) + 1):
            at = bounds_offset[level] + (i % down) * across + j % across
            least, greatest = min(least, bounds[at, 0]), max(greatest, bounds[at, 1])
    edge = 0.5 / s[S_CLOUD_STEEP]
    if high + greatest + room < s[S_CLOUD_AT] - edge:
        return CLEAR
    if low + least - room > s[S_CLOUD_AT] + edge:
        return COVERED
    return MIXED


@numba.njit(nogil=True)
def _polynomials(nodes, size, c):
    """Write the patch's polynomials: c[m, 3 * k + n] is value k's coefficient of row^m column^n, both in pixels."""
    half = 0.5 * size
    along = np.empty((3, 3))
    for k in range(NORTH, WEIGHT):
        for a in range(3):
            f0, f1, f2 = nodes[a, 0, k], nodes[a, 1, k], nodes[a, 2, k]
            along[a, 0] = f0
            if k <= SEA_SLOPE:
                along[a, 1] = (-1.5 * f0 + 2.0 * f1 - 0.5 * f2) / half
                along[a, 2] = (0.5 * f0 - f1 + 0.5 * f2) / (half * half)
            else:
                along[a, 1] = (f2 - f0) / size
                along[a, 2] = 0.0
        for n in range(3):
            f0, f1, f2 = along[0, n], along[1, n], along[2, n]
            at = 3 * (k - NORTH) + n
            c[0, at] = f0
            c[1, at] = (-1.5 * f0 + 2.0 * f1 - 0.5 * f2) / half
            c[2, at] = (0.5 * f0 - f1 + 0.5 * f2) / (half * half)


@numba.njit(nogil=True)
def _in_elements(nodes, level, textures, s):
    """Turn nodes' metres on the ground into elements of a level, in place.

    A whole number of repeats is taken off, so that single precision serves and indices stay above 0.
    """
    _, rows, columns = textures[2]
    for k in range(NORTH, CLOUD_EAST + 1):
        along_rows = k in (NORTH, CLOUD_NORTH)
        per_texel = 1.0 / ((s[S_TEXEL_NORTH] if along_rows else s[S_TEXEL_EAST]) * (1 << level))
        side = float(rows[level] if along_rows else columns[level])
        # Centres of a level's elements lie at (2^level - 1) / 2 in elements of the first.
        within = 0.5 / (1 << level) - 0.5
        least = np.inf
        for a in range(nodes.shape[0]):
            for b in range(nodes.shape[1]):
                nodes[a, b, k] = nodes[a, b, k] * per_texel + within
                least = min(least, nodes[a, b, k])
        base = (math.floor(least / side) - 1.0) * side
        for a in range(nodes.shape[0]):
            for b in range(nodes.shape[1]):
                nodes[a, b, k] -= base


@numba.njit(nogil=True)
def _pair(pairs, grid, level, row, column):
    """Pair of elements of a level at whole indices above 0; tiles as in texture.py."""
    offset, rows, columns = grid
    down = row & (int(rows[level]) - 1)
    right = column & (int(columns[level]) - 1)
    tile = (down >> 5) * (int(columns[level]) >> 5) + (right >> 5)
    return pairs[offset[level] + (tile << 10) + ((down & 31) << 5) + (right & 31)]


@numba.njit(nogil=True)
def _bilinear(pairs, grid, level, v, u):
    """Value, in steps, at fractional element indices of a level, all above 0."""
    i, j = int(v), int(u)
    above = _pair(pairs, grid, level, i, j)
    below = _pair(pairs, grid, level, i + 1, j)
    a, b = float(np.int16(above & 0xFFFF)), float(above >> 16)
    c, d = float(np.int16(below & 0xFFFF)), float(below >> 16)
    ab = a + (u - j) * (b - a)
    cd = c + (u - j) * (d - c)
    return ab + (v - i) * (cd - ab)


@numba.njit(nogil=True)
def _pixel(nodes, textures, s):
    """Radiance of one pixel that meets the ground; nodes: (1, 1, VALUES), its coordinates overwritten."""
    ground, cloud, grid = textures[0], textures[1], textures[2]
    level = _level(nodes[0, 0, DISTANCE], nodes[0, 0, COSINE], s, len(grid[1]))
    _in_elements(nodes, level, textures, s)
    node = nodes[0, 0]
    detail = s[S_GROUND_STEP] * _bilinear(ground, grid, level, node[NORTH], node[EAST])
    thick = node[CLOUD] + s[S_CLOUD_STEP] * _bilinear(cloud, grid, level, node[CLOUD_NORTH], node[CLOUD_EAST])
    land = min(max((node[LAND] + detail - s[S_LAND_AT]) * s[S_LAND_STEEP] + 0.5, 0.0), 1.0)
    sea = node[SEA_MEAN] + node[SEA_SLOPE] * (node[TEXTURE] + detail)
    dry = node[LAND_MEAN] + node[LAND_SLOPE] * (node[TEXTURE] + detail)
    surface = sea + land * (dry - sea)
    opaque = min(max((thick - s[S_CLOUD_AT]) * s[S_CLOUD_STEEP] + 0.5, 0.0), 1.0)
    return surface + opaque * (node[CLOUD_MEAN] + node[CLOUD_SLOPE] * thick - surface)


@numba.njit(nogil=True)
def _draw_air(nodes, top, left, size, limb, s, out):
    """Draw one patch that meets the air or nothing; a ray's lowest height is a quadratic to a few metres."""
    half = 0.5 * size
    last = len(limb) - 1
    per_step = 1.0 / s[S_LIMB_STEP]
    for i in range(top, min(top + size, out.shape[0])):
        (a0, a1, a2), _ = weights_of((i - top) / half, 0.0)
        # Steps of the table of heights, and solid angles, at the row's three places between the nodes.
        low0 = per_step * (a0 * nodes[0, 0, LOWEST] + a1 * nodes[1, 0, LOWEST] + a2 * nodes[2, 0, LOWEST])
        low1 = per_step * (a0 * nodes[0, 1, LOWEST] + a1 * nodes[1, 1, LOWEST] + a2 * nodes[2, 1, LOWEST])
        low2 = per_step * (a0 * nodes[0, 2, LOWEST] + a1 * nodes[1, 2, LOWEST] + a2 * nodes[2, 2, LOWEST])
        weight0 = a0 * nodes[0, 0, WEIGHT] + a1 * nodes[1, 0, WEIGHT] + a2 * nodes[2, 0, WEIGHT]
        weight2 = a0 * nodes[0, 2, WEIGHT] + a1 * nodes[1, 2, WEIGHT] + a2 * nodes[2, 2, WEIGHT]
        bend = 0.5 * low0 - low1 + 0.5 * low2
        rise = -1.5 * low0 + 2.0 * low1 - 0.5 * low2
        for j in range(left, min(left + size, out.shape[1])):
            u = (j - left) / half
            place = max(low0 + u * (rise + u * bend), 0.0)
            index = int(min(place, last - 1.0))
            along = min(place - index, 1.0)
            air = limb[index] + along * (limb[index + 1] - limb[index])
            out[i, j] = air * (weight0 + 0.5 * u * (weight2 - weight0)) if place < last else 0.0


@numba.njit(nogil=True)
def _take_whole(nodes, top, left, size, least_cosine, textures, limb, s, found, out):
    """Note a patch of ground from its nine nodes, or draw one of air or space; return whether one of it could be done.

    nodes: (3, 3, VALUES), overwritten. found: patches, coefficients and their count.
    """
    patches, coefficients, count = found
    grounds = 0
    skies = 0
    spaces = 0
    least = 1.0
    for a in range(3):
        for b in range(3):
            node = nodes[a, b]
            least = min(least, node[COSINE])
            grounds += node[KIND] == GROUND
            skies += node[KIND] == AIR and node[LOWEST] > 0.5 * s[S_IFOV] * node[DISTANCE]
            spaces += node[LOWEST] > (len(limb) - 1) * s[S_LIMB_STEP] + 2.0 * s[S_IFOV] * node[DISTANCE]
    if grounds == 9 and least > least_cosine:
        level = _level(nodes[1, 1, DISTANCE], nodes[1, 1, COSINE], s, len(textures[2][1]))
        _in_elements(nodes, level, textures, s)
        _polynomials(nodes, size, coefficients[count[0]])
        patch = patches[count[0]]
        patch[0], patch[1], patch[2], patch[3] = top, left, size, level
        patch[4] = _cover(nodes, level, textures, s)
        count[0] += 1
    elif spaces == 9:
        out[top : min(top + size, out.shape[0]), left : min(left + size, out.shape[1])] = 0.0
    elif skies == 9:
        _draw_air(nodes, top, left, size, limb, s, out)
    else:
        return False
    return True


@numba.njit(nogil=True)
def _take_part(top, left, size, sights, origin, sight, least_cosine, textures, limb, nodes, found, out):
    """Do the same for a part of a patch whose first pixel is `origin`, from nodes of its own."""
    half = PATCH / 2.0
    for a in range(3):
        for b in range(3):
            v = (top - origin[0] + 0.5 * a * size) / half
            u = (left - origin[1] + 0.5 * b * size) / half
            look_between(sights, v, u, sight, nodes[a, b])
    return _take_whole(nodes, top, left, size, least_cosine, textures, limb, sight[6], found, out)


@numba.njit(nogil=True)
def _draw_exactly(top, left, size, sights, origin, sight, textures, limb, pixel, out):
    """Draw a part of a patch pixel by pixel, each by its own line of sight. pixel: (1, 1, VALUES), overwritten."""
    s = sight[6]
    half = PATCH / 2.0
    node = pixel[0, 0]
    for i in range(top, min(top + size, out.shape[0])):
        for j in range(left, min(left + size, out.shape[1])):
            look_between(sights, (i - origin[0]) / half, (j - origin[1]) / half, sight, node)
            if node[KIND] == GROUND:
                out[i, j] = _pixel(pixel, textures, s)
            elif node[KIND] == AIR:
                out[i, j] = node[WEIGHT] * limb_radiance(node[LOWEST], limb, s[S_LIMB_STEP])
            else:
                out[i, j] = 0.0


@numba.njit(
    "int64(float64[:,:,::1], float64[:,::1], float64[::1], float64[::1], int32[::1], int32[::1], uint32[::1], "
    "uint32[::1], uint32[::1], float64[:,::1], int64[::1], float32[:,:,::1], float64[:,::1], "
    "float64[:,:,::1], float64[::1], float64[::1], int32[:,::1], float32[:,:,::1], float32[:,::1])",
    nogil=True,
    cache=True,
)
def plan_patches(
    los,
    turn,
    start,
    sun,
    ground,
    cloud,
    offset,
    rows,
    columns,
    bounds,
    bounds_offset,
    coarse,
    over,
    both,
    limb,
    scalars,
    patches,
    coefficients,
    out,
):
    """Return how many patches of ground there are, noted in `patches` and `coefficients`; draw everything else.

    What is drawn is the band's radiance, W/m^2/sr, times each pixel's solid angle over the boresight's.

    los: (n, m, 4) lines of sight in camera axes at every PATCH / 2 pixels from the first, and each one's solid angle.
    turn: (3, 3) takes them into the area's axes (east, north, up there) in a space where the ellipsoid is a sphere of
    radius 1. start: (3,) the satellite; sun: (3,) unit vector towards the sun; both in the same.
    ground, cloud: fine textures, pyramids of one layout (texture.py).
    bounds: (n, 2) least and greatest values of the cloud's in squares of BOUND_SIDE elements, each level's from
    bounds_offset on.
    coarse: (n, n, 3) coarse fields of land, ground texture and cloud, which are added to the fine ones; all laid out
    by Lambert's azimuthal equal-area projection round the area.
    over, both, limb: light.py's tables. scalars: see layout.py. patches, coefficients: see shading.py; room for one
    patch of SMALL x SMALL pixels beside another.
    """
    total_rows, total_columns = out.shape
    textures = (ground, cloud, (offset, rows, columns), bounds, bounds_offset)
    sight = (turn, start, sun, coarse, over, both, scalars)
    # Cosine of the zenith angle so many pixels inside the limb.
    outside = start[0] * start[0] + start[1] * start[1] + start[2] * start[2] - 1.0
    per_px = 2.0 * math.sqrt(outside) * scalars[S_IFOV]
    least = np.sqrt(np.minimum(per_px * np.array(FROM_LIMB_PX), 0.9))
    nodes_across = los.shape[1]
    # Rows of nodes of the present row of patches; the last is the next one's first.
    lines = np.empty((3, nodes_across, VALUES))
    nodes = np.empty((3, 3, VALUES))
    pixel = np.empty((1, 1, VALUES))
    count = np.zeros(1, np.int64)
    found = (patches, coefficients, count)
    for step in range((total_rows + PATCH - 1) // PATCH):
        if step:
            lines[0] = lines[2]
        for a in range(1 if step else 0, 3):
            for b in range(nodes_across):
                lines[a, b, WEIGHT] = los[2 * step + a, b, 3]
                x, y, z = los[2 * step + a, b, 0], los[2 * step + a, b, 1], los[2 * step + a, b, 2]
                look(x, y, z, turn, start, sun, coarse, over, both, scalars, lines[a, b])
        top = step * PATCH
        for place in range((total_columns + PATCH - 1) // PATCH):
            left = place * PATCH
            nodes[:] = lines[:, 2 * place : 2 * place + 3]
            if _take_whole(nodes, top, left, PATCH, least[0], textures, limb, scalars, found, out):
                continue
            sights = los[2 * step : 2 * step + 3, 2 * place : 2 * place + 3]
            origin = (top, left)
            for i in range(top, min(top + PATCH, total_rows), MEDIUM):
                for j in range(left, min(left + PATCH, total_columns), MEDIUM):
                    if _take_part(i, j, MEDIUM, sights, origin, sight, least[1], textures, limb, nodes, found, out):
                        continue
                    for k in range(i, min(i + MEDIUM, total_rows), SMALL):
                        for m in range(j, min(j + MEDIUM, total_columns), SMALL):
                            if not _take_part(
                                k, m, SMALL, sights, origin, sight, least[2], textures, limb, nodes, found, out
                            ):
                                _draw_exactly(k, m, SMALL, sights, origin, sight, textures, limb, pixel, out)
    return count[0]
