"""A sky to track in: satellites on real orbits, sources with known motion, detections with known errors."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from services.geometry.attitude import look_at
from services.geometry.camera import Camera
from services.geometry.ellipsoid import east_north_up, elevation_rad, geodetic_to_itrs
from services.geometry.frames import itrs_from_gcrs
from services.geometry.orbit import train
from services.geometry.time import NS_PER_S
from services.ground_station.detection_batch import DetectionBatch, Detections, Geometry

Float64 = NDArray[np.float64]

START_UNIX_NS = 1_782_043_200 * NS_PER_S  # 2026-06-21T12:00:00Z
LIGHT_M_PER_S = 299_792_458.0
EXPOSURE_S = 0.02
READOUT_S = 0.05
ROWS = COLUMNS = 1024
CAMERA = Camera("equidistant", 1000.0, 511.5, 511.5, irradiance_w_per_m2_per_count=1e-12)
# ITRS position at a time since the start, or None while there is nothing to see.
Motion = Callable[[float], Float64 | None]


@dataclass(frozen=True)
class Source:
    """Something hot. seen: part of the looks that detect it. wander_px: slow error of its centroid, all its own."""

    motion: Motion
    intensity_w_per_sr: float = 3e5
    centroid_px: float = 0.2
    seen: float = 0.97
    wander_px: float = 0.0
    # Satellites that can see it; None: all.
    by: tuple[str, ...] | None = None


def fire(latitude_deg: float, longitude_deg: float, height_m: float = 200.0) -> Motion:
    """Return a source at rest."""
    place = geodetic_to_itrs(latitude_deg, longitude_deg, height_m)
    return lambda _: place


def drifting(latitude_deg: float, longitude_deg: float, height_m: float, east: float, north: float) -> Motion:
    """Return a source that drifts at a constant velocity, m/s, as cloud does."""
    place = geodetic_to_itrs(latitude_deg, longitude_deg, height_m)
    axes = east_north_up(latitude_deg, longitude_deg)
    return lambda time_s: place + time_s * (np.array([east, north, 0.0]) @ axes)


class Rocket:
    """A rocket: vertical for some seconds, then pitching over evenly; net thrust grows as propellant burns."""

    def __init__(
        self,
        latitude_deg: float,
        longitude_deg: float,
        heading_deg: float,
        launch_s: float,
        thrust_over_mass: float = 20.0,
        burn_s: float = 70.0,
        growth: float = 0.8,
        height_m: float = 150.0,
        seen_from_m: float = 0.0,
    ) -> None:
        self.latitude_deg, self.longitude_deg, self.heading_deg = latitude_deg, longitude_deg, heading_deg
        self.launch_s, self.burn_s, self.seen_from_m = launch_s, burn_s, seen_from_m
        self.step = 0.05
        axes = east_north_up(latitude_deg, longitude_deg)
        ahead = math.radians(heading_deg)
        along = np.array([math.sin(ahead), math.cos(ahead), 0.0]) @ axes
        up = axes[2]
        position = geodetic_to_itrs(latitude_deg, longitude_deg, height_m)
        self.height0 = height_m
        velocity = np.zeros(3)
        self.positions, self.velocities, self.heights = [position], [velocity], [0.0]
        for k in range(round(burn_s / self.step)):
            t = k * self.step
            pitch = math.radians(max(0.0, min(65.0, (t - 8.0) * 1.0)))
            thrust = thrust_over_mass * (1 + growth * t / burn_s)
            force = thrust * (math.cos(pitch) * up + math.sin(pitch) * along) - 9.81 * up
            velocity = velocity + force * self.step
            position = position + velocity * self.step
            self.positions.append(position)
            self.velocities.append(velocity)
            self.heights.append(float((position - self.positions[0]) @ up))

    def __call__(self, time_s: float) -> Float64 | None:
        since = time_s - self.launch_s
        if not 0 <= since < self.burn_s:
            return None
        place = since / self.step
        k = min(int(place), len(self.positions) - 2)
        if self.heights[k] < self.seen_from_m:
            return None
        part = place - k
        return self.positions[k] * (1 - part) + self.positions[k + 1] * part

    def velocity(self, time_s: float) -> Float64:
        """Return the velocity, ITRS, m/s."""
        return self.velocities[min(int((time_s - self.launch_s) / self.step), len(self.velocities) - 1)]

    def first_seen_s(self) -> float:
        """Return when it comes into sight."""
        for k, height in enumerate(self.heights):
            if height >= self.seen_from_m:
                return self.launch_s + k * self.step
        raise ValueError("never seen")


@dataclass
class Sky:
    """Four satellites in a train over an area, and what is hot below."""

    latitude_deg: float
    longitude_deg: float
    sources: list[Source]
    seed: int = 1
    satellites: int = 4
    span_deg: float = 21.0
    duration_s: float = 90.0
    rate_hz: float = 2.0
    # Detections a look that are nothing, anywhere in the image.
    clutter: tuple[int, int] = (0, 0)
    lost_looks: float = 0.0
    jitter_rad: float = 2e-5
    inclination_deg: float = 81.0
    truth: list[tuple[str, int, int, int]] = field(default_factory=list)

    def batches(self) -> Iterator[DetectionBatch]:
        """Yield what the satellites detect, instant after instant."""
        rng = np.random.default_rng(self.seed)
        orbits = train(
            self.satellites,
            math.radians(self.span_deg),
            1e6,
            math.radians(self.inclination_deg),
            self.latitude_deg,
            self.longitude_deg,
            START_UNIX_NS + round(self.duration_s / 2 * NS_PER_S),
        )
        area = geodetic_to_itrs(self.latitude_deg, self.longitude_deg, 0.0)
        phases = rng.uniform(0, 2 * np.pi, (len(self.sources), len(orbits), 2))
        for sequence in range(round(self.duration_s * self.rate_hz)):
            start = START_UNIX_NS + round(sequence / self.rate_hz * NS_PER_S)
            middle = start + round(EXPOSURE_S / 2 * NS_PER_S)
            for number, orbit in enumerate(orbits):
                found, truth = [], []
                position, velocity = orbit.state_gcrs(middle)
                to_itrs = itrs_from_gcrs(middle)
                rotation = look_at(position, to_itrs.T @ area, velocity)
                name = f"sat-{number + 1}"
                for which, source in enumerate(self.sources):
                    hit = self._see(source, name, middle, position, to_itrs, rotation, rng, phases[which, number])
                    if hit is not None:
                        found.append(hit)
                        truth.append(which)
                for _ in range(int(rng.integers(self.clutter[0], self.clutter[1] + 1))):
                    found.append(
                        (rng.uniform(2, ROWS - 3), rng.uniform(2, COLUMNS - 3), 6 + rng.exponential(1.5), 1e-9, 0.3)
                    )
                    truth.append(-1)
                if rng.random() < self.lost_looks:
                    continue
                order = sorted(range(len(found)), key=lambda k: -found[k][2])
                self.truth += [(name, sequence, place, truth[k]) for place, k in enumerate(order)]
                yield _batch(name, sequence, start, [found[k] for k in order], (position, velocity, rotation))

    def _see(
        self,
        source: Source,
        name: str,
        middle: int,
        position_gcrs: Float64,
        to_itrs: Float64,
        rotation: Float64,
        rng: np.random.Generator,
        phase: Float64,
    ) -> tuple[float, float, float, float, float] | None:
        time_s = (middle - START_UNIX_NS) / NS_PER_S
        place = source.motion(time_s)
        draws = rng.standard_normal(4)
        if place is None or rng.random() > source.seen or (source.by is not None and name not in source.by):
            return None
        satellite = to_itrs @ position_gcrs
        distance = float(np.linalg.norm(place - satellite))
        emitted = middle - round(distance / LIGHT_M_PER_S * NS_PER_S)
        place = source.motion((emitted - START_UNIX_NS) / NS_PER_S)
        if place is None or float(elevation_rad(place, satellite)) < math.radians(5):
            return None
        los = rotation.T @ (itrs_from_gcrs(emitted).T @ place - position_gcrs)
        row, column = CAMERA.project(los)
        sway = source.wander_px * np.sin(2 * np.pi * time_s / 17.0 + phase)
        jitter = self.jitter_rad / CAMERA.ifov_rad
        r = float(row[0]) + source.centroid_px * draws[0] + jitter * draws[2] + sway[0]
        c = float(column[0]) + source.centroid_px * draws[1] + jitter * draws[3] + sway[1]
        if not (1 < r < ROWS - 2 and 1 < c < COLUMNS - 2):
            return None
        snr = max(6.0, 2.0 / source.centroid_px)
        return r, c, snr, source.intensity_w_per_sr / distance**2, source.centroid_px


def _batch(
    name: str,
    sequence: int,
    start: int,
    found: list[tuple[float, float, float, float, float]],
    pose: tuple[Float64, Float64, Float64],
) -> DetectionBatch:
    table = np.array(found, dtype=np.float64).reshape(-1, 5)
    variance = table[:, 4] ** 2
    detections = Detections(
        table[:, 0],
        table[:, 1],
        np.stack([variance, np.zeros_like(variance), variance], axis=1),
        table[:, 2],
        table[:, 2],
        table[:, 3] / CAMERA.irradiance_w_per_m2_per_count,
        np.ones(len(table), dtype=np.int64),
    )
    end = start + round((EXPOSURE_S + READOUT_S) * NS_PER_S)
    return DetectionBatch(
        "run-1", name, sequence, start, end, EXPOSURE_S, ROWS, COLUMNS, detections, Geometry(*pose, CAMERA)
    )
