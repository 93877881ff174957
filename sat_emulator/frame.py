"""A frame before it meets the network, and what every source of frames offers."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from services.geometry.camera import Camera


@dataclass(frozen=True)
class Pose:
    """Where the camera was and where it looked at mid-exposure, GCRS, metres and m/s.

    rotation_camera_to_gcrs: (3, 3); its columns are the camera's x (growing columns), y (growing rows) and z
    (boresight) axes in GCRS.
    """

    position_gcrs_m: NDArray[np.float64]
    velocity_gcrs_m_per_s: NDArray[np.float64]
    rotation_camera_to_gcrs: NDArray[np.float64]


@dataclass(frozen=True)
class Frame:
    """One image and what its satellite knows of it.

    counts: (rows, columns), uint8, uint16 or float32.
    pose, camera: None where the satellite cannot say (recorded images of an unknown camera).
    """

    sequence: int
    exposure_start_unix_ns: int
    readout_end_unix_ns: int
    exposure_s: float
    counts: NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]
    band_lower_m: float = 0.0
    band_upper_m: float = 0.0
    pose: Pose | None = None
    camera: Camera | None = None


class FrameSource(Protocol):
    """What a satellite streams. A frame is a pure function of its sequence number.

    So nothing needs to be kept for sending again: after an outage of any length the sender asks once more for the
    frames that nobody acknowledged, and gets the same bytes.
    """

    def __len__(self) -> int:
        """Return how many frames the run has."""

    def readout_end_unix_ns(self, sequence: int) -> int:
        """Return when frame `sequence` can first leave the satellite, emulated UTC, without making it."""

    def frame(self, sequence: int) -> Frame:
        """Return frame `sequence`, 0 <= sequence < len(self)."""
