"""Hot points that move against the scene: frames of one camera, the scene taken out with its own other frames."""

from collections import OrderedDict
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from services.ground_station.detection import kernels
from services.ground_station.detection.clutter import keep_prominent
from services.ground_station.detection.detect import Counts, DetectionConfig, Detector, Float32, Int32
from services.ground_station.detection.registration import shift_between, spectrum
from services.ground_station.detection_batch import Detections

# Frames the scene is taken from, seconds from the searched one: far enough that an aircraft has left its place, near
# enough that the scene looks the same. Where the later frames are at hand too, half as many a side do.
PAST_S = (0.5, 0.8, 1.0, 1.2)
BOTH_SIDES_S = (-1.0, -0.5, 0.5, 1.0)
# Frames are never nearer, however slow the camera, nor further, however fast. A ground station has four of a stream in
# hand at once: from the fourth back all have been seen.
NEAREST, FURTHEST = 4, 40
# Signal-to-noise ratio asked for against what is left of a scene, which is not Gaussian. Found on six recorded
# sequences; docs/detection.md has the curve.
LEAST_SNR = 5.0


@dataclass(frozen=True)
class _Seen:
    shape: tuple[int, int]
    columns: int
    response: Float32
    spectrum: NDArray[np.complex64]


class SequenceDetector:
    """Searches one camera's successive frames. What moves with the scene, or not against it, is scenery to it.

    Frames are told by their index; those too far from the newest are forgotten. Not for several threads at once.
    """

    def __init__(
        self,
        config: DetectionConfig | None = None,
        frame_rate_hz: float = 10.0,
        *,
        both_sides: bool = False,
        cluttered: bool = True,
    ) -> None:
        """both_sides: scenes come from later frames too, for sequences that are on file; `remember` them first.

        cluttered: besides the configured false-alarm rate, hold what is left of the scene against LEAST_SNR, and a
        frame without a scene against its strongest point.
        """
        if not 0 < frame_rate_hz < 1e6:
            raise ValueError(f"frame_rate_hz is {frame_rate_hz:g} and must be above 0")
        config = config or DetectionConfig()
        self._cluttered = cluttered
        self._detector = Detector(replace(config, least_snr=max(config.least_snr, LEAST_SNR)) if cluttered else config)
        seconds = BOTH_SIDES_S if both_sides else tuple(-each for each in PAST_S)
        self._offsets = sorted({_frames(each, frame_rate_hz) for each in seconds})
        self._seen: OrderedDict[int, _Seen] = OrderedDict()

    @property
    def frames_ahead(self) -> int:
        """How many later frames are looked at; 0: none."""
        return max(0, *self._offsets)

    @property
    def frames_back(self) -> int:
        """How many earlier frames are looked at."""
        return max(0, *(-offset for offset in self._offsets))

    def remember(self, index: int, counts: Counts) -> None:
        """Keep a frame as scenery for others; one that cannot be searched is passed over."""
        if index in self._seen:
            return
        response = self._detector.response(counts)
        if response is None:
            return
        shape = (counts.shape[0], counts.shape[1])
        self._seen[index] = _Seen(shape, counts.shape[1], response, spectrum(counts))
        reach = self.frames_ahead - min(self._offsets)
        for other in [each for each in self._seen if each < index - reach]:
            del self._seen[other]

    def detect(self, index: int, counts: Counts) -> tuple[Detections, Int32]:
        """Return hot points and extents of frame `index`, as `Detector.detect_with_extents` does.

        Where no other frame shows the same scene, as at a stream's start or in a dull sky, the frame is searched by
        itself, and its prominent points count.
        """
        self.remember(index, counts)
        scene = self._scene(index, counts)
        if scene is None:
            found = self._detector.detect_with_extents(counts)
            return keep_prominent(*found) if self._cluttered else found
        return self._detector.detect_with_extents(counts, scene_response=scene)

    def _scene(self, index: int, counts: Counts) -> Float32 | None:
        """Return the mean response of the other frames, each moved onto this one; None where there are none.

        NaN where none shows the place.
        """
        total = np.zeros(counts.shape, dtype=np.float32)
        frames = np.zeros(counts.shape, dtype=np.float32)
        this = self._seen.get(index)
        for offset in self._offsets:
            other = self._seen.get(index + offset)
            if this is None or other is None or other.shape != this.shape:
                continue
            shift = shift_between(other.spectrum, this.spectrum, this.columns)
            if shift is not None:
                kernels.add_shifted(other.response, shift.rows, shift.columns, total, frames)
        if not frames.any():
            return None
        return np.asarray(total / np.where(frames > 0, frames, np.nan), dtype=np.float32)


def _frames(seconds: float, frame_rate_hz: float) -> int:
    count = min(max(round(abs(seconds) * frame_rate_hz), NEAREST), FURTHEST)
    return count if seconds > 0 else -count
