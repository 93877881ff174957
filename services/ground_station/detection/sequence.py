"""Hot points that move against the scene: frames of one camera, the scene taken out with its own other frames."""

from collections import OrderedDict
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from services.ground_station.detection import kernels
from services.ground_station.detection.clutter import keep_prominent
from services.ground_station.detection.consistency import Looked, PathSearch, Rule
from services.ground_station.detection.detect import DetectionConfig, Detector, Float32, Int32
from services.ground_station.detection.registration import Counts, View, motion_between, shift_between
from services.ground_station.detection.turning.kernels import add_moved
from services.ground_station.detection_batch import Detections, renumbered

Float64 = NDArray[np.float64]

# Frames the scene is taken from, seconds from the searched one: far enough that an aircraft has left its place, near
# enough that the scene looks the same. Where the later frames are at hand too, half as many a side do.
PAST_S = (0.5, 0.8, 1.0, 1.2)
BOTH_SIDES_S = (-1.0, -0.5, 0.5, 1.0)
# Frames are never nearer, however slow the camera, nor further, however fast. A ground station has four of a stream in
# hand at once: from the fourth back all have been seen.
NEAREST, FURTHEST = 4, 40
# Half of the window in which a point must lie on a path, and its bounds in frames.
HALF_WINDOW_S = 1.0
FEWEST_HALF, MOST_HALF = 6, 15


@dataclass(frozen=True)
class SequenceRules:
    """What is believed of a cluttered scene's points; chosen by `python -m bench.detection.sequences`.

    candidate_snr: signal-to-noise ratio from which a point may belong to a path. path_snr, travel_px: of `Rule`.
    """

    candidate_snr: float = 4.0
    path_snr: float = 16.0
    travel_px: float = 2.5


# Where the camera turned so little between two frames that nothing moved further by it, pixels, they are held to have
# shifted alone, which is told more exactly.
TURNED_PX = 0.3
# What is left of a scene is not Gaussian: a point that no path can confirm must be so strong to be believed.
BELIEVED_SNR = 5.0
# Stated for candidates, so that candidate_snr decides.
CANDIDATE_PFA = 1e-3


@dataclass(frozen=True)
class _Seen:
    """A frame, and where it lies in a grid fixed to the scene, which frames of one chain share.

    turn: of the scene in the frame, radians, from rows to columns. middle: of the frame in the grid, pixels.
    """

    response: Float32
    view: View
    turn: float
    middle: Float64
    chain: int

    def in_scene(self, places: Float64) -> Float64:
        """Return where (n, 2) places of the frame lie in the grid."""
        return (places - _middle(self.response.shape)) @ _turned(self.turn) + self.middle


@dataclass(frozen=True)
class _Look:
    """A frame's candidates; covered, owner: flat places of pixels that they cover, and 1 + which candidate does.

    believed: those to be reported where no path can tell.
    """

    found: Detections
    shape: tuple[int, int]
    covered: NDArray[np.int64]
    owner: Int32
    believed: NDArray[np.bool_]


