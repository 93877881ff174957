"""Where a rocket's thrust points: straight up, leaning, along its way, by a programme, or into an orbit."""

import itertools
import math
from dataclasses import dataclass

import numpy as np

from sat_emulator.scene.flight.flight import Float64
from sat_emulator.scene.flight.forces import Direction, Vector, dot, inertial_velocity, norm, split
from sat_emulator.scene.flight.path import Event
from services.geometry.ellipsoid import east_north_up
from services.scenario.model import PitchPoint, Rocket

# The kick is turned in at this rate; 2 degrees a second are slow for a rocket.
KICK_RATE_DEG_PER_S = 2.0


@dataclass(frozen=True)
class Phase:
    """One way of steering: until a time after launch, or until something happens."""

    direction: Direction
    end_s: float = math.inf
    until: Event | None = None


def ascent(rocket: Rocket) -> list[Phase]:
    """Return how a rocket steers from the pad on: its pitch programme, or a gravity turn.

    Gravity turn: straight up until `pitch_over_s`; then the thrust leans towards the heading by `kick_deg` until the
    path over the ground has leaned as far; then it goes along that path.
    """
    east, north, up = east_north_up(rocket.launch.latitude_deg, rocket.launch.longitude_deg)
    heading = math.radians(rocket.heading_deg)
    along = math.sin(heading) * east + math.cos(heading) * north
    if rocket.pitch:
        return _programme(rocket.pitch, _vector(np.cross(along, up)))
    return _gravity_turn(rocket, _vector(up), _vector(along))


def linear_tangent(begin_s: float, tangent: float, rate_per_s: float) -> Phase:
    """Return the steering whose elevation has a tangent that is linear in time, in the plane of the orbit.

    Optimal over a flat Earth (A. E. Bryson and Y.-C. Ho, "Applied Optimal Control" (1975), chapter 2); over a round
    one, with elevations from the local horizon, near it. Horizontal is the way over axes that do not turn, so that no
    thrust goes into turning the orbit's plane.
    """

    def direction(time: float, r: Vector, v: Vector, _up: Vector) -> Vector:
        distance, velocity = norm(r), inertial_velocity(r, v)
        up = (r[0] / distance, r[1] / distance, r[2] / distance)
        climb = dot(velocity, up)
        level = (velocity[0] - climb * up[0], velocity[1] - climb * up[1], velocity[2] - climb * up[2])
        speed = norm(level)
        slope = tangent + rate_per_s * (time - begin_s)
        cosine = 1 / math.sqrt(1 + slope * slope)
        return _sum(level, cosine / speed, up, slope * cosine)

    return Phase(direction)


def _gravity_turn(rocket: Rocket, up: Vector, along: Vector) -> list[Phase]:
    begin, kick, rate = rocket.pitch_over_s, math.radians(rocket.kick_deg), math.radians(KICK_RATE_DEG_PER_S)

    def straight(_time: float, _r: Vector, _v: Vector, _up: Vector) -> Vector:
        return up

    def lean(time: float, _r: Vector, _v: Vector, _up: Vector) -> Vector:
        angle = rate * (time - begin)
        return _sum(up, math.cos(angle), along, math.sin(angle))

    def hold(_time: float, _r: Vector, _v: Vector, _up: Vector) -> Vector:
        return _sum(up, math.cos(kick), along, math.sin(kick))

    def follow(_time: float, _r: Vector, v: Vector, _up: Vector) -> Vector:
        speed = norm(v)
        return (v[0] / speed, v[1] / speed, v[2] / speed) if speed > 1.0 else up

    def leaned(_time: float, state: Float64) -> float:
        v = split(state)[1]
        return norm(v) * math.cos(kick) - dot(v, up)

    turned_in = begin + kick / rate
    return [Phase(straight, begin), Phase(lean, turned_in), Phase(hold, until=Event(leaned)), Phase(follow)]


def _programme(points: tuple[PitchPoint, ...], normal: Vector) -> list[Phase]:
    """Return a phase for each stretch between points; the first and last elevations hold before and after them.

    normal: of the plane through the launch point's vertical and the heading; the thrust stays along that plane.
    """
    phases = [_stretch(points[0], points[0], points[0].time_s, normal)]
    phases += [_stretch(before, after, after.time_s, normal) for before, after in itertools.pairwise(points)]
    return [*phases, _stretch(points[-1], points[-1], math.inf, normal)]


def _stretch(before: PitchPoint, after: PitchPoint, end_s: float, normal: Vector) -> Phase:
    first = math.radians(before.elevation_deg)
    lasting = after.time_s - before.time_s
    rate = (math.radians(after.elevation_deg) - first) / lasting if lasting > 0 else 0.0

    def direction(time: float, _r: Vector, _v: Vector, up: Vector) -> Vector:
        elevation = first + rate * (time - before.time_s)
        level = (
            up[1] * normal[2] - up[2] * normal[1],
            up[2] * normal[0] - up[0] * normal[2],
            up[0] * normal[1] - up[1] * normal[0],
        )
        return _sum(level, math.cos(elevation) / norm(level), up, math.sin(elevation))

    return Phase(direction, end_s)


def _sum(a: Vector, a_factor: float, b: Vector, b_factor: float) -> Vector:
    return (
        a_factor * a[0] + b_factor * b[0],
        a_factor * a[1] + b_factor * b[1],
        a_factor * a[2] + b_factor * b[2],
    )


def _vector(values: Float64) -> Vector:
    x, y, z = values.tolist()
    return (x, y, z)
