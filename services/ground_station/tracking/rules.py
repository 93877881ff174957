"""What kernels are told of the configuration, as named numbers: compiled code takes no dataclass of Python."""

from typing import NamedTuple

from services.ground_station.tracking.config import TrackingConfig


class Rules(NamedTuple):
    """Fields as in TrackingConfig; floats all."""

    window_s: float
    awaken_px: float
    coast_tentative_s: float
    coast_moving_s: float
    coast_static_s: float
    coast_burnt_s: float
    drop_score: float
    decide_hits: float
    decide_s: float
    hit_ratio: float
    plane_moving_m_per_s: float
    static_s: float
    travelling_m_per_s: float
    gate_sigma: float
    detection_probability: float
    confirm_score: float
    most_detections: float
    most_plane_tracks: float
    plane_acceleration_m_per_s2: float
    plane_speed_sigma_m_per_s: float
    plane_hits: float
    plane_misses: float
    plane_misses_young: float
    pair_hits: float


def rules_from(config: TrackingConfig) -> Rules:
    """Return what kernels are told."""
    return Rules(*(float(getattr(config, name)) for name in Rules._fields))
