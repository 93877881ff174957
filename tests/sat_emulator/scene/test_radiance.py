"""Planck's law against tables and integrals."""

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from sat_emulator.scene.flicker import Flicker
from sat_emulator.scene.radiance import (
    STEFAN_BOLTZMANN,
    band_radiance_w_per_m2_sr,
    photon_energy_j,
    solar_irradiance_w_per_m2,
)

ASTRONOMICAL_UNIT_M = 149_597_870_700.0


def _summed(temperature_k: float, edges_m: NDArray[np.float64]) -> float:
    pairs = itertools.pairwise(edges_m)
    return sum(float(band_radiance_w_per_m2_sr(temperature_k, low, high)) for low, high in pairs)


def test_stefan_boltzmann_constant_is_codatas() -> None:
    assert pytest.approx(5.670_374_419e-8, rel=1e-9) == STEFAN_BOLTZMANN


def test_all_bands_together_are_stefan_boltzmanns_law() -> None:
    total = _summed(300.0, np.geomspace(1e-6, 1e-2, 200))
    assert total == pytest.approx(STEFAN_BOLTZMANN * 300.0**4 / np.pi, rel=1e-5)


def test_a_quarter_of_the_radiation_lies_below_the_peak() -> None:
    # Fraction of blackbody emission at lambda T = 2898 um K: 0.250 (Incropera, table 12.1).
    below = _summed(1000.0, np.geomspace(2e-7, 2.898e-6, 100))
    assert below / (STEFAN_BOLTZMANN * 1000.0**4 / np.pi) == pytest.approx(0.250, abs=5e-4)


def test_suns_irradiance_in_all_bands_is_the_solar_constant() -> None:
    # IAU Resolution B3 of 2015: 1361 W/m^2, to half of the last digit.
    pairs = itertools.pairwise(np.geomspace(1e-7, 1e-3, 200))
    total = sum(solar_irradiance_w_per_m2(ASTRONOMICAL_UNIT_M, low, high) for low, high in pairs)
    assert total == pytest.approx(1361.0, abs=0.5)
    near, far = (solar_irradiance_w_per_m2(share * ASTRONOMICAL_UNIT_M, 3.5e-6, 4.1e-6) for share in (1.0, 2.0))
    assert near == pytest.approx(4 * far)


def test_suns_irradiance_in_the_window_is_the_measured_one() -> None:
    # M. P. Thekaekara, Solar Energy 14 (1973) 109, W/m^2/um at 3.6, 3.8 and 4.0 um.
    five_percent = 0.05
    for wavelength_um, spectral in ((3.6, 13.5), (3.8, 11.1), (4.0, 9.5)):
        edges_m = (1e-6 * (wavelength_um - 0.05), 1e-6 * (wavelength_um + 0.05))
        found = solar_irradiance_w_per_m2(ASTRONOMICAL_UNIT_M, *edges_m) / 0.1
        assert found == pytest.approx(spectral, rel=five_percent)


def test_nothing_radiates_at_absolute_zero() -> None:
    assert band_radiance_w_per_m2_sr([0.0, 300.0], 2.7e-6, 2.9e-6)[0] == 0.0


def test_photon_of_one_electron_volt_has_a_known_wavelength() -> None:
    assert photon_energy_j(1.239_841_98e-6) == pytest.approx(1.602_176_634e-19, rel=1e-8)


def test_flicker_has_its_spread_and_its_memory() -> None:
    flickers = [Flicker(seed, "fire", 0.1, 4.0) for seed in range(400)]
    now = np.array([flicker.at(50.0) for flicker in flickers])
    soon = np.array([flicker.at(54.0) for flicker in flickers])
    assert now.mean() == pytest.approx(1.0, abs=0.02)
    assert now.std() == pytest.approx(0.1, rel=0.15)
    # After one correlation time 1/e is left.
    assert np.corrcoef(now, soon)[0, 1] == pytest.approx(np.exp(-1), abs=0.15)


def test_flicker_follows_seed_and_name() -> None:
    assert Flicker(1, "a", 0.1, 4.0).at(3.0) == Flicker(1, "a", 0.1, 4.0).at(3.0)
    values = {Flicker(seed, name, 0.1, 4.0).at(3.0) for seed in (1, 2) for name in ("a", "b")}
    assert len(values) == 4
    assert min(Flicker(1, "a", 5.0, 1.0).at(float(second)) for second in range(200)) == 0.0
