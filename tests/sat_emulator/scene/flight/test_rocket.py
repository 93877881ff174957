"""Rockets against an integration in other axes, two-body mechanics, the rocket equation and conservation laws."""

import dataclasses
import math

import numpy as np
import pytest

from sat_emulator.scene.flight import forces
from sat_emulator.scene.flight.forces import GRAVITATIONAL_PARAMETER, falling
from sat_emulator.scene.flight.path import Event, Path
from sat_emulator.scene.flight.rocket import RocketFlight
from services.geometry.ellipsoid import SEMI_MAJOR_M, east_north_up, itrs_to_geodetic
from services.geometry.frames import EARTH_RATE_RAD_PER_S
from services.geometry.geodesic import geodesic_inverse
from services.runtime.configuration import ConfigurationError
from services.scenario.model import PitchPoint, Place, Rocket, Stage
from services.scenario.references import reference_rocket
from tests.sat_emulator.scene.flight import naive


def generic(reference: str, **keys: object) -> Rocket:
    place = {"latitude_deg": -30.9, "longitude_deg": 136.5, "height_m": 120.0}
    return reference_rocket(
        **{"id": "r", "reference": reference, "launch": place, "launch_time_s": 0.0, "heading_deg": 315.0, **keys}
    )


SHORT = generic("short_range_liquid")
LONG = generic("intercontinental_liquid")
PITCHED = generic(
    "medium_range_solid",
    pitch=[{"time_s": 5.0, "elevation_deg": 90.0}, {"time_s": 60.0, "elevation_deg": 40.0}],
)


@pytest.mark.parametrize(
    ("rocket", "until_s"), [(SHORT, 62.0), (SHORT, 150.0), (LONG, 115.0), (LONG, 300.0), (PITCHED, 100.0)]
)
def test_flight_is_that_of_an_integration_in_inertial_axes(rocket: Rocket, until_s: float) -> None:
    position, velocity = RocketFlight(rocket, until_s).state_itrs(until_s)
    twin_position, twin_velocity = naive.rocket_in_inertial_axes(rocket, until_s)
    # The twin's switch of steering falls within a step.
    ten_metres, one_tenth = 10.0, 0.1
    assert np.linalg.norm(position - twin_position) < ten_metres
    assert np.linalg.norm(velocity - twin_velocity) < one_tenth


@pytest.mark.parametrize(("speed", "angle_deg"), [(3000.0, 45.0), (6500.0, 30.0), (7000.0, 20.0)])
def test_range_and_time_of_free_flight_are_keplers(
    monkeypatch: pytest.MonkeyPatch, speed: float, angle_deg: float
) -> None:
    # R. R. Bate, D. D. Mueller and J. E. White, "Fundamentals of Astrodynamics" (1971), section 6.2: a
    # round Earth that stands still, no air.
    monkeypatch.setattr(forces, "J2", 0.0)
    monkeypatch.setattr(forces, "EARTH_RATE_RAD_PER_S", 0.0)
    radius, angle = SEMI_MAJOR_M + 3e5, math.radians(angle_deg)
    q = speed**2 * radius / GRAVITATIONAL_PARAMETER
    half = math.acos((1 - q * math.cos(angle) ** 2) / math.sqrt(1 + q * (q - 2) * math.cos(angle) ** 2))
    eccentricity = math.sqrt(1 + q * (q - 2) * math.cos(angle) ** 2)
    anomaly = math.acos((eccentricity - math.cos(half)) / (1 - eccentricity * math.cos(half)))
    axis = radius / (2 - q)
    time = 2 * math.sqrt(axis**3 / GRAVITATIONAL_PARAMETER) * (math.pi - anomaly + eccentricity * math.sin(anomaly))

    path = Path(0.0, np.array([radius, 0, 0, speed * math.sin(angle), 0, speed * math.cos(angle)]), 0.0)
    back = Event(lambda _, state: float(np.linalg.norm(state[:3])) - radius + 1e-3, -1.0)
    path.fly(falling(500.0, 1e-12), 60.0)
    assert path.fly(falling(500.0, 1e-12), 1e5, back)
    one_metre, one_millisecond = 1.0, 1e-3
    assert math.atan2(path.state[2], path.state[0]) * radius == pytest.approx(2 * half * radius, abs=one_metre)
    assert path.end_s == pytest.approx(time, abs=one_millisecond)


def test_speed_gained_is_the_rocket_equations() -> None:
    stage = Stage(1e5, 20.0, 900.0, 50.0)
    lonely = Rocket("r", Place(0, 0), 0.0, 90.0, (stage,), payload_mass_kg=50.0, pitch_over_s=100.0, drag_area_m2=1e-9)
    velocity = RocketFlight(lonely, 20.0).state_itrs(20.0)[1]
    exhaust = 1e5 / (900.0 / 20.0)
    # Straight up for 20 s under gravity that falls from 9.78 by a hundredth.
    gained = exhaust * np.log(1000.0 / 100.0) - 20.0 * 9.73
    assert np.linalg.norm(velocity) == pytest.approx(gained, rel=3e-3)


def test_air_takes_its_pressure_on_the_nozzles_from_the_thrust() -> None:
    stage = Stage(1e5, 20.0, 900.0, 50.0, nozzle_exit_area_m2=0.1)
    rocket = Rocket("r", Place(0, 0), 0.0, 90.0, (stage,), payload_mass_kg=2050.0)
    _, velocity = RocketFlight(rocket, 1.0).state_itrs(0.01)
    assert np.linalg.norm(velocity) / 0.01 == pytest.approx((1e5 - 10_132.5) / 3000.0 - 9.780, rel=1e-3)


