"""Arrays the kernels work in, kept from frame to frame: new ones would cost more than the filter (page faults)."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from services.ground_station.detection.kernels import BLOCK
from services.ground_station.detection.pixels.kernels import PARTS


class Workspace:
    """Arrays for one frame size and one thread; `label` is all zeros between frames."""

    def __init__(self, rows: int, columns: int, wide_half: int) -> None:
        self.key = (rows, columns, wide_half)
        width = columns + 2 * wide_half
        # The rows around the filtered one, by their number's last bits.
        self.ring = np.empty((1 << (2 * wide_half).bit_length(), width), dtype=np.float32)
        self.fives = np.empty((1 << (2 * wide_half // 5).bit_length(), width), dtype=np.float32)
        self.lines = np.empty((10, width), dtype=np.float32)
        self.response = np.empty((rows, columns), dtype=np.float32)
        blocks = (rows // BLOCK, columns // BLOCK)
        self.block_sum, self.wide_sum, self.narrow_sum = (np.empty(blocks) for _ in range(3))
        self.noise_sum, self.block_limit, self.block_noise = (np.empty(blocks) for _ in range(3))
        self.block_ratio, self.block_largest = (np.empty(blocks) for _ in range(2))
        # No two neighbours are both maxima, so there are at most a quarter as many as pixels.
        most = rows * columns // 4 + 1
        self.place = np.empty(most, dtype=np.int32)
        self.snr, self.noise = (np.empty(most, dtype=np.float32) for _ in range(2))
        self.label = np.zeros((rows, columns), dtype=np.int32)
        self.cells = np.empty(rows * columns, dtype=np.int32)
        # Single bad pixels found in a frame; a hundredth of it at most, or it is no bad pixels but its texture.
        self.odd = np.empty(max(16, rows * columns // 100), dtype=np.int32)
        self.profiles = np.empty((PARTS, rows), dtype=np.float32), np.empty((PARTS, columns), dtype=np.float32)
        self.odd_lines = np.zeros(rows, dtype=np.uint8), np.zeros(columns, dtype=np.uint8)
        # Pixels replaced in this frame: 1 where, and their flat indices.
        self.bad = np.zeros((rows, columns), dtype=np.uint8)
        self.bad_cells = np.empty(0, dtype=np.int32)

    @cached_property
    def clean(self) -> NDArray[np.float32]:
        """Return room for the frame with pixels corrected or replaced, which few frames need."""
        return np.empty(self.response.shape, dtype=np.float32)
