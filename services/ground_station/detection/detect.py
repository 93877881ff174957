"""Hot points of a frame: block noise, matched filter, constant-false-alarm threshold, local maxima, point fits."""

import math
import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.ground_station.detection import kernels
from services.ground_station.detection.calibration import threshold_snr
from services.ground_station.detection.measurement.kernels import measure_points
from services.ground_station.detection.spot import SpotFilter
from services.ground_station.detection.workspace import Workspace
from services.ground_station.detection_batch import Detections

Counts = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]
Float32 = NDArray[np.float32]
Int32 = NDArray[np.int32]

# Largest count of each type a frame may have.
FULL_SCALE = {"uint8": 255.0, "uint16": 65535.0, "float32": math.inf}
# Rounding to whole counts spreads evenly over one count.
ROUNDING_SIGMA = 1.0 / math.sqrt(12.0)
# The quick look's share of the threshold. In the smallest reference, a corner's 4 blocks, a point at threshold adds
# 3 % to its own noise.
SCREEN_SHARE = 0.9


@dataclass(frozen=True)
class DetectionConfig:
    """How hot points are searched for."""

    # False detections per pixel of noise: one in a frame of 1024 x 1024.
    pfa: float = 1e-6
    # Signal-to-noise ratio asked for at least, whatever pfa says; 0: what pfa says. For clutter, which is not Gaussian.
    least_snr: float = 0.0
    # Standard deviation of the point-spread function where the camera does not state its own: nearly a pixel.
    psf_sigma_px: float = 0.7
    # Strongest detections kept; a frame with more is not noise but a wrong threshold, and must not stop the chain.
    max_detections: int = 10_000
    # What covers more pixels is scenery, such as a cloud's edge; 12 x 12 px.
    max_area_px: int = 150
    # Where a point's extent ends, from its surroundings (0) to its peak (1). People draw targets wider than at half:
    # on recorded images with masks drawn by hand, 0.4 overlaps them best.
    extent_level: float = 0.4
    # Counts from which a pixel is taken as saturated; 0: the largest value of the frame's type.
    saturation_counts: float = 0.0

    def __post_init__(self) -> None:
        if not 1e-15 <= self.pfa <= 1e-2:
            raise ValueError(f"pfa is {self.pfa:g}, not within 1e-15 to 0.01 false detections per pixel")
        if not 0 <= self.least_snr < 1e6:
            raise ValueError(f"least_snr is {self.least_snr:g}, not within 0 to 1e6")
        SpotFilter.of(self.psf_sigma_px)
        if not 1 <= self.max_detections <= 100_000:
            raise ValueError(f"max_detections is {self.max_detections}, not within 1 to 100000")
        if not 1 <= self.max_area_px <= 900:
            raise ValueError(f"max_area_px is {self.max_area_px}, not within 1 to 900")
        if not 0.1 <= self.extent_level <= 0.9:
            raise ValueError(f"extent_level is {self.extent_level:g}, not within 0.1 to 0.9")
        if not 0 <= self.saturation_counts < math.inf:
            raise ValueError(f"saturation_counts is {self.saturation_counts:g} and must be 0 or more, and finite")


