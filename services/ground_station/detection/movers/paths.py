"""Straight paths through a block of eight frames, as the bank of velocities takes them."""

import math

import numpy as np
from numpy.typing import NDArray

# Frames a path is first summed over. A longer block needs a bank that grows with its square, a shorter one leaves too
# many chance sums to follow up.
BLOCK_FRAMES = 8
# Velocities of the bank differ by so many pixels over a block. With the path's middle free, its ends are then at most
# half a pixel off, less than rounding the place to a pixel costs.
STEP_PX = 2.0
# What the tile's margin must hold: FASTEST_PX over a block, and rounding.
FASTEST_PX = 1.5
MARGIN = 11
# A bank's sum carries its path's number in so many low bits.
CODE_BITS = 9


def bank_paths(fastest_px: float) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Return a bank's paths for speeds up to `fastest_px` a frame, those with equal steps within a pair together.

    Paths (n, 10), rows and columns from where a point is in the newest frame: displacement from the newer to the older
    frame of a pair; then, for each of the four pairs of a block, where its newer frame is looked at.
    Velocities (n, 2), forward in time, pixels a frame.
    """
    if not 0 < fastest_px <= FASTEST_PX:
        raise ValueError(f"fastest_px is {fastest_px:g}, not within 0 to {FASTEST_PX:g} pixels a frame")
    last = BLOCK_FRAMES - 1
    most = math.ceil(last * fastest_px / STEP_PX)
    rows = []
    for i in range(-most, most + 1):
        for j in range(-most, most + 1):
            back = np.array([i, j]) * STEP_PX / last
            if math.hypot(*back) <= fastest_px + 0.25 / last:
                step = _nearest(back)
                # A pair's two frames lie around its middle as well as whole pixels let them.
                looks = [_nearest(back * (2 * pair + 0.5) - step / 2) for pair in range(BLOCK_FRAMES // 2)]
                rows.append((*step, *np.concatenate(looks), *-back))
    rows.sort()
    table = np.array(rows)
    return table[:, :10].astype(np.int32), np.ascontiguousarray(table[:, 10:])


def _nearest(place: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.floor(place + 0.5).astype(np.int64)
