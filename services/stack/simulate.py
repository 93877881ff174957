"""A scenario's frames and truth, written to files without any network."""

import collections
import contextlib
import functools
import heapq
import json
import os
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from sat_emulator.downlink.encode import encode
from sat_emulator.downlink.program import open_source
from sat_emulator.frame import Frame, FrameSource
from services.geometry.time import NS_PER_S, format_rfc3339
from services.runtime.errors import BadInputError
from services.runtime.pixel_codec import PixelCodec, codec_named
from services.runtime.recording import RecordingWriter
from services.runtime.whole_file import whole_file
from services.scenario.model import Scenario
from services.scenario.resolve import ResolvedSatellite, end_unix_ns, resolve_area, resolve_satellites, start_unix_ns
from services.scenario.view import check_launches_seen
from services.stack.truth import emulated_truth

# Frames that are made ahead of the one that is written: enough to keep the cores busy, few enough for memory.
AHEAD_PER_WORKER = 2

Made = TypeVar("Made")


@dataclass(frozen=True)
class Outputs:
    """Where a simulation goes: the recording, and as JSON lines the truth an object and the truth a frame."""

    recording: Path
    truth: Path
    frame_truth: Path

    def __post_init__(self) -> None:
        paths = [self.recording.absolute(), self.truth.absolute(), self.frame_truth.absolute()]
        if len(set(paths)) < len(paths):
            raise BadInputError(str(self.recording), "recording, truth and frame truth need a file each")


@dataclass(frozen=True)
class Progress:
    """How far a simulation is. emulated_s: from the run's start to the newest frame."""

    frames: int
    frames_total: int
    emulated_s: float


@dataclass
class Simulated:
    """What was written. skipped: frames whose image could not be read, with the reason, by satellite and sequence."""

    frames: int = 0
    message_bytes: int = 0
    skipped: dict[tuple[str, int], str] = field(default_factory=dict)


