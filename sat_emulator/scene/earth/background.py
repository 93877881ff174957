"""The Earth behind everything: land, sea, cloud and air, seen from anywhere above it."""

import functools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from sat_emulator.scene.atmosphere import air_temperature_k
from sat_emulator.scene.earth.kernels import layout
from sat_emulator.scene.earth.kernels.patches import plan_patches
from sat_emulator.scene.earth.kernels.shading import shade_patches
from sat_emulator.scene.earth.light import LAMBERT, LIMB_STEP_M, EarthLight, light_tables, shared_light
from sat_emulator.scene.earth.texture import (
    Pyramid,
    picture_pyramid,
    pyramid,
    random_field,
    spectrum_variance,
    square_bounds,
)
from sat_emulator.scene.sea import slope_variance
from services.geometry.camera import Camera
from services.geometry.ellipsoid import SEMI_MAJOR_M, SEMI_MINOR_M, east_north_up, geodetic_to_itrs
from services.geometry.geodesic import MEAN_RADIUS_M
from services.scenario.model import Place, Scenario, Sensor
from services.scenario.resolve import resolve_area

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

# Elements of the fields of a procedural Earth: the fine ones have the size of a pixel on the ground, the coarse ones
# sixteen of it. The fine ones repeat after a thousand pixels, but hold only what is shorter than an eighth of that, so
# that nobody sees them repeat. The coarse ones repeat after 8,192 pixels: with pixels of 1 km beyond the Earth that is
# visible from 1,000 km, 6,700 km across; with the 300 m of 300 urad after 2,458 km, more than such a camera's own frame
# of 1024 pixels shows straight below, but less than lies before it towards the limb.
FINE_SIDE = 1024
COARSE_SIDE = 512
COARSE_RATIO = 16
FINE_LONGEST_PX = 128
# Structure grows no further beyond this: the size of weather systems.
OUTER_SCALE_M = 2.0e6
# Over how much of the field's standard deviation a coast goes from sea to land.
COAST_WIDTH = 0.05
# What no field reaches: always land, never cloud.
NEVER = 1e6


@dataclass(frozen=True)
class Fields:
    """The seeded fields of one scenario, the same for all its satellites and bands; standard deviation 1 each.

    ground, cloud: fine textures. coarse: (n, n, 3) land, ground texture, cloud. land_at, cloud_at: where they begin.
    """

    ground: Pyramid
    cloud: Pyramid
    coarse: Float32
    coarse_texel_m: float
    land_at: float
    cloud_at: float


@dataclass(frozen=True)
class NodeSights:
    """A camera's lines of sight at the kernel's nodes. los: (n, m, 4) camera axes, and relative solid angles."""

    rows: int
    columns: int
    ifov_rad: float
    los: Float64


