"""One look of one satellite, as the tracker works with it: lines of sight in ITRS as they came."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from services.geometry.camera import Camera
from services.geometry.ellipsoid import SEMI_MAJOR_M, SEMI_MINOR_M
from services.geometry.frames import itrs_from_gcrs
from services.geometry.time import NS_PER_S
from services.ground_station.detection_batch import DetectionBatch
from services.ground_station.tracking.bank.filters import LIGHT_M_PER_S
from services.ground_station.tracking.config import TrackingConfig
from services.ground_station.tracking.tracklets import LEAST_SINE

Float64 = NDArray[np.float64]

# A sphere inside the Earth, for "is it behind the Earth"; a few kilometres of slack for terrain and refraction.
OPAQUE_RADIUS_M = 6_350_000.0


@dataclass(frozen=True)
class CameraView:
    """What a camera has on its detector."""

    rotation_itrs_to_camera: Float64
    camera: Camera
    rows: int
    columns: int

    def places(self, origin_itrs_m: Float64, tracks: NDArray[np.void]) -> NDArray[np.int64]:
        """Return the rows of the tracks on the detector, a pixel's margin kept, that are not behind the Earth."""
        if not len(tracks):
            return np.empty(0, dtype=np.int64)
        points = tracks["mean"][:, :3]
        row, column = self.camera.project((points - origin_itrs_m) @ self.rotation_itrs_to_camera.T)
        inside = (row >= 1) & (row <= self.rows - 2) & (column >= 1) & (column <= self.columns - 2)
        return np.array(
            [place for place in np.flatnonzero(inside) if clears_earth(origin_itrs_m, points[place])], dtype=np.int64
        )


@dataclass(frozen=True)
class ConeView:
    """What a sensor with a round field of view sees."""

    boresight_itrs: Float64
    half_angle_rad: float

    def places(self, origin_itrs_m: Float64, tracks: NDArray[np.void]) -> NDArray[np.int64]:
        """Return the rows of the tracks that lie in the cone and are not behind the Earth."""
        rows = np.empty(len(tracks), dtype=np.int64)
        return rows[: cone_places(tracks, origin_itrs_m, self.boresight_itrs, math.cos(self.half_angle_rad), rows)]


class LookArrays(NamedTuple):
    """A look's numbers as kernels take them; (n,) or (n, 3) with one row a detection.

    origin: (3,) of the satellite, ITRS axes of reception; los: unit, in the same axes: where light came from.
    point: where it meets the ground, or passes nearest to the Earth's centre. age_s: how long light needs from there.
    raw_origin, raw_los, raw_sigma_rad: the same before the sensor's biases were taken off; equal where none are known.
    ground_sigma_m: error there across the line of sight; ground_axis_sigma_m: the same on the ground, per axis.
    listed: place in the batch's list, which may have another order.
    """

    origin: Float64
    los: Float64
    sigma_rad: Float64
    pixel_rad: float
    snr: Float64
    irradiance_w_per_m2: Float64
    intensity_w_per_sr: Float64
    row: Float64
    column: Float64
    listed: NDArray[np.int64]
    point: Float64
    age_s: Float64
    ground_sigma_m: Float64
    ground_axis_sigma_m: Float64
    raw_origin: Float64
    raw_los: Float64
    raw_sigma_rad: Float64


@dataclass(frozen=True)
class Look:
    """What one satellite saw at one instant, strongest first.

    time_unix_ns: middle of the exposure on the satellite's clock. solid_angle_sr: of the field of view.
    """

    sensor_id: str
    sequence: int
    time_unix_ns: int
    view: CameraView | ConeView
    solid_angle_sr: float
    arrays: LookArrays

    def __len__(self) -> int:
        return len(self.arrays.listed)

    @property
    def position_itrs_m(self) -> Float64:
        """Return (3,) where the satellite was."""
        return self.arrays.origin

    def says_the_same(self, other: "Look") -> bool:
        """Return whether another look has the same view and detections, bit for bit."""
        return _content(self) == _content(other)


