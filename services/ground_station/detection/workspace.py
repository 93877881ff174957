"""Arrays the kernels work in, kept from frame to frame: new ones would cost more than the filter (page faults)."""

import numpy as np

from services.ground_station.detection.kernels import BLOCK


class Workspace:
    """Arrays for one frame size and one thread; `label` is all zeros between frames."""

    def __init__(self, rows: int, columns: int, box_half: int) -> None:
        self.key = (rows, columns, box_half)
        width = columns + 2 * box_half
        # A strip of blocks, the last of which takes up to BLOCK - 1 more rows, with the filter's margins.
        self.strip = np.empty((2 * BLOCK - 1 + 2 * box_half, width), dtype=np.float32)
        self.lines = np.empty((3, width), dtype=np.float32)
        self.response = np.empty((rows, columns), dtype=np.float32)
        blocks = (rows // BLOCK, columns // BLOCK)
        self.block_sum, self.noise_sum, self.block_limit = (np.empty(blocks) for _ in range(3))
        self.block_threshold = np.empty(blocks, dtype=np.float32)
        # No two neighbours are both maxima, so there are at most a quarter as many as pixels.
        most = rows * columns // 4 + 1
        self.place = np.empty(most, dtype=np.int32)
        self.snr, self.noise = (np.empty(most, dtype=np.float32) for _ in range(2))
        self.label = np.zeros((rows, columns), dtype=np.int32)
        self.cells = np.empty(rows * columns, dtype=np.int32)
