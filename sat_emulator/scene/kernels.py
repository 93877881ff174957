"""The Earth's picture, pixel by pixel. Arguments are checked in background.py."""

import math

import numba
import numpy as np

# Geometry is exact at the corners of blocks of so many pixels and straight between them, which moves the ground by
# less than a tenth of a pixel; blocks that touch the limb, where it would be more, are exact at every pixel.
BLOCK = 8
# Cosine of the zenith angle below which a block counts as near the limb.
NEAR_LIMB = 0.4
# A pixel at the limb spreads without end; from here on it is taken as 7 times as long as wide.
LEAST_COSINE = 0.02
# Largest power of two that leaves a double a thousandth of an element's precision and more.
SHIFT = float(2**30)
# What a line of sight meets.
SPACE, AIR, GROUND = 0, 1, 2


@numba.njit(nogil=True)
def _table(values, position):
    """Value of a table at a fractional index, straight between entries, held at both ends."""
    position = min(max(position, 0.0), len(values) - 1.001)
    index = np.uint32(position)
    part = np.float32(position - index)
    below = values[index]
    return below + part * (values[index + np.uint32(1)] - below)


@numba.njit(nogil=True)
def _bilinear(values, offset, rows, columns, v, u):
    """Value of one level at fractional element indices; the field repeats, sides are powers of two."""
    # Shifted by a multiple of every side, so that cutting off digits rounds down; unsigned, so that no index can be
    # taken as counted from the end.
    v += SHIFT
    u += SHIFT
    r0 = np.uint32(v)
    c0 = np.uint32(u)
    dv = np.float32(v - r0)
    du = np.float32(u - c0)
    one = np.uint32(1)
    r1 = offset + ((r0 + one) & (rows - one)) * columns
    r0 = offset + (r0 & (rows - one)) * columns
    c1 = (c0 + one) & (columns - one)
    c0 &= columns - one
    a = values[r0 + c0]
    c = values[r1 + c0]
    above = a + du * (values[r0 + c1] - a)
    below = c + du * (values[r1 + c1] - c)
    return above + dv * (below - above)


@numba.njit(nogil=True)
def _meet(los, i, j, turn, start, outside, radius_m):
    """What one pixel's line of sight meets: kind, east, north (m), cosine of zenith angle, distance, lowest height."""
    x = los[i, j, 0]
    y = los[i, j, 1]
    z = los[i, j, 2]
    dx = turn[0, 0] * x + turn[0, 1] * y + turn[0, 2] * z
    dy = turn[1, 0] * x + turn[1, 1] * y + turn[1, 2] * z
    dz = turn[2, 0] * x + turn[2, 1] * y + turn[2, 2] * z
    square = dx * dx + dy * dy + dz * dz
    half_b = start[0] * dx + start[1] * dy + start[2] * dz
    kind = SPACE
    cosine = 0.0
    lowest_m = 0.0
    distance_m = 0.0
    # Not so for what looks away from the Earth, nor for a pixel without direction (NaN).
    if half_b < 0.0:
        discriminant = half_b * half_b - square * outside
        if discriminant >= 0.0:
            kind = GROUND
            distance_m = (-half_b - math.sqrt(discriminant)) / square
            cosine = math.sqrt(discriminant / square)
        else:
            kind = AIR
            distance_m = -half_b / square
            lowest_m = (math.sqrt(1.0 + outside - half_b * half_b / square) - 1.0) * radius_m
    # Lambert's azimuthal equal-area projection round the area; the antipode is held off.
    scale = radius_m * math.sqrt(2.0 / max(1.0 + start[2] + distance_m * dz, 1e-6))
    east = scale * (start[0] + distance_m * dx)
    north = scale * (start[1] + distance_m * dy)
    return kind, east, north, cosine, distance_m, lowest_m


