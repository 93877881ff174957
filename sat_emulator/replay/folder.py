"""A folder of recorded images as what a satellite's camera saw."""

import math
from pathlib import Path

import natsort

from sat_emulator.frame import Frame
from sat_emulator.replay.images import list_images, read_image
from services.geometry.camera import Camera
from services.geometry.time import NS_PER_S
from services.runtime.errors import BadInputError


class FolderSource:
    """A FrameSource of one folder's images, in natural order, at a stated rate.

    Exposure k starts at start + k / rate and its read-out ends when the next one starts, for nothing better is known
    of the camera. Frames may change in size. An image that cannot be read fails for its own frame alone.
    """

    def __init__(
        self,
        folder: Path,
        rate_hz: float,
        start_unix_ns: int,
        end_unix_ns: int | None = None,
        psf_sigma_px: float = 0.0,
        loop: bool = False,
    ) -> None:
        """`end_unix_ns`: no exposure starts then or later; left out: after the last image. `loop` needs it."""
        if loop and end_unix_ns is None:
            raise ValueError("a loop without an end would never end; give end_unix_ns")
        self._images = list_images(folder)
        self._rate_hz = rate_hz
        self._start_unix_ns = start_unix_ns
        self._camera = Camera("unknown", 0.0, 0.0, 0.0, psf_sigma_px=psf_sigma_px)
        self._length = len(self._images)
        if end_unix_ns is not None:
            fitting = max(0, math.ceil((end_unix_ns - start_unix_ns) * rate_hz / NS_PER_S - 1e-9))
            self._length = fitting if loop else min(fitting, self._length)

    def __len__(self) -> int:
        """Return how many frames the run has."""
        return self._length

    def image_path(self, sequence: int) -> Path:
        """Return the file behind a frame."""
        if not 0 <= sequence < self._length:
            raise IndexError(f"frame {sequence} of {self._length}")
        return self._images[sequence % len(self._images)]

    def readout_end_unix_ns(self, sequence: int) -> int:
        """Return when the frame can first leave the satellite, emulated UTC."""
        return self._exposure_start_unix_ns(sequence + 1)

    def frame(self, sequence: int) -> Frame:
        """Return one frame; BadInputError names an image that cannot be read."""
        return Frame(
            sequence,
            self._exposure_start_unix_ns(sequence),
            self.readout_end_unix_ns(sequence),
            0.0,
            read_image(self.image_path(sequence)),
            camera=self._camera,
        )

    def _exposure_start_unix_ns(self, sequence: int) -> int:
        return self._start_unix_ns + round(sequence / self._rate_hz * NS_PER_S)


def find_sequences(path: Path) -> list[Path]:
    """Return the recorded sequences at a path: itself where it holds images, else its sub-folders that do.

    In natural order of their names: a satellite each.
    """
    try:
        list_images(path)
    except BadInputError:
        if not path.is_dir():
            raise
    else:
        return [path]
    folders = natsort.natsorted((entry for entry in path.iterdir() if entry.is_dir()), key=lambda entry: entry.name)
    found = [folder for folder in folders if _has_images(folder)]
    if not found:
        raise BadInputError(str(path), "neither the folder nor a folder in it holds an image")
    return found


def _has_images(folder: Path) -> bool:
    try:
        return bool(list_images(folder))
    except BadInputError:
        return False
