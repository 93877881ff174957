"""What one line of sight meets, by formulae: without the kernel, its tables, its patches or its averages."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sat_emulator.scene.earth.background import COAST_WIDTH, Background, picture_radiance
from sat_emulator.scene.earth.light import Shade
from sat_emulator.scene.earth.texture import Pyramid
from sat_emulator.scene.sea import glint_radiance_factor
from services.geometry.geodesic import MEAN_RADIUS_M

Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class Ground:
    """What a line of sight meets on the ground and on its way.

    land, opaque: shares from 0 to 1. texture, thickness: values of the ground's and the cloud's field.
    """

    land: float
    texture: float
    opaque: float
    thickness: float
    sea_shade: Shade
    land_shade: Shade
    cloud_shade: Shade

    @property
    def radiance_w_per_m2_sr(self) -> float:
        """Return what is seen."""
        sea = self.sea_shade.mean + self.sea_shade.slope * self.texture
        land = self.land_shade.mean + self.land_shade.slope * self.texture
        top = self.cloud_shade.mean + self.cloud_shade.slope * self.thickness
        surface = sea + self.land * (land - sea)
        return surface + self.opaque * (top - surface)


def meet_ground(
    background: Background, position_itrs_m: Float64, los_itrs: Float64, sun_itrs: Float64
) -> Ground | None:
    """Return what a line of sight from a satellite meets; None where it passes the Earth."""
    axes = background.to_sphere
    start, ray = axes @ position_itrs_m, axes @ los_itrs
    point = _meet_sphere(start, ray, 1.0)
    if point is None:
        return None
    sun = axes @ sun_itrs
    sun /= np.linalg.norm(sun)
    back = -ray / np.linalg.norm(ray)
    cosine, cosine_sun = float(back @ point), float(sun @ point)
    light, fields = background.light, background.fields
    fine = fields.ground.between(*_elements(point, fields.ground))
    coarse = [_sample(fields.coarse[..., k], *_coarse(point, fields.coarse_texel_m)) for k in range(2)]
    land = float(np.clip((coarse[0] + fine - fields.land_at) / COAST_WIDTH + 0.5, 0.0, 1.0))
    if background.scenario.background.kind == "picture":
        picture = Shade(*picture_radiance(light))
        return Ground(1.0, coarse[1] + fine, 0.0, 0.0, picture, picture, picture)
    thickness = cloud_thickness(background, position_itrs_m, los_itrs)
    east, north = _level_axes(point)
    local = np.array([[axis @ vector for axis in (east, north, point)] for vector in (sun, back)])
    glint = float(glint_radiance_factor(local[0], local[1], light.ground.wind_m_per_s, light.water_index))
    return Ground(
        land,
        coarse[1] + fine,
        _opaque(background, thickness),
        thickness,
        light.sea(cosine, cosine_sun, glint),
        light.land(cosine, cosine_sun),
        light.cloud_top(cosine, cosine_sun),
    )


def clear_share(background: Background, source_itrs_m: Float64, satellite_itrs_m: Float64) -> float:
    """Return which part of a source's light passes the cloud layer: all of it from above the layer's top."""
    start = background.to_sphere @ source_itrs_m
    if background.scenario.background.kind == "picture" or float(np.linalg.norm(start)) >= _top(background):
        return 1.0
    return 1.0 - _opaque(background, cloud_thickness(background, satellite_itrs_m, source_itrs_m - satellite_itrs_m))


def cloud_thickness(background: Background, position_itrs_m: Float64, los_itrs: Float64) -> float:
    """Return the cloud field's value where a line of sight from above meets the layer's top."""
    axes, fields = background.to_sphere, background.fields
    point = _meet_sphere(axes @ position_itrs_m, axes @ los_itrs, _top(background))
    if point is None:
        return -math.inf
    point /= np.linalg.norm(point)
    coarse = _sample(fields.coarse[..., 2], *_coarse(point, fields.coarse_texel_m))
    return coarse + fields.cloud.between(*_elements(point, fields.cloud))


def _opaque(background: Background, thickness: float) -> float:
    width = background.scenario.cloud.edge_width
    return float(np.clip((thickness - background.fields.cloud_at) / width + 0.5, 0.0, 1.0))


def _top(background: Background) -> float:
    return 1.0 + background.scenario.cloud.top_m / MEAN_RADIUS_M


def _meet_sphere(start: Float64, ray: Float64, radius: float) -> Float64 | None:
    """Return where a ray from outside first meets a sphere round the origin."""
    square, half_b = float(ray @ ray), float(start @ ray)
    discriminant = half_b**2 - square * (float(start @ start) - radius**2)
    if half_b >= 0 or discriminant < 0:
        return None
    return start + (-half_b - math.sqrt(discriminant)) / square * ray


def _level_axes(up: Float64) -> tuple[Float64, Float64]:
    """Return two directions across `up` and each other; which, does not matter to a sea that is rough alike."""
    east = np.cross([0.0, 1.0, 0.0] if abs(up[1]) < 0.9 else [1.0, 0.0, 0.0], up)
    east /= np.linalg.norm(east)
    return east, np.cross(up, east)


def _on_map(point: Float64) -> tuple[float, float]:
    """Return north and east of the area, metres, by Lambert's azimuthal equal-area projection."""
    scale = MEAN_RADIUS_M * math.sqrt(2 / max(1 + point[2], 1e-6))
    return scale * float(point[1]), scale * float(point[0])


def _coarse(point: Float64, texel_m: float) -> tuple[float, float]:
    north, east = _on_map(point)
    return north / texel_m, east / texel_m


def _elements(point: Float64, field: Pyramid) -> tuple[float, float]:
    north, east = _on_map(point)
    return north / float(field.texel_m[0]), east / float(field.texel_m[1])


def _sample(field: NDArray[np.float32], v: float, u: float) -> float:
    """Return the value between the four nearest elements of a field that repeats."""
    i, j = math.floor(v), math.floor(u)
    rows, columns = field.shape
    corner = field[np.ix_([i % rows, (i + 1) % rows], [j % columns, (j + 1) % columns])].astype(np.float64)
    dv, du = v - i, u - j
    return float(np.array([1 - dv, dv]) @ corner @ np.array([1 - du, du]))
