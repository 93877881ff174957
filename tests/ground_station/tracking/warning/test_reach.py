"""Where and when things come down, against the emulated flights and slower ways to the same numbers."""

import math
import re

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from bench.warning.flights import flights
from bench.warning.reach import Tried, inside, tries
from sat_emulator.scene.flight.forces import falling
from services.geometry.ellipsoid import east_north_up, geodetic_to_itrs, itrs_to_geodetic
from services.geometry.geodesic import geodesic_destination, geodesic_inverse
from services.ground_station.tracking.snapshot import TargetClass
from services.ground_station.tracking.warning import kernels
from services.ground_station.tracking.warning.fans import joined
from services.ground_station.tracking.warning.reach import NOWHERE, Reach, reach

Float64 = NDArray[np.float64]
SPREAD = np.diag([100.0**2] * 3 + [10.0**2] * 3)
# What bench.warning.reach calls a missile after burnout.
FALLS = re.compile("^ballistic, .*(after burnout|of the fall)")
BALLISTIC: dict[TargetClass, float] = {"ballistic": 1.0}


def state(
    height_m: float, speed_m_per_s: float, climb_deg: float, heading_deg: float = 40.0
) -> tuple[Float64, Float64]:
    east, north, up = east_north_up(-30.0, 136.0)
    climb, heading = math.radians(climb_deg), math.radians(heading_deg)
    level = math.sin(heading) * east + math.cos(heading) * north
    return geodetic_to_itrs(-30.0, 136.0, height_m), speed_m_per_s * (math.cos(climb) * level + math.sin(climb) * up)


@pytest.fixture(scope="module")
def tried() -> list[Tried]:
    return list(tries(32, 8, 4321))


@pytest.mark.parametrize(
    ("height", "speed", "climb", "drag"), [(60e3, 2500.0, 35.0, 1e-4), (250e3, 6500.0, 20.0, 5e-4)]
)
def test_fall_ends_where_a_finer_integration_ends(height: float, speed: float, climb: float, drag: float) -> None:
    begin = np.concatenate(state(height, speed, climb))
    motion = falling(1.0, drag)

    def ground(_time: float, now: Float64) -> float:
        return float(itrs_to_geodetic(now[:3])[2])

    ground.terminal = True  # type: ignore[attr-defined]
    fine = solve_ivp(motion, (0.0, 5000.0), begin, method="DOP853", rtol=1e-9, atol=1e-6, events=ground, max_step=5.0)
    ours = begin.copy()
    time = kernels.fall(ours, drag, 7000.0, np.empty((6, 6)))
    thirty_metres, a_fifth_second = 30.0, 0.2
    assert np.linalg.norm(ours[:3] - fine.y[:3, -1]) < thirty_metres
    assert time == pytest.approx(fine.t[-1], abs=a_fifth_second)


def test_fall_of_two_bodies_is_that_of_the_integration_but_for_the_flat_earth() -> None:
    begin = np.concatenate(state(200e3, 6000.0, 25.0))
    direction = np.empty(3)
    time = kernels.free_range(begin, direction)
    ours = begin.copy()
    down_s = kernels.fall(ours, 1e-9, 7000.0, np.empty((6, 6)))
    assert time == pytest.approx(down_s, rel=0.01)
    angle = math.acos(float(direction @ ours[:3] / np.linalg.norm(ours[:3])))
    assert angle < 0.01


def test_longest_free_range_is_that_of_the_textbook() -> None:
    # R. R. Bate, D. D. Mueller and J. E. White (1971), equation 6.2-19: sin(range angle / 2) = Q / (2 - Q).
    radius = 6_378_137.0
    for q, angle_deg in ((0.5, 2 * math.degrees(math.asin(1 / 3))), (0.8, 2 * math.degrees(math.asin(2 / 3)))):
        speed = math.sqrt(q * 3.986004418e14 / radius)
        assert kernels.longest_free_range_m(speed, radius) == pytest.approx(math.radians(angle_deg) * radius)
    assert kernels.longest_free_range_m(7_910.0, radius) == math.inf


def test_end_of_a_fall_lies_in_the_ninety_percent_ellipse_nine_times_in_ten(tried: list[Tried]) -> None:
    those = [each for each in tried if FALLS.search(each.phase)]
    assert all(each.answer.corners for each in those)
    share = sum(each.inside for each in those) / len(those)
    assert 0.85 <= share <= 0.96


def test_fans_of_boost_and_glide_hold_the_end(tried: list[Tried]) -> None:
    those = [each for each in tried if each.answer.corners and not FALLS.search(each.phase)]
    assert len(those) >= 100
    assert sum(each.inside for each in those) / len(those) >= 0.98


