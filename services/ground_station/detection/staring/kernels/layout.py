"""Sizes and types that all of the staring chain's kernels share."""

from numba.core.types import boolean, float32, uint8

# Rows and columns of a tile: small enough that a turning or growing scene moves as one within it.
TILE_ROWS, TILE_COLUMNS = 16, 32
# Cells of the background beyond the frame, whole tiles; a displacement and a tile's taps must stay within.
MARGIN = 64
# Furthest that a tile may lie from its place in the grid: what a margin holds less taps and one vector of lookahead.
FURTHEST = MARGIN - 12
# Taps of the interpolation, and steps of a pixel for which its weights are tabled.
TAPS = 4
PHASES = 128
# Columns of which the first pass is made: TILE_COLUMNS + TAPS - 1, rounded up to whole vectors.
WIDE = 40
# Tiles side by side that move alike are read together, so many at most: long stretches of memory take half the time of
# tiles one by one. A row of theirs and PER_TILE figures of each fit where WIDE columns of one tile's rows do.
RUN, PER_TILE = 16, 4
# Half width of the matched filter, pixels.
HALF = 3
# Residuals count towards mean and variance up to so many standard deviations.
CLIP_SIGMA = 4.0

FAST = {"reassoc", "contract", "nsz"}
LINES = float32[:, ::1]
CUBE = float32[:, :, ::1]
COUNTS = uint8[:, ::1]
LOOKS = uint8[::1]
BOOLS = boolean[:, ::1]
