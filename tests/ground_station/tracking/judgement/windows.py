"""Windows of lines of sight with a known cause, from a seed: what the judgement is tried on."""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.geometry.ellipsoid import east_north_up, geodetic_to_itrs, limb_crossing
from tests.ground_station.tracking.judgement.naive import Rays

Float64 = NDArray[np.float64]
Generator = np.random.Generator
# Place at a time, ITRS.
Motion = Callable[[float], Float64]

ORBIT_RADIUS_M = 7.378e6
ORBIT_RATE_RAD_PER_S = 9.95e-4
PIXEL_RAD = 1e-3
SIGMA_RAD = 2e-4


class Sky:
    """Satellites on circles over a place, a train with seeded spacing, and the place's axes east, north, up."""

    def __init__(self, rng: Generator, satellites: int) -> None:
        latitude, longitude = rng.uniform(-60, 60), rng.uniform(-180, 180)
        self.ground = geodetic_to_itrs(latitude, longitude, 0.0)
        self.east, self.north, self.up = east_north_up(latitude, longitude)
        heading = rng.uniform(0, 2 * math.pi, satellites)
        self.along = [math.sin(h) * self.east + math.cos(h) * self.north for h in heading]
        self.phase = rng.uniform(-0.14, 0.14, satellites) + np.linspace(-0.08, 0.08, satellites)
        self.satellites = satellites

    def origin(self, satellite: int, time_s: float) -> Float64:
        """Return where a satellite is."""
        angle = self.phase[satellite] + ORBIT_RATE_RAD_PER_S * time_s
        radial: Float64 = ORBIT_RADIUS_M * (math.cos(angle) * self.up + math.sin(angle) * self.along[satellite])
        return radial

    def moving(self, rng: Generator, height_m: float, velocity: tuple[float, float, float], up: float = 0.0) -> Motion:
        """Return motion from near the place: velocity east, north, up, m/s, and acceleration upwards, m/s^2."""
        aside = rng.uniform(-5e4, 5e4, 2)
        start = self.ground + aside[0] * self.east + aside[1] * self.north + height_m * self.up
        step = velocity[0] * self.east + velocity[1] * self.north + velocity[2] * self.up
        return lambda time_s: start + time_s * step + time_s**2 / 2 * up * self.up

    def looks(
        self,
        rng: Generator,
        motions: list[Motion],
        duration_s: float = 20.0,
        period_s: float = 0.5,
        wander_px: float = 0.0,
        shuffled: bool = False,
    ) -> Rays:
        """Return what the satellites see, each of its own motion; every tenth look is lost, and the periods roll.

        wander_px: slow error of every centroid, of its own phase.
        """
        rows = []
        for satellite, motion in enumerate(motions):
            roll, phase = rng.uniform(0, period_s), rng.uniform(0, 2 * np.pi, 2)
            for time_s in np.arange(roll, duration_s, period_s):
                if rng.random() < 0.1:
                    continue
                origin = self.origin(satellite, time_s)
                los = motion(time_s) - origin
                los /= np.linalg.norm(los)
                first = np.cross(los, self.east)
                first /= np.linalg.norm(first)
                slow = wander_px * PIXEL_RAD * np.sin(2 * np.pi * time_s / 17.0 + phase)
                error = slow + sigma_of(satellite) * rng.standard_normal(2)
                los = los + error[0] * first + error[1] * np.cross(los, first)
                rows.append((time_s, *origin, *(los / np.linalg.norm(los)), satellite))
        rows = [rows[k] for k in rng.permutation(len(rows))] if shuffled else sorted(rows)
        table = np.array(rows)
        name = table[:, 7]
        pixel = PIXEL_RAD * (1 + 0.1 * name)
        return numbered(table[:, 0], table[:, 1:4], table[:, 4:7], sigma_of(name), pixel, name)


def sigma_of(satellite: float | Float64) -> Any:
    """Return the errors of a satellite's lines of sight, or of each satellite's: no two cameras are alike."""
    return SIGMA_RAD * (1 + 0.1 * satellite)


def numbered(
    time_s: Float64, origin_itrs_m: Float64, los_itrs: Float64, sigma_rad: Float64, pixel_rad: Float64, name: Float64
) -> Rays:
    """Return lines of sight whose satellites are numbered in order of first appearance, as the twin wants them."""
    names = list(dict.fromkeys(name.tolist()))
    sensor = np.array([names.index(each) for each in name.tolist()], dtype=np.int64)
    return Rays(
        np.ascontiguousarray(time_s),
        np.ascontiguousarray(origin_itrs_m),
        np.ascontiguousarray(los_itrs),
        np.ascontiguousarray(sigma_rad),
        np.ascontiguousarray(pixel_rad),
        sensor,
        tuple(str(each) for each in names),
    )