class Pace:
    """Holds emulated time back to so many emulated seconds a wall second; what came too late is not caught up with."""

    def __init__(
        self,
        rate: float,
        now_s: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rate = rate
        self._now_s = now_s
        self._sleep = sleep
        self._started_s: float | None = None

    def wait(self, emulated_s: float) -> None:
        """Return when it is time for an instant of the run, seconds after its start; at once where it is past."""
        if self._started_s is None:
            self._started_s = self._now_s()
        ahead_s = self._started_s + emulated_s / self._rate - self._now_s()
        if ahead_s > 0:
            self._sleep(ahead_s)
        else:
            self._started_s -= ahead_s


@dataclass(frozen=True)
class _Made:
    """One frame and, of an emulated satellite, what is true of it."""

    frame: Frame
    truth: dict[str, Any] | None


class _Camera:
    """One satellite's frames with their truth."""

    def __init__(self, scenario: Scenario, satellite: ResolvedSatellite) -> None:
        self.source: FrameSource
        self._truth: Callable[[int], dict[str, Any]] | None = None
        if satellite.replay is not None:
            self.source = open_source(scenario, satellite)
            return
        from sat_emulator.sensor.detectability import View
        from sat_emulator.sensor.source import EmulatedSource
        from sat_emulator.sensor.truth import frame_truth

        self.source = source = EmulatedSource(scenario, satellite)
        self._truth = functools.partial(frame_truth, View(source))

    def make(self, sequence: int) -> _Made:
        return _Made(self.source.frame(sequence), None if self._truth is None else self._truth(sequence))


def simulate(
    scenario: Scenario,
    outputs: Outputs,
    run_id: str,
    on_progress: Callable[[Progress], None] | None = None,
    pace: Pace | None = None,
) -> Simulated:
    """Write every satellite's frames and the truth.

    Frames lie in the recording in the order in which they leave their satellites. No file appears before all are
    complete. `pace`: left out, as fast as this machine can.
    """
    # Of the recording first, which the others are named after.
    for path in (outputs.recording, outputs.truth, outputs.frame_truth):
        if not path.absolute().parent.is_dir():
            raise BadInputError(str(path), "cannot be written: its folder does not exist")
    satellites = resolve_satellites(scenario)
    check_launches_seen(scenario, satellites)
    codec = codec_named(scenario.downlink.compression)
    simulated = Simulated()
    with contextlib.ExitStack() as files:
        # Opened first: a place that cannot be written is better known before the work than after it.
        truth_file = files.enter_context(whole_file(outputs.truth))
        frame_truth_file = files.enter_context(whole_file(outputs.frame_truth))
        recording = files.enter_context(RecordingWriter(outputs.recording, _metadata(scenario, run_id)))
        start = start_unix_ns(scenario)
        for record in emulated_truth(scenario, satellites):
            truth_file.write(_line(record))
            recording.add_truth(record, start)
        cameras = {satellite.id: _Camera(scenario, satellite) for satellite in satellites}
        total = sum(len(camera.source) for camera in cameras.values())
        makers = {name: camera.make for name, camera in cameras.items()}
        departures = _in_order({name: camera.source for name, camera in cameras.items()})
        in_order = files.enter_context(contextlib.closing(_made_ahead(makers, departures)))
        for done, (ended, satellite_id, sequence, future) in enumerate(in_order, start=1):
            emulated_s = (ended - start) / NS_PER_S
            if pace is not None:
                pace.wait(emulated_s)
            try:
                made = future.result()
            except BadInputError as error:
                simulated.skipped[satellite_id, sequence] = str(error)
            else:
                simulated.message_bytes += _add(recording, satellite_id, run_id, made, codec)
                simulated.frames += 1
                if made.truth is not None:
                    frame_truth_file.write(_line(made.truth))
            if on_progress is not None:
                on_progress(Progress(done, total, emulated_s))
    return simulated


def _metadata(scenario: Scenario, run_id: str) -> dict[str, str]:
    area = resolve_area(scenario)
    return {
        "run_id": run_id,
        "scenario": scenario.name,
        "seed": str(scenario.seed),
        "start": format_rfc3339(start_unix_ns(scenario)),
        "end": format_rfc3339(end_unix_ns(scenario)),
        "area": f"{area.latitude_deg!r}, {area.longitude_deg!r}, {area.height_m!r}",
    }


def _add(recording: RecordingWriter, satellite_id: str, run_id: str, made: _Made, codec: PixelCodec | None) -> int:
    """Append a frame and its truth; return the frame's size, bytes."""
    frame = made.frame
    message = encode(frame, satellite_id, run_id, codec)
    times = (frame.exposure_start_unix_ns, frame.readout_end_unix_ns)
    recording.add_frame(satellite_id, message, *times, frame.sequence)
    if made.truth is not None:
        recording.add_frame_truth(satellite_id, made.truth, *times, frame.sequence)
    return len(message)


def _line(record: Mapping[str, Any]) -> bytes:
    return (json.dumps(record) + "\n").encode()


def _in_order(sources: Mapping[str, FrameSource]) -> Iterator[tuple[int, str, int]]:
    """Yield (end of read-out, satellite, sequence) of all frames in the order of time."""
    return heapq.merge(*(_departures(name, source) for name, source in sources.items()))


def _departures(name: str, source: FrameSource) -> Iterator[tuple[int, str, int]]:
    for sequence in range(len(source)):
        yield source.readout_end_unix_ns(sequence), name, sequence


def _made_ahead(
    makers: Mapping[str, Callable[[int], Made]], departures: Iterator[tuple[int, str, int]]
) -> Generator[tuple[int, str, int, Future[Made]], None, None]:
    """Yield the departures with their frames to come, of which a bounded number exists at once.

    Sources are pure functions of the sequence number and their kernels release the interpreter, so that threads help.
    """
    workers = os.cpu_count() or 1
    with ThreadPoolExecutor(workers, "frame") as pool:
        waiting: collections.deque[tuple[int, str, int, Future[Made]]] = collections.deque()
        try:
            for ended, name, sequence in departures:
                waiting.append((ended, name, sequence, pool.submit(makers[name], sequence)))
                if len(waiting) > workers * AHEAD_PER_WORKER:
                    yield waiting.popleft()
            while waiting:
                yield waiting.popleft()
        finally:
            for *_, future in waiting:
                future.cancel()
