"""Rockets' light from launch to the ground."""

import dataclasses

import numpy as np
import pytest

from sat_emulator.scene.flight.rocket import RocketFlight
from sat_emulator.scene.heat.emission import Emission, Look
from sat_emulator.scene.heat.plume import PLUME_FLICKER, Plume
from sat_emulator.scene.signature import thin_air_factor
from services.geometry.ellipsoid import geodetic_to_itrs, itrs_to_geodetic
from services.geometry.time import NS_PER_S
from services.scenario.model import Place, Rocket, Scenario, Stage, Train
from services.scenario.references import reference_sensor
from services.scenario.resolve import start_unix_ns

# Short range, 300 km: the default scenario's.
STAGE = Stage(1.4e5, 62.0, 3770.0, 1100.0)
ROCKET = Rocket("r", Place(-30.9, 136.5, 120.0), 3.0, 315.0, (STAGE,), payload_mass_kg=985.0, kick_deg=28.0,
                drag_area_m2=0.2)  # fmt: skip
SCENARIO = Scenario("a", train=Train(), rockets=(ROCKET,))
SENSOR = reference_sensor()
LAUNCH_UNIX_NS = start_unix_ns(SCENARIO) + 3 * NS_PER_S
ABOVE = geodetic_to_itrs(-30.9, 136.5, 1e6)


@pytest.fixture(scope="module")
def flight() -> RocketFlight:
    return RocketFlight(ROCKET, 700.0)


@pytest.fixture(scope="module")
def plume(flight: RocketFlight) -> Plume:
    return Plume(ROCKET, flight, SCENARIO, SENSOR)


def _emission(plume: Plume, since_s: float) -> Emission | None:
    return plume.emission(Look(LAUNCH_UNIX_NS + round(since_s * NS_PER_S), 0.02, ABOVE))


def _intensity(plume: Plume, since_s: float) -> float:
    emission = _emission(plume, since_s)
    return 0.0 if emission is None else emission.radiant_intensity_w_per_sr


def test_plume_shines_by_thrust_height_and_flicker(plume: Plume, flight: RocketFlight) -> None:
    assert plume.truth_class == "ballistic"
    ratios = []
    for since_s in np.linspace(1.0, 61.0, 200):
        emission = _emission(plume, float(since_s))
        assert emission is not None
        assert emission.position_itrs_m == pytest.approx(flight.state_itrs(float(since_s))[0])
        height_m = float(itrs_to_geodetic(emission.position_itrs_m)[2])
        ratios.append(emission.radiant_intensity_w_per_sr / (0.36 * 1.4e5 * thin_air_factor(height_m)))
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.02)
    assert np.std(ratios) == pytest.approx(PLUME_FLICKER, rel=0.5)


def test_plume_is_dimmer_high_up() -> None:
    stage = Stage(2e5, 120.0, 9000.0, 1100.0)
    rocket = dataclasses.replace(ROCKET, stages=(stage,), kick_deg=5.0)
    flight = RocketFlight(rocket, 121.0)
    plume = Plume(rocket, flight, SCENARIO, SENSOR)
    assert float(itrs_to_geodetic(flight.state_itrs(110.0)[0])[2]) > 60_000
    assert np.mean([_intensity(plume, t) for t in np.linspace(110, 119, 40)]) < 0.45 * _intensity(plume, 5.0)


def test_rocket_is_dark_before_launch_and_in_space(plume: Plume, flight: RocketFlight) -> None:
    assert _emission(plume, -0.1) is None
    assert plume.position_itrs_m(LAUNCH_UNIX_NS - 1) is None
    assert plume.position_itrs_m(LAUNCH_UNIX_NS) == pytest.approx(flight.launch_itrs_m)
    assert _emission(plume, 63.0) is not None
    assert _emission(plume, 150.0) is None
    assert plume.position_itrs_m(LAUNCH_UNIX_NS + 150 * NS_PER_S) is not None
    after_end = LAUNCH_UNIX_NS + round((flight.end_s + 0.1) * NS_PER_S)
    assert plume.position_itrs_m(after_end) is None
    assert plume.emission(Look(after_end, 0.02, ABOVE)) is None


def test_plume_comes_up_and_goes_out(plume: Plume) -> None:
    assert _intensity(plume, 0.02) < 0.3 * _intensity(plume, 1.0)
    # Skin that the climb has heated is all that is left, less than a thousandth of the plume.
    assert _intensity(plume, 62.1) < 1e-3 * _intensity(plume, 61.0)


def test_skin_glows_when_it_meets_the_air_again(plume: Plume, flight: RocketFlight) -> None:
    times = np.arange(150.0, flight.end_s, 0.5)
    seen = [_intensity(plume, float(time_s)) for time_s in times]
    brightest = int(np.argmax(seen))
    assert 1.0 < seen[brightest] < 1e4
    height_m = float(itrs_to_geodetic(flight.state_itrs(float(times[brightest]))[0])[2])
    assert 3_000 < height_m < 40_000


def test_two_sensors_see_the_same_flicker_at_their_bands_strength(plume: Plume, flight: RocketFlight) -> None:
    other = Plume(ROCKET, flight, SCENARIO, reference_sensor(band="4.3um"))
    for since_s in (5.0, 20.0, 40.0):
        assert _intensity(other, since_s) / _intensity(plume, since_s) == pytest.approx(0.6 / 0.36)


def test_seed_changes_the_flicker(plume: Plume, flight: RocketFlight) -> None:
    again = Plume(ROCKET, flight, SCENARIO, SENSOR)
    other = Plume(ROCKET, flight, dataclasses.replace(SCENARIO, seed=2), SENSOR)
    assert _intensity(again, 20.0) == _intensity(plume, 20.0) != _intensity(other, 20.0)


def test_stages_shine_one_after_another_and_not_between() -> None:
    stages = (dataclasses.replace(STAGE, burn_time_s=10.0, propellant_mass_kg=600.0),
              Stage(3e4, 10.0, 100.0, 50.0, radiant_intensity_w_per_sr=4e3, coast_s=2.0))  # fmt: skip
    rocket = dataclasses.replace(ROCKET, stages=stages, payload_mass_kg=400.0)
    plume = Plume(rocket, RocketFlight(rocket, 30.0), SCENARIO, SENSOR)
    assert _intensity(plume, 5.0) == pytest.approx(0.36 * 1.4e5, rel=0.3)
    assert _emission(plume, 11.0) is None
    assert _intensity(plume, 17.0) == pytest.approx(4e3, rel=0.3)
