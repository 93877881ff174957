"""From what a scenario's file says to orbits, places and instants."""

import math
from dataclasses import dataclass

import numpy as np

from services.geometry import orbit as orbits
from services.geometry.ellipsoid import geodetic_to_itrs, itrs_to_geodetic
from services.geometry.orbit import Orbit
from services.geometry.time import NS_PER_DAY, NS_PER_S, format_rfc3339, unix_ns
from services.runtime.configuration import ConfigurationError
from services.scenario.model import Gateway, Place, Pointing, Replay, Satellite, Scenario, Sensor, Train, Walker
from services.scenario.teleports import teleport_gateways
from services.scenario.tle import find_tle

# SGP4's error grows by kilometres a day; after a month elements place nothing.
MAX_TLE_AGE_DAYS = 30.0


@dataclass(frozen=True)
class ResolvedSatellite:
    """One satellite of the run.

    index: place in the run's list, part of its random seed.
    target: where its camera looks; None: straight down.
    replay: recorded images in the camera's stead; None: emulated.
    """

    id: str
    index: int
    orbit: Orbit
    target: Place | None
    replay: Replay | None
    sensor: Sensor


@dataclass(frozen=True)
class _Slot:
    """An orbit that the train or the pattern gives, and who takes it if nobody is named."""

    id: str
    orbit: Orbit
    pointing: Pointing


def start_unix_ns(scenario: Scenario) -> int:
    """Return when the run starts: the first exposure's start."""
    return unix_ns(scenario.start)


def end_unix_ns(scenario: Scenario) -> int:
    """Return when the run ends; no exposure starts then or later."""
    return start_unix_ns(scenario) + round(scenario.duration_s * NS_PER_S)


def resolve_area(scenario: Scenario) -> Place:
    """Return where the train passes over and cameras look.

    The scenario's `area`; left out, the middle of the launch sites, else of the fires; else, nothing being on the
    ground, latitude and longitude 0.
    """
    if scenario.area is not None:
        return scenario.area
    places = [rocket.launch for rocket in scenario.rockets] or [fire.place for fire in scenario.fires]
    if not places:
        return Place(0.0, 0.0)
    if len(places) == 1:
        return places[0]
    positions = [geodetic_to_itrs(place.latitude_deg, place.longitude_deg, 0.0) for place in places]
    middle = np.mean(positions, axis=0)
    if np.linalg.norm(middle) < 1e5:
        raise ConfigurationError("area", "must be set: the launch sites lie on opposite sides of the Earth")
    latitude, longitude, _ = itrs_to_geodetic(middle)
    return Place(float(latitude), float(longitude), sum(place.height_m for place in places) / len(places))


def resolve_satellites(scenario: Scenario) -> tuple[ResolvedSatellite, ...]:
    """Return the run's satellites with their orbits, in a fixed order.

    Satellites named without a TLE take the places of the train (or pattern) in the file's order; places left over go
    to satellites called prefix-1, prefix-2, … by their place. Satellites with a TLE come in addition. Where no train
    is given, named satellites without a TLE form one of their number.
    """
    unplaced = [satellite for satellite in scenario.satellites if satellite.tle is None and satellite.tle_file is None]
    slots = _slots(scenario, len(unplaced))
    if len(unplaced) > len(slots):
        pattern = "train" if scenario.train is not None else "walker"
        raise ConfigurationError(
            pattern,
            f"has {len(slots)} places for {len(unplaced)} satellites without a TLE; "
            f"set {pattern}.satellites = {len(unplaced)} or give {unplaced[len(slots)].id!r} a TLE",
        )
    taken = {satellite.id: slot for satellite, slot in zip(unplaced, slots, strict=False)}
    resolved: list[tuple[str, Orbit, Pointing, Replay | None]] = []
    for place, satellite in enumerate(scenario.satellites):
        orbit = taken[satellite.id].orbit if satellite.id in taken else _tle_orbit(satellite, place, scenario)
        resolved.append((satellite.id, orbit, satellite.pointing, satellite.replay))
    resolved += [(slot.id, slot.orbit, slot.pointing, None) for slot in slots[len(unplaced) :]]
    _check(scenario, resolved)
    return tuple(
        ResolvedSatellite(name, index, orbit, _target(scenario, pointing), replay, scenario.sensor)
        for index, (name, orbit, pointing, replay) in enumerate(resolved)
    )


