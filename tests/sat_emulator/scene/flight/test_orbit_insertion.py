"""Launchers: the orbits that they reach, and what is said of those that they do not."""

import dataclasses

import numpy as np
import pytest

from sat_emulator.scene.flight.forces import GRAVITATIONAL_PARAMETER
from sat_emulator.scene.flight.rocket import RocketFlight
from services.geometry.ellipsoid import SEMI_MAJOR_M
from services.geometry.frames import EARTH_RATE_RAD_PER_S
from services.runtime.configuration import ConfigurationError
from services.scenario.model import Rocket
from services.scenario.references import reference_rocket


def launcher(name: str, heading_deg: float = 90.0) -> Rocket:
    place = {"latitude_deg": 28.5, "longitude_deg": -80.5}
    return reference_rocket(id="r", reference=name, launch=place, launch_time_s=0.0, heading_deg=heading_deg)


def orbit_of(flight: RocketFlight, time_s: float) -> tuple[float, float, float]:
    """Return perigee and apogee above the equator's radius, m, and inclination, degrees, of the Kepler orbit."""
    r, v = flight.state_itrs(time_s)
    v = v + np.cross([0, 0, EARTH_RATE_RAD_PER_S], r)
    distance, spin = float(np.linalg.norm(r)), np.cross(r, v)
    axis = 1 / (2 / distance - float(v @ v) / GRAVITATIONAL_PARAMETER)
    eccentricity = float(np.linalg.norm(np.cross(v, spin) / GRAVITATIONAL_PARAMETER - r / distance))
    inclination = np.degrees(np.arccos(spin[2] / np.linalg.norm(spin)))
    return axis * (1 - eccentricity) - SEMI_MAJOR_M, axis * (1 + eccentricity) - SEMI_MAJOR_M, float(inclination)


@pytest.mark.parametrize(
    ("name", "heading_deg"), [("small_launcher", 90.0), ("small_launcher", 180.0), ("medium_launcher", 45.0)]
)
def test_orbit_is_round_and_as_high_as_wanted(name: str, heading_deg: float) -> None:
    rocket = launcher(name, heading_deg)
    flight = RocketFlight(rocket, 6000.0)
    perigee, apogee, _ = orbit_of(flight, flight.burnout_s + 0.1)
    # J2 alone makes this much of difference over a turn.
    twenty_kilometres = 20e3
    assert perigee == pytest.approx(rocket.orbit_altitude_m, abs=twenty_kilometres)
    assert apogee == pytest.approx(rocket.orbit_altitude_m, abs=twenty_kilometres)
    distances = [
        float(np.linalg.norm(flight.state_itrs(time)[0])) for time in np.linspace(flight.burnout_s, 6000.0, 60)
    ]
    assert np.ptp(distances) < twenty_kilometres
    assert flight.end_s == 6000.0


def test_eastward_launch_flies_at_its_latitude() -> None:
    flight = RocketFlight(launcher("medium_launcher"), 1000.0)
    assert orbit_of(flight, 900.0)[2] == pytest.approx(28.5, abs=1.0)


def test_engine_stops_at_orbital_speed_before_all_is_burnt() -> None:
    rocket = launcher("medium_launcher")
    flight = RocketFlight(rocket, 10.0)
    # However soon nobody asks any more.
    assert flight.burnout_s == RocketFlight(rocket, 1000.0).burnout_s
    assert flight.burnout_s < sum(stage.burn_time_s + stage.coast_s for stage in rocket.stages)
    assert flight.stage_at(flight.burnout_s - 0.1) == 1
    assert flight.stage_at(flight.burnout_s + 0.1) is None


def test_no_step_of_state_where_steering_begins_or_the_engine_stops() -> None:
    flight = RocketFlight(launcher("small_launcher"), 600.0)
    for time_s in (131.0, 135.0, flight.burnout_s):
        before, after = flight.state_itrs(time_s - 1e-6), flight.state_itrs(time_s + 1e-6)
        assert after[0] == pytest.approx(before[0], abs=0.1)
        assert after[1] == pytest.approx(before[1], abs=0.01)


def test_orbit_out_of_reach_says_what_was_reached() -> None:
    heavy = dataclasses.replace(launcher("small_launcher"), payload_mass_kg=600.0)
    with pytest.raises(ConfigurationError, match=r"'r'.*orbit_altitude_m = 350000: .* at \d+ m with \d+ of 77\d\d m/s"):
        RocketFlight(heavy, 10.0)


def test_launcher_that_tips_over_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"tips over and meets the ground after \d+ s.*lower kick_deg"):
        RocketFlight(dataclasses.replace(launcher("medium_launcher"), kick_deg=40.0), 10.0)


def test_one_stage_cannot_be_steered_into_orbit() -> None:
    rocket = launcher("medium_launcher")
    with pytest.raises(ConfigurationError, match="one stage; upper stages steer into orbit, so add one"):
        RocketFlight(dataclasses.replace(rocket, stages=rocket.stages[:1]), 10.0)
