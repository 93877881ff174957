"""A scenario's frames and truth, written to files without any network."""

import collections
import heapq
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sat_emulator.downlink.encode import encode
from sat_emulator.downlink.program import open_source
from sat_emulator.frame import Frame, FrameSource
from services.geometry.time import format_rfc3339
from services.runtime.errors import BadInputError
from services.runtime.recording import RecordingWriter
from services.scenario.model import Scenario
from services.scenario.resolve import ResolvedSatellite, end_unix_ns, resolve_satellites, start_unix_ns
from services.scenario.view import check_launches_seen

# Frames that are made ahead of the one that is written: enough to keep the cores busy, few enough for memory.
AHEAD_PER_WORKER = 2


@dataclass
class Simulated:
    """What was written. skipped: frames whose image could not be read, with the reason, by satellite and sequence."""

    frames: int = 0
    message_bytes: int = 0
    skipped: dict[tuple[str, int], str] = field(default_factory=dict)


def simulate(
    scenario: Scenario,
    out: Path,
    truth: Path,
    run_id: str,
    on_progress: Callable[[int, int], None] | None = None,
) -> Simulated:
    """Write every satellite's frames to the recording `out` and the truth to `truth` (JSON lines).

    Frames lie in the recording in the order in which they leave their satellites. `on_progress` is told frames done
    and their number.
    """
    satellites = resolve_satellites(scenario)
    check_launches_seen(scenario, satellites)
    sources = {satellite.id: open_source(scenario, satellite) for satellite in satellites}
    records = emulated_truth(scenario, satellites)
    write_truth(records, truth)
    metadata = {
        "run_id": run_id,
        "scenario": scenario.name,
        "seed": str(scenario.seed),
        "start": format_rfc3339(start_unix_ns(scenario)),
        "end": format_rfc3339(end_unix_ns(scenario)),
    }
    simulated = Simulated()
    total = sum(len(source) for source in sources.values())
    with RecordingWriter(out, metadata) as recording:
        for record in records:
            recording.add_truth(record, start_unix_ns(scenario))
        for done, (satellite_id, sequence, future) in enumerate(_frames_in_order(sources), start=1):
            try:
                frame = future.result()
            except BadInputError as error:
                simulated.skipped[satellite_id, sequence] = str(error)
            else:
                message = encode(frame, satellite_id, run_id)
                times = (frame.exposure_start_unix_ns, frame.readout_end_unix_ns)
                recording.add_frame(satellite_id, message, *times, sequence)
                simulated.frames += 1
                simulated.message_bytes += len(message)
            if on_progress is not None:
                on_progress(done, total)
    return simulated


def write_truth(records: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write the truth, a line an object, as `plumewatch score` reads it."""
    try:
        path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    except OSError as error:
        raise BadInputError(str(path), f"cannot be written: {error.strerror}") from error


def emulated_truth(scenario: Scenario, satellites: Sequence[ResolvedSatellite]) -> list[dict[str, Any]]:
    """Return the truth of what the run's emulated satellites see; nothing where all show recorded images."""
    emulated = [satellite for satellite in satellites if satellite.replay is None]
    if not emulated:
        return []
    from sat_emulator.sensor.truth import truth_records

    return truth_records(scenario, emulated)


def _frames_in_order(sources: Mapping[str, FrameSource]) -> Iterator[tuple[str, int, Future[Frame]]]:
    """Yield (satellite, sequence, frame to come) by the end of read-out; a bounded number is made at once.

    Sources are pure functions of the sequence number and their kernels release the interpreter, so that threads help.
    """
    order = heapq.merge(*(_departures(name, source) for name, source in sources.items()))
    workers = os.cpu_count() or 1
    with ThreadPoolExecutor(workers, "frame") as pool:
        waiting: collections.deque[tuple[str, int, Future[Frame]]] = collections.deque()
        try:
            for _, name, sequence in order:
                waiting.append((name, sequence, pool.submit(sources[name].frame, sequence)))
                if len(waiting) > workers * AHEAD_PER_WORKER:
                    yield waiting.popleft()
            while waiting:
                yield waiting.popleft()
        finally:
            for _, _, future in waiting:
                future.cancel()


def _departures(name: str, source: FrameSource) -> Iterator[tuple[int, str, int]]:
    for sequence in range(len(source)):
        yield source.readout_end_unix_ns(sequence), name, sequence
