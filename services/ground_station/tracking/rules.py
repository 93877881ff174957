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


def rules_from(config: TrackingConfig) -> Rules:
    """Return what kernels are told."""
    return Rules(*(float(getattr(config, name)) for name in Rules._fields))
