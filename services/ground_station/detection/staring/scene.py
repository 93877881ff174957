"""What a staring camera has learnt of its scene: a background in a grid that moves with it, and how well it fits."""

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.ground_station.detection.staring import kernels
from services.ground_station.detection.staring.alignment import as_kernel
from services.ground_station.detection.staring.kernels import MARGIN, TILE_COLUMNS, TILE_ROWS
from services.ground_station.detection.staring.kernels.residual import STATISTICS_EVERY
from services.ground_station.detection.staring.motion import (
    at,
    chain,
    fit_affine,
    inverse,
    tile_middles,
    tile_shape,
    without,
)

Bool = NDArray[np.bool_]
Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

# A displacement is brought back to zero before it fills the margin, pixels, or differs so much between neighbouring
# tiles that a tile's columns reach beyond the interpolation's.
FARTHEST_PX = kernels.FURTHEST - 8.0
STEEPEST_PX = 0.5
CACHE_LINE_BYTES = 64
# Pixels of a tile from which its level can be told without taking a point for it.
LEVEL_PIXELS = 64
# The frame's outermost pixels are filtered with mirrored ones, which scenery does not follow.
# The taps of what is learnt must stay off them.
BORDER_PX = kernels.HALF + 2
# Beside a pixel that tells nothing so many pixels' responses are made of it for a good part.
BESIDE_PX = 1
# Every so many frames one may be learnt; of the others only the two newest are held.
LEARN_EVERY = 2


@dataclass
class Taken:
    """One frame's response, the displacement of its tiles into the grid, and its number from 1."""

    response: Float32
    displacement: Float64
    number: int


