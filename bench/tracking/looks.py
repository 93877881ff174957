"""Looks of known bodies by known satellites, as lines of looks.jsonl, each detection with the body that it is of.

A look is taken at an instant of reception. Light left the body earlier: that instant is solved for, and the direction
is that from which the light came, in ITRS axes of reception (no aberration: as `plumewatch track` has it). What the
line then states is what the satellite believes: its clock may be off, so that time, its own place and the axes are
those of another instant, and its attitude may be off by a constant small rotation.
Signal-to-noise ratios of bodies and clutter are drawn alike, so that they tell nobody which is which.
"""

import functools
import heapq
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.tracking.bodies import Bodies
from bench.tracking.glint import Glint
from bench.tracking.sight import about, in_view, left_from, light_s, moved_across, near_view, turned_about_axis
from bench.tracking.stated import Stated
from services.geometry.ellipsoid import SEMI_MINOR_M, limb_crossing
from services.geometry.frames import EARTH_RATE_RAD_PER_S
from services.geometry.orbit import Orbit

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

# Lower above the body's horizon no satellite sees it: air and cloud.
LEAST_ELEVATION_RAD = math.radians(5.0)
# Rounds of the light's way; each gains a factor of speed over that of light.
LIGHT_ROUNDS = 3
# Slow bodies are asked for again after so long whether they may be in view, and so far beyond the field's edge.
SURVEY_S = 30.0
SURVEY_MARGIN_RAD = 0.2
# Beyond what is lost to rounding.
SURE_RAD = 1e-6
# Of a detection's signal-to-noise ratio: least, and mean excess over it.
LEAST_SNR, SNR_EXCESS = 5.0, 4.0
VELOCITY_STEP_NS = 500_000_000


@dataclass(frozen=True, eq=False)
class Sensor:
    """One satellite with a round field of view, and what is wrong with it.

    aim_itrs_m: (3,) what it points at; None: straight down. Looks are taken at times phase_s + n * period_s, which
    slide by phase_drift seconds a second. time_bias_s: its clock is fast by so much. attitude_bias_rad: the rotation
    by which its lines of sight are wrong, about the axes up, along (its motion, less its part along up), across.
    outages: from and to, seconds since the start, without looks.
    """

    sensor_id: str
    orbit: Orbit
    aim_itrs_m: Float64 | None = None
    half_angle_rad: float = 0.6
    sigma_rad: float = 1e-4
    detection_probability: float = 0.95
    clutter_per_look: float = 0.0
    period_s: float = 1.0
    phase_s: float = 0.0
    phase_drift: float = 0.0
    time_bias_s: float = 0.0
    attitude_bias_rad: tuple[float, float, float] = (0.0, 0.0, 0.0)
    outages: tuple[tuple[float, float], ...] = ()

    def boresight_itrs(self, position_itrs_m: Float64) -> Float64:
        """Return the field's centre, (3,) unit, from a place."""
        ray = -position_itrs_m if self.aim_itrs_m is None else self.aim_itrs_m - position_itrs_m
        unit: Float64 = ray / np.linalg.norm(ray)
        return unit

    def time_s(self, frame: int) -> float:
        """Return when its look of a frame is received, since the start."""
        return self.phase_s + frame * self.period_s * (1 + self.phase_drift)


@dataclass(frozen=True, eq=False)
class Sky:
    """Satellites, and what they may see from a start on."""

    start_unix_ns: int
    duration_s: float
    sensors: Sequence[Sensor]
    bodies: Sequence[Bodies]
    glint: Glint | None = None


@dataclass(frozen=True, eq=False)
class SimulatedLook:
    """What a satellite states of one look, and what it truly shows.

    frame: which look of its sensor. truth_ids: for each detection the body that it is of; None: of none.
    true_s: of reception, since the start. delivered_s: when it reaches the ground.
    """

    stated: Stated
    frame: int
    truth_ids: list[str | None]
    true_s: float
    delivered_s: float

    @functools.cached_property
    def line(self) -> dict[str, Any]:
        """The line of looks.jsonl."""
        return self.stated.line()


@dataclass(frozen=True)
class Delivery:
    """What the way to the ground does to looks: each is lost, late (by up to `latest_s`) or repeated by chance."""

    latency_s: float = 0.2
    late: float = 0.0
    latest_s: float = 2.0
    repeated: float = 0.0
    lost: float = 0.0


def looks(sky: Sky, generator: np.random.Generator) -> Iterator[SimulatedLook]:
    """Yield the sky's looks in order of reception; the same generator state gives the same looks."""
    streams = generator.spawn(len(sky.sensors))
    return heapq.merge(
        *(_Looker(sky, sensor, stream).looks() for sensor, stream in zip(sky.sensors, streams, strict=True)),
        key=lambda look: look.true_s,
    )


