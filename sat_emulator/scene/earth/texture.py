"""Fields without seams, and their averages over ever larger cells."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sat_emulator.scene.earth.picture import read_picture
from services.runtime.errors import BadInputError

Float64 = NDArray[np.float64]

# A mirrored picture is resampled to at most this many elements a side, so that it stays within caches and memory.
LARGEST_SIDE = 4096
# Elements lie in squares of this side, a page of memory each, row after row: neighbours in all directions are near one
# another, however a camera's rows run over the field. No level is smaller.
TILE = 32
# Of the 16 bits that hold a value.
LARGEST_COUNT = 32_767


@dataclass(frozen=True)
class Pyramid:
    """A field that repeats, level on level, each the 2 x 2 average of the one before; all in one flat array.

    pairs: int32; an element's value in its lower 16 bits, its right-hand neighbour's in the upper, both signed, in
    units of `step`: two reads serve for the four corners of an interpolation.
    offset, rows, columns: (levels,) where each level begins, and its sides, powers of two. Within a level come its
    tiles, row after row. texel_m: (2,) size of an element of the first level along rows' and columns' directions.
    """

    pairs: NDArray[np.int32]
    step: float
    offset: NDArray[np.uint32]
    rows: NDArray[np.uint32]
    columns: NDArray[np.uint32]
    texel_m: Float64

    def level(self, index: int) -> Float64:
        """Return one level's values, (rows, columns)."""
        rows, columns, offset = (int(part[index]) for part in (self.rows, self.columns, self.offset))
        tiles = self.pairs[offset : offset + rows * columns].reshape(rows // TILE, columns // TILE, TILE, TILE)
        counts = tiles.transpose(0, 2, 1, 3).reshape(rows, columns)
        return np.asarray(((counts << 16) >> 16) * self.step, dtype=np.float64)

    def between(self, row: float, column: float) -> float:
        """Return the first level's value at fractional element indices, straight between the four nearest."""
        rows, columns = int(self.rows[0]), int(self.columns[0])
        i, j = math.floor(row), math.floor(column)
        pairs = self.pairs[[_place((i + k) % rows, j % columns, columns) for k in range(2)]]
        corners = np.stack([(pairs << 16) >> 16, pairs >> 16], axis=1) * self.step
        return float([1 - (row - i), row - i] @ corners @ [1 - (column - j), column - j])


def pyramid(field: Float64, row_texel_m: float, column_texel_m: float) -> Pyramid:
    """Return the levels of a field whose sides are powers of two; values good to 1/65,000 of the field's range."""
    levels = [np.asarray(field, dtype=np.float64)]
    if min(field.shape) < TILE:
        raise ValueError(f"a field of {field.shape} elements is smaller than {TILE} x {TILE}")
    while min(levels[-1].shape) > TILE:
        last = levels[-1]
        levels.append((last[::2, ::2] + last[1::2, ::2] + last[::2, 1::2] + last[1::2, 1::2]) / 4)
    step = max(float(np.abs(levels[0]).max()), 1e-30) / LARGEST_COUNT
    sizes = [level.size for level in levels]
    return Pyramid(
        np.concatenate([_pairs(level, step) for level in levels]),
        step,
        np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.uint32),
        np.array([level.shape[0] for level in levels], dtype=np.uint32),
        np.array([level.shape[1] for level in levels], dtype=np.uint32),
        np.array([row_texel_m, column_texel_m]),
    )


