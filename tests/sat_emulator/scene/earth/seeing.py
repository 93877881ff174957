"""Cameras over a small area, for tests of what they see of the Earth."""

import dataclasses
import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sat_emulator.scene.earth.background import NEVER, Background, Fields, node_sights, relative_solid_angle
from sat_emulator.scene.earth.texture import pyramid
from services.geometry.attitude import look_at
from services.geometry.camera import Camera
from services.geometry.ellipsoid import geodetic_to_itrs
from services.scenario.model import Absorber, Atmosphere, Place, Scenario, Sensor, Train

Float64 = NDArray[np.float64]

AREA = Place(-30.9, 136.5)
AREA_ITRS_M = geodetic_to_itrs(AREA.latitude_deg, AREA.longitude_deg)
NORTH_POLE = np.array([0.0, 0.0, 1.0])
NIGHT_ITRS = -AREA_ITRS_M / np.linalg.norm(AREA_ITRS_M)
CLEAR_AIR = Atmosphere((Absorber(1.0, 0.0, 8000.0),))
MRAD = 1e-3


@dataclasses.dataclass(frozen=True)
class Eye:
    """A camera at a place, (3,), ITRS, with its rotation to ITRS and its detector's size."""

    camera: Camera
    position_itrs_m: Float64
    rotation: Float64
    rows: int
    columns: int

    def los_itrs(self, row: Any, column: Any) -> Float64:
        """Return where pixels look, (n, 3)."""
        los: Float64 = self.camera.lines_of_sight(row, column) @ self.rotation.T
        return los

    def pixels(self) -> tuple[Float64, Float64]:
        """Return row and column of every pixel, (n,)."""
        row, column = np.mgrid[0 : self.rows, 0 : self.columns].astype(float)
        return row.ravel(), column.ravel()

    def weight(self) -> Float64:
        """Return each pixel's relative solid angle, (rows, columns)."""
        return relative_solid_angle(self.camera, self.camera.lines_of_sight(*self.pixels())).reshape(
            self.rows, self.columns
        )

    def pixel_of(self, points_itrs_m: Any) -> tuple[Float64, Float64]:
        """Return row and column, (n,), where points (n, 3) fall."""
        return self.camera.project((np.atleast_2d(points_itrs_m) - self.position_itrs_m) @ self.rotation)

    def draw(self, background: Background, sun_itrs: Float64 = NIGHT_ITRS) -> NDArray[np.float32]:
        """Return what it sees, (rows, columns)."""
        out = np.full((self.rows, self.columns), np.nan, np.float32)
        sights = node_sights(self.camera, self.rows, self.columns)
        background.draw(sights, self.rotation, self.position_itrs_m, sun_itrs, out)
        return out


def eye(
    latitude_deg: float = -30.9,
    longitude_deg: float = 136.5,
    height_m: float = 1e6,
    target: Place = AREA,
    camera: Camera | None = None,
    rows: int = 96,
    columns: int = 96,
) -> Eye:
    """Return a camera over a place that looks at another; 1 mrad pixels, the boresight in the middle."""
    position = geodetic_to_itrs(latitude_deg, longitude_deg, height_m)
    aim = geodetic_to_itrs(target.latitude_deg, target.longitude_deg, target.height_m)
    lens = camera or Camera("equidistant", 1 / MRAD, (rows - 1) / 2, (columns - 1) / 2)
    return Eye(lens, position, look_at(position, aim, NORTH_POLE), rows, columns)


def scenario(**keys: Any) -> Scenario:
    """Return a scenario round the area."""
    return Scenario("a", **{"seed": 3, "area": AREA, "train": Train(), **keys})


@functools.lru_cache(maxsize=8)
def _zeros() -> Any:
    return pyramid(np.zeros((64, 64)), 1000.0, 1000.0)


def painted(run: Scenario, what: str, from_m: float = 0.0, texel_m: float = 20_000.0) -> Background:
    """Return an Earth on which stands how far north ("north") or east ("east") of the area each place lies.

    In units of 100 km from `from_m`, on land everywhere; or on cloud that covers all ("cloud north", "cloud east").
    """
    side = 512
    ramp = (np.arange(side) + side // 2) % side - side // 2
    map_m = texel_m * (np.add.outer(ramp, np.zeros(side)) if "north" in what else np.add.outer(np.zeros(side), ramp))
    coarse = np.zeros((side, side, 3), np.float32)
    cloudy = "cloud" in what
    coarse[..., 2 if cloudy else 1] = (map_m - from_m) / 1e5
    fields = Fields(_zeros(), _zeros(), coarse, texel_m, -NEVER, -NEVER if cloudy else NEVER)
    return Background(run, Sensor(), fields)


def read_off_m(background: Background, seen: Eye, image: Any, what: str, from_m: float = 0.0) -> Float64:
    """Return the metres that stand where each pixel of a painted Earth looks, (rows, columns)."""
    shade = background.light.cloud_top(1.0, -1.0) if "cloud" in what else background.light.land(1.0, -1.0)
    metres: Float64 = from_m + 1e5 * (image / seen.weight() - shade.mean) / shade.slope
    return metres