def deliver(taken: Iterable[SimulatedLook], way: Delivery, generator: np.random.Generator) -> Iterator[SimulatedLook]:
    """Yield looks in the order in which they reach the ground; repeated ones come twice."""
    waiting: list[tuple[float, int, SimulatedLook]] = []
    count = 0
    for look in taken:
        draws = generator.random(5)
        copies = 0 if draws[0] < way.lost else 2 if draws[1] < way.repeated else 1
        for copy in range(copies):
            late = draws[2 + copy] * way.latest_s if copy or draws[4] < way.late else 0.0
            at_s = look.true_s + way.latency_s + late
            arrived = SimulatedLook(look.stated, look.frame, look.truth_ids, look.true_s, at_s)
            heapq.heappush(waiting, (at_s, count, arrived))
            count += 1
        while waiting and waiting[0][0] <= look.true_s:
            yield heapq.heappop(waiting)[2]
    while waiting:
        yield heapq.heappop(waiting)[2]


def write_looks(path: Path, taken: Iterable[SimulatedLook]) -> int:
    """Write the lines to a file and return how many there are."""
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for look in taken:
            file.write(json.dumps(look.line) + "\n")
            count += 1
    return count


class _Looker:
    """One sensor's looks, frame after frame."""

    def __init__(self, sky: Sky, sensor: Sensor, generator: np.random.Generator) -> None:
        self._sky, self._sensor, self._generator = sky, sensor, generator
        self._near: list[Int64] = []
        self._surveyed_s = -math.inf

    def looks(self) -> Iterator[SimulatedLook]:
        frame = 0
        while (time_s := self._sensor.time_s(frame)) <= self._sky.duration_s:
            if not any(begin <= time_s < end for begin, end in self._sensor.outages):
                yield self._look(frame, time_s)
            frame += 1

    def _look(self, frame: int, time_s: float) -> SimulatedLook:
        sensor = self._sensor
        received_ns = self._sky.start_unix_ns + round(time_s * 1e9)
        stated_ns = received_ns + round(sensor.time_bias_s * 1e9)
        position = sensor.orbit.position_itrs_m(received_ns)
        stated_position = sensor.orbit.position_itrs_m(stated_ns) if sensor.time_bias_s else position
        boresight = sensor.boresight_itrs(position)
        stated_boresight = sensor.boresight_itrs(stated_position) if sensor.time_bias_s else boresight
        seen, ids = self._bodies(time_s, received_ns, position, boresight)
        noisy = _noisy(seen, sensor.sigma_rad, self._generator)
        turned = self._misjudged(noisy, position, received_ns)
        clutter = self._clutter(position, boresight)
        los = np.concatenate([turned, clutter])
        truth_ids = [*ids, *[None] * len(clutter)]
        snr = LEAST_SNR + self._generator.exponential(SNR_EXCESS, len(los))
        order = np.argsort(-snr, kind="stable")
        stated = Stated(
            sensor.sensor_id,
            stated_ns,
            stated_position,
            stated_boresight,
            sensor.half_angle_rad,
            sensor.sigma_rad,
            los[order],
            np.round(snr[order], 3),
        )
        return SimulatedLook(stated, frame, [truth_ids[k] for k in order.tolist()], time_s, time_s)

    def _bodies(
        self, time_s: float, received_ns: int, position: Float64, boresight: Float64
    ) -> tuple[Float64, list[str | None]]:
        """Return (n, 3) directions to the bodies that this look detects, and who they are."""
        if time_s >= self._surveyed_s + SURVEY_S:
            self._survey(time_s)
        parts: list[Float64] = []
        ids: list[str | None] = []
        for bodies, near in zip(self._sky.bodies, self._near, strict=True):
            share = bodies.seen_share(near, time_s)
            lit = np.flatnonzero(share > 0)
            which = near[lit]
            place, came_from = self._places(bodies, which, time_s, position)
            los, seen = self._in_view(place, came_from, position, boresight)
            chance = self._generator.random(len(which)) < share[lit] * self._sensor.detection_probability
            kept = np.flatnonzero(seen & chance)
            parts.append(los[kept])
            ids.extend(bodies.object_ids[k] for k in which[kept].tolist())
        if self._sky.glint is not None:
            points = self._sky.glint.points_itrs_m(position, received_ns, self._generator)
            los, seen = self._in_view(points, points, position, boresight)
            parts.append(los[seen])
            ids.extend([None] * int(np.count_nonzero(seen)))
        return np.concatenate([*parts, np.empty((0, 3))]), ids

    def _survey(self, time_s: float) -> None:
        """Note who may be in view until the next survey."""
        self._surveyed_s = time_s
        middle_s = time_s + SURVEY_S / 2
        position = self._sensor.orbit.position_itrs_m(self._sky.start_unix_ns + round(middle_s * 1e9))
        boresight = self._sensor.boresight_itrs(position)
        widest = math.cos(min(self._sensor.half_angle_rad + SURVEY_MARGIN_RAD, math.pi))
        self._near = []
        for bodies in self._sky.bodies:
            everyone = np.arange(len(bodies.object_ids))
            if bodies.slow:
                place, _ = bodies.states(everyone, np.full(len(everyone), middle_s))
                everyone = near_view(place, position, boresight, widest)
            self._near.append(everyone)

    def _places(self, bodies: Bodies, which: Int64, time_s: float, position: Float64) -> tuple[Float64, Float64]:
        """Return (n, 3) where each one's light comes from, and the same in axes of reception."""
        # The first round: as if light took no time.
        place, velocity = bodies.states(which, np.full(len(which), time_s))
        if bodies.slow:
            return left_from(place, velocity, position)
        age = light_s(place, position)
        for _ in range(LIGHT_ROUNDS - 1):
            place, _ = bodies.states(which, time_s - age)
            came_from = turned_east(place, -EARTH_RATE_RAD_PER_S * age)
            age = light_s(came_from, position)
        return place, came_from

    def _in_view(
        self, place: Float64, came_from: Float64, position: Float64, boresight: Float64
    ) -> tuple[Float64, NDArray[np.bool_]]:
        """Return (n, 3) the directions to places, and whether each is in view."""
        least_cosine, least_sine = math.cos(self._sensor.half_angle_rad), math.sin(LEAST_ELEVATION_RAD)
        los, seen = in_view(place, came_from, position, boresight, least_cosine, least_sine)
        return los, seen

    def _misjudged(self, los: Float64, position: Float64, received_ns: int) -> Float64:
        """Return the lines of sight as attitude and clock have them."""
        sensor = self._sensor
        if sensor.time_bias_s:
            # The axes of the instant that the clock shows.
            los = turned_east(los, np.full(len(los), -EARTH_RATE_RAD_PER_S * sensor.time_bias_s))
        if any(sensor.attitude_bias_rad):
            ahead = sensor.orbit.position_itrs_m(received_ns + VELOCITY_STEP_NS)
            los = los + np.cross(orbit_axes(position, ahead).T @ np.array(sensor.attitude_bias_rad), los)
            los /= np.linalg.norm(los, axis=1)[:, None]
        return los

    def _clutter(self, position: Float64, boresight: Float64) -> Float64:
        """Return (n, 3) directions, even over the part of the field of view that the Earth fills."""
        count = int(self._generator.poisson(self._sensor.clutter_per_look))
        half_angle = self._sensor.half_angle_rad
        full = _is_full(position, boresight, half_angle)
        kept = np.empty((0, 3))
        while len(kept) < count:
            cosine = self._generator.uniform(math.cos(half_angle), 1.0, 2 * count)
            turn = self._generator.uniform(0.0, 2 * math.pi, 2 * count)
            los = about(boresight, cosine, np.cos(turn), np.sin(turn))
            kept = los if full else np.concatenate([kept, los[~np.isnan(limb_crossing(position, los)[:, 0])]])
        return kept[:count]


