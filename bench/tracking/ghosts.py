"""Ghosts of two satellites: how often two unrelated sources, one a satellite, are judged to be one that moves.

The satellites fly on orbits of their own, not in a train. Each sees a source of its own, on the ground or in low cloud;
the two lines of sight meet half-way through the window, somewhere on the first seventh of the way to the first
satellite. Centroids wander by up to half a pixel, as those of a cloud's edge or a fire of many parts do. A window is
judged as a track's is. Most such pairs have stopped meeting by the window's end: they contradict one another. Or the
sources are two airliners, level and straight at 200 to 260 m/s, 9 to 12 km up, and their centroids are steady.

Beside them, what the judgement must not lose: rockets of all kinds as they come out of the cloud, seen by such
satellites for as long.

Run alone: python -m bench.tracking.ghosts [--runs 3000]
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.tracking.flights import any_place, near, rocket_truth
from bench.tracking.looks import Sensor
from bench.tracking.report import options, seeds, show
from bench.tracking.scenarios import BALLISTIC, START_UNIX_NS, Quality, satellites_round
from bench.tracking.sight import across_axes
from services.geometry.ellipsoid import geodetic_to_itrs, limb_crossing
from services.geometry.time import NS_PER_S
from services.ground_station.tracking.config import TrackingConfig
from services.ground_station.tracking.judgement.judge import (
    CONSISTENT,
    INCONSISTENT,
    MOVING,
    STATIC,
    UNDECIDED,
    judge,
)
from services.ground_station.tracking.judgement.limits import limits_from
from services.ground_station.tracking.looks_file import PIXELS_PER_SIGMA
from services.scenario.model import Place

Float64 = NDArray[np.float64]
# Place at a time since the window's start, (3,), ITRS.
Motion = Callable[[float], Float64]

VERDICTS = {
    MOVING: "moving",
    STATIC: "static",
    CONSISTENT: "consistent",
    INCONSISTENT: "inconsistent",
    UNDECIDED: "undecided",
}
QUALITY = Quality(period_s=0.5)
WINDOW_S = (12.5, 20.0)
# Where the lines of sight meet, as a part of the first one's length, from its source on.
MEET_AT = (0.01, 0.15)
WANDER_PX, WANDER_PERIOD_S = 0.5, 17.0
ASIDE_M, HIGHEST_SOURCE_M = 300_000.0, 2_500.0
AIRWAY_M, AIRLINER_M_PER_S = (9_000.0, 12_000.0), (200.0, 260.0)
# Of so many pairs there is one rocket beside.
ROCKET_EVERY = 10


def ghost_verdict(seed: int) -> int:
    """Return what is said of two unrelated sources."""
    generator, area, duration_s = _begin(seed)
    sensors = satellites_round(generator, area, duration_s / 2, 2, QUALITY)
    sources = _sources(generator, sensors, area, duration_s)
    wander_px = float(generator.uniform(0, WANDER_PX))
    return verdict(generator, sensors, [_resting(source) for source in sources], duration_s, wander_px)


def airliners_verdict(seed: int) -> int:
    """Return what is said of two airliners."""
    generator, area, duration_s = _begin(seed)
    sensors = satellites_round(generator, area, duration_s / 2, 2, QUALITY)
    sources = _sources(generator, sensors, area, duration_s, AIRWAY_M)
    flights = [_level(generator, source, duration_s / 2) for source in sources]
    return verdict(generator, sensors, flights, duration_s, 0.0)


def rocket_verdict(seed: int) -> int:
    """Return what is said of a rocket that has just come out of the cloud."""
    generator, area, duration_s = _begin(seed)
    kind = BALLISTIC[seed // ROCKET_EVERY % len(BALLISTIC)]
    truth = rocket_truth(generator, "rocket", kind, duration_s + 90.0, area)
    sensors = satellites_round(generator, area, truth.seen_from_s + duration_s / 2, 2, QUALITY)

    def flown(time_s: float) -> Float64:
        place: Float64 = truth.states(np.array([time_s]))[0][0]
        return place

    return verdict(generator, sensors, [flown, flown], duration_s, 0.0, truth.seen_from_s)


def verdict(
    generator: np.random.Generator,
    sensors: list[Sensor],
    motions: list[Motion],
    duration_s: float,
    wander_px: float,
    begin_s: float = 0.0,
) -> int:
    """Return the judgement over a window from `begin_s` on in which each satellite sees its own motion."""
    rows: list[Float64] = []
    for number, (sensor, motion) in enumerate(zip(sensors, motions, strict=True)):
        phase = generator.uniform(0, 2 * np.pi, 2)
        for time_s in begin_s + np.arange(sensor.phase_s, duration_s, sensor.period_s):
            if generator.random() > sensor.detection_probability:
                continue
            origin = _origin(sensor, time_s)
            los = motion(time_s) - origin
            los /= np.linalg.norm(los)
            wander = PIXELS_PER_SIGMA * wander_px * np.sin(2 * np.pi * time_s / WANDER_PERIOD_S + phase)
            error_rad = sensor.sigma_rad * (wander + generator.standard_normal(2))
            los += error_rad @ across_axes(los[None])[0]
            rows.append(np.array([time_s, *origin, *(los / np.linalg.norm(los)), number]))
    table = np.array(sorted(rows, key=lambda row: float(row[0])))
    origins, los, size = np.ascontiguousarray(table[:, 1:4]), np.ascontiguousarray(table[:, 4:7]), len(table)
    sigma = np.full(size, QUALITY.sigma_rad)
    said, _ = judge(
        np.ascontiguousarray(table[:, 0]),
        origins,
        los,
        sigma,
        sigma * PIXELS_PER_SIGMA,
        table[:, 7].astype(np.int64),
        size,
        _meeting(origins, los),
        1.0,
        limits_from(TrackingConfig()),
        np.empty((3, 3)),
    )
    return int(said)


def _resting(place_itrs_m: Float64) -> Motion:
    return lambda _: place_itrs_m


def _level(generator: np.random.Generator, place_itrs_m: Float64, at_s: float) -> Motion:
    """Return level flight through a place at a time, in any direction."""
    aside = np.cross(place_itrs_m, generator.standard_normal(3))
    velocity = float(generator.uniform(*AIRLINER_M_PER_S)) * aside / np.linalg.norm(aside)
    return lambda time_s: place_itrs_m + (time_s - at_s) * velocity


def _begin(seed: int) -> tuple[np.random.Generator, Place, float]:
    generator = np.random.default_rng([seed, 6])
    return generator, any_place(generator), float(generator.uniform(*WINDOW_S))


def _sources(
    generator: np.random.Generator,
    sensors: list[Sensor],
    area: Place,
    duration_s: float,
    heights_m: tuple[float, float] = (0.0, HIGHEST_SOURCE_M),
) -> list[Float64]:
    """Return (3,) where each satellite's source is, such that the lines of sight meet half-way through."""
    origins = [_origin(sensor, duration_s / 2) for sensor in sensors]
    while True:
        place = near(generator, area, 0.0, ASIDE_M)
        first = geodetic_to_itrs(place.latitude_deg, place.longitude_deg, float(generator.uniform(*heights_m)))
        meeting = first + float(generator.uniform(*MEET_AT)) * (origins[0] - first)
        down = (meeting - origins[1]) / np.linalg.norm(meeting - origins[1])
        second = limb_crossing(origins[1], down[None], float(generator.uniform(*heights_m)))[0]
        if np.isfinite(second).all():
            return [first, second]


