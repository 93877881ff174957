"""Gravity, height and air as kernels call them."""

import numpy as np
import pytest

from sat_emulator.scene.atmosphere import air_density_kg_per_m3 as emulated_density
from sat_emulator.scene.atmosphere import air_pressure_pa
from sat_emulator.scene.flight import forces as emulated
from services.geometry.ellipsoid import geodetic_to_itrs
from services.ground_station.tracking.forces import (
    air_density_kg_per_m3,
    air_pressure_and_density,
    gravity_and_turn,
    height_and_up,
    height_m,
)


@pytest.mark.parametrize(
    ("height", "pressure_pa", "density"),
    # U.S. Standard Atmosphere 1976, table I: geometric height, pressure, density.
    [(0.0, 101_325.0, 1.2250), (10_000.0, 26_500.0, 0.41351), (30_000.0, 1_197.0, 0.018410)],
)
def test_air_is_as_the_standard_atmosphere_prints_it(height: float, pressure_pa: float, density: float) -> None:
    found = air_pressure_and_density(height)
    assert found == pytest.approx((pressure_pa, density), rel=2e-4)
    assert air_density_kg_per_m3(height) == found[1]


def test_air_falls_evenly_where_the_layers_meet() -> None:
    heights = np.linspace(-500.0, 200_000.0, 4000)
    densities = np.array([air_density_kg_per_m3(height) for height in heights])
    assert (np.diff(densities) <= 0).all()
    assert densities == pytest.approx([emulated_density(height) for height in heights], rel=1e-5)
    assert air_pressure_and_density(95_000.0)[0] == pytest.approx(air_pressure_pa(95_000.0), rel=1e-5)


def test_free_fall_is_what_the_emulated_rockets_fly_in() -> None:
    rng = np.random.default_rng(5)
    for _ in range(20):
        r = rng.normal(size=3)
        r *= rng.uniform(6.4e6, 8e6) / np.linalg.norm(r)
        v = rng.normal(size=3) * 3000.0
        assert gravity_and_turn(*r, *v) == pytest.approx(emulated.gravity_and_turn(tuple(r), tuple(v)), rel=1e-12)


@pytest.mark.parametrize("height", [-100.0, 0.0, 12_345.0, 800_000.0])
def test_height_and_normal_lead_back_to_the_place(height: float) -> None:
    place, ground = geodetic_to_itrs(52.0, -117.0, height), geodetic_to_itrs(52.0, -117.0, 0.0)
    found, *up = height_and_up(*place)
    assert found == pytest.approx(height, abs=1e-3)
    assert height_m(*place) == found
    assert place - found * np.array(up) == pytest.approx(ground, abs=1e-2)
