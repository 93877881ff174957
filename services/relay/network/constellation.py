"""The nodes of a network, from a scenario or from a catalogue of two-line elements."""

import dataclasses
import difflib
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.geometry.chance import seeded_generator
from services.geometry.ellipsoid import east_north_up, geodetic_to_itrs
from services.geometry.orbit import Orbit
from services.relay.network.grid import GridShell
from services.relay.network.mesh import Mesh, mesh_of
from services.relay.network.planes import catalogue_shells, drawn_shell
from services.relay.network.reach import highest_elevation_rad, orbit_bounds
from services.runtime.configuration import ConfigurationError
from services.scenario.model import Gateway, Network, Place, Scenario
from services.scenario.resolve import gateways, resolve_satellites, start_unix_ns
from services.scenario.shells import relay_catalogue, relay_shells, unusable
from services.scenario.teleports import SITE_DELAY_S, TELEPORTS
from services.scenario.tle import TleProblem, find_tle

Float64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Constellation:
    """The nodes of a network and what its links can do.

    satellites: those that send frames, over laser terminals of their own. mesh: the relay satellites, which have
    ground antennas as well.
    relays_are_sources: the satellites that send frames are relay satellites themselves, with ground antennas of their
    own, so that a path may lead straight down.
    problems: elements of the catalogue that could not be used; the network does without these satellites.
    """

    satellites: tuple[str, ...]
    satellite_orbits: tuple[Orbit, ...]
    mesh: Mesh
    gateways: tuple[Gateway, ...]
    station: str
    network: Network
    relays_are_sources: bool = False
    problems: tuple[TleProblem, ...] = ()
    gateway_itrs_m: Float64 = field(init=False, repr=False)
    gateway_up_itrs: Float64 = field(init=False, repr=False)
    gateway_index: dict[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        places = [gateway.place for gateway in self.gateways]
        sites = [geodetic_to_itrs(place.latitude_deg, place.longitude_deg, place.height_m) for place in places]
        ups = [east_north_up(place.latitude_deg, place.longitude_deg)[2] for place in places]
        object.__setattr__(self, "gateway_itrs_m", np.array(sites, dtype=np.float64).reshape(-1, 3))
        object.__setattr__(self, "gateway_up_itrs", np.array(ups, dtype=np.float64).reshape(-1, 3))
        object.__setattr__(self, "gateway_index", {item.id: index for index, item in enumerate(self.gateways)})

    def node_names(self) -> tuple[str, ...]:
        """Return the names of all nodes, each once."""
        names = (*self.satellites, *self.mesh.names, *(gateway.id for gateway in self.gateways), self.station)
        return tuple(dict.fromkeys(names))


def constellation_of(scenario: Scenario) -> Constellation:
    """Return the scenario's satellites, relay constellation, gateways and ground station.

    ConfigurationError for a gateway of the scenario's that can never see a relay satellite; teleports that it leaves
    the gateways to are left out where that is so.
    """
    network, start = scenario.network, start_unix_ns(scenario)
    satellites = resolve_satellites(scenario)
    orbits, grid, problems = _relays(network, start)
    _check_missing(network, orbits)
    mesh = mesh_of(*_without(orbits, grid, _missing(network, orbits, scenario.seed)), network)
    antennas = _in_reach(gateways(scenario), mesh, network, named=bool(network.gateways))
    names = [satellite.id for satellite in satellites]
    every = [*names, *mesh.names, *(gateway.id for gateway in antennas), scenario.station_id]
    doubled = [name for name, count in Counter(every).items() if count > 1]
    if doubled:
        raise ConfigurationError("network", f"node {doubled[0]!r} is there twice; rename it or set the relays' prefix")
    return Constellation(
        tuple(names),
        tuple(satellite.orbit for satellite in satellites),
        mesh,
        antennas,
        scenario.station_id,
        network,
        problems=problems,
    )


def constellation_of_catalogue(path: Path, source: str, unix_ns: int) -> Constellation:
    """Return a catalogue's satellites as relays, one of them as the source, over the teleports of the world.

    Every satellite has laser terminals and a ground antenna; a ground station stands beside every gateway. Elements
    that cannot be used are left out; ConfigurationError where the source's own are, or where there is no such
    satellite.
    """
    # Names the nearest satellite where this one is not in the file.
    source_lines = find_tle(path, source)
    orbits, problems = relay_catalogue(path, unix_ns)
    if source not in orbits:
        raise ConfigurationError(str(path), _why_unusable(source, source_lines, unix_ns))
    network = Network()
    mesh = mesh_of(orbits, catalogue_shells(tuple(orbits.values()), unix_ns), network)
    sites = tuple(Gateway(name, Place(*place), SITE_DELAY_S) for name, place in TELEPORTS.items())
    antennas = _in_reach(sites, mesh, network, named=False)
    return Constellation((source,), (orbits[source],), mesh, antennas, "station", network, True, problems)


def nearest_name(name: str, known: Sequence[str]) -> str:
    """Return what a message adds after a name that is not known."""
    nearest = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {nearest[0]!r}?" if nearest else ""


def _why_unusable(source: str, lines: tuple[str, str], unix_ns: int) -> str:
    try:
        return f"elements of {source!r}: {unusable(Orbit.from_tle(*lines, name=source), unix_ns)}"
    except ValueError as error:
        return f"satellite {source!r}: {error}"


def _relays(network: Network, unix_ns: int) -> tuple[dict[str, Orbit], list[GridShell], tuple[TleProblem, ...]]:
    """Return all relay satellites, the shells they fly in, and elements that cannot be used."""
    if network.tle_file is not None:
        orbits, problems = relay_catalogue(network.tle_file, unix_ns)
        return orbits, list(catalogue_shells(tuple(orbits.values()), unix_ns)), problems
    orbits, grid = {}, []
    for shell in relay_shells(network, unix_ns):
        grid.append(drawn_shell(shell.name, len(orbits), tuple(shell.orbits.values()), shell.planes))
        orbits.update(shell.orbits)
    return orbits, grid, ()


def _check_missing(network: Network, orbits: dict[str, Orbit]) -> None:
    for place, name in enumerate(network.missing):
        if name not in orbits:
            raise ConfigurationError(
                f"network.missing[{place}]", f"is {name!r}, no relay satellite{nearest_name(name, tuple(orbits))}"
            )


def _missing(network: Network, orbits: dict[str, Orbit], seed: int) -> frozenset[str]:
    """Return the names of relay satellites that are not there; at least one satellite is."""
    count = round(network.missing_share * len(orbits))
    drawn = seeded_generator(seed, "missing relay satellites").choice(len(orbits), count, replace=False)
    names = tuple(orbits)
    missing = frozenset(names[place] for place in drawn.tolist()) | set(network.missing)
    if len(missing) == len(orbits):
        raise ConfigurationError("network.missing", "leaves no relay satellite; name fewer or lower missing_share")
    return missing


def _without(
    orbits: dict[str, Orbit], grid: list[GridShell], missing: frozenset[str]
) -> tuple[dict[str, Orbit], list[GridShell]]:
    """Return the relay satellites that are there; the planes keep their numbers."""
    there = np.array([name not in missing for name in orbits], dtype=bool)
    place = np.cumsum(there, dtype=np.int32) - np.int32(1)
    kept = [
        dataclasses.replace(
            shell,
            members=place[shell.members[there[shell.members]]],
            plane=shell.plane[there[shell.members]],
            raan_rad=shell.raan_rad[there[shell.members]],
            argument_rad=shell.argument_rad[there[shell.members]],
        )
        for shell in grid
    ]
    return {name: orbit for name, orbit in orbits.items() if name not in missing}, kept


def _in_reach(antennas: tuple[Gateway, ...], mesh: Mesh, network: Network, named: bool) -> tuple[Gateway, ...]:
    """Return the gateways that can ever see a relay satellite; ConfigurationError for another that somebody named."""
    bounds, mask_rad = orbit_bounds(mesh.orbits), math.radians(network.gateway_mask_deg)
    kept = []
    for place, gateway in enumerate(antennas):
        highest_rad = highest_elevation_rad(gateway, bounds)
        if highest_rad >= mask_rad:
            kept.append(gateway)
        elif named:
            where = gateway.place
            raise ConfigurationError(
                f"network.gateway[{place}]",
                f"{gateway.id!r} at {where.latitude_deg:g}, {where.longitude_deg:g} is never reached: no relay "
                f"satellite rises above {math.degrees(highest_rad):.1f} degrees there, and gateway_mask_deg is "
                f"{network.gateway_mask_deg:g}; move it, lower the mask or add a shell of higher inclination",
            )
    return tuple(kept)