class SequenceDetector:
    """Searches one camera's successive frames. What moves with the scene, or not against it, is scenery to it.

    Frames are told by their index; those too far from the last one given are forgotten. Not for several
    threads at once.
    """

    def __init__(
        self,
        config: DetectionConfig | None = None,
        frame_rate_hz: float = 10.0,
        *,
        both_sides: bool = False,
        cluttered: bool = True,
        rules: SequenceRules | None = None,
    ) -> None:
        """both_sides: scenes come from later frames too, for sequences that are on file; `remember` them first.

        cluttered: besides the configured false-alarm rate, believe only points that lie on a path which leads against
        the scene, and of a frame without a scene those that stand out; the rate decides where there is no path to ask.
        """
        if not 0 < frame_rate_hz < 1e6:
            raise ValueError(f"frame_rate_hz is {frame_rate_hz:g} and must be above 0")
        config = config or DetectionConfig()
        rules = rules or SequenceRules()
        self._cluttered = cluttered
        if cluttered:
            # An aircraft of one pixel looks like a bad one.
            config = replace(config, least_snr=max(config.least_snr, BELIEVED_SNR), sharpest_psf_px=0.0)
        self._alone = self._detector = Detector(config)
        if cluttered:
            self._detector = Detector(
                replace(config, pfa=max(config.pfa, CANDIDATE_PFA), least_snr=rules.candidate_snr)
            )
        seconds = BOTH_SIDES_S if both_sides else tuple(-each for each in PAST_S)
        self._offsets = sorted({_frames(each, frame_rate_hz) for each in seconds})
        rule = Rule(half_window(frame_rate_hz), rules.path_snr, rules.travel_px)
        self._search = PathSearch(rule, both_sides=both_sides)
        self._seen: OrderedDict[int, _Seen] = OrderedDict()
        self._looks: OrderedDict[int, _Look] = OrderedDict()

    @property
    def frames_ahead(self) -> int:
        """How many later frames are looked at; 0: none."""
        return max(0, *self._offsets)

    @property
    def frames_back(self) -> int:
        """How many earlier frames are looked at."""
        return max(0, *(-offset for offset in self._offsets))

    @property
    def frames_to_confirm(self) -> int:
        """How many later frames `confirmed` makes use of, once they have been looked at."""
        return self._search.frames_ahead if self._cluttered else 0

    def remember(self, index: int, counts: Counts) -> None:
        """Keep a frame as scenery for others; one that cannot be searched is passed over."""
        if index in self._seen:
            return
        response = self._detector.response(counts)
        if response is None:
            return
        self._seen[index] = self._carried_on(index, response, View.of(counts))
        reach = self.frames_ahead - min(self._offsets)
        for other in [each for each in self._seen if abs(each - index) > reach]:
            del self._seen[other]

    def detect(self, index: int, counts: Counts) -> tuple[Detections, Int32]:
        """Return hot points and extents of frame `index`, as `Detector.detect_with_extents` does.

        Where no other frame shows the same scene, as at a stream's start or in a dull sky, the frame is searched by
        itself, and its prominent points count. Paths are followed through the frames looked at so far.
        """
        self.look(index, counts)
        return self.confirmed(index)

    def look(self, index: int, counts: Counts) -> Looked:
        """Search frame `index` for candidates, and return them."""
        self.remember(index, counts)
        scene = self._scene(index, counts)
        if scene is not None:
            found, extents = self._detector.detect_with_extents(counts, scene_response=scene)
        else:
            found, extents = self._alone.detect_with_extents(counts)
            if self._cluttered:
                found, extents = keep_prominent(found, extents)
        seen = self._seen.get(index)
        places = np.stack([found.row, found.column], axis=1)
        in_scene, chain = (seen.in_scene(places), seen.chain) if seen is not None else (places, -1 - index)
        looked = Looked(places, in_scene, found.snr, chain, extents.size)
        self._search.add(index, looked)
        covered = np.flatnonzero(extents)
        believed = (found.snr >= BELIEVED_SNR) | (scene is None) | (not self._cluttered)
        shape = (extents.shape[0], extents.shape[1])
        self._looks[index] = _Look(found, shape, covered, extents.ravel()[covered], believed)
        for other in [each for each in self._looks if abs(each - index) > self.frames_to_confirm]:
            del self._looks[other]
        return looked

    def confirmed(self, index: int) -> tuple[Detections, Int32]:
        """Return the points of a frame looked at that lie on a path, and their extents.

        No longer to be had once `frames_to_confirm` later frames have been passed.
        """
        look = self._looks[index]
        keep = look.believed
        on_path = self._search.on_path(index) if self._cluttered else None
        if on_path is not None:
            keep = np.zeros(len(look.found), dtype=bool)
            keep[: len(on_path)] = on_path
        return _only(look, keep)

    def _carried_on(self, index: int, response: Float32, view: View) -> _Seen:
        """Return a frame placed in the grid of the frame before it, or at the start of a chain of its own."""
        before = max((each for each in self._seen if each < index), default=None)
        if before is not None and self._seen[before].response.shape == response.shape:
            other = self._seen[before]
            motion = motion_between(other.view, view)
            if motion is not None:
                turn = other.turn + motion.turn
                middle = other.middle - np.array([motion.shift.rows, motion.shift.columns]) @ _turned(turn)
                return _Seen(response, view, turn, middle, other.chain)
        return _Seen(response, view, 0.0, _middle(response.shape), index)

    def _scene(self, index: int, counts: Counts) -> Float32 | None:
        """Return the mean response of the other frames, each moved onto this one; None where there are none.

        NaN where none shows the place.
        """
        total = np.zeros(counts.shape, dtype=np.float32)
        frames = np.zeros(counts.shape, dtype=np.float32)
        this = self._seen.get(index)
        for offset in self._offsets:
            other = self._seen.get(index + offset)
            if this is None or other is None or other.response.shape != this.response.shape:
                continue
            if this.chain == other.chain and abs(this.turn - other.turn) * max(counts.shape) / 2 > TURNED_PX:
                add_moved(other.response, _places_in(other, this), total, frames)
                continue
            shift = shift_between(other.view.spectrum, this.view.spectrum, counts.shape[1])
            if shift is not None:
                kernels.add_shifted(other.response, shift.rows, shift.columns, total, frames)
        if not frames.any():
            return None
        return np.asarray(total / np.where(frames > 0, frames, np.nan), dtype=np.float32)


def _middle(shape: tuple[int, ...]) -> Float64:
    return (np.array(shape, dtype=np.float64) - 1.0) / 2.0


def _turned(turn: float) -> Float64:
    """Return the matrix by which (n, 2) places of a frame, from its middle, are turned into the grid's directions."""
    cosine, sine = np.cos(turn), np.sin(turn)
    return np.array([[cosine, -sine], [sine, cosine]])


def _places_in(other: _Seen, this: _Seen) -> Float64:
    """Return (2, 3) by which row, column and 1 of `this` frame give the place of the same scenery in `other`."""
    corners = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    there = (this.in_scene(corners) - other.middle) @ _turned(other.turn).T + _middle(other.response.shape)
    return np.ascontiguousarray(np.column_stack([there[1] - there[0], there[2] - there[0], there[0]]))


def half_window(frame_rate_hz: float) -> int:
    """Return how many frames a side a path is followed through."""
    return min(max(round(HALF_WINDOW_S * frame_rate_hz), FEWEST_HALF), MOST_HALF)


def _frames(seconds: float, frame_rate_hz: float) -> int:
    count = min(max(round(abs(seconds) * frame_rate_hz), NEAREST), FURTHEST)
    return count if seconds > 0 else -count


def _only(look: _Look, keep: NDArray[np.bool_]) -> tuple[Detections, Int32]:
    """Return the points to keep and their extents, numbered anew."""
    extents = np.zeros(look.shape, dtype=np.int32)
    extents.ravel()[look.covered] = renumbered(look.owner, keep)
    return look.found.only(keep), extents
