"""How the bank's models move: against differences, conservation laws and the emulator's flights."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from services.geometry.ellipsoid import SEMI_MAJOR_M, geodetic_to_itrs
from services.geometry.frames import EARTH_RATE_RAD_PER_S
from services.ground_station.tracking.bank.models import (
    BALLISTIC,
    BOOST,
    CRUISE,
    GLIDE,
    LEAN_S,
    PITCH_SPEED_M_PER_S,
    STATIC,
    ballistic_drag_per_m,
    jacobian,
    rates,
)
from services.ground_station.tracking.forces import (
    GRAVITATIONAL_PARAMETER,
    J2,
    gravity_and_turn,
)
from tests.ground_station.tracking.targets import flight, true_state

Float64 = NDArray[np.float64]

POSITION, VELOCITY, FORCE = slice(0, 3), slice(3, 6), slice(6, 9)
# Steps of central differences: metres, m/s, m/s^2, s/m.
STEPS = np.array([10.0] * 3 + [0.01] * 3 + [1e-3] * 3 + [1e-8])
CORIOLIS_PER_S = 2.0 * EARTH_RATE_RAD_PER_S


def state(rng: np.random.Generator, lowest_m: float = 0.0, highest_m: float = 300e3) -> Float64:
    """Return a state (10,) anywhere over the Earth, with a force that leans some tens of degrees off the way."""
    latitude_deg = math.degrees(math.asin(rng.uniform(-0.95, 0.95)))
    way = rng.normal(size=3)
    way /= np.linalg.norm(way)
    force = way + 0.3 * rng.normal(size=3)
    x = np.empty(10)
    x[POSITION] = geodetic_to_itrs(latitude_deg, rng.uniform(-180, 180), rng.uniform(lowest_m, highest_m))
    x[VELOCITY] = way * math.exp(rng.uniform(math.log(50.0), math.log(4000.0)))
    x[FORCE] = force / np.linalg.norm(force) * rng.uniform(5.0, 60.0)
    x[9] = rng.uniform(0.7, 1.3) / 2800.0
    return x


def rate_of(model: int, x: Float64, coupling: float = 1.0) -> Float64:
    out = np.empty(10)
    rates(model, x, coupling, out)
    return out


def differences(model: int, x: Float64, coupling: float) -> Float64:
    """Return (10, 10) central differences of the rates."""
    columns = [
        (rate_of(model, x + step, coupling) - rate_of(model, x - step, coupling)) / (2 * step.sum())
        for step in np.diag(STEPS)
    ]
    return np.stack(columns, axis=1)


def jacobian_of(model: int, x: Float64, coupling: float) -> Float64:
    out = np.empty((10, 10))
    jacobian(model, x, coupling, out)
    return out


# Time in which a cruiser's climb dies out.
LEVEL_PATH_S = 20.0


def neglected(model: int, x: Float64, coupling: float) -> Float64:
    """Return (10, 10): how much of a derivative a model's filter may do without.

    The gradient of gravity; the Coriolis force; how air thins with height; of the force's turning, all but how it
    depends on velocity and force; the speed at which steering ends; of a cruiser's way, the level path's curvature.
    """
    may = np.full((10, 10), 1e-9)
    may[9] = may[:, 9] = 1e-6
    speed, distance = float(np.linalg.norm(x[VELOCITY])), float(np.linalg.norm(x[POSITION]))
    gravity = GRAVITATIONAL_PARAMETER / distance**2
    # The gradient of gravity, on which there is a test of its own.
    may[VELOCITY, POSITION] = 2.5 * gravity / distance
    may[VELOCITY, VELOCITY] = 1.1 * CORIOLIS_PER_S
    if model == BALLISTIC:
        # Half of the air is gone after 4 km or more.
        may[VELOCITY, POSITION] += ballistic_drag_per_m(x) * speed**2 / 4000.0
    elif model == CRUISE:
        may[VELOCITY, POSITION] = 2.0 * (speed / LEVEL_PATH_S + speed**2 / distance) / distance
        may[VELOCITY, VELOCITY] = 3.0 * speed / distance
    elif model in (BOOST, GLIDE):
        force, way = float(np.linalg.norm(x[FORCE])), x[VELOCITY] / speed
        across = float(np.linalg.norm(x[FORCE] - (x[FORCE] @ way) * way))
        may[FORCE, POSITION] = coupling * 2.5 * force * gravity / distance / speed
        may[FORCE, VELOCITY] = coupling * 2.0 * CORIOLIS_PER_S * force / speed
        if model == BOOST:
            # Of (1 - exp(-v^2 / V^2)) / T, the steepest slope over v.
            steepest = math.sqrt(2.0 / math.e) / PITCH_SPEED_M_PER_S / LEAN_S
            may[FORCE, VELOCITY] += coupling * across * steepest
    return may + 1e-6 * np.abs(differences(model, x, coupling))


@pytest.mark.parametrize("coupling", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("model", [BOOST, BALLISTIC, GLIDE, CRUISE, STATIC])
def test_jacobian_is_the_derivative_of_the_rates(model: int, coupling: float) -> None:
    rng = np.random.default_rng(model)
    for _ in range(30):
        x = state(rng)
        off = np.abs(jacobian_of(model, x, coupling) - differences(model, x, coupling))
        assert (off <= neglected(model, x, coupling)).all()


@pytest.mark.parametrize("model", [BOOST, BALLISTIC, GLIDE])
def test_jacobian_has_the_gradient_of_gravity(model: int) -> None:
    rng = np.random.default_rng(40 + model)
    for _ in range(30):
        x = state(rng, 130e3, 300e3)
        gradient = jacobian_of(model, x, 1.0)[VELOCITY, POSITION]
        truth = differences(model, x, 1.0)[VELOCITY, POSITION]
        # 2 g / R along the vertical, -g / R across it; g / R varies by an eighth up to 300 km.
        assert np.abs(gradient - truth).max() < 0.15 * np.abs(truth).max()


def test_free_fall_above_the_air_keeps_its_energy() -> None:
    x = state(np.random.default_rng(3), 150e3, 150e3)
    # Inertially on an ellipse that stays above the air: faster than a circle.
    outwards = x[POSITION] / np.linalg.norm(x[POSITION])
    x[VELOCITY] = 8200.0 * np.cross(outwards, [0.3, -0.5, 0.8]) / np.linalg.norm(np.cross(outwards, [0.3, -0.5, 0.8]))

    def energy(each: Float64) -> float:
        """Return Jacobi's constant: kinetic less gravity with J2 less centrifugal, J/kg."""
        distance = float(np.linalg.norm(each[POSITION]))
        sine = each[2] / distance
        flat = 1.0 - J2 * (SEMI_MAJOR_M / distance) ** 2 * (3.0 * sine**2 - 1.0) / 2.0
        turning = EARTH_RATE_RAD_PER_S**2 * (each[0] ** 2 + each[1] ** 2) / 2.0
        return float(each[VELOCITY] @ each[VELOCITY] / 2 - GRAVITATIONAL_PARAMETER / distance * flat - turning)

    flown = solve_ivp(lambda _, y: rate_of(BALLISTIC, y), (0, 600), x, rtol=1e-11, atol=1e-6)
    a_centimetre_of_height = 0.1
    assert abs(energy(flown.y[:, -1]) - energy(x)) < a_centimetre_of_height
    assert np.linalg.norm(flown.y[POSITION, -1] - x[POSITION]) > 4e6


