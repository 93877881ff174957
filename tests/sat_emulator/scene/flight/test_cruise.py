"""Flight along way-points: speed, heights, turns."""

import itertools
import math

import numpy as np
import pytest

from sat_emulator.scene.flight.cruise import CruiseFlight
from services.geometry.ellipsoid import east_north_up, itrs_to_geodetic
from services.geometry.geodesic import geodesic_destination, geodesic_distance_m
from services.runtime.configuration import ConfigurationError
from services.scenario.model import Place

SPEED = 250.0
# North for 60 km, then to the right by 90 degrees for 60 km, then to the left by 45 degrees for 300 km.
START = Place(50.0, 179.9, 100.0)
FIRST = Place(*geodesic_destination(START.latitude_deg, START.longitude_deg, 0.0, 60e3), 400.0)
SECOND = Place(*geodesic_destination(FIRST.latitude_deg, FIRST.longitude_deg, 90.0, 60e3), 200.0)
LAST = Place(*geodesic_destination(SECOND.latitude_deg, SECOND.longitude_deg, 45.0, 300e3), 200.0)
WAY = (START, FIRST, SECOND, LAST)
TURN_G = 2.0
RADIUS_M = SPEED**2 / (TURN_G * 9.80665)


def geodetic(flight: CruiseFlight, time_s: float) -> tuple[float, float, float]:
    latitude, longitude, height = itrs_to_geodetic(flight.state_itrs(time_s)[0])
    return float(latitude), float(longitude), float(height)


def test_distance_over_the_ground_is_speed_times_time() -> None:
    flight = CruiseFlight(SPEED, WAY, TURN_G, 1e5)
    places = [geodetic(flight, time) for time in np.arange(0.0, flight.end_s, 1.0)]
    for (latitude1, longitude1, _), (latitude2, longitude2, _) in itertools.pairwise(places):
        # A chord of an arc of 3 km is shorter by a few parts in ten thousand.
        assert geodesic_distance_m(latitude1, longitude1, latitude2, longitude2) == pytest.approx(SPEED, rel=4e-4)


def test_straight_way_is_the_geodesics_length() -> None:
    flight = CruiseFlight(SPEED, (START, LAST), TURN_G, 1e5)
    length = geodesic_distance_m(START.latitude_deg, START.longitude_deg, LAST.latitude_deg, LAST.longitude_deg)
    assert flight.end_s * SPEED == pytest.approx(length, abs=1e-3)
    assert geodetic(flight, flight.end_s) == pytest.approx((LAST.latitude_deg, LAST.longitude_deg, 200.0), abs=1e-6)


def test_corner_is_cut_as_an_arc_cuts_it() -> None:
    flight = CruiseFlight(SPEED, WAY, TURN_G, 1e5)
    times = np.arange(200.0, 280.0, 0.05)
    distances = [
        geodesic_distance_m(*geodetic(flight, time)[:2], FIRST.latitude_deg, FIRST.longitude_deg) for time in times
    ]
    assert min(distances) == pytest.approx(RADIUS_M * (math.sqrt(2) - 1), rel=1e-3)


def test_turns_pull_sideways_as_told_and_legs_do_not() -> None:
    flight = CruiseFlight(SPEED, WAY, TURN_G, 1e5)
    sideways = []
    for time in np.arange(100.0, 280.0, 0.5).tolist():
        latitude, longitude, _ = geodetic(flight, time)
        before, after = (flight.state_itrs(time + side)[1] for side in (-0.05, 0.05))
        sideways.append(np.linalg.norm((east_north_up(latitude, longitude) @ (after - before) / 0.1)[:2]) / 9.80665)
    assert max(sideways) == pytest.approx(TURN_G, rel=0.01)
    assert np.median(sideways) < 1e-3
    # A quarter of a circle long.
    assert np.sum(np.array(sideways) > 1.0) * 0.5 == pytest.approx(math.pi / 2 * RADIUS_M / SPEED, abs=0.5)


def test_velocity_is_the_slope_of_position_even_where_pieces_meet() -> None:
    flight = CruiseFlight(SPEED, WAY, TURN_G, 1e5)
    for time in [*flight._begins[1:], 100.0, 500.0]:
        before, after = flight.state_itrs(time - 0.01), flight.state_itrs(time + 0.01)
        assert np.linalg.norm(after[0] - before[0]) == pytest.approx(0.02 * np.linalg.norm(after[1]), rel=1e-3)
        # 2 g for a fiftieth of a second, and the change of climb where a way-point is passed.
        assert np.linalg.norm(after[1] - before[1]) < 0.4 + 2.1


def test_heights_are_straight_between_way_points() -> None:
    flight = CruiseFlight(SPEED, WAY, TURN_G, 1e5)
    cut_m = 2 * RADIUS_M - RADIUS_M * math.pi / 2
    passing = (60e3 - cut_m / 2) / SPEED
    assert geodetic(flight, passing)[2] == pytest.approx(400.0, abs=0.5)
    assert geodetic(flight, passing / 2)[2] == pytest.approx(250.0, abs=0.5)
    assert geodetic(flight, flight.end_s - 10.0)[2] == pytest.approx(200.0, abs=0.5)


def test_it_rests_before_its_start_and_ends_where_asked() -> None:
    flight = CruiseFlight(SPEED, WAY, TURN_G, 100.0)
    position, velocity = flight.state_itrs(-1.0)
    assert np.array_equal(position, flight.launch_itrs_m)
    assert not velocity.any()
    assert np.linalg.norm(flight.state_itrs(0.0)[1]) == pytest.approx(SPEED, rel=1e-3)
    assert flight.end_s == 100.0
    assert [flight.stage_at(time) for time in (-1.0, 0.0, 50.0, 101.0)] == [None, 0, 0, None]
    with pytest.raises(ValueError, match="beyond the flight's end"):
        flight.state_itrs(101.0)


def test_leg_too_short_for_its_turns_is_named() -> None:
    near = Place(*geodesic_destination(FIRST.latitude_deg, FIRST.longitude_deg, 90.0, 3e3), 400.0)
    with pytest.raises(ConfigurationError, match=r"cruise 'c': way-points 2 and 3 are 3000 m apart.*raise turn_g"):
        CruiseFlight(SPEED, (START, FIRST, near, LAST), TURN_G, 1e5, "cruise 'c'")


def test_way_straight_back_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="turn less"):
        CruiseFlight(SPEED, (START, FIRST, START), TURN_G, 1e5)