class Background:
    """One sensor's view of a scenario's Earth, which is at rest on the ground and the same for all satellites."""

    def __init__(self, scenario: Scenario, sensor: Sensor, fields: Fields) -> None:
        self.scenario = scenario
        self.fields = fields
        self.light = shared_light(scenario, sensor)
        self.to_sphere = _area_axes(resolve_area(scenario)) / np.array([SEMI_MAJOR_M, SEMI_MAJOR_M, SEMI_MINOR_M])
        self._over, self._both, self._limb = _tables(scenario, self.light)
        self._scalars = _scalars(self.light, fields)
        self._bounds, self._bounds_offset = square_bounds(fields.cloud, layout.BOUND_SIDE)

    def draw(
        self,
        sights: NodeSights,
        rotation_camera_to_itrs: Float64,
        position_itrs_m: Float64,
        sun_itrs: Float64,
        out: Float32,
    ) -> None:
        """Write the band's radiance, W/m^2/sr, times each pixel's relative solid angle. Space is 0.

        sun_itrs: (3,) unit vector towards the sun. out: (rows, columns), overwritten.
        """
        if out.shape != (sights.rows, sights.columns):
            raise ValueError(
                f"the camera has {sights.rows} x {sights.columns} pixels; an image of shape {out.shape} does not fit"
            )
        start = self.to_sphere @ position_itrs_m
        if not float(start @ start) > (1.0 + self.scenario.cloud.top_m / MEAN_RADIUS_M) ** 2:
            raise ValueError(
                f"the camera at {position_itrs_m.tolist()} (ITRS, m) is not above the Earth and its clouds"
            )
        sun = self.to_sphere @ sun_itrs
        scalars = self._scalars.copy()
        scalars[layout.S_IFOV] = sights.ifov_rad
        ground, cloud = self.fields.ground, self.fields.cloud
        most = -(-out.shape[0] // layout.SMALL) * -(-out.shape[1] // layout.SMALL)
        patches = np.empty((most, 5), dtype=np.int32)
        coefficients = np.empty((most, 3, layout.COEFFICIENTS), dtype=np.float32)
        textures = (ground.pairs, cloud.pairs, ground.offset, ground.rows, ground.columns)
        count = plan_patches(
            sights.los,
            np.ascontiguousarray(self.to_sphere @ rotation_camera_to_itrs),
            np.ascontiguousarray(start),
            sun / np.linalg.norm(sun),
            *textures,
            self._bounds,
            self._bounds_offset,
            self.fields.coarse,
            self._over,
            self._both,
            self._limb,
            scalars,
            patches,
            coefficients,
            out,
        )
        shade_patches(count, patches, coefficients, *textures, scalars, out)


def node_sights(camera: Camera, rows: int, columns: int) -> NodeSights:
    """Return where a camera looks at the nodes of the kernel's patches; those beyond the detector are there, too."""
    step = layout.PATCH / 2
    patches = [-(-size // layout.PATCH) for size in (rows, columns)]
    row, column = np.meshgrid(*(step * np.arange(2 * count + 1) for count in patches), indexing="ij")
    los = camera.lines_of_sight(row.ravel(), column.ravel())
    weight = relative_solid_angle(camera, los)
    stacked = np.column_stack([los, weight]).reshape(*row.shape, 4)
    return NodeSights(rows, columns, camera.ifov_rad, np.ascontiguousarray(stacked))


def relative_solid_angle(camera: Camera, los_camera: Float64) -> Float64:
    """Return the solid angle of pixels that look along (n, 3) directions over that on the boresight, (n,).

    The aperture is taken as equally wide from all sides, which fisheye lenses come close to. By differences of lines
    of sight, so that the distortion is in it.
    """
    row, column = camera.project(los_camera)
    down = camera.lines_of_sight(row + 0.5, column) - camera.lines_of_sight(row - 0.5, column)
    right = camera.lines_of_sight(row, column + 0.5) - camera.lines_of_sight(row, column - 0.5)
    area: Float64 = np.linalg.norm(np.cross(down, right), axis=1) * camera.focal_length_px**2
    return np.nan_to_num(area)


@functools.lru_cache(maxsize=2)
def shared_fields(scenario: Scenario, pixel_m: float) -> Fields:
    """Return the scenario's fields, made once; `pixel_m` is a pixel's side on the ground: their fineness."""
    background, cloud = scenario.background, scenario.cloud
    # Streams of their own, so that clouds stay the same whatever else is drawn from the seed.
    generators = [np.random.default_rng([scenario.seed, 0xC10D, k]) for k in range(3)]
    if background.kind == "picture" and background.picture is not None:
        picture = picture_pyramid(background.picture, background.picture_pixel_m, generators[0])
        return Fields(picture, picture, np.zeros((1, 1, 3), np.float32), 1.0, -NEVER, NEVER)
    ground_fine, ground_coarse = _field(generators[0], background.spectral_exponent, pixel_m)
    cloud_fine, cloud_coarse = _field(generators[1], cloud.spectral_exponent, pixel_m)
    # Coasts share the ground's fine structure.
    _, land_coarse = _field(generators[2], background.spectral_exponent, pixel_m)
    return Fields(
        pyramid(ground_fine, pixel_m, pixel_m),
        pyramid(cloud_fine, pixel_m, pixel_m),
        np.stack([land_coarse, ground_coarse, cloud_coarse], axis=-1).astype(np.float32),
        COARSE_RATIO * pixel_m,
        _begins_at(background.land_fraction),
        _begins_at(cloud.cover),
    )


def _field(generator: np.random.Generator, exponent: float, pixel_m: float) -> tuple[Float64, Float64]:
    """Return a field of variance 1 in two parts that add up, fine and coarse."""
    split_per_m = 1.0 / (FINE_LONGEST_PX * pixel_m)
    finest_per_m = 0.5 / pixel_m
    shape = (exponent, max(OUTER_SCALE_M, FINE_LONGEST_PX * pixel_m))
    scale = spectrum_variance(*shape, finest_per_m) ** -0.5
    fine = random_field(generator, FINE_SIDE, pixel_m, *shape, (split_per_m, finest_per_m)) * scale
    coarse_texel_m = COARSE_RATIO * pixel_m
    coarse = random_field(generator, COARSE_SIDE, coarse_texel_m, *shape, (0.0, split_per_m)) * scale
    return fine, coarse


def _begins_at(fraction: float) -> float:
    """Return the value above which a Gaussian field of variance 1 is for a fraction of its area."""
    return float(np.clip(ndtri(1.0 - fraction), -NEVER, NEVER))


def _area_axes(area: Place) -> Float64:
    """Return the rotation from ITRS to east, north and up of the sphere to which the ellipsoid is scaled."""
    x, y, z = geodetic_to_itrs(area.latitude_deg, area.longitude_deg) / [SEMI_MAJOR_M, SEMI_MAJOR_M, SEMI_MINOR_M]
    return east_north_up(math.degrees(math.atan2(z, math.hypot(x, y))), math.degrees(math.atan2(y, x)))


def _tables(scenario: Scenario, light: EarthLight) -> tuple[Float64, Float64, Float64]:
    """Return the kernel's tables; a picture shows what left the air already, so that no air is before it."""
    tables = light_tables(light)
    over = np.column_stack(
        [
            tables.g_through,
            tables.g_own,
            tables.c_through,
            tables.c_own,
            tables.land_emitted,
            tables.land_slope,
            tables.water,
            tables.hidden,
        ]
    )
    if scenario.background.kind == "picture":
        middle, half = picture_radiance(light)
        over[:, layout.G_THROUGH], over[:, layout.G_OWN] = 1.0, 0.0
        over[:, layout.LAND_EMITTED], over[:, layout.LAND_EMITTED_SLOPE] = middle, half
    return over, np.stack([tables.g_both, tables.c_both]), tables.limb


def picture_radiance(light: EarthLight) -> tuple[float, float]:
    """Return the radiance of a picture's middle value, and from there to its highest."""
    coldest, warmest = (
        light.radiance_w_per_m2_sr(light.ground.coldest_k),
        light.radiance_w_per_m2_sr(light.ground.warmest_k),
    )
    return (warmest + coldest) / 2, (warmest - coldest) / 2


def _scalars(light: EarthLight, fields: Fields) -> Float64:
    """Return the kernel's scalars, in its order; the camera's angle follows when it draws."""
    ground, cloud = light.ground, light.cloud
    cloud_k = air_temperature_k(cloud.top_m)
    emits = 1 - light.cloud_reflectance
    lit = light.sun_w_per_m2 * LAMBERT if ground.kind == "procedural" else 0.0
    values = {
        "S_RADIUS": MEAN_RADIUS_M,
        "S_COARSE_TEXEL": fields.coarse_texel_m,
        "S_CLOUD_TOP": cloud.top_m,
        "S_LAND_AT": fields.land_at,
        "S_LAND_STEEP": 1 / COAST_WIDTH,
        "S_CLOUD_AT": fields.cloud_at,
        "S_CLOUD_STEEP": 1 / cloud.edge_width,
        "S_SEA_EMITTED": light.radiance_w_per_m2_sr(ground.sea_temperature_k),
        "S_SEA_SLOPE": light.slope_w_per_m2_sr_k(ground.sea_temperature_k) * ground.sea_sigma_k,
        "S_CLOUD_EMITTED": emits * light.radiance_w_per_m2_sr(cloud_k),
        "S_CLOUD_SLOPE": emits * light.slope_w_per_m2_sr_k(cloud_k) * cloud.sigma_k,
        "S_LAND_LIT": lit * ground.land_reflectance,
        "S_CLOUD_LIT": lit * light.cloud_reflectance,
        "S_SUN": lit / LAMBERT,
        "S_REFLECTANCE_SIGMA": ground.reflectance_sigma,
        "S_SLOPE_VARIANCE": slope_variance(ground.wind_m_per_s),
        "S_LIMB_STEP": LIMB_STEP_M,
        "S_GROUND_STEP": fields.ground.step,
        "S_CLOUD_STEP": fields.cloud.step,
        "S_TEXEL_NORTH": float(fields.ground.texel_m[0]),
        "S_TEXEL_EAST": float(fields.ground.texel_m[1]),
    }
    scalars = np.zeros(layout.SCALARS)
    for name, value in values.items():
        scalars[getattr(layout, name)] = value
    return scalars
