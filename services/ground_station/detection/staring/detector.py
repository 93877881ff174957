"""Points that move against the scene of a staring camera, or were not there before."""

import math
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from services.ground_station.detection.detect import DetectionConfig, Detector
from services.ground_station.detection.frame import Counts
from services.ground_station.detection.registration import shift_between, spectrum
from services.ground_station.detection.staring import kernels
from services.ground_station.detection.staring.alignment import align, corrected
from services.ground_station.detection.staring.fallback import POINT_ARRAYS, Fallback, joined
from services.ground_station.detection.staring.interpolation import curves, weights
from services.ground_station.detection.staring.motion import SceneMotion, after, chain, fit_affine, without
from services.ground_station.detection.staring.points import REACH, judge, point_bank
from services.ground_station.detection.staring.scene import Scene
from services.ground_station.detection.staring.scenery import Scenery
from services.ground_station.detection_batch import Detections

Bool = NDArray[np.bool_]
Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

# A pixel's residual from which its surroundings are judged; a point at threshold between four pixels stands at 3.7.
SCREEN = 3.2
# Local maxima judged in a frame at most: noise has 0.7 in a thousand pixels.
MOST_CANDIDATES = 20_000
# What two ways of summing may differ by.
ROUNDING_SNR = 1e-6
# Smallest frame: two tiles across and four down.
LEAST_SIDE_PX = 2 * kernels.TILE_COLUMNS
# A background's noise per look: interpolation and what it learns at a time leave so much of a frame's.
NOISE_SHARE = 0.6
# Part of the frame below which the background is not believed at all: scenery in motion, as clouds by day.
LEAST_KNOWN = 0.5
# Rounding of whole counts.
ROUNDING_VARIANCE = 1.0 / 12.0
# Correction of a prediction, px, beyond which, and residual, over what is usual, above which, the scene is lost.
LOST_PX, LOST_RATIO = 2.5, 4.0


@dataclass(frozen=True)
class StaringConfig:
    """How a staring camera's successive frames are searched."""

    # False detections per pixel of noise: one in a frame of 1024 x 1024.
    pfa: float = 1e-6
    # Standard deviation of the point-spread function, pixels.
    psf_sigma_px: float = 0.6
    # Strongest detections kept.
    max_detections: int = 10_000
    # Frames after which a frame is learnt: a target of 0.2 px a frame has then left its place.
    delay_frames: int = 8
    # Every so many frames one is learnt by all; what is new in view learns from each second.
    learn_every: int = 4
    # Least share of a residual that is learnt: the background is the mean of some 32 frames.
    gain: float = 1.0 / 16.0
    # Looks from which a cell of the background can be searched.
    least_looks: int = 8
    # Residuals are learnt up to so many standard deviations: bright things do not become scenery at once.
    learn_clip: float = 5.0

    def __post_init__(self) -> None:
        if not 1e-15 <= self.pfa <= 1e-2:
            raise ValueError(f"pfa is {self.pfa:g}, not within 1e-15 to 0.01 false detections per pixel")
        if not 0.3 <= self.psf_sigma_px <= 1.2:
            raise ValueError(f"psf_sigma_px is {self.psf_sigma_px:g}, not within 0.3 to 1.2 pixels")
        if not 1 <= self.delay_frames <= 64:
            raise ValueError(f"delay_frames is {self.delay_frames}, not within 1 to 64")
        if not 1 <= self.learn_every <= self.delay_frames:
            raise ValueError(f"learn_every is {self.learn_every}, not within 1 to delay_frames")
        if not 1.0 / 128.0 <= self.gain <= 0.5:
            raise ValueError(f"gain is {self.gain:g}, not within 1/128 to 1/2")
        if not 1 <= self.least_looks <= round(1.0 / self.gain):
            raise ValueError(f"least_looks is {self.least_looks}, not within 1 to 1 / gain")


