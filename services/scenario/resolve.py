"""From what a scenario's file says to orbits, places and instants."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.geometry.ellipsoid import geodetic_to_itrs, itrs_to_geodetic
from services.geometry.orbit import Orbit
from services.geometry.time import NS_PER_DAY, NS_PER_S, format_rfc3339, unix_ns
from services.runtime.configuration import ConfigurationError
from services.scenario.bands import check_edges
from services.scenario.model import (
    Aircraft,
    Cruise,
    Gateway,
    Place,
    Pointing,
    Replay,
    Satellite,
    Scenario,
    Sensor,
)
from services.scenario.pointing_table import PointingTable, read_pointing_table
from services.scenario.slots import Slot, pattern_slots
from services.scenario.teleports import teleport_gateways
from services.scenario.tle import find_tle
from services.scenario.view import satellites_that_see

# SGP4's error grows by kilometres a day; after a month elements place nothing.
MAX_TLE_AGE_DAYS = 30.0


@dataclass(frozen=True)
class ResolvedSatellite:
    """One satellite of the run.

    index: place in the run's list, part of its random seed.
    target: where its camera looks; None, with no `table`: straight down.
    replay: recorded images in the camera's stead; None: emulated.
    sensor: its camera, its own or the scenario's.
    table: attitudes from a file, which go before `target`.
    """

    id: str
    index: int
    orbit: Orbit
    target: Place | None
    replay: Replay | None
    sensor: Sensor
    table: PointingTable | None = None


def start_unix_ns(scenario: Scenario) -> int:
    """Return when the run starts: the first exposure's start."""
    return unix_ns(scenario.start)


def end_unix_ns(scenario: Scenario) -> int:
    """Return when the run ends; no exposure starts then or later."""
    return start_unix_ns(scenario) + round(scenario.duration_s * NS_PER_S)


def resolve_area(scenario: Scenario) -> Place:
    """Return where patterns pass over and cameras look.

    The scenario's `area`; left out, the middle of what is to be warned of (launch sites, and of cruise missiles' ways
    the middle between first and last way-point); else the middle of all other heat; else, nothing being on the ground,
    latitude and longitude 0. A trajectory file without a `launch` has no place here, so that it cannot go alone:
    ConfigurationError.
    """
    if scenario.area is not None:
        return scenario.area
    places = _threat_places(scenario) or _heat_places(scenario)
    if not places and scenario.trajectories:
        raise ConfigurationError(
            "area",
            f"must be set: where {scenario.trajectories[0].id!r} flies stands in {scenario.trajectories[0].path.name} "
            "alone; write about where, area = { latitude_deg = ..., longitude_deg = ... }",
        )
    return _middle(places, "what the area is left to") if places else Place(0.0, 0.0)


def _threat_places(scenario: Scenario) -> list[Place]:
    places: list[Place] = []
    for threat in scenario.threats:
        if isinstance(threat, Cruise):
            places.append(_way_middle(threat))
        elif threat.launch is not None:
            places.append(threat.launch)
    return places


def _heat_places(scenario: Scenario) -> list[Place]:
    return [_way_middle(heat) if isinstance(heat, Aircraft) else heat.place for heat in scenario.heat]


def _way_middle(mover: Cruise | Aircraft) -> Place:
    return _middle([mover.way_points[0], mover.way_points[-1]], f"the ends of {mover.id!r}'s way")


def _middle(places: Sequence[Place], what: str) -> Place:
    """Return the middle of places, heights too; ConfigurationError where they lie round the whole Earth."""
    if len(places) == 1:
        return places[0]
    positions = [geodetic_to_itrs(place.latitude_deg, place.longitude_deg, 0.0) for place in places]
    middle = np.mean(positions, axis=0)
    if np.linalg.norm(middle) < 1e5:
        raise ConfigurationError("area", f"must be set: {what} lies on opposite sides of the Earth")
    latitude, longitude, _ = itrs_to_geodetic(middle)
    return Place(float(latitude), float(longitude), sum(place.height_m for place in places) / len(places))


