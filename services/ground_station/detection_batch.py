"""The narrow joint between detection and tracking: the hot points of one frame, as a dataclass of arrays."""

from dataclasses import MISSING, dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.geometry.camera import Camera

Float64 = NDArray[np.float64]
Int32 = NDArray[np.int32]


@dataclass(frozen=True)
class Detections:
    """Hot points, strongest first; every array has one entry a point.

    row, column: (n,) sub-pixel, pixel centres at whole numbers, row 0 at the top.
    covariance_px2: (n, 3) variances and covariance as row-row, row-column, column-column, pixels squared.
    snr: (n,) matched-filter signal-to-noise ratio.
    score: (n,) rank among detections, larger is surer.
    amplitude_counts: (n,) counts of the fitted point source above background, summed over pixels.
    area_px: (n,) int64 pixels above half of the peak.
    left_out: detections beyond the list's bound, counted.
    reason: why the frame could not be searched, a code such as `CONSTANT`; empty: it was searched.
    threshold_snr: signal-to-noise ratio from which a point was called a detection: the lower of the two asked for in
    even and in uneven surroundings.
    bad_pixels: pixels that told nothing (NaN, dead or stuck, marked bad) and were replaced from their neighbours.
    """

    row: Float64
    column: Float64
    covariance_px2: Float64
    snr: Float64
    score: Float64
    amplitude_counts: Float64
    area_px: NDArray[np.int64]
    left_out: int = 0
    reason: str = ""
    threshold_snr: float = 0.0
    bad_pixels: int = 0

    def __len__(self) -> int:
        return len(self.row)

    @classmethod
    def none(cls, reason: str = "", threshold_snr: float = 0.0) -> "Detections":
        """Return an empty list."""
        no, areas = np.empty(0), np.empty(0, dtype=np.int64)
        return cls(no, no, np.empty((0, 3)), no, no, no, areas, reason=reason, threshold_snr=threshold_snr)

    def only(self, which: slice | NDArray[np.bool_] | NDArray[np.integer[Any]]) -> "Detections":
        """Return the points that an index array, slice or mask (n,) picks; what is said of the frame stays."""
        return replace(self, **{name: getattr(self, name)[which] for name in self.point_arrays()})

    @classmethod
    def point_arrays(cls) -> list[str]:
        """Return the names of the arrays that have an entry a point."""
        return [each.name for each in fields(cls) if each.default is MISSING]


def renumbered(extents: Int32, keep: NDArray[np.bool_]) -> Int32:
    """Return extents, 1 + a detection's index and 0 elsewhere, as they are once only `keep` (n,) are left."""
    number = np.concatenate([[0], np.where(keep, np.cumsum(keep), 0)]).astype(np.int32)
    return np.asarray(number[extents])


@dataclass(frozen=True)
class Geometry:
    """Where the satellite was and looked at mid-exposure; GCRS, metres, m/s; rotation's columns are camera axes."""

    position_gcrs_m: Float64
    velocity_gcrs_m_per_s: Float64
    rotation_camera_to_gcrs: Float64
    camera: Camera


@dataclass(frozen=True)
class DetectionBatch:
    """All hot points of one frame and what is needed to place them.

    Instants are emulated UTC, nanoseconds since 1970. geometry: None where image coordinates are all that is known.
    arrival_unix_ns: modelled arrival at the ground station; 0: no network model was on the way.
    """

    run_id: str
    satellite_id: str
    sequence: int
    exposure_start_unix_ns: int
    readout_end_unix_ns: int
    exposure_s: float
    rows: int
    columns: int
    detections: Detections
    geometry: Geometry | None = None
    arrival_unix_ns: int = 0
    trace_id: str = field(default="", compare=False)

    @property
    def mid_exposure_unix_ns(self) -> int:
        """Middle of the exposure, to which geometry and detections refer."""
        return self.exposure_start_unix_ns + round(self.exposure_s * 0.5e9)
