"""What kernels are told of the configuration, as named numbers: compiled code takes no dataclass of Python."""

import numpy as np
from numpy.typing import NDArray

from services.ground_station.tracking.config import TrackingConfig

# Fields as in TrackingConfig; floats all. A record: every call of a kernel would look at each field of a tuple anew.
RULES = np.dtype(
    [
        ("window_s", np.float64),
        ("awaken_px", np.float64),
        ("coast_tentative_s", np.float64),
        ("coast_moving_s", np.float64),
        ("coast_static_s", np.float64),
        ("coast_burnt_s", np.float64),
        ("drop_score", np.float64),
        ("decide_hits", np.float64),
        ("decide_s", np.float64),
        ("hit_ratio", np.float64),
        ("plane_moving_m_per_s", np.float64),
        ("static_s", np.float64),
        ("travelling_m_per_s", np.float64),
        ("gate_sigma", np.float64),
        ("detection_probability", np.float64),
        ("confirm_score", np.float64),
        ("most_detections", np.float64),
        ("most_plane_tracks", np.float64),
        ("plane_acceleration_m_per_s2", np.float64),
        ("plane_speed_sigma_m_per_s", np.float64),
        ("plane_hits", np.float64),
        ("plane_misses", np.float64),
        ("plane_misses_young", np.float64),
        ("pair_hits", np.float64),
    ]
)


def rules_from(config: TrackingConfig) -> NDArray[np.void]:
    """Return what kernels are told, one record."""
    rules = np.zeros(1, dtype=RULES)
    for name in RULES.names or ():
        rules[name] = float(getattr(config, name))
    return rules