def resolve_satellites(scenario: Scenario) -> tuple[ResolvedSatellite, ...]:
    """Return the run's satellites with their orbits, in a fixed order.

    Satellites named without an orbit of their own (TLE or state) take the places of the constellation, train or Walker
    pattern in the file's order; places left over go to satellites called prefix-1, prefix-2, … by their place.
    Satellites with an orbit come in addition. Where no pattern is given, named satellites without an orbit form a train
    of their number. Of tranche1, only satellites that see the area in mid-run have a place.

    Raises ConfigurationError, or BadInputError for a table of attitudes that cannot be used.
    """
    unplaced = [satellite for satellite in scenario.satellites if not _has_orbit(satellite)]
    area = resolve_area(scenario)
    slots = pattern_slots(scenario, len(unplaced), area, start_unix_ns(scenario), end_unix_ns(scenario))
    if scenario.constellation is not None and scenario.constellation.name == "tranche1":
        slots = _in_view(scenario, slots, area)
    if len(unplaced) > len(slots):
        raise _too_few_places(scenario, len(slots), unplaced)
    taken = {satellite.id: slot for satellite, slot in zip(unplaced, slots, strict=False)}
    resolved: list[ResolvedSatellite] = []
    for place, satellite in enumerate(scenario.satellites):
        slot = taken.get(satellite.id)
        orbit = _own_orbit(satellite, place, scenario) if slot is None else slot.orbit
        sensor = satellite.sensor or scenario.sensor
        target, table = _aim(scenario, satellite.pointing, sensor, area)
        resolved.append(ResolvedSatellite(satellite.id, len(resolved), orbit, target, satellite.replay, sensor, table))
    for slot in slots[len(unplaced) :]:
        resolved.append(_of_slot(scenario, slot, len(resolved), area))
    _check(scenario, resolved)
    return tuple(resolved)


def gateways(scenario: Scenario) -> tuple[Gateway, ...]:
    """Return the scenario's gateways; where it names none, teleports round the world."""
    return scenario.network.gateways or teleport_gateways(resolve_area(scenario))


def _has_orbit(satellite: Satellite) -> bool:
    return satellite.tle is not None or satellite.tle_file is not None or satellite.state is not None


def _of_slot(scenario: Scenario, slot: Slot, index: int, area: Place) -> ResolvedSatellite:
    target, table = _aim(scenario, slot.pointing, scenario.sensor, area)
    return ResolvedSatellite(slot.id, index, slot.orbit, target, None, scenario.sensor, table)


def _in_view(scenario: Scenario, slots: Sequence[Slot], area: Place) -> list[Slot]:
    """Return the places from which the area is on the detector and the satellite above its horizon in mid-run."""
    satellites = [_of_slot(scenario, slot, index, area) for index, slot in enumerate(slots)]
    position = geodetic_to_itrs(area.latitude_deg, area.longitude_deg, area.height_m)
    middle = (start_unix_ns(scenario) + end_unix_ns(scenario)) // 2
    seeing = [slots[satellite.index] for satellite in satellites_that_see(satellites, position, middle)]
    if not seeing:
        raise ConfigurationError(
            "constellation",
            f"none of the {len(slots)} satellites sees the area at {area.latitude_deg:g}, {area.longitude_deg:g} in "
            'mid-run; set constellation.pointing to kind = "area", widen the camera (ifov_rad, rows, columns) or move '
            "`area`",
        )
    return seeing


def _too_few_places(scenario: Scenario, places: int, unplaced: Sequence[Satellite]) -> ConfigurationError:
    pattern = next(name for name in ("constellation", "train", "walker") if getattr(scenario, name) is not None)
    more = "" if pattern == "constellation" else f"set {pattern}.satellites = {len(unplaced)} or "
    return ConfigurationError(
        pattern,
        f"has {places} places for {len(unplaced)} satellites without an orbit; "
        f"{more}give {unplaced[places].id!r} a TLE or a state",
    )


