"""Searching streams of cameras whose geometry is known, each frame against the scene its camera has learnt."""

import threading
from collections import OrderedDict
from dataclasses import dataclass

from plumewatch.v1 import frame_pb2
from services.ground_station.detection.detect import DetectionConfig, Detector
from services.ground_station.detection.frame import Counts
from services.ground_station.detection.staring import LARGEST_PFA, SceneMotion, StaringConfig, StaringDetector
from services.ground_station.detection_batch import Detections, Geometry

# Streams remembered; the one longest unheard of makes room. A scene of 1024 x 1024 takes some 60 MB.
MOST_STREAMS = 64
# Frames missing between two after which the scene is learnt anew: by then the Earth has turned new clouds into view.
LONGEST_GAP = 20
# Wider spots are searched for by the frame alone.
WIDEST_PSF_PX = 1.2


@dataclass
class _Stare:
    """One camera's scene. Its frames come in turn, but another stream may push it out meanwhile: hence the lock."""

    lock: threading.Lock
    detector: StaringDetector
    psf_sigma_px: float
    sequence: int = -1
    geometry: Geometry | None = None
    mid_exposure_unix_ns: int = 0


class Stares:
    """The scenes of all streams whose geometry is known; for several threads at once, one stream's frames in turn."""

    def __init__(self, config: DetectionConfig, alone: Detector | None = None) -> None:
        """alone: a detector of the same settings, to search single frames with; its work space is large."""
        self._config = config
        self._alone = alone or Detector(config)
        self._stares: OrderedDict[tuple[str, str], _Stare] = OrderedDict()
        self._lock = threading.Lock()

    def detect(self, head: frame_pb2.Frame, geometry: Geometry, counts: Counts, psf_sigma_px: float) -> Detections:
        """Return the frame's hot points that its scene does not explain.

        psf_sigma_px: of this camera; 0: the configured. A stream's first frames, and those after a gap or a change of
        the camera, are searched by themselves, and so are all where spots are too wide for a scene or more false
        detections are asked for than it is searched with.
        """
        sigma_px = psf_sigma_px or self._config.psf_sigma_px
        if sigma_px > WIDEST_PSF_PX or self._config.pfa > LARGEST_PFA:
            return self._alone.detect(counts, sigma_px)
        stare = self._stare((head.run_id, head.satellite_id), sigma_px)
        with stare.lock:
            return stare.detector.step(counts, self._motion(stare, head, geometry, counts)).detections

    def _motion(self, stare: _Stare, head: frame_pb2.Frame, geometry: Geometry, counts: Counts) -> SceneMotion | None:
        """Return how the scene moved since the stream's last frame, and take note of this one."""
        before, before_unix_ns = stare.geometry, stare.mid_exposure_unix_ns
        gap = stare.sequence >= 0 and not 0 < head.sequence - stare.sequence <= LONGEST_GAP
        if gap or (before is not None and before.camera != geometry.camera):
            stare.detector.restart()
            before = None
        stare.sequence, stare.geometry = head.sequence, geometry
        stare.mid_exposure_unix_ns = head.exposure_start_unix_ns + round(head.exposure_s * 0.5e9)
        if before is None:
            return None
        shape = (counts.shape[0], counts.shape[1])
        return SceneMotion.between(before, before_unix_ns, geometry, stare.mid_exposure_unix_ns, shape)

    def _stare(self, stream: tuple[str, str], sigma_px: float) -> _Stare:
        with self._lock:
            stare = self._stares.get(stream)
            if stare is None or stare.psf_sigma_px != sigma_px:
                config = StaringConfig(self._config.pfa, sigma_px, self._config.max_detections)
                stare = self._stares[stream] = _Stare(threading.Lock(), StaringDetector(config, self._alone), sigma_px)
            self._stares.move_to_end(stream)
            while len(self._stares) > MOST_STREAMS:
                self._stares.popitem(last=False)
            return stare
