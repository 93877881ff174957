"""Flight along way-points at one speed: cruise missiles and aircraft."""

import bisect
import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.interpolate import CubicSpline

from sat_emulator.scene.atmosphere import STANDARD_GRAVITY
from sat_emulator.scene.flight.flight import Float64
from services.geometry.ellipsoid import geodetic_to_itrs
from services.geometry.geodesic import geodesic_azimuth_deg, geodesic_destination, geodesic_inverse
from services.runtime.configuration import ConfigurationError
from services.scenario.model import Place

# Between knots of the splines: 1 mm from the geodesic at most on legs, a part in ten million of the radius in turns.
LEG_STEP_M = 40_000.0
TURN_STEP_RAD = 0.08
# Cubics through fewer knots are no splines.
FEWEST_STEPS = 4
# A smaller change of direction needs no turn.
STRAIGHT_RAD = 1e-6


@dataclass(frozen=True)
class _Leg:
    """The geodesic between two way-points."""

    length_m: float
    azimuth_deg: float
    # At its end.
    arrival_deg: float


@dataclass(frozen=True)
class _Turn:
    """How a way-point is passed: on an arc that touches both legs at `cut_m` from it."""

    radius_m: float
    # Clockwise.
    angle_rad: float
    cut_m: float

    @property
    def length_m(self) -> float:
        return self.radius_m * abs(self.angle_rad)


class CruiseFlight:
    """A `Flight` at a constant speed over the ground on geodesics between way-points, corners cut by arcs.

    The arcs have the radius that speed and sideways acceleration give. Each height is reached where its way-point is
    passed, and heights are straight between; at height h the speed through the air is 1 + h / 6,371 km of that over the
    ground. Wind, climb limits and the start's run-up are left out: it starts at full speed.
    """

    def __init__(
        self, speed_m_per_s: float, way_points: tuple[Place, ...], turn_g: float, until_s: float, name: str = "cruise"
    ) -> None:
        """turn_g: sideways acceleration in turns, standard gravities. name: what errors call it.

        Raises ConfigurationError where a leg is too short for the turns at its ends.
        """
        legs = [_leg(here, there) for here, there in itertools.pairwise(way_points)]
        turns = _turns(legs, speed_m_per_s**2 / (turn_g * STANDARD_GRAVITY))
        _check_legs(name, legs, turns)
        self.launch_itrs_m = geodetic_to_itrs(
            way_points[0].latitude_deg, way_points[0].longitude_deg, way_points[0].height_m
        )
        self._begins: list[float] = []
        self._pieces: list[Any] = []
        self._flown_m = 0.0
        self._speed = speed_m_per_s
        for index, leg in enumerate(legs):
            self._fly_leg(leg, turns[index], turns[index + 1], way_points[index], way_points[index + 1])
        self._end_s = min(self._flown_m / speed_m_per_s, until_s)

    @property
    def end_s(self) -> float:
        """When it is over its last way-point, or the last instant asked for."""
        return self._end_s

    def stage_at(self, time_s: float) -> int | None:
        """Return 0 while it flies; None before and after."""
        return 0 if 0 <= time_s <= self._end_s else None

    def state_itrs(self, time_s: float) -> tuple[Float64, Float64]:
        """Return position and velocity over the turning Earth, (3,) each, ITRS, m and m/s.

        At rest at the first way-point before the start; ValueError beyond `end_s`.
        """
        if time_s < 0:
            return self.launch_itrs_m.copy(), np.zeros(3)
        if time_s > self._end_s + 1e-9:
            raise ValueError(f"{time_s:g} s is beyond the flight's end at {self._end_s:g} s")
        piece = self._pieces[max(bisect.bisect_right(self._begins, time_s) - 1, 0)]
        return piece(time_s), piece(time_s, 1)

    def _fly_leg(self, leg: _Leg, before: _Turn, after: _Turn, here: Place, there: Place) -> None:
        """Fly from where one way-point is passed to where the next is: half a turn, straight, half a turn."""
        straight_m = leg.length_m - before.cut_m - after.cut_m
        parts_m = before.length_m / 2, straight_m, after.length_m / 2
        slope = (there.height_m - here.height_m) / sum(parts_m)
        height = here.height_m
        if before.length_m > 0:
            out = np.linspace(0.5, 1.0, _turn_steps(before))
            self._add(
                _arc(here, leg.azimuth_deg - math.degrees(before.angle_rad), before, out), parts_m[0], height, slope
            )
            height += slope * parts_m[0]
        along = np.linspace(before.cut_m, leg.length_m - after.cut_m, FEWEST_STEPS + math.ceil(straight_m / LEG_STEP_M))
        points = [
            geodesic_destination(here.latitude_deg, here.longitude_deg, leg.azimuth_deg, s) for s in along.tolist()
        ]
        self._add(points, straight_m, height, slope)
        height += slope * straight_m
        if after.length_m > 0:
            into = np.linspace(0.0, 0.5, _turn_steps(after))
            self._add(_arc(there, leg.arrival_deg, after, into), parts_m[2], height, slope)

    def _add(self, points: list[tuple[float, float]], length_m: float, height_m: float, slope: float) -> None:
        """Add a piece through (latitude, longitude) at equal distances, climbing evenly."""
        begin_s = self._flown_m / self._speed
        self._flown_m += length_m
        latitudes, longitudes = np.array(points).T
        heights = height_m + slope * np.linspace(0.0, length_m, len(points))
        times = np.linspace(begin_s, self._flown_m / self._speed, len(points))
        self._begins.append(begin_s)
        self._pieces.append(CubicSpline(times, geodetic_to_itrs(latitudes, longitudes, heights)))


