"""All that is hot in a run."""

import functools
from collections.abc import Iterable, Iterator

from sat_emulator.scene.flight.cruise import CruiseFlight
from sat_emulator.scene.flight.recorded import FileFlight
from sat_emulator.scene.flight.rocket import RocketFlight
from sat_emulator.scene.heat.aircraft import AircraftSource
from sat_emulator.scene.heat.cruise import CruiseMissile
from sat_emulator.scene.heat.emission import HeatSource, ThreatSource
from sat_emulator.scene.heat.fire import wildfires
from sat_emulator.scene.heat.flare import flares
from sat_emulator.scene.heat.from_file import RecordedFlight
from sat_emulator.scene.heat.glint import SunGlint
from sat_emulator.scene.heat.lightning import Storm
from sat_emulator.scene.heat.plume import Plume
from sat_emulator.scene.heat.underway import begin_unix_ns, until_s
from sat_emulator.scene.transmission import band_air
from services.scenario.model import (
    Aircraft,
    Cruise,
    Fire,
    Flare,
    Glint,
    Lightning,
    Rocket,
    Scenario,
    Sensor,
    TrajectoryFile,
)

# An aircraft's turn, sideways, in standard gravities: banked by 27 degrees.
AIRCRAFT_TURN_G = 0.5


@functools.lru_cache(maxsize=4)
def heat_sources(scenario: Scenario, sensor: Sensor) -> tuple[HeatSource, ...]:
    """Return all sources in a sensor's band: the threats in the scenario's order, then the other heat in its order.

    Flights are computed once for all sensors.
    """
    return (*threat_sources(scenario, sensor), *_other_heat(scenario, sensor))


@functools.lru_cache(maxsize=4)
def threat_sources(scenario: Scenario, sensor: Sensor) -> tuple[ThreatSource, ...]:
    """Return what is to be warned of in a sensor's band, in the order of `scenario.threats`."""
    return tuple(_threat(threat, scenario, sensor) for threat in scenario.threats)


def _threat(threat: Rocket | Cruise | TrajectoryFile, scenario: Scenario, sensor: Sensor) -> ThreatSource:
    needed_s = until_s(scenario, begin_unix_ns(scenario, threat.launch_time_s))
    match threat:
        case Rocket():
            return Plume(threat, _rocket_flight(threat, needed_s), scenario, sensor)
        case Cruise():
            return CruiseMissile(threat, _cruise_flight(threat, needed_s), scenario, sensor)
        case TrajectoryFile():
            return RecordedFlight(threat, _file_flight(threat, needed_s), scenario)


def _other_heat(scenario: Scenario, sensor: Sensor) -> Iterator[HeatSource]:
    for heat in scenario.heat:
        yield from _of_kind(heat, scenario, sensor)


def _of_kind(
    heat: Fire | Flare | Lightning | Aircraft | Glint, scenario: Scenario, sensor: Sensor
) -> Iterable[HeatSource]:
    match heat:
        case Fire():
            return wildfires(heat, scenario, sensor)
        case Flare():
            return flares(heat, scenario, sensor)
        case Lightning():
            return [Storm(heat, scenario)]
        case Aircraft():
            needed_s = until_s(scenario, begin_unix_ns(scenario, heat.start_time_s))
            return [AircraftSource(heat, _aircraft_flight(heat, needed_s), scenario)]
        case Glint():
            return [SunGlint(heat, sensor, band_air(scenario, sensor), sun=scenario.background.sun)]


@functools.lru_cache(maxsize=64)
def _rocket_flight(rocket: Rocket, needed_s: float) -> RocketFlight:
    return RocketFlight(rocket, needed_s)


@functools.lru_cache(maxsize=64)
def _cruise_flight(cruise: Cruise, needed_s: float) -> CruiseFlight:
    return CruiseFlight(cruise.speed_m_per_s, cruise.way_points, cruise.turn_g, needed_s, f"cruise {cruise.id!r}")


@functools.lru_cache(maxsize=64)
def _aircraft_flight(aircraft: Aircraft, needed_s: float) -> CruiseFlight:
    name = f"aircraft {aircraft.id!r}"
    return CruiseFlight(aircraft.speed_m_per_s, aircraft.way_points, AIRCRAFT_TURN_G, needed_s, name)


@functools.lru_cache(maxsize=64)
def _file_flight(trajectory: TrajectoryFile, needed_s: float) -> FileFlight:
    return FileFlight(trajectory, needed_s)