def relays(scenario: Scenario) -> dict[str, Orbit]:
    """Return the relay constellation's orbits by name, in the order of its pattern."""
    return _walker_orbits(scenario.network.relays, start_unix_ns(scenario))


def gateways(scenario: Scenario) -> tuple[Gateway, ...]:
    """Return the scenario's gateways; where it names none, teleports round the world."""
    return scenario.network.gateways or teleport_gateways(resolve_area(scenario))


def _slots(scenario: Scenario, unplaced: int) -> list[_Slot]:
    start = start_unix_ns(scenario)
    if scenario.walker is not None:
        pattern = scenario.walker
        return [_Slot(name, orbit, pattern.pointing) for name, orbit in _walker_orbits(pattern, start).items()]
    train = scenario.train
    if train is None:
        if unplaced == 0:
            return []
        train = Train(satellites=unplaced)
    area = resolve_area(scenario)
    trained = orbits.train(
        train.satellites,
        math.radians(train.span_deg),
        train.altitude_m,
        math.radians(train.inclination_deg),
        area.latitude_deg,
        area.longitude_deg,
        (start + end_unix_ns(scenario)) // 2,
        train.ascending,
    )
    return [
        _Slot(f"{train.prefix}-{place}", Orbit(orbit.satrec, f"{train.prefix}-{place}"), train.pointing)
        for place, orbit in enumerate(trained, start=1)
    ]


def _walker_orbits(pattern: Walker, epoch_unix_ns: int) -> dict[str, Orbit]:
    members = orbits.walker(
        pattern.satellites,
        pattern.planes,
        pattern.phasing,
        pattern.altitude_m,
        math.radians(pattern.inclination_deg),
        epoch_unix_ns,
        math.radians(pattern.raan_spread_deg),
        math.radians(pattern.raan_deg),
        math.radians(pattern.argument_of_latitude_deg),
    )
    names = [f"{pattern.prefix}-{place}" for place in range(1, len(members) + 1)]
    return {name: Orbit(orbit.satrec, name) for name, orbit in zip(names, members, strict=True)}


def _tle_orbit(satellite: Satellite, place: int, scenario: Scenario) -> Orbit:
    where = f"satellite[{place}].tle"
    lines = satellite.tle
    if lines is None:
        if satellite.tle_file is None or satellite.tle_name is None:
            raise ConfigurationError(where, "must be set and is missing")
        lines = find_tle(satellite.tle_file, satellite.tle_name)
    try:
        orbit = Orbit.from_tle(*lines, name=satellite.id)
    except ValueError as error:
        raise ConfigurationError(where, str(error)) from error
    age_days = (start_unix_ns(scenario) - orbit.epoch_unix_ns) / NS_PER_DAY
    if abs(age_days) > MAX_TLE_AGE_DAYS:
        side = "before" if age_days > 0 else "after"
        raise ConfigurationError(
            where,
            f"epoch of {satellite.id!r}, {format_rfc3339(orbit.epoch_unix_ns)}, is {abs(age_days):.1f} days {side} the "
            f"scenario's start; refresh the TLE or move `start` to within {MAX_TLE_AGE_DAYS:g} days of it",
        )
    return orbit


def _target(scenario: Scenario, pointing: Pointing) -> Place | None:
    if pointing.kind == "nadir":
        return None
    return pointing.place if pointing.place is not None else resolve_area(scenario)


def _check(scenario: Scenario, resolved: list[tuple[str, Orbit, Pointing, Replay | None]]) -> None:
    names = [name for name, *_ in resolved]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise ConfigurationError("satellite", f"id {doubled[0]!r} is used twice; rename it or set the train's prefix")
    for name, orbit, *_ in resolved:
        for instant in (start_unix_ns(scenario), end_unix_ns(scenario)):
            problem = orbit.problem(instant)
            if problem:
                raise ConfigurationError(f"satellite {name!r}", f"{problem} at {format_rfc3339(instant)}")
