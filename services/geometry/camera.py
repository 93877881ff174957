"""Where on the focal plane a direction falls, and where a pixel looks."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Projection = Literal["equidistant", "gnomonic", "unknown"]

# Newton's steps for undoing the distortion; each doubles the digits, and lenses start within a tenth.
NEWTON_STEPS = 8


@dataclass(frozen=True)
class Camera:
    """A lens and the focal plane behind it.

    Camera axes: z along the boresight, x along growing columns, y along growing rows. Pixel centres lie at whole
    numbers, row 0 at the top.

    projection: equidistant r = f theta, gnomonic r = f tan(theta); unknown: pixels have no direction.
    focal_length_px: 1 / the angle that one pixel spans on the boresight, in radians.
    distortion_k1, distortion_k2: r' = r (1 + k1 (r/f)^2 + k2 (r/f)^4), r from the projection, r' on the focal plane.
    radiance_w_per_m2_sr_per_count, irradiance_w_per_m2_per_count, psf_sigma_px: 0 where not stated.
    """

    projection: Projection
    focal_length_px: float
    principal_row: float
    principal_column: float
    distortion_k1: float = 0.0
    distortion_k2: float = 0.0
    psf_sigma_px: float = 0.0
    radiance_w_per_m2_sr_per_count: float = 0.0
    irradiance_w_per_m2_per_count: float = 0.0

    def __post_init__(self) -> None:
        if self.projection != "unknown" and not (0 < self.focal_length_px < np.inf):
            raise ValueError(f"focal_length_px is {self.focal_length_px:g} and must be above 0 and finite")

    @property
    def ifov_rad(self) -> float:
        """Angle that one pixel spans on the boresight."""
        return 1.0 / self.focal_length_px

    def lines_of_sight(self, row: ArrayLike, column: ArrayLike) -> NDArray[np.float64]:
        """Return where pixels look: (n, 3) unit vectors in camera axes.

        row, column: (n,), pixels, any real number. Rows of NaN where the lens has no such direction.
        """
        self._check_known()
        x = np.asarray(column, dtype=np.float64).ravel() - self.principal_column
        y = np.asarray(row, dtype=np.float64).ravel() - self.principal_row
        distance = np.hypot(x, y) / self.focal_length_px
        tangent = self._undistort(distance)
        theta = np.arctan(tangent) if self.projection == "gnomonic" else tangent
        with np.errstate(invalid="ignore"):
            theta = np.where(theta < np.pi, theta, np.nan)
        # On the boresight sin(theta) / distance has the limit 1.
        scale = np.divide(np.sin(theta), distance, out=np.ones_like(distance), where=distance != 0)
        los = np.empty((len(x), 3))
        los[:, 0] = scale * x / self.focal_length_px
        los[:, 1] = scale * y / self.focal_length_px
        los[:, 2] = np.cos(theta)
        los[np.isnan(theta)] = np.nan
        return los

    def project(self, los_camera: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return (row, column), each (n,), where directions fall on the focal plane.

        los_camera: (n, 3) or (3,) in camera axes, of any length. NaN where the lens does not take the direction:
        behind the camera, or beyond the angle up to which the distortion grows. Whether the point lies on the
        detector is the caller's question.
        """
        self._check_known()
        los = np.atleast_2d(np.asarray(los_camera, dtype=np.float64))
        x, y, z = los[:, 0], los[:, 1], los[:, 2]
        across = np.hypot(x, y)
        theta = np.arctan2(across, z)
        if self.projection == "gnomonic":
            ideal = np.tan(np.where(theta < np.pi / 2, theta, np.nan))
        else:
            # The direction straight behind falls on a whole circle, thus nowhere.
            ideal = np.where((theta < np.pi) & ((across > 0) | (z > 0)), theta, np.nan)
        ideal = np.where(ideal <= self._largest_ideal(), ideal, np.nan)
        distorted = self._distort(ideal)
        scale = np.divide(distorted, across, out=np.zeros_like(across), where=across != 0) * self.focal_length_px
        scale = np.where(np.isnan(ideal), np.nan, scale)
        return self.principal_row + scale * y, self.principal_column + scale * x

    def _check_known(self) -> None:
        if self.projection == "unknown":
            raise ValueError("the camera's lens is unknown: its pixels have no direction; set `projection`")

    def _distort(self, ideal: NDArray[np.float64]) -> NDArray[np.float64]:
        square = ideal * ideal
        return ideal * (1.0 + square * (self.distortion_k1 + square * self.distortion_k2))

    def _undistort(self, distorted: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.distortion_k1 == 0 and self.distortion_k2 == 0:
            return distorted
        largest = self._largest_ideal()
        ideal = np.minimum(distorted, largest)
        for _ in range(NEWTON_STEPS):
            square = ideal * ideal
            slope = 1.0 + square * (3 * self.distortion_k1 + 5 * square * self.distortion_k2)
            # Within the turning point the slope is positive; a step that overshoots is brought back into it.
            step = (self._distort(ideal) - distorted) / np.maximum(slope, 1e-3)
            ideal = np.clip(ideal - step, 0.0, largest)
        error = np.abs(self._distort(ideal) - distorted)
        return np.where(error <= 1e-9 * (1.0 + distorted), ideal, np.nan)

    def _largest_ideal(self) -> float:
        """Return r/f up to which the distorted distance grows; beyond it two directions share a pixel."""
        k1, k2 = self.distortion_k1, self.distortion_k2
        # Where the slope 1 + 3 k1 s + 5 k2 s^2 with s = (r/f)^2 first falls to zero.
        roots = np.roots([5 * k2, 3 * k1, 1.0])
        turning = [float(root.real) for root in roots if abs(root.imag) < 1e-12 and root.real > 0]
        return float(np.sqrt(min(turning))) if turning else np.inf
