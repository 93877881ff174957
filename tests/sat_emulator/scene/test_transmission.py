"""What the air takes: against Beer and Lambert, Chapman's relation, and integration along the ray."""

import math

import numpy as np
import pytest

from sat_emulator.scene.transmission import BandAir, air_mass, band_air
from services.geometry.ellipsoid import SEMI_MAJOR_M
from services.scenario.model import Absorber, Atmosphere, Scenario, Sensor, Train
from services.scenario.references import band_absorbers

ONE = BandAir((Absorber(1.0, 4.0, 2500.0),))
BANDS = ("2.7um", "3.8um", "4.3um")


def test_one_absorber_follows_beer_and_lambert() -> None:
    assert ONE.transmission(0.0, 1.0) == pytest.approx(math.exp(-4.0))
    assert ONE.transmission(2500.0, 1.0) == pytest.approx(math.exp(-4.0 / math.e))
    # 60 degrees from the zenith the way is twice as long, less a little for the Earth's roundness.
    assert -math.log(ONE.transmission(0.0, 0.5)) == pytest.approx(8.0, rel=2e-3)


def test_band_is_the_sum_of_its_parts() -> None:
    parts = (Absorber(0.3, 1.0, 2000.0), Absorber(0.7, 9.0, 8000.0))
    apart = [BandAir((Absorber(1.0, part.optical_depth, part.scale_height_m),)) for part in parts]
    for height, sine in ((0.0, 1.0), (3000.0, 0.2), (20_000.0, -0.01)):
        expected = 0.3 * apart[0].transmission(height, sine) + 0.7 * apart[1].transmission(height, sine)
        assert BandAir(parts).transmission(height, sine) == pytest.approx(expected)
    nothing = BandAir((Absorber(1.0, 0.0, 8000.0),))
    assert nothing.transmission(0.0, 0.01) == 1.0


@pytest.mark.parametrize(
    ("band", "heights_km", "transmissions"),
    # The table in references.toml, to whose values the terms were chosen.
    [
        ("2.7um", (0, 6, 10, 20, 30, 50), (0.00, 0.16, 0.39, 0.74, 0.83, 0.98)),
        ("3.8um", (0, 6, 10, 20, 30, 50), (0.83, 0.94, 0.96, 0.99, 1.00, 1.00)),
        ("4.3um", (0, 6, 10, 20, 30, 50), (0.00, 0.02, 0.04, 0.13, 0.31, 0.72)),
    ],
)
def test_bands_have_the_stated_transmission(
    band: str, heights_km: tuple[float, ...], transmissions: tuple[float, ...]
) -> None:
    air = BandAir(band_absorbers(band))
    assert air.shares.sum() == pytest.approx(1.0)
    assert [air.transmission(1000.0 * height, 1.0) for height in heights_km] == pytest.approx(transmissions, abs=0.006)


@pytest.mark.parametrize("band", BANDS)
def test_higher_and_steeper_lets_more_through(band: str) -> None:
    air = BandAir(band_absorbers(band))
    heights = [0, 500, 1000, 3000, 10_000, 30_000, 100_000]
    for sine in (1.0, 0.5, 0.1, 0.0):
        seen = [air.transmission(height, sine) for height in heights]
        assert seen == sorted(seen)
        assert 0 <= seen[0] < seen[-1] <= 1
    for height in heights:
        seen = [air.transmission(height, sine) for sine in (-0.02, 0.0, 0.05, 0.3, 1.0)]
        assert seen == sorted(seen)
    assert air.transmission(200_000.0, 1.0) == pytest.approx(1.0, abs=1e-6)
    assert air.transmission(-500.0, 1.0) <= air.transmission(0.0, 1.0)


@pytest.mark.parametrize("scale_height_m", [2000.0, 8000.0])
def test_air_mass_is_that_of_integration_along_the_ray(scale_height_m: float) -> None:
    along = np.linspace(0, 1.5e6, 300_001)
    for cosine, tolerance in ((1.0, 1e-4), (0.5, 2e-3), (0.2, 0.03), (0.1, 0.08), (0.0, 0.14)):
        heights = np.sqrt(SEMI_MAJOR_M**2 + along**2 + 2 * SEMI_MAJOR_M * along * cosine) - SEMI_MAJOR_M
        column_m = np.trapezoid(np.exp(-heights / scale_height_m), along)
        # A shell is too long, never too short.
        ratio = float(air_mass(cosine, scale_height_m)) / (column_m / scale_height_m)
        assert 1 - 1e-4 < ratio < 1 + tolerance, cosine


def test_air_mass_at_the_horizon_is_near_chapmans() -> None:
    assert air_mass(0.0, 2500.0) == pytest.approx(math.sqrt(math.pi / 2 * SEMI_MAJOR_M / 2500.0), rel=0.14)


def test_source_below_the_horizontal_is_seen_along_its_lowest_air() -> None:
    high = 100_000.0
    radius = SEMI_MAJOR_M + high
    # A ray that grazes the ground, one that passes at 20 km, and one that meets the Earth.
    sines = [-math.sqrt(1 - ((SEMI_MAJOR_M + lowest) / radius) ** 2) for lowest in (0.0, 20_000.0)]
    assert ONE.transmission(high, sines[0]) < 1e-100
    depth = 2 * 4.0 * math.exp(-8.0) * float(air_mass(0.0, 2500.0))
    assert -math.log(ONE.transmission(high, sines[1])) == pytest.approx(depth, rel=1e-3)
    assert ONE.transmission(high, -0.9) == 0.0


@pytest.mark.parametrize("band", BANDS)
def test_nothing_steps_where_a_ray_turns_from_rising_to_falling(band: str) -> None:
    air = BandAir(band_absorbers(band))
    for height in (5000.0, 20_000.0, 60_000.0):
        assert air.transmission(height, 1e-9) == pytest.approx(air.transmission(height, -1e-9), rel=1e-3)


def test_scenarios_absorbers_go_before_the_bands() -> None:
    run = Scenario("a", train=Train())
    assert band_air(run, Sensor()).transmission(0.0, 1.0) == BandAir(band_absorbers("2.7um")).transmission(0.0, 1.0)
    own = Scenario("a", train=Train(), atmosphere=Atmosphere((Absorber(1.0, 4.0, 2500.0),)))
    assert band_air(own, Sensor()).transmission(0.0, 1.0) == pytest.approx(math.exp(-4.0))
