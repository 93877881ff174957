"""What a scenario's map shows, as plain arrays: tracks, trajectories, heat, antennas. Nothing here draws."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sat_emulator.scene.flight.flight import Flight
from sat_emulator.scene.heat.sources import threat_sources
from services.geometry.ellipsoid import geodetic_to_itrs, itrs_to_geodetic
from services.geometry.time import NS_PER_S
from services.scenario.model import Lightning, Place, Scenario
from services.scenario.resolve import end_unix_ns, gateways, resolve_area, start_unix_ns
from services.stack.pictures.scenario_run import ScenarioRun
from services.stack.pictures.sight import footprint_itrs_m
from services.stack.pictures.style import THREATS
from services.stack.truth import Record

Float64 = NDArray[np.float64]

# Points of a ground track: of an orbit, and of a recording, whose frames must be read for them.
TRACK_POINTS = 181
RECORDED_TRACK_POINTS = 25
# Instants at which footprints are looked at to choose what the map shows.
EXTENT_INSTANTS = 3


@dataclass(frozen=True)
class GroundTrack:
    """Where a satellite passes overhead during the run: (n, 2) latitudes and longitudes."""

    satellite_id: str
    places_deg: Float64


@dataclass(frozen=True)
class MapObject:
    """Something hot. kind: a threat's class, or what makes a source of heat.

    places_deg: (n, 2) at times_unix_ns, (n,). burning: (n - 1,), between them; all where that is not known.
    launch_deg: where a threat rose. radius_m: of what is an area.
    """

    id: str
    kind: str
    times_unix_ns: NDArray[np.int64]
    places_deg: Float64
    burning: NDArray[np.bool_]
    launch_deg: tuple[float, float] | None = None
    radius_m: float = 0.0

    @property
    def is_threat(self) -> bool:
        """Whether it is to be warned of."""
        return self.kind in THREATS

    def place_at(self, instant_unix_ns: int) -> tuple[float, float]:
        """Return where it is, or was first or last, to the nearest point of its track."""
        nearest = int(np.argmin(np.abs(self.times_unix_ns - instant_unix_ns)))
        return float(self.places_deg[nearest, 0]), float(self.places_deg[nearest, 1])


@dataclass(frozen=True)
class MapScene:
    """All that stays the same over the run. centre_deg: latitude and longitude round which the map is drawn."""

    centre_deg: tuple[float, float]
    tracks: tuple[GroundTrack, ...]
    objects: tuple[MapObject, ...]
    gateways_deg: Mapping[str, tuple[float, float]]


def map_scene(run: ScenarioRun) -> MapScene:
    """Return the scenario's map; satellites whose images do not say where they were taken are not on it."""
    scenario = run.scenario
    tracks = tuple(track for track in (_ground_track(run, place) for place in range(len(run.satellites))) if track)
    objects = tuple(_objects(scenario, run.truth))
    antennas = {gateway.id: _degrees(gateway.place) for gateway in gateways(scenario)}
    return MapScene(_centre(scenario, tracks, objects), tracks, objects, antennas)


def extent_deg(run: ScenarioRun, scene: MapScene, begin_unix_ns: int, end_unix_ns: int) -> Float64:
    """Return places, (n, 2), that a map of this stretch of the run should show: footprints, satellites, what is hot."""
    places = [np.array([scene.centre_deg]), *(each.places_deg for each in scene.objects)]
    for instant in np.linspace(begin_unix_ns, end_unix_ns, EXTENT_INSTANTS).astype(np.int64).tolist():
        for satellite in run.satellites:
            sight = run.sight(satellite, instant)
            if sight is not None:
                places += [degrees_of(sight.position_itrs_m[None]), degrees_of(footprint_itrs_m(sight))]
    return np.concatenate(places)


def degrees_of(positions_itrs_m: Float64) -> Float64:
    """Return (n, 2) latitudes and longitudes of (n, 3) positions."""
    latitude, longitude, _ = itrs_to_geodetic(positions_itrs_m)
    return np.stack([latitude, longitude], axis=-1)


