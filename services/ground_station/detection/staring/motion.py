"""How pixels of one frame move against another: tile by tile, from known geometry or a plain model."""

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from services.geometry.ellipsoid import limb_crossing
from services.geometry.frames import itrs_from_gcrs
from services.ground_station.detection.staring.kernels import TILE_COLUMNS, TILE_ROWS
from services.ground_station.detection_batch import Geometry

Bool = NDArray[np.bool_]
Float64 = NDArray[np.float64]

# Air that shines above the limb: its light stays with the limb, whatever ground turns up below.
AIR_TOP_M = 60_000.0

# Steps of the fixed point that turns a displacement round; slopes here are below 0.01, so each adds two digits.
INVERSE_STEPS = 1
# Displacements that differ by less are one, pixels.
UNIFORM_PX = 1e-4


@dataclass(frozen=True)
class SceneMotion:
    """Where a frame's tiles were in the frame before.

    displacement_px: (tile rows, tile columns, 2) what to add to row and column of a tile's middle to come to the place
    in the frame before that showed the same point of the scene. Tiles are of TILE_ROWS x TILE_COLUMNS pixels; the last
    ones may reach beyond the frame. Tiles of which it is not finite, as none did, are not followed, and are given the
    median of the others: displacements add up from frame to frame, and between tiles.
    followed: (tile rows, tile columns) whether the light of a tile moves so at all; empty: all that is finite.

    Raises ValueError for arrays of other shapes.
    """

    displacement_px: Float64
    followed: Bool = field(default_factory=lambda: np.ones((0, 0), dtype=np.bool_))

    def __post_init__(self) -> None:
        shape = self.displacement_px.shape
        if len(shape) != 3 or shape[2] != 2 or 0 in shape:
            raise ValueError(f"displacement_px has shape {shape}, not (tile rows, tile columns, 2)")
        if self.followed.size and self.followed.shape != shape[:2]:
            raise ValueError(f"followed has shape {self.followed.shape}, displacement_px {shape}")
        finite: Bool = np.all(np.isfinite(self.displacement_px), axis=2)
        if not finite.all():
            usual = np.median(self.displacement_px[finite], axis=0) if finite.any() else np.zeros(2)
            displacement = np.where(finite[..., None], self.displacement_px, usual)
            object.__setattr__(self, "displacement_px", displacement)
        object.__setattr__(self, "followed", self.followed & finite if self.followed.size else finite)

    @classmethod
    def translation(cls, shape: tuple[int, int], rows: float, columns: float) -> "SceneMotion":
        """Return the motion of a scene whose points were at (row + rows, column + columns) in the frame before."""
        return cls(np.broadcast_to(np.array([rows, columns], dtype=np.float64), (*tile_shape(shape), 2)).copy())

    @classmethod
    def affine(cls, shape: tuple[int, int], matrix: Float64) -> "SceneMotion":
        """Return the motion of a scene whose points were at matrix @ (row, column, 1) in the frame before; (2, 3)."""
        places = tile_middles(tile_shape(shape))
        return cls(places @ matrix[:, :2].T + matrix[:, 2] - places)

    @classmethod
    def between(
        cls,
        before: Geometry,
        before_unix_ns: int,
        now: Geometry,
        now_unix_ns: int,
        shape: tuple[int, int],
    ) -> "SceneMotion":
        """Return how the Earth's surface moved between two frames of one camera.

        Lines of sight that miss the Earth move with the stars, by rotation alone. The limb moves with neither: tiles in
        which it or the air above it lies are not followed, nor those of which the lens does not take a direction. The
        instants are those of the geometries, emulated UTC.
        """
        places = tile_middles(tile_shape(shape))
        los_gcrs = now.camera.lines_of_sight(places[..., 0], places[..., 1]) @ now.rotation_camera_to_gcrs.T
        turn = itrs_from_gcrs(now_unix_ns)
        ground_itrs = limb_crossing(turn @ now.position_gcrs_m, los_gcrs @ turn.T)
        # The place turns with the Earth: where it was in GCRS at the earlier instant.
        ground_gcrs = ground_itrs @ itrs_from_gcrs(before_unix_ns)
        sight_gcrs = np.where(np.isnan(ground_gcrs), los_gcrs, ground_gcrs - before.position_gcrs_m)
        row, column = before.camera.project(sight_gcrs @ before.rotation_camera_to_gcrs)
        displacement = np.stack([row, column], axis=-1).reshape(places.shape) - places
        return cls(displacement, ~_limb(now, turn, tile_shape(shape)))


