"""The map's projection: Lambert's azimuthal equal-area, on a sphere, centred on a place.

Geodetic latitudes are taken for the sphere's own, which misplaces nothing by more than a third of a per cent.
J. P. Snyder, "Map projections: a working manual", USGS Professional Paper 1395 (1987), p. 185, equations 24-2 to 24-5
and 20-14, 20-15.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from services.geometry.geodesic import MEAN_RADIUS_M

Float64 = NDArray[np.float64]

# The whole Earth is a disc of twice its radius; the point opposite the centre is its whole border.
DISC_M = 2 * MEAN_RADIUS_M


@dataclass(frozen=True)
class EqualArea:
    """From places to a plane, metres east and north of the centre, and back."""

    latitude_deg: float
    longitude_deg: float

    def forward(self, latitude_deg: ArrayLike, longitude_deg: ArrayLike) -> Float64:
        """Return (..., 2) metres on the map; the arguments broadcast. NaN for the point opposite the centre."""
        latitude = np.radians(np.asarray(latitude_deg, dtype=np.float64))
        turn = np.radians(np.asarray(longitude_deg, dtype=np.float64) - self.longitude_deg)
        latitude, turn = np.broadcast_arrays(latitude, turn)
        sin_0, cos_0 = self._centre()
        toward = sin_0 * np.sin(latitude) + cos_0 * np.cos(latitude) * np.cos(turn)
        with np.errstate(divide="ignore", invalid="ignore"):
            scale = MEAN_RADIUS_M * np.sqrt(np.where(toward > -1 + 1e-12, 2 / (1 + toward), np.nan))
        east = np.cos(latitude) * np.sin(turn)
        north = cos_0 * np.sin(latitude) - sin_0 * np.cos(latitude) * np.cos(turn)
        return np.stack([scale * east, scale * north], axis=-1)

    def inverse(self, xy_m: ArrayLike) -> tuple[Float64, Float64]:
        """Return (latitude_deg, longitude_deg in [-180, 180)) of points (..., 2) of the map; NaN beyond the Earth."""
        xy = np.asarray(xy_m, dtype=np.float64)
        x, y = xy[..., 0], xy[..., 1]
        distance = np.hypot(x, y)
        half_sine = np.where(distance <= DISC_M, distance / DISC_M, np.nan)
        angle = 2 * np.arcsin(half_sine)
        sin_0, cos_0 = self._centre()
        # On the centre the direction does not matter, for the sine of its angle is zero.
        safe = np.where(distance > 0, distance, 1.0)
        latitude = np.arcsin(np.clip(np.cos(angle) * sin_0 + y / safe * np.sin(angle) * cos_0, -1, 1))
        turn = np.arctan2(x * np.sin(angle), safe * cos_0 * np.cos(angle) - y * sin_0 * np.sin(angle))
        return np.degrees(latitude), (self.longitude_deg + np.degrees(turn) + 180.0) % 360.0 - 180.0

    def _centre(self) -> tuple[float, float]:
        return math.sin(math.radians(self.latitude_deg)), math.cos(math.radians(self.latitude_deg))


@dataclass(frozen=True)
class Window:
    """The part of the map that a picture shows: its middle on the map, metres, and how many metres a pixel spans."""

    projection: EqualArea
    x_m: float
    y_m: float
    pixel_m: float
    width_px: int
    height_px: int

    @staticmethod
    def around(
        projection: EqualArea,
        places_deg: ArrayLike,
        width_px: int,
        height_px: int,
        margin: float = 0.1,
        least_m: float = 3e5,
    ) -> "Window":
        """Return the smallest window of a size that shows all places, (n, 2) latitudes and longitudes, and a margin.

        At least `least_m` of the map is shown each way, and at most the whole Earth.
        """
        places = np.asarray(places_deg, dtype=np.float64).reshape(-1, 2)
        xy = projection.forward(places[:, 0], places[:, 1])
        xy = xy[np.isfinite(xy).all(axis=1)]
        low, high = (xy.min(axis=0), xy.max(axis=0)) if len(xy) else (np.zeros(2), np.zeros(2))
        middle, extent = (low + high) / 2, np.maximum((high - low) * (1 + 2 * margin), least_m)
        pixel_m = max(float(extent[0]) / width_px, float(extent[1]) / height_px)
        whole_m = 2.04 * DISC_M / min(width_px, height_px)
        if pixel_m >= whole_m:
            return Window(projection, 0.0, 0.0, whole_m, width_px, height_px)
        return Window(projection, float(middle[0]), float(middle[1]), pixel_m, width_px, height_px)

    def to_px(self, latitude_deg: ArrayLike, longitude_deg: ArrayLike) -> Float64:
        """Return (..., 2) pixels, x to the right and y down, from the picture's upper left corner."""
        xy = self.projection.forward(latitude_deg, longitude_deg)
        middle_px = np.array([self.width_px / 2, self.height_px / 2])
        pixels: Float64 = middle_px + (xy - (self.x_m, self.y_m)) / (self.pixel_m, -self.pixel_m)
        return pixels

    def to_place(self, xy_px: ArrayLike) -> tuple[Float64, Float64]:
        """Return (latitude_deg, longitude_deg) of pixels, (..., 2); NaN where the picture shows no Earth."""
        from_middle = np.asarray(xy_px, dtype=np.float64) - (self.width_px / 2, self.height_px / 2)
        return self.projection.inverse(from_middle * (self.pixel_m, -self.pixel_m) + (self.x_m, self.y_m))

    def shows(self, place_deg: tuple[float, float]) -> bool:
        """Return whether a place, latitude and longitude, is in the picture."""
        x, y = self.to_px(*place_deg).tolist()
        return bool(0 <= x <= self.width_px and 0 <= y <= self.height_px)