def _ground_track(run: ScenarioRun, place: int) -> GroundTrack | None:
    satellite = run.satellites[place]
    start, end = start_unix_ns(run.scenario), end_unix_ns(run.scenario)
    points = TRACK_POINTS if satellite.replay is None else RECORDED_TRACK_POINTS
    instants = np.linspace(start, end, points).astype(np.int64).tolist()
    if satellite.replay is None:
        positions = [satellite.orbit.position_itrs_m(instant) for instant in instants]
        return GroundTrack(satellite.id, degrees_of(np.array(positions)))
    sights = [run.sight(satellite, instant) for instant in instants]
    known = [sight.position_itrs_m for sight in sights if sight is not None]
    return GroundTrack(satellite.id, degrees_of(np.array(known))) if known else None


def _objects(scenario: Scenario, truth: list[Record]) -> Iterator[MapObject]:
    kinds = {item.id: type(item).__name__.lower() for item in scenario.heat}
    flights = _flights(scenario, truth)
    shown = set()
    for record in truth:
        name = str(record["object_id"])
        # One of many fires is called after all of them: id-1, id-2, ...
        family = name if name in kinds else name.rpartition("-")[0]
        shown.add(family)
        threat = record["class"] in THREATS
        kind = str(record["class"]) if threat else kinds.get(family, "heat")
        if record["track"]:
            yield _of_record(record, name, kind, flights.get(name))
    for item in scenario.heat:
        place = getattr(item, "place", None)
        # What shines by moments only has no track of its own.
        if item.id not in shown and place is not None:
            times = np.array([start_unix_ns(scenario), end_unix_ns(scenario)])
            places = np.array([_degrees(place)] * 2)
            radius_m = item.radius_m if isinstance(item, Lightning) else 0.0
            yield MapObject(item.id, kinds[item.id], times, places, np.ones(1, np.bool_), radius_m=radius_m)


def _of_record(record: Mapping[str, Any], name: str, kind: str, flight: Flight | None) -> MapObject:
    times = np.array([point["time_unix_ns"] for point in record["track"]], dtype=np.int64)
    places = degrees_of(np.array([point["position_itrs_m"] for point in record["track"]], dtype=np.float64))
    middle_s = (times[1:] / 2 + times[:-1] / 2 - int(record["launch_time_unix_ns"])) / NS_PER_S
    burning = np.ones(len(middle_s), np.bool_)
    if flight is not None:
        burning = np.array([flight.stage_at(float(each)) is not None for each in middle_s], dtype=np.bool_)
    launch = record.get("launch")
    place = (float(launch["latitude_deg"]), float(launch["longitude_deg"])) if launch and kind in THREATS else None
    return MapObject(name, kind, times, places, burning, place)


def _flights(scenario: Scenario, truth: list[Record]) -> dict[str, Flight]:
    """Return by name how the scenario's own threats fly; a recording's are not among them."""
    told = {record["object_id"] for record in truth}
    if not any(threat.id in told for threat in scenario.threats):
        return {}
    return {threat.id: threat.flight for threat in threat_sources(scenario, scenario.sensor)}


def _centre(scenario: Scenario, tracks: tuple[GroundTrack, ...], objects: tuple[MapObject, ...]) -> tuple[float, float]:
    """Return the area's place; where the scenario has none, as with bare recordings, the middle of what is there."""
    if scenario.area is not None or scenario.rockets or scenario.fires:
        return _degrees(resolve_area(scenario))
    threats = [each.places_deg[:1] for each in objects if each.is_threat]
    places = np.concatenate(threats or [track.places_deg for track in tracks] or [np.zeros((1, 2))])
    middle = geodetic_to_itrs(places[:, 0], places[:, 1], 0.0).mean(axis=0)
    return tuple(degrees_of(middle[None])[0].tolist())


def _degrees(place: Place) -> tuple[float, float]:
    return place.latitude_deg, place.longitude_deg
