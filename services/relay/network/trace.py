"""Measured one-way delays in place of the modelled ones.

A trace is a CSV file. Its first row names the columns: `time_s` (seconds, any zero) and `delay_s` (one way) or
`rtt_s` (there and back, halved); other columns are passed over, and so are lines that begin with `#`:

    # terminal to point of presence, 2026-06-21
    time_s,delay_s
    0.00,0.0213
    0.02,0.0209

Between rows the delay is interpolated linearly. The first row stands at the start of the run; a run that is longer
begins the trace again at its last row.
"""

import bisect
import csv
import itertools
import math
import statistics
from dataclasses import dataclass
from pathlib import Path

from services.runtime.configuration import ConfigurationError

# A step this many times the median one is a hole: what happened in it nobody has measured.
LONGEST_STEP = 10.0


@dataclass(frozen=True)
class Trace:
    """Delays over time.

    start_unix_ns: emulated UTC of the first row. times_s: (n,) since then, rising from 0; delays_s: (n,) one way.
    """

    start_unix_ns: int
    times_s: tuple[float, ...]
    delays_s: tuple[float, ...]

    def delay_s(self, unix_ns: int) -> float:
        """Return the one-way delay of what leaves at an instant, seconds; before the start, that of the first row."""
        length_s = self.times_s[-1]
        since_s = max(unix_ns - self.start_unix_ns, 0) / 1e9 % length_s
        row = min(bisect.bisect_right(self.times_s, since_s), len(self.times_s) - 1)
        before_s, after_s = self.times_s[row - 1], self.times_s[row]
        part = (since_s - before_s) / (after_s - before_s)
        return self.delays_s[row - 1] + part * (self.delays_s[row] - self.delays_s[row - 1])


def read_trace(path: Path, start_unix_ns: int) -> Trace:
    """Return the trace in a file, its first row at `start_unix_ns`.

    Raises ConfigurationError, with file, line and remedy, for a file that is missing or has no such columns, fewer than
    two rows, a value that is no number or is not finite, a delay below 0, times that do not rise, and a hole.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(str(path), f"cannot be read ({error}); name a CSV file of measured delays") from error
    kept = [(number, line) for number, line in enumerate(lines, 1) if line.strip() and not line.startswith("#")]
    if not kept:
        raise ConfigurationError(str(path), "is empty; write a row time_s,delay_s and the measured rows under it")
    time, delay, share = _columns(path, *kept[0])
    rows = [_row(path, number, line, time, delay) for number, line in kept[1:]]
    if len(rows) < 2:
        raise ConfigurationError(str(path), f"has {len(rows)} rows of delays; a trace needs at least 2")
    _check_times(path, [number for number, _ in kept[1:]], [time_s for time_s, _ in rows])
    first_s = rows[0][0]
    return Trace(
        start_unix_ns, tuple(time_s - first_s for time_s, _ in rows), tuple(delay_s * share for _, delay_s in rows)
    )


def _columns(path: Path, number: int, line: str) -> tuple[int, int, float]:
    """Return the places of time and delay in a row, and what a delay is to be multiplied with."""
    names = [name.strip() for name in next(csv.reader([line]))]
    delays = [name for name in ("delay_s", "rtt_s") if name in names]
    if "time_s" not in names or len(delays) != 1:
        raise ConfigurationError(
            f"{path}, line {number}", f"columns are {line.strip()!r}; name them time_s and either delay_s or rtt_s"
        )
    return names.index("time_s"), names.index(delays[0]), 1.0 if delays[0] == "delay_s" else 0.5


def _row(path: Path, number: int, line: str, *columns: int) -> tuple[float, float]:
    cells = next(csv.reader([line]))
    try:
        time_s, delay_s = (float(cells[column]) for column in columns)
    except (ValueError, IndexError) as error:
        raise ConfigurationError(
            f"{path}, line {number}", f"{line.strip()!r} has no number for time and delay; remove the row"
        ) from error
    if not (math.isfinite(time_s) and math.isfinite(delay_s) and delay_s >= 0):
        raise ConfigurationError(
            f"{path}, line {number}",
            f"time {time_s:g} s and delay {delay_s:g} s must be finite and the delay not below 0; remove the row",
        )
    return time_s, delay_s


def _check_times(path: Path, numbers: list[int], times_s: list[float]) -> None:
    steps_s = [after - before for before, after in itertools.pairwise(times_s)]
    for number, step_s in zip(numbers[1:], steps_s, strict=True):
        if step_s <= 0:
            raise ConfigurationError(
                f"{path}, line {number}", f"time goes {-step_s:g} s back; sort the rows by time_s, each time once"
            )
    usual_s = statistics.median(steps_s)
    for number, step_s in zip(numbers[1:], steps_s, strict=True):
        if step_s > LONGEST_STEP * usual_s:
            raise ConfigurationError(
                f"{path}, line {number}",
                f"nothing for {step_s:g} s before it, where rows are {usual_s:g} s apart; cut the trace at the hole",
            )
