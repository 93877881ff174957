"""What ground, sea, cloud and air radiate towards space in a band, by day and by night: formulae and their tables.

Radiance at the top of the atmosphere, for a band whose parts k have shares s_k (scene/transmission.py):

    ground:  sum_k s_k [ (1 - rho) B(T) t_k(mu) + a_k(mu) ]  +  rho E mu0 / pi  sum_k s_k t_k(mu) t_k(mu0)

with mu and mu0 the cosines of the zenith angles of satellite and sun, B Planck's radiance, t_k the transmission from
there to space, a_k the air's own radiance above, E the sun's irradiance, rho the reflectance. Cloud likewise from its
top. Light that the air scatters is left out (Rayleigh's optical depth is below 1e-4 beyond 2.5 um).
"""

import functools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sat_emulator.scene.atmosphere import air_temperature_k
from sat_emulator.scene.radiance import band_radiance_w_per_m2_sr, solar_irradiance_w_per_m2
from sat_emulator.scene.sea import fresnel_reflectance, hidden_facets, slope_variance, water_index
from sat_emulator.scene.transmission import BandAir, air_mass, band_air
from services.geometry.ellipsoid import SEMI_MAJOR_M
from services.geometry.sun import sun_distance_m
from services.scenario.model import Scenario, Sensor
from services.scenario.resolve import start_unix_ns

Float64 = NDArray[np.float64]

# Layers of the air's own radiance: edges, m. Fine where it is dense; nothing above radiates to speak of.
LAYER_EDGES_M = np.concatenate([np.arange(0.0, 30e3, 250.0), np.arange(30e3, 120e3 + 1, 1500.0)])
# Steps of tables over a cosine from 0 to 1, of one and of two.
COSINE_STEPS = 128
COSINE_STEPS_2 = 32
# Heights of the air at the limb and steps of their table, m.
LIMB_TOP_M = 120_000.0
LIMB_STEP_M = 250.0
# Of cloud by band: droplets and ice of some 10 um absorb most of what they do not send forwards; orders of
# magnitude, chosen: water's imaginary index (scene/sea.py) is ten to a hundred times larger in the 2.7 um band than at
# 3.8 um, and near 4.3 um the air hides cloud anyway.
CLOUD_REFLECTANCE = {"2.7um": 0.05, "3.8um": 0.12, "4.3um": 0.05}
# What a surface that scatters evenly sends into each direction, over what it scatters, 1/sr.
LAMBERT = 1.0 / math.pi


@dataclass(frozen=True)
class Shade:
    """Radiance, W/m^2/sr, as a straight line of a field's value: mean + slope * value."""

    mean: float
    slope: float


