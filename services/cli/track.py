"""Turn looks (lines of sight) into tracks.

LOOKS has one look of one sensor a line; OUT gets one line a track and look time. A line that is no look is named on
standard error and passed over; the exit status is 0 unless none could be used.
"""

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from services.runtime.errors import BadInputError


def run(
    looks: Annotated[Path, typer.Argument(help="Looks, JSON lines.")],
    out: Annotated[Path, typer.Option(help="Tracks, JSON lines.")],
    timing: Annotated[Path | None, typer.Option(help="One line a look: the time it took, in nanoseconds.")] = None,
    run_id: Annotated[str, typer.Option(help="Tracks are named after it and their first detection.")] = "run",
) -> None:
    import time

    from services.ground_station.tracking.config import TrackingConfig
    from services.ground_station.tracking.looks_file import LookError, TrackLines, parse_looks
    from services.ground_station.tracking.tracker import Tracker

    lines = TrackLines()
    tracker = Tracker(TrackingConfig(), run_id, settled=lines.add)
    used = refused = 0
    with ExitStack() as files:
        try:
            source = files.enter_context(looks.open(encoding="utf-8", errors="replace"))
            tracks = files.enter_context(out.open("w", encoding="utf-8"))
            times = files.enter_context(timing.open("w", encoding="utf-8")) if timing is not None else None
            for number, look in parse_looks(source):
                try:
                    if isinstance(look, LookError):
                        raise look
                    # Ascents are fitted between looks and are no part of the time that a look takes.
                    tracker.prepare(look)
                    begun = time.perf_counter_ns()
                    tracker.update_look(look)
                    took = time.perf_counter_ns() - begun
                except ValueError as error:
                    refused += 1
                    print(f"{looks}:{number}: {error}", file=sys.stderr)
                    continue
                used += 1
                tracks.writelines(f"{line}\n" for line in lines.ready())
                if times is not None:
                    times.write(f"{took}\n")
            tracker.finish()
            tracks.writelines(f"{line}\n" for line in lines.finish())
        except OSError as error:
            raise BadInputError(str(getattr(error, "filename", None) or looks), f"cannot be used: {error}") from error
    if used == 0:
        raise BadInputError(str(looks), f"has no look that could be used ({refused} lines refused)")
