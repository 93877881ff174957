"""Points that move against the scene of a staring camera, or were not there before."""

import math
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from services.ground_station.detection.detect import DetectionConfig, Detector
from services.ground_station.detection.frame import FULL_SCALE, Counts, Frame, prepare, unfit
from services.ground_station.detection.registration import shift_between, spectrum
from services.ground_station.detection.staring import kernels
from services.ground_station.detection.staring.alignment import align, corrected
from services.ground_station.detection.staring.config import StaringConfig
from services.ground_station.detection.staring.fallback import Fallback, joined
from services.ground_station.detection.staring.interpolation import curves, weights
from services.ground_station.detection.staring.motion import SceneMotion, after, chain, fit_affine, tile_shape, without
from services.ground_station.detection.staring.points import REACH, judge, point_bank
from services.ground_station.detection.staring.scene import Scene
from services.ground_station.detection.staring.scenery import Scenery
from services.ground_station.detection.workspace import Workspace
from services.ground_station.detection_batch import Detections

Bool = NDArray[np.bool_]
Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

# A pixel's residual from which its surroundings are judged, at most, and as a part of what a point at threshold between
# four pixels shows.
SCREEN, SCREEN_SHARE = 3.2, 0.92
# Points at threshold judged in a frame at most; the others are counted.
MOST_CANDIDATES = 20_000
# What two ways of summing may differ by.
ROUNDING_SNR = 1e-6
# Smallest frame: two tiles across and four down.
LEAST_SIDE_PX = 2 * kernels.TILE_COLUMNS
# A background's noise per look: interpolation and what it learns at a time leave so much of a frame's.
NOISE_SHARE = 0.6
# Part of the frame below which the background is not believed at all: scenery in motion, as clouds by day.
LEAST_KNOWN = 0.5
# Least noise, where float frames are without any, counts squared; the kernels divide by it.
LEAST_VARIANCE = 1e-30
# Correction of a prediction, px, beyond which, and residual, over what is usual, above which, a frame does not fit its
# scene; after so many in a row the scene is lost.
LOST_PX, LOST_RATIO, LOST_FRAMES = 2.5, 4.0, 3
# The frame's level, over its residual beside it, from which it counts as a jump of all counts.
JUMP_RATIO = 1.0


@dataclass(frozen=True)
class StaringFrame:
    """What one frame showed.

    detections: strongest first; `temporal` (n,): judged against the background, else by the frame alone.
    z: (rows, columns) normalised residual of the matched filter, unit normal in noise; 0 where unknown, and nowhere
    else. It holds until the next step.
    known: share of the pixels that the background covers.
    residual_counts: (tile rows, tile columns) what the filtered frame has beyond the background, rms of counts a pixel,
    over some twenty frames; NaN where unknown. (0, 0) where the frame was searched by itself.
    displacement: (tile rows, tile columns, 2) of this frame's tiles into the background's grid, pixels; (1, 1, 2) of
    zeros where the frame was searched by itself, but for UNKNOWN. origin: (2, 3) matrix from there to the first frame's
    pixels.
    restarted: why nothing of earlier frames was of use: FIRST, SIZE (or another type of pixels), LOST (does not fit),
    UNKNOWN (as yet, or scenery in motion), or what was wrong with the frame; else empty.
    """

    detections: Detections
    temporal: Bool
    z: Float32
    known: float
    residual_counts: Float32
    displacement: Float64
    origin: Float64
    restarted: str = ""

    @cached_property
    def shift(self) -> Float64:
        """Return the (2, 3) matrix from (row, column, 1) of this frame to the first frame's pixels, jitter included.

        Exact where the scene only shifts, else the best over the frame.
        """
        return chain(self.origin, fit_affine(self.displacement))


