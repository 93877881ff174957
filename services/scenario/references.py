"""Values by name: generic sensors, bands and rockets that a scenario takes over and changes where it likes."""

import difflib
import functools
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from services.runtime.configuration import ConfigurationError, from_table
from services.scenario.model import Absorber, Rocket, Sensor

FILE = Path(__file__).with_name("references.toml")


def with_references(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return a scenario's table in which what `reference` and `band` stand for is written out under its own keys.

    Raises ConfigurationError for a name that is not known. What is no table is left for the schema to refuse.
    """
    expanded = dict(table)
    if isinstance(table.get("sensor"), Mapping):
        expanded["sensor"] = _sensor(table["sensor"], "sensor")
    if isinstance(table.get("rocket"), list):
        expanded["rocket"] = [_rocket(item, f"rocket[{k}]") for k, item in enumerate(table["rocket"])]
    if isinstance(table.get("satellite"), list):
        expanded["satellite"] = [
            {**item, "sensor": _sensor(item["sensor"], f"satellite[{k}].sensor")}
            if isinstance(item, Mapping) and isinstance(item.get("sensor"), Mapping)
            else item
            for k, item in enumerate(table["satellite"])
        ]
    return expanded


def reference_sensor(**keys: Any) -> Sensor:
    """Return a sensor as `[sensor]` with these keys would give it, for instance reference="medium", band="4.3um"."""
    return from_table(_sensor(keys, "sensor"), Sensor, "sensor")


def reference_rocket(**keys: Any) -> Rocket:
    """Return a rocket as `[[rocket]]` with these keys (file's spelling, tables as dicts) would give it."""
    return from_table(_rocket(keys, "rocket"), Rocket, "rocket")


def rocket_names() -> list[str]:
    """Return the names of the generic rockets."""
    return sorted(_references().get("rocket", {}))


@functools.lru_cache(maxsize=8)
def band_absorbers(band: str) -> tuple[Absorber, ...]:
    """Return how the air absorbs in a named band."""
    return tuple(from_table(item, Absorber, f"absorber.{band}") for item in _references()["absorber"][band])


def _sensor(table: Mapping[str, Any], where: str) -> dict[str, Any]:
    band = _named("band", str(table.get("band", Sensor.band)), f"{where}.band")
    sensor = _named("sensor", str(table.get("reference", Sensor.reference)), f"{where}.reference")
    # The band goes before the sensor: it says how long the ground lets a camera look.
    return {**sensor, **band, **table}


def _rocket(table: Any, where: str) -> Any:
    if not isinstance(table, Mapping) or not isinstance(table.get("reference"), str):
        return table
    return {**_named("rocket", table["reference"], f"{where}.reference"), **table}


def _named(kind: str, name: str, where: str) -> Mapping[str, Any]:
    known: Mapping[str, Any] = _references().get(kind, {})
    if name not in known:
        nearest = difflib.get_close_matches(name, list(known), n=1)
        hint = f"did you mean {nearest[0]!r}?" if nearest else "known: " + ", ".join(map(repr, known))
        raise ConfigurationError(where, f"is {name!r}, which is not known; {hint}")
    found: Mapping[str, Any] = known[name]
    return found


@functools.lru_cache(maxsize=1)
def _references() -> Mapping[str, Any]:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))
