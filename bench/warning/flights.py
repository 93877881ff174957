"""Flights of all classes with what is not known of them varied, and states on them as a tracker would state them."""

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sat_emulator.scene.atmosphere import STANDARD_GRAVITY, air_pressure_pa
from sat_emulator.scene.flight.cruise import CruiseFlight
from sat_emulator.scene.flight.flight import Flight
from sat_emulator.scene.flight.forces import gravity_and_turn
from sat_emulator.scene.flight.rocket import RocketFlight
from services.geometry.ellipsoid import itrs_to_geodetic
from services.geometry.geodesic import geodesic_destination, geodesic_distance_m
from services.ground_station.tracking.classify import FlightEvidence, flight_evidence
from services.ground_station.tracking.snapshot import TargetClass
from services.runtime.configuration import ConfigurationError
from services.scenario.model import Place, Rocket
from services.scenario.references import reference_rocket

Float64 = NDArray[np.float64]

# References of a class are drawn equally often.
ROCKETS: dict[TargetClass, tuple[str, ...]] = {
    "ballistic": ("short_range_liquid", "medium_range_solid", "intercontinental_liquid", "intercontinental_solid"),
    "glide": ("glider",),
    "space_launch": ("small_launcher", "medium_launcher"),
}
CRUISE_S = 900.0
# Missiles of longer range are not known in open literature.
LONGEST_RANGE_M = 15_000_000.0
DIFFERENCE_S = 0.05


@dataclass(frozen=True)
class Flown:
    """A flight with its class, and where the engine stops: s after launch; None for cruise, which has no boost."""

    target_class: TargetClass
    flight: Flight
    rocket: Rocket | None = None
    burnout_s: float | None = None

    def force_itrs_m_per_s2(self, time_s: float) -> Float64:
        """Return the specific force, (3,), from the difference of velocities."""
        before = max(time_s - DIFFERENCE_S, 1e-3)
        after = min(time_s + DIFFERENCE_S, self.flight.end_s)
        change = (self.flight.state_itrs(after)[1] - self.flight.state_itrs(before)[1]) / (after - before)
        position, velocity = self.flight.state_itrs(time_s)
        pull = gravity_and_turn(_vector(position), _vector(velocity))
        return np.asarray(change - np.array(pull), dtype=np.float64)

    def lift_off_m_per_s2(self) -> float | None:
        """Return the net acceleration as it leaves the ground; None for cruise."""
        if self.rocket is None:
            return None
        stage = self.rocket.stages[0]
        mass = self.rocket.payload_mass_kg + sum(s.propellant_mass_kg + s.dry_mass_kg for s in self.rocket.stages)
        push = stage.thrust_n - stage.nozzle_exit_area_m2 * air_pressure_pa(self.rocket.launch.height_m)
        return push / mass - STANDARD_GRAVITY


@dataclass(frozen=True)
class Noise:
    """What a tracker does not know of a state: standard deviations per axis, and whether it saw the launch."""

    position_m: float
    velocity_m_per_s: float
    force_m_per_s2: float
    lift_off_m_per_s2: float
    launch_s: float
    launch_seen: bool


def flights(
    target_class: TargetClass, rng: np.random.Generator, until_s: float = 9000.0, breadth: float = 1.0
) -> Iterator[Flown]:
    """Yield flights of a class without end; values that make no flight are drawn again. breadth: as `varied` has it."""
    while True:
        if target_class == "cruise":
            yield _cruise(rng)
            continue
        rocket = varied(str(rng.choice(ROCKETS[target_class])), rng, breadth)
        try:
            flight = RocketFlight(rocket, until_s)
        except ConfigurationError:
            continue
        # One that tips over into the ground as it burns is no flight of its class, nor one that flies round the Earth.
        if flight.burnout_s < flight.end_s and (target_class == "space_launch" or _range_m(flight) < LONGEST_RANGE_M):
            yield Flown(target_class, flight, rocket, flight.burnout_s)


