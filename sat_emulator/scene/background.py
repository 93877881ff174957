"""What the Earth radiates in the band, seen from anywhere above it."""

import functools
import math

import numpy as np
from numpy.typing import NDArray

from sat_emulator.scene import kernels
from sat_emulator.scene.atmosphere import TROPOSPHERE_LAPSE_K_PER_M, air_mass
from sat_emulator.scene.radiance import TABLE_STEP_K, radiance_table
from sat_emulator.scene.texture import Pyramid, picture_pyramid, pyramid, random_field, spectrum_variance
from services.geometry.ellipsoid import SEMI_MAJOR_M, SEMI_MINOR_M, east_north_up, geodetic_to_itrs
from services.geometry.geodesic import MEAN_RADIUS_M
from services.scenario.model import Atmosphere, Place, Scenario
from services.scenario.resolve import resolve_area

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

# Elements of the two fields of a procedural background: the fine one has the size of a pixel on the ground, the coarse
# one sixteen of it. The fine one repeats after a thousand pixels, but holds only what is shorter than an eighth of
# that, so that nobody sees it repeat; the coarse one repeats after more than the visible Earth.
FINE_SIDE = 1024
COARSE_SIDE = 512
COARSE_RATIO = 16
FINE_LONGEST_PX = 128
# Structure grows no further beyond this: the size of weather systems.
OUTER_SCALE_M = 2.0e6
# Cloud: the field's value passes through an edge, so that temperature has decks with borders instead of hills.
EDGE_AT = 0.3
EDGE_HEIGHT = 0.7
EDGE_STEEPNESS = 3.0
# Table of temperature over the field's value, which is Gaussian with variance 1.
FIELD_LIMIT = 6.0
FIELD_STEP = 1.0 / 128
# Radiance is tabled within these, K.
COLDEST_K = 100.0
WARMEST_K = 450.0
# Heights of the air at the limb and steps of their table, m.
LIMB_TOP_M = 120_000.0
LIMB_STEP_M = 100.0
DARKENING_STEPS = 512
# Nothing radiates from above the tropopause, where it stops getting colder; U.S. Standard Atmosphere 1976.
TROPOPAUSE_M = 11_000.0


class Background:
    """A field of brightness temperature draped on the ellipsoid, the same for all satellites of a run.

    Seen at a slant it is colder, as radiation then comes from higher air (limb darkening); beyond the limb the air
    thins out into black space. It is at rest on the ground. Reflected sunlight is not part of it.
    """

    def __init__(self, scenario: Scenario, pixel_m: float) -> None:
        """Build the fields; `pixel_m` is the side of a pixel on the ground, from which their fineness follows."""
        sensor = scenario.sensor
        self._band = (sensor.band_lower_m, sensor.band_upper_m)
        self.mean_temperature_k = scenario.background.mean_temperature_k
        self._to_area = _area_axes(resolve_area(scenario))
        self._fine, self._coarse, self._coarse_texel_m = _fields(scenario, pixel_m)
        self._temperature = _temperature_table(scenario)
        self._darkening = _darkening_table(scenario.atmosphere)
        self._radiance = radiance_table(*self._band, COLDEST_K, WARMEST_K)
        self._limb = _limb_table(scenario.atmosphere)

    def draw(
        self,
        los_camera: Float32,
        rotation_camera_to_itrs: Float64,
        position_itrs_m: Float64,
        ifov_rad: float,
        out: Float32,
    ) -> None:
        """Write the band's radiance, W/m^2/sr, of every line of sight.

        los_camera: (rows, columns, 3) unit vectors. out: (rows, columns), overwritten. Space is 0.
        """
        if los_camera.shape != (*out.shape, 3):
            raise ValueError(f"lines of sight of shape {los_camera.shape} do not fit an image of shape {out.shape}")
        to_sphere = self._to_area / np.array([SEMI_MAJOR_M, SEMI_MAJOR_M, SEMI_MINOR_M])
        start = to_sphere @ position_itrs_m
        if not float(start @ start) > 1.0:
            raise ValueError(f"the camera at {position_itrs_m.tolist()} (ITRS, m) is not above the Earth")
        fine = self._fine
        kernels.draw_earth(
            los_camera,
            np.ascontiguousarray(to_sphere @ rotation_camera_to_itrs),
            np.ascontiguousarray(start),
            MEAN_RADIUS_M,
            ifov_rad,
            fine.values,
            fine.offset,
            fine.rows,
            fine.columns,
            fine.texel_m,
            self._coarse,
            self._coarse_texel_m,
            self._temperature,
            -FIELD_LIMIT,
            FIELD_STEP,
            self._darkening,
            self._radiance,
            COLDEST_K,
            TABLE_STEP_K,
            self._limb,
            LIMB_STEP_M,
            out,
        )

    def temperature_k(self, cosine_zenith: float) -> float:
        """Return the mean brightness temperature seen at a slant."""
        position = min(max(cosine_zenith, 0.0), 1.0) * DARKENING_STEPS
        darker = float(np.interp(position, np.arange(DARKENING_STEPS + 1), self._darkening))
        return self.mean_temperature_k - darker

    def filtered_sigma_k(self, filter_weights: Float64) -> float:
        """Return the standard deviation of the field seen through a filter, pixels one element apart.

        filter_weights: (n, n), with sum 0, so that only the fine field passes. The slope of temperature over the
        field's value enters by its root mean square: edges of cloud weigh by their part of the scene.
        """
        rows, columns = int(self._fine.rows[0]), int(self._fine.columns[0])
        field = self._fine.values[: rows * columns].reshape(rows, columns)
        response = np.fft.rfft2(field) * np.fft.rfft2(filter_weights, s=field.shape)
        filtered = float(np.fft.irfft2(response, s=field.shape).std())
        value = np.linspace(-FIELD_LIMIT, FIELD_LIMIT, len(self._temperature))
        slope = np.gradient(self._temperature.astype(np.float64), value)
        weight = np.exp(-0.5 * value**2)
        return filtered * math.sqrt(float(weight @ slope**2 / weight.sum()))