def _leg(here: Place, there: Place) -> _Leg:
    ends = (here.latitude_deg, here.longitude_deg, there.latitude_deg, there.longitude_deg)
    length, azimuth = geodesic_inverse(*ends)
    return _Leg(length, azimuth, geodesic_azimuth_deg(*ends[2:], *ends[:2]) + 180.0)


def _turns(legs: list[_Leg], radius_m: float) -> list[_Turn]:
    """Return the turns at all way-points; there is none at the first and last."""
    none = _Turn(radius_m, 0.0, 0.0)
    turns = [none]
    for before, after in itertools.pairwise(legs):
        angle = math.radians((after.azimuth_deg - before.arrival_deg + 180.0) % 360.0 - 180.0)
        straight = abs(angle) < STRAIGHT_RAD
        turns.append(none if straight else _Turn(radius_m, angle, radius_m * math.tan(abs(angle) / 2)))
    return [*turns, none]


def _check_legs(name: str, legs: list[_Leg], turns: list[_Turn]) -> None:
    for index, leg in enumerate(legs):
        needed_m = turns[index].cut_m + turns[index + 1].cut_m
        if leg.length_m <= needed_m:
            raise ConfigurationError(
                name,
                f"way-points {index + 1} and {index + 2} are {leg.length_m:.0f} m apart, but the turns there, of "
                f"radius {turns[index].radius_m:.0f} m, need more than {needed_m:.0f} m; move them apart, turn less, "
                "raise turn_g or lower speed_m_per_s",
            )


def _turn_steps(turn: _Turn) -> int:
    return FEWEST_STEPS + math.ceil(abs(turn.angle_rad) / 2 / TURN_STEP_RAD)


def _arc(corner: Place, arrival_deg: float, turn: _Turn, parts: Float64) -> list[tuple[float, float]]:
    """Return (latitude, longitude) on a turn's arc, parts from 0 (off the leg before) to 1 (on the next).

    Plane geometry in distance and direction from the way-point: there, both legs are straight lines and truly long, so
    that arc and legs meet without a jump. The speed on it is wrong by a sixth of the squared angle that the cut spans
    on the Earth: a part in a million for 20 km.
    """
    side = math.copysign(1.0, turn.angle_rad)
    points = []
    for swept in (parts * abs(turn.angle_rad)).tolist():
        forward = -turn.cut_m + turn.radius_m * math.sin(swept)
        aside = side * turn.radius_m * (1 - math.cos(swept))
        azimuth = arrival_deg + math.degrees(math.atan2(aside, forward))
        distance = math.hypot(forward, aside)
        points.append(geodesic_destination(corner.latitude_deg, corner.longitude_deg, azimuth, distance))
    return points