def rocket(rng: Generator) -> Rays:
    """Return looks of a rocket in boost."""
    sky = Sky(rng, int(rng.integers(2, 5)))
    velocity = (rng.uniform(-300, 300), rng.uniform(-300, 300), rng.uniform(100, 700))
    motion = sky.moving(rng, rng.uniform(5e3, 4e4), velocity, rng.uniform(5, 30))
    return sky.looks(rng, [motion] * sky.satellites, rng.uniform(4, 20), shuffled=bool(rng.random() < 0.5))


def fire(rng: Generator) -> Rays:
    """Return looks of a fire at rest."""
    sky = Sky(rng, int(rng.integers(2, 5)))
    return sky.looks(rng, [sky.moving(rng, 200.0, (0, 0, 0))] * sky.satellites, rng.uniform(4, 20), 0.3)


def wandering(rng: Generator) -> Rays:
    """Return looks of a fire whose centroid wanders."""
    sky = Sky(rng, int(rng.integers(2, 5)))
    motions = [sky.moving(rng, 200.0, (0, 0, 0))] * sky.satellites
    return sky.looks(rng, motions, rng.uniform(12, 20), wander_px=rng.uniform(0.1, 0.8))


def cloud(rng: Generator) -> Rays:
    """Return looks of a cloud that drifts in a jet stream, with an updraught."""
    sky = Sky(rng, int(rng.integers(2, 5)))
    motion = sky.moving(rng, 1e4, (rng.uniform(-90, 90), rng.uniform(-90, 90), rng.uniform(0, 20)))
    return sky.looks(rng, [motion] * sky.satellites, rng.uniform(8, 20))


def cruise(rng: Generator) -> Rays:
    """Return looks of something that travels level and fast."""
    sky = Sky(rng, int(rng.integers(2, 5)))
    motion = sky.moving(rng, 1e4, (rng.uniform(200, 900), rng.uniform(-200, 200), 0.0))
    return sky.looks(rng, [motion] * sky.satellites, rng.uniform(12, 20))


def ghost(rng: Generator) -> Rays:
    """Return looks of two fires, one a satellite, whose lines of sight happen to cross above the ground."""
    sky = Sky(rng, 2)
    first = sky.moving(rng, 0.0, (0, 0, 0))
    ray = sky.origin(0, 10.0) - first(10.0)
    crossing = first(10.0) + rng.uniform(0.01, 0.15) * ray
    down = crossing - sky.origin(1, 10.0)
    second = limb_crossing(sky.origin(1, 10.0), down / np.linalg.norm(down))[0]
    return sky.looks(rng, [first, lambda _: second], rng.uniform(12.5, 20), wander_px=rng.uniform(0, 0.5))


def airliners(rng: Generator) -> Rays:
    """Return looks of two airliners, one a satellite, whose lines of sight happen to cross above them."""
    return _airliners(rng, (0.01, 0.15), rng.uniform(0, 2 * math.pi), rng.uniform(12.5, 16))


def low_crossing(rng: Generator) -> Rays:
    """Return the same of two that fly one way, where the lines of sight cross near them."""
    return _airliners(rng, (-0.008, 0.004), rng.normal(math.pi / 2, 0.1), 20.0)


def changed_airliner(rng: Generator) -> Rays:
    """Return looks of an airliner of which one of two satellites goes on with another one near by."""
    sky = Sky(rng, 2)
    speed, since_s = rng.uniform(200, 260, 2), rng.uniform(3.0, 6.0)
    first = sky.moving(rng, 1e4, (speed[0], 0.0, 0.0))
    second = _crossed_by(sky, first, since_s, rng.uniform(0.0005, 0.003), speed[1], rng.normal(math.pi / 2, 0.1))
    return sky.looks(rng, [first, lambda time_s: first(time_s) if time_s < since_s else second(time_s)], 16.0)


def _airliners(rng: Generator, part: tuple[float, float], turn: float, duration_s: float) -> Rays:
    sky = Sky(rng, 2)
    speed = rng.uniform(200, 260, 2)
    first = sky.moving(rng, 1e4, (speed[0], 0.0, 0.0))
    return sky.looks(rng, [first, _crossed_by(sky, first, 8.0, rng.uniform(*part), speed[1], turn)], duration_s)