class EarthLight:
    """One sensor's band over one scenario's Earth."""

    def __init__(self, scenario: Scenario, sensor: Sensor) -> None:
        self.ground, self.cloud = scenario.background, scenario.cloud
        self.band = (sensor.band_lower_m, sensor.band_upper_m)
        self.air = band_air(scenario, sensor)
        distance_m = sun_distance_m(start_unix_ns(scenario))
        self.sun_w_per_m2 = solar_irradiance_w_per_m2(distance_m, *self.band) if self.ground.sun else 0.0
        self.water_index = water_index(*self.band)
        self.cloud_reflectance = (
            CLOUD_REFLECTANCE[sensor.band] if self.cloud.reflectance is None else self.cloud.reflectance
        )

    def radiance_w_per_m2_sr(self, temperature_k: float) -> float:
        """Return Planck's radiance in the band, W/m^2/sr."""
        return float(band_radiance_w_per_m2_sr(temperature_k, *self.band))

    def slope_w_per_m2_sr_k(self, temperature_k: float) -> float:
        """Return how much it grows per kelvin."""
        return (self.radiance_w_per_m2_sr(temperature_k + 0.5) - self.radiance_w_per_m2_sr(temperature_k - 0.5)) / 1.0

    def through(self, height_m: float, cosine: ArrayLike) -> Float64:
        """Return the transmission from a height to space, of the shape of the cosine of the zenith angle."""
        parts = np.exp(-_depths(self.air, np.array([height_m]), np.atleast_1d(cosine)))
        return np.asarray(np.einsum("k,kzm->m", self.air.shares, parts)).reshape(np.shape(cosine))

    def both_ways(self, height_m: float, cosine: float, cosine_sun: float) -> float:
        """Return the transmission down from the sun and up to the satellite; parts of the band stay apart."""
        depths = _depths(self.air, np.array([height_m]), np.array([cosine, cosine_sun]))[:, 0]
        return float(self.air.shares @ np.exp(-depths.sum(axis=1)))

    def own_w_per_m2_sr(self, height_m: float, cosine: ArrayLike) -> Float64:
        """Return what the air above a height radiates itself, of the shape of the cosine."""
        edges, layers = _layers(height_m, *self.band)
        through = np.exp(-_depths(self.air, edges, np.atleast_1d(cosine)))
        own = np.einsum("k,kzm,z->m", self.air.shares, np.diff(through, axis=1), layers)
        return np.asarray(own).reshape(np.shape(cosine))

    def limb_w_per_m2_sr(self, lowest_m: float) -> float:
        """Return what the air radiates along a ray whose lowest point is at a height, both halves of it."""
        edges, layers = _layers(lowest_m, *self.band)
        radius = SEMI_MAJOR_M + edges
        cosine = np.sqrt(np.maximum(0.0, 1 - (radius[0] / radius) ** 2))
        scale = self.air.scale_heights_m[:, None]
        near = self.air.depths[:, None] * np.exp(-edges / scale) * air_mass(cosine, scale)
        whole = 2 * near[:, :1]
        radiance = np.diff(np.exp(-near), axis=1) @ layers - np.diff(np.exp(-(whole - near)), axis=1) @ layers
        return float(self.air.shares @ radiance)

    def land(self, cosine: float, cosine_sun: float) -> Shade:
        """Return the radiance of land over its texture."""
        temperature = self.ground.land_temperature_k + self.ground.land_day_rise_k * max(cosine_sun, 0.0)
        if not self.ground.sun:
            temperature = self.ground.land_temperature_k
        through, own = float(self.through(0.0, cosine)), float(self.own_w_per_m2_sr(0.0, cosine))
        scattered = self._scattered(0.0, self.ground.land_reflectance, cosine, cosine_sun)
        emits = 1 - self.ground.land_reflectance
        return Shade(
            emits * self.radiance_w_per_m2_sr(temperature) * through + own + scattered,
            emits * self.slope_w_per_m2_sr_k(temperature) * self.ground.land_sigma_k * through
            + self.ground.reflectance_sigma * scattered,
        )

    def sea(self, cosine: float, cosine_sun: float, glint_per_sr: float) -> Shade:
        """Return the radiance of sea over its texture; `glint_per_sr`: scene/sea.py's factor there."""
        through, own = float(self.through(0.0, cosine)), float(self.own_w_per_m2_sr(0.0, cosine))
        temperature = self.ground.sea_temperature_k
        mirrored = 0.0
        if cosine_sun > 0:
            mirrored = self.sun_w_per_m2 * glint_per_sr * self.both_ways(0.0, cosine, cosine_sun)
        return Shade(
            self.radiance_w_per_m2_sr(temperature) * through + own + mirrored,
            self.slope_w_per_m2_sr_k(temperature) * self.ground.sea_sigma_k * through
            + self.ground.reflectance_sigma * mirrored,
        )

    def cloud_top(self, cosine: float, cosine_sun: float) -> Shade:
        """Return the radiance of cloud over its texture."""
        height = self.cloud.top_m
        temperature = air_temperature_k(height)
        through, own = float(self.through(height, cosine)), float(self.own_w_per_m2_sr(height, cosine))
        scattered = self._scattered(height, self.cloud_reflectance, cosine, cosine_sun)
        emits = 1 - self.cloud_reflectance
        return Shade(
            emits * self.radiance_w_per_m2_sr(temperature) * through + own + scattered,
            emits * self.slope_w_per_m2_sr_k(temperature) * self.cloud.sigma_k * through
            + self.ground.reflectance_sigma * scattered,
        )

    def _scattered(self, height_m: float, reflectance: float, cosine: float, cosine_sun: float) -> float:
        """Return sunlight that a surface sends back evenly (Lambert's law)."""
        if cosine_sun <= 0:
            return 0.0
        lit = self.sun_w_per_m2 * cosine_sun * reflectance * LAMBERT
        return lit * self.both_ways(height_m, cosine, cosine_sun)


