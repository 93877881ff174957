"""Hot points of a frame: block noise, matched filter, constant-false-alarm threshold, local maxima, point fits."""

import math
import threading
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from services.ground_station.detection import kernels
from services.ground_station.detection.calibration import guard_half, matched_filter, psf_taps, threshold_snr
from services.ground_station.detection.measurement.kernels import measure_points
from services.ground_station.detection_batch import Detections

Counts = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]
Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

# Fewest cells, besides a point's own, from which its noise is taken.
REFERENCE_CELLS = 256
# Largest count of each type a frame may have.
FULL_SCALE = {"uint8": 255.0, "uint16": 65535.0, "float32": math.inf}
# Rounding to whole counts spreads evenly over one count.
ROUNDING_SIGMA = 1.0 / math.sqrt(12.0)
# The quick look's share of the threshold. In the smallest reference, a corner's 4 blocks, a point at threshold adds
# 3 % to its own noise.
SCREEN_SHARE = 0.9
SPOT_REACH_PX = 1.5


@dataclass(frozen=True)
class DetectionConfig:
    """How hot points are searched for."""

    # False detections per pixel of noise: one in a frame of 1024 x 1024.
    pfa: float = 1e-6
    # Standard deviation of the point-spread function where the camera does not state its own: nearly a pixel.
    psf_sigma_px: float = 0.7
    # Strongest detections kept; a frame with more is not noise but a wrong threshold, and must not stop the chain.
    max_detections: int = 10_000
    # Counts from which a pixel is taken as saturated; 0: the largest value of the frame's type.
    saturation_counts: float = 0.0

    def __post_init__(self) -> None:
        if not 1e-15 <= self.pfa <= 1e-2:
            raise ValueError(f"pfa is {self.pfa:g}, not within 1e-15 to 0.01 false detections per pixel")
        if not 0.3 <= self.psf_sigma_px <= 3.0:
            raise ValueError(f"psf_sigma_px is {self.psf_sigma_px:g}, not within 0.3 to 3 pixels")
        if not 1 <= self.max_detections <= 100_000:
            raise ValueError(f"max_detections is {self.max_detections}, not within 1 to 100000")
        if not 0 <= self.saturation_counts < math.inf:
            raise ValueError(f"saturation_counts is {self.saturation_counts:g} and must be 0 or more, and finite")


@dataclass(frozen=True)
class _Filter:
    """The matched filter of one point-spread function, as the kernels take it."""

    sigma_px: float
    reach: int
    box_half: int
    guard: int
    taps: Float32
    mean_weight: np.float32
    # Standard deviation of the response for noise of one count a pixel.
    gain: float
    largest_point_px: int

    @property
    def smallest_side(self) -> int:
        """Return the side of the smallest square with REFERENCE_CELLS besides a point's own."""
        return math.ceil(math.sqrt(REFERENCE_CELLS + (2 * self.guard + 1) ** 2))

    @classmethod
    def of(cls, sigma_px: float) -> "_Filter":
        reach = max(1, round(SPOT_REACH_PX * sigma_px))
        box_half = reach + 2
        taps = psf_taps(sigma_px, reach)
        weights = matched_filter(sigma_px, reach, box_half)
        # The kernel takes a point-spread function less its mean: bring both to the filter's scale.
        scale = math.sqrt(float(weights[box_half, box_half] - weights[0, 0])) / taps[0]
        blurred = sigma_px**2 + 1.0 / 12.0
        return cls(
            sigma_px=sigma_px,
            reach=reach,
            box_half=box_half,
            guard=guard_half(reach, box_half),
            taps=(taps * scale).astype(np.float32),
            mean_weight=np.float32(-weights[0, 0]),
            gain=float(np.sqrt(np.sum(weights**2))),
            # Four times what a point covers above half of its peak, pi * 2 ln 2 * sigma^2.
            largest_point_px=max(9, math.ceil(4.0 * math.pi * 2.0 * math.log(2.0) * blurred)),
        )