@numba.njit(nogil=True)
def _fine_value(values, offset, rows, columns, v, u, low, share):
    """Value of the pyramid between levels `low` and the next; v, u in elements of level `low`."""
    near = _bilinear(values, offset[low], rows[low], columns[low], v, u)
    # Two elements of a level are one of the next; centres are whole numbers.
    high = low + 1
    far = _bilinear(values, offset[high], rows[high], columns[high], 0.5 * v - 0.25, 0.5 * u - 0.25)
    return near + share * (far - near)


@numba.njit(nogil=True)
def _shade(value, colder_k, tables):
    """Radiance of the ground from its field's value, seen at a slant that makes it so much colder."""
    temperature, field_low, steps_per_field, _, radiance, coldest_k, steps_per_kelvin, _, _ = tables
    kelvin = _table(temperature, (value - field_low) * steps_per_field) - colder_k
    return _table(radiance, (kelvin - coldest_k) * steps_per_kelvin)


@numba.njit(nogil=True)
def _level(side_m, cosine, fields):
    """The pyramid's level whose elements are as large as a pixel's side, seen at a slant, and the share of the next."""
    _, _, fine_rows, _, texel_m, _, _, _ = fields
    ratio = side_m / math.sqrt(max(cosine, LEAST_COSINE)) / math.sqrt(texel_m[0] * texel_m[1])
    level = min(math.log2(max(ratio, 1.0)), len(fine_rows) - 1.001)
    low = int(level)
    return low, np.float32(level - low)


@numba.njit(nogil=True)
def _in_level(metres, texel_m, low):
    """Index along one axis in elements of a level; its centres lie at (2^level - 1) / 2 in elements of the first."""
    return (metres / texel_m + 0.5) / (1 << low) - 0.5


@numba.njit(nogil=True)
def _coarse_value(north, east, fields):
    _, _, _, _, _, coarse, coarse_sides, coarse_texel_m = fields
    return _bilinear(
        coarse, np.uint32(0), coarse_sides[0], coarse_sides[1], north / coarse_texel_m, east / coarse_texel_m
    )


@numba.njit(nogil=True)
def _draw_straight(top, bottom, left, right, corner, low, share, fields, tables, out):
    """Draw a block whose geometry is straight between its corners; a corner has v, u, coarse value, kelvin colder."""
    fine, fine_offset, fine_rows, fine_columns, _, _, _, _ = fields
    down = 1.0 / max(bottom - 1 - top, 1)
    across = 1.0 / max(right - 1 - left, 1)
    begin = np.empty(4)
    step = np.empty(4)
    for i in range(top, bottom):
        part = (i - top) * down
        for n in range(4):
            begin[n] = corner[0, n] + part * (corner[2, n] - corner[0, n])
            step[n] = (corner[1, n] + part * (corner[3, n] - corner[1, n]) - begin[n]) * across
        v, u, base, colder_k = begin
        v_step, u_step, base_step, colder_step = step
        for j in range(left, right):
            n = j - left
            value = base + n * base_step
            value += _fine_value(fine, fine_offset, fine_rows, fine_columns, v + n * v_step, u + n * u_step, low, share)
            out[i, j] = _shade(value, colder_k + n * colder_step, tables)


@numba.njit(nogil=True)
def _draw_exact(top, bottom, left, right, los, sight, fields, tables, out):
    """Draw a block with each pixel's own geometry."""
    turn, start, outside, radius_m, ifov_rad = sight
    fine, fine_offset, fine_rows, fine_columns, texel_m, _, _, _ = fields
    _, _, _, darkening, _, _, _, limb, limb_step_m = tables
    for i in range(top, bottom):
        for j in range(left, right):
            kind, east, north, cosine, distance_m, lowest_m = _meet(los, i, j, turn, start, outside, radius_m)
            if kind == SPACE or lowest_m >= (len(limb) - 1) * limb_step_m:
                out[i, j] = 0.0
                continue
            low, share = _level(ifov_rad * distance_m, cosine, fields)
            v = _in_level(north, texel_m[0], low)
            u = _in_level(east, texel_m[1], low)
            value = _coarse_value(north, east, fields)
            value += _fine_value(fine, fine_offset, fine_rows, fine_columns, v, u, low, share)
            shade = _shade(value, _table(darkening, cosine * (len(darkening) - 1)), tables)
            out[i, j] = shade if kind == GROUND else shade * _table(limb, lowest_m / limb_step_m)


