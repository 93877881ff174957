"""Gliders against closed forms of the equilibrium glide and equations in other variables."""

import dataclasses
import math

import numpy as np
import pytest

from sat_emulator.scene.atmosphere import air_density_kg_per_m3
from sat_emulator.scene.flight import forces
from sat_emulator.scene.flight.flight import Float64
from sat_emulator.scene.flight.forces import GRAVITATIONAL_PARAMETER
from sat_emulator.scene.flight.glide import SCALE_HEIGHT_M, gliding
from sat_emulator.scene.flight.path import Path
from sat_emulator.scene.flight.rocket import RocketFlight
from services.geometry.ellipsoid import SEMI_MAJOR_M
from services.runtime.configuration import ConfigurationError
from services.scenario.model import Glide, Rocket
from services.scenario.references import reference_rocket
from tests.sat_emulator.scene.flight import naive

LEVEL, SKIP = Glide("level"), Glide("skip")
MASS_KG = 900.0


@pytest.fixture
def still_sphere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forces, "J2", 0.0)
    monkeypatch.setattr(forces, "EARTH_RATE_RAD_PER_S", 0.0)


def fly(glide: Glide, speed: float, angle: float, height: float, until_s: float) -> Path:
    """Return a flight along the equator, where the ellipsoid is as round as a sphere."""
    start = [SEMI_MAJOR_M + height, 0, 0, speed * math.sin(angle), speed * math.cos(angle), 0]
    path = Path(0.0, np.array(start), 0.0)
    path.fly(gliding(MASS_KG, glide), until_s)
    return path


def seen(state: Float64) -> tuple[float, float, float, float]:
    """Return speed, path angle, height and distance over the ground."""
    r, v = state[:3], state[3:]
    speed, distance = float(np.linalg.norm(v)), float(np.linalg.norm(r))
    angle = math.asin(float(v @ r) / speed / distance)
    return speed, angle, distance - SEMI_MAJOR_M, math.atan2(r[1], r[0]) * SEMI_MAJOR_M


def equilibrium_height_m(speed: float) -> float:
    """Return where best lift carries the weight that a level path's curvature leaves."""
    heights = np.arange(5e3, 80e3, 10.0)
    densities = np.array([air_density_kg_per_m3(height) for height in heights.tolist()])
    r = SEMI_MAJOR_M + heights
    weight = GRAVITATIONAL_PARAMETER / r**2 - speed**2 / r
    lift = 0.5 * densities * speed**2 * LEVEL.drag_area_m2 * LEVEL.lift_to_drag / MASS_KG
    return float(heights[np.argmin(np.abs(lift - weight))])


@pytest.mark.usefixtures("still_sphere")
def test_skips_are_those_of_the_equations_in_the_paths_own_axes() -> None:
    for until_s in (100.0, 400.0):
        twin = naive.glide_over_still_sphere(SKIP, MASS_KG, 5500.0, math.radians(-8), 80e3, until_s)
        assert seen(fly(SKIP, 5500.0, math.radians(-8), 80e3, until_s).at(until_s)) == pytest.approx(twin, rel=1e-4)


@pytest.mark.usefixtures("still_sphere")
def test_level_glide_keeps_the_height_where_lift_carries_it() -> None:
    path = fly(LEVEL, 5500.0, math.radians(-8), 80e3, 1500.0)
    for time_s in (400.0, 700.0, 1000.0):
        speed, angle, height, _ = seen(path.at(time_s))
        assert height == pytest.approx(equilibrium_height_m(speed), abs=500.0)
        assert math.radians(-2) < angle < 0


@pytest.mark.usefixtures("still_sphere")
def test_range_of_the_level_glide_is_saengers() -> None:
    # E. Saenger and J. Bredt; A. J. Eggers, H. J. Allen and S. E. Neice, NACA Report 1382.
    path = fly(LEVEL, 5500.0, 0.0, equilibrium_height_m(5500.0), 1500.0)
    (v1, _, h1, s1), (v2, _, _, s2) = (seen(path.at(time)) for time in (200.0, 900.0))
    circular2 = GRAVITATIONAL_PARAMETER / (SEMI_MAJOR_M + h1)
    closed = LEVEL.lift_to_drag * SEMI_MAJOR_M / 2 * math.log((1 - v2**2 / circular2) / (1 - v1**2 / circular2))
    # The closed form leaves the weight along the path out, which draws the glider on.
    assert s2 - s1 == pytest.approx(closed, rel=0.05)


@pytest.mark.usefixtures("still_sphere")
def test_small_skips_have_the_period_of_air_that_thins() -> None:
    speed = 5000.0
    path = fly(SKIP, speed, math.radians(0.2), equilibrium_height_m(speed), 500.0)
    times = np.arange(0.0, 500.0, 1.0)
    heights = np.array([seen(path.at(time))[2] for time in times.tolist()])
    ripple = heights - np.polyval(np.polyfit(times, heights, 2), times)
    tops = times[1:-1][(ripple[1:-1] > ripple[:-2]) & (ripple[1:-1] > ripple[2:])]
    weight = 9.7 - speed**2 / (SEMI_MAJOR_M + 4e4)
    assert np.diff(tops)[0] == pytest.approx(2 * math.pi * math.sqrt(SCALE_HEIGHT_M / weight), rel=0.2)


def glider(**changes: object) -> Rocket:
    place = {"latitude_deg": 10.0, "longitude_deg": 20.0}
    rocket = reference_rocket(id="g", reference="glider", launch=place, launch_time_s=0.0, heading_deg=30.0)
    return dataclasses.replace(rocket, **changes)  # type: ignore[arg-type]


def test_glider_reaches_further_than_what_falls_and_skips_further_still() -> None:
    ends = []
    for glide in (None, LEVEL, SKIP):
        flight = RocketFlight(glider(glide=glide), 5000.0)
        angle = flight.launch_itrs_m @ flight.state_itrs(flight.end_s)[0] / SEMI_MAJOR_M**2
        ends.append(math.acos(angle) * SEMI_MAJOR_M)
    assert ends[0] < 0.6 * ends[1]
    assert ends[1] < ends[2]


def test_level_glide_does_not_skip() -> None:
    flight = RocketFlight(glider(), 5000.0)
    heights = [float(np.linalg.norm(flight.state_itrs(time)[0])) for time in np.arange(900.0, flight.end_s, 20.0)]
    # From one latitude to another, the ellipsoid's own height over a sphere changes by 0.1 m a metre at most.
    slopes = np.diff(heights) / 20.0
    assert slopes.max() < 20.0


def test_glide_that_never_begins_is_named() -> None:
    weak = dataclasses.replace(glider().stages[0], burn_time_s=0.8, propellant_mass_kg=165.0)
    with pytest.raises(
        ConfigurationError, match=r"'g'.*glide never begins: it meets the ground after \d+ s at \d+ m/s"
    ):
        RocketFlight(glider(stages=(weak,)), 5000.0)
