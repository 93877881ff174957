"""A rocket's way: forces, steering, integration."""

import bisect
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sat_emulator.scene.atmosphere import STANDARD_GRAVITY, air_density_kg_per_m3
from services.geometry.ellipsoid import (
    ECCENTRICITY_SQUARED,
    SEMI_MAJOR_M,
    east_north_up,
    geodetic_to_itrs,
)
from services.geometry.frames import EARTH_RATE_RAD_PER_S
from services.runtime.configuration import ConfigurationError
from services.scenario.model import Rocket

Float64 = NDArray[np.float64]
Vector = tuple[float, float, float]

# WGS 84 (NIMA TR8350.2, tables 3.1 and 3.3): m^3/s^2, and the second zonal coefficient.
GRAVITATIONAL_PARAMETER = 3.986_004_418e14
J2 = 1.082_629_8e-3
# Steps while an engine burns or there is air to speak of, and beyond: seconds.
FINE_STEP_S = 0.1
COARSE_STEP_S = 1.0
AIRLESS_M = 120_000.0
# The kick is turned in over so long; 2 degrees a second are slow for a rocket.
KICK_RATE_DEG_PER_S = 2.0


@dataclass(frozen=True)
class _Burn:
    """One stage's time: from ignition, all after launch; mass at ignition and what flows out."""

    ignition_s: float
    burnout_s: float
    thrust_n: float
    mass_kg: float
    flow_kg_per_s: float


class Trajectory:
    """Position and velocity of a rocket from launch until it meets the ground again, or until it is asked no more.

    Integrated in ITRS with the Earth's turn: thrust, drag in the standard atmosphere (one drag area for all speeds),
    gravity with J2. The thrust is the vacuum's at every height, so that the loss to air pressure (about a tenth at
    the ground) is left out; lift, wind and what is left of the stages are, too.

    Steering: straight up until `pitch_over_s`, then the thrust leans towards the heading by up to `kick_deg`, and from
    when the path has leaned as far the thrust goes along the velocity over the ground: a gravity turn.
    """

    def __init__(self, rocket: Rocket, until_s: float) -> None:
        self._burns = _burns(rocket)
        weight_n = self._burns[0].mass_kg * STANDARD_GRAVITY
        if self._burns[0].thrust_n <= weight_n:
            raise ConfigurationError(
                f"rocket {rocket.id!r}",
                f"its first stage's {self._burns[0].thrust_n:.4g} N cannot lift its weight of {weight_n:.4g} N; "
                "raise thrust_n or lower the masses",
            )
        self._coast_mass_kg = rocket.payload_mass_kg
        self._drag_area_m2 = rocket.drag_area_m2
        self._pitch_over_s = rocket.pitch_over_s
        self._kick_rad = math.radians(rocket.kick_deg)
        place = rocket.launch
        self.launch_itrs_m = geodetic_to_itrs(place.latitude_deg, place.longitude_deg, place.height_m)
        east, north, up = east_north_up(place.latitude_deg, place.longitude_deg)
        heading = math.radians(rocket.heading_deg)
        self._up = _vector(up)
        self._along = _vector(math.sin(heading) * east + math.cos(heading) * north)
        self._times: list[float] = []
        self._states: list[tuple[Vector, Vector, Vector]] = []
        self._integrate(until_s)

    @property
    def burnout_s(self) -> float:
        """When the last engine stops, after launch."""
        return self._burns[-1].burnout_s

    @property
    def end_s(self) -> float:
        """When it meets the ground, or the last instant asked for, after launch."""
        return self._times[-1]

    def stage_at(self, time_s: float) -> int | None:
        """Return the index of the stage that burns; None where none does."""
        for index, burn in enumerate(self._burns):
            if burn.ignition_s <= time_s < burn.burnout_s:
                return index
        return None

    def state_itrs(self, time_s: float) -> tuple[Float64, Float64]:
        """Return position and velocity over the turning Earth, (3,) each, ITRS, m and m/s, `time_s` after launch.

        On the pad before launch; ValueError beyond the trajectory's end.
        """
        if time_s <= 0:
            return self.launch_itrs_m.copy(), np.zeros(3)
        if time_s > self.end_s + 1e-9:
            raise ValueError(f"{time_s:g} s is beyond the trajectory's end at {self.end_s:g} s")
        after = min(max(1, bisect.bisect_left(self._times, time_s)), len(self._times) - 1)
        step = self._times[after] - self._times[after - 1]
        along = (time_s - self._times[after - 1]) / step
        (r0, v0, a0), (r1, v1, a1) = self._states[after - 1], self._states[after]
        return _hermite(r0, v0, r1, v1, step, along), _hermite(v0, a0, v1, a1, step, along)

    def _integrate(self, until_s: float) -> None:
        time, position, velocity = 0.0, _vector(self.launch_itrs_m), (0.0, 0.0, 0.0)
        pad_m = _height_m(position)
        for end in self._phase_ends(until_s):
            # The instant after a phase's begin belongs to it: engines switch between two steps, never within one.
            self._remember(time, position, velocity, min(time + 1e-9, end))
            while time < end - 1e-9:
                high = _height_m(position) > AIRLESS_M and time > self.burnout_s
                step = min(COARSE_STEP_S if high else FINE_STEP_S, end - time)
                position, velocity = self._step(time, position, velocity, step)
                time += step
                self._remember(time, position, velocity, time - 1e-9)
                if time > 1.0 and _height_m(position) < min(pad_m, 0.0) - 1.0:
                    return

    def _phase_ends(self, until_s: float) -> Iterator[float]:
        switches = {self._pitch_over_s, until_s, *(burn.ignition_s for burn in self._burns)}
        switches |= {burn.burnout_s for burn in self._burns}
        return iter(sorted(end for end in switches if 0 < end <= until_s))

    def _remember(self, time: float, position: Vector, velocity: Vector, side_s: float) -> None:
        # Where engines switch, an instant stands twice: with the acceleration before and with the one after.
        self._times.append(time)
        self._states.append((position, velocity, self._acceleration(side_s, position, velocity)))

    def _step(self, time: float, r: Vector, v: Vector, h: float) -> tuple[Vector, Vector]:
        """Return position and velocity a step later; the classical Runge-Kutta method."""
        a1 = self._acceleration(time + 1e-9, r, v)
        v2 = _add(v, a1, h / 2)
        a2 = self._acceleration(time + h / 2, _add(r, v, h / 2), v2)
        v3 = _add(v, a2, h / 2)
        a3 = self._acceleration(time + h / 2, _add(r, v2, h / 2), v3)
        v4 = _add(v, a3, h)
        a4 = self._acceleration(time + h - 1e-9, _add(r, v3, h), v4)
        position = tuple(r[k] + h / 6 * (v[k] + 2 * v2[k] + 2 * v3[k] + v4[k]) for k in range(3))
        velocity = tuple(v[k] + h / 6 * (a1[k] + 2 * a2[k] + 2 * a3[k] + a4[k]) for k in range(3))
        return position, velocity  # type: ignore[return-value]

    def _acceleration(self, time: float, r: Vector, v: Vector) -> Vector:
        total = _gravity_and_turn(r, v)
        stage = self.stage_at(time)
        mass = self._mass_kg(time)
        speed = math.sqrt(_dot(v, v))
        if speed > 0:
            density = air_density_kg_per_m3(_height_m(r))
            total = _add(total, v, -0.5 * density * speed * self._drag_area_m2 / mass)
        if stage is None:
            return total
        return _add(total, self._thrust_direction(time, v, speed), self._burns[stage].thrust_n / mass)

    def _thrust_direction(self, time: float, v: Vector, speed: float) -> Vector:
        if time < self._pitch_over_s or speed < 1.0:
            return self._up
        lean = min(self._kick_rad, math.radians(KICK_RATE_DEG_PER_S) * (time - self._pitch_over_s))
        leaned = _dot(v, self._up) / speed
        if lean >= self._kick_rad and leaned <= math.cos(self._kick_rad):
            return (v[0] / speed, v[1] / speed, v[2] / speed)
        cosine, sine = math.cos(lean), math.sin(lean)
        return _add((cosine * self._up[0], cosine * self._up[1], cosine * self._up[2]), self._along, sine)

    def _mass_kg(self, time: float) -> float:
        for burn in self._burns:
            if time < burn.burnout_s:
                return burn.mass_kg - burn.flow_kg_per_s * max(0.0, time - burn.ignition_s)
        return self._coast_mass_kg