@functools.lru_cache(maxsize=2)
def shared_background(scenario: Scenario, pixel_m: float) -> Background:
    """Return the scenario's background, built once for all satellites that a program emulates."""
    return Background(scenario, pixel_m)


def _area_axes(area: Place) -> Float64:
    """Return the rotation from ITRS to east, north and up of the sphere to which the ellipsoid is scaled."""
    x, y, z = geodetic_to_itrs(area.latitude_deg, area.longitude_deg) / [SEMI_MAJOR_M, SEMI_MAJOR_M, SEMI_MINOR_M]
    return east_north_up(math.degrees(math.atan2(z, math.hypot(x, y))), math.degrees(math.atan2(y, x)))


def _fields(scenario: Scenario, pixel_m: float) -> tuple[Pyramid, Float32, float]:
    """Return the fine field, the coarse one, and the coarse one's element size in metres."""
    background = scenario.background
    # A stream of its own, so that clouds stay the same whatever else is drawn from the seed.
    generator = np.random.default_rng([scenario.seed, 0xC10D])
    if background.kind == "picture" and background.picture is not None:
        field = picture_pyramid(background.picture, background.picture_pixel_m, generator)
        return field, np.zeros((1, 1), np.float32), 1.0
    coarse_texel_m = COARSE_RATIO * pixel_m
    split_per_m = 1.0 / (FINE_LONGEST_PX * pixel_m)
    finest_per_m = 0.5 / pixel_m
    shape = (background.spectral_exponent, max(OUTER_SCALE_M, FINE_LONGEST_PX * pixel_m))
    scale = spectrum_variance(*shape, finest_per_m) ** -0.5
    fine = random_field(generator, FINE_SIDE, pixel_m, *shape, (split_per_m, finest_per_m)) * scale
    coarse = random_field(generator, COARSE_SIDE, coarse_texel_m, *shape, (0.0, split_per_m)) * scale
    return pyramid(fine, pixel_m, pixel_m), coarse.astype(np.float32), coarse_texel_m


def _temperature_table(scenario: Scenario) -> Float32:
    """Return temperature over the field's value, from -FIELD_LIMIT in steps of FIELD_STEP."""
    background = scenario.background
    value = np.arange(-FIELD_LIMIT, FIELD_LIMIT + FIELD_STEP, FIELD_STEP)
    shaped = value.copy()
    if background.kind == "procedural":
        shaped += EDGE_HEIGHT * np.tanh(EDGE_STEEPNESS * (value - EDGE_AT))
        # Mean 0 and variance 1 again, for a value that is Gaussian.
        weight = np.exp(-0.5 * value**2)
        weight /= weight.sum()
        shaped -= weight @ shaped
        shaped /= math.sqrt(float(weight @ shaped**2))
    temperature_k: Float32 = (background.mean_temperature_k + background.temperature_sigma_k * shaped).astype(
        np.float32
    )
    return temperature_k


def _darkening_table(atmosphere: Atmosphere) -> Float32:
    """Return by how much a slant view is colder, K, over the cosine of the zenith angle from 0 to 1.

    Radiation comes from where the optical depth along the ray is 1: the higher, the longer the ray. The temperature
    there follows from the standard lapse.
    """
    scale = atmosphere.scale_height_m

    def emission_height_m(slant: float) -> float:
        depth = max(atmosphere.optical_depth * slant, 1.0)
        return min(scale * math.log(depth), TROPOPAUSE_M)

    cosines = np.linspace(0.0, 1.0, DARKENING_STEPS + 1)
    heights = np.array([emission_height_m(air_mass(float(cosine), scale)) for cosine in cosines])
    colder_k: Float32 = (TROPOSPHERE_LAPSE_K_PER_M * (heights - heights[-1])).astype(np.float32)
    return colder_k


def _limb_table(atmosphere: Atmosphere) -> Float32:
    """Return the part of blackness of air along a ray that passes the Earth, over its lowest height."""
    heights = np.arange(0.0, LIMB_TOP_M + LIMB_STEP_M, LIMB_STEP_M)
    through = 2 * air_mass(0.0, atmosphere.scale_height_m) * atmosphere.optical_depth
    blackness: Float32 = (-np.expm1(-through * np.exp(-heights / atmosphere.scale_height_m))).astype(np.float32)
    return blackness