@dataclass(frozen=True)
class StaringFrame:
    """What one frame showed.

    detections: strongest first; `temporal` (n,): judged against the background, else by the frame alone.
    z: (rows, columns) normalised residual of the matched filter, unit normal in noise; 0 where unknown, and nowhere
    else. It holds until the next step.
    known: share of the pixels that the background covers.
    residual_counts: (tile rows, tile columns) what the filtered frame has beyond the background, rms of counts a pixel,
    over some twenty frames; NaN where unknown.
    displacement, before: (tile rows, tile columns, 2) of the tiles of this frame and of the one before into the
    background's grid, pixels; origin: (2, 3) matrix from there to the first frame's pixels.
    restarted: why nothing of earlier frames was of use: FIRST, SIZE, LOST, UNKNOWN (as yet, or scenery in motion), or
    what was wrong with the frame; else empty.
    """

    detections: Detections
    temporal: Bool
    z: Float32
    known: float
    residual_counts: Float32
    displacement: Float64
    before: Float64 | None
    origin: Float64
    restarted: str = ""

    @cached_property
    def shift(self) -> Float64:
        """Return the (2, 3) matrix from (row, column, 1) of this frame to the first frame's pixels, jitter included.

        Exact where the scene only shifts, else the best over the frame.
        """
        return chain(self.origin, fit_affine(self.displacement))

    @cached_property
    def motion(self) -> SceneMotion | None:
        """Return where this frame's tiles were in the frame before, jitter included; None on a first frame."""
        return None if self.before is None else SceneMotion(without(self.displacement, self.before))


@dataclass
class _Course:
    """Where the scene is expected: an alpha-beta filter of shift and warp, px and px a frame; (2, 3) each."""

    velocity: Float64 = field(default_factory=lambda: np.zeros((2, 3)))
    frames: int = 0

    def gains(self) -> tuple[float, float]:
        """Return gains of place and velocity: of a straight line through all frames, later of a sliding one."""
        n = self.frames + 1
        return max(2.0 * (2 * n - 1) / (n * (n + 1)), 0.25), max(6.0 / (n * (n + 1)), 0.02)


