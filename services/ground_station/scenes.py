"""Searching streams of recorded images, whose cameras are unknown, against their own scenes."""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field, replace

from plumewatch.v1 import frame_pb2
from services.ground_station.detection.detect import DetectionConfig
from services.ground_station.detection.frame import Counts
from services.ground_station.detection.sequence import SequenceDetector
from services.ground_station.detection_batch import Detections

# Streams remembered; the one longest unheard of makes room. A stream keeps its last 13 frames at 10 Hz, 37 at 30 Hz:
# 7.7 and 22 MB of 256 x 256, 59 and 167 MB of 1024 x 1024.
MOST_STREAMS = 16
# Where two frames tell no rate; that of most recorded sequences.
DEFAULT_RATE_HZ = 10.0
SLOWEST_HZ, FASTEST_HZ = 1e-3, 1e5


@dataclass
class _Scene:
    """One stream's past. Its frames are searched one at a time; the detector takes them in any order."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    first: tuple[frame_pb2.Frame, Counts] | None = None
    detector: SequenceDetector | None = None


class Scenes:
    """The scenes of all streams whose cameras are unknown; for several threads at once."""

    def __init__(self, config: DetectionConfig) -> None:
        self._config = config
        self._scenes: OrderedDict[tuple[str, str], _Scene] = OrderedDict()
        self._lock = threading.Lock()

    def detect(self, head: frame_pb2.Frame, counts: Counts, psf_sigma_px: float) -> Detections:
        """Return the frame's hot points that do not belong to its scene.

        A stream's first frame is searched by itself: only two tell the frame rate, and from it how far to look back.
        """
        config = replace(self._config, psf_sigma_px=psf_sigma_px) if psf_sigma_px else self._config
        scene = self._scene(head.run_id, head.satellite_id)
        with scene.lock:
            if scene.detector is not None:
                return scene.detector.detect(head.sequence, counts)[0]
            if scene.first is None:
                scene.first = (head, counts.copy())
                return SequenceDetector(config).detect(head.sequence, counts)[0]
            first, its_counts = scene.first
            scene.detector = SequenceDetector(config, _rate_hz(first, head))
            scene.detector.remember(first.sequence, its_counts)
            scene.first = None
            return scene.detector.detect(head.sequence, counts)[0]

    def _scene(self, run_id: str, satellite_id: str) -> _Scene:
        with self._lock:
            scene = self._scenes.setdefault((run_id, satellite_id), _Scene())
            self._scenes.move_to_end((run_id, satellite_id))
            while len(self._scenes) > MOST_STREAMS:
                self._scenes.popitem(last=False)
            return scene


def _rate_hz(first: frame_pb2.Frame, later: frame_pb2.Frame) -> float:
    """Return the stream's frames a second from two of its frames, in either order."""
    frames = later.sequence - first.sequence
    seconds = (later.exposure_start_unix_ns - first.exposure_start_unix_ns) / 1e9
    return min(max(frames / seconds, SLOWEST_HZ), FASTEST_HZ) if seconds * frames > 0 else DEFAULT_RATE_HZ
