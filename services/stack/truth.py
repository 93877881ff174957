"""What is true in a run, and its file."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from services.runtime.errors import BadInputError
from services.runtime.recording import Recording
from services.scenario.model import Scenario
from services.scenario.resolve import ResolvedSatellite

Record = dict[str, Any]


def run_truth(scenario: Scenario, satellites: Sequence[ResolvedSatellite]) -> list[Record]:
    """Return what is true of the emulated scene, and of recordings that brought their truth."""
    truth = emulated_truth(scenario, satellites)
    known = {record["object_id"] for record in truth}
    files = {satellite.replay.path for satellite in satellites if satellite.replay is not None}
    for file in sorted(files):
        if file.suffix.lower() == ".mcap":
            truth += [record for record in Recording(file).truth() if record["object_id"] not in known]
    return truth


def emulated_truth(scenario: Scenario, satellites: Sequence[ResolvedSatellite]) -> list[Record]:
    """Return the truth of what the run's emulated satellites see; nothing where all show recorded images."""
    emulated = [satellite for satellite in satellites if satellite.replay is None]
    if not emulated:
        return []
    from sat_emulator.sensor.truth import truth_records

    return truth_records(scenario, emulated)


def write_truth(records: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write the truth, a line an object, as `plumewatch score` reads it."""
    try:
        path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    except OSError as error:
        raise BadInputError(str(path), f"cannot be written: {error.strerror}") from error
