"""Frames of a recorded scene as a drifting, trembling camera would take them, with targets that move against it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bench.detection.scenes import spots

Float64 = NDArray[np.float64]

PSF_SIGMA_PX = 0.6
NOISE_COUNTS = 20.0
LEVEL_COUNTS = 12_000.0
# Steps of the radiance field in a camera pixel: the blur leaves nothing that a cubic spline on so fine a grid misses.
FINE = 4
# Targets keep this far from one another and from the frame's edge at their start, so that none reaches into another's
# response.
SPACING_PX, EDGE_PX = 40, 10
# Their signal-to-noise ratios are evenly spread over this.
SNR_RANGE = (3.5, 11.0)
SCENES = {"Alaska": "AK-REGIONAL_8km_3.9_20160408_1445.npy", "Hawaii": "HI-REGIONAL_4km_3.9_20160616_1715.npy"}


@dataclass(frozen=True)
class Motion:
    """How the camera moves against the scene: pixels a frame, jitter rms a frame and axis, turn and growth a frame."""

    drift_px: tuple[float, float] = (0.31, -0.47)
    jitter_px: float = 0.2
    turn_rad: float = 0.0
    growth: float = 0.0


@dataclass(frozen=True)
class Shot:
    """One frame and what is true of it.

    counts: (rows, columns) uint16. places: (n, 2) the targets' rows and columns, pixels; snrs: (n,) of each, by its
    true sub-pixel place and the noise of one pixel. affine: (2, 3) the place in an undisturbed first frame's pixels
    of a pixel (row, column, 1) of this one, without jitter.
    """

    counts: NDArray[np.uint16]
    places: Float64
    snrs: Float64
    affine: Float64


class Field:
    """A recorded picture as a continuous field of what a pixel sees, blurred by the lens and the pixel's own width."""

    def __init__(self, picture: NDArray[np.uint8], rng: np.random.Generator) -> None:
        # Eight bits are steps; a step's worth of even noise makes them a field again.
        level = picture.astype(np.float64) + rng.uniform(-0.5, 0.5, picture.shape)
        level = (level - level.mean()) / level.std()
        rows, columns = ((size - 1) * FINE + 1 for size in level.shape)
        fine = np.stack(np.meshgrid(np.arange(rows) / FINE, np.arange(columns) / FINE, indexing="ij"))
        field = ndimage.map_coordinates(level, fine, order=3, mode="mirror")
        field = ndimage.gaussian_filter(field, PSF_SIGMA_PX * FINE, mode="mirror")
        # A box of FINE steps: FINE - 1 whole ones and half of one at either end.
        box = np.full(FINE + 1, 1.0 / FINE)
        box[[0, -1]] /= 2.0
        for axis in (0, 1):
            field = ndimage.convolve1d(field, box, axis=axis, mode="mirror")
        self._spline = ndimage.spline_filter(field, order=3, mode="mirror")
        self.shape = (picture.shape[0], picture.shape[1])

    def at(self, row: Float64, column: Float64) -> Float64:
        """Return what pixels with these centres see, standard deviations of the whole picture."""
        return np.asarray(
            ndimage.map_coordinates(self._spline, [row * FINE, column * FINE], order=3, mode="mirror", prefilter=False)
        )


def load_field(data: Path, scene: str, seed: int) -> Field:
    """Return one of SCENES from the folder of recorded data."""
    return Field(np.load(data / "goes_3_9um" / SCENES[scene]), np.random.default_rng(seed))


