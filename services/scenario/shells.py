"""The relay satellites that a scenario names: shells of circular orbits, or a catalogue of two-line elements."""

import functools
import math
from dataclasses import dataclass, field
from pathlib import Path

from services.geometry.orbit import Orbit, walker
from services.geometry.time import NS_PER_DAY, format_rfc3339
from services.runtime.configuration import ConfigurationError, read_toml
from services.scenario.model import Network, Walker
from services.scenario.resolve import MAX_TLE_AGE_DAYS
from services.scenario.slots import walker_orbits
from services.scenario.tle import TleProblem, read_tle_file

STARLINK = Path(__file__).with_name("starlink.toml")
# Which of the file's shells a constellation's name stands for.
GENERATIONS = {"starlink": "", "starlink-gen1": "gen1-"}


@dataclass(frozen=True)
class FiledShell:
    """A shell as filed, planes evenly round the equator; some have a satellite more where they cannot be alike."""

    name: str
    satellites: int
    planes: int
    phasing: int
    altitude_m: float
    inclination_deg: float


@dataclass(frozen=True)
class StarlinkFile:
    """The whole of `starlink.toml`."""

    shells: tuple[FiledShell, ...] = field(metadata={"key": "shell"})


@dataclass(frozen=True)
class RelayShell:
    """Orbits by name, plane after plane, and each one's plane, from 0."""

    name: str
    orbits: dict[str, Orbit]
    planes: tuple[int, ...]


def relay_shells(network: Network, epoch_unix_ns: int) -> tuple[RelayShell, ...]:
    """Return the shells of a scenario that takes its relays from no catalogue; elements refer to the epoch."""
    if network.constellation:
        generation = GENERATIONS[network.constellation]
        return tuple(_filed(shell, epoch_unix_ns) for shell in filed_shells() if shell.name.startswith(generation))
    return tuple(_pattern(shell, epoch_unix_ns) for shell in network.shells or (network.relays,))


@functools.cache
def filed_shells() -> tuple[FiledShell, ...]:
    """Return Starlink's shells as filed, with their sources in the file's comments."""
    return read_toml(STARLINK, StarlinkFile).shells


def relay_catalogue(path: Path, unix_ns: int) -> tuple[dict[str, Orbit], tuple[TleProblem, ...]]:
    """Return the orbits of a file of two-line elements by name, and those that cannot be used at the instant.

    Unusable are elements that are broken, more than a month from the instant, or of an orbit that has decayed.
    ConfigurationError where none is left.
    """
    file = read_tle_file(path)
    problems = list(file.problems)
    orbits: dict[str, Orbit] = {}
    for name in file.elements:
        orbit = file.orbit(name)
        if isinstance(orbit, TleProblem):
            problems.append(orbit)
        elif problem := unusable(orbit, unix_ns):
            problems.append(TleProblem(path, file.line_numbers[name], name, problem))
        else:
            orbits[name] = orbit
    if not orbits:
        raise ConfigurationError(str(path), f"has no elements that can be used; {problems[0]}")
    return orbits, tuple(sorted(problems, key=lambda problem: problem.line))


def unusable(orbit: Orbit, unix_ns: int) -> str:
    """Return why elements place nothing at an instant; empty where they do."""
    age_days = (unix_ns - orbit.epoch_unix_ns) / NS_PER_DAY
    if abs(age_days) > MAX_TLE_AGE_DAYS:
        side = "before" if age_days > 0 else "after"
        return (
            f"its epoch is {abs(age_days):.1f} days {side} {format_rfc3339(unix_ns)}; take newer elements or an "
            f"instant within {MAX_TLE_AGE_DAYS:g} days of it"
        )
    return orbit.problem(unix_ns)


def _filed(shell: FiledShell, epoch_unix_ns: int) -> RelayShell:
    orbits: dict[str, Orbit] = {}
    planes: list[int] = []
    for plane in range(shell.planes):
        turn = 2 * math.pi * plane
        # 59, 59, 60, 59, 59, 60, ... where the planes do not divide the satellites.
        size = shell.satellites * (plane + 1) // shell.planes - shell.satellites * plane // shell.planes
        ring = walker(
            size, 1, 0, shell.altitude_m, math.radians(shell.inclination_deg), epoch_unix_ns,
            raan_rad=turn / shell.planes, argument_of_latitude_rad=turn * shell.phasing / shell.satellites,
        )  # fmt: skip
        for orbit in ring:
            name = f"{shell.name}-{len(orbits) + 1}"
            orbits[name] = Orbit(orbit.satrec, name)
            planes.append(plane)
    return RelayShell(shell.name, orbits, tuple(planes))


def _pattern(pattern: Walker, epoch_unix_ns: int) -> RelayShell:
    in_plane = pattern.satellites // pattern.planes
    orbits = walker_orbits(pattern, epoch_unix_ns)
    return RelayShell(pattern.prefix, orbits, tuple(place // in_plane for place in range(len(orbits))))
