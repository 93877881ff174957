"""The air against published tables and its own limits."""

import math

import pytest

from sat_emulator.scene.atmosphere import air_density_kg_per_m3, air_mass, transmission
from services.geometry.ellipsoid import SEMI_MAJOR_M
from services.scenario.model import Atmosphere

AIR = Atmosphere(optical_depth=4.0, scale_height_m=2500.0)


@pytest.mark.parametrize(
    ("height_m", "density"),
    # U.S. Standard Atmosphere 1976, table 1, part 1.
    [
        (0, 1.2250),
        (5_000, 7.3643e-1),
        (11_000, 3.6480e-1),
        (20_000, 8.8910e-2),
        (30_000, 1.8410e-2),
        (50_000, 1.0269e-3),
        (70_000, 8.2829e-5),
        (85_000, 8.2196e-6),
    ],
)
def test_density_is_the_standard_atmospheres(height_m: float, density: float) -> None:
    assert air_density_kg_per_m3(height_m) == pytest.approx(density, rel=1e-3)


def test_density_goes_on_thinning_above_the_table() -> None:
    heights = [84_000.0, 86_000.0, 86_001.0, 100_000.0, 200_000.0, 1e6]
    densities = [air_density_kg_per_m3(height) for height in heights]
    assert densities == sorted(densities, reverse=True)
    assert densities[2] == pytest.approx(densities[1], rel=1e-3)
    assert air_density_kg_per_m3(-100.0) == air_density_kg_per_m3(0.0)


def test_source_on_the_ground_is_seen_through_the_whole_depth() -> None:
    assert transmission(AIR, 0.0, 1.0) == pytest.approx(math.exp(-4.0))
    # 60 degrees from the zenith the way is twice as long, less a little for the Earth's roundness.
    assert -math.log(transmission(AIR, 0.0, 0.5)) == pytest.approx(8.0, rel=2e-3)


def test_air_mass_at_the_horizon_is_near_chapmans() -> None:
    assert air_mass(0.0, 2500.0) == pytest.approx(math.sqrt(math.pi / 2 * SEMI_MAJOR_M / 2500.0), rel=0.14)


def test_rising_source_gets_brighter() -> None:
    seen = [transmission(AIR, height, 0.6) for height in (0, 500, 1000, 3000, 10_000, 100_000)]
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(1.0)


def test_source_below_the_horizontal_is_seen_along_its_lowest_air() -> None:
    high = 100_000.0
    radius = SEMI_MAJOR_M + high
    # A ray that grazes the ground, one that passes at 20 km, and one that meets the Earth.
    sines = [-math.sqrt(1 - ((SEMI_MAJOR_M + lowest) / radius) ** 2) for lowest in (0.0, 20_000.0)]
    assert transmission(AIR, high, sines[0]) < 1e-100
    depth = 2 * 4.0 * math.exp(-8.0) * air_mass(0.0, 2500.0)
    assert -math.log(transmission(AIR, high, sines[1])) == pytest.approx(depth, rel=1e-3)
    assert transmission(AIR, high, -0.9) == 0.0
    # No step where the ray turns from rising to falling.
    assert transmission(AIR, 5000.0, 1e-9) == pytest.approx(transmission(AIR, 5000.0, -1e-9), rel=1e-3)
