"""Files of two-line elements, with or without a line of the name above each pair."""

import difflib
from pathlib import Path

from services.runtime.configuration import ConfigurationError


def read_tle_file(path: Path) -> dict[str, tuple[str, str]]:
    """Return the two lines of every satellite in the file by its name, in the file's order.

    A satellite without a line of its name is called by its catalogue number. The lines themselves are checked where
    an orbit is made of them.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(str(path), f"cannot be read: {error}") from error
    elements: dict[str, tuple[str, str]] = {}
    name = line1 = ""
    for number, line in enumerate((line.rstrip() for line in text.splitlines()), start=1):
        if line1:
            if not line.startswith("2 "):
                raise ConfigurationError(f"{path}:{number}", f"is {line!r}, not line 2 of a TLE")
            elements[name or line1[2:7].strip()] = (line1, line)
            name = line1 = ""
        elif line.startswith("1 ") and len(line) > 60:
            line1 = line
        elif line and not line.startswith("#"):
            # Some catalogues begin the line of the name with a zero.
            name = line.removeprefix("0 ").strip()
    if line1:
        raise ConfigurationError(str(path), f"ends after line 1 of the TLE of {name or line1[2:7].strip()!r}")
    if not elements:
        raise ConfigurationError(str(path), "has no two-line elements")
    return elements


def find_tle(path: Path, name: str) -> tuple[str, str]:
    """Return the two lines of one satellite of the file."""
    elements = read_tle_file(path)
    if name in elements:
        return elements[name]
    nearest = difflib.get_close_matches(name, list(elements), n=1)
    hint = f"did you mean {nearest[0]!r}?" if nearest else f"it has {len(elements)} satellites"
    raise ConfigurationError(str(path), f"has no satellite {name!r}; {hint}")
