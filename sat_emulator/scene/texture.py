"""Fields without seams, and their averages over ever larger cells."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.runtime.errors import BadInputError

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

# A mirrored picture is resampled to at most this many elements a side, so that it stays within caches and memory.
LARGEST_SIDE = 4096


@dataclass(frozen=True)
class Pyramid:
    """A field that repeats, level on level, each the 2 x 2 average of the one before; all in one flat array.

    offset, rows, columns: (levels,); rows and columns are powers of two. texel_m: (2,) size of an element of
    the first level along rows' and columns' directions.
    """

    values: Float32
    offset: NDArray[np.uint32]
    rows: NDArray[np.uint32]
    columns: NDArray[np.uint32]
    texel_m: Float64


def pyramid(field: Float64, row_texel_m: float, column_texel_m: float) -> Pyramid:
    """Return the levels of a field whose sides are powers of two."""
    levels = [np.asarray(field, dtype=np.float64)]
    while min(levels[-1].shape) > 1:
        last = levels[-1]
        levels.append((last[::2, ::2] + last[1::2, ::2] + last[::2, 1::2] + last[1::2, 1::2]) / 4)
    sizes = [level.size for level in levels]
    return Pyramid(
        np.concatenate([level.ravel() for level in levels]).astype(np.float32),
        np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.uint32),
        np.array([level.shape[0] for level in levels], dtype=np.uint32),
        np.array([level.shape[1] for level in levels], dtype=np.uint32),
        np.array([row_texel_m, column_texel_m]),
    )


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
    """Return a picture from -2 at its lowest to +2 at its highest value, its middle at the origin, north at its top.

    Beyond its borders it goes on mirrored, so that nothing ends. Its sides become powers of two by resampling. Whole
    numbers are dithered by half a step to either side, lest steps of 8-bit pictures become contours.
    """
    from PIL import Image

    read = _read(path)
    values = read.astype(np.float64)
    if not np.isfinite(values).all():
        raise BadInputError(str(path), "holds values that are not finite numbers; a background needs all of them")
    low, high = float(values.min()), float(values.max())
    if low == high:
        raise BadInputError(str(path), f"is {low:g} all over; a background needs a picture with contrast")
    if read.dtype.kind in "ui":
        values += generator.uniform(-0.5, 0.5, values.shape)
    # Rows of the field grow northwards, a picture's go south.
    scaled = np.clip((values[::-1] - low) / (high - low), 0, 1) * 4.0 - 2.0
    mirrored = np.block([[scaled, scaled[:, ::-1]], [scaled[::-1], scaled[::-1, ::-1]]])
    rows, columns = (min(LARGEST_SIDE, 1 << (side - 1).bit_length()) for side in mirrored.shape)
    image = Image.fromarray(mirrored.astype(np.float32)).resize((columns, rows), Image.Resampling.BICUBIC)
    field = np.roll(np.asarray(image, dtype=np.float64), (-(rows // 4), -(columns // 4)), axis=(0, 1))
    return pyramid(field, picture_pixel_m * mirrored.shape[0] / rows, picture_pixel_m * mirrored.shape[1] / columns)


def _read(path: Path) -> NDArray[np.generic]:
    """Return a picture's values, (rows, columns); colour becomes luminance."""
    try:
        if path.suffix.lower() == ".npy":
            values: NDArray[np.generic] = np.load(path, allow_pickle=False)
        else:
            from PIL import Image

            with Image.open(path) as image:
                colour = image.mode in {"RGB", "RGBA", "P", "CMYK", "YCbCr", "LA"}
                values = np.asarray(image.convert("L") if colour else image)
    except FileNotFoundError as error:
        raise BadInputError(str(path), "no such file; background.picture is relative to the scenario file") from error
    except (OSError, ValueError, SyntaxError) as error:
        raise BadInputError(str(path), f"cannot be read as a picture (PNG, TIFF or NPY): {error}") from error
    if values.ndim != 2 or min(values.shape) < 2 or values.dtype.kind not in "uif":
        raise BadInputError(
            str(path), f"has shape {values.shape} of {values.dtype}; a background is one channel of numbers, 2 x 2 up"
        )
    return values
