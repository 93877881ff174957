"""Steering of a rocket's upper stages into a circular orbit."""

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import root

from sat_emulator.scene.flight.burn import Burn
from sat_emulator.scene.flight.flight import Float64
from sat_emulator.scene.flight.forces import Vector, dot, falling, gravity, inertial_velocity, norm, powered, split
from sat_emulator.scene.flight.path import Event, Path
from sat_emulator.scene.flight.steering import Phase, linear_tangent
from services.geometry.ellipsoid import SEMI_MAJOR_M
from services.runtime.configuration import ConfigurationError
from services.scenario.model import Rocket

# For the search: metres at the end of burn, which the last flight along the found steering does not see.
COARSE_TOLERANCE = 1e-6
# The search is done when height and climb at the end of burn are as near as this.
NEAR_M = 500.0
NEAR_M_PER_S = 2.0
# No drag to speak of; the data model wants more than 0.
AIRLESS_DRAG_AREA_M2 = 1e-12
# Where the search begins: up by 40 degrees, and down by 10 when all propellant is burnt.
FIRST_TANGENTS = np.array([0.8, -0.2])
# Scales of height and climb: what one unit of the search's two tangents changes, roughly.
SCALES = np.array([1e5, 1e3])


@dataclass(frozen=True)
class Insertion:
    """How the upper stages fly into orbit: burns, the last cut off at orbital speed, and their steering."""

    burns: tuple[Burn, ...]
    phase: Phase


def orbital_speed_m_per_s(r: Vector) -> float:
    """Return the speed over axes that do not turn with which gravity just bends a level path round the Earth."""
    return math.sqrt(max(0.0, -dot(gravity(r), r)))


def insertion(rocket: Rocket, burns: tuple[Burn, ...], time_s: float, state: Float64) -> Insertion:
    """Return how to fly on, from a state at the end of the first stage, into the orbit that the rocket wants.

    Two numbers steer, the tangents of elevation at the beginning and after all propellant; they are sought such that
    the rocket has the orbit's height and no climb when it reaches orbital speed, where the engine is cut off.

    burns: of the upper stages.
    state: (6,), ITRS.

    Raises ConfigurationError with what was reached where there is no such steering.
    """
    # First as if there were no air, where every steering flies and the way to the right one is smooth.
    airless = tuple(replace(burn, nozzle_exit_area_m2=0.0) for burn in burns)
    tangents = _search(replace(rocket, drag_area_m2=AIRLESS_DRAG_AREA_M2), airless, time_s, state, FIRST_TANGENTS)
    tangents = _search(rocket, burns, time_s, state, tangents)
    path = _flown(rocket, burns, time_s, state, tangents)
    height, climb = np.abs(_missed(rocket, path.state))
    if path.end_s >= burns[-1].burnout_s or height > NEAR_M or climb > NEAR_M_PER_S:
        raise _unreached(rocket, path.state)
    lit = [burn for burn in burns if burn.ignition_s < path.end_s]
    cut = tuple(replace(burn, burnout_s=min(burn.burnout_s, path.end_s)) for burn in lit)
    return Insertion(cut, _steering(burns, time_s, tangents))


def fly_burns(
    path: Path, burns: tuple[Burn, ...], rocket: Rocket, phase: Phase, longest_step_s: float = math.inf
) -> None:
    """Fly a path on through the burns, coasting between, until orbital speed or the last burnout."""
    drag_area_m2 = rocket.drag_area_m2

    def surplus(_time: float, state: Float64) -> float:
        r, v = split(state)
        return norm(inertial_velocity(r, v)) - orbital_speed_m_per_s(r)

    fast = Event(surplus)
    for burn in burns:
        path.fly(falling(burn.mass_kg, drag_area_m2), burn.ignition_s)
        if path.fly(powered(burn, drag_area_m2, phase.direction), burn.burnout_s, fast, longest_step_s):
            return


def _steering(burns: tuple[Burn, ...], time_s: float, tangents: Float64) -> Phase:
    first, last = tangents.tolist()
    return linear_tangent(time_s, first, (last - first) / (burns[-1].burnout_s - time_s))


def _search(rocket: Rocket, burns: tuple[Burn, ...], time_s: float, state: Float64, tangents: Float64) -> Float64:
    """Return the tangents that end a burn nearest to the orbit; Powell's hybrid method, as MINPACK has it."""

    def missed(tangents: Float64) -> Float64:
        scaled: Float64 = _missed(rocket, _flown(rocket, burns, time_s, state, tangents).state) / SCALES
        return scaled

    # The search's small steps must stand clear of the coarse integration's noise.
    options = {"xtol": 1e-7, "maxfev": 80, "eps": 1e-6}
    found: Float64 = root(missed, tangents, method="hybr", options=options).x
    return found


def _flown(rocket: Rocket, burns: tuple[Burn, ...], time_s: float, state: Float64, tangents: Float64) -> Path:
    path = Path(time_s, state, -math.inf, COARSE_TOLERANCE)
    fly_burns(path, burns, rocket, _steering(burns, time_s, tangents))
    return path


def _missed(rocket: Rocket, state: Float64) -> Float64:
    """Return how high above the wanted orbit a state is, m, and how fast it climbs, m/s."""
    r, v = split(state)
    return np.array([norm(r) - SEMI_MAJOR_M - (rocket.orbit_altitude_m or 0.0), dot(v, r) / norm(r)])


def _unreached(rocket: Rocket, state: Float64) -> ConfigurationError:
    r, v = split(state)
    speed, climb = norm(inertial_velocity(r, v)), dot(v, r) / norm(r)
    wanted = orbital_speed_m_per_s(r)
    return ConfigurationError(
        f"rocket {rocket.id!r}",
        f"does not reach its orbit of orbit_altitude_m = {rocket.orbit_altitude_m:g}: its engines leave it at "
        f"{norm(r) - SEMI_MAJOR_M:.0f} m with {speed:.0f} of {wanted:.0f} m/s, climbing at {climb:.0f} m/s; lower "
        "orbit_altitude_m or payload_mass_kg, or change kick_deg",
    )
