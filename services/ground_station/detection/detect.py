"""Hot points of a frame: block noise, matched filter, constant-false-alarm threshold, local maxima, point fits."""

import math
import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.ground_station.detection import kernels
from services.ground_station.detection.calibration import Thresholds, psf_taps, thresholds
from services.ground_station.detection.correction import PixelCorrection
from services.ground_station.detection.frame import FULL_SCALE, Counts, Frame, prepare, replace_bad, unfit
from services.ground_station.detection.matched.kernels import filter_frame
from services.ground_station.detection.measurement.kernels import measure_points
from services.ground_station.detection.refinement.kernels import compare_levels, keep_single_pixels, refine_peaks
from services.ground_station.detection.spot import SMALLEST_SIGMA_PX, SpotFilter
from services.ground_station.detection.workspace import Workspace
from services.ground_station.detection_batch import Detections, renumbered

Float32 = NDArray[np.float32]
Int32 = NDArray[np.int32]

# Further looks at a frame in which single bad pixels were found; each costs as much as the first.
MORE_LOOKS = 3
# Share of the threshold from which a maximum of the response is looked at again, were the narrow level as good as the
# wide one.
SCREEN_SHARE = 0.73


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
    # Standard deviation of the sharpest point-spread function the optics may have: what has less light beside it is a
    # bad pixel, left out and replaced. 0.3 px finds half of the hot pixels of 35 noise deviations, 0.5 px half of those
    # of 9; but targets on record are sharper than 0.5 px. 0: nothing is taken for a bad pixel.
    sharpest_psf_px: float = 0.3

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
        if self.sharpest_psf_px and not SMALLEST_SIGMA_PX <= self.sharpest_psf_px <= self.psf_sigma_px:
            raise ValueError(
                f"sharpest_psf_px is {self.sharpest_psf_px:g}, neither 0 nor within {SMALLEST_SIGMA_PX:g} to "
                f"psf_sigma_px, {self.psf_sigma_px:g}"
            )
        if not 0 <= self.saturation_counts < math.inf:
            raise ValueError(f"saturation_counts is {self.saturation_counts:g} and must be 0 or more, and finite")


