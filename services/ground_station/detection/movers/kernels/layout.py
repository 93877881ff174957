"""Sizes, steps and types that all of the movers' kernels share."""

from numba.core.types import Array, float32, float64, int8

from services.ground_station.detection.movers.paths import MARGIN

# Pixels of a tile of the bank: its sums stay in the second-level cache.
TILE_ROWS, TILE_COLUMNS = 32, 128
WIDTH = TILE_COLUMNS + 2 * MARGIN
HEIGHT = TILE_ROWS + 2 * MARGIN
# A history's count is this share of the noise's standard deviation; a bank's is coarser by COARSER bits.
QUANTUM = 1.0 / 16.0
COARSER = 3
# Bits of a pixel's fraction where places are whole numbers.
FIXED = 16

HISTORY = int8[:, :, ::1]
WEIGHTS = Array(float32, 4, "C", readonly=True)
TRACKS = float64[:, ::1]