@dataclass
class _Workspace:
    """Arrays of one frame size, used again for every frame of one thread; `label` is all zeros between frames."""

    rows: int
    columns: int
    box_half: int
    strip: Float32 = field(init=False)
    lines: Float32 = field(init=False)

    def __post_init__(self) -> None:
        width = self.columns + 2 * self.box_half
        self.strip = np.empty((2 * kernels.BLOCK - 1 + 2 * self.box_half, width), dtype=np.float32)
        self.lines = np.empty((3, width), dtype=np.float32)
        self.response = np.empty((self.rows, self.columns), dtype=np.float32)
        blocks = (self.rows // kernels.BLOCK, self.columns // kernels.BLOCK)
        self.block_sum, self.noise_sum, self.block_limit = (np.empty(blocks) for _ in range(3))
        self.block_threshold = np.empty(blocks, dtype=np.float32)
        most = self.rows * self.columns // 4 + 1
        self.place = np.empty(most, dtype=np.int32)
        self.snr, self.noise = (np.empty(most, dtype=np.float32) for _ in range(2))
        self.label = np.zeros((self.rows, self.columns), dtype=np.int32)
        self.cells = np.empty(self.rows * self.columns, dtype=np.int32)


class Detector:
    """Finds hot points in frames of any size; may be called from several threads at once."""

    def __init__(self, config: DetectionConfig | None = None) -> None:
        self.config = config or DetectionConfig()
        self._per_thread = threading.local()
        self._filters: dict[float, _Filter] = {}

    def detect(self, counts: Counts, psf_sigma_px: float | None = None) -> Detections:
        """Return the frame's hot points.

        counts: (rows, columns) uint8, uint16 or float32. psf_sigma_px: of this camera; None or 0: the configured.

        A frame that cannot be searched comes back empty with a reason: WRONG_SHAPE, WRONG_TYPE, TOO_SMALL (a
        square of its shorter side lacks the reference cells), CONSTANT, or NOT_FINITE (NaN or infinity in it).
        """
        return self.detect_with_mask(counts, psf_sigma_px, want_mask=False)[0]

    def detect_with_mask(
        self, counts: Counts, psf_sigma_px: float | None = None, *, want_mask: bool = True
    ) -> tuple[Detections, NDArray[np.bool_] | None]:
        """Return the frame's hot points and which pixels they cover above half of their peaks."""
        spot = self._filter(psf_sigma_px or self.config.psf_sigma_px)
        reason = _unfit(counts, spot)
        if reason:
            return _nothing(reason), None
        if not counts.flags.c_contiguous:
            counts = counts.copy(order="C")
        work = self._workspace(counts.shape[0], counts.shape[1], spot.box_half)
        threshold = threshold_snr(self.config.pfa, spot.sigma_px, spot.reach, spot.box_half)
        bias, rounding = _rounding(counts)
        floor = rounding * spot.gain
        kernels.filter_frame(
            counts,
            np.float32(bias),
            spot.taps,
            spot.box_half,
            spot.mean_weight,
            work.strip,
            work.lines,
            work.response,
            work.block_sum,
        )
        total = float(work.block_sum.sum())
        if not math.isfinite(total):
            return _nothing("NOT_FINITE", threshold), None
        if total == 0.0:
            return _nothing("CONSTANT", threshold), None
        kernels.estimate_noise(
            work.response,
            work.block_sum,
            floor,
            SCREEN_SHARE * threshold,
            work.noise_sum,
            work.block_limit,
            work.block_threshold,
        )
        found = kernels.find_peaks(
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
        return self._measure(counts, work, spot, found, threshold, want_mask=want_mask)

    def _measure(
        self, counts: Counts, work: _Workspace, spot: _Filter, found: int, threshold: float, *, want_mask: bool
    ) -> tuple[Detections, NDArray[np.bool_] | None]:
        # Strongest first; among equals the first in reading order, so that the same frame gives the same list.
        order = np.argsort(-work.snr[:found], kind="stable")[: self.config.max_detections]
        peaks = work.place[order].astype(np.int64)
        snr = work.snr[order].astype(np.float64)
        pixel_noise = work.noise[order].astype(np.float64) / spot.gain
        measures = np.empty((len(peaks), 6))
        area = np.empty(len(peaks), dtype=np.int64)
        used = measure_points(
            counts,
            peaks,
            pixel_noise,
            spot.sigma_px,
            self._saturation(counts),
            spot.reach + 1,
            spot.largest_point_px,
            work.label,
            work.cells,
            measures,
            area,
        )
        mask = work.label > 0 if want_mask else None
        work.label.ravel()[work.cells[:used]] = 0
        own = area > 0
        measures = measures[own]
        detections = Detections(
            row=measures[:, 0].copy(),
            column=measures[:, 1].copy(),
            covariance_px2=measures[:, 2:5].copy(),
            snr=snr[own],
            score=snr[own],
            amplitude_counts=measures[:, 5].copy(),
            area_px=area[own],
            left_out=found - len(peaks),
            threshold_snr=threshold,
        )
        return detections, mask

    def _saturation(self, counts: Counts) -> float:
        if self.config.saturation_counts > 0:
            return self.config.saturation_counts
        return FULL_SCALE[counts.dtype.name]

    def _filter(self, sigma_px: float) -> _Filter:
        if sigma_px not in self._filters:
            if not 0.3 <= sigma_px <= 3.0:
                raise ValueError(f"psf_sigma_px is {sigma_px:g}, not within 0.3 to 3 pixels")
            self._filters[sigma_px] = _Filter.of(sigma_px)
        return self._filters[sigma_px]

    def _workspace(self, rows: int, columns: int, box_half: int) -> _Workspace:
        work: _Workspace | None = getattr(self._per_thread, "work", None)
        if work is None or (work.rows, work.columns, work.box_half) != (rows, columns, box_half):
            work = _Workspace(rows, columns, box_half)
            self._per_thread.work = work
        return work


def _unfit(counts: Counts, spot: _Filter) -> str:
    if not isinstance(counts, np.ndarray) or counts.ndim != 2:
        return "WRONG_SHAPE"
    if counts.dtype.name not in FULL_SCALE:
        return "WRONG_TYPE"
    return "TOO_SMALL" if min(counts.shape) < spot.smallest_side else ""


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