def _content(look: Look) -> tuple[object, ...]:
    """Return all that a look says, in a form that can be compared."""
    view = vars(look.view).copy()
    camera = view.pop("camera", None)
    return (camera, *(np.asarray(each).tobytes() for each in (*look.arrays, look.solid_angle_sr, *view.values())))


def look_from_batch(batch: DetectionBatch, config: TrackingConfig) -> Look | None:
    """Return the batch as lines of sight; None where it has no geometry or its lens is unknown."""
    geometry, found = batch.geometry, batch.detections
    if geometry is None or geometry.camera.projection == "unknown":
        return None
    to_itrs = itrs_from_gcrs(batch.mid_exposure_unix_ns)
    camera_to_itrs = to_itrs @ geometry.rotation_camera_to_gcrs
    position = to_itrs @ geometry.position_gcrs_m
    camera = geometry.camera
    los = camera.lines_of_sight(found.row, found.column) @ camera_to_itrs.T
    variance = (found.covariance_px2[:, 0] + found.covariance_px2[:, 2]) / 2
    variance = np.where(variance > 0, variance, config.centroid_default_px**2)
    sigma = np.sqrt((variance + config.centroid_floor_px**2) * camera.ifov_rad**2 + config.jitter_rad**2)
    scale = camera.irradiance_w_per_m2_per_count
    irradiance = found.amplitude_counts * scale if scale > 0 else np.full(len(found), np.nan)
    return make_look(
        batch.satellite_id,
        batch.sequence,
        batch.mid_exposure_unix_ns,
        position,
        CameraView(camera_to_itrs.T, camera, batch.rows, batch.columns),
        batch.rows * batch.columns * camera.ifov_rad**2,
        camera.ifov_rad,
        los,
        sigma,
        found.snr,
        irradiance_w_per_m2=irradiance,
        row=found.row,
        column=found.column,
    )


def make_look(
    sensor_id: str,
    sequence: int,
    time_unix_ns: int,
    position_itrs_m: Float64,
    view: CameraView | ConeView,
    solid_angle_sr: float,
    pixel_rad: float,
    los_itrs: ArrayLike,
    sigma_rad: ArrayLike,
    snr: ArrayLike,
    irradiance_w_per_m2: ArrayLike = np.nan,
    intensity_w_per_sr: ArrayLike = np.nan,
    row: ArrayLike = np.nan,
    column: ArrayLike = np.nan,
) -> Look:
    """Return a look, strongest detections first; those with a direction that is no number are left out.

    los_itrs: (n, 3) unit, where light came from, in the axes of reception; its way and the Earth's turn meanwhile are
    taken into account where a track's distance is known.
    """
    los = np.array(los_itrs, dtype=np.float64).reshape(-1, 3)
    strength = np.asarray(snr, dtype=np.float64)
    if not strength.ndim:
        strength = np.full(len(los), strength)
    if strength.shape != (len(los),):
        raise ValueError(f"{len(los)} lines of sight have snr of shape {strength.shape}; give one each, or one for all")
    finite = np.isfinite(los)
    if finite.all() and (strength[:-1] >= strength[1:]).all():
        kept = np.arange(len(los))
    else:
        kept = np.flatnonzero(finite.all(axis=1))
        kept = kept[np.argsort(-strength[kept], kind="stable")]
        los = los[kept]
    count = len(kept)

    def column_of(values: ArrayLike) -> Float64:
        array = np.asarray(values, dtype=np.float64)
        return np.ascontiguousarray(array[kept]) if array.ndim else np.full(count, array)

    origin = np.ascontiguousarray(position_itrs_m, dtype=np.float64)
    sigma = column_of(sigma_rad)
    point, age = np.empty((count, 3)), np.empty(count)
    across, axis = np.empty(count), np.empty(count)
    ground_points(origin, los, sigma, point, age, across, axis)
    arrays = LookArrays(
        origin,
        los,
        sigma,
        float(pixel_rad),
        strength[kept],
        column_of(irradiance_w_per_m2),
        column_of(intensity_w_per_sr),
        column_of(row),
        column_of(column),
        kept,
        point,
        age,
        across,
        axis,
        origin,
        los,
        sigma,
    )
    return Look(sensor_id, sequence, time_unix_ns, view, solid_angle_sr, arrays)