def _own_orbit(satellite: Satellite, place: int, scenario: Scenario) -> Orbit:
    where, word = f"satellite[{place}].tle", "TLE"
    try:
        if satellite.state is not None:
            where, word = f"satellite[{place}].state", "state"
            state = satellite.state
            epoch_unix_ns = unix_ns(state.epoch)
            orbit = Orbit.from_state(
                state.position_gcrs_m, state.velocity_gcrs_m_per_s, epoch_unix_ns, name=satellite.id
            )
        else:
            orbit = Orbit.from_tle(*_tle_lines(satellite, where), name=satellite.id)
            epoch_unix_ns = orbit.epoch_unix_ns
    except ValueError as error:
        raise ConfigurationError(where, str(error)) from error
    age_days = (start_unix_ns(scenario) - epoch_unix_ns) / NS_PER_DAY
    if abs(age_days) > MAX_TLE_AGE_DAYS:
        side = "before" if age_days > 0 else "after"
        raise ConfigurationError(
            where,
            f"epoch of {satellite.id!r}, {format_rfc3339(epoch_unix_ns)}, is {abs(age_days):.1f} days {side} the "
            f"scenario's start; refresh the {word} or move `start` to within {MAX_TLE_AGE_DAYS:g} days of it",
        )
    return orbit


def _tle_lines(satellite: Satellite, where: str) -> tuple[str, str]:
    if satellite.tle is not None:
        return satellite.tle
    if satellite.tle_file is None or satellite.tle_name is None:
        raise ConfigurationError(where, "must be set and is missing")
    return find_tle(satellite.tle_file, satellite.tle_name)


def _aim(
    scenario: Scenario, pointing: Pointing, sensor: Sensor, area: Place
) -> tuple[Place | None, PointingTable | None]:
    """Return what the camera looks at, if anything, and its table of attitudes, if it has one."""
    if pointing.table is not None:
        start = start_unix_ns(scenario)
        table = read_pointing_table(pointing.table, start)
        # To the run's end, or to the middle of the last frame's exposure where that comes after it.
        frames = max(1, math.ceil(scenario.duration_s * sensor.frame_rate_hz - 1e-9))
        last_s = (frames - 1) / sensor.frame_rate_hz + sensor.integration_s / 2
        table.check_covers(start, max(end_unix_ns(scenario), start + round(last_s * NS_PER_S)))
        return None, table
    if pointing.kind == "nadir":
        return None, None
    return pointing.place or area, None


def _check(scenario: Scenario, resolved: Sequence[ResolvedSatellite]) -> None:
    names = [satellite.id for satellite in resolved]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise ConfigurationError("satellite", f"id {doubled[0]!r} is used twice; rename it or set the pattern's prefix")
    for satellite in resolved:
        # Named ones come first, at their places in the file.
        named = scenario.satellites[satellite.index] if satellite.index < len(scenario.satellites) else None
        place = f"satellite[{satellite.index}]"
        if satellite.replay is None:
            check_edges(scenario, satellite.sensor, f"{place}.sensor" if named and named.sensor else "sensor")
        for instant in (start_unix_ns(scenario), end_unix_ns(scenario)):
            problem = satellite.orbit.problem(instant)
            if problem and named is not None and _has_orbit(named):
                key = "tle" if named.state is None else "state"
                raise ConfigurationError(
                    f"{place}.{key}",
                    f"{problem} at {format_rfc3339(instant)}; take a newer one, or move `start` or shorten duration_s",
                )
            if problem:
                raise ConfigurationError(
                    f"satellite {satellite.id!r}",
                    f"{problem} at {format_rfc3339(instant)}; raise its pattern's altitude_m or shorten duration_s",
                )
