"""Attitudes from a CSV file, with errors that name line, value and remedy."""

import bisect
import csv
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.geometry.attitude import matrix_from_quaternion, slerp
from services.geometry.time import NS_PER_S
from services.runtime.errors import BadInputError

COLUMNS = ("time_s", "w", "x", "y", "z")

Quaternion = tuple[float, float, float, float]


@dataclass(frozen=True)
class PointingTable:
    """Attitudes at growing instants, camera to GCRS; between them the camera turns evenly, the shorter way round."""

    path: Path
    # What the file's times count from.
    start_unix_ns: int
    times_unix_ns: tuple[int, ...] = field(repr=False)
    quaternions: tuple[Quaternion, ...] = field(repr=False)

    def rotation(self, unix_ns: int) -> NDArray[np.float64]:
        """Return the (3, 3) camera-to-GCRS rotation; BadInputError outside the table's time span."""
        self.check_covers(unix_ns, unix_ns)
        # The row at or before, but never the last.
        row = min(bisect.bisect_right(self.times_unix_ns, unix_ns), len(self.times_unix_ns) - 1) - 1
        before, after = self.times_unix_ns[row : row + 2]
        along = (unix_ns - before) / (after - before)
        return matrix_from_quaternion(slerp(self.quaternions[row], self.quaternions[row + 1], along))

    def check_covers(self, first_unix_ns: int, last_unix_ns: int) -> None:
        """Raise BadInputError unless both instants lie within the table's time span."""
        for instant in (first_unix_ns, last_unix_ns):
            if not self.times_unix_ns[0] <= instant <= self.times_unix_ns[-1]:
                first_s, last_s, asked_s = (
                    (time - self.start_unix_ns) / NS_PER_S
                    for time in (self.times_unix_ns[0], self.times_unix_ns[-1], instant)
                )
                raise BadInputError(
                    str(self.path),
                    f"covers {first_s:g} to {last_s:g} s after the scenario's start and is asked for {asked_s:g} s; "
                    "add rows or shorten the run",
                )


def read_pointing_table(path: Path, start_unix_ns: int) -> PointingTable:
    """Return the attitudes of a CSV file: a line of names (time_s, w, x, y, z in any order), then at least two rows.

    time_s counts from the scenario's start; quaternions, Hamilton's convention, may have any length but zero.
    Raises BadInputError, naming file, line and value, for a file that cannot be read, other columns, what is no number,
    times that do not grow, and quaternions of length zero.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, skipinitialspace=True)
            names = [name.strip() for name in next(reader, [])]
            if sorted(names) != sorted(COLUMNS):
                raise BadInputError(
                    f"{path}:1", f"has columns {', '.join(names) or 'none'}; they must be {', '.join(COLUMNS)}"
                )
            rows = [(reader.line_num, _numbers(path, reader.line_num, names, row)) for row in reader if any(row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInputError(str(path), f"cannot be read as CSV: {error}") from error
    if len(rows) < 2:
        raise BadInputError(
            str(path), f"has {len(rows)} rows of numbers; give two or more, from start to end of the run"
        )
    for (_, before), (line, after) in itertools.pairwise(rows):
        if after["time_s"] <= before["time_s"]:
            raise BadInputError(
                f"{path}:{line}",
                f"time_s is {after['time_s']:g} after {before['time_s']:g}; times must grow: sort the lines and delete "
                "doubles",
            )
    return PointingTable(
        path,
        start_unix_ns,
        tuple(start_unix_ns + round(row["time_s"] * NS_PER_S) for _, row in rows),
        tuple((row["w"], row["x"], row["y"], row["z"]) for _, row in rows),
    )


def _numbers(path: Path, line: int, names: Sequence[str], row: Sequence[str]) -> dict[str, float]:
    if len(row) != len(names):
        raise BadInputError(f"{path}:{line}", f"has {len(row)} values, not {len(names)}: {', '.join(row)}")
    numbers = {}
    for name, text in zip(names, row, strict=True):
        try:
            numbers[name] = float(text)
        except ValueError as error:
            raise BadInputError(f"{path}:{line}", f"{name} is {text!r}, not a number; write one") from error
        if not math.isfinite(numbers[name]):
            raise BadInputError(f"{path}:{line}", f"{name} is {text!r}, not finite; write a number")
    if not any(numbers[name] for name in "wxyz"):
        raise BadInputError(
            f"{path}:{line}", "quaternion w, x, y, z is all zero and no rotation; no turn is 1, 0, 0, 0"
        )
    return numbers
