"""One look of one satellite, as the tracker works with it: lines of sight in ITRS at the time of presence."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from services.geometry.camera import Camera
from services.geometry.ellipsoid import limb_crossing
from services.geometry.frames import EARTH_RATE_RAD_PER_S, itrs_from_gcrs
from services.geometry.time import NS_PER_S
from services.ground_station.detection_batch import DetectionBatch
from services.ground_station.tracking.config import TrackingConfig

Float64 = NDArray[np.float64]

LIGHT_M_PER_S = 299_792_458.0
# A sphere inside the Earth, for "is it behind the Earth"; a few kilometres of slack for terrain and refraction.
OPAQUE_RADIUS_M = 6_350_000.0


@dataclass(frozen=True)
class CameraView:
    """What a camera has on its detector."""

    rotation_itrs_to_camera: Float64
    camera: Camera
    rows: int
    columns: int

    def contains(self, directions_itrs: Float64) -> NDArray[np.bool_]:
        """Return for each direction (n, 3) whether it falls on the detector, a pixel's margin kept."""
        row, column = self.camera.project(directions_itrs @ self.rotation_itrs_to_camera.T)
        inside: NDArray[np.bool_] = (row >= 1) & (row <= self.rows - 2) & (column >= 1) & (column <= self.columns - 2)
        return inside


@dataclass(frozen=True)
class ConeView:
    """What a sensor with a round field of view sees."""

    boresight_itrs: Float64
    half_angle_rad: float

    def contains(self, directions_itrs: Float64) -> NDArray[np.bool_]:
        """Return for each direction (n, 3), of any length, whether it lies in the cone."""
        along = directions_itrs @ self.boresight_itrs / np.linalg.norm(directions_itrs, axis=1)
        inside: NDArray[np.bool_] = along >= math.cos(self.half_angle_rad)
        return inside


@dataclass(frozen=True)
class Look:
    """What one satellite saw at one instant; arrays have one row a detection, strongest first.

    time_unix_ns: middle of the exposure on the satellite's clock.
    position_itrs_m: (3,) of the satellite then.
    origin_itrs_m, los_itrs: (n, 3) each line of sight in the axes of the instant at which its light left.
    age_s: (n,) time the light was on its way.
    sigma_rad: (n,) per axis across the line of sight.
    pixel_rad: what a wandering centroid is measured by.
    irradiance_w_per_m2: (n,) NaN where unknown; intensity_w_per_sr: the same, where the sensor states it instead.
    row, column: (n,) pixels; NaN where unknown.
    index: (n,) place in the batch's list.
    """

    sensor_id: str
    sequence: int
    time_unix_ns: int
    position_itrs_m: Float64
    view: CameraView | ConeView
    pixel_rad: float
    origin_itrs_m: Float64
    los_itrs: Float64
    age_s: Float64
    sigma_rad: Float64
    snr: Float64
    irradiance_w_per_m2: Float64
    intensity_w_per_sr: Float64
    row: Float64
    column: Float64
    index: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.index)

    @property
    def range_m(self) -> Float64:
        """Return (n,) distances to the ground, or to where the line of sight passes nearest to the Earth's centre."""
        return self.age_s * LIGHT_M_PER_S

    def sees(self, points_itrs_m: Float64) -> NDArray[np.bool_]:
        """Return for each point (n, 3) whether it is in the field of view and not behind the Earth."""
        ray = points_itrs_m - self.position_itrs_m
        return self.view.contains(ray) & _clears_sphere(self.position_itrs_m, ray)


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
    pixel_rad: float,
    los_itrs: ArrayLike,
    sigma_rad: ArrayLike,
    snr: ArrayLike,
    irradiance_w_per_m2: ArrayLike = np.nan,
    intensity_w_per_sr: ArrayLike = np.nan,
    row: ArrayLike = np.nan,
    column: ArrayLike = np.nan,
) -> Look:
    """Return a look with the light's way removed; detections with a direction that is no number are left out.

    Light needs some milliseconds, in which the Earth's axes turn; for that its range is taken where the line of sight
    meets the ground, which for a target at 100 km height errs by less than a metre of its way.
    """
    los = np.asarray(los_itrs, dtype=np.float64).reshape(-1, 3)
    kept = np.flatnonzero(np.isfinite(los).all(axis=1))
    los = los[kept]
    age = ground_range(position_itrs_m, los) / LIGHT_M_PER_S

    def column_of(values: ArrayLike) -> Float64:
        array = np.asarray(values, dtype=np.float64)
        return array[kept] if array.ndim else np.full(len(kept), float(array))

    return Look(
        sensor_id,
        sequence,
        time_unix_ns,
        position_itrs_m,
        view,
        pixel_rad,
        _turned(np.broadcast_to(position_itrs_m, los.shape), age),
        _turned(los, age),
        age,
        column_of(sigma_rad),
        column_of(snr),
        column_of(irradiance_w_per_m2),
        column_of(intensity_w_per_sr),
        column_of(row),
        column_of(column),
        kept,
    )


def ground_range(position_itrs_m: Float64, los_itrs: Float64) -> Float64:
    """Return (n,) distances to where lines of sight (n, 3) meet the ellipsoid, or pass the Earth's centre nearest."""
    if len(los_itrs) == 0:
        return np.empty(0)
    distance = np.linalg.norm(limb_crossing(position_itrs_m, los_itrs) - position_itrs_m, axis=1)
    nearest = np.maximum(-los_itrs @ position_itrs_m, 0.0)
    return np.where(np.isnan(distance), nearest, distance)


def seconds(time_unix_ns: int, epoch_unix_ns: int) -> float:
    """Return the time since an epoch; exact to a nanosecond within months."""
    return (time_unix_ns - epoch_unix_ns) / NS_PER_S


def _turned(vectors: Float64, age_s: Float64) -> Float64:
    """Return vectors (n, 3), given in ITRS axes of reception, in the axes of `age_s` (n,) before."""
    turned = vectors.copy()
    angle = EARTH_RATE_RAD_PER_S * age_s
    turned[:, 0] -= angle * vectors[:, 1]
    turned[:, 1] += angle * vectors[:, 0]
    return turned


def _clears_sphere(position: Float64, ray: Float64) -> NDArray[np.bool_]:
    """Return whether the segments from a position along rays (n, 3) stay outside the opaque sphere."""
    length = np.einsum("ij,ij->i", ray, ray)
    along = np.clip(-(ray @ position) / np.maximum(length, 1.0), 0.0, 1.0)
    nearest = position + along[:, None] * ray
    clears: NDArray[np.bool_] = np.einsum("ij,ij->i", nearest, nearest) > OPAQUE_RADIUS_M**2
    return clears
