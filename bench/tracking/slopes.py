"""How a burning flight answers to what is unknown of it: slopes of its path, by central differences."""

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bench.tracking.bodies import Truth
from sat_emulator.scene.flight.forces import GRAVITATIONAL_PARAMETER, J2
from sat_emulator.scene.flight.rocket import RocketFlight
from services.geometry.ellipsoid import SEMI_MAJOR_M, east_north_up, geodetic_to_itrs, itrs_to_geodetic
from services.geometry.frames import EARTH_RATE_RAD_PER_S
from services.scenario.model import Place, Rocket

Float64 = NDArray[np.float64]

BOOST_PARAMETERS = (
    "launch_east_m",
    "launch_north_m",
    "launch_time_s",
    "heading_rad",
    "specific_thrust_m_per_s2",
    "exhaust_m_per_s",
    "pitch_over_s",
    "kick_rad",
)
# Half the distance between the two flights of a central difference: large against the integration's millimetres, small
# against what curves.
STEPS = {"launch_east_m": 50.0, "launch_north_m": 50.0, "heading_rad": 1e-3, "pitch_over_s": 0.02, "kick_rad": 1e-3}
RELATIVE_STEPS = {"specific_thrust_m_per_s2": 1e-3, "exhaust_m_per_s": 3e-3}
# The free state's: of position, velocity, specific thrust and its growth.
FREE_STEPS = np.array([10.0] * 3 + [0.1] * 3 + [0.01, 1e-4])
# Its motion is along the velocity, so it is integrated back to no lower speed than this.
SLOWEST_M_PER_S = 100.0
FREE_STEP_S = 0.25
# Thrust is read off the truth's velocities over so long.
THRUST_SPAN_S = 6.0


def flight_slopes(rocket: Rocket, times_s: Float64) -> tuple[Float64, Float64]:
    """Return (n, 3, 8): how position and velocity at times after launch answer to BOOST_PARAMETERS."""
    # Steering into an orbit begins after the first stage, and takes long to be found.
    rocket = replace(rocket, orbit_altitude_m=None)
    thrust, exhaust = thrust_and_exhaust(rocket)
    steps = dict(STEPS)
    steps["specific_thrust_m_per_s2"] = RELATIVE_STEPS["specific_thrust_m_per_s2"] * thrust
    steps["exhaust_m_per_s"] = RELATIVE_STEPS["exhaust_m_per_s"] * exhaust
    until = float(times_s.max()) + 1.0

    def states(name: str, change: float) -> Float64:
        flight = RocketFlight(changed_rocket(rocket, name, change), until)
        return np.array([np.concatenate(flight.state_itrs(time)) for time in times_s.tolist()])

    slopes = np.empty((len(times_s), 6, len(BOOST_PARAMETERS)))
    for column, name in enumerate(BOOST_PARAMETERS):
        if name == "launch_time_s":
            # A later launch is the same flight at an earlier time.
            flight, h = RocketFlight(rocket, until), 0.01
            early, late = (
                np.array([np.concatenate(flight.state_itrs(time + shift)) for time in times_s.tolist()])
                for shift in (-h, h)
            )
            slopes[:, :, column] = (early - late) / (2 * h)
        else:
            step = steps[name]
            slopes[:, :, column] = (states(name, step) - states(name, -step)) / (2 * step)
    return slopes[:, :3], slopes[:, 3:]


def free_slopes(state: Float64, times_s: Float64) -> Float64:
    """Return (n, 3, 8): how positions at times before (<= 0) answer to the free state at time 0."""
    members = np.concatenate([state + np.diag(FREE_STEPS), state - np.diag(FREE_STEPS)])
    # s grows by s^2 over the exhaust speed, which stays.
    inverse_exhaust = members[:, 7] / members[:, 6] ** 2
    count = max(2, math.ceil(-float(times_s.min()) / FREE_STEP_S) + 1)
    knots = np.linspace(0.0, float(min(times_s.min(), -FREE_STEP_S)), count)
    current = members[:, :7].copy()
    places = [current[:, :6].copy()]
    step = knots[1] - knots[0]
    for _ in knots[1:]:
        a = _free_rate(current, inverse_exhaust)
        b = _free_rate(current + step / 2 * a, inverse_exhaust)
        c = _free_rate(current + step / 2 * b, inverse_exhaust)
        d = _free_rate(current + step * c, inverse_exhaust)
        current = current + step / 6 * (a + 2 * b + 2 * c + d)
        places.append(current[:, :6].copy())
    table = np.array(places)
    differences = (table[:, :8, :3] - table[:, 8:, :3]) / (2 * FREE_STEPS[:, None])
    # The differences change smoothly: straight lines between knots of a quarter second serve.
    return np.stack(
        [
            np.stack([np.interp(-times_s, -knots, differences[:, k, axis]) for k in range(8)], axis=1)
            for axis in range(3)
        ],
        axis=1,
    )