@njit(cache=True, error_model="numpy")
def ground_points(origin, los, sigma_rad, point, age_s, across_m, axis_m):  # type: ignore[no-untyped-def]
    """Fill where lines of sight (n, 3) meet the ellipsoid, or pass the Earth's centre nearest, and how surely.

    After `surfpt` in the SPICE Toolkit, as services.geometry.ellipsoid.limb_crossing.
    """
    sx, sz = 1.0 / SEMI_MAJOR_M, 1.0 / SEMI_MINOR_M
    for k in range(len(los)):
        ux, uy, uz = los[k, 0] * sx, los[k, 1] * sx, los[k, 2] * sz
        px, py, pz = origin[0] * sx, origin[1] * sx, origin[2] * sz
        a = ux * ux + uy * uy + uz * uz
        half_b = ux * px + uy * py + uz * pz
        c = px * px + py * py + pz * pz - 1.0
        discriminant = half_b * half_b - a * c
        if discriminant >= 0.0 and half_b < 0.0 and c >= 0.0:
            distance = c / (math.sqrt(discriminant) - half_b)
        else:
            distance = max(-(los[k, 0] * origin[0] + los[k, 1] * origin[1] + los[k, 2] * origin[2]), 0.0)
        length = 0.0
        for i in range(3):
            point[k, i] = origin[i] + distance * los[k, i]
            length += point[k, i] ** 2
        slope = 0.0
        for i in range(3):
            slope += point[k, i] * los[k, i] / math.sqrt(length)
        steepness = min(slope, -LEAST_SINE)
        age_s[k] = distance / LIGHT_M_PER_S
        across_m[k] = sigma_rad[k] * distance
        axis_m[k] = across_m[k] * math.sqrt((2.0 + (1.0 - slope * slope) / (steepness * steepness)) / 2.0)


def seconds(time_unix_ns: int, epoch_unix_ns: int) -> float:
    """Return the time since an epoch; good to 15 ns for four years, to 30 ns for eight, and so on."""
    return (time_unix_ns - epoch_unix_ns) / NS_PER_S


@njit(cache=True, error_model="numpy")
def cone_places(tracks, origin, boresight, cosine, rows):  # type: ignore[no-untyped-def]
    """Fill the rows of the tracks in a cone that are not behind the Earth; return how many."""
    n = 0
    for row in range(len(tracks)):
        along, length2 = 0.0, 0.0
        for k in range(3):
            ray = tracks[row].mean[k] - origin[k]
            along += ray * boresight[k]
            length2 += ray * ray
        if along >= cosine * math.sqrt(length2) and clears_earth(origin, tracks[row].mean):
            rows[n] = row
            n += 1
    return n


@njit(cache=True, error_model="numpy")
def clears_earth(origin, point):  # type: ignore[no-untyped-def]
    """Return whether the straight line between two positions, the first three numbers of each, stays off the Earth."""
    length2, along = 0.0, 0.0
    for k in range(3):
        ray = point[k] - origin[k]
        length2 += ray * ray
        along -= ray * origin[k]
    along = min(max(along / max(length2, 1.0), 0.0), 1.0)
    nearest2 = 0.0
    for k in range(3):
        nearest2 += (origin[k] + along * (point[k] - origin[k])) ** 2
    return nearest2 > OPAQUE_RADIUS_M * OPAQUE_RADIUS_M
