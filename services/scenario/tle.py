"""Files of two-line elements, with or without a line of the name above each pair."""

import difflib
import re
from dataclasses import dataclass, field
from pathlib import Path

from services.geometry.orbit import Orbit
from services.runtime.configuration import ConfigurationError

# How a line 1 or 2 begins, though what follows may be cut off or wrong.
BEGINNING = re.compile(r"[12] [ \d]{5}")


@dataclass(frozen=True)
class TleProblem:
    """Elements that cannot be used: line `line` (from 1) of `path`, of `satellite`, and why."""

    path: Path
    line: int
    satellite: str
    problem: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: satellite {self.satellite!r}: {self.problem}"


@dataclass
class TleFile:
    """What a file has: two lines by the satellite's name, in the file's order, and where the first of them stands.

    A satellite without a line of its name is called by its catalogue number. problems: pairs that are none, and those
    of a name that is there already. The lines' content is checked where an orbit is made of them.
    """

    path: Path
    elements: dict[str, tuple[str, str]] = field(default_factory=dict)
    line_numbers: dict[str, int] = field(default_factory=dict)
    problems: list[TleProblem] = field(default_factory=list)

    def orbit(self, name: str) -> Orbit | TleProblem:
        """Return the orbit of one of the satellites, or what is wrong with its elements."""
        try:
            return Orbit.from_tle(*self.elements[name], name=name)
        except ValueError as error:
            in_second = str(error).startswith("TLE line 2")
            problem = f"{error}; download the file anew or leave the satellite out"
            return TleProblem(self.path, self.line_numbers[name] + in_second, name, problem)


def read_tle_file(path: Path) -> TleFile:
    """Return the file's satellites; ConfigurationError if it cannot be read or has not one pair of lines."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(str(path), f"cannot be read: {error}") from error
    file = TleFile(path)
    _pair(file, text.splitlines())
    if not file.elements:
        more = f"; {file.problems[0]}" if file.problems else ""
        raise ConfigurationError(str(path), f"has no two-line elements{more}")
    return file


def find_tle(path: Path, name: str) -> tuple[str, str]:
    """Return the two lines of one satellite of the file."""
    file = read_tle_file(path)
    if name in file.elements:
        return file.elements[name]
    for problem in file.problems:
        if problem.satellite == name:
            raise ConfigurationError(f"{path}:{problem.line}", f"satellite {name!r}: {problem.problem}")
    nearest = difflib.get_close_matches(name, list(file.elements), n=1)
    hint = f"did you mean {nearest[0]!r}?" if nearest else f"it has {len(file.elements)} satellites"
    raise ConfigurationError(str(path), f"has no satellite {name!r}; {hint}")


def _pair(file: TleFile, lines: list[str]) -> None:
    """Put the lines together, and go on after a pair that is none with the next name or line 1."""
    name, line1, since = "", "", 0
    for number, line in enumerate((line.rstrip() for line in lines), start=1):
        is_first = line.startswith("1 ") and len(line) > 60
        if line1 and line.startswith("2 "):
            satellite = name or line1[2:7].strip()
            if satellite in file.elements:
                first = file.line_numbers[satellite]
                found = f"is there twice; the elements of line {first} are used; delete one of the two or rename it"
                file.problems.append(TleProblem(file.path, since, satellite, found))
            else:
                file.elements[satellite], file.line_numbers[satellite] = (line1, line), since
            name = line1 = ""
            continue
        if line1:
            found = f"is {line!r}, not line 2 of a TLE"
            file.problems.append(TleProblem(file.path, number, name or line1[2:7].strip(), found))
            name = line1 = ""
        elif BEGINNING.match(line) and not is_first:
            # What is left of a pair whose other line was refused already says nothing new.
            if name or line.startswith("1 "):
                found = f"is {line!r}, not line 1 of a TLE"
                file.problems.append(TleProblem(file.path, number, name or line[2:7].strip(), found))
            name = ""
            continue
        if is_first:
            line1, since = line, number
        elif line and not line.startswith("#") and not BEGINNING.match(line) and len(line) < 60:
            # Some catalogues begin the line of the name with a zero.
            name = line.removeprefix("0 ").strip()
    if line1:
        found = "the file ends after line 1 of its TLE"
        file.problems.append(TleProblem(file.path, since, name or line1[2:7].strip(), found))
