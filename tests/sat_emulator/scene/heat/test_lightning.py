"""Flashes: how many, how strong, and the same for everyone."""

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from sat_emulator.scene.heat.emission import Emission, Look
from sat_emulator.scene.heat.lightning import FLASH_S, Storm
from services.geometry.ellipsoid import geodetic_to_itrs, itrs_to_geodetic
from services.geometry.geodesic import geodesic_distance_m
from services.geometry.time import NS_PER_S
from services.scenario.model import Lightning, Place, Scenario, Train
from services.scenario.resolve import start_unix_ns

DURATION_S = 7200.0
SCENARIO = Scenario("a", duration_s=DURATION_S, train=Train())
START_UNIX_NS = start_unix_ns(SCENARIO)
LIGHTNING = Lightning("l", Place(5.0, 20.0), flashes_per_minute=60.0)
ABOVE = geodetic_to_itrs(5.0, 20.0, 1e6)


def _look(middle_s: float, exposure_s: float) -> Look:
    return Look(START_UNIX_NS + round(middle_s * NS_PER_S), exposure_s, ABOVE)


def _exposures(storm: Storm, exposure_s: float, every_s: float) -> list[Emission | None]:
    return [storm.emission(_look(middle_s, exposure_s)) for middle_s in np.arange(0.5, DURATION_S, every_s)]


def test_rate_and_energy_are_the_stated_ones() -> None:
    # Windows without gaps see every flash's whole energy.
    exposure_s = 0.5
    seen = _exposures(Storm(LIGHTNING, SCENARIO), exposure_s, exposure_s)
    energies = [emission.radiant_intensity_w_per_sr * exposure_s for emission in seen if emission is not None]
    expected = 1.0 * DURATION_S
    # Poisson: 1 / sqrt(7200) is 1.2 %; single energies spread by 1.53 of their mean, which makes 2.2 % of the sum.
    assert sum(energies) / (expected * 1e4) == pytest.approx(1.0, abs=4 * 0.022)
    # Windows that hold a flash: 1 - exp(-rate * length).
    filled = len(energies) / len(seen)
    assert filled == pytest.approx(-np.expm1(-exposure_s), abs=4 * 0.5 / np.sqrt(len(seen)))


def test_gaps_between_flashes_are_exponential() -> None:
    starts = Storm(LIGHTNING, SCENARIO).flash_starts_s
    gaps = np.diff(starts)
    assert gaps.mean() == pytest.approx(1.0, abs=0.05)
    assert gaps.std() == pytest.approx(1.0, abs=0.07)
    assert np.mean(gaps > 1.0) == pytest.approx(np.exp(-1), abs=0.025)


def test_energies_vary_by_a_factor_of_three() -> None:
    energies = Storm(LIGHTNING, SCENARIO).flash_energies_j_per_sr
    assert np.log(energies).std() == pytest.approx(np.log(3.0), rel=0.05)


def test_exposure_between_flashes_is_dark() -> None:
    storm = Storm(LIGHTNING, SCENARIO)
    starts = storm.flash_starts_s
    widest = int(np.argmax(np.diff(starts)))
    middle_s = (starts[widest] + starts[widest + 1]) / 2
    assert storm.emission(_look(float(middle_s), 0.02)) is None
    # Just before it begins, and just after it has gone out.
    assert storm.emission(_look(float(starts[widest]) + FLASH_S + 0.011, 0.02)) is None
    assert storm.emission(_look(float(starts[widest + 1]) - 0.011, 0.02)) is None


def test_flash_gives_its_energy_over_the_exposure() -> None:
    storm = Storm(LIGHTNING, SCENARIO)
    lonely = 1 + int(np.argmax(np.minimum(np.diff(storm.flash_starts_s)[:-1], np.diff(storm.flash_starts_s)[1:])))
    start_s, energy = float(storm.flash_starts_s[lonely]), float(storm.flash_energies_j_per_sr[lonely])
    for middle_s, share in ((start_s + 0.005, 1.0), (start_s - 0.01 + 0.25 * FLASH_S, 0.25)):
        emission = storm.emission(_look(middle_s, 0.02))
        assert emission is not None
        # Instants are whole nanoseconds, a millionth of a flash.
        assert emission.radiant_intensity_w_per_sr == pytest.approx(share * energy / 0.02, rel=1e-4)


def test_flashes_do_not_depend_on_the_order_of_questions() -> None:
    middles = np.random.default_rng(1).permutation(np.arange(0.5, 600.0, 0.5))

    def seen(order: NDArray[np.float64]) -> dict[float, float]:
        storm = Storm(LIGHTNING, SCENARIO)
        emissions = {middle: storm.emission(_look(middle, 0.5)) for middle in order.tolist()}
        return {
            middle: emission.radiant_intensity_w_per_sr * float(emission.position_itrs_m[0])
            for middle, emission in emissions.items()
            if emission is not None
        }

    assert len(seen(middles)) > 200
    assert seen(middles) == seen(np.sort(middles))


def test_longer_run_begins_with_the_flashes_of_a_shorter() -> None:
    short = Storm(LIGHTNING, dataclasses.replace(SCENARIO, duration_s=60.0))
    long = Storm(LIGHTNING, SCENARIO)
    count = len(short.flash_starts_s)
    assert count > 20
    assert np.array_equal(short.flash_starts_s, long.flash_starts_s[:count])
    assert np.array_equal(short.flash_energies_j_per_sr, long.flash_energies_j_per_sr[:count])
    assert np.array_equal(short._places, long._places[:count])


def test_flashes_follow_seed_and_name() -> None:
    one = Storm(LIGHTNING, SCENARIO).flash_starts_s
    for lightning, scenario in (
        (LIGHTNING, dataclasses.replace(SCENARIO, seed=2)),
        (dataclasses.replace(LIGHTNING, id="m"), SCENARIO),
    ):
        assert not set(Storm(lightning, scenario).flash_starts_s) & set(one)


def test_flashes_lie_at_the_clouds_top_within_the_radius() -> None:
    emissions = [e for e in _exposures(Storm(LIGHTNING, SCENARIO), 0.5, 5.0) if e is not None]
    latitude, longitude, height = itrs_to_geodetic(np.array([e.position_itrs_m for e in emissions]))
    assert height == pytest.approx(10_000.0, abs=0.01)
    distances = [geodesic_distance_m(5.0, 20.0, *map(float, place)) for place in zip(latitude, longitude, strict=True)]
    assert 0.9 * 3e4 < max(distances) <= 3e4 + 1


def test_storm_without_flashes_is_dark() -> None:
    storm = Storm(dataclasses.replace(LIGHTNING, flashes_per_minute=0.0), SCENARIO)
    assert all(emission is None for emission in _exposures(storm, 0.5, 60.0))
