"""Tracks of points too dim for any single frame: summed along straight paths, then held against chance.

Each frame, one tile in eight is searched with a bank of velocities over the eight newest frames. Local maxima of those
sums are followed back over the whole window, the better ones refined to a fraction of a pixel and kept as candidates,
refined again with every frame. A candidate is reported while its sum over the window exceeds what noise reaches at the
stated rate.
"""

import math
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.ground_station.detection.movers import kernels
from services.ground_station.detection.movers.calibration import point_shape, threshold_snr
from services.ground_station.detection.movers.paths import BLOCK_FRAMES, FASTEST_PX, bank_paths
from services.ground_station.detection.movers.scatter import Scatter

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

# Frames below which a path says nothing about a velocity.
FEWEST_FRAMES = 4
# A tile's turn comes once a block: each frame is in one bank of every tile.
TURNS = BLOCK_FRAMES
# What a path's sum over a block must reach to be followed, in its standard deviation.
LEAST_BLOCK_SNR = 3.8
# Then it is followed over so many frames, looked at to the nearest pixel. To be refined it must reach this share of
# what a track at threshold has in as many frames, but not less than what too many chance paths reach.
FOLLOWED_FRAMES = 20
FOLLOWED_SHARE = 0.74
LEAST_FOLLOWED_SNR = 3.9
# Half way there it must reach this share of the same.
EARLY_SHARE = 0.9
# A candidate may fall so far below the threshold before it is forgotten.
SLACK_SNR = 0.8
# Refined a frame at most, strongest first; bounds the time spent on a frame full of moving clutter.
MOST_CANDIDATES = 512
# Followed paths whose middles fall into the same square of this side are one, the strongest.
CELL_PX = 3.0
# Paths closer than this in a frame share their light there.
APART_PX = 3.0
# Steps of the refinement: from what following leaves open, to where a score is within 1 % of its peak.
FIRST_STEP_PX, LAST_STEP_PX = 0.5, 0.125


@dataclass(frozen=True)
class MoverConfig:
    """How dim movers are searched for."""

    # False tracks per pixel and frame in noise: one in a frame of 1024 x 1024. Frames held against a learnt background
    # have a quarter to two fifths of that.
    pfa: float = 1e-6
    # Frames summed. More finds dimmer points, which must fly straight for as long.
    frames: int = 20
    # Fastest motion against the scene, pixels a frame.
    fastest_px: float = FASTEST_PX
    # Standard deviation of the point-spread function the residual was filtered for.
    psf_sigma_px: float = 0.6

    def __post_init__(self) -> None:
        if not 1e-12 <= self.pfa <= 1e-3:
            raise ValueError(f"pfa is {self.pfa:g}, not within 1e-12 to 0.001 false tracks per pixel and frame")
        if not FEWEST_FRAMES <= self.frames <= 64:
            raise ValueError(f"frames is {self.frames}, not within {FEWEST_FRAMES} to 64")
        if not 0.1 <= self.fastest_px <= FASTEST_PX:
            raise ValueError(f"fastest_px is {self.fastest_px:g}, not within 0.1 to {FASTEST_PX:g} pixels a frame")
        if not 0.3 <= self.psf_sigma_px <= 3.0:
            raise ValueError(f"psf_sigma_px is {self.psf_sigma_px:g}, not within 0.3 to 3 pixels")


@dataclass(frozen=True)
class Movers:
    """Tracks that end in a frame, strongest first; every array has one entry a track.

    row, column: (n,) place in the frame, pixels; beyond its edge where a track has just flown out. row_velocity,
    column_velocity: (n,) against the scene, pixels a frame.
    covariance: (n, 4, 4) of row, column and the velocities, in that order.
    score: (n,) integrated signal-to-noise ratio: sum over the window of the matched filter's, over the root of its
    frames and the standard deviation that such sums have where nothing flies, see `Scatter`. frames: (n,) int64 frames
    of the window that show the track's place.
    threshold: score from which tracks are reported; pfa: false tracks per pixel and frame then stated, for white noise.
    Frames held against a learnt background have fewer: 0.2 to 0.4 of those stated, 1e-4 to 1e-5.
    """

    row: Float64
    column: Float64
    row_velocity: Float64
    column_velocity: Float64
    covariance: Float64
    score: Float64
    frames: NDArray[np.int64]
    threshold: float
    pfa: float

    def __len__(self) -> int:
        return len(self.row)