@dataclass
class _Course:
    """Where the scene is expected: an alpha-beta filter of shift and warp, px and px a frame; (2, 3) each."""

    velocity: Float64 = field(default_factory=lambda: np.zeros((2, 3)))
    frames: int = 0

    def gains(self) -> tuple[float, float]:
        """Return gains of place and velocity: of a straight line through all frames, later of a sliding one."""
        n = self.frames + 1
        return max(2.0 * (2 * n - 1) / (n * (n + 1)), 0.25), max(6.0 / (n * (n + 1)), 0.02)


class _Room:
    """Work space for frames of one size; untouched pages of it cost nothing."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.shape = shape
        width = shape[1] + 2 * kernels.HALF
        self.strip = np.zeros((kernels.BLOCK + 2 * kernels.HALF, width), np.float32)
        self.line = np.zeros(width, np.float32)
        # No two neighbours are both maxima, so there are at most a quarter as many as pixels.
        self.place = np.empty(shape[0] * shape[1] // 4 + 1, dtype=np.int32)
        self.clean = Workspace(*shape, 0)


class StaringDetector:
    """Searches one camera's successive frames against the scene they share. Not for several threads at once."""

    def __init__(self, config: StaringConfig | DetectionConfig | None = None, alone: Detector | None = None) -> None:
        """config: of a `DetectionConfig` pfa, width of the point-spread function and length of the list are taken.

        alone: searches frames, and parts of frames, that no scene can be held against, and saturated points, by its own
        settings but for the width; its `least_snr` and `saturation_counts` hold everywhere. Several cameras may share
        one. None: one of `config`'s settings.
        """
        if isinstance(config, DetectionConfig):
            alone = alone or Detector(config)
            config = StaringConfig(config.pfa, config.psf_sigma_px, config.max_detections)
        self.config = config or StaringConfig()
        sigma_px = self.config.psf_sigma_px
        self._bank, self._table, self._curves = point_bank(sigma_px), weights(sigma_px), curves(sigma_px)
        self._alone = alone or Detector(DetectionConfig(self.config.pfa, 0.0, sigma_px, self.config.max_detections))
        by_frame = self._alone.config
        self._threshold = max(self._bank.threshold(self.config.pfa), by_frame.least_snr)
        sharpest_px = min(by_frame.sharpest_psf_px, sigma_px)
        self._beside = Fallback(replace(by_frame, psf_sigma_px=sigma_px, sharpest_psf_px=sharpest_px), self._alone)
        self._scene: Scene | None = None
        self._scenery: Scenery | None = None
        self._course = _Course()
        self._expected = np.zeros((0, 0, 2))
        self._bias = 0.0
        self._misfits = 0
        self._room = _Room((0, 0))
        self._line = np.empty(len(self._bank.filters))
        self._type = ""

    def step(self, counts: Counts, motion: SceneMotion | None = None) -> StaringFrame:
        """Return what the next frame shows.

        counts: (rows, columns) uint8, uint16 or float32. motion: of the scene since the frame before, from known
        geometry; None: unknown, then it is followed. A frame that fits no scene is searched by the spatial detector;
        one that cannot be searched gets that detector's reason; what was learnt is kept. Up to a quarter of the pixels
        may be bad: NaN, infinite or of dead lines. They are replaced, counted in `bad_pixels`, and unknown in `z`.

        Raises ValueError for a motion that is not of the frame's tiles.
        """
        frame = self._ready(counts, motion)
        if isinstance(frame, str):
            return self._passed_over(counts, motion, frame)
        if self._scene is None or self._scene.shape != counts.shape or counts.dtype.name != self._type:
            return self._begin(counts, frame, "FIRST" if self._scene is None else "SIZE")
        scene = self._scene
        if not self._respond(frame, scene):
            return self._passed_over(counts, motion, "NOT_FINITE")
        self._carry_scenery(scene, motion)
        displacement = self._locate(scene, motion)
        if displacement is None:
            self._misfits += 1
            lost = self._misfits >= LOST_FRAMES
            return self._without_scenery(
                self._begin(counts, frame, "LOST") if lost else self._by_itself(counts, "LOST")
            )
        self._misfits = 0
        scene.accept(displacement, np.ones(scene.tiles, dtype=bool) if motion is None else motion.followed)
        scene.residual(self.config.least_looks, NOISE_SHARE, max(frame.rounding**2, LEAST_VARIANCE))
        if frame.bad:
            scene.blank(self._room.clean.bad_cells)
        found = self._search(counts, frame, scene)
        self._learn(scene)
        return self._without_scenery(found)

    def restart(self) -> None:
        """Forget the scene, as after a gap."""
        self._scene = self._scenery = None

    def _ready(self, counts: Counts, motion: SceneMotion | None) -> Frame | str:
        """Return the frame without its bad pixels, or why it cannot be searched."""
        reason = unfit(counts, LEAST_SIDE_PX)
        if reason:
            return reason
        shape = (counts.shape[0], counts.shape[1])
        if motion is not None and motion.displacement_px.shape[:2] != tile_shape(shape):
            raise ValueError(
                f"motion has {motion.displacement_px.shape[:2]} tiles, a frame of {shape} pixels {tile_shape(shape)}"
            )
        if self._room.shape != shape:
            self._room = _Room(shape)
        saturation = self._alone.config.saturation_counts or FULL_SCALE[counts.dtype.name]
        frame = prepare(counts, None, saturation, self._room.clean)
        if frame is None:
            return "NOT_FINITE"
        return "CONSTANT" if _constant(frame.counts) else frame

    def _passed_over(self, counts: Counts, motion: SceneMotion | None, why: str) -> StaringFrame:
        """Return what the frame says by itself; the scene moves on behind it."""
        scene = self._scene
        if scene is not None and (motion is None or motion.displacement_px.shape == scene.displacement.shape):
            self._carry_scenery(scene, motion)
            self._expected = self._ahead(motion)
        return self._by_itself(counts, why)

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
        return replace(frame, detections=found.only(keep), temporal=frame.temporal[keep])

    def _begin(self, counts: Counts, frame: Frame, why: str) -> StaringFrame:
        if self._scene is None or self._scene.shape != self._room.shape:
            self._scenery = None
        self._scene = Scene(
            self._room.shape, self.config.delay_frames, round(1.0 / self.config.gain), self._table, self._curves
        )
        self._type, self._bias, self._misfits, self._course = counts.dtype.name, float(frame.bias), 0, _Course()
        if not self._respond(frame, self._scene):
            self._scene = None
            return self._by_itself(counts, "NOT_FINITE")
        self._scene.begin()
        self._expected = self._scene.displacement
        return self._by_itself(counts, why)

    def _respond(self, frame: Frame, scene: Scene) -> bool:
        """Fill the next response; return whether it is finite."""
        response, room = scene.next_response(), self._room
        kernels.filter_response(frame.counts, np.float32(self._bias), self._bank.taps, room.strip, room.line, response)
        return frame.counts.dtype != np.float32 or math.isfinite(float(response.sum()))

    def _ahead(self, motion: SceneMotion | None) -> Float64:
        """Return the displacement expected of the next frame."""
        if motion is not None:
            return after(motion.displacement_px, self._expected)
        return corrected(self._expected, self._course.velocity)

    def _locate(self, scene: Scene, motion: SceneMotion | None) -> Float64 | None:
        """Return the displacement of the next response; None where it does not fit the scene."""
        # Whether this frame fits or not, the scene moves on.
        self._expected = expected = self._ahead(motion)
        if motion is None and self._course.frames == 0:
            expected = expected + self._acquire(scene)
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
        if abs(found.level) > JUMP_RATIO * found.misfit:
            # What all counts have more from here on, as after a change of temperature or offset, is no light.
            scene.lower(found.level)
            self._bias += found.level / self._bank.level_gain
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

    def _search(self, counts: Counts, frame: Frame, scene: Scene) -> StaringFrame:
        rows, columns = scene.shape
        moving = _without_saturated(self._moving(scene), frame, scene)
        z = scene.z[:rows, :columns]
        known = float(scene.known.sum()) / (rows * columns)
        if known < LEAST_KNOWN:
            return replace(self._by_itself(counts, "UNKNOWN"), displacement=scene.displacement)
        alone = self._beside.search(counts, scene.partly_unknown(), z)
        detections, temporal = _strongest(moving, alone, self.config.max_detections)
        return StaringFrame(
            detections=replace(detections, bad_pixels=frame.bad),
            temporal=temporal,
            z=z,
            known=known,
            residual_counts=scene.residual_counts(),
            displacement=scene.displacement,
            origin=scene.origin,
        )

    def _moving(self, scene: Scene) -> Detections:
        """Return the points of the scene's residual, strongest first."""
        rows, columns = scene.shape
        place, limit = self._room.place, self._threshold - ROUNDING_SNR
        screen = np.float32(min(SCREEN, SCREEN_SHARE * self._bank.shown * self._threshold))
        found = kernels.screen(scene.z, rows, columns, 2 * REACH, screen, place)
        found = kernels.keep_points(scene.z, columns, self._bank.filters, limit, found, self._line, place)
        row, column = np.divmod(place[:found].astype(np.int64), columns)
        if found > MOST_CANDIDATES:
            brightest = np.argpartition(-scene.z[row, column], MOST_CANDIDATES)[:MOST_CANDIDATES]
            row, column = row[brightest], column[brightest]
        points = judge(scene.z, row, column, self._bank, self._threshold)
        tile_row = np.rint(points.row).astype(np.int64) // kernels.TILE_ROWS
        tile_column = np.rint(points.column).astype(np.int64) // kernels.TILE_COLUMNS
        noise = np.sqrt(scene.variance[tile_row, tile_column, 0].astype(np.float64))
        variance_px2 = points.variance_px2
        return Detections(
            row=points.row,
            column=points.column,
            covariance_px2=np.column_stack([variance_px2[:, 0], np.zeros(len(points.row)), variance_px2[:, 1]]),
            snr=points.snr,
            score=points.snr,
            amplitude_counts=points.snr * noise / points.share,
            area_px=points.area_px,
            left_out=found - len(row),
            threshold_snr=self._threshold,
        )

    def _learn(self, scene: Scene) -> None:
        if scene.may_learn:
            young_only = scene.frames % self.config.learn_every != 0
            scene.learn(self.config.gain, self.config.learn_clip, young_only=young_only)
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
            origin=np.column_stack([np.eye(2), np.zeros(2)]) if self._scene is None else self._scene.origin,
            restarted=why,
        )


