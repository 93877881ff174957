"""A scenario as TOML text, so that processes of their own can read what this one has put together."""

import dataclasses
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sat_emulator.replay.decode import decode
from sat_emulator.replay.folder import find_sequences
from sat_emulator.replay.images import SUFFIXES, list_images
from services.geometry.time import NS_PER_S, datetime_utc, parse_rfc3339
from services.runtime.errors import BadInputError
from services.runtime.recording import Recording
from services.scenario.model import NAME, Place, Replay, Satellite, Scenario, StateVector
from services.scenario.resolve import resolve_area

# The end of the last image's read-out lies within the run.
AFTER_LAST_S = 0.5
# What a scenario allows; a run that has more time than images ends with the images.
SHORTEST_S, LONGEST_S = 1.0, 86_400.0
# What a scenario has for emulated cameras to see.
SEEN = ("rockets", "cruises", "trajectories", "fires", "flares", "lightnings", "aircraft", "glints")


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
    of its own, on the orbit that its frames tell). base: gives network, start and duration, but nothing of what is
    seen: the truth of a recording is in its file. Left out, a run as long as the longest recording.
    """
    if not path.exists():
        raise BadInputError(str(path), "no such file or folder; --replay takes images or an MCAP recording")
    if path.suffix.lower() == ".mcap":
        return _of_recording(path, base)
    if path.is_file() and path.suffix.lower() not in SUFFIXES:
        unfinished = " (.part: its writer has not finished it)" if path.suffix.lower() == ".part" else ""
        raise BadInputError(
            str(path), f"is neither an image ({', '.join(SUFFIXES)}) nor a recording (.mcap){unfinished}"
        )
    folders = [folder.absolute() for folder in find_sequences(path)]
    satellites = tuple(
        Satellite(_satellite_id(folder.name, place), replay=Replay(folder, rate_hz))
        for place, folder in enumerate(folders, start=1)
    )
    if base is not None:
        return _with_satellites(base, satellites)
    longest = max(len(list_images(folder)) for folder in folders)
    duration_s = _duration_s(longest / rate_hz, path, "raise --rate or replay a part of them")
    return Scenario("replay", duration_s=duration_s, satellites=satellites)


def _of_recording(path: Path, base: Scenario | None) -> Scenario:
    recording = Recording(path)
    names = recording.satellite_ids
    if not names:
        raise BadInputError(str(path), "holds no frames; record some with `plumewatch simulate`")
    satellites = tuple(_recorded_satellite(recording, path, name) for name in names)
    if base is not None:
        return _with_satellites(base, satellites)
    ends = [recording.readout_ends_unix_ns(name) for name in names]
    first, last = min(int(end[0]) for end in ends), max(int(end[-1]) for end in ends)
    told = recording.metadata
    start_ns = parse_rfc3339(told["start"]) if "start" in told else first - NS_PER_S
    return Scenario(
        told["scenario"] if NAME.fullmatch(told.get("scenario", "")) else "replay",
        start=datetime_utc(start_ns),
        duration_s=_duration_s((last - start_ns) / NS_PER_S, path, "replay a part of it"),
        area=_recorded_area(told, path),
        satellites=satellites,
    )


def _duration_s(images_s: float, path: Path, remedy: str) -> float:
    if images_s + AFTER_LAST_S > LONGEST_S:
        raise BadInputError(str(path), f"would last {images_s:.0f} s, and a run at most {LONGEST_S:.0f} s; {remedy}")
    return max(images_s + AFTER_LAST_S, SHORTEST_S)


def _recorded_satellite(recording: Recording, path: Path, name: str) -> Satellite:
    """Return a satellite on the orbit of its first frame's pose; without one it gets a place in a train."""
    try:
        frame = decode(recording.frame(name, 0))
    except ValueError as error:
        raise BadInputError(str(path), f"frame 0 of {name!r}: {error}") from error
    state = None
    if frame.pose is not None:
        x, y, z = frame.pose.position_gcrs_m.tolist()
        vx, vy, vz = frame.pose.velocity_gcrs_m_per_s.tolist()
        mid_ns = frame.exposure_start_unix_ns + round(frame.exposure_s / 2 * NS_PER_S)
        state = StateVector(datetime_utc(mid_ns), (x, y, z), (vx, vy, vz))
    return Satellite(name, state=state, replay=Replay(path.absolute()))


def _recorded_area(told: Mapping[str, str], path: Path) -> Place | None:
    """Return the recorded run's area, near which the ground station is chosen; None where the file does not say."""
    if "area" not in told:
        return None
    try:
        return Place(*(float(word) for word in told["area"].split(",")))
    except (TypeError, ValueError) as error:
        raise BadInputError(
            str(path), f"metadata `area` is {told['area']!r}, not latitude, longitude and height"
        ) from error


def _with_satellites(base: Scenario, satellites: tuple[Satellite, ...]) -> Scenario:
    """Return the scenario with these satellites and nothing of its own to be seen.

    Satellites without an orbit of their own take the train's places where it has as many.
    """
    unplaced = sum(satellite.state is None for satellite in satellites)
    train = base.train if base.train is not None and base.train.satellites == unplaced else None
    seen: dict[str, Any] = dict.fromkeys(SEEN, ())
    area = resolve_area(base)
    return dataclasses.replace(
        base, area=area, constellation=None, train=train, walker=None, satellites=satellites, **seen
    )


def _satellite_id(folder_name: str, place: int) -> str:
    return folder_name if NAME.fullmatch(folder_name) else f"replay-{place}"