def _is_full(position_itrs_m: Float64, boresight: Float64, half_angle_rad: float) -> bool:
    """Return whether the Earth fills a field of view for sure: the sphere within the ellipsoid does."""
    distance = math.hypot(*position_itrs_m.tolist())
    off_nadir = math.acos(max(-1.0, min(1.0, float(boresight @ -position_itrs_m) / distance)))
    return distance > SEMI_MINOR_M and off_nadir + half_angle_rad < math.asin(SEMI_MINOR_M / distance) - SURE_RAD


def orbit_axes(position_itrs_m: Float64, ahead_itrs_m: Float64) -> Float64:
    """Return the (3, 3) rotation whose rows are up, along and across at a place on the way to one shortly after."""
    up = position_itrs_m / np.linalg.norm(position_itrs_m)
    step = ahead_itrs_m - position_itrs_m
    along = step - (step @ up) * up
    along /= np.linalg.norm(along)
    return np.stack([up, along, np.cross(up, along)])


def turned_east(vectors: Float64, angle_rad: Float64) -> Float64:
    """Return vectors (n, 3) turned about the Earth's axis, counter-clockwise seen from the north, by angles (n,)."""
    result: Float64 = turned_about_axis(vectors, np.cos(angle_rad), np.sin(angle_rad))
    return result


def _noisy(los: Float64, sigma_rad: float, generator: np.random.Generator) -> Float64:
    noisy: Float64 = moved_across(los, sigma_rad * generator.standard_normal((len(los), 2)))
    return noisy
