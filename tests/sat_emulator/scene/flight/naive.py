"""What flights are held against: slow, obvious, in other axes, by other equations."""

import itertools
import math

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from sat_emulator.scene.atmosphere import air_density_kg_per_m3, air_pressure_pa
from services.geometry.ellipsoid import SEMI_MAJOR_M, east_north_up, geodetic_to_itrs, itrs_to_geodetic
from services.scenario.model import Glide, Rocket

Float64 = NDArray[np.float64]
EARTH_RATE_RAD_PER_S = 7.292115e-5
GRAVITATIONAL_PARAMETER = 3.986004418e14


def rocket_in_inertial_axes(rocket: Rocket, until_s: float) -> tuple[Float64, Float64]:
    """Return a rocket's position and velocity over the ground in ITRS, integrated in axes that do not turn.

    Axes agree with ITRS at launch. No Coriolis or centrifugal terms, masses from the list of stages, steering decided
    anew at every instant.
    """
    place = rocket.launch
    pad = geodetic_to_itrs(place.latitude_deg, place.longitude_deg, place.height_m)
    turning = np.array([0.0, 0.0, EARTH_RATE_RAD_PER_S])
    ignitions, burnouts = [], [0.0]
    for stage in rocket.stages:
        ignitions.append(burnouts[-1] + stage.coast_s)
        burnouts.append(ignitions[-1] + stage.burn_time_s)

    def to_itrs(time: float) -> Float64:
        c, s = math.cos(EARTH_RATE_RAD_PER_S * time), math.sin(EARTH_RATE_RAD_PER_S * time)
        return np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])

    def motion(time: float, state: Float64, middle: float) -> Float64:
        itrs = to_itrs(time)
        position = itrs @ state[:3]
        velocity = itrs @ state[3:] - np.cross(turning, position)
        speed = float(np.linalg.norm(velocity))
        height = float(itrs_to_geodetic(position)[2])
        mass, force = rocket.payload_mass_kg, np.zeros(3)
        for k, stage in enumerate(rocket.stages):
            if middle < burnouts[k + 1]:
                mass += stage.propellant_mass_kg + stage.dry_mass_kg
            if ignitions[k] <= middle < burnouts[k + 1]:
                mass -= stage.propellant_mass_kg * (time - ignitions[k]) / stage.burn_time_s
                thrust = stage.thrust_n - air_pressure_pa(height) * stage.nozzle_exit_area_m2
                force += thrust * _steering(rocket, time, position, velocity, speed)
        area = rocket.drag_area_m2
        if middle > burnouts[-1]:
            area = rocket.payload_drag_area_m2 or area
        force -= 0.5 * air_density_kg_per_m3(height) * speed * area * velocity
        r = float(np.linalg.norm(position))
        polar = (position[2] / r) ** 2
        flat = 1.5 * 1.0826298e-3 * (SEMI_MAJOR_M / r) ** 2
        factors = 1 + flat * (np.array([1.0, 1.0, 3.0]) - 5 * polar)
        acceleration = -GRAVITATIONAL_PARAMETER / r**3 * position * factors + force / mass
        return np.concatenate([state[3:], itrs.T @ acceleration])

    state = np.concatenate([pad, np.cross(turning, pad)])
    knots = [point.time_s for point in rocket.pitch]
    switches = sorted({0.0, until_s, rocket.pitch_over_s, *ignitions, *burnouts, *knots})
    switches = [time for time in switches if time <= until_s]
    for begin, end in itertools.pairwise(switches):
        middle = (begin + end) / 2
        solved = solve_ivp(motion, (begin, end), state, "DOP853", args=(middle,), rtol=1e-10, atol=1e-6, max_step=1.0)
        state = solved.y[:, -1]
    itrs = to_itrs(until_s)
    position = itrs @ state[:3]
    return position, itrs @ state[3:] - np.cross(turning, position)


def _steering(rocket: Rocket, time: float, position: Float64, velocity: Float64, speed: float) -> Float64:
    east, north, up = east_north_up(rocket.launch.latitude_deg, rocket.launch.longitude_deg)
    heading = math.radians(rocket.heading_deg)
    along = math.sin(heading) * east + math.cos(heading) * north
    if rocket.pitch:
        degrees = np.interp(time, [p.time_s for p in rocket.pitch], [p.elevation_deg for p in rocket.pitch])
        latitude, longitude, _ = itrs_to_geodetic(position)
        here = east_north_up(float(latitude), float(longitude))[2]
        level = np.cross(here, np.cross(along, up))
        level /= np.linalg.norm(level)
        aimed: Float64 = math.cos(math.radians(degrees)) * level + math.sin(math.radians(degrees)) * here
        return aimed
    if time < rocket.pitch_over_s:
        return np.array(up)
    kick = math.radians(rocket.kick_deg)
    lean = min(kick, math.radians(2.0) * (time - rocket.pitch_over_s))
    if lean >= kick and velocity @ up <= speed * math.cos(kick):
        return velocity / speed
    leaning: Float64 = math.cos(lean) * up + math.sin(lean) * along
    return leaning


def glide_over_still_sphere(
    glide: Glide, mass_kg: float, speed_m_per_s: float, angle_rad: float, height_m: float, until_s: float
) -> tuple[float, float, float, float]:
    """Return speed, path angle, height and distance over the ground after gliding at best lift.

    The equations of flight in the path's own axes over a sphere of the equator's radius that does not turn; N. X. Vinh,
    "Optimal Trajectories in Atmospheric Flight" (1981), chapter 2. Fixed steps, classical Runge-Kutta.
    """

    def rates(state: Float64) -> Float64:
        speed, angle, height, _ = state
        r = SEMI_MAJOR_M + height
        gravity = GRAVITATIONAL_PARAMETER / r**2
        drag = 0.5 * air_density_kg_per_m3(float(height)) * speed**2 * glide.drag_area_m2 / mass_kg
        return np.array(
            [
                -drag - gravity * math.sin(angle),
                glide.lift_to_drag * drag / speed - (gravity / speed - speed / r) * math.cos(angle),
                speed * math.sin(angle),
                speed * math.cos(angle) * SEMI_MAJOR_M / r,
            ]
        )

    state, step = np.array([speed_m_per_s, angle_rad, height_m, 0.0]), 0.1
    for _ in range(round(until_s / step)):
        k1 = rates(state)
        k2 = rates(state + step / 2 * k1)
        k3 = rates(state + step / 2 * k2)
        k4 = rates(state + step * k3)
        state = state + step / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    speed, angle, height, distance = state.tolist()
    return speed, angle, height, distance
