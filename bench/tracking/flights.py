"""Flights drawn by seed: the generic rockets of references.toml, each a little different, and cruise missiles."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.tracking.bodies import FLIGHT_STEP_S, Truth, tabulate
from sat_emulator.scene.flight.cruise import CruiseFlight
from sat_emulator.scene.flight.rocket import RocketFlight
from services.geometry.ellipsoid import itrs_to_geodetic
from services.geometry.geodesic import geodesic_destination
from services.runtime.configuration import ConfigurationError
from services.scenario.model import Place, Rocket
from services.scenario.references import reference_rocket

Float64 = NDArray[np.float64]

# What a rocket is varied by: each mass and thrust by a factor whose logarithm has this standard deviation, the drag
# area by its square; pitch-over and kick by factors from these ranges.
MASS_SPREAD = 0.06
KICK_RANGE = (0.8, 1.15)
PITCH_OVER_RANGE = (0.7, 1.3)
# Cloud hides a plume up to here.
CLOUD_TOP_M = (1_000.0, 9_000.0)
# Rockets that fly no more after so many draws are a mistake of this file.
MOST_DRAWS = 30
# Rockets start from here: where people live.
LATITUDES_DEG = (-55.0, 65.0)


def rocket_truth(
    generator: np.random.Generator,
    object_id: str,
    reference: str,
    until_s: float,
    place: Place | None = None,
    launch_s: float = 2.0,
    heading_deg: float | None = None,
    spread: float = 1.0,
    coasting: float = 0.0,
    step_s: float = FLIGHT_STEP_S,
    changes: Mapping[str, Any] | None = None,
    from_the_pad: bool = False,
    cloud_top_m: tuple[float, float] = CLOUD_TOP_M,
) -> Truth:
    """Return a varied rocket's flight, tabulated from its launch until `until_s` after the sky's start.

    cloud_top_m: between which heights the cloud ends above which it is seen, unless it is seen from the pad on.
    spread: how much of the usual variation of masses and steering. changes: keys that are set and not varied.
    Rockets that do not fly (that cannot lift off, or fall down at once) are drawn again.
    """
    place = place or any_place(generator)
    heading = float(generator.uniform(0, 360)) if heading_deg is None else heading_deg % 360.0
    for _ in range(MOST_DRAWS):
        rocket = varied(generator, object_id, reference, place, heading, spread, changes or {})
        cloud_m = float(generator.uniform(*cloud_top_m))
        try:
            flight = RocketFlight(rocket, until_s - launch_s)
        except ConfigurationError:
            continue
        if flight.end_s < min(until_s - launch_s, flight.burnout_s):
            continue
        positions, velocities = tabulate(flight, launch_s, until_s, step_s)
        seen_s = launch_s if from_the_pad else launch_s + step_s * _first_above(positions, cloud_m)
        return Truth(
            object_id,
            rocket.target_class,
            launch_s,
            step_s,
            positions,
            velocities,
            seen_s,
            launch_s + flight.burnout_s,
            until_s,
            coasting,
            launch_s,
            rocket,
        )
    raise ValueError(f"{reference} varied by seed does not fly in {MOST_DRAWS} draws; lower MASS_SPREAD")


def varied(
    generator: np.random.Generator,
    object_id: str,
    reference: str,
    place: Place,
    heading_deg: float,
    spread: float,
    changes: Mapping[str, Any],
) -> Rocket:
    """Return a generic rocket with its masses, drag and steering varied; see the constants above."""
    rocket = reference_rocket(
        id=object_id,
        reference=reference,
        launch={"latitude_deg": place.latitude_deg, "longitude_deg": place.longitude_deg, "height_m": place.height_m},
        launch_time_s=0.0,
        heading_deg=heading_deg,
        **changes,
    )

    def factor() -> float:
        return math.exp(spread * MASS_SPREAD * float(generator.standard_normal()))

    def between(least: float, most: float) -> float:
        return 1 + spread * (float(generator.uniform(least, most)) - 1)

    stages = tuple(
        replace(
            stage,
            thrust_n=stage.thrust_n * factor(),
            propellant_mass_kg=stage.propellant_mass_kg * factor(),
            dry_mass_kg=stage.dry_mass_kg * factor(),
        )
        for stage in rocket.stages
    )
    drawn: dict[str, Any] = {
        "stages": stages,
        "payload_mass_kg": rocket.payload_mass_kg * factor(),
        "drag_area_m2": rocket.drag_area_m2 * factor() ** 2,
        "kick_deg": rocket.kick_deg * between(*KICK_RANGE),
        "pitch_over_s": rocket.pitch_over_s * between(*PITCH_OVER_RANGE),
    }
    return replace(rocket, **{key: value for key, value in drawn.items() if key not in changes})


def cruise_truth(generator: np.random.Generator, object_id: str, until_s: float) -> Truth:
    """Return a cruise missile between two turns: 220 to 900 m/s, at 50 m to 15 km (the fast ones high)."""
    place = any_place(generator)
    speed = float(generator.uniform(220, 900))
    height = float(generator.uniform(50, 2000) if speed < 330 else generator.uniform(5000, 15_000))
    azimuth, points = float(generator.uniform(0, 360)), [(place.latitude_deg, place.longitude_deg)]
    for _ in range(3):
        points.append(geodesic_destination(*points[-1], azimuth, float(generator.uniform(0.5, 1.0)) * speed * until_s))
        azimuth += float(generator.uniform(-40, 40))
    flight = CruiseFlight(speed, tuple(Place(*point, height) for point in points), 2.0, until_s)
    positions, velocities = tabulate(flight, 0.0, until_s)
    return Truth(object_id, "cruise", 0.0, FLIGHT_STEP_S, positions, velocities, 0.0, until_s, until_s)


def near(generator: np.random.Generator, place: Place, least_m: float, most_m: float) -> Place:
    """Return a place at a distance from another, evenly over the ring's area."""
    distance = math.sqrt(float(generator.uniform(least_m**2, most_m**2)))
    return Place(
        *geodesic_destination(place.latitude_deg, place.longitude_deg, float(generator.uniform(0, 360)), distance)
    )


def square(generator: np.random.Generator, place: Place, half_side_m: float) -> Place:
    """Return a place evenly within +-half_side_m east and north of another."""
    east, north = (float(each) for each in generator.uniform(-half_side_m, half_side_m, 2))
    azimuth = math.degrees(math.atan2(east, north))
    return Place(*geodesic_destination(place.latitude_deg, place.longitude_deg, azimuth, math.hypot(east, north)))


def any_place(generator: np.random.Generator) -> Place:
    """Return a place evenly over the ground between LATITUDES_DEG."""
    least, most = (math.sin(math.radians(each)) for each in LATITUDES_DEG)
    latitude = math.degrees(math.asin(float(generator.uniform(least, most))))
    return Place(latitude, float(generator.uniform(-180, 180)))


def _first_above(positions_itrs_m: Float64, height_m: float) -> int:
    """Return the first row that is so high; the last one where none is."""
    above = itrs_to_geodetic(positions_itrs_m)[2] >= height_m
    return int(np.argmax(above)) if above.any() else len(above) - 1