def test_air_only_slows_a_falling_body() -> None:
    rng = np.random.default_rng(4)
    for _ in range(20):
        x = state(rng, 0.0, 60e3)
        drag = rate_of(BALLISTIC, x)[VELOCITY] - np.array(gravity_and_turn(*x[:6].tolist()))
        assert np.allclose(np.cross(drag, x[VELOCITY]), 0.0, atol=1e-9 * np.linalg.norm(x[VELOCITY]))
        assert drag @ x[VELOCITY] < 0.0


@pytest.mark.parametrize(
    ("reference", "start_s"), [("short_range_liquid", 40.0), ("small_launcher", 30.0), ("small_launcher", 100.0)]
)
def test_boost_follows_a_gravity_turn_for_ten_seconds(reference: str, start_s: float) -> None:
    flown = flight(reference, 120.0)
    x = np.empty(10)
    x[:9] = true_state(flown, start_s)
    # As a mass flow has it, from how the true force grows.
    before, after = (np.linalg.norm(true_state(flown, start_s + part)[FORCE]) for part in (-1.0, 1.0))
    x[9] = (after - before) / 2.0 / float(np.linalg.norm(x[FORCE])) ** 2
    found = solve_ivp(lambda _, y: rate_of(BOOST, y), (0, 10), x, rtol=1e-9, atol=1e-6).y[:, -1]
    truth = true_state(flown, start_s + 10.0)
    some_metres = 5.0
    assert np.linalg.norm(found[POSITION] - truth[POSITION]) < some_metres
    assert np.linalg.norm(found[VELOCITY] - truth[VELOCITY]) < some_metres / 2.5


