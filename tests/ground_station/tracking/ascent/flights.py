"""Flights of the emulator, and lines of sight of them from satellites that hang about, for the estimator's tests."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sat_emulator.scene.flight.rocket import RocketFlight
from services.geometry.ellipsoid import east_north_up
from services.ground_station.tracking.ascent import layout
from services.ground_station.tracking.ascent.rays import Rays
from services.scenario.model import Rocket
from services.scenario.references import reference_rocket

Float64 = NDArray[np.float64]

EPOCH_OF_LAUNCH_S = 100.0
SATELLITE_SPEED_M_PER_S = 7_300.0


def rocket(reference: str, **changes: Any) -> Rocket:
    """Return a generic rocket from a place in Europe to the north-east."""
    launch = {"latitude_deg": 48.0, "longitude_deg": 20.0, "height_m": 150.0}
    return reference_rocket(
        id="rocket", reference=reference, launch=launch, launch_time_s=0.0, heading_deg=50.0, **changes
    )


def family_parameters(flown: Rocket) -> tuple[Float64, Float64]:
    """Return the parameters (12,) with which the model flies a rocket's first stage, and the reference (2,), rad."""
    stage = flown.stages[0]
    mass = flown.payload_mass_kg + sum(each.dry_mass_kg + each.propellant_mass_kg for each in flown.stages)
    x = np.zeros(layout.LAUNCH_KNOTS)
    x[layout.UP] = flown.launch.height_m
    x[layout.HEADING] = math.radians(flown.heading_deg)
    x[layout.LOG_PITCH_OVER] = math.log(flown.pitch_over_s)
    x[layout.LOG_THRUST] = math.log(stage.thrust_n / mass)
    x[layout.LOG_EXHAUST] = math.log(stage.thrust_n * stage.burn_time_s / stage.propellant_mass_kg)
    x[layout.LOG_DRAG] = math.log(flown.drag_area_m2 / mass)
    x[layout.NOZZLE] = 101_325.0 * stage.nozzle_exit_area_m2 / stage.thrust_n
    x[layout.LOG_KICK] = math.log(math.radians(flown.kick_deg))
    x[layout.LOG_KICK_RATE] = math.log(math.radians(2.0))
    return x, np.radians([flown.launch.latitude_deg, flown.launch.longitude_deg])


class Satellite:
    """In a straight line over the rocket's pad at some azimuth, 1,000 km high and 900 km aside: good for minutes."""

    def __init__(self, flown: Rocket, azimuth_deg: float) -> None:
        axes = east_north_up(flown.launch.latitude_deg, flown.launch.longitude_deg)
        azimuth = math.radians(azimuth_deg)
        level = math.sin(azimuth) * axes[0] + math.cos(azimuth) * axes[1]
        self._place = RocketFlight(flown, 1.0).launch_itrs_m + 9e5 * level + 1e6 * axes[2]
        self._velocity = SATELLITE_SPEED_M_PER_S * np.cross(level, axes[2])

    def at(self, time_s: float) -> Float64:
        """Return its place, ITRS."""
        place: Float64 = self._place + self._velocity * (time_s - EPOCH_OF_LAUNCH_S - 30.0)
        return place


def seen(
    flight: RocketFlight,
    satellites: list[Satellite],
    first_s: float,
    looks: int,
    sigma_rad: float,
    rng: np.random.Generator,
    biases: Float64 | None = None,
) -> Rays:
    """Return a look a second of each satellite from first_s after launch on; sigma_rad 0 leaves the noise out.

    biases: (S, 4) rotation (rad) and how fast the clock is (s).
    """
    rows = []
    for look in range(looks):
        for number, satellite in enumerate(satellites):
            time_s = first_s + look + number / len(satellites)
            place, _ = flight.state_itrs(time_s)
            turn, fast_s = (np.zeros(3), 0.0) if biases is None else (biases[number, :3], biases[number, 3])
            los = place - satellite.at(EPOCH_OF_LAUNCH_S + time_s)
            los /= np.linalg.norm(los)
            los = los + np.cross(turn, los) + sigma_rad * rng.normal(size=3)
            stated_s = EPOCH_OF_LAUNCH_S + time_s + fast_s
            rows.append((stated_s, satellite.at(stated_s), los / np.linalg.norm(los), number))
    times, origins, lines, sensors = zip(*rows, strict=True)
    return Rays(
        np.array(times),
        np.array(origins),
        np.array(lines),
        np.full(len(rows), sigma_rad or 1e-6),
        np.array(sensors, dtype=np.int64),
    )