def shots(
    field: Field,
    contrast: float,
    speed_px: float,
    frames: int,
    rng: np.random.Generator,
    *,
    motion: Motion | None = None,
    side: int = 256,
    targets: bool = True,
) -> Iterator[Shot]:
    """Yield successive frames.

    contrast: standard deviation of the whole picture over the noise's; 0: noise alone. speed_px: of targets against
    the scene, each in a direction of its own.
    """
    motion = motion or Motion()
    start = _start(field.shape, side, motion, frames)
    row, column = np.meshgrid(np.arange(side, dtype=np.float64), np.arange(side, dtype=np.float64), indexing="ij")
    scene_places, velocity, snrs = _targets(side, speed_px, rng)
    for k in range(frames):
        affine = _affine(motion, k, side)
        tremble = rng.normal(0.0, motion.jitter_px, 2)
        true = affine.copy()
        true[:, 2] += tremble
        image = np.full((side, side), LEVEL_COUNTS)
        if contrast > 0:
            seen_row = true[0, 0] * row + true[0, 1] * column + true[0, 2] + start[0]
            seen_column = true[1, 0] * row + true[1, 1] * column + true[1, 2] + start[1]
            image += contrast * NOISE_COUNTS * field.at(seen_row, seen_column)
        places = np.linalg.solve(true[:, :2], (scene_places - true[:, 2]).T).T
        inside = np.all((places > EDGE_PX / 2) & (places < side - EDGE_PX / 2), axis=1) & targets
        image += spots(image.shape, places[inside], PSF_SIGMA_PX, _amplitudes(places[inside], snrs[inside]))
        counts = np.rint(image + rng.normal(0.0, NOISE_COUNTS, image.shape))
        yield Shot(np.clip(counts, 0, 65535).astype(np.uint16), places[inside], snrs[inside], affine)
        scene_places = scene_places + velocity
        _renew(scene_places, velocity, snrs, affine, side, speed_px, rng)


def _affine(motion: Motion, k: int, side: int) -> Float64:
    """Return (2, 3) from the pixels of frame k to those of the first, turned and grown about the frame's middle."""
    scale, angle = (1.0 + motion.growth) ** k, motion.turn_rad * k
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = np.full(2, (side - 1) / 2)
    shift = middle - turn @ middle + k * np.asarray(motion.drift_px)
    return np.column_stack([turn, shift])


def _start(shape: tuple[int, int], side: int, motion: Motion, frames: int) -> Float64:
    """Return where in the picture the first frame's corner lies, so that all frames stay inside it."""
    room = np.asarray(shape) - side
    way = np.asarray(motion.drift_px) * frames
    if np.any(np.abs(way) > room - 4):
        raise ValueError(f"{frames} frames drift {way} px, the picture has room for {room}")
    return np.asarray((room - way) / 2)


def _targets(side: int, speed_px: float, rng: np.random.Generator) -> tuple[Float64, Float64, Float64]:
    """Return places in the first frame's pixels, velocities, and signal-to-noise ratios, of targets on a lattice."""
    lattice = np.arange(EDGE_PX, side - EDGE_PX, SPACING_PX, dtype=np.float64)
    grid = np.stack(np.meshgrid(lattice, lattice, indexing="ij"), axis=-1).reshape(-1, 2)
    grid += rng.uniform(-3.0, 3.0, grid.shape)
    heading = rng.uniform(0.0, 2.0 * np.pi, len(grid))
    velocity = speed_px * np.column_stack([np.cos(heading), np.sin(heading)])
    return grid, velocity, rng.uniform(*SNR_RANGE, len(grid))


def _renew(
    places: Float64,
    velocity: Float64,
    snrs: Float64,
    affine: Float64,
    side: int,
    speed_px: float,
    rng: np.random.Generator,
) -> None:
    """Give targets that have left the frame, or come near another, a new free place, heading and strength."""
    seen = np.linalg.solve(affine[:, :2], (places - affine[:, 2]).T).T
    for i in range(len(places)):
        others = np.delete(places, i, axis=0)
        gone = not np.all((seen[i] > 0) & (seen[i] < side))
        # Fewer targets than places on the lattice keep enough of it free.
        near = np.min(np.hypot(*(others - places[i]).T)) < EDGE_PX
        if not (gone or near):
            continue
        for _ in range(50):
            frame_place = rng.uniform(EDGE_PX, side - EDGE_PX, 2)
            candidate = affine[:, :2] @ frame_place + affine[:, 2]
            if np.min(np.hypot(*(others - candidate).T)) > 1.4 * EDGE_PX:
                places[i] = candidate
                break
        heading = rng.uniform(0.0, 2.0 * np.pi)
        velocity[i] = speed_px * np.cos(heading), speed_px * np.sin(heading)
        snrs[i] = rng.uniform(*SNR_RANGE)


def _amplitudes(places: Float64, snrs: Float64) -> Float64:
    """Return summed counts that give points at these places their ratio to the noise."""
    shape = (25, 25)
    amplitudes = np.empty(len(places))
    for i, (place, snr) in enumerate(zip(places, snrs, strict=True)):
        shares = spots(shape, (place % 1.0 + 12.0)[None], PSF_SIGMA_PX, np.ones(1))
        amplitudes[i] = snr * NOISE_COUNTS / np.sqrt(np.sum(shares**2))
    return amplitudes