def _burns(rocket: Rocket) -> tuple[_Burn, ...]:
    mass = rocket.payload_mass_kg + sum(stage.propellant_mass_kg + stage.dry_mass_kg for stage in rocket.stages)
    burns, ignition = [], 0.0
    for stage in rocket.stages:
        flow = stage.propellant_mass_kg / stage.burn_time_s
        burns.append(_Burn(ignition, ignition + stage.burn_time_s, stage.thrust_n, mass, flow))
        mass -= stage.propellant_mass_kg + stage.dry_mass_kg
        ignition += stage.burn_time_s
    return tuple(burns)


def _gravity_and_turn(r: Vector, v: Vector) -> Vector:
    """Return gravity with J2 (Vallado, "Fundamentals of Astrodynamics", 4th ed., eq. 8-30), centrifugal, Coriolis."""
    x, y, z = r
    distance2 = x * x + y * y + z * z
    central = -GRAVITATIONAL_PARAMETER / (distance2 * math.sqrt(distance2))
    flat = 1.5 * J2 * SEMI_MAJOR_M * SEMI_MAJOR_M / distance2
    polar = 5 * z * z / distance2
    across = central * (1 + flat * (1 - polar))
    rate = EARTH_RATE_RAD_PER_S
    return (
        across * x + rate * rate * x + 2 * rate * v[1],
        across * y + rate * rate * y - 2 * rate * v[0],
        central * (1 + flat * (3 - polar)) * z,
    )


def _height_m(r: Vector) -> float:
    """Return the height above the ellipsoid, to first order in its flattening: good to 20 m up to 300 km."""
    distance2 = r[0] * r[0] + r[1] * r[1] + r[2] * r[2]
    sine2 = r[2] * r[2] / distance2
    surface = SEMI_MAJOR_M * math.sqrt((1 - ECCENTRICITY_SQUARED) / (1 - ECCENTRICITY_SQUARED * (1 - sine2)))
    return math.sqrt(distance2) - surface


def _hermite(p0: Vector, d0: Vector, p1: Vector, d1: Vector, step: float, along: float) -> Float64:
    """Return the cubic through two points with two slopes."""
    s, t = along, 1 - along
    b0, b1 = t * t * (1 + 2 * s), s * s * (1 + 2 * t)
    c0, c1 = step * s * t * t, -step * s * s * t
    return np.array([b0 * p0[k] + b1 * p1[k] + c0 * d0[k] + c1 * d1[k] for k in range(3)])


def _vector(values: Float64) -> Vector:
    x, y, z = values.tolist()
    return (x, y, z)


def _dot(a: Vector, b: Vector) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _add(a: Vector, b: Vector, factor: float) -> Vector:
    return (a[0] + factor * b[0], a[1] + factor * b[1], a[2] + factor * b[2])