def test_energy_and_spin_are_kept_in_free_flight() -> None:
    flight = RocketFlight(LONG, 2100.0)

    def kept(time_s: float) -> tuple[float, float]:
        r, v = flight.state_itrs(time_s)
        distance = float(np.linalg.norm(r))
        polar = (r[2] / distance) ** 2
        flat = 1.0826298e-3 * (SEMI_MAJOR_M / distance) ** 2 * (1.5 * polar - 0.5)
        inertial = v + np.cross([0, 0, EARTH_RATE_RAD_PER_S], r)
        energy = 0.5 * inertial @ inertial - GRAVITATIONAL_PARAMETER / distance * (1 - flat)
        return float(energy), float(np.cross(r, inertial)[2])

    # J2 is round about the axis: it keeps energy and the spin about it.
    assert kept(2100.0) == pytest.approx(kept(260.0), rel=1e-9)


@pytest.mark.parametrize("name", ["intercontinental_liquid", "intercontinental_solid", "short_range_liquid"])
def test_finer_integration_ends_within_a_metre(name: str) -> None:
    coarse, fine = (RocketFlight(generic(name), 5000.0, tolerance) for tolerance in (1e-10, 1e-12))
    # Aloft, where no air slows it again.
    time_s = 0.9 * coarse.end_s
    one_metre = 1.0
    assert np.linalg.norm(coarse.state_itrs(time_s)[0] - fine.state_itrs(time_s)[0]) < one_metre
    assert coarse.end_s == pytest.approx(fine.end_s, abs=0.01)


def test_rocket_rises_straight_and_then_goes_where_it_heads() -> None:
    flight = RocketFlight(SHORT, 400.0)
    place = SHORT.launch
    up = east_north_up(place.latitude_deg, place.longitude_deg)[2]
    _, velocity = flight.state_itrs(SHORT.pitch_over_s)
    assert velocity @ up / np.linalg.norm(velocity) == pytest.approx(1.0, abs=1e-4)
    latitude, longitude, height = itrs_to_geodetic(flight.state_itrs(62.0)[0])
    _, azimuth = geodesic_inverse(place.latitude_deg, place.longitude_deg, float(latitude), float(longitude))
    assert azimuth == pytest.approx(SHORT.heading_deg, abs=1.0)
    assert 30e3 < height < 40e3


def test_velocity_is_the_slope_of_position() -> None:
    flight = RocketFlight(SHORT, 90.0)
    for time_s in (0.5, 7.95, 8.03, 30.0, 61.97, 62.04, 80.0):
        before, after = flight.state_itrs(time_s - 0.005)[0], flight.state_itrs(time_s + 0.005)[0]
        assert (after - before) / 0.01 == pytest.approx(flight.state_itrs(time_s)[1], abs=0.05)


def test_rocket_waits_on_its_pad_and_ends_on_the_ground() -> None:
    flight = RocketFlight(SHORT, 900.0)
    position, velocity = flight.state_itrs(-5.0)
    assert np.array_equal(position, flight.launch_itrs_m)
    assert not velocity.any()
    assert flight.end_s < 900.0
    assert abs(float(itrs_to_geodetic(flight.state_itrs(flight.end_s)[0])[2])) < 0.01
    with pytest.raises(ValueError, match="beyond the flight's end"):
        flight.state_itrs(flight.end_s + 1.0)


def test_stages_burn_one_after_another_with_coasts_between() -> None:
    flight = RocketFlight(LONG, 10.0)
    times = (-0.1, 0.0, 109.9, 110.0, 111.9, 112.0, 243.9, 244.0)
    assert [flight.stage_at(time) for time in times] == [None, 0, 0, None, None, 1, 1, None]
    assert flight.burnout_s == 244.0
    assert flight.end_s == 10.0


def test_thrust_straight_up_climbs_straight_up() -> None:
    upright = dataclasses.replace(PITCHED, pitch=(PitchPoint(0.0, 90.0),))
    position, _ = RocketFlight(upright, 60.0).state_itrs(60.0)
    latitude, longitude, height = itrs_to_geodetic(position)
    place = upright.launch
    drift, _ = geodesic_inverse(place.latitude_deg, place.longitude_deg, float(latitude), float(longitude))
    # The Earth turns away under it.
    assert height > 30e3
    assert drift < 300.0


def test_small_payload_with_little_drag_comes_down_faster() -> None:
    slim, wide = (dataclasses.replace(SHORT, payload_drag_area_m2=area) for area in (0.02, 0.5))
    speeds = [np.linalg.norm(f.state_itrs(f.end_s)[1]) for f in (RocketFlight(slim, 900.0), RocketFlight(wide, 900.0))]
    assert speeds[0] > 2 * speeds[1]


def test_rocket_that_cannot_lift_off_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"'r'.*cannot lift its weight.*raise thrust_n"):
        RocketFlight(dataclasses.replace(SHORT, payload_mass_kg=20_000.0), 10.0)


def test_first_stage_that_does_not_ignite_at_launch_is_refused() -> None:
    late = dataclasses.replace(SHORT.stages[0], coast_s=3.0)
    with pytest.raises(ConfigurationError, match=r"coast_s = 3 .*raise launch_time_s"):
        RocketFlight(dataclasses.replace(SHORT, stages=(late,)), 10.0)


def test_values_that_no_motion_can_have_are_named_with_the_rocket_and_a_remedy() -> None:
    feather = generic("short_range_liquid", payload_drag_area_m2=1e15)
    with pytest.raises(ConfigurationError, match=r"rocket 'r': its flight cannot be integrated beyond 62 s: .*; bring"):
        RocketFlight(feather, 600.0)
