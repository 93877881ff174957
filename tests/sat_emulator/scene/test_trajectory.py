"""Rockets against an integration in other axes by another method, and against conservation laws."""

import dataclasses

import numpy as np
import pytest

from sat_emulator.scene.trajectory import GRAVITATIONAL_PARAMETER, Trajectory
from services.geometry.ellipsoid import east_north_up, itrs_to_geodetic
from services.geometry.frames import EARTH_RATE_RAD_PER_S
from services.geometry.geodesic import geodesic_inverse
from services.runtime.configuration import ConfigurationError
from services.scenario.load import load_scenario
from services.scenario.model import Place, Rocket, Stage
from tests.sat_emulator import naive

ROCKET = load_scenario("default").rockets[0]
TWO_STAGES = load_scenario("two_rockets").rockets[1]


@pytest.mark.parametrize(("rocket", "until_s"), [(ROCKET, 62.0), (ROCKET, 150.0), (TWO_STAGES, 160.0)])
def test_flight_is_that_of_an_integration_in_inertial_axes(rocket: Rocket, until_s: float) -> None:
    position, velocity = Trajectory(rocket, until_s).state_itrs(until_s)
    twin_position, twin_velocity = naive.flight_gcrs(rocket, until_s, EARTH_RATE_RAD_PER_S)
    # The switch of steering falls within a step, and the height is approximate: both cost metres.
    ten_metres, one_tenth = 10.0, 0.1
    assert np.linalg.norm(position - twin_position) < ten_metres
    assert np.linalg.norm(velocity - twin_velocity) < one_tenth


def test_rocket_rises_straight_and_then_goes_where_it_heads() -> None:
    trajectory = Trajectory(ROCKET, 400.0)
    place = ROCKET.launch
    up = east_north_up(place.latitude_deg, place.longitude_deg)[2]
    _, velocity = trajectory.state_itrs(ROCKET.pitch_over_s)
    assert velocity @ up / np.linalg.norm(velocity) == pytest.approx(1.0, abs=1e-4)
    latitude, longitude, height = itrs_to_geodetic(trajectory.state_itrs(62.0)[0])
    _, azimuth = geodesic_inverse(place.latitude_deg, place.longitude_deg, float(latitude), float(longitude))
    assert azimuth == pytest.approx(ROCKET.heading_deg, abs=1.0)
    assert 30e3 < height < 40e3


def test_range_is_that_of_its_kind() -> None:
    trajectory = Trajectory(ROCKET, 900.0)
    place = ROCKET.launch
    latitude, longitude, height = itrs_to_geodetic(trajectory.state_itrs(trajectory.end_s)[0])
    distance, _ = geodesic_inverse(place.latitude_deg, place.longitude_deg, float(latitude), float(longitude))
    # 300 km are published; thrust and drag here are round numbers.
    assert distance == pytest.approx(300e3, rel=0.1)
    assert abs(height) < 2000.0


def test_speed_gained_is_the_rocket_equations() -> None:
    stage = Stage(1e5, 20.0, 900.0, 50.0, 1e4)
    lonely = Rocket("r", Place(0, 0), 0.0, 90.0, (stage,), payload_mass_kg=50.0, pitch_over_s=100.0, drag_area_m2=1e-9)
    velocity = Trajectory(lonely, 20.0).state_itrs(20.0)[1]
    exhaust = 1e5 / (900.0 / 20.0)
    # Straight up for 20 s under gravity that falls from 9.78 by a hundredth.
    gained = exhaust * np.log(1000.0 / 100.0) - 20.0 * 9.73
    assert np.linalg.norm(velocity) == pytest.approx(gained, rel=3e-3)


def test_energy_in_turning_axes_is_kept_in_free_flight() -> None:
    trajectory = Trajectory(TWO_STAGES, 1500.0)

    def jacobi(time_s: float) -> float:
        r, v = trajectory.state_itrs(time_s)
        distance = float(np.linalg.norm(r))
        polar = (r[2] / distance) ** 2
        flat = 1.0826298e-3 * (6_378_137.0 / distance) ** 2 * (1.5 * polar - 0.5)
        potential = -GRAVITATIONAL_PARAMETER / distance * (1 - flat)
        return float(0.5 * v @ v + potential - 0.5 * EARTH_RATE_RAD_PER_S**2 * (r[0] ** 2 + r[1] ** 2))

    assert jacobi(1500.0) == pytest.approx(jacobi(400.0), rel=1e-8)


def test_velocity_is_the_slope_of_position() -> None:
    trajectory = Trajectory(ROCKET, 90.0)
    for time_s in (0.5, 7.95, 8.03, 30.0, 61.97, 62.04, 80.0):
        before, after = trajectory.state_itrs(time_s - 0.005)[0], trajectory.state_itrs(time_s + 0.005)[0]
        assert (after - before) / 0.01 == pytest.approx(trajectory.state_itrs(time_s)[1], abs=0.05)


def test_rocket_waits_on_its_pad_and_ends_on_the_ground() -> None:
    trajectory = Trajectory(ROCKET, 900.0)
    position, velocity = trajectory.state_itrs(-5.0)
    assert np.array_equal(position, trajectory.launch_itrs_m)
    assert not velocity.any()
    assert trajectory.end_s < 900.0
    with pytest.raises(ValueError, match="beyond the trajectory's end"):
        trajectory.state_itrs(trajectory.end_s + 1.0)


def test_stages_burn_one_after_another() -> None:
    trajectory = Trajectory(TWO_STAGES, 10.0)
    assert [trajectory.stage_at(time) for time in (-0.1, 0.0, 134.9, 135.0, 344.9, 345.0)] == [None, 0, 0, 1, 1, None]
    assert trajectory.burnout_s == 345.0


def test_rocket_that_cannot_lift_off_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"'rocket-1'.*cannot lift its weight.*raise thrust_n"):
        Trajectory(dataclasses.replace(ROCKET, payload_mass_kg=20_000.0), 10.0)