class Detector:
    """Finds hot points in frames of any size; may be called from several threads at once."""

    def __init__(self, config: DetectionConfig | None = None, correction: PixelCorrection | None = None) -> None:
        """correction: of the one focal plane whose frames this detector is given; None: they need none."""
        self.config = config or DetectionConfig()
        self.correction = correction
        centre, side = psf_taps(self.config.sharpest_psf_px or SMALLEST_SIGMA_PX, 1)
        self._sides_share = float(4.0 * side / centre)
        self._per_thread = threading.local()
        self._filters: dict[float, SpotFilter] = {}

    def detect(
        self, counts: Counts, psf_sigma_px: float | None = None, *, scene_response: Float32 | None = None
    ) -> Detections:
        """Return the frame's hot points.

        counts: (rows, columns) uint8, uint16 or float32. psf_sigma_px: of this camera; None or 0: the configured.
        scene_response: (rows, columns) what the scene alone makes the matched filter say, counts, to be taken out;
        NaN where that is unknown: not searched there.

        A frame that cannot be searched comes back empty with a reason: WRONG_SHAPE (also: not the correction's),
        WRONG_TYPE, TOO_SMALL (a square of its shorter side lacks the reference cells), CONSTANT, or NOT_FINITE (more
        than a quarter NaN or infinity, or too large for sums). Fewer such pixels, dead lines and single bad pixels are
        replaced and counted in `bad_pixels`.
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
        if self._unfit(counts, spot):
            return None
        work = self._workspace(counts.shape[0], counts.shape[1], spot.second.wide_half)
        frame = self._prepare(counts, work)
        if frame is None:
            return None
        self._respond(frame, work, spot)
        return work.response.copy() if math.isfinite(float(work.block_sum.sum())) else None

    def _detect(
        self, counts: Counts, psf_sigma_px: float | None, scene_response: Float32 | None, *, want_extents: bool
    ) -> tuple[Detections, Int32 | None]:
        spot = self._filter(psf_sigma_px)
        reason = self._unfit(counts, spot)
        if reason:
            return Detections.none(reason), None
        if scene_response is not None and scene_response.shape != counts.shape:
            raise ValueError(f"scene_response has shape {scene_response.shape}, the frame {counts.shape}")
        limits = self._limits(spot)
        work = self._workspace(counts.shape[0], counts.shape[1], spot.second.wide_half)
        frame = self._prepare(counts, work)
        if frame is None:
            return Detections.none("NOT_FINITE", limits.lowest), None
        found, odd, reason = self._look(frame, work, spot, scene_response, limits)
        for _ in range(MORE_LOOKS):
            if odd == 0:
                break
            # Bad pixels disturb their surroundings, and hide each other: once more without them.
            frame = replace_bad(frame, np.unique(work.odd[:odd]), work)
            found, odd, reason = self._look(frame, work, spot, scene_response, limits)
        if reason:
            return Detections.none(reason, limits.lowest), None
        return self._measure(frame, work, spot, found, limits.lowest, want_extents=want_extents)

    def _unfit(self, counts: Counts, spot: SpotFilter) -> str:
        reason = unfit(counts, spot.smallest_side)
        if not reason and self.correction is not None and counts.shape != self.correction.shape:
            return "WRONG_SHAPE"
        return reason

    def _prepare(self, counts: Counts, work: Workspace) -> Frame | None:
        return prepare(counts, self.correction, self.config.saturation_counts or FULL_SCALE[counts.dtype.name], work)

    def _limits(self, spot: SpotFilter) -> Thresholds:
        stated = thresholds(self.config.pfa, spot.sigma_px)
        return Thresholds(max(stated.even, self.config.least_snr), max(stated.uneven, self.config.least_snr))

    @staticmethod
    def _respond(frame: Frame, work: Workspace, spot: SpotFilter) -> None:
        """Fill the work space's response and its magnitudes by block."""
        filter_frame(
            frame.counts,
            frame.bias,
            spot.taps,
            spot.box_half,
            spot.mean_weight,
            spot.second.wide_half,
            spot.second.wide_scale,
            spot.second.wide_weight,
            work.ring,
            work.fives,
            work.lines,
            work.response,
            work.block_sum,
            work.wide_sum,
            work.narrow_sum,
            work.block_largest,
        )

    def _look(
        self, frame: Frame, work: Workspace, spot: SpotFilter, scene_response: Float32 | None, limits: Thresholds
    ) -> tuple[int, int, str]:
        """Return how many points there are, how many single bad pixels, and why the frame cannot be searched."""
        self._respond(frame, work, spot)
        total = float(work.block_sum.sum())
        if not math.isfinite(total):
            return 0, 0, "NOT_FINITE"
        if total == 0.0:
            return 0, 0, "CONSTANT"
        if scene_response is None:
            compare_levels(work.wide_sum, work.narrow_sum, spot.second.even_ratio, work.block_ratio)
        else:
            kernels.subtract_scene(np.ascontiguousarray(scene_response, np.float32), work.response, work.block_sum)
            # What the scene makes of the second look is not known, nor what is left in which block.
            work.block_ratio[:] = 0.0
            work.block_largest[:] = np.inf
        found, odd = self._search(frame, work, spot, limits)
        return found, odd, ""

    def _search(self, frame: Frame, work: Workspace, spot: SpotFilter, limits: Thresholds) -> tuple[int, int]:
        floor, second = frame.rounding * spot.gain, spot.second
        kernels.estimate_noise(work.response, work.block_sum, floor, work.noise_sum, work.block_limit, work.block_noise)
        screen = SCREEN_SHARE * second.even_ratio * limits.lowest
        candidates, darks = kernels.find_peaks(
            work.response, work.block_noise, work.block_largest, screen, work.place, work.odd
        )
        odd = -1
        if self.config.sharpest_psf_px:
            odd = keep_single_pixels(
                frame.counts, frame.bias, work.block_noise, spot.gain, second.halves, darks, work.odd
            )
        found: int
        found, odd = refine_peaks(
            frame.counts,
            frame.bias,
            work.response,
            work.noise_sum,
            work.block_limit,
            work.block_noise,
            work.block_ratio,
            floor,
            spot.guard,
            spot.gain,
            second.wide_gain,
            second.halves,
            second.profiles,
            second.shares,
            second.scale,
            np.empty(second.profiles.T.shape, np.float32),
            limits.even,
            limits.uneven,
            self._sides_share,
            odd,
            candidates,
            work.place,
            work.snr,
            work.noise,
            work.odd,
        )
        return found, odd

    def _measure(
        self, frame: Frame, work: Workspace, spot: SpotFilter, found: int, threshold: float, *, want_extents: bool
    ) -> tuple[Detections, Int32 | None]:
        # Strongest first; among equals the first in reading order, so that the same frame gives the same list.
        order = np.argsort(-work.snr[:found], kind="stable")[: self.config.max_detections]
        snr = work.snr[order].astype(np.float64)
        measures = np.empty((len(order), 6))
        area = np.empty(len(order), dtype=np.int64)
        used = measure_points(
            frame.counts,
            work.bad,
            work.place[order].astype(np.int64),
            work.noise[order].astype(np.float64),
            spot.sigma_px,
            frame.saturation,
            spot.fit_half,
            spot.largest_point_px,
            self.config.max_area_px,
            self.config.extent_level,
            work.label,
            work.cells,
            measures,
            area,
        )
        own = area > 0
        extents = renumbered(work.label, own) if want_extents else None
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
            bad_pixels=frame.bad,
        )
        return detections, extents

    def _filter(self, psf_sigma_px: float | None) -> SpotFilter:
        sigma_px = psf_sigma_px or self.config.psf_sigma_px
        if sigma_px not in self._filters:
            self._filters[sigma_px] = SpotFilter.of(sigma_px)
        return self._filters[sigma_px]

    def _workspace(self, rows: int, columns: int, wide_half: int) -> Workspace:
        work: Workspace | None = getattr(self._per_thread, "work", None)
        if work is None or work.key != (rows, columns, wide_half):
            work = Workspace(rows, columns, wide_half)
            self._per_thread.work = work
        return work
