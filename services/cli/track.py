"""Turn looks (lines of sight) into tracks.

LOOKS has one look of one sensor a line; OUT gets one line a track and look time. A line that is no look is named on
standard error and passed over; the exit status is 0 unless none could be used. OUT takes its name when it is complete.

Looks are taken in the order of their times, whatever the order of the lines. One that is older than the newest before
it by more than --reorder-s is passed over, too; a file that is sorted by time_unix_ns loses none.
"""

import sys
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Annotated, BinaryIO

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
    from services.runtime.whole_file import cleaned_up_on_sigterm

    if not 0 < reorder_s <= LONGEST_REORDER_S:
        raise typer.BadParameter(
            f"{reorder_s:g} is not within 0 to {LONGEST_REORDER_S:g} s; where looks come later than that, sort the "
            "lines by time_unix_ns",
            param_hint="--reorder-s",
        )
    _refuse_one_file_twice(looks, out, timing)
    lines = TrackLines()
    # The line of each look that the tracker holds back, by the look's identity: two lines may say the same.
    held: dict[int, int] = {}

    def name_left_out(look: Look, why: str) -> None:
        print(f"{looks}:{held.pop(id(look))}: {why}", file=sys.stderr)

    tracker = Tracker(TrackingConfig(reorder_s=reorder_s), run_id, settled=lines.add, left_out=name_left_out)
    used = refused = 0
    with cleaned_up_on_sigterm(), ExitStack() as files:
        try:
            # A byte-order mark is no part of the first line.
            source = files.enter_context(looks.open(encoding="utf-8-sig", errors="replace"))
            tracks = files.enter_context(_written(out))
            times = files.enter_context(_written(timing)) if timing is not None else None
            for number, look in parse_looks(source):
                try:
                    if isinstance(look, LookError):
                        raise look
                    held[id(look)] = number
                    begun = time.perf_counter_ns()
                    tracker.update_look(look)
                    took = time.perf_counter_ns() - begun
                except (LookError, LateLookError, TooManySensorsError) as error:
                    refused += 1
                    option = " (reorder_s is --reorder-s here)" if type(error) is LateLookError else ""
                    print(f"{looks}:{number}: {error}{option}", file=sys.stderr)
                    continue
                finally:
                    if not tracker.waits:
                        held.clear()
                used += 1
                tracks.writelines(f"{line}\n".encode() for line in lines.ready())
                if times is not None:
                    times.write(f"{took}\n".encode())
            tracker.finish()
            tracks.writelines(f"{line}\n".encode() for line in lines.finish())
        except OSError as error:
            raise BadInputError(str(error.filename or looks), f"cannot be used: {error.strerror or error}") from error
        if used == 0:
            raise BadInputError(str(looks), f"has no look that could be used ({refused} lines refused)")


def _refuse_one_file_twice(looks: Path, out: Path, timing: Path | None) -> None:
    """Raise BadParameter where a file would be written over LOOKS, or over another that is written."""
    named = {looks.resolve(): "LOOKS"}
    for option, path in (("--out", out), ("--timing", timing)):
        if path is None:
            continue
        is_looks = looks.is_file() and path.exists() and path.samefile(looks)
        other = "LOOKS" if is_looks else named.get(path.resolve())
        if other is not None and (path.is_file() or not path.exists()):
            raise typer.BadParameter(f"{path} is {other}, too; name another file", param_hint=option)
        named[path.resolve()] = option


def _written(path: Path) -> AbstractContextManager[BinaryIO]:
    """Return a file that takes its name when it is complete; a device or a pipe, which cannot, as it is.

    A link stays one: standard output may be one to a file.
    """
    from services.runtime.whole_file import whole_file

    return whole_file(path.resolve()) if path.is_file() or path.is_dir() or not path.exists() else path.open("wb")