class StaringDetector:
    """Searches one camera's successive frames against the scene they share. Not for several threads at once."""

    def __init__(self, config: StaringConfig | DetectionConfig | None = None, alone: Detector | None = None) -> None:
        """config: of a `DetectionConfig` pfa, width of the point-spread function and length of the list are taken.

        alone: searches frames that no scene can be held against; several cameras may share one. None: one of its own.
        """
        if isinstance(config, DetectionConfig):
            config = StaringConfig(config.pfa, config.psf_sigma_px, config.max_detections)
        self.config = config or StaringConfig()
        self._bank = point_bank(self.config.psf_sigma_px)
        self._threshold = self._bank.threshold(self.config.pfa)
        self._table = weights(self.config.psf_sigma_px)
        self._curves = curves(self.config.psf_sigma_px)
        by_frame = DetectionConfig(
            pfa=self.config.pfa, psf_sigma_px=self.config.psf_sigma_px, max_detections=self.config.max_detections
        )
        self._alone = alone or Detector(by_frame)
        self._beside = Fallback(by_frame, self._alone)
        self._scene: Scene | None = None
        self._scenery: Scenery | None = None
        self._course = _Course()
        self._expected = np.zeros((0, 0, 2))
        self._bias = 0.0
        self._work: tuple[Float32, Float32] = (np.zeros((0, 0), np.float32), np.zeros(0, np.float32))
        self._place = np.empty(MOST_CANDIDATES, dtype=np.int32)
        self._line = np.empty(len(self._bank.filters))
        self._type = ""

    def step(self, counts: Counts, motion: SceneMotion | None = None) -> StaringFrame:
        """Return what the next frame shows.

        counts: (rows, columns) uint8, uint16 or float32. motion: of the scene since the frame before, from known
        geometry; None: unknown, then it is followed. A frame that cannot be searched comes back empty with the
        spatial detector's reason, and what was learnt is kept.
        """
        reason = self._unfit(counts)
        if reason:
            return self._by_itself(counts, reason)
        if self._scene is None or self._scene.shape != counts.shape or counts.dtype.name != self._type:
            return self._begin(counts, "FIRST" if self._scene is None else "SIZE")
        scene = self._scene
        if not self._respond(counts, scene):
            return self._by_itself(counts, "NOT_FINITE")
        self._carry_scenery(scene, motion)
        previous = scene.displacement
        displacement = self._locate(scene, motion)
        if displacement is None:
            return self._without_scenery(self._begin(counts, "LOST"))
        scene.accept(displacement, np.ones(scene.tiles, dtype=bool) if motion is None else motion.followed)
        scene.residual(self.config.least_looks, NOISE_SHARE, ROUNDING_VARIANCE)
        frame = self._search(counts, scene, previous)
        self._learn(scene)
        return self._without_scenery(frame)

    def restart(self) -> None:
        """Forget the scene, as after a gap."""
        self._scene = self._scenery = None

    def _carry_scenery(self, scene: Scene, motion: SceneMotion | None) -> None:
        """Carry places found by single frames into the next; only geometry leads on where a scene does not fit."""
        if motion is None:
            self._scenery = None
        elif self._scenery is None:
            self._scenery = Scenery(scene.shape)
        else:
            self._scenery.follow(motion)

    def _without_scenery(self, frame: StaringFrame) -> StaringFrame:
        """Return the frame without points found by the frame alone where such were found all along."""
        if self._scenery is None or self._scene is None:
            return frame
        found = frame.detections
        place = np.column_stack([found.row, found.column])
        keep = frame.temporal | ~self._scenery.judge(place, found.snr, self._scene.young(place))
        left = replace(found, **{name: getattr(found, name)[keep] for name in POINT_ARRAYS})
        return replace(frame, detections=left, temporal=frame.temporal[keep])

    def _begin(self, counts: Counts, why: str) -> StaringFrame:
        shape = (counts.shape[0], counts.shape[1])
        if self._scene is None or self._scene.shape != shape:
            self._scenery = None
            self._work = (
                np.zeros((kernels.BLOCK + 2 * kernels.HALF, shape[1] + 2 * kernels.HALF), np.float32),
                np.zeros(shape[1] + 2 * kernels.HALF, np.float32),
            )
        self._scene = Scene(shape, self.config.delay_frames, round(1.0 / self.config.gain), self._table, self._curves)
        self._type = counts.dtype.name
        self._bias = float(np.median(counts[:: max(1, shape[0] // 16), :: max(1, shape[1] // 16)]))
        self._course = _Course()
        if not self._respond(counts, self._scene):
            self._scene = None
            return self._by_itself(counts, "NOT_FINITE")
        self._scene.begin()
        self._expected = self._scene.displacement
        return self._by_itself(counts, why)

    def _respond(self, counts: Counts, scene: Scene) -> bool:
        """Fill the next response; return whether it is finite."""
        response = scene.next_response()
        kernels.filter_response(_native(counts), np.float32(self._bias), self._bank.taps, *self._work, response)
        return counts.dtype != np.float32 or math.isfinite(float(response.sum()))

    def _locate(self, scene: Scene, motion: SceneMotion | None) -> Float64 | None:
        """Return the displacement of the next response; None where it does not fit the scene."""
        if motion is not None:
            expected = after(motion.displacement_px, self._expected)
        elif self._course.frames == 0:
            expected = self._expected + self._acquire(scene)
        else:
            expected = corrected(self._expected, self._course.velocity)
        known = (scene.next_response(), scene.background, scene.seen, scene.least_seen, scene.full)
        weights_of = (self._table, self._curves)
        # What does not move as known says nothing of the jitter.
        trusted = expected if motion is None else np.where(motion.followed[..., None], expected, np.nan)
        found = align(*known, trusted, *weights_of, scene.lines, scene.tile, warped=motion is None)
        warp = np.column_stack([found.shift_px, found.warp_px])
        usual = math.sqrt(float(np.median(scene.variance[..., 0]))) * math.sqrt(2.0 / math.pi)
        lost = math.isnan(found.misfit) or np.abs(found.shift_px).max() > LOST_PX
        if lost or (usual > 0 and scene.frames > self.config.delay_frames and found.misfit > LOST_RATIO * usual):
            return None
        place_gain, velocity_gain = self._course.gains()
        displacement = corrected(expected, warp)
        if motion is None and self._course.frames == 0:
            self._course.velocity = np.column_stack([displacement[0, 0] - self._expected[0, 0], np.zeros((2, 2))])
            place_gain, velocity_gain = 1.0, 0.0
        self._course.velocity = self._course.velocity + velocity_gain * warp
        self._course.frames += 1
        self._expected = corrected(expected, place_gain * warp)
        return displacement

    @staticmethod
    def _acquire(scene: Scene) -> Float64:
        """Return (2,) how far the next response lies from the last, by phase correlation; 0 where nothing is seen."""
        inner = tuple(slice(kernels.MARGIN, kernels.MARGIN + size) for size in scene.shape)
        last, this = scene.last_response()[inner], scene.next_response()[inner]
        shift = shift_between(spectrum(last), spectrum(this), scene.shape[1])
        return np.zeros(2) if shift is None else np.array([-shift.rows, -shift.columns])

    def _search(self, counts: Counts, scene: Scene, before: Float64) -> StaringFrame:
        rows, columns = scene.shape
        found = kernels.screen(scene.z, rows, columns, 2 * REACH, np.float32(SCREEN), self._place)
        limit = self._threshold - ROUNDING_SNR
        found = kernels.keep_points(scene.z, columns, self._bank.filters, limit, found, self._line, self._place)
        row, column = np.divmod(self._place[:found].astype(np.int64), columns)
        points = judge(scene.z, row, column, self._bank, self._threshold)
        tile_row = np.rint(points.row).astype(np.int64) // kernels.TILE_ROWS
        tile_column = np.rint(points.column).astype(np.int64) // kernels.TILE_COLUMNS
        noise = np.sqrt(scene.variance[tile_row, tile_column, 0].astype(np.float64))
        moving = Detections(
            row=points.row,
            column=points.column,
            covariance_px2=np.column_stack(
                [points.variance_px2[:, 0], np.zeros(len(points.row)), points.variance_px2[:, 1]]
            ),
            snr=points.snr,
            score=points.snr,
            amplitude_counts=points.snr * noise / points.share,
            area_px=points.area_px,
            threshold_snr=self._threshold,
        )
        z = scene.z[:rows, :columns]
        known = float(scene.known.sum()) / (rows * columns)
        if known < LEAST_KNOWN:
            return replace(self._by_itself(counts, "UNKNOWN"), displacement=scene.displacement, before=before)
        alone = self._beside.search(counts, scene.partly_unknown(), z)
        detections, temporal = _strongest(moving, alone, self.config.max_detections)
        return StaringFrame(
            detections=detections,
            temporal=temporal,
            z=z,
            known=known,
            residual_counts=scene.residual_counts(),
            displacement=scene.displacement,
            before=before,
            origin=scene.origin,
        )

    def _learn(self, scene: Scene) -> None:
        young = scene.frames < self.config.delay_frames + round(1.0 / self.config.gain)
        if scene.may_learn:
            turn = young or scene.frames % self.config.learn_every == 0
            scene.learn(self.config.gain, self.config.learn_clip, young_only=not turn)
        scene.forget()
        move = scene.bring_back()
        if move is not None:
            self._expected = without(self._expected, move)

    def _by_itself(self, counts: Counts, why: str) -> StaringFrame:
        """Return what the spatial detector finds on the frame."""
        detections = self._alone.detect(counts, self.config.psf_sigma_px)
        shape = counts.shape if isinstance(counts, np.ndarray) and counts.ndim == 2 else (0, 0)
        return StaringFrame(
            detections=detections,
            temporal=np.zeros(len(detections), dtype=bool),
            z=np.zeros(shape, dtype=np.float32),
            known=0.0,
            residual_counts=np.full((0, 0), np.nan, dtype=np.float32),
            displacement=np.zeros((1, 1, 2)),
            before=None,
            origin=np.column_stack([np.eye(2), np.zeros(2)]) if self._scene is None else self._scene.origin,
            restarted=why,
        )

    @staticmethod
    def _unfit(counts: Counts) -> str:
        if not isinstance(counts, np.ndarray) or counts.ndim != 2:
            return "WRONG_SHAPE"
        if counts.dtype.name not in ("uint8", "uint16", "float32"):
            return "WRONG_TYPE"
        return "TOO_SMALL" if min(counts.shape) < LEAST_SIDE_PX else ""


def _strongest(moving: Detections, alone: Detections, most: int) -> tuple[Detections, Bool]:
    """Return both lists as one, strongest first and no longer than `most`, and which are of the first."""
    both = joined([moving, alone])
    first = np.concatenate([np.ones(len(moving), dtype=bool), np.zeros(len(alone), dtype=bool)])
    temporal = first[np.argsort(-np.concatenate([moving.snr, alone.snr]), kind="stable")]
    if len(both) <= most:
        return both, temporal
    cut = {name: getattr(both, name)[:most] for name in POINT_ARRAYS}
    return replace(both, **cut, left_out=both.left_out + len(both) - most), temporal[:most]


def _native(counts: Counts) -> Counts:
    if counts.flags.c_contiguous and counts.flags.aligned and counts.dtype.isnative:
        return counts
    return counts.astype(counts.dtype.newbyteorder("="), order="C")  # type: ignore[return-value]
