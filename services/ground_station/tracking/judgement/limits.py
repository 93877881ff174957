"""What the judgement asks for, as numbers in a row: compiled code takes no dataclass."""

import numpy as np
from numpy.typing import NDArray

from services.ground_station.tracking.config import TrackingConfig

# Places in the row, by the names of the configuration's fields.
(
    DECIDE_S,
    DECIDE_HITS,
    DECIDE_TWO_SATELLITES_S,
    HIT_RATIO,
    ACCELERATION_SIGMA_M_PER_S2,
    CONSISTENT_CHI2,
    MOVING_CHI2,
    MOVING_PX,
    TRAVELLING_PX,
    RISING_M_PER_S,
    TRAVELLING_M_PER_S,
    STATIC_M_PER_S,
    STATIC_S,
) = range(13)


def limits_from(config: TrackingConfig) -> NDArray[np.float64]:
    """Return (13,) what `judge` asks for, units as in the configuration."""
    limits = np.empty(13)
    limits[DECIDE_S] = config.decide_s
    limits[DECIDE_HITS] = config.decide_hits
    limits[DECIDE_TWO_SATELLITES_S] = config.decide_two_satellites_s
    limits[HIT_RATIO] = config.hit_ratio
    limits[ACCELERATION_SIGMA_M_PER_S2] = config.acceleration_sigma_m_per_s2
    limits[CONSISTENT_CHI2] = config.consistent_chi2
    limits[MOVING_CHI2] = config.moving_chi2
    limits[MOVING_PX] = config.moving_px
    limits[TRAVELLING_PX] = config.travelling_px
    limits[RISING_M_PER_S] = config.rising_m_per_s
    limits[TRAVELLING_M_PER_S] = config.travelling_m_per_s
    limits[STATIC_M_PER_S] = config.static_m_per_s
    limits[STATIC_S] = config.static_s
    return limits