class Scene:
    """The background of one camera: arrays of one frame size, all allocated at once.

    displacement: (tile rows, tile columns, 2) from the newest frame's tiles to the grid, pixels.
    """

    def __init__(self, shape: tuple[int, int], delay: int, full: int, table: Float32, curves: Float32) -> None:
        self.shape = shape
        self.tiles = tile_shape(shape)
        self._delay, self.full, self._table, self._curves = delay, full, table, curves
        padded = (self.tiles[0] * TILE_ROWS, self.tiles[1] * TILE_COLUMNS)
        grid = (padded[0] + 2 * MARGIN, _pitch(padded[1] + 2 * MARGIN))
        self.background, self._spare, self._residual = (np.zeros(grid, dtype=np.float32) for _ in range(3))
        self.seen, self._spare_seen = (np.zeros(grid, dtype=np.uint8) for _ in range(2))
        self.least_seen = np.zeros((grid[0] // TILE_ROWS, grid[1] // TILE_COLUMNS), dtype=np.uint8)
        self._free = [np.zeros(grid, dtype=np.float32) for _ in range(-(-delay // LEARN_EVERY) + 2)]
        self._taken: deque[Taken] = deque()
        self.z = np.zeros(padded, dtype=np.float32)
        self.variance = np.zeros((*self.tiles, 2), dtype=np.float32)
        self.fits, self._followed = (np.ones(self.tiles, dtype=np.bool_) for _ in range(2))
        self._sums = np.zeros((*self.tiles, 5), dtype=np.float32)
        self.known = np.zeros(self.tiles, dtype=np.int32)
        self.lines = np.zeros((TILE_ROWS, kernels.WIDE), dtype=np.float32)
        self.tile, self._slopes = (np.zeros((TILE_ROWS, TILE_COLUMNS), dtype=np.float32) for _ in range(2))
        self._looks = (np.zeros(kernels.WIDE, dtype=np.uint8), np.zeros(TILE_COLUMNS, dtype=np.uint8))
        self.displacement = np.zeros((*self.tiles, 2))
        # From the grid to the first frame's pixels.
        self.origin = np.column_stack([np.eye(2), np.zeros(2)])
        self.frames = 0
        # Frames since there are statistics of residuals.
        self._turns = 0

    def next_response(self) -> Float32:
        """Return the array for the next frame's response."""
        return self._free[-1]

    def last_response(self) -> Float32:
        """Return the newest frame's response, MARGIN in from the array's edges."""
        return self._taken[-1].response

    def lower(self, level: float) -> None:
        """Take a level out of the response last given out, counts of the response."""
        inner = tuple(slice(MARGIN, MARGIN + size) for size in self.shape)
        self.next_response()[inner] -= np.float32(level)

    def begin(self) -> None:
        """Take the response last given out as all that is known of the scene, seen once."""
        response = self._free.pop()
        within = tuple(slice(MARGIN + BORDER_PX, MARGIN + size - BORDER_PX) for size in self.shape)
        self.background[within] = response[within]
        self.seen[within] = 1
        self.frames = 1
        self._taken.append(Taken(response, self.displacement, self.frames))

    def accept(self, displacement: Float64, followed: Bool) -> None:
        """Take the response last given out as the next frame's, displaced so from the grid.

        followed: (tile rows, tile columns) False where the light does not move with the tile; what was learnt there is
        forgotten.
        """
        self.displacement = displacement
        self._followed = np.ascontiguousarray(followed)
        if not followed.all():
            kernels.forget_tiles(as_kernel(displacement), self._followed, self.seen, self.least_seen)
        self.frames += 1
        self._taken.append(Taken(self._free.pop(), displacement, self.frames))

    def partly_unknown(self) -> Bool:
        """Return (tile rows, tile columns) tiles with pixels that `z` does not judge, but for the frame's border."""
        rows, columns = (
            np.clip(size - np.arange(tiles) * side, 0, side)
            for size, tiles, side in zip(self.shape, self.tiles, (TILE_ROWS, TILE_COLUMNS), strict=True)
        )
        for line in (rows, columns):
            line[[0, -1]] -= kernels.HALF
        return np.asarray(self.known < np.outer(rows, columns))

    def blank(self, cells: NDArray[np.int32]) -> None:
        """Make `z` unknown at pixels that tell nothing, and beside them; cells: (n,) flat indices in the frame."""
        near = np.arange(-BESIDE_PX, BESIDE_PX + 1)
        row, column = (
            np.clip(each[:, None] + near, 0, size - 1)
            for each, size in zip(np.divmod(cells, self.shape[1]), self.shape, strict=True)
        )
        self.z[row[:, :, None], column[:, None, :]] = 0.0
        touched = np.zeros(self.tiles, dtype=np.bool_)
        touched[row[:, :, None] // TILE_ROWS, column[:, None, :] // TILE_COLUMNS] = True
        i, j = np.nonzero(touched)
        blocks = self.z.reshape(self.tiles[0], TILE_ROWS, self.tiles[1], TILE_COLUMNS)
        self.known[i, j] = np.count_nonzero(blocks[i, :, j, :], axis=(1, 2))

    def young(self, place: Float64) -> Bool:
        """Return (n,) whether places (n, 2) of the newest frame came into view a short while ago or lie at a limb."""
        in_grid = np.rint(place + at(self.displacement, place)).astype(np.int64) + MARGIN
        row, column = np.clip(in_grid, 0, np.array(self.seen.shape) - 1).T
        return np.asarray(self.seen[row, column] < self.full)

    def residual_counts(self) -> Float32:
        """Return (tile rows, tile columns) what the response has beyond the background, rms; NaN where unknown."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.sqrt(self._sums[..., 3] / self._sums[..., 0]))

    def residual(self, least: int, noise_share: float, noise_floor: float) -> None:
        """Fill `z` and `known` for the newest frame, and learn how well the background fits."""
        first = not self.variance[..., 0].any()
        if first:
            self.variance[..., 0] = self._first_variance(noise_floor)
        displacement = as_kernel(self.displacement)
        # Beside the limb a few tiles grow faster than the grid is brought back.
        even = np.abs(displacement[..., 4:]).max(axis=2) * TILE_COLUMNS < STEEPEST_PX
        kernels.normalised_residual(
            self.last_response(),
            self.background,
            self.seen,
            self.least_seen,
            displacement,
            self._followed & even,
            self._table,
            self._curves,
            self.variance,
            self._fits_by_now(),
            least,
            self.full,
            noise_share,
            *self.shape,
            self.frames,
            self.lines,
            self.tile,
            self._slopes,
            *self._looks,
            self.z,
            self._sums,
            self.known,
        )
        self._level_partly_known()
        kernels.fit_variance(self._sums, noise_floor, self.variance, self.fits)

    def learn(self, gain: float, clip: float, *, young_only: bool) -> None:
        """Learn the oldest frame held, which is `delay` frames old; young_only: where cells were not seen often."""
        oldest = self._taken[0]
        displacement = as_kernel(oldest.displacement)
        kernels.residual_to_learn(
            oldest.response,
            self.background,
            self.seen,
            self.least_seen,
            displacement,
            self._table,
            self._curves,
            self.variance,
            self.full,
            clip,
            self.lines,
            self.tile,
            *self._looks,
            self._residual,
            *self.shape,
            young_only,
        )
        kernels.learn(
            oldest.response,
            self._residual,
            as_kernel(inverse(oldest.displacement, MARGIN)),
            self._table,
            self._curves,
            gain,
            self.full,
            BORDER_PX,
            *self.shape,
            young_only,
            self.lines,
            self.tile,
            self.background,
            self.seen,
            self.least_seen,
        )

    @property
    def may_learn(self) -> bool:
        """Whether the oldest frame held has the age at which it is learnt."""
        return self._taken[0].number == self.frames - self._delay and self.frames % LEARN_EVERY == 0

    def forget(self) -> None:
        """Drop what has reached the delay or will not be learnt, so that the next frame has a place."""
        held = list(self._taken)
        self._taken.clear()
        for each in held:
            waits = each.number > self.frames - self._delay and (each.number + self._delay) % LEARN_EVERY == 0
            if waits or each.number >= self.frames - 1:
                self._taken.append(each)
            else:
                self._free.append(each.response)

    def bring_back(self) -> Float64 | None:
        """Move the grid to where the newest frame is, should it be far off or turned; return by what, else None."""
        known = np.nan_to_num(self.displacement)
        steep = self._steepest(known) >= STEEPEST_PX
        if not steep and np.abs(known[self._followed]).max(initial=0.0) < FARTHEST_PX:
            return None
        middles = tile_middles(self.tiles, MARGIN)
        # A scene is moved by whole cells wherever that is enough, which loses nothing.
        whole = np.rint(np.median(known[self._followed], axis=0)) if self._followed.any() else np.zeros(2)
        enough = not steep and np.abs(known[self._followed] - whole).max(initial=0.0) < 0.5 * FARTHEST_PX
        move = np.broadcast_to(whole, known.shape).copy() if enough else known
        kernels.move_background(
            as_kernel(np.broadcast_to(at(move, middles), middles.shape)),
            self._table,
            self._curves,
            self.lines,
            self.tile,
            *self._looks,
            self.background,
            self.seen,
            self._spare,
            self._spare_seen,
            self.least_seen,
        )
        self.background, self._spare = self._spare, self.background
        self.seen, self._spare_seen = self._spare_seen, self.seen
        for each in self._taken:
            each.displacement = without(each.displacement, move)
        self.displacement = self._taken[-1].displacement
        self.origin = chain(self.origin, fit_affine(move))
        return move

    def _fits_by_now(self) -> Bool:
        """Return which tiles may be judged: at first only those with statistics of their own that say they fit.

        When every tile's turn has come, those that are never known as a whole go by what their neighbours say.
        """
        begun = self._sums[..., 0] > 0
        self._turns += bool(begun.any())
        return self.fits if self._turns > STATISTICS_EVERY else self.fits & begun

    def _level_partly_known(self) -> None:
        """Take the mean out of `z` where it covers part of a tile, as the kernel does where it covers all of it.

        What shines in the air changes with the angle of view, by up to a deviation while the scene crosses the frame,
        and new ground comes into view at the frame's edge. Parts too small to tell their level become unknown.
        """
        i, j = np.nonzero((self.known > 0) & (self.known < TILE_ROWS * TILE_COLUMNS))
        if len(i) == 0:
            return
        blocks = self.z.reshape(self.tiles[0], TILE_ROWS, self.tiles[1], TILE_COLUMNS)
        z = blocks[i, :, j, :]
        known = z != 0.0
        limit = np.float32(kernels.CLIP_SIGMA)
        level = np.clip(z, -limit, limit).sum(axis=(1, 2)) / np.maximum(known.sum(axis=(1, 2)), 1)
        enough = self.known[i, j] >= LEVEL_PIXELS
        blocks[i, :, j, :] = np.where(known & enough[:, None, None], z - level[:, None, None], np.float32(0.0))
        self.known[i, j] = np.where(enough, self.known[i, j], 0)

    def _steepest(self, displacement: Float64) -> float:
        """Return the largest difference between tiles side by side that are both followed, but for one in a hundred."""
        both = self._followed[:, 1:] & self._followed[:, :-1]
        steps = np.abs(np.diff(displacement, axis=1))[both]
        return float(np.percentile(steps, 99.0)) if len(steps) > 0 else 0.0

    def _first_variance(self, floor: float) -> float:
        """Return the response's noise from the difference of the two newest frames, should neither have moved."""
        inner = tuple(slice(MARGIN, MARGIN + size) for size in self.shape)
        spread = np.abs(self._taken[-1].response[inner] - self._taken[-2].response[inner])
        return max(float(np.median(spread) / 0.6745) ** 2 / 2.0, floor)


def _pitch(columns: int) -> int:
    """Return so many columns, or a tile more, that a tile's rows do not fall on the same places of the cache."""
    lines = columns * 4 // CACHE_LINE_BYTES
    return columns if lines % 4 != 0 else columns + TILE_COLUMNS
