"""The tracker at work on looks, through what `plumewatch track` reads and writes."""

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from services.ground_station.tracking.config import TrackingConfig
from services.ground_station.tracking.looks_file import LookError, TrackLines, parse_looks
from services.ground_station.tracking.tracker import LateLookError, Tracker


@dataclass(frozen=True)
class Step:
    """What one look led to.

    records: the track lines that became final. took_ns: processor time that the tracker took. described_ns: what it
    took beyond that to describe every track that the look changed, as a live station reads them; 0 where nobody asked.
    prepared_ns: what it took before the look: ascents fitted, crowds untangled.
    """

    records: list[dict[str, Any]]
    took_ns: int
    described_ns: int = 0
    prepared_ns: int = 0


def steps(lines: Iterable[Mapping[str, Any]], describe: bool = False) -> Iterator[Step]:
    """Yield a step for each look, and a last one, of no time, with what is still held.

    lines: as in looks.jsonl; the next one is taken when the next step is asked for. Looks too late for the tracker are
    passed over. describe: read what each look changed at once. Raises LookError for a line that is no look.
    """
    written = TrackLines()
    tracker = Tracker(TrackingConfig(), "bench", settled=written.add)
    for _, look in parse_looks(json.dumps(line) for line in lines):
        if isinstance(look, LookError):
            raise look
        early = time.process_time_ns()
        tracker.prepare(look)
        begun = time.process_time_ns()
        try:
            changed = tracker.update_look(look)
        except LateLookError:
            yield Step([], time.process_time_ns() - begun)
            continue
        tracked = time.process_time_ns()
        if describe:
            list(changed)
        described = time.process_time_ns()
        yield Step([json.loads(text) for text in written.ready()], tracked - begun, described - tracked, begun - early)
    tracker.finish()
    yield Step([json.loads(text) for text in written.finish()], 0)


def track(lines: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return all track lines of all looks."""
    return [record for step in steps(lines) for record in step.records]
