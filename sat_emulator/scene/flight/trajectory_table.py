"""Reading of trajectories from CSV files, with errors that name line, column, value and remedy."""

import csv
import difflib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sat_emulator.scene.flight.flight import Float64
from services.runtime.errors import BadInputError

TIME = "time_s"
INTENSITY = "radiant_intensity_w_per_sr"
GEODETIC = ("latitude_deg", "longitude_deg", "height_m")
ITRS = ("x_itrs_m", "y_itrs_m", "z_itrs_m")
WEBCAST = ("speed_m_per_s", "height_m")
COLUMN_SETS = (GEODETIC, ITRS, WEBCAST)
KNOWN = list(dict.fromkeys((TIME, *GEODETIC, *ITRS, *WEBCAST, INTENSITY)))


@dataclass(frozen=True)
class TrajectoryTable:
    """A file's numbers by column, and which of COLUMN_SETS they give the way by."""

    path: Path
    columns: dict[str, Float64]
    kind: tuple[str, ...]
    # Each row's line in the file, for errors found later.
    lines: tuple[int, ...]

    @property
    def times_s(self) -> Float64:
        return self.columns[TIME]


def read_trajectory(path: Path) -> TrajectoryTable:
    """Return the table of a CSV file: a line of column names, then numbers; columns of other names are left alone.

    Raises BadInputError for a file that cannot be read, lacks columns or has fewer than two rows, for what is no
    number, and for times that are below zero or do not grow.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, skipinitialspace=True)
            names = [name.strip() for name in next(reader, [])]
            kind = _kind(path, names)
            wanted = {name: names.index(name) for name in (TIME, *kind, INTENSITY) if name in names}
            rows = [(reader.line_num, _numbers(path, reader.line_num, row, wanted)) for row in reader if any(row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInputError(str(path), f"cannot be read as CSV: {error}") from error
    if len(rows) < 2:
        raise BadInputError(str(path), f"has {len(rows)} rows of numbers; a trajectory needs two or more")
    values = np.array([row for _, row in rows])
    columns = {name: values[:, k].copy() for k, name in enumerate(wanted)}
    table = TrajectoryTable(path, columns, kind, tuple(line for line, _ in rows))
    _check_times(table)
    return table


def _kind(path: Path, names: list[str]) -> tuple[str, ...]:
    for name in names:
        nearest = difflib.get_close_matches(name, KNOWN, n=1, cutoff=0.75)
        if nearest and name not in KNOWN and nearest[0] not in names:
            raise BadInputError(str(path), f"line 1: column {name!r} is not known; did you mean {nearest[0]!r}?")
    if TIME in names:
        for kind in COLUMN_SETS:
            if set(kind) <= set(names):
                return kind
    sets = "; or ".join(", ".join(kind) for kind in COLUMN_SETS)
    found = ", ".join(names) or "none"
    raise BadInputError(str(path), f"line 1: has columns {found}; it needs {TIME} and {sets}")


def _numbers(path: Path, line: int, row: Sequence[str], wanted: dict[str, int]) -> list[float]:
    numbers = []
    for name, index in wanted.items():
        text = row[index].strip() if index < len(row) else ""
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise BadInputError(
                str(path), f"line {line}: {name} is {text!r}, not a number; write one, or delete the line"
            )
        numbers.append(number)
    return numbers


def _check_times(table: TrajectoryTable) -> None:
    times = table.times_s
    if times[0] < 0:
        raise BadInputError(
            str(table.path),
            f"line {table.lines[0]}: {TIME} is {times[0]:g}; times count from launch: delete the lines before it",
        )
    for index in np.flatnonzero(np.diff(times) <= 0)[:1].tolist():
        raise BadInputError(
            str(table.path),
            f"line {table.lines[index + 1]}: {TIME} is {times[index + 1]:g} after {times[index]:g}; times must grow: "
            "sort the lines and delete doubles",
        )
