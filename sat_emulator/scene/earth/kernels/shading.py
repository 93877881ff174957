"""The pixels of patches: texture, land and sea, cloud."""

import numba
import numpy as np

from sat_emulator.scene.earth.kernels.layout import (
    CLEAR,
    COEFFICIENTS,
    COVERED,
    FAST,
    I32,
    PATCH,
    PIXELS,
    S_CLOUD_AT,
    S_CLOUD_STEEP,
    S_CLOUD_STEP,
    S_GROUND_STEP,
    S_LAND_AT,
    S_LAND_STEEP,
    U32,
    F,
)


@numba.njit(nogil=True, fastmath=FAST, error_model="numpy")
def _find(p, k, offset, row_mask, column_mask, tile_row, at, width, places, parts):
    """Write, for a row of pixels, where in a level its four corners lie and how far between them.

    p: coefficients of quadratics in the pixel's number along the row; 3 k on: element indices, all above 0. The field
    repeats. places, parts: from `at` on the upper pair's place and the part of the way down; from PIXELS + at on the
    lower pair's place and the part of the way to the right.
    """
    v0, v1, v2, u0, u1, u2 = p[3 * k], p[3 * k + 1], p[3 * k + 2], p[3 * k + 3], p[3 * k + 4], p[3 * k + 5]
    for j in range(width):
        n = F(I32(j))
        v = v0 + n * (v1 + n * v2)
        u = u0 + n * (u1 + n * u2)
        above = I32(v)
        left = I32(u)
        row = U32(above) & row_mask
        below = U32(I32(above + 1)) & row_mask
        column = U32(left) & column_mask
        # Tiles of 32 x 32 elements, row after row (texture.py).
        column = U32(offset + ((column >> U32(5)) << U32(10)) + (column & U32(31)))
        places[at + j] = I32(column + (row >> U32(5)) * tile_row + ((row & U32(31)) << U32(5)))
        places[at + j + PIXELS] = I32(column + (below >> U32(5)) * tile_row + ((below & U32(31)) << U32(5)))
        parts[at + j] = v - F(above)
        parts[at + j + PIXELS] = u - F(left)


@numba.njit(nogil=True)
def _fetch(pairs, places, count):
    """Replace places by the pairs of elements that lie there."""
    for j in range(count):
        places[j] = pairs[U32(places[j])]
        places[j + PIXELS] = pairs[U32(places[j + PIXELS])]


@numba.njit(nogil=True, fastmath=FAST, error_model="numpy")
def _interpolate(places, parts, count, step, values):
    """Write values between fetched pairs."""
    for j in range(count):
        above = places[j]
        below = places[j + PIXELS]
        # A pair's right-hand element is in its upper 16 bits; the shifts carry the sign.
        a = F(I32(I32(above << 16) >> 16))
        b = F(I32(above >> 16))
        c = F(I32(I32(below << 16) >> 16))
        d = F(I32(below >> 16))
        right = parts[j + PIXELS]
        ab = a + right * (b - a)
        cd = c + right * (d - c)
        values[j] = step * (ab + parts[j] * (cd - ab))


@numba.njit(nogil=True)
def _look_up(pairs, polynomials, k, level, grid, rows, width, step, room, values):
    """Write the fine field's value at every pixel of a patch.

    Three passes, so that the first and the last work on many pixels at once and only the middle one waits for memory.
    """
    offset, level_rows, level_columns = grid
    places, parts = room
    row_mask, column_mask = U32(level_rows[level] - U32(1)), U32(level_columns[level] - U32(1))
    tile_row = U32(level_columns[level] << U32(5))
    for i in range(rows):
        p = polynomials[i]
        # A number of pixels that the compiler knows saves half of the time.
        if width == PATCH:
            _find(p, k, offset[level], row_mask, column_mask, tile_row, i * PATCH, PATCH, places, parts)
        else:
            _find(p, k, offset[level], row_mask, column_mask, tile_row, i * width, width, places, parts)
    _fetch(pairs, places, rows * width)
    _interpolate(places, parts, rows * width, step, values)


