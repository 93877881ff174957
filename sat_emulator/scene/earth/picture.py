"""Reading pictures that are to be draped on the Earth: PNG, TIFF, NPY, and GINI as weather services distribute it."""

import importlib
import os
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sat_emulator.images import Counts, read_image
from services.runtime.errors import BadInputError

# Infrared counts of GOES images fall with brightness temperature B, in two straight lines: T = (660 - B) / 2 up to a
# count of 176 and 418 - B beyond (kelvin; J. D. Clark, "The GOES User's Guide", NOAA/NESDIS (1983)). Half a kelvin is
# the finest step, and both are whole numbers of it.
WARM_ZERO_HALF_K = 660
COLD_ZERO_HALF_K = 836
LAST_WARM_COUNT = 176
# Counts that say that nothing was seen there: beyond the sector's or the Earth's edge, and MetPy's `missing`.
NOTHING_SEEN = (0, 255)
# What MetPy raises over a file that is damaged, or no GINI file at all.
MALFORMED = (ValueError, KeyError, IndexError, OSError, EOFError, struct.error, zlib.error)


def read_picture(path: Path) -> Counts:
    """Return a picture's values, (rows, columns), the higher the warmer, as `images.read_image` does.

    Counts of GINI's infrared and water vapour channels, which show cold as bright, become brightness temperature in
    half kelvins; where they saw nothing stands the median of what they saw.

    Raises BadInputError for a file that is missing, damaged, of another kind or shape, and for GINI without MetPy.
    """
    if not path.exists():
        raise BadInputError(str(path), "no such file; background.picture is relative to the scenario file")
    gini = ".gini" in (suffix.lower() for suffix in path.suffixes)
    values: Counts = _read_gini(path) if gini else read_image(path)
    if min(values.shape) < 2:
        raise BadInputError(str(path), f"has shape {values.shape}; a background is 2 x 2 and larger")
    return values


def half_kelvins(counts: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Return the brightness temperature of GOES infrared counts, in units of half a kelvin, of the same shape."""
    wide = counts.astype(np.int32)
    warm = wide <= LAST_WARM_COUNT
    return np.where(warm, WARM_ZERO_HALF_K - wide, COLD_ZERO_HALF_K - 2 * wide).astype(np.uint16)


def _read_gini(path: Path) -> NDArray[np.uint8] | NDArray[np.uint16]:
    # By name, because MetPy is an extra: most never need it, and it takes a second to load.
    try:
        gini = importlib.import_module("metpy.io.gini")
    except ModuleNotFoundError as error:
        raise BadInputError(
            str(path),
            "is a GINI file, which takes MetPy to read; install Plumewatch with its extra `gini` "
            '(pip install "plumewatch[gini]")',
        ) from error
    if not os.access(path, os.R_OK):
        # Below, an OSError says that it is damaged.
        raise BadInputError(str(path), "may not be read; check its permissions")
    try:
        file = gini.GiniFile(str(path))
        counts = np.asarray(file.data, dtype=np.uint8)
        channel = str(file.prod_desc.channel)
    except MALFORMED as error:
        raise BadInputError(str(path), f"cannot be read as a GINI file: {error}") from error
    if not channel.startswith(("IR", "WV")):
        return counts
    seen = ~np.isin(counts, NOTHING_SEEN)
    if not seen.any():
        raise BadInputError(str(path), f"shows nothing in its channel, {channel}")
    temperatures = half_kelvins(counts)
    temperatures[~seen] = round(float(np.median(temperatures[seen])))
    return temperatures