class Detector:
    """Finds hot points in frames of any size; may be called from several threads at once."""

    def __init__(self, config: DetectionConfig | None = None) -> None:
        self.config = config or DetectionConfig()
        self._per_thread = threading.local()
        self._filters: dict[float, SpotFilter] = {}

    def detect(
        self, counts: Counts, psf_sigma_px: float | None = None, *, scene_response: Float32 | None = None
    ) -> Detections:
        """Return the frame's hot points.

        counts: (rows, columns) uint8, uint16 or float32. psf_sigma_px: of this camera; None or 0: the configured.
        scene_response: (rows, columns) what the scene alone makes the matched filter say, counts, to be taken out;
        NaN where that is unknown: not searched there.

        A frame that cannot be searched comes back empty with a reason: WRONG_SHAPE, WRONG_TYPE, TOO_SMALL (a
        square of its shorter side lacks the reference cells), CONSTANT, or NOT_FINITE (NaN or infinity in it).
        """
        return self._detect(counts, psf_sigma_px, scene_response, want_extents=False)[0]

    def detect_with_extents(
        self, counts: Counts, psf_sigma_px: float | None = None, *, scene_response: Float32 | None = None
    ) -> tuple[Detections, Int32]:
        """Return what `detect` does, and which pixels each point covers down to `extent_level`.

        Extents are (rows, columns): 1 + the detection's index, 0 elsewhere.
        """
        detections, extents = self._detect(counts, psf_sigma_px, scene_response, want_extents=True)
        return detections, np.zeros(counts.shape, dtype=np.int32) if extents is None else extents

    def response(self, counts: Counts, psf_sigma_px: float | None = None) -> Float32 | None:
        """Return the matched filter's output, counts, (rows, columns); None for a frame that cannot be searched."""
        spot = self._filter(psf_sigma_px)
        if _unfit(counts, spot):
            return None
        work, _ = self._respond(counts, spot)
        return work.response.copy() if math.isfinite(float(work.block_sum.sum())) else None

    def _detect(
        self, counts: Counts, psf_sigma_px: float | None, scene_response: Float32 | None, *, want_extents: bool
    ) -> tuple[Detections, Int32 | None]:
        spot = self._filter(psf_sigma_px)
        reason = _unfit(counts, spot)
        if reason:
            return _nothing(reason), None
        counts = _native(counts)
        threshold = max(threshold_snr(self.config.pfa, spot.sigma_px, spot.reach, spot.box_half), self.config.least_snr)
        work, rounding = self._respond(counts, spot)
        total = float(work.block_sum.sum())
        if not math.isfinite(total):
            return _nothing("NOT_FINITE", threshold), None
        if total == 0.0:
            return _nothing("CONSTANT", threshold), None
        if scene_response is not None:
            if scene_response.shape != counts.shape:
                raise ValueError(f"scene_response has shape {scene_response.shape}, the frame {counts.shape}")
            kernels.subtract_scene(np.ascontiguousarray(scene_response, np.float32), work.response, work.block_sum)
        found = self._search(work, spot, rounding * spot.gain, threshold)
        return self._measure(counts, work, spot, found, threshold, want_extents=want_extents)

    def _respond(self, counts: Counts, spot: SpotFilter) -> tuple[Workspace, float]:
        """Return the work space with the frame's response, and the noise that rounding of counts leaves a pixel."""
        work = self._workspace(counts.shape[0], counts.shape[1], spot.box_half)
        bias, rounding = _rounding(counts)
        kernels.filter_frame(
            _native(counts),
            np.float32(bias),
            spot.taps,
            spot.box_half,
            spot.mean_weight,
            work.strip,
            work.lines,
            work.response,
            work.block_sum,
        )
        return work, rounding

    @staticmethod
    def _search(work: Workspace, spot: SpotFilter, floor: float, threshold: float) -> int:
        kernels.estimate_noise(
            work.response,
            work.block_sum,
            floor,
            SCREEN_SHARE * threshold,
            work.noise_sum,
            work.block_limit,
            work.block_threshold,
        )
        found: int = kernels.find_peaks(
            work.response,
            work.noise_sum,
            work.block_limit,
            work.block_threshold,
            floor,
            threshold,
            spot.guard,
            work.strip[0],
            work.place,
            work.snr,
            work.noise,
        )
        return found

    def _measure(
        self, counts: Counts, work: Workspace, spot: SpotFilter, found: int, threshold: float, *, want_extents: bool
    ) -> tuple[Detections, Int32 | None]:
        # Strongest first; among equals the first in reading order, so that the same frame gives the same list.
        order = np.argsort(-work.snr[:found], kind="stable")[: self.config.max_detections]
        snr = work.snr[order].astype(np.float64)
        measures = np.empty((len(order), 6))
        area = np.empty(len(order), dtype=np.int64)
        used = measure_points(
            counts,
            work.place[order].astype(np.int64),
            work.noise[order].astype(np.float64) / spot.gain,
            spot.sigma_px,
            self.config.saturation_counts or FULL_SCALE[counts.dtype.name],
            spot.reach + 1,
            spot.largest_point_px,
            self.config.max_area_px,
            self.config.extent_level,
            work.label,
            work.cells,
            measures,
            area,
        )
        own = area > 0
        number = np.concatenate([[0], np.where(own, np.cumsum(own), 0)]).astype(np.int32)
        extents = number[work.label] if want_extents else None
        work.label.ravel()[work.cells[:used]] = 0
        detections = Detections(
            row=measures[own, 0],
            column=measures[own, 1],
            covariance_px2=measures[own, 2:5],
            snr=snr[own],
            score=snr[own],
            amplitude_counts=measures[own, 5],
            area_px=area[own],
            left_out=found - len(order),
            threshold_snr=threshold,
        )
        return detections, extents

    def _filter(self, psf_sigma_px: float | None) -> SpotFilter:
        sigma_px = psf_sigma_px or self.config.psf_sigma_px
        if sigma_px not in self._filters:
            self._filters[sigma_px] = SpotFilter.of(sigma_px)
        return self._filters[sigma_px]

    def _workspace(self, rows: int, columns: int, box_half: int) -> Workspace:
        work: Workspace | None = getattr(self._per_thread, "work", None)
        if work is None or work.key != (rows, columns, box_half):
            work = Workspace(rows, columns, box_half)
            self._per_thread.work = work
        return work


def _unfit(counts: Counts, spot: SpotFilter) -> str:
    if not isinstance(counts, np.ndarray) or counts.ndim != 2:
        return "WRONG_SHAPE"
    if counts.dtype.name not in FULL_SCALE:
        return "WRONG_TYPE"
    return "TOO_SMALL" if min(counts.shape) < spot.smallest_side else ""


def _native(counts: Counts) -> Counts:
    """Return the same counts as the kernels take them: in rows, aligned, in this machine's byte order."""
    if counts.flags.c_contiguous and counts.flags.aligned and counts.dtype.isnative:
        return counts
    return counts.astype(counts.dtype.newbyteorder("="), order="C")  # type: ignore[return-value]


def _rounding(counts: Counts) -> tuple[float, float]:
    """Return a typical count, to take out before single precision rounds, and the noise that rounding leaves."""
    sample = counts[:: max(1, counts.shape[0] // 16), :: max(1, counts.shape[1] // 16)]
    typical = float(np.median(sample))
    if counts.dtype != np.float32:
        return typical, ROUNDING_SIGMA
    if not math.isfinite(typical):
        return 0.0, 0.0
    largest = float(np.max(np.abs(sample), where=np.isfinite(sample), initial=0.0))
    return typical, float(np.finfo(np.float32).eps) * largest


def _nothing(reason: str, threshold: float = 0.0) -> Detections:
    empty = np.empty(0)
    return Detections(
        row=empty,
        column=empty,
        covariance_px2=np.empty((0, 3)),
        snr=empty,
        score=empty,
        amplitude_counts=empty,
        area_px=np.empty(0, dtype=np.int64),
        reason=reason,
        threshold_snr=threshold,
    )