@numba.njit(nogil=True, fastmath=FAST, error_model="numpy")
def _shade_ground(p, s, fine, at, begin, width, out):
    """Write one row of land and sea.

    p: polynomials of land, texture, sea's mean and slope (quadratics), land's mean and slope (straight lines).
    """
    l0, l1, l2, t0, t1, t2 = p[12], p[13], p[14], p[15], p[16], p[17]
    sm0, sm1, sm2, ss0, ss1, ss2 = p[21], p[22], p[23], p[24], p[25], p[26]
    lm0, lm1, ls0, ls1 = p[27], p[28], p[30], p[31]
    land_at, land_steep = F(s[S_LAND_AT]), F(s[S_LAND_STEEP])
    for j in range(width):
        n = F(I32(j))
        detail = fine[at + j]
        land = min(max((l0 + n * (l1 + n * l2) + detail - land_at) * land_steep + F(0.5), F(0.0)), F(1.0))
        texture = t0 + n * (t1 + n * t2) + detail
        sea = sm0 + n * (sm1 + n * sm2) + (ss0 + n * (ss1 + n * ss2)) * texture
        out[begin + j] = sea + land * (lm0 + n * lm1 + (ls0 + n * ls1) * texture - sea)


@numba.njit(nogil=True, fastmath=FAST, error_model="numpy")
def _shade_cloud(p, s, puff, at, begin, width, whole, out):
    """Lay cloud over one row; `whole`: it hides all, and the ground has not been drawn.

    p: polynomials of cloud (quadratic), cloud's mean and slope (straight lines).
    """
    q0, q1, q2 = p[18], p[19], p[20]
    cm0, cm1, cs0, cs1 = p[33], p[34], p[36], p[37]
    cloud_at, cloud_steep = F(s[S_CLOUD_AT]), F(s[S_CLOUD_STEEP])
    for j in range(width):
        n = F(I32(j))
        thick = q0 + n * (q1 + n * q2) + puff[at + j]
        top = cm0 + n * cm1 + (cs0 + n * cs1) * thick
        opaque = min(max((thick - cloud_at) * cloud_steep + F(0.5), F(0.0)), F(1.0))
        surface = top if whole else out[begin + j]
        out[begin + j] = surface + opaque * (top - surface)


@numba.njit(nogil=True, fastmath=FAST)
def _of_rows(c, rows, polynomials):
    """Write the polynomials along each row of a patch."""
    for i in range(rows):
        t = F(I32(i))
        for m in range(COEFFICIENTS):
            polynomials[i, m] = c[0, m] + t * (c[1, m] + t * c[2, m])


@numba.njit(
    "void(int64, int32[:,::1], float32[:,:,::1], int32[::1], int32[::1], uint32[::1], uint32[::1], uint32[::1], "
    "float64[::1], float32[:,::1])",
    nogil=True,
    cache=True,
)
def shade_patches(count, patches, coefficients, ground, cloud, offset, rows, columns, scalars, out):
    """Write the pixels of the first `count` patches that `plan_patches` has found.

    patches: (n, 5) first row, first column, side, level of the textures, what cloud does. coefficients: (n, 3,
    COEFFICIENTS) polynomials in row and column. ground, cloud: fine textures, pyramids of one layout (texture.py).
    """
    flat = out.reshape(out.size)
    grid = (offset, rows, columns)
    room = (np.empty(2 * PIXELS, np.int32), np.empty(2 * PIXELS, np.float32))
    values = np.empty(PIXELS, np.float32)
    polynomials = np.empty((PATCH, COEFFICIENTS), np.float32)
    for patch in range(count):
        top, left, size, level, cover = patches[patch]
        height, width = min(size, out.shape[0] - top), min(size, out.shape[1] - left)
        _of_rows(coefficients[patch], height, polynomials)
        first = top * out.shape[1] + left
        if cover != COVERED:
            step = F(scalars[S_GROUND_STEP])
            _look_up(ground, polynomials, 0, level, grid, height, width, step, room, values)
            for i in range(height):
                at = first + i * out.shape[1]
                if width == PATCH:
                    _shade_ground(polynomials[i], scalars, values, i * PATCH, at, PATCH, flat)
                else:
                    _shade_ground(polynomials[i], scalars, values, i * width, at, width, flat)
        if cover != CLEAR:
            step = F(scalars[S_CLOUD_STEP])
            _look_up(cloud, polynomials, 2, level, grid, height, width, step, room, values)
            for i in range(height):
                at = first + i * out.shape[1]
                if width == PATCH:
                    _shade_cloud(polynomials[i], scalars, values, i * PATCH, at, PATCH, cover == COVERED, flat)
                else:
                    _shade_cloud(polynomials[i], scalars, values, i * width, at, width, cover == COVERED, flat)
