"""Turn looks (lines of sight) into tracks.

LOOKS has one look of one sensor a line; OUT gets one line a track and look time. A line that is no look is named on
standard error and passed over; the exit status is 0 unless none could be used.

Looks are taken in the order of their times, whatever the order of the lines. One that is older than the newest before
it by more than --reorder-s is passed over, too; a file that is sorted by time_unix_ns loses none.
"""

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from services.runtime.errors import BadInputError

# Every look within it is held with a copy of all tracks.
LONGEST_REORDER_S = 3600.0


def run(
    looks: Annotated[Path, typer.Argument(help="Looks, JSON lines.")],
    out: Annotated[Path, typer.Option(help="Tracks, JSON lines.")],
    timing: Annotated[
        Path | None, typer.Option(help="One line a look: the time that tracking it took, in nanoseconds.")
    ] = None,
    run_id: Annotated[str, typer.Option(help="Tracks are named after it and their first detection.")] = "run",
    reorder_s: Annotated[
        float,
        typer.Option(
            metavar="S",
            help="A look may be so many seconds older than the newest before it and is still taken in its place. More "
            "loses fewer looks, holds more of them in memory, and writes a look's tracks so much later.",
        ),
    ] = 5.0,
) -> None:
    import time

    from services.ground_station.tracking.config import TrackingConfig
    from services.ground_station.tracking.look import Look
    from services.ground_station.tracking.looks_file import LookError, TrackLines, parse_looks
    from services.ground_station.tracking.sensors import TooManySensorsError
    from services.ground_station.tracking.tracker import LateLookError, Tracker

    if not 0 < reorder_s <= LONGEST_REORDER_S:
        raise typer.BadParameter(
            f"{reorder_s:g} is not within 0 to {LONGEST_REORDER_S:g} s; where looks come later than that, sort the "
            "lines by time_unix_ns",
            param_hint="--reorder-s",
        )
    lines = TrackLines()

    def name_left_out(_: Look, why: str) -> None:
        print(f"{looks}: {why}", file=sys.stderr)

    tracker = Tracker(TrackingConfig(reorder_s=reorder_s), run_id, settled=lines.add, left_out=name_left_out)
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
                    begun = time.perf_counter_ns()
                    tracker.update_look(look)
                    took = time.perf_counter_ns() - begun
                except (LookError, LateLookError, TooManySensorsError) as error:
                    refused += 1
                    option = " (reorder_s is --reorder-s here)" if type(error) is LateLookError else ""
                    print(f"{looks}:{number}: {error}{option}", file=sys.stderr)
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
