"""Plumes and hot skin against published numbers and their own limits."""

import dataclasses
import math

import numpy as np
import pytest

from sat_emulator.scene.atmosphere import air_density_kg_per_m3, air_temperature_k
from sat_emulator.scene.radiance import STEFAN_BOLTZMANN, band_radiance_w_per_m2_sr
from sat_emulator.scene.signature import (
    PLUME_TEMPERATURE_K,
    SKIN_SHARE,
    burn_shape,
    grey_intensity_w_per_sr,
    recovery_temperature_k,
    skin_temperature_k,
    specific_intensity_w_per_sr_n,
    stage_intensity_w_per_sr,
    stagnation_flux_w_per_m2,
    thin_air_factor,
)
from services.scenario.model import Stage
from services.scenario.references import reference_sensor

BANDS = {band: reference_sensor(band=band) for band in ("2.7um", "3.8um", "4.3um")}


def test_stagnation_flux_is_that_of_sutton_and_graves() -> None:
    # NASA TR R-376, table of heat-transfer factors: 0.1113 kg/(s m^1.5 atm^0.5) for air, in q = K sqrt(p / R) h, with
    # the stagnation pressure rho V^2 and the enthalpy V^2 / 2 of fast flight. Their constant in SI is rounded.
    half_percent = 0.005
    height_m, speed, radius_m = 60_000.0, 7000.0, 0.3
    pressure_atm = air_density_kg_per_m3(height_m) * speed**2 / 101_325.0
    expected = 0.1113 * math.sqrt(pressure_atm / radius_m) * speed**2 / 2
    assert stagnation_flux_w_per_m2(height_m, speed, radius_m) == pytest.approx(expected, rel=half_percent)


def test_wall_that_takes_no_heat_is_as_warm_as_the_textbooks() -> None:
    # T_aw / T = 1 + 0.89 * 0.2 * M^2 (F. M. White, "Viscous Fluid Flow", section 7): 1.712 at Mach 2, of 216.65 K.
    mach_two = 2 * math.sqrt(1.4 * 287.053 * 216.65)
    assert recovery_temperature_k(15_000.0, mach_two) == pytest.approx(1.712 * 216.65, rel=1e-4)


def test_booster_of_an_icbm_shines_with_a_megawatt_per_steradian() -> None:
    # Open literature's order for a first stage of 1.5 MN over the middle infrared; three narrow bands have most of it.
    for propellant in ("liquid", "solid"):
        total = sum(1.5e6 * specific_intensity_w_per_sr_n(propellant, sensor) for sensor in BANDS.values())
        assert 0.5e6 < total < 5e6
    # Gas shines little between its bands; alumina shines everywhere.
    shares = {p: [specific_intensity_w_per_sr_n(p, BANDS[b]) for b in BANDS] for p in ("liquid", "solid")}
    assert shares["liquid"][1] < 0.2 * shares["liquid"][0]
    assert shares["solid"][1] > 0.5 * shares["solid"][0]


def test_other_edges_scale_a_plume_by_plancks_law() -> None:
    named = BANDS["4.3um"]
    wide = dataclasses.replace(named, band_lower_m=4.0e-6, band_upper_m=5.0e-6)
    temperature = PLUME_TEMPERATURE_K["liquid"]
    ratio = float(
        band_radiance_w_per_m2_sr(temperature, 4.0e-6, 5.0e-6) / band_radiance_w_per_m2_sr(temperature, 4.2e-6, 4.45e-6)
    )
    before, after = (specific_intensity_w_per_sr_n("liquid", sensor) for sensor in (named, wide))
    assert after / before == pytest.approx(ratio)
    assert 3 < ratio < 5


def test_stage_that_states_its_intensity_has_it() -> None:
    stage = Stage(1e5, 60.0, 3000.0, 500.0)
    assert stage_intensity_w_per_sr(stage, BANDS["2.7um"]) == pytest.approx(0.36e5)
    solid = dataclasses.replace(stage, propellant="solid")
    assert stage_intensity_w_per_sr(solid, BANDS["2.7um"]) == pytest.approx(0.5e5)
    stated = dataclasses.replace(stage, radiant_intensity_w_per_sr=123.0)
    assert stage_intensity_w_per_sr(stated, BANDS["3.8um"]) == 123.0


