"""A scenario as TOML text, so that processes of their own can read what this one has put together."""

import dataclasses
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sat_emulator.replay.folder import find_sequences
from sat_emulator.replay.images import list_images
from services.geometry.time import NS_PER_S, datetime_utc, parse_rfc3339
from services.runtime.errors import BadInputError
from services.runtime.recording import Recording
from services.scenario.model import NAME, Replay, Satellite, Scenario
from services.scenario.resolve import resolve_area

# The end of the last image's read-out lies within the run.
AFTER_LAST_S = 0.5


def to_toml(scenario: Scenario) -> str:
    """Return the scenario as a file that reads back as the same scenario; paths are written absolute."""
    return "\n".join(_table(scenario, ()))


def _table(value: Any, path: tuple[str, ...]) -> list[str]:
    """Return a dataclass's own keys, then its tables."""
    keys: list[str] = []
    tables: list[str] = []
    for field in dataclasses.fields(value):
        key = field.metadata.get("key", field.name)
        content = getattr(value, field.name)
        if content is None or content == ():
            continue
        if dataclasses.is_dataclass(content):
            tables += ["", f"[{'.'.join((*path, key))}]", *_table(content, (*path, key))]
        elif isinstance(content, tuple) and dataclasses.is_dataclass(content[0]):
            for item in content:
                tables += ["", f"[[{'.'.join((*path, key))}]]", *_table(item, (*path, key))]
        else:
            keys.append(f"{key} = {_value(content)}")
    return keys + tables


def _value(content: Any) -> str:
    if isinstance(content, bool):
        return "true" if content else "false"
    if isinstance(content, (int, float)):
        return repr(content)
    if isinstance(content, datetime):
        return content.astimezone(UTC).isoformat()
    if isinstance(content, Path):
        content = str(content.absolute())
    if isinstance(content, str):
        # Every JSON string of ASCII is a TOML basic string, except for DEL, which no name here has.
        return json.dumps(content)
    if isinstance(content, tuple):
        return "[" + ", ".join(_value(item) for item in content) + "]"
    raise TypeError(f"{type(content).__name__} has no place in a scenario file")


def replayed(path: Path, rate_hz: float, base: Scenario | None) -> Scenario:
    """Return a scenario whose satellites send recorded images.

    path: a folder of images, a folder of such folders (a satellite each), or an MCAP recording (a satellite for each
    of its own). base: gives everything but the satellites; left out, a run as long as the longest recording, and
    nothing else in it.
    """
    if not path.exists():
        raise BadInputError(str(path), "no such file or folder; --replay takes images or an MCAP recording")
    if path.suffix.lower() == ".mcap":
        return _of_recording(path, base)
    folders = [folder.absolute() for folder in find_sequences(path)]
    satellites = tuple(
        Satellite(_satellite_id(folder.name, place), replay=Replay(folder, rate_hz))
        for place, folder in enumerate(folders, start=1)
    )
    if base is not None:
        # What the base has on the ground is not in these images.
        return dataclasses.replace(_with_satellites(base, satellites), rockets=(), fires=())
    longest = max(len(list_images(folder)) for folder in folders)
    return Scenario("replay", duration_s=longest / rate_hz + AFTER_LAST_S, satellites=satellites)


def _of_recording(path: Path, base: Scenario | None) -> Scenario:
    recording = Recording(path)
    names = recording.satellite_ids
    if not names:
        raise BadInputError(str(path), "holds no frames; record some with `plumewatch simulate`")
    satellites = tuple(Satellite(name, replay=Replay(path.absolute())) for name in names)
    if base is not None:
        return _with_satellites(base, satellites)
    ends = [recording.readout_ends_unix_ns(name) for name in names]
    first, last = min(int(end[0]) for end in ends), max(int(end[-1]) for end in ends)
    started = recording.metadata.get("start")
    start_ns = first - NS_PER_S if started is None else parse_rfc3339(started)
    duration_s = (last - start_ns) / NS_PER_S + AFTER_LAST_S
    return Scenario("replay", start=datetime_utc(start_ns), duration_s=duration_s, satellites=satellites)


def _with_satellites(base: Scenario, satellites: tuple[Satellite, ...]) -> Scenario:
    """Return the scenario with these satellites; they take the train's places where it has as many."""
    train = base.train if base.train is not None and base.train.satellites == len(satellites) else None
    return dataclasses.replace(base, area=resolve_area(base), train=train, walker=None, satellites=satellites)


def _satellite_id(folder_name: str, place: int) -> str:
    return folder_name if NAME.fullmatch(folder_name) else f"replay-{place}"
