"""The temporal chain of a staring or slowly drifting camera."""

from services.ground_station.detection.staring.config import LARGEST_PFA, StaringConfig
from services.ground_station.detection.staring.detector import StaringDetector, StaringFrame
from services.ground_station.detection.staring.motion import SceneMotion

__all__ = ["LARGEST_PFA", "SceneMotion", "StaringConfig", "StaringDetector", "StaringFrame"]
