"""Detection of hot points: a frame of counts goes in, points with place, covariance and signal-to-noise ratio come out.

    from services.ground_station.detection import DetectionConfig, Detector
    detector = Detector(DetectionConfig(psf_sigma_px=0.6))
    found = detector.detect(counts)

Counts are (rows, columns) of uint8, uint16 or float32; what is found is a `Detections`. `StaringDetector` holds a
camera's frames against the scene they share, and `MoverDetector` adds up what it leaves along straight paths;
`SequenceDetector` does the former for recorded sequences; `Verifier` judges a single picture's candidates.
"""

from services.ground_station.detection.correction import PixelCorrection
from services.ground_station.detection.detect import DetectionConfig, Detector
from services.ground_station.detection.movers.detect import MoverConfig, MoverDetector
from services.ground_station.detection.sequence import SequenceDetector
from services.ground_station.detection.staring import SceneMotion, StaringConfig, StaringDetector
from services.ground_station.detection.verify.verifier import Verifier
from services.ground_station.detection_batch import Detections

__all__ = [
    "DetectionConfig",
    "Detections",
    "Detector",
    "MoverConfig",
    "MoverDetector",
    "PixelCorrection",
    "SceneMotion",
    "SequenceDetector",
    "StaringConfig",
    "StaringDetector",
    "Verifier",
]
