"""The air against published tables and its own limits."""

import math

import pytest

from sat_emulator.scene.atmosphere import air_density_kg_per_m3, air_pressure_pa, air_temperature_k

# U.S. Standard Atmosphere 1976, table 1, part 1: geometric height (m), temperature (K), pressure (Pa), density
# (kg/m^3).
TABLE = [
    (0, 288.150, 1.01325e5, 1.2250),
    (5_000, 255.676, 5.4048e4, 7.3643e-1),
    (11_000, 216.774, 2.2699e4, 3.6480e-1),
    (20_000, 216.650, 5.5293e3, 8.8910e-2),
    (30_000, 226.509, 1.1970e3, 1.8410e-2),
    (50_000, 270.650, 7.9779e1, 1.0269e-3),
    (70_000, 219.585, 5.2209e0, 8.2829e-5),
    (85_000, 188.893, 4.4568e-1, 8.2196e-6),
]


@pytest.mark.parametrize(("height_m", "temperature", "pressure", "density"), TABLE)
def test_air_is_the_standard_atmospheres(height_m: float, temperature: float, pressure: float, density: float) -> None:
    assert air_temperature_k(height_m) == pytest.approx(temperature, abs=0.01)
    assert air_pressure_pa(height_m) == pytest.approx(pressure, rel=1e-3)
    assert air_density_kg_per_m3(height_m) == pytest.approx(density, rel=1e-3)


def test_air_goes_on_thinning_above_the_table() -> None:
    heights = [84_000.0, 86_000.0, 86_001.0, 100_000.0, 200_000.0, 1e6]
    for quantity in (air_density_kg_per_m3, air_pressure_pa):
        values = [quantity(height) for height in heights]
        assert values == sorted(values, reverse=True)
        assert values[2] == pytest.approx(values[1], rel=1e-3)
        assert all(math.isfinite(value) and value >= 0 for value in values)
        assert quantity(-100.0) == quantity(0.0)
    assert air_temperature_k(-100.0) == air_temperature_k(0.0)
    assert air_temperature_k(2e5) == air_temperature_k(86_000.0)
