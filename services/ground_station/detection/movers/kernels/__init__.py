"""The loops over pixels, paths and frames: arrays in, caller's arrays out, nothing allocated on the way.

Shapes and bounds are checked in detect.py; `tests/ground_station/detection/movers/naive.py` says the same slowly.
"""

from services.ground_station.detection.movers.kernels.following import follow_seeds
from services.ground_station.detection.movers.kernels.layout import (
    COARSER,
    FIXED,
    HEIGHT,
    QUANTUM,
    TILE_COLUMNS,
    TILE_ROWS,
    WIDTH,
)
from services.ground_station.detection.movers.kernels.seeds import find_seeds, store
from services.ground_station.detection.movers.kernels.sums import refine, separate, sum_paths

__all__ = [
    "COARSER",
    "FIXED",
    "HEIGHT",
    "QUANTUM",
    "TILE_COLUMNS",
    "TILE_ROWS",
    "WIDTH",
    "find_seeds",
    "follow_seeds",
    "refine",
    "separate",
    "store",
    "sum_paths",
]
