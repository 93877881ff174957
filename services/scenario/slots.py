"""The orbits that a scenario's pattern gives: constellation, Walker pattern or train."""

import math
from dataclasses import dataclass

from services.geometry import orbit as orbits
from services.geometry.orbit import Orbit
from services.scenario.constellations import constellation_orbits
from services.scenario.model import Place, Pointing, Scenario, Train, Walker


@dataclass(frozen=True)
class Slot:
    """An orbit that a pattern gives, and who takes it if nobody is named."""

    id: str
    orbit: Orbit
    pointing: Pointing


def pattern_slots(scenario: Scenario, unplaced: int, area: Place, start_unix_ns: int, end_unix_ns: int) -> list[Slot]:
    """Return the pattern's places in its order; without a pattern, a train of the `unplaced` satellites' number."""
    middle = (start_unix_ns + end_unix_ns) // 2
    if scenario.constellation is not None:
        members = constellation_orbits(scenario.constellation, area, middle)
        pointing = scenario.constellation.pointing
    elif scenario.walker is not None:
        members, pointing = walker_orbits(scenario.walker, start_unix_ns), scenario.walker.pointing
    elif scenario.train is not None or unplaced:
        train = scenario.train or Train(satellites=unplaced)
        members, pointing = _train_orbits(train, area, middle), train.pointing
    else:
        return []
    return [Slot(name, orbit, pointing) for name, orbit in members.items()]


def walker_orbits(pattern: Walker, epoch_unix_ns: int) -> dict[str, Orbit]:
    """Return a Walker pattern's orbits by name, prefix-1, prefix-2, …, plane after plane."""
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
    return _named(pattern.prefix, members)


def _train_orbits(train: Train, area: Place, overhead_unix_ns: int) -> dict[str, Orbit]:
    members = orbits.train(
        train.satellites,
        math.radians(train.span_deg),
        train.altitude_m,
        math.radians(train.inclination_deg),
        area.latitude_deg,
        area.longitude_deg,
        overhead_unix_ns,
        train.ascending,
    )
    return _named(train.prefix, members)


def _named(prefix: str, members: list[Orbit]) -> dict[str, Orbit]:
    names = [f"{prefix}-{place}" for place in range(1, len(members) + 1)]
    return {name: Orbit(orbit.satrec, name) for name, orbit in zip(names, members, strict=True)}
