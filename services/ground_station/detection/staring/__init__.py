"""The temporal chain of a staring or slowly drifting camera."""

from services.ground_station.detection.staring.detector import StaringConfig, StaringDetector, StaringFrame
from services.ground_station.detection.staring.motion import SceneMotion

__all__ = ["SceneMotion", "StaringConfig", "StaringDetector", "StaringFrame"]
