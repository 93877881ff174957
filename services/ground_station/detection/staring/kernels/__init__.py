"""The loops over pixels of a staring camera's chain: arrays in, caller's arrays out, nothing allocated on the way.

A frame is cut into tiles of TILE_ROWS x TILE_COLUMNS pixels; each has a displacement into the background's grid, and
its slopes. Response and background have MARGIN cells more than the frame's tiles on every side.
`tests/ground_station/detection/staring/naive.py` says the same slowly.
"""

from services.ground_station.detection.staring.kernels.frame import (
    BLOCK,
    filter_response,
    keep_apart,
    keep_points,
    screen,
)
from services.ground_station.detection.staring.kernels.layout import (
    CLIP_SIGMA,
    FURTHEST,
    HALF,
    MARGIN,
    PHASES,
    TAPS,
    TILE_COLUMNS,
    TILE_ROWS,
    WIDE,
)
from services.ground_station.detection.staring.kernels.learning import (
    forget_tiles,
    learn,
    move_background,
    residual_to_learn,
)
from services.ground_station.detection.staring.kernels.residual import (
    fit_variance,
    normalised_residual,
)
from services.ground_station.detection.staring.kernels.shift import slope_sums

__all__ = [
    "BLOCK",
    "CLIP_SIGMA",
    "FURTHEST",
    "HALF",
    "MARGIN",
    "PHASES",
    "TAPS",
    "TILE_COLUMNS",
    "TILE_ROWS",
    "WIDE",
    "filter_response",
    "fit_variance",
    "forget_tiles",
    "keep_apart",
    "keep_points",
    "learn",
    "move_background",
    "normalised_residual",
    "residual_to_learn",
    "screen",
    "slope_sums",
]