def _strongest(moving: Detections, alone: Detections, most: int) -> tuple[Detections, Bool]:
    """Return both lists as one, strongest first and no longer than `most`, and which are of the first."""
    both = joined([moving, alone])
    first = np.concatenate([np.ones(len(moving), dtype=bool), np.zeros(len(alone), dtype=bool)])
    temporal = first[np.argsort(-np.concatenate([moving.snr, alone.snr]), kind="stable")]
    if len(both) <= most:
        return both, temporal
    return replace(both.only(slice(most)), left_out=both.left_out + len(both) - most), temporal[:most]


def _without_saturated(moving: Detections, frame: Frame, scene: Scene) -> Detections:
    """Return the points whose pixel tells how bright it is; the places of the others become unknown in `z`.

    There the frame is searched by itself: the fit of a point's place leaves out what is saturated.
    """
    row, column = np.rint(moving.row).astype(np.int64), np.rint(moving.column).astype(np.int64)
    saturated = frame.counts[row, column] >= frame.saturation
    if not saturated.any():
        return moving
    scene.blank((row * scene.shape[1] + column)[saturated].astype(np.int32))
    return moving.only(~saturated)


def _constant(counts: Counts) -> bool:
    """Return whether all counts are alike; a few of them nearly always tell that they are not."""
    first = counts[0, 0]
    return bool(np.all(counts[::16, ::16] == first) and np.all(counts == first))
