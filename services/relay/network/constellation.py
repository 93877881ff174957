"""Constellations from files: a scenario's, or a catalogue of two-line elements."""

import dataclasses
from pathlib import Path

from services.geometry.orbit import Orbit
from services.geometry.time import NS_PER_DAY
from services.relay.network.topology import Constellation
from services.runtime.configuration import ConfigurationError
from services.scenario.model import Gateway, Network, Place, Scenario
from services.scenario.resolve import MAX_TLE_AGE_DAYS, gateways, relays, resolve_satellites
from services.scenario.teleports import SITE_DELAY_S, TELEPORTS
from services.scenario.tle import find_tle, read_tle_file


def constellation_of(scenario: Scenario) -> Constellation:
    """Return the scenario's satellites, relay constellation, gateways and ground station."""
    satellites = resolve_satellites(scenario)
    relay_orbits = relays(scenario)
    names = [satellite.id for satellite in satellites]
    antennas = gateways(scenario)
    every = [*names, *relay_orbits, *(gateway.id for gateway in antennas), scenario.station_id]
    doubled = sorted({name for name in every if every.count(name) > 1}) if len(set(every)) < len(every) else []
    if doubled:
        raise ConfigurationError("network", f"node {doubled[0]!r} is there twice; rename it or set the relays' prefix")
    return Constellation(
        tuple(names),
        tuple(satellite.orbit for satellite in satellites),
        tuple(relay_orbits),
        tuple(relay_orbits.values()),
        antennas,
        scenario.station_id,
        scenario.network,
    )


def constellation_of_catalogue(path: Path, source: str, unix_ns: int) -> Constellation:
    """Return a catalogue's satellites as relays, one of them as the source, over the teleports of the world.

    Every satellite has laser terminals and a ground antenna; a ground station stands beside every gateway. Elements
    more than a month from the instant are left out; ConfigurationError where the source's own are, or where there is
    no such satellite.
    """
    oldest_ns = round(MAX_TLE_AGE_DAYS * NS_PER_DAY)
    # Names the nearest satellite where this one is not in the file.
    source_orbit = _orbit(path, source, find_tle(path, source))
    if abs(unix_ns - source_orbit.epoch_unix_ns) > oldest_ns:
        age_days = (unix_ns - source_orbit.epoch_unix_ns) / NS_PER_DAY
        raise ConfigurationError(
            str(path),
            f"elements of {source!r} are {age_days:.1f} days old at the instant; take newer ones or an instant within "
            f"{MAX_TLE_AGE_DAYS:g} days of them",
        )
    members = {name: _orbit(path, name, lines) for name, lines in read_tle_file(path).items()}
    fresh = {name: orbit for name, orbit in members.items() if abs(unix_ns - orbit.epoch_unix_ns) <= oldest_ns}
    sites = tuple(Gateway(name, Place(*place), SITE_DELAY_S) for name, place in TELEPORTS.items())
    return Constellation(
        (source,), (source_orbit,), tuple(fresh), tuple(fresh.values()), sites, "station", Network(), True
    )


def with_gateways(constellation: Constellation, names: frozenset[str]) -> Constellation:
    """Return the same constellation with only some of its gateways."""
    kept = tuple(gateway for gateway in constellation.gateways if gateway.id in names)
    return dataclasses.replace(constellation, gateways=kept)


def _orbit(path: Path, name: str, lines: tuple[str, str]) -> Orbit:
    try:
        return Orbit.from_tle(*lines, name=name)
    except ValueError as error:
        raise ConfigurationError(str(path), f"satellite {name!r}: {error}") from error