def test_time_left_is_never_more_than_it_takes_and_near_it_after_burnout(tried: list[Tried]) -> None:
    stated = [each for each in tried if each.answer.time_left_s is not None]
    parts = np.array([(each.answer.time_left_s or 0.0) / each.left_s for each in stated])
    assert np.mean(parts <= 1.0) >= 0.99
    fallen = np.array([each.phase.startswith("ballistic") and "after burnout" in each.phase for each in stated])
    assert np.median(parts[fallen]) > 0.9


def test_corners_are_twelve_to_thirty_six_in_order(tried: list[Tried]) -> None:
    for each in tried:
        corners = each.answer.corners
        assert not corners or 12 <= len(corners) <= 36
        assert all(-90 <= latitude <= 90 and -180 <= longitude < 180 for latitude, longitude in corners)


def test_area_shrinks_with_what_is_known() -> None:
    position, velocity = state(120e3, 3000.0, 30.0)
    wide = reach(position, velocity, SPREAD * 9, BALLISTIC)
    narrow = reach(position, velocity, SPREAD, BALLISTIC)
    assert across_m(narrow) < across_m(wide)


def across_m(answer: Reach) -> float:
    half = len(answer.corners) // 2
    return max(geodesic_inverse(*answer.corners[k], *answer.corners[k + half])[0] for k in range(half))


@pytest.mark.parametrize(
    ("speed", "sigma_m_per_s", "stated"), [(450.0, 5.0, False), (600.0, 5.0, True), (600.0, 400.0, False)]
)
def test_nothing_is_said_before_speed_and_heading_support_it(speed: float, sigma_m_per_s: float, stated: bool) -> None:
    position, velocity = state(15e3, speed, 60.0)
    spread = np.diag([100.0**2] * 3 + [sigma_m_per_s**2] * 3)
    answer = reach(position, velocity, spread, BALLISTIC, thrust_m_per_s2=25.0, time_since_launch_s=40.0)
    assert bool(answer.corners) == stated
    assert (answer.time_left_s is not None) == stated


def test_cruise_launchers_and_orbits_have_none() -> None:
    position, velocity = state(1e3, 250.0, 0.0)
    assert reach(position, velocity, SPREAD, {"cruise": 0.9, "unknown": 0.1}) == NOWHERE
    position, velocity = state(100e3, 3000.0, 30.0)
    assert reach(position, velocity, SPREAD, {"space_launch": 0.95}, thrust_m_per_s2=20.0) == NOWHERE
    position, velocity = state(400e3, 7700.0, 0.0, 0.0)
    assert reach(position, velocity, SPREAD, BALLISTIC) == NOWHERE
    assert reach(position, velocity, SPREAD * np.nan, BALLISTIC) == NOWHERE


def test_open_class_joins_the_areas_of_fall_and_glide() -> None:
    position, velocity = state(70e3, 5500.0, 2.0)
    either = reach(position, velocity, SPREAD, {"ballistic": 0.5, "glide": 0.5})
    for word in ("ballistic", "glide"):
        alone = reach(position, velocity, SPREAD, {word: 1.0})
        middle = np.mean(alone.corners, axis=0)
        assert inside(either.corners, *middle.tolist())


def test_joined_area_holds_the_corners_of_both() -> None:
    rng = np.random.default_rng(8)
    for _ in range(20):
        centres = [(50.0, 10.0), geodesic_destination(50.0, 10.0, rng.uniform(0, 360), 8e5)]
        one, other = (
            tuple(geodesic_destination(*centre, 360 / 24 * k, rng.uniform(1e5, 4e5)) for k in range(24))
            for centre in centres
        )
        hull = joined(one, other)
        assert 12 <= len(hull) <= 36
        held = [inside(hull, *corner) for corner in one + other if corner not in hull]
        # Corners that were dropped to keep the number down lie a little outside.
        assert sum(held) >= len(held) - 4


def test_earliest_area_of_a_rocket_holds_the_flights_of_its_kind() -> None:
    flown = next(flights("ballistic", np.random.default_rng(11)))
    position, velocity = flown.flight.state_itrs(45.0)
    answer = reach(position, velocity, SPREAD, BALLISTIC, thrust_m_per_s2=20.0, time_since_launch_s=45.0)
    end = itrs_to_geodetic(flown.flight.state_itrs(flown.flight.end_s)[0])
    assert inside(answer.corners, float(end[0]), float(end[1]))