def test_plume_dims_as_the_air_thins() -> None:
    heights = np.linspace(0.0, 400_000.0, 801)
    factors = [thin_air_factor(float(height)) for height in heights]
    assert factors == sorted(factors, reverse=True)
    assert factors[0] == pytest.approx(1.0, abs=1e-3)
    # Between the end of burning with the air and the spreading in near-vacuum, and far above both.
    assert thin_air_factor(66_000.0) == pytest.approx(0.4, abs=0.03)
    assert factors[-1] == pytest.approx(0.2)


def test_engine_comes_up_and_goes_out_within_a_second() -> None:
    assert burn_shape("liquid", -0.01, 60.0) == burn_shape("liquid", 60.0, 60.0) == burn_shape("solid", 0.0, 0.0) == 0
    assert burn_shape("liquid", 0.05, 60.0) < 0.5
    assert burn_shape("liquid", 1.0, 60.0) == pytest.approx(1.0, abs=1e-4)
    assert burn_shape("liquid", 59.95, 60.0) < 0.5
    solid = [burn_shape("solid", time_s, 60.0) for time_s in np.linspace(1.0, 59.0, 99)]
    assert solid == sorted(solid, reverse=True)
    assert np.mean(solid) == pytest.approx(1.0, abs=0.01)


def test_skin_balances_what_it_takes_and_radiates() -> None:
    height_m, speed, radius_m, emissivity = 45_000.0, 6000.0, 0.05, 0.85
    skin_k = skin_temperature_k(height_m, speed, radius_m, emissivity)
    assert 1200 < skin_k < 1600
    # Far below the recovery temperature it is radiative equilibrium with the share of the stagnation flux.
    flux = SKIN_SHARE * stagnation_flux_w_per_m2(height_m, speed, radius_m)
    assert skin_k == pytest.approx((flux / emissivity / STEFAN_BOLTZMANN) ** 0.25, rel=0.03)
    # A slow search for the same balance.
    air_k, wall_k = air_temperature_k(height_m), recovery_temperature_k(height_m, speed)
    low, high = air_k, wall_k
    while high - low > 1e-6:
        middle = (low + high) / 2
        takes = flux * (wall_k - middle) / (wall_k - air_k)
        low, high = (middle, high) if takes > emissivity * STEFAN_BOLTZMANN * (middle**4 - air_k**4) else (low, middle)
    assert skin_k == pytest.approx(low, abs=0.01)


def test_skin_in_dense_air_is_as_warm_as_it_can_get() -> None:
    wall_k = recovery_temperature_k(50.0, 280.0)
    skin_k = skin_temperature_k(50.0, 280.0, 0.01, 0.85)
    assert skin_k == pytest.approx(wall_k, abs=5.0)
    assert skin_k < wall_k


def test_skin_that_stands_still_or_flies_in_space_is_as_cold_as_the_air() -> None:
    assert skin_temperature_k(0.0, 0.0, 0.1, 0.85) == air_temperature_k(0.0)
    assert skin_temperature_k(2e6, 7000.0, 0.1, 0.85) == pytest.approx(air_temperature_k(2e6), abs=0.1)


def test_skin_warms_with_speed_and_cools_with_the_noses_radius() -> None:
    by_speed = [skin_temperature_k(40_000.0, speed, 0.1, 0.85) for speed in (100.0, 500.0, 2000.0, 4000.0, 7000.0)]
    assert by_speed == sorted(by_speed)
    by_radius = [skin_temperature_k(40_000.0, 4000.0, radius, 0.85) for radius in (0.02, 0.1, 1.0)]
    assert by_radius == sorted(by_radius, reverse=True)


def test_grey_surface_shines_by_area_and_emissivity() -> None:
    sensor = BANDS["3.8um"]
    black = grey_intensity_w_per_sr(1000.0, 1.0, 1.0, sensor)
    assert black == pytest.approx(float(band_radiance_w_per_m2_sr(1000.0, 3.5e-6, 4.1e-6)))
    assert grey_intensity_w_per_sr(1000.0, 0.5, 6.0, sensor) == pytest.approx(3 * black)