def varied(reference: str, rng: np.random.Generator, breadth: float = 1.0) -> Rocket:
    """Return a generic rocket with another site and heading, and masses, thrust, kick and drag off by some tenths.

    breadth: how far off, in parts of that; launchers have little room, for their upper stages must reach an orbit.
    """

    def about(low: float, high: float) -> float:
        return float(1 + breadth * (rng.uniform(low, high) - 1))

    rocket = reference_rocket(
        id="varied",
        reference=reference,
        launch={
            "latitude_deg": rng.uniform(-65, 65),
            "longitude_deg": rng.uniform(-180, 180),
            "height_m": rng.uniform(0, 1200),
        },
        launch_time_s=0.0,
        heading_deg=rng.uniform(0, 360),
    )
    launcher = rocket.orbit_altitude_m is not None
    if launcher:
        breadth = 1.0
    stages = []
    for stage in rocket.stages:
        # Thrust for time: the same impulse sooner or later.
        brisk = about(0.95, 1.1) if launcher else about(0.88, 1.2)
        filled = about(0.96, 1.04) if launcher else about(0.9, 1.1)
        stages.append(
            dataclasses.replace(
                stage,
                thrust_n=stage.thrust_n * brisk,
                burn_time_s=stage.burn_time_s * filled / brisk,
                propellant_mass_kg=stage.propellant_mass_kg * filled,
                dry_mass_kg=stage.dry_mass_kg * about(0.9, 1.1),
            )
        )
    slower = about(0.9, 1.15)
    pitch = tuple(
        dataclasses.replace(
            point,
            time_s=point.time_s * slower,
            elevation_deg=min(90.0, point.elevation_deg * about(0.9, 1.1) + breadth * rng.uniform(-1, 2)),
        )
        for point in rocket.pitch
    )
    glide = rocket.glide
    if glide is not None:
        glide = dataclasses.replace(
            glide,
            kind="level" if rng.random() < 0.6 else "skip",
            lift_to_drag=rng.uniform(2.0, 3.2),
            drag_area_m2=glide.drag_area_m2 * about(0.8, 1.3),
        )
    return dataclasses.replace(
        rocket,
        stages=tuple(stages),
        payload_mass_kg=rocket.payload_mass_kg * (about(0.8, 1.0) if launcher else about(0.75, 1.25)),
        kick_deg=rocket.kick_deg * (about(0.9, 1.1) if launcher else about(0.8, 1.2)),
        pitch_over_s=rocket.pitch_over_s * about(0.8, 1.3),
        drag_area_m2=rocket.drag_area_m2 * about(0.7, 1.3),
        pitch=pitch,
        glide=glide,
        orbit_altitude_m=None if not launcher else float(rocket.orbit_altitude_m or 0.0) * rng.uniform(0.8, 1.2),
    )


def evidence(flown: Flown, time_s: float, noise: Noise, rng: np.random.Generator) -> FlightEvidence:
    """Return what a tracker with this noise may know at a time after launch."""
    position, velocity = flown.flight.state_itrs(time_s)
    sigma = np.repeat([noise.position_m, noise.velocity_m_per_s, noise.force_m_per_s2], 3)
    state = np.concatenate([position, velocity, flown.force_itrs_m_per_s2(time_s)]) + sigma * rng.standard_normal(9)
    lift_off = flown.lift_off_m_per_s2()
    seen = noise.launch_seen and lift_off is not None
    out = flown.burnout_s is not None and time_s > flown.burnout_s
    return flight_evidence(
        state[:3],
        state[3:6],
        np.diag(sigma**2),
        state[6:],
        time_since_launch_s=time_s + noise.launch_s * rng.standard_normal() if seen else None,
        time_since_launch_sigma_s=noise.launch_s if seen else 0.0,
        lift_off_m_per_s2=(lift_off or 0.0) + noise.lift_off_m_per_s2 * rng.standard_normal() if seen else None,
        lift_off_sigma_m_per_s2=noise.lift_off_m_per_s2 if seen else 0.0,
        boost_s=flown.burnout_s if seen and out else None,
        boost_seen=flown.rocket is not None,
        seen_s=time_s,
    )


def drawn_noise(rng: np.random.Generator) -> Noise:
    """Return noise from that of four satellites and many looks to that of two and few."""
    scale = float(np.exp(rng.uniform(math.log(0.3), math.log(3.0))))
    return Noise(100.0 * scale, 15.0 * scale, 1.0 * scale, 1.0 * scale, 1.0 * scale, bool(rng.random() < 0.8))


def _cruise(rng: np.random.Generator) -> Flown:
    latitude, longitude, heading = rng.uniform(-65, 65), rng.uniform(-180, 180), rng.uniform(0, 360)
    speed = float(np.exp(rng.uniform(math.log(200.0), math.log(1000.0))))
    # Sea-skimming to high supersonic: the faster, the higher it may fly.
    height = rng.uniform(50.0, 3_000.0) if speed < 400 or rng.random() < 0.3 else rng.uniform(3_000.0, 18_000.0)
    places = [Place(latitude, longitude, height)]
    for _ in range(3):
        heading += rng.uniform(-40, 40)
        reached = geodesic_destination(
            places[-1].latitude_deg, places[-1].longitude_deg, heading, max(120_000.0, speed * CRUISE_S / 2)
        )
        places.append(Place(*reached, max(30.0, height + rng.uniform(-500, 500))))
    return Flown("cruise", CruiseFlight(speed, tuple(places), rng.uniform(1.5, 4.0), CRUISE_S))


def _range_m(flight: RocketFlight) -> float:
    ends = (itrs_to_geodetic(flight.state_itrs(time_s)[0]) for time_s in (0.0, flight.end_s))
    return geodesic_distance_m(*(float(value) for end in ends for value in end[:2]))


def _vector(values: Float64) -> tuple[float, float, float]:
    x, y, z = values.tolist()
    return x, y, z