def square_bounds(field: Pyramid, side: int) -> tuple[Float64, NDArray[np.int64]]:
    """Return least and greatest value, (n, 2), of each level's squares of `side` elements, and where each level begins.

    A level that is smaller is one square along that axis.
    """
    bounds, offsets, count = [], [], 0
    for index in range(len(field.rows)):
        level = field.level(index)
        down, across = (max(size // side, 1) for size in level.shape)
        squares = level.reshape(down, level.shape[0] // down, across, level.shape[1] // across)
        bounds.append(np.column_stack([squares.min(axis=(1, 3)).ravel(), squares.max(axis=(1, 3)).ravel()]))
        offsets.append(count)
        count += down * across
    return np.concatenate(bounds), np.array(offsets, dtype=np.int64)


def _pairs(level: Float64, step: float) -> NDArray[np.int32]:
    counts = np.rint(level / step).astype(np.int32)
    paired = (counts & 0xFFFF) | (np.roll(counts, -1, axis=1) << 16)
    rows, columns = level.shape
    return paired.reshape(rows // TILE, TILE, columns // TILE, TILE).transpose(0, 2, 1, 3).ravel()


def _place(row: int, column: int, columns: int) -> int:
    """Return where an element of a level lies, from where the level begins."""
    tile = row // TILE * (columns // TILE) + column // TILE
    return (tile * TILE + row % TILE) * TILE + column % TILE


def random_field(
    generator: np.random.Generator,
    side: int,
    texel_m: float,
    exponent: float,
    outer_scale_m: float,
    band_per_m: tuple[float, float],
) -> Float64:
    """Return a (side, side) Gaussian field that repeats, with part of a power spectrum.

    The spectrum falls with `exponent` of spatial frequency (cycles per metre, two-dimensional density) and is flat
    below 1 / outer_scale (von Karman's form); from it, frequencies within `band_per_m` are taken. The density is
    scaled so that the whole spectrum, up to the finest band that the caller takes, has the variance that
    `spectrum_variance` states.
    """
    frequency = np.fft.fftfreq(side, texel_m)
    square = frequency[:, None] ** 2 + np.fft.rfftfreq(side, texel_m)[None, :] ** 2
    density = (square + outer_scale_m**-2) ** (exponent / 2)
    density[(square < band_per_m[0] ** 2) | (square >= band_per_m[1] ** 2) | (square == 0)] = 0.0
    white = np.fft.rfft2(generator.standard_normal((side, side)))
    # One cell of the frequency plane holds density / (side * texel)^2; white noise has side^2 in each.
    amplitude = np.sqrt(density) / texel_m
    field: Float64 = np.fft.irfft2(white * amplitude, s=(side, side))
    return field


def spectrum_variance(exponent: float, outer_scale_m: float, highest_per_m: float) -> float:
    """Return the integral over the plane of the density that `random_field` draws from, up to a frequency."""
    low = outer_scale_m**-2
    high = low + highest_per_m**2
    power = exponent / 2 + 1
    return float(np.pi * np.log(high / low)) if power == 0 else float(np.pi * (high**power - low**power) / power)


def picture_pyramid(path: Path, picture_pixel_m: float, generator: np.random.Generator) -> Pyramid:
    """Return a picture from -1 at its lowest to +1 at its highest value, its middle at the origin, north at its top.

    Beyond its borders it goes on mirrored, so that nothing ends. Its sides become powers of two by resampling. Whole
    numbers are dithered by half a step to either side, lest steps of 8-bit pictures become contours.
    """
    from PIL import Image

    read = read_picture(path)
    values = read.astype(np.float64)
    if not np.isfinite(values).all():
        raise BadInputError(str(path), "holds values that are not finite numbers; a background needs all of them")
    low, high = float(values.min()), float(values.max())
    if low == high:
        raise BadInputError(str(path), f"is {low:g} all over; a background needs a picture with contrast")
    if read.dtype.kind in "ui":
        values += generator.uniform(-0.5, 0.5, values.shape)
    # Rows of the field grow northwards, a picture's go south.
    scaled = (values[::-1] - low) / (high - low) * 2.0 - 1.0
    mirrored = np.block([[scaled, scaled[:, ::-1]], [scaled[::-1], scaled[::-1, ::-1]]])
    rows, columns = (min(LARGEST_SIDE, max(TILE, 1 << (side - 1).bit_length())) for side in mirrored.shape)
    image = Image.fromarray(mirrored.astype(np.float32)).resize((columns, rows), Image.Resampling.BICUBIC)
    # Dither and cubics overshoot; beyond the lowest value, radiance would be negative.
    bounded = np.clip(np.asarray(image, dtype=np.float64), -1.0, 1.0)
    field = np.roll(bounded, (-(rows // 4), -(columns // 4)), axis=(0, 1))
    return pyramid(field, picture_pixel_m * mirrored.shape[0] / rows, picture_pixel_m * mirrored.shape[1] / columns)