def free_state(truth: Truth, at_s: float) -> Float64:
    """Return (8,): position, velocity, specific thrust less drag along the way, and its growth, ITRS, SI.

    The last two come from the truth's velocities of the last seconds.
    """
    times = at_s - np.linspace(0.0, THRUST_SPAN_S, 25)
    position, velocity = truth.states(times)
    acceleration = np.gradient(velocity, times, axis=0, edge_order=2)
    along = velocity / np.linalg.norm(velocity, axis=1)[:, None]
    thrust = np.sum((acceleration - gravity_and_turn(position, velocity)) * along, axis=1)
    growth, present = np.polyfit(times - at_s, thrust, 1)
    return np.concatenate([position[0], velocity[0], [present, max(float(growth), 0.0)]])


def changed_rocket(rocket: Rocket, name: str, change: float) -> Rocket:
    """Return a rocket with one of BOOST_PARAMETERS changed by an amount, its lift-off mass kept; not launch_time_s."""
    place, first = rocket.launch, rocket.stages[0]
    if name in {"launch_east_m", "launch_north_m"}:
        return replace(rocket, launch=_moved(place, change, east=name == "launch_east_m"))
    if name == "heading_rad":
        return replace(rocket, heading_deg=rocket.heading_deg + math.degrees(change))
    if name == "pitch_over_s":
        return replace(rocket, pitch_over_s=rocket.pitch_over_s + change)
    if name == "kick_rad":
        return replace(rocket, kick_deg=rocket.kick_deg + math.degrees(change))
    value = dict(zip(BOOST_PARAMETERS[4:6], thrust_and_exhaust(rocket), strict=True))[name]
    factor = 1 + change / value
    # More thrust at the same exhaust speed burns more a second; a faster exhaust less.
    thrust, flow = (factor, factor) if name == "specific_thrust_m_per_s2" else (1.0, 1 / factor)
    burnt = first.propellant_mass_kg * flow
    stage = replace(
        first,
        thrust_n=first.thrust_n * thrust,
        propellant_mass_kg=burnt,
        dry_mass_kg=first.dry_mass_kg + first.propellant_mass_kg - burnt,
    )
    return replace(rocket, stages=(stage, *rocket.stages[1:]))


def thrust_and_exhaust(rocket: Rocket) -> tuple[float, float]:
    """Return specific thrust in vacuum at lift-off, m/s^2, and exhaust speed, m/s, of the first stage."""
    mass = rocket.payload_mass_kg + sum(stage.propellant_mass_kg + stage.dry_mass_kg for stage in rocket.stages)
    first = rocket.stages[0]
    return first.thrust_n / mass, first.thrust_n * first.burn_time_s / first.propellant_mass_kg


def gravity_and_turn(position_itrs_m: Float64, velocity_itrs_m_per_s: Float64) -> Float64:
    """Return (n, 3) gravity with J2, centrifugal and Coriolis acceleration, as the emulator's forces.py, for many."""
    x, y, z = position_itrs_m.T
    distance2 = x * x + y * y + z * z
    central = -GRAVITATIONAL_PARAMETER / distance2**1.5
    flat, polar = 1.5 * J2 * SEMI_MAJOR_M**2 / distance2, 5 * z * z / distance2
    across, rate = central * (1 + flat * (1 - polar)), EARTH_RATE_RAD_PER_S
    vx, vy = velocity_itrs_m_per_s[:, 0], velocity_itrs_m_per_s[:, 1]
    return np.stack(
        [
            across * x + rate * (rate * x + 2 * vy),
            across * y + rate * (rate * y - 2 * vx),
            central * (1 + flat * (3 - polar)) * z,
        ],
        axis=1,
    )


def _moved(place: Place, metres: float, east: bool) -> Place:
    """Return the place so far east or north, at the same height."""
    direction = east_north_up(place.latitude_deg, place.longitude_deg)[0 if east else 1]
    there = geodetic_to_itrs(place.latitude_deg, place.longitude_deg, place.height_m) + metres * direction
    latitude, longitude, _ = itrs_to_geodetic(there)
    return Place(float(latitude), float(longitude), place.height_m)


def _free_rate(state: Float64, inverse_exhaust: Float64) -> Float64:
    position, velocity, thrust = state[:, :3], state[:, 3:6], state[:, 6]
    along = velocity / np.linalg.norm(velocity, axis=1)[:, None]
    rate = np.empty_like(state)
    rate[:, :3] = velocity
    rate[:, 3:6] = gravity_and_turn(position, velocity) + thrust[:, None] * along
    rate[:, 6] = thrust * thrust * inverse_exhaust
    return rate