class MoverDetector:
    """Searches one camera's successive frames for dim movers. Not for several threads at once."""

    def __init__(self, rows: int, columns: int, config: MoverConfig | None = None) -> None:
        self.config = config or MoverConfig()
        if min(rows, columns) < 8:
            raise ValueError(f"frames of {rows} x {columns} pixels are too small; 8 x 8 is the least")
        self._shape = point_shape(self.config.psf_sigma_px)
        self._paths, self._velocities = bank_paths(self.config.fastest_px)
        ring = max(self.config.frames, BLOCK_FRAMES)
        self._history = np.zeros((ring, rows, columns), dtype=np.int8)
        # Of the frames held, newest first: where their first pixel lies in the scene.
        self._origins: deque[tuple[float, float]] = deque(maxlen=ring)
        self._pushed = 0
        self._scatter = Scatter(self.config.fastest_px)
        self._candidates = np.empty((0, 5))
        tile = kernels.HEIGHT * kernels.WIDTH
        self._tile_frames = np.zeros((BLOCK_FRAMES, tile), dtype=np.int16)
        self._tile_pairs = np.zeros((BLOCK_FRAMES // 2, tile), dtype=np.int16)
        self._tile_best = np.zeros(kernels.TILE_ROWS * kernels.WIDTH, dtype=np.int16)
        # No two neighbours are both maxima; one tile in TURNS is searched, at least one.
        tiles = -(-rows // kernels.TILE_ROWS) * -(-columns // kernels.TILE_COLUMNS)
        most = -(-tiles // TURNS) * kernels.TILE_ROWS * kernels.TILE_COLUMNS // 4
        self._seeds = np.empty((most, 4), dtype=np.int32)
        self._followed = np.empty((most, 5))
        self._seen = np.empty(2 * MOST_CANDIDATES, dtype=np.int32)

    @property
    def held_bytes(self) -> int:
        """Bytes of the frames held, of the candidates and of all work space."""
        work = (self._tile_frames, self._tile_pairs, self._tile_best, self._seeds, self._followed, self._seen)
        return sum(each.nbytes for each in (self._history, self._candidates, *work))

    def push(self, residual: Float32, row: float = 0.0, column: float = 0.0) -> Movers:
        """Take the next frame and return the tracks that end in it.

        residual: (rows, columns) float32 matched-filter output over its noise: unit variance where nothing is; 0 or
        NaN where unknown, all of it for a frame that was lost. row, column: where its first pixel lies in a grid
        fixed to the scene, pixels, sub-pixel; a camera that turns is beyond it.
        """
        if residual.shape != self._history.shape[1:]:
            raise ValueError(f"residual has shape {residual.shape}, the frames before {self._history.shape[1:]}")
        if not (math.isfinite(row) and math.isfinite(column)):
            raise ValueError(f"the frame lies at ({row}, {column}); both must be finite")
        ring = len(self._history)
        kernels.store(np.ascontiguousarray(residual, dtype=np.float32), self._history[self._pushed % ring])
        self._advance(row, column)
        self._origins.appendleft((row, column))
        self._pushed += 1
        frames = min(self._pushed, self.config.frames)
        threshold = threshold_snr(
            self.config.pfa, max(frames, FEWEST_FRAMES), self.config.fastest_px, self._shape.curvature_px2
        )
        if frames < FEWEST_FRAMES:
            return self._movers(0, frames, threshold)
        slots = (self._pushed - 1 - np.arange(ring)) % ring
        origins = np.array(self._origins)
        offsets = np.zeros((ring, 2))
        offsets[: len(origins)] = origins[0] - origins
        return self._search(slots, offsets, frames, threshold)

    def _advance(self, row: float, column: float) -> None:
        """Move the candidates on to where they should be in a frame at this place of the scene."""
        if self._origins:
            self._candidates[:, :2] += self._candidates[:, 2:4] + np.subtract(self._origins[0], (row, column))

    def _search(self, slots: NDArray[np.int64], offsets: Float64, frames: int, threshold: float) -> Movers:
        window = np.ascontiguousarray(offsets[:frames])
        self._scatter.measure(
            self._history, slots, window, self._shape.weights, anew=self._pushed <= self.config.frames
        )
        new = self._new_tracks(slots, offsets, frames, threshold)
        old = self._candidates
        for tracks, first in ((old, 2 * LAST_STEP_PX), (new, FIRST_STEP_PX)):
            kernels.refine(
                self._history,
                slots,
                window,
                self._shape.weights,
                self.config.fastest_px,
                first,
                LAST_STEP_PX,
                tracks,
                len(tracks),
            )
        tracks = np.concatenate([old, new])
        # What stands out is told in deviations of chance sums.
        tracks[:, 4] /= self._scatter.of(tracks[:, 2:4])
        tracks = tracks[tracks[:, 4] >= threshold - SLACK_SNR]
        tracks = np.ascontiguousarray(tracks[np.argsort(-tracks[:, 4], kind="stable")])
        kept = kernels.separate(
            self._history,
            slots,
            window,
            self._shape.weights,
            APART_PX,
            (threshold - SLACK_SNR) * self._scatter.of(tracks[:, 2:4]),
            tracks,
            len(tracks),
            self._seen,
        )
        self._candidates = tracks[: min(kept, MOST_CANDIDATES)].copy()
        reported = int(np.sum(self._candidates[:, 4] >= threshold))
        return self._movers(reported, frames, threshold)

    def _new_tracks(self, slots: NDArray[np.int64], offsets: Float64, frames: int, threshold: float) -> Float64:
        """Return rough tracks (n, 5) from the tiles whose turn it is."""
        count = kernels.find_seeds(
            self._history,
            slots,
            np.rint(offsets[:BLOCK_FRAMES]).astype(np.int64),
            self._paths,
            self._pushed % TURNS,
            TURNS,
            math.ceil(LEAST_BLOCK_SNR * math.sqrt(min(frames, BLOCK_FRAMES)) / (kernels.QUANTUM * 2**kernels.COARSER)),
            self._tile_frames,
            self._tile_pairs,
            self._tile_best,
            self._seeds,
        )
        followed = min(frames, FOLLOWED_FRAMES)
        spread, spacing = _fan(followed)
        least = max(LEAST_FOLLOWED_SNR, FOLLOWED_SHARE * threshold * math.sqrt(followed / frames))
        # The block, whose sum is known, and half of the frames before it.
        half = min((BLOCK_FRAMES + followed) // 2, followed)
        kept = kernels.follow_seeds(
            self._history,
            slots,
            np.rint(offsets[:followed] * 2**kernels.FIXED).astype(np.int64),
            self._velocities,
            self._seeds,
            count,
            spread,
            spacing,
            half,
            math.ceil(EARLY_SHARE * least * half / math.sqrt(followed) / kernels.QUANTUM),
            math.ceil(least * math.sqrt(followed) / kernels.QUANTUM),
            self._followed,
        )
        return _strongest_of_each_cell(self._followed[:kept], 0.5 * (followed - 1))[:MOST_CANDIDATES]

    def _movers(self, count: int, frames: int, threshold: float) -> Movers:
        tracks = self._candidates[:count]
        return Movers(
            row=tracks[:, 0].copy(),
            column=tracks[:, 1].copy(),
            row_velocity=tracks[:, 2].copy(),
            column_velocity=tracks[:, 3].copy(),
            covariance=_covariance(tracks[:, 4], frames, self._shape.curvature_px2),
            score=tracks[:, 4].copy(),
            frames=self._seen[:count].astype(np.int64),
            threshold=threshold,
            pfa=self.config.pfa,
        )


def _fan(frames: int) -> tuple[int, float]:
    """Return how many velocities a side to try beside the bank's, and their spacing, to follow a path over `frames`.

    The bank leaves a velocity open by a pixel over a block, either way; at the far end of the window, neighbours of the
    fan then lie 1.5 pixels apart.
    """
    lever = max(frames - 1 - 0.5 * (BLOCK_FRAMES - 1), 1.0)
    open_px = lever / (BLOCK_FRAMES - 1)
    spread = max(0, math.ceil((open_px - 0.75) / 1.5))
    return spread, 1.5 / lever


def _strongest_of_each_cell(tracks: Float64, middle: float) -> Float64:
    """Return the tracks, strongest first, that are the strongest of the cell in which their middle lies."""
    tracks = tracks[np.argsort(-tracks[:, 4], kind="stable")]
    cells = np.floor((tracks[:, :2] - middle * tracks[:, 2:4]) / CELL_PX).astype(np.int64)
    _, first = np.unique((cells[:, 0] << 32) + cells[:, 1], return_index=True)
    return np.ascontiguousarray(tracks[np.sort(first)])


def _covariance(score: Float64, frames: int, curvature_px2: float) -> Float64:
    """Return (n, 4, 4) covariances at the newest frame: a straight track's Cramer-Rao bound, and the last step's."""
    ages = np.arange(frames) - 0.5 * (frames - 1)
    spread = max(float(np.mean(ages**2)), 1e-9)
    lever = 0.5 * (frames - 1)
    one = np.array([[1.0 + lever**2 / spread, lever / spread], [lever / spread, 1.0 / spread]])
    axes = np.kron(one, np.eye(2))
    variance = 1.0 / (curvature_px2 * np.maximum(score, 1.0) ** 2) + LAST_STEP_PX**2 / 3.0
    return np.asarray(axes * variance[:, None, None])