def _limb(now: Geometry, turn: Float64, tiles: tuple[int, int]) -> Bool:
    """Return (tile rows, tile columns) whether a tile's corners see Earth and space, or air above the limb."""
    row, column = np.arange(tiles[0] + 1) * TILE_ROWS - 0.5, np.arange(tiles[1] + 1) * TILE_COLUMNS - 0.5
    corners = np.stack(np.meshgrid(row, column, indexing="ij"), axis=-1)
    los_gcrs = now.camera.lines_of_sight(corners[..., 0], corners[..., 1]) @ now.rotation_camera_to_gcrs.T
    place_itrs, los_itrs = turn @ now.position_gcrs_m, los_gcrs @ turn.T
    kind = np.zeros(corners.shape[:2], dtype=np.int64)
    for height_m in (0.0, AIR_TOP_M):
        kind += np.isfinite(limb_crossing(place_itrs, los_itrs, height_m)[:, 0]).reshape(kind.shape)
    four = np.stack([kind[:-1, :-1], kind[1:, :-1], kind[:-1, 1:], kind[1:, 1:]])
    return np.asarray((four.min(axis=0) != four.max(axis=0)) | np.any(four == 1, axis=0))


def tile_shape(shape: tuple[int, int]) -> tuple[int, int]:
    """Return how many tiles cover a frame's rows and columns."""
    return -(-shape[0] // TILE_ROWS), -(-shape[1] // TILE_COLUMNS)


@lru_cache(maxsize=64)
def tile_middles(tiles: tuple[int, int], margin_px: int = 0) -> Float64:
    """Return (tile rows, tile columns, 2) row and column of the tiles' middles, and of those in a margin around."""
    rows, columns = margin_px // TILE_ROWS, margin_px // TILE_COLUMNS
    row = (np.arange(-rows, tiles[0] + rows) + 0.5) * TILE_ROWS - 0.5
    column = (np.arange(-columns, tiles[1] + columns) + 0.5) * TILE_COLUMNS - 0.5
    middles = np.stack(np.meshgrid(row, column, indexing="ij"), axis=-1)
    middles.flags.writeable = False
    return middles


def at(displacement: Float64, places: Float64) -> Float64:
    """Return the displacement at places (..., 2) in pixels: bilinear between the tiles' middles, continued beyond."""
    if uniform(displacement):
        return np.broadcast_to(displacement[0, 0], places.shape)
    tiles = np.array(displacement.shape[:2])
    along = (places + 0.5) / np.array([TILE_ROWS, TILE_COLUMNS]) - 0.5
    first = np.clip(np.floor(along).astype(np.int64), 0, tiles - 2)
    share = along - first
    i, j = first[..., 0], first[..., 1]
    u, v = share[..., :1], share[..., 1:]
    upper = (1.0 - v) * displacement[i, j] + v * displacement[i, j + 1]
    lower = (1.0 - v) * displacement[i + 1, j] + v * displacement[i + 1, j + 1]
    return np.asarray((1.0 - u) * upper + u * lower)


def after(first: Float64, then: Float64) -> Float64:
    """Return the displacement of going by `first`, and from where that leads by `then`."""
    if uniform(first) and uniform(then):
        return np.broadcast_to(first[0, 0] + then[0, 0], first.shape).copy()
    places = tile_middles((first.shape[0], first.shape[1]))
    return first + at(then, places + first)


def inverse(displacement: Float64, margin_px: int = 0) -> Float64:
    """Return the displacement back, on the same tiles and those in a margin around."""
    places = tile_middles((displacement.shape[0], displacement.shape[1]), margin_px)
    back = -at(displacement, places)
    if uniform(displacement):
        return np.array(back)
    for _ in range(INVERSE_STEPS):
        back = -at(displacement, places + back)
    return back


def without(displacement: Float64, move: Float64) -> Float64:
    """Return the displacement which, with `move` after it, gives `displacement`: into a grid that was moved."""
    if uniform(move) and uniform(displacement):
        return displacement - move
    places = tile_middles((displacement.shape[0], displacement.shape[1]))
    left = displacement - move
    for _ in range(INVERSE_STEPS):
        left = displacement - at(move, places + left)
    return np.asarray(left)


def uniform(displacement: Float64) -> bool:
    """Return whether all tiles move alike, within what arithmetic leaves of a plain shift."""
    return bool(np.abs(displacement - displacement[0, 0]).max() < UNIFORM_PX)


def fit_affine(displacement: Float64) -> Float64:
    """Return the (2, 3) matrix that takes (row, column, 1) nearest to where the tiles' middles lead."""
    if uniform(displacement):
        return np.column_stack([np.eye(2), displacement[0, 0]])
    places = tile_middles((displacement.shape[0], displacement.shape[1]))
    middle = places.mean(axis=(0, 1))
    # Rows and columns of a full lattice are orthogonal, so that each slope is fitted by itself.
    flat, lattice = displacement.reshape(-1, 2), (places - middle).reshape(-1, 2)
    matrix = np.eye(2) + flat.T @ lattice / np.sum(lattice**2, axis=0)
    return np.column_stack([matrix, flat.mean(axis=0) + middle - matrix @ middle])


def chain(first: Float64, then: Float64) -> Float64:
    """Return the (2, 3) matrix of going by `then` and from there by `first`."""
    return np.column_stack([first[:, :2] @ then[:, :2], first[:, :2] @ then[:, 2] + first[:, 2]])
