"""Cruise missiles, aircraft and recorded flights."""

from pathlib import Path

import numpy as np
import pytest

from sat_emulator.scene.heat.aircraft import AircraftSource
from sat_emulator.scene.heat.cruise import CruiseMissile
from sat_emulator.scene.heat.emission import Look
from sat_emulator.scene.heat.from_file import RecordedFlight
from sat_emulator.scene.signature import recovery_temperature_k
from services.geometry.ellipsoid import east_north_up, geodetic_to_itrs
from services.geometry.time import NS_PER_S
from services.scenario.model import Aircraft, Cruise, Place, Scenario, Train, TrajectoryFile
from services.scenario.references import reference_sensor
from services.scenario.resolve import start_unix_ns
from tests.sat_emulator.scene.heat.straight import StraightFlight

SCENARIO = Scenario("a", train=Train())
BEGIN_UNIX_NS = start_unix_ns(SCENARIO) + 10 * NS_PER_S
WAY = (Place(50.0, 10.0, 50.0), Place(50.0, 12.0, 50.0))
ABOVE = geodetic_to_itrs(50.0, 10.0, 1e6)


def _eastward(speed_m_per_s: float, **keys: float) -> StraightFlight:
    east = east_north_up(50.0, 10.0)[0]
    return StraightFlight(geodetic_to_itrs(50.0, 10.0, 50.0), speed_m_per_s * east, **keys)


def _look(since_s: float) -> Look:
    return Look(BEGIN_UNIX_NS + round(since_s * NS_PER_S), 0.02, ABOVE)


def _missile(speed_m_per_s: float = 250.0, band: str = "3.8um", **keys: float) -> CruiseMissile:
    cruise = Cruise("c", 10.0, speed_m_per_s, WAY, **keys)
    return CruiseMissile(cruise, _eastward(speed_m_per_s), SCENARIO, reference_sensor(band=band))


def _intensity(missile: CruiseMissile, since_s: float) -> float:
    emission = missile.emission(_look(since_s))
    assert emission is not None
    return emission.radiant_intensity_w_per_sr


def test_cruise_missile_shines_with_a_hundred_watts_per_steradian_in_the_window() -> None:
    missile = _missile()
    assert 50 < _intensity(missile, 20.0) < 500
    assert missile.truth_class == "cruise"
    assert missile.launch == WAY[0]
    assert missile.launch_unix_ns == BEGIN_UNIX_NS


def test_fast_cruise_missiles_skin_outshines_a_slow_ones() -> None:
    # Mach 3 near the ground: the skin is near its recovery temperature, 750 K, over ten times the exhaust's area.
    assert recovery_temperature_k(50.0, 1000.0) == pytest.approx(730.0, abs=10.0)
    assert _intensity(_missile(1000.0), 20.0) > 3 * _intensity(_missile(250.0), 20.0)


def test_cruise_missile_that_states_its_intensity_has_it() -> None:
    assert _intensity(_missile(radiant_intensity_w_per_sr=42.0), 20.0) == 42.0


def test_booster_shines_as_long_as_it_burns() -> None:
    missile = _missile(radiant_intensity_w_per_sr=42.0, boost_time_s=4.0, boost_radiant_intensity_w_per_sr=1e4)
    assert _intensity(missile, 2.0) == pytest.approx(1e4, rel=0.02)
    assert _intensity(missile, 4.0) == 42.0


def test_nothing_is_there_before_and_after_the_way() -> None:
    missile = _missile()
    plane = AircraftSource(Aircraft("p", WAY, start_time_s=10.0), _eastward(240.0), SCENARIO)
    for source in (missile, plane):
        for since_s in (-0.1, 100.1):
            assert source.emission(_look(since_s)) is None
            assert source.position_itrs_m(_look(since_s).unix_ns) is None
        middle = source.emission(_look(50.0))
        assert middle is not None
        assert middle.position_itrs_m == pytest.approx(source.position_itrs_m(_look(50.0).unix_ns))


def test_aircraft_is_evenly_bright_and_no_threat() -> None:
    plane = AircraftSource(Aircraft("p", WAY, start_time_s=10.0), _eastward(240.0), SCENARIO)
    emission = plane.emission(_look(50.0))
    assert emission is not None
    assert emission.radiant_intensity_w_per_sr == 300.0
    assert plane.truth_class == "static_heat"


def _recorded(intensity_w_per_sr: float, flight: StraightFlight) -> RecordedFlight:
    trajectory = TrajectoryFile("t", Path("t.csv"), 10.0, radiant_intensity_w_per_sr=intensity_w_per_sr)
    return RecordedFlight(trajectory, flight, SCENARIO)


def test_recorded_flight_is_as_bright_as_its_file() -> None:
    stated = _recorded(5e5, _eastward(300.0, intensity_w_per_sr=77.0))
    emission = stated.emission(_look(20.0))
    assert emission is not None
    assert emission.radiant_intensity_w_per_sr == 77.0
    assert stated.truth_class == "space_launch"
    # Without a launch of its own it has begun where the file begins.
    assert stated.launch.latitude_deg == pytest.approx(50.0)
    assert stated.launch.height_m == pytest.approx(50.0, abs=1e-3)


def test_recorded_flight_without_values_shines_while_it_burns() -> None:
    recorded = _recorded(5e5, _eastward(300.0, burn_s=60.0))
    emissions = [recorded.emission(_look(since_s)) for since_s in np.linspace(1, 59, 100).tolist()]
    burning = [emission.radiant_intensity_w_per_sr for emission in emissions if emission is not None]
    assert len(burning) == 100
    assert np.mean(burning) == pytest.approx(5e5, rel=0.02)
    assert recorded.emission(_look(61.0)) is None
    assert _recorded(0.0, _eastward(300.0, burn_s=60.0)).emission(_look(20.0)) is None
