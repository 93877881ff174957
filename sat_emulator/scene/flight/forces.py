"""What acts on a rocket, in ITRS: gravity, the Earth's turn, the air, the engine.

Plain floats: a call costs a few microseconds, and a flight needs some ten thousand of them.
One drag area serves all speeds; wind and what becomes of dropped stages are left out.
"""

import math
from collections.abc import Callable

from sat_emulator.scene.atmosphere import air_density_kg_per_m3, air_pressure_pa
from sat_emulator.scene.flight.burn import Burn
from sat_emulator.scene.flight.flight import Float64
from services.geometry.ellipsoid import (
    ECCENTRICITY_SQUARED,
    SECOND_ECCENTRICITY_SQUARED,
    SEMI_MAJOR_M,
    SEMI_MINOR_M,
)
from services.geometry.frames import EARTH_RATE_RAD_PER_S

Vector = tuple[float, float, float]
# Of time and state (position and velocity over the ground, (6,)): the state's rate.
Motion = Callable[[float, Float64], list[float]]
# Of time, position, velocity and the vertical: where the thrust points, a unit vector.
Direction = Callable[[float, Vector, Vector, Vector], Vector]

# WGS 84 (NIMA TR8350.2, tables 3.1 and 3.3): m^3/s^2, and the second zonal coefficient.
GRAVITATIONAL_PARAMETER = 3.986_004_418e14
J2 = 1.082_629_8e-3


def powered(burn: Burn, drag_area_m2: float, direction: Direction) -> Motion:
    """Return the motion while an engine burns: its vacuum thrust less the air's pressure on its nozzles."""

    def motion(time: float, state: Float64) -> list[float]:
        x, y, z, vx, vy, vz = state.tolist()
        r, v = (x, y, z), (vx, vy, vz)
        height, up = height_and_up(r)
        mass = burn.mass_at(time)
        push = max(0.0, burn.thrust_n - air_pressure_pa(height) * burn.nozzle_exit_area_m2) / mass
        drag = 0.5 * air_density_kg_per_m3(height) * norm(v) * drag_area_m2 / mass
        g, d = gravity_and_turn(r, v), direction(time, r, v, up)
        return [vx, vy, vz, *(g[k] + push * d[k] - drag * v[k] for k in range(3))]

    return motion


def falling(mass_kg: float, drag_area_m2: float) -> Motion:
    """Return the motion without an engine."""
    ratio = 0.5 * drag_area_m2 / mass_kg

    def motion(_time: float, state: Float64) -> list[float]:
        x, y, z, vx, vy, vz = state.tolist()
        r, v = (x, y, z), (vx, vy, vz)
        drag = ratio * air_density_kg_per_m3(height_and_up(r)[0]) * norm(v)
        gx, gy, gz = gravity_and_turn(r, v)
        return [vx, vy, vz, gx - drag * vx, gy - drag * vy, gz - drag * vz]

    return motion


def gravity(r: Vector) -> Vector:
    """Return gravity with J2; D. A. Vallado, "Fundamentals of Astrodynamics and Applications", 4th ed., eq. 8-30."""
    x, y, z = r
    distance2 = x * x + y * y + z * z
    central = -GRAVITATIONAL_PARAMETER / (distance2 * math.sqrt(distance2))
    flat = 1.5 * J2 * SEMI_MAJOR_M * SEMI_MAJOR_M / distance2
    polar = 5 * z * z / distance2
    across = central * (1 + flat * (1 - polar))
    return across * x, across * y, central * (1 + flat * (3 - polar)) * z


def gravity_and_turn(r: Vector, v: Vector) -> Vector:
    """Return gravity with what the Earth's turn adds: centrifugal and Coriolis acceleration."""
    gx, gy, gz = gravity(r)
    rate = EARTH_RATE_RAD_PER_S
    return gx + rate * (rate * r[0] + 2 * v[1]), gy + rate * (rate * r[1] - 2 * v[0]), gz


def height_and_up(r: Vector) -> tuple[float, Vector]:
    """Return the height above the ellipsoid and its outward normal: one step of Bowring's, good to a millimetre.

    As `services.geometry.ellipsoid.itrs_to_geodetic`, without its arrays and angles.
    """
    x, y, z = r
    # Nobody starts within a micrometre of the axis but one who starts on a pole.
    across = max(math.sqrt(x * x + y * y), 1e-6)
    reduced_sine, reduced_cosine = z * SEMI_MAJOR_M, across * SEMI_MINOR_M
    length = math.sqrt(reduced_sine * reduced_sine + reduced_cosine * reduced_cosine)
    sine = z + SECOND_ECCENTRICITY_SQUARED * SEMI_MINOR_M * (reduced_sine / length) ** 3
    cosine = across - ECCENTRICITY_SQUARED * SEMI_MAJOR_M * (reduced_cosine / length) ** 3
    length = math.sqrt(sine * sine + cosine * cosine)
    sine, cosine = sine / length, cosine / length
    surface = SEMI_MAJOR_M * math.sqrt(1 - ECCENTRICITY_SQUARED * sine * sine)
    return across * cosine + z * sine - surface, (cosine * x / across, cosine * y / across, sine)


def inertial_velocity(r: Vector, v: Vector) -> Vector:
    """Return the velocity over axes that do not turn but lie as ITRS does now."""
    return (v[0] - EARTH_RATE_RAD_PER_S * r[1], v[1] + EARTH_RATE_RAD_PER_S * r[0], v[2])


def dot(a: Vector, b: Vector) -> float:
    """Return the scalar product."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def norm(a: Vector) -> float:
    """Return the length."""
    return math.sqrt(a[0] * a[0] + a[1] * a[1] + a[2] * a[2])


def split(state: Float64) -> tuple[Vector, Vector]:
    """Return a state's position and velocity."""
    x, y, z, vx, vy, vz = state.tolist()
    return (x, y, z), (vx, vy, vz)