def _origin(sensor: Sensor, time_s: float) -> Float64:
    return sensor.orbit.position_itrs_m(START_UNIX_NS + round(time_s * NS_PER_S))


def _meeting(origins: Float64, los: Float64) -> Float64:
    """Return the point nearest to all lines of sight."""
    across = np.eye(3) - los[:, :, None] * los[:, None, :]
    pulled = (across @ origins[:, :, None])[:, :, 0].sum(axis=0)
    point: Float64 = np.linalg.solve(across.sum(axis=0), pulled)
    return point


def row(what: str, verdicts: Counter[str]) -> dict[str, Any]:
    """Return a table row: the part of all windows that got each verdict."""
    total = sum(verdicts.values())
    return {
        "what": what,
        "windows": total,
        "judged_moving": verdicts["moving"],
        **{word: verdicts[word] / total for word in VERDICTS.values()},
    }


def main() -> None:
    """Print the figures."""
    chosen = options(__doc__, runs=3000).parse_args()
    ghosts: Counter[str] = Counter()
    airliners: Counter[str] = Counter()
    rockets: Counter[str] = Counter()
    for seed in seeds(chosen, "windows"):
        ghosts[VERDICTS[ghost_verdict(seed)]] += 1
        airliners[VERDICTS[airliners_verdict(seed)]] += 1
        if seed % ROCKET_EVERY == 0:
            rockets[VERDICTS[rocket_verdict(seed)]] += 1
    rows = [row("two sources at rest", ghosts), row("two airliners", airliners)]
    if rockets:
        rows.append(row("rocket", rockets))
    show("Two satellites on orbits of their own", rows, chosen.json)


if __name__ == "__main__":
    main()
