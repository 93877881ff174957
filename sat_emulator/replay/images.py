"""The recorded images that a path names, and how each is read."""

from pathlib import Path

import natsort

from sat_emulator.images import Counts, read_image
from services.runtime.errors import BadInputError

__all__ = ["Counts", "list_images", "read_image"]

SUFFIXES = (".png", ".tif", ".tiff", ".npy")


def list_images(path: Path) -> list[Path]:
    """Return the images that `path` names: itself, or a folder's in natural order (2 before 10).

    Hidden files are passed over. Raises BadInputError where there is nothing to read.
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise BadInputError(str(path), "no such file or folder")
    found = [
        entry
        for entry in path.iterdir()
        if entry.suffix.lower() in SUFFIXES and not entry.name.startswith(".") and entry.is_file()
    ]
    if not found:
        raise BadInputError(str(path), "the folder holds no image; looked for " + ", ".join(SUFFIXES))
    return natsort.natsorted(found, key=lambda entry: entry.name)