@functools.lru_cache(maxsize=1024)
def _layers(lowest_m: float, lower_m: float, upper_m: float) -> tuple[Float64, Float64]:
    """Return the edges of the layers from a height upwards, (n + 1,), and Planck's radiance in their middles, (n,)."""
    edges = np.concatenate([[lowest_m], LAYER_EDGES_M[lowest_m < LAYER_EDGES_M]])
    temperatures = np.array([air_temperature_k(float(height)) for height in (edges[1:] + edges[:-1]) / 2])
    return edges, band_radiance_w_per_m2_sr(temperatures, lower_m, upper_m)


def _depths(air: BandAir, heights_m: Float64, cosines: Float64) -> Float64:
    """Return each part's optical depth from each height to space, (parts, heights, cosines).

    cosines: of the zenith angle at the first height; along a ray it grows with height as the Earth curves away.
    """
    ratio = (SEMI_MAJOR_M + heights_m[0]) / (SEMI_MAJOR_M + heights_m)
    local = np.sqrt(np.maximum(0.0, 1 - (ratio[:, None] ** 2) * (1 - cosines[None, :] ** 2)))
    scale = air.scale_heights_m[:, None, None]
    vertical = air.depths[:, None, None] * np.exp(-heights_m[None, :, None] / scale)
    depths: Float64 = vertical * air_mass(local[None], scale)
    return depths


@dataclass(frozen=True)
class LightTables:
    """What EarthLight says, over cosines from 0 to 1 in even steps, as the kernel reads it.

    Of ground (g) and cloud top (c): transmission to space and the air's own radiance over the satellite's cosine;
    transmission both ways over satellite's and sun's, (COSINE_STEPS_2 + 1,) * 2. Of land: what it emits, before the
    air, and how that grows with its texture, over the sun's cosine. Of water: reflectance over the cosine of incidence,
    and facets hidden over those seen, over the cosine of either zenith angle. limb: over a ray's lowest height.
    """

    g_through: Float64
    g_own: Float64
    g_both: Float64
    c_through: Float64
    c_own: Float64
    c_both: Float64
    land_emitted: Float64
    land_slope: Float64
    water: Float64
    hidden: Float64
    limb: Float64


def light_tables(light: EarthLight) -> LightTables:
    """Return the tables; the slowest part of starting a satellite, some 50 ms."""
    cosines = np.linspace(0.0, 1.0, COSINE_STEPS + 1)
    few = np.linspace(0.0, 1.0, COSINE_STEPS_2 + 1)
    ground, rise_k = light.ground, light.ground.land_day_rise_k if light.ground.sun else 0.0
    temperatures = [ground.land_temperature_k + rise_k * float(cosine) for cosine in cosines]
    emits = 1 - ground.land_reflectance

    def both(height_m: float) -> Float64:
        depths = _depths(light.air, np.array([height_m]), few)[:, 0]
        table: Float64 = np.einsum("k,kij->ij", light.air.shares, np.exp(-(depths[:, :, None] + depths[:, None, :])))
        return table

    heights = np.arange(0.0, LIMB_TOP_M + LIMB_STEP_M, LIMB_STEP_M)
    top_m = light.cloud.top_m
    return LightTables(
        g_through=light.through(0.0, cosines),
        g_own=light.own_w_per_m2_sr(0.0, cosines),
        g_both=both(0.0),
        c_through=light.through(top_m, cosines),
        c_own=light.own_w_per_m2_sr(top_m, cosines),
        c_both=both(top_m),
        land_emitted=np.array([emits * light.radiance_w_per_m2_sr(temperature) for temperature in temperatures]),
        land_slope=np.array(
            [emits * light.slope_w_per_m2_sr_k(temperature) * ground.land_sigma_k for temperature in temperatures]
        ),
        water=fresnel_reflectance(cosines, light.water_index),
        hidden=hidden_facets(np.maximum(cosines, 1e-3), slope_variance(ground.wind_m_per_s)),
        limb=np.array([light.limb_w_per_m2_sr(float(height)) for height in heights]),
    )


@functools.lru_cache(maxsize=4)
def shared_light(scenario: Scenario, sensor: Sensor) -> EarthLight:
    """Return the light of one sensor's band, made once for all satellites that carry the sensor."""
    return EarthLight(scenario, sensor)
