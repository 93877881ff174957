"""Where the targets of a recorded sequence are, as its makers marked them."""

import math
from pathlib import Path

from services.runtime.errors import BadInputError
from services.scenario.model import Replay

TARGETS_NAME = "targets_xy.txt"


def read_targets(path: Path) -> list[tuple[float, float] | None]:
    """Return (row, column) of the target in each frame, pixels from 0; None where the frame has none.

    The file has one line a frame: column, then row, separated by blanks, a comma or a semicolon. An empty line, or one
    with `nan` in it, is a frame without a target.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(str(path), f"cannot be read: {error}") from error
    return [_target(path, number, line) for number, line in enumerate(lines, start=1)]


def find_targets(replay: Replay) -> Path | None:
    """Return the targets' file of a replay: the one it names, else `targets_xy.txt` in its folder if there is one."""
    if replay.targets is not None:
        return replay.targets
    beside = replay.path / TARGETS_NAME
    return beside if beside.is_file() else None


def _target(path: Path, number: int, line: str) -> tuple[float, float] | None:
    words = line.replace(",", " ").replace(";", " ").split()
    if not words:
        return None
    try:
        column, row = (float(word) for word in words)
    except ValueError as error:
        raise BadInputError(f"{path}:{number}", f"is {line!r}, not a column and a row") from error
    return (row, column) if math.isfinite(row) and math.isfinite(column) else None