def _crossed_by(sky: Sky, first: Motion, at_s: float, part: float, speed: float, turn: float) -> Motion:
    """Return an airliner at a speed, which the second satellite sees where the first sees another, at a time.

    part: how far up the first line of sight they cross. turn: which way it flies, from north to east.
    """
    crossing = first(at_s) + part * (sky.origin(0, at_s) - first(at_s))
    down = crossing - sky.origin(1, at_s)
    below = limb_crossing(sky.origin(1, at_s), down / np.linalg.norm(down), 1e4)[0]
    step = speed * (math.sin(turn) * sky.east + math.cos(turn) * sky.north)
    return lambda time_s: below + (time_s - at_s) * step


def closing_ghost(rng: Generator) -> Rays:
    """Return looks of two fires, one a satellite, by satellites that fly towards one another: the crossing rises."""
    sky = Sky(rng, 2)
    sky.along, sky.phase = [sky.east, -sky.east], rng.uniform(-0.13, -0.1, 2)
    first = sky.ground
    crossing = first + rng.uniform(0.06, 0.1) * (sky.origin(0, 8.0) - first)
    down = crossing - sky.origin(1, 8.0)
    second = limb_crossing(sky.origin(1, 8.0), down / np.linalg.norm(down))[0]
    return sky.looks(rng, [lambda _: first, lambda _: second], 16.0, wander_px=0.5)


def two_objects(rng: Generator) -> Rays:
    """Return looks of fires kilometres apart, one a satellite, which no object explains."""
    sky = Sky(rng, int(rng.integers(3, 5)))
    return sky.looks(rng, [sky.moving(rng, 200.0, (0, 0, 0)) for _ in range(sky.satellites)])


def few(rng: Generator) -> Rays:
    """Return too few looks, or too short a time, or a second satellite that hardly looks."""
    lines = rocket(rng)
    which = int(rng.integers(3))
    if which == 0:
        return first_of(lines, np.flatnonzero(np.arange(len(lines)) < rng.integers(0, 10)))
    if which == 1:
        return first_of(lines, np.flatnonzero(lines.time_s < lines.time_s.min() + rng.uniform(0.5, 2.9)))
    others = np.flatnonzero(lines.sensor > 0)[:2]
    return first_of(lines, np.sort(np.concatenate([np.flatnonzero(lines.sensor == 0), others])))


def first_of(lines: Rays, kept: NDArray[np.int64]) -> Rays:
    """Return the chosen lines of sight, satellites numbered anew."""
    return numbered(
        lines.time_s[kept],
        lines.origin_itrs_m[kept],
        lines.los_itrs[kept],
        lines.sigma_rad[kept],
        lines.pixel_rad[kept],
        lines.sensor[kept].astype(np.float64),
    )


def one_place(rng: Generator) -> Rays:
    """Return looks of satellites that stand in one and the same place: no range is to be had."""
    lines = fire(rng)
    origin = np.broadcast_to(lines.origin_itrs_m[0], lines.origin_itrs_m.shape).copy()
    return replace(lines, origin_itrs_m=origin, los_itrs=np.broadcast_to(lines.los_itrs[0], origin.shape).copy())


def crossing(lines: Rays) -> Float64:
    """Return the point nearest to all lines of sight, the nearest to the Earth's centre where that is many."""
    if len(lines) == 0:
        return np.array([6.4e6, 0.0, 0.0])
    across = np.eye(3) - lines.los_itrs[:, :, None] * lines.los_itrs[:, None, :]
    pulled = (across @ lines.origin_itrs_m[:, :, None])[:, :, 0].sum(axis=0)
    point: Float64 = np.linalg.lstsq(across.sum(axis=0), pulled, rcond=1e-12)[0]
    return point


CAUSES: dict[str, Callable[[Generator], Rays]] = {
    "rocket": rocket,
    "fire": fire,
    "wandering": wandering,
    "cloud": cloud,
    "cruise": cruise,
    "ghost": ghost,
    "two_objects": two_objects,
    "few": few,
    "closing_ghost": closing_ghost,
    "airliners": airliners,
    "low_crossing": low_crossing,
    "changed_airliner": changed_airliner,
}


@cache
def window(cause: str, seed: int) -> tuple[Rays, Float64]:
    """Return the lines of sight of a cause and a seed, and where they point."""
    lines = CAUSES[cause](np.random.default_rng([seed, list(CAUSES).index(cause)]))
    return lines, crossing(lines)