def test_thrust_grows_as_its_mass_flow_says() -> None:
    # d(1/a)/dt = -growth: after t seconds a0 / (1 - growth a0 t), whatever the way does.
    x = state(np.random.default_rng(5))
    x[FORCE] = 20.0 * x[VELOCITY] / np.linalg.norm(x[VELOCITY])
    found = solve_ivp(lambda _, y: rate_of(BOOST, y, 0.0), (0, 30), x, rtol=1e-10, atol=1e-9).y[:, -1]
    assert np.linalg.norm(found[FORCE]) == pytest.approx(20.0 / (1.0 - x[9] * 20.0 * 30.0), rel=1e-8)


def test_force_of_a_glider_turns_with_its_way() -> None:
    # Its length, and what it has along the way, stay; so does its angle to the way.
    x = state(np.random.default_rng(6), 40e3, 50e3)
    x[VELOCITY] *= 3000.0 / np.linalg.norm(x[VELOCITY])
    found = solve_ivp(lambda _, y: rate_of(GLIDE, y), (0, 20), x, rtol=1e-10, atol=1e-9).y[:, -1]

    def along(each: Float64) -> float:
        return float(each[FORCE] @ each[VELOCITY] / np.linalg.norm(each[VELOCITY]))

    turned_rad = math.acos(
        x[VELOCITY] @ found[VELOCITY] / np.linalg.norm(x[VELOCITY]) / np.linalg.norm(found[VELOCITY])
    )
    assert turned_rad > 0.05
    assert along(found) == pytest.approx(along(x), rel=1e-6)
    assert np.linalg.norm(found[FORCE]) == pytest.approx(np.linalg.norm(x[FORCE]), rel=1e-6)


@pytest.mark.parametrize(("height_m", "stays"), [(30e3, False), (200e3, True)])
def test_leaning_thrust_comes_back_to_the_way_in_the_air_alone(height_m: float, stays: bool) -> None:
    x = state(np.random.default_rng(9), height_m, height_m)
    up = x[POSITION] / np.linalg.norm(x[POSITION])
    level = np.cross(up, [0.0, 0.0, 1.0])
    x[VELOCITY] = 3000.0 * level / np.linalg.norm(level)
    x[FORCE] = 10.0 * (x[VELOCITY] / 3000.0 + 0.4 * up)
    found = solve_ivp(lambda _, y: rate_of(BOOST, y), (0, 8), x, rtol=1e-10, atol=1e-9).y[:, -1]

    def lean(each: Float64) -> float:
        return float(np.linalg.norm(np.cross(each[VELOCITY], each[FORCE])) / (each[VELOCITY] @ each[FORCE]))

    assert lean(found) == pytest.approx(lean(x) * (1.0 if stays else math.exp(-1.0)), rel=0.05)


def test_cruiser_keeps_its_height_and_its_speed_round_the_earth() -> None:
    x = state(np.random.default_rng(7), 10e3, 10e3)
    up = x[POSITION] / np.linalg.norm(x[POSITION])
    x[VELOCITY] -= (x[VELOCITY] @ up) * up
    x[VELOCITY] *= 250.0 / np.linalg.norm(x[VELOCITY])
    found = solve_ivp(lambda _, y: rate_of(CRUISE, y), (0, 600), x, rtol=1e-10, atol=1e-6).y[:, -1]
    assert np.linalg.norm(found[POSITION]) == pytest.approx(np.linalg.norm(x[POSITION]), abs=0.01)
    assert np.linalg.norm(found[VELOCITY]) == pytest.approx(250.0, abs=1e-4)


def test_what_rests_has_no_rate() -> None:
    assert (rate_of(STATIC, state(np.random.default_rng(8))) == 0.0).all()
