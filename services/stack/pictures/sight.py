"""Where a satellite is, how its camera looks, and what of the Earth is on its detector."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sat_emulator.frame import FrameSource
from services.geometry.camera import Camera
from services.geometry.ellipsoid import SEMI_MAJOR_M, SEMI_MINOR_M, limb_crossing
from services.geometry.frames import itrs_from_gcrs
from services.scenario.resolve import ResolvedSatellite
from services.scenario.view import lens, nominal_pose
from services.stack.pictures.marks import sequence_at

Float64 = NDArray[np.float64]

# Points of a detector's border on each of its sides. Near the limb a step of a pixel is a long way on the ground.
BORDER_POINTS = 160


@dataclass(frozen=True)
class Sight:
    """A camera at an instant, ITRS. rotation_camera_to_itrs: (3, 3); rows, columns: of its detector."""

    position_itrs_m: Float64
    rotation_camera_to_itrs: Float64
    camera: Camera
    rows: int
    columns: int


def sight_of(satellite: ResolvedSatellite, source: FrameSource, instant_unix_ns: int) -> Sight | None:
    """Return the satellite's sight: by its orbit and pointing, or as the recorded frame of the instant says.

    None where recorded images do not say where they were taken.
    """
    if satellite.replay is None:
        position, _, rotation = nominal_pose(satellite, instant_unix_ns)
        itrs = itrs_from_gcrs(instant_unix_ns)
        sensor = satellite.sensor
        return Sight(itrs @ position, itrs @ rotation, lens(sensor), sensor.rows, sensor.columns)
    frame = source.frame(sequence_at(source, instant_unix_ns))
    if frame.pose is None or frame.camera is None or frame.camera.projection == "unknown":
        return None
    itrs = itrs_from_gcrs(frame.exposure_start_unix_ns + round(frame.exposure_s * 0.5e9))
    rows, columns = frame.counts.shape
    return Sight(
        itrs @ frame.pose.position_gcrs_m, itrs @ frame.pose.rotation_camera_to_gcrs, frame.camera, rows, columns
    )


def footprint_itrs_m(sight: Sight) -> Float64:
    """Return the outline, (n, 3), ITRS, of what of the Earth is on the detector; (0, 3) where nothing is.

    Where the detector's border looks past the Earth the outline follows the limb: each such line of sight is turned
    towards the nadir until it touches. With the Earth scaled to a sphere, its disc is a circle round the nadir, and
    turning towards the middle of a circle changes no point's being inside the outline or outside of it.
    """
    row, column = _border(sight.rows, sight.columns)
    los = sight.camera.lines_of_sight(row, column)
    los = los[np.isfinite(los).all(axis=1)] @ sight.rotation_camera_to_itrs.T
    outline = limb_crossing(sight.position_itrs_m, los)
    past = np.isnan(outline).any(axis=1)
    if past.all() and not _sees_nadir(sight):
        return np.empty((0, 3))
    outline[past] = _limb_points(sight.position_itrs_m, los[past])
    return outline[np.isfinite(outline).all(axis=1)]


def _border(rows: int, columns: int) -> tuple[Float64, Float64]:
    """Return (row, column) once round the outer edges of the border's pixels."""
    along = np.linspace(0, 1, BORDER_POINTS, endpoint=False)
    zero, one = np.zeros_like(along), np.ones_like(along)
    row = np.concatenate([zero, along, one, 1 - along])
    column = np.concatenate([along, one, 1 - along, zero])
    return row * rows - 0.5, column * columns - 0.5


def _limb_points(position_itrs_m: Float64, los_itrs: Float64) -> Float64:
    """Return where the lines of sight, turned towards the nadir, touch the ellipsoid; NaN straight up."""
    axes = np.array([SEMI_MAJOR_M, SEMI_MAJOR_M, SEMI_MINOR_M])
    position, direction = position_itrs_m / axes, los_itrs / axes
    distance = float(np.linalg.norm(position))
    up = position / distance
    across = direction - (direction @ up)[:, None] * up
    with np.errstate(invalid="ignore", divide="ignore"):
        across /= np.linalg.norm(across, axis=1)[:, None]
    touching: Float64 = (up / distance + np.sqrt(1 - 1 / distance**2) * across) * axes
    return touching


def _sees_nadir(sight: Sight) -> bool:
    down = -sight.position_itrs_m
    row, column = sight.camera.project(sight.rotation_camera_to_itrs.T @ down)
    # Comparisons with NaN are false: what is behind the lens is not seen.
    return bool(-0.5 <= row[0] <= sight.rows - 0.5 and -0.5 <= column[0] <= sight.columns - 0.5)
