"""Reading images, recorded ones and backgrounds: PNG, TIFF and NPY, told apart by their content, not by their names."""

import struct
import tokenize
import warnings
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from services.runtime.errors import BadInputError

Counts = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]

NPY_MAGIC = b"\x93NUMPY"
# Sixteen times the largest sensor of a scenario (4096 x 4096); a header that claims more is damaged or hostile.
MAX_PIXELS = 16 * 4096 * 4096


def read_image(path: Path) -> Counts:
    """Return the counts of a grey image, (rows, columns), C order, as uint8, uint16 or float32.

    8 and 16 bit stay what they are; one bit becomes 0 and 255; other integers become uint16 where they fit and
    float32 where they do not; floats become float32, with their NaN. Colour whose channels are equal is grey; any
    other colour becomes its luma, 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601), rounded. Transparency is ignored.

    Raises BadInputError, naming the path, for a file that is missing, truncated, damaged, of another type, of
    several pages, or not two-dimensional.
    """
    try:
        with path.open("rb") as file:
            magic = file.read(len(NPY_MAGIC))
        return _read_npy(path) if magic == NPY_MAGIC else _read_picture(path)
    except FileNotFoundError as error:
        raise BadInputError(str(path), "no such file") from error
    except IsADirectoryError as error:
        raise BadInputError(str(path), "is a folder, not an image") from error
    except PermissionError as error:
        raise BadInputError(str(path), "may not be read; check its permissions") from error
    # What the readers raise for damaged files, found by truncating and flipping bytes of good ones.
    except (OSError, SyntaxError, ValueError, EOFError, TypeError, KeyError, IndexError) as error:
        raise BadInputError(str(path), f"cannot be read as an image: {_one_line(error)}") from error
    except (MemoryError, OverflowError, struct.error, tokenize.TokenError, zlib.error) as error:
        raise BadInputError(str(path), f"cannot be read as an image: {_one_line(error)}") from error


def _read_npy(path: Path) -> Counts:
    # Mapping compares the header's claim with the file's length before any memory is taken.
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    if array.ndim != 2:
        raise BadInputError(
            str(path), f"holds an array of shape {array.shape}, not (rows, columns); write one image a file"
        )
    return _as_counts(np.array(array), path)


def _read_picture(path: Path) -> Counts:
    try:
        with warnings.catch_warnings():
            # Our own bound on size, in _check_size, takes the place of Pillow's warning.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(path, formats=("PNG", "TIFF"))
    except UnidentifiedImageError as error:
        raise BadInputError(str(path), "is not PNG, TIFF or NPY, or its header is damaged") from error
    except Image.DecompressionBombError as error:
        raise BadInputError(str(path), f"claims more than {MAX_PIXELS} pixels") from error
    with picture:
        pages = getattr(picture, "n_frames", 1)
        if pages != 1:
            raise BadInputError(str(path), f"holds {pages} pages; write one image a file")
        if picture.width * picture.height > MAX_PIXELS:
            raise BadInputError(str(path), f"claims {picture.width} x {picture.height} pixels, more than {MAX_PIXELS}")
        picture.load()
        if picture.mode in ("1", "P", "PA", "LA", "La", "RGBa", "RGBX", "CMYK", "YCbCr", "LAB", "HSV"):
            return _grey(np.asarray(picture.convert("RGB")))
        array = np.asarray(picture)
        return _grey(array[..., :3]) if array.ndim == 3 else _as_counts(array, path)


def _grey(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the channel where all three are equal, else the luma of ITU-R BT.601, section 2.5.1."""
    red = rgb[..., 0]
    if np.array_equal(red, rgb[..., 1]) and np.array_equal(red, rgb[..., 2]):
        return np.ascontiguousarray(red)
    luma = rgb @ np.array([0.299, 0.587, 0.114])
    return np.asarray(np.rint(luma), dtype=np.uint8)


def _as_counts(array: NDArray[np.generic], path: Path) -> Counts:
    kind = array.dtype.kind
    if array.size == 0:
        raise BadInputError(str(path), f"is an empty image of shape {array.shape}")
    if kind == "b":
        return np.where(array, 255, 0).astype(np.uint8)
    if kind == "f":
        with np.errstate(over="ignore"):
            return np.ascontiguousarray(array, dtype=np.float32)
    if kind not in "iu":
        raise BadInputError(str(path), f"holds values of type {array.dtype}, not numbers of counts")
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array, dtype=np.uint8)
    if int(array.min()) >= 0 and int(array.max()) <= 65535:
        return np.ascontiguousarray(array, dtype=np.uint16)
    return np.ascontiguousarray(array, dtype=np.float32)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