@numba.njit(
    "void(float32[:,:,::1], float64[:,::1], float64[::1], float64, float64, "
    "float32[::1], uint32[::1], uint32[::1], uint32[::1], float64[::1], float32[:,::1], float64, "
    "float32[::1], float64, float64, float32[::1], float32[::1], float64, float64, float32[::1], float64, "
    "float32[:,::1])",
    nogil=True,
    cache=True,
)
def draw_earth(
    los,
    turn,
    start,
    radius_m,
    ifov_rad,
    fine,
    fine_offset,
    fine_rows,
    fine_columns,
    fine_texel_m,
    coarse,
    coarse_texel_m,
    temperature,
    field_low,
    field_step,
    darkening,
    radiance,
    coldest_k,
    kelvin_step,
    limb,
    limb_step_m,
    out,
):
    """Write the band's radiance, W/m^2/sr, for every pixel.

    los: (rows, columns, 3) unit vectors in camera axes. turn: (3, 3) takes them into the area's axes (east, north, up
    there) in a space where the ellipsoid is a sphere of radius 1. start: (3,) the satellite, in the same.
    fine, coarse: two fields whose values add up, laid out by Lambert's azimuthal equal-area projection round the area.
    fine is a pyramid (texture.py) whose level fits the pixel's side on the ground; sides are powers of two.
    temperature: kelvin over the field's value. darkening: kelvin over the cosine of the zenith angle, from 0 to 1.
    radiance: over temperature. limb: what part of blackness the air has, over the height of a ray's lowest point.
    """
    rows, columns, _ = los.shape
    outside = start[0] * start[0] + start[1] * start[1] + start[2] * start[2] - 1.0
    sight = (turn, start, outside, radius_m, ifov_rad)
    coarse_sides = (np.uint32(coarse.shape[0]), np.uint32(coarse.shape[1]))
    coarse_flat = coarse.reshape(coarse.size)
    fields = (fine, fine_offset, fine_rows, fine_columns, fine_texel_m, coarse_flat, coarse_sides, coarse_texel_m)
    steps = (1.0 / field_step, 1.0 / kelvin_step)
    tables = (temperature, field_low, steps[0], darkening, radiance, coldest_k, steps[1], limb, limb_step_m)
    corner = np.empty((4, 4))
    for top in range(0, rows, BLOCK):
        bottom = min(top + BLOCK, rows)
        for left in range(0, columns, BLOCK):
            right = min(left + BLOCK, columns)
            least = 1.0
            farthest_m = 0.0
            for k in range(4):
                i = top if k < 2 else bottom - 1
                j = left if k % 2 == 0 else right - 1
                kind, east, north, cosine, distance_m, _ = _meet(los, i, j, turn, start, outside, radius_m)
                least = min(least, cosine if kind == GROUND else 0.0)
                farthest_m = max(farthest_m, distance_m)
                corner[k, 0] = north
                corner[k, 1] = east
                corner[k, 2] = _coarse_value(north, east, fields)
                corner[k, 3] = _table(darkening, cosine * (len(darkening) - 1))
            if least <= NEAR_LIMB:
                _draw_exact(top, bottom, left, right, los, sight, fields, tables, out)
                continue
            low, share = _level(ifov_rad * farthest_m, least, fields)
            for k in range(4):
                corner[k, 0] = _in_level(corner[k, 0], fine_texel_m[0], low)
                corner[k, 1] = _in_level(corner[k, 1], fine_texel_m[1], low)
            _draw_straight(top, bottom, left, right, corner, low, share, fields, tables, out)
