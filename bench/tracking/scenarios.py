"""Seeded skies for the tracker: what is in them is drawn anew for every seed."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.tracking.bodies import Aircraft, Fires, Flights, Truth
from bench.tracking.flights import CLOUD_TOP_M, any_place, cruise_truth, near, rocket_truth, square
from bench.tracking.glint import Glint
from bench.tracking.looks import Sensor, Sky
from bench.tracking.sight import on_ellipsoid
from services.geometry.ellipsoid import SEMI_MAJOR_M, geodetic_to_itrs, itrs_to_geodetic
from services.geometry.geodesic import geodesic_destination
from services.geometry.orbit import Orbit, plane_over
from services.geometry.time import NS_PER_S
from services.scenario.model import Place

Float64 = NDArray[np.float64]

START_UNIX_NS = 1_782_043_200 * NS_PER_S  # 2026-06-21T12:00:00Z
# Orbits, and how far from a place, seen from the Earth's centre, its satellites are: 1,150 to 1,850 km.
ALTITUDE_M = (1.0e6, 1.2e6)
ASIDE_DEG = (5.0, 11.0)
BALLISTIC = ("short_range_liquid", "medium_range_solid", "intercontinental_liquid", "intercontinental_solid")
# Those whose first stage burns for more than a minute after it comes out of the cloud, in a gravity turn.
LONG_BOOST = ("intercontinental_liquid", "small_launcher", "medium_launcher")
# Two satellites are seen this far apart from the place below; more are spread evenly round it.
TWO_APART_DEG = 90.0


@dataclass(frozen=True)
class Quality:
    """How good sensors are: see `Sensor` for the units. Biases are standard deviations over the satellites."""

    sigma_rad: float = 1e-4
    detection_probability: float = 0.95
    clutter_per_look: float = 0.0
    period_s: float = 1.0
    # Looks of the satellites are spread over the period, and slide; False: all at one instant.
    rolling: bool = True
    attitude_bias_rad: float = 0.0
    time_bias_s: float = 0.0
    half_angle_rad: float = 0.6


def boost(
    seed: int,
    satellites: int = 4,
    reference: str = "medium_range_solid",
    quality: Quality | None = None,
    seen_s: float = 60.0,
    changes: Mapping[str, Any] | None = None,
    from_the_pad: bool = False,
    cloud_top_m: tuple[float, float] = CLOUD_TOP_M,
) -> Sky:
    """Return one rocket in boost; the sky ends `seen_s` after it may first be seen.

    changes: keys of `[[rocket]]` that are set and not varied. from_the_pad: it is seen from its launch on, else from
    a cloud top on, which lies somewhere between cloud_top_m.
    """
    generator = np.random.default_rng([seed, 1])
    area = any_place(generator)
    truth = rocket_truth(
        generator,
        "rocket",
        reference,
        seen_s + 90.0,
        area,
        changes=changes,
        from_the_pad=from_the_pad,
        cloud_top_m=cloud_top_m,
    )
    return _sky(generator, [truth], truth.seen_from_s + seen_s, satellites, quality or Quality(), area)


def targets(seed: int, count: int, duration_s: float = 60.0, quality: Quality | None = None) -> Sky:
    """Return `count` rockets in boost over an area of some 1,000 km, launched within 20 s, seen by four satellites."""
    generator = np.random.default_rng([seed, 2])
    area = any_place(generator)
    truths = [
        rocket_truth(
            generator,
            f"rocket-{k}",
            str(generator.choice(BALLISTIC)),
            duration_s,
            near(generator, area, 0.0, 500_000.0),
            launch_s=float(generator.uniform(-20.0, 0.0)),
            step_s=0.5,
            from_the_pad=True,
        )
        for k in range(count)
    ]
    return _sky(generator, truths, duration_s, 4, quality or Quality(), area)


def salvo(
    seed: int,
    groups: int = 4,
    each: int = 5,
    spread_m: float = 500.0,
    duration_s: float = 60.0,
    quality: Quality | None = None,
    within_s: float = 2.0,
) -> Sky:
    """Return groups of like rockets whose pads lie within +-spread_m of the group's centre, launched within
    `within_s` of the group's time.

    The groups are some 100 to 300 km apart, each of another kind, their times within 5 s; all of a group fly in one
    direction to within 3 degrees.
    """
    generator = np.random.default_rng([seed, 3])
    area = any_place(generator)
    truths: list[Truth] = []
    for group in range(groups):
        centre = near(generator, area, 50_000.0, 150_000.0)
        reference, heading_deg = BALLISTIC[group % len(BALLISTIC)], float(generator.uniform(0, 360))
        launch_s = float(generator.uniform(1.0, 6.0))
        truths += [
            rocket_truth(
                generator,
                f"salvo-{group}-{k}",
                reference,
                duration_s,
                square(generator, centre, spread_m),
                launch_s=launch_s + float(generator.uniform(0, within_s)),
                heading_deg=heading_deg + float(generator.uniform(-3, 3)),
                spread=0.1,
                from_the_pad=True,
            )
            for k in range(each)
        ]
    return _sky(generator, truths, duration_s, 4, quality or Quality(), area)


def flight_to_classify(seed: int, kind: str, quality: Quality | None = None) -> Sky:
    """Return one object of a kind, seen from boost to two minutes after it, or for three minutes of cruise.

    kind: a reference of references.toml, or "cruise". A body that no longer burns is seen with a part of the
    probability of detection: warm skins and gliders are dim.
    """
    generator = np.random.default_rng([seed, 4])
    quality = quality or Quality(half_angle_rad=1.0)
    if kind == "cruise":
        truth, until_s = cruise_truth(generator, "cruise", 180.0), 180.0
    else:
        truth = rocket_truth(generator, "rocket", kind, 900.0, coasting=0.7)
        until_s = min(truth.burnout_s + 120.0, truth.end_s)
    middle = truth.states(np.array([until_s / 2]))[0][0]
    latitude, longitude, _ = itrs_to_geodetic(middle)
    return _sky(generator, [truth], until_s, 4, quality, Place(float(latitude), float(longitude)))


def quiet_sky(
    seed: int,
    days: float,
    fires: int = 4000,
    aircraft: int = 9000,
    clutter_per_look: float = 50.0,
    satellites: int = 4,
    period_s: float = 1.0,
) -> Sky:
    """Return a sky in which nothing is to be warned of: fires, glint, aircraft, clutter; satellites go round.

    fires: hot places world-wide, in clusters, each burning part of the time. aircraft: in the air world-wide at once,
    at 200 to 260 m/s and 9 to 12 km; of some 9,000 to 12,000 that truly are, on ways drawn evenly over the Earth, with
    a part of them in busy regions. The satellites are a train of one plane, 7 degrees apart, looking straight down.
    """
    generator = np.random.default_rng([seed, 5])
    inclination = math.radians(81.0)
    raan, argument = (float(angle) for angle in generator.uniform(0, 2 * math.pi, 2))
    sensors = [
        Sensor(
            f"sat-{k + 1}",
            Orbit.circular(1.1e6, inclination, raan, argument + math.radians(7.0) * k, START_UNIX_NS),
            half_angle_rad=0.75,
            detection_probability=0.9,
            clutter_per_look=clutter_per_look,
            period_s=period_s,
            phase_s=float(generator.uniform(0, period_s)),
            phase_drift=float(generator.normal(0, 1e-6)),
        )
        for k in range(satellites)
    ]
    return Sky(
        START_UNIX_NS, days * 86_400, sensors, [_fires(generator, fires), _aircraft(generator, aircraft)], Glint()
    )


def satellites_round(
    generator: np.random.Generator, place: Place, at_s: float, count: int, quality: Quality
) -> list[Sensor]:
    """Return satellites around a place at an instant, evenly spread in direction but for up to 20 degrees."""
    at_ns = START_UNIX_NS + round(at_s * 1e9)
    aim = geodetic_to_itrs(place.latitude_deg, place.longitude_deg, 0.0)
    first_deg, apart_deg = float(generator.uniform(0, 360)), TWO_APART_DEG if count == 2 else 360.0 / count
    sensors = []
    for k in range(count):
        aside_m = math.radians(float(generator.uniform(*ASIDE_DEG))) * SEMI_MAJOR_M
        azimuth = first_deg + k * apart_deg + float(generator.uniform(-20, 20))
        below = geodesic_destination(place.latitude_deg, place.longitude_deg, azimuth, aside_m)
        altitude, inclination = float(generator.uniform(*ALTITUDE_M)), math.radians(float(generator.uniform(60, 100)))
        raan, argument = plane_over(inclination, altitude, *below, at_ns, ascending=bool(generator.random() < 0.5))
        sensors.append(
            Sensor(
                f"sat-{k + 1}",
                Orbit.circular(altitude, inclination, raan, argument, at_ns),
                aim,
                quality.half_angle_rad,
                quality.sigma_rad,
                quality.detection_probability,
                quality.clutter_per_look,
                quality.period_s,
                float(generator.uniform(0, quality.period_s)) if quality.rolling else 0.0,
                float(generator.normal(0, 1e-4)) if quality.rolling else 0.0,
                quality.time_bias_s * float(generator.standard_normal()),
                (
                    quality.attitude_bias_rad * float(generator.standard_normal()),
                    quality.attitude_bias_rad * float(generator.standard_normal()),
                    quality.attitude_bias_rad * float(generator.standard_normal()),
                ),
            )
        )
    return sensors


def _sky(
    generator: np.random.Generator,
    truths: Sequence[Truth],
    duration_s: float,
    satellites: int,
    quality: Quality,
    area: Place,
) -> Sky:
    sensors = satellites_round(generator, area, duration_s / 2, satellites, quality)
    return Sky(START_UNIX_NS, duration_s, sensors, [Flights(truths)])


def _fires(generator: np.random.Generator, count: int) -> Fires:
    """Return fires, flares and furnaces: a third anywhere, the others in clusters of some 200 km."""
    centres = generator.standard_normal((40, 3))
    centres /= np.linalg.norm(centres, axis=1)[:, None]
    directions = centres[generator.integers(0, len(centres), count)] + 0.03 * generator.standard_normal((count, 3))
    anywhere = generator.random(count) < 1 / 3
    directions[anywhere] = generator.standard_normal((int(anywhere.sum()), 3))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    places = on_ellipsoid(directions, generator.uniform(0, 1500, count))
    cycle_s = generator.uniform(1.0, 96.0, count) * 3600
    return Fires(places, cycle_s, cycle_s * generator.random(count))


def _aircraft(generator: np.random.Generator, count: int) -> Aircraft:
    """Return airliners; half of them begin in the ten busy regions."""
    start = generator.standard_normal((count, 3))
    hubs = generator.standard_normal((10, 3))
    hubs /= np.linalg.norm(hubs, axis=1)[:, None]
    busy = generator.random(count) < 0.5
    start[busy] = hubs[generator.integers(0, len(hubs), int(busy.sum()))] + 0.1 * start[busy]
    start /= np.linalg.norm(start, axis=1)[:, None]
    ahead = np.cross(start, generator.standard_normal((count, 3)))
    ahead /= np.linalg.norm(ahead, axis=1)[:, None]
    return Aircraft(start, ahead, generator.uniform(200, 260, count), generator.uniform(9_000, 12_000, count))
