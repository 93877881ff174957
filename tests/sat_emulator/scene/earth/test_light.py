"""What the Earth radiates: against the limits of grey, isothermal air and by hand; tables against formulae."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from sat_emulator.scene.atmosphere import air_temperature_k
from sat_emulator.scene.earth import light as light_module
from sat_emulator.scene.earth.light import EarthLight, light_tables
from sat_emulator.scene.radiance import band_radiance_w_per_m2_sr, solar_irradiance_w_per_m2
from sat_emulator.scene.transmission import air_mass
from services.geometry.sun import sun_distance_m
from services.scenario.model import Absorber, Atmosphere, Background, Cloud
from services.scenario.references import reference_sensor
from services.scenario.resolve import start_unix_ns
from tests.sat_emulator.scene.earth.seeing import scenario

AIR_K = 250.0
SENSOR = reference_sensor(band="3.8um")
BAND = (SENSOR.band_lower_m, SENSOR.band_upper_m)


def _light(optical_depth: float, **keys: Any) -> EarthLight:
    """Return an Earth under grey air."""
    return EarthLight(scenario(atmosphere=Atmosphere((Absorber(1.0, optical_depth, 8000.0),)), **keys), SENSOR)


def _planck(temperature_k: float) -> float:
    return float(band_radiance_w_per_m2_sr(temperature_k, *BAND))


@pytest.fixture
def isothermal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    light_module._layers.cache_clear()
    monkeypatch.setattr(light_module, "air_temperature_k", lambda _height_m: AIR_K)
    yield
    light_module._layers.cache_clear()


@pytest.mark.usefixtures("isothermal")
@pytest.mark.parametrize("cosine", [1.0, 0.5, 0.1])
@pytest.mark.parametrize("height_m", [0.0, 6000.0])
def test_isothermal_grey_air_radiates_by_kirchhoffs_law(cosine: float, height_m: float) -> None:
    for depth in (0.01, 0.5, 3.0):
        light = _light(depth)
        path = depth * math.exp(-height_m / 8000.0) * float(air_mass(cosine, 8000.0))
        assert light.through(height_m, cosine) == pytest.approx(math.exp(-path), rel=1e-9)
        # What does not pass is absorbed and radiated; beyond 120 km a few millionths are left out.
        assert light.own_w_per_m2_sr(height_m, cosine) == pytest.approx(-math.expm1(-path) * _planck(AIR_K), rel=1e-4)


@pytest.mark.usefixtures("isothermal")
def test_opaque_air_gives_plancks_radiance_whatever_is_below() -> None:
    light = _light(1e4)
    for shade in (light.land(0.7, 1.0), light.sea(0.7, 1.0, 1.0), light.cloud_top(0.7, 1.0)):
        assert shade.mean == pytest.approx(_planck(AIR_K), rel=1e-2)
        assert shade.slope == pytest.approx(0.0, abs=1e-12)
    # At the limb the air above 120 km, which is left out, would be 2 % of it.
    assert light.limb_w_per_m2_sr(0.0) == pytest.approx(_planck(AIR_K), rel=3e-2)


def test_transparent_air_gives_the_surfaces_radiance() -> None:
    light = _light(0.0, cloud=Cloud(top_m=11_000.0, reflectance=0.3), background=Background(land_reflectance=0.2))
    for cosine in (1.0, 0.2):
        assert light.land(cosine, -0.1).mean == pytest.approx(0.8 * _planck(286.0))
        assert light.sea(cosine, -0.1, 0.0).mean == pytest.approx(_planck(288.0))
        assert light.cloud_top(cosine, -0.1).mean == pytest.approx(0.7 * _planck(air_temperature_k(11_000.0)))
    slope = 0.8 * 3.0 * (_planck(286.5) - _planck(285.5))
    assert light.land(1.0, -0.1).slope == pytest.approx(slope)


def test_sunlight_passes_the_air_down_and_up() -> None:
    light = _light(0.4)
    down, up = 0.6, 0.8
    expected = math.exp(-0.4 * float(air_mass(down, 8000.0)) - 0.4 * float(air_mass(up, 8000.0)))
    assert light.both_ways(0.0, up, down) == pytest.approx(expected)
    assert light.both_ways(0.0, down, up) == pytest.approx(expected)
    # Parts of the band stay apart: what the one loses on its way down cannot be lost again on its way up.
    two = EarthLight(scenario(atmosphere=Atmosphere((Absorber(0.5, 0.0, 8000.0), Absorber(0.5, 50.0, 8000.0)))), SENSOR)
    assert two.both_ways(0.0, 1.0, 1.0) == pytest.approx(0.5)
    assert two.through(0.0, 1.0) == pytest.approx(0.5)


def test_scattered_sunlight_is_lamberts() -> None:
    light = _light(0.4, background=Background(land_reflectance=0.2, land_day_rise_k=0.0))
    distance_m = sun_distance_m(start_unix_ns(scenario()))
    sun = solar_irradiance_w_per_m2(distance_m, *BAND)
    # 1.5e11 m away, within the orbit's 1.7 %; some 10 W/m^2 between 3.5 and 4.1 um.
    assert 5 < sun < 15
    lit = light.land(0.8, 0.6).mean - light.land(0.8, -0.6).mean
    assert lit == pytest.approx(sun * 0.6 * 0.2 / math.pi * light.both_ways(0.0, 0.8, 0.6))
    glint = light.sea(0.8, 0.6, 0.3).mean - light.sea(0.8, 0.6, 0.0).mean
    assert glint == pytest.approx(sun * 0.3 * light.both_ways(0.0, 0.8, 0.6))


def test_land_warms_by_day_and_not_without_a_sun() -> None:
    light = _light(0.0, background=Background(land_reflectance=0.0, land_day_rise_k=20.0))
    assert light.land(1.0, 1.0).mean == pytest.approx(_planck(306.0))
    assert light.land(1.0, 0.5).mean == pytest.approx(_planck(296.0))
    assert light.land(1.0, -0.3).mean == pytest.approx(_planck(286.0))
    dark = _light(0.0, background=Background(land_reflectance=0.5, land_day_rise_k=20.0, sun=False))
    assert dark.land(1.0, 1.0) == dark.land(1.0, -1.0)
    assert dark.sun_w_per_m2 == 0.0


@pytest.mark.parametrize("band", ["2.7um", "3.8um", "4.3um"])
def test_nothing_brighter_than_its_warmest_part_leaves_the_earth_by_night(band: str) -> None:
    light = EarthLight(scenario(), reference_sensor(band=band))
    warmest = light.radiance_w_per_m2_sr(288.15)
    for cosine in (1.0, 0.3, 0.0):
        for shade in (light.land(cosine, -1.0), light.sea(cosine, -1.0, 0.0), light.cloud_top(cosine, -1.0)):
            assert 0 < shade.mean < warmest
    # Where air is opaque the ground's texture is not seen; cloud above most of the water is.
    assert light.land(0.0, -1.0).slope <= light.land(1.0, -1.0).slope


def test_bands_see_the_ground_as_far_as_their_air_lets_them() -> None:
    seen = {
        band: EarthLight(scenario(), reference_sensor(band=band)).through(0.0, 1.0)
        for band in ("2.7um", "3.8um", "4.3um")
    }
    assert seen["3.8um"] > 0.8
    assert seen["2.7um"] < 0.05
    assert seen["4.3um"] < 5e-3


@pytest.mark.parametrize("band", ["2.7um", "3.8um", "4.3um"])
def test_tables_are_the_formulae(band: str) -> None:
    light = EarthLight(scenario(cloud=Cloud(top_m=9000.0)), reference_sensor(band=band))
    tables = light_tables(light)
    cosines = np.linspace(0, 1, len(tables.g_through))
    for k in (0, 13, 64, 128):
        cosine = float(cosines[k])
        assert tables.g_through[k] == pytest.approx(light.through(0.0, cosine))
        assert tables.g_own[k] == pytest.approx(light.own_w_per_m2_sr(0.0, cosine))
        assert tables.c_through[k] == pytest.approx(light.through(9000.0, cosine))
        assert tables.c_own[k] == pytest.approx(light.own_w_per_m2_sr(9000.0, cosine))
        emitted = (
            light.land(1.0, cosine).mean - light.own_w_per_m2_sr(0.0, 1.0) - light._scattered(0.0, 0.15, 1.0, cosine)
        )
        assert tables.land_emitted[k] * light.through(0.0, 1.0) == pytest.approx(emitted, rel=1e-6, abs=1e-12)
    few = np.linspace(0, 1, len(tables.g_both))
    assert tables.g_both[20, 9] == pytest.approx(light.both_ways(0.0, float(few[20]), float(few[9])))
    assert tables.c_both[20, 9] == pytest.approx(light.both_ways(9000.0, float(few[20]), float(few[9])))
    assert tables.limb[40] == pytest.approx(light.limb_w_per_m2_sr(10_000.0))
    assert tables.limb[-1] < 1e-4 * tables.limb[0]
    # Nothing of a sensor's own but its band is in them.
    other = EarthLight(scenario(cloud=Cloud(top_m=9000.0)), reference_sensor(band=band, rows=64))
    assert np.array_equal(light_tables(other).g_own, tables.g_own)
