"""Prints the part of the lock that some packages need, with everything below them, hashes kept.

python deploy/pinned.py requirements.lock --project pyproject.toml     what the project itself runs on
python deploy/pinned.py requirements.lock hatchling                    what builds it

The lock holds tests and benchmarks too; an image that only runs needs a third of it. Who needs whom is in the
lock's `# via` lines, as `uv pip compile` writes them.
"""

import argparse
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

ENTRY = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==")
NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*")
VIA = re.compile(r"^ +#(?: via)? +([A-Za-z0-9][A-Za-z0-9._-]*)")


def normal(name: str) -> str:
    """Return the name as package indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


@dataclass
class Pin:
    """One pinned version: the lock's lines for it, and the packages that need it.

    A package may be pinned twice, for older and newer interpreters.
    """

    name: str
    lines: list[str] = field(default_factory=list)
    needed_by: set[str] = field(default_factory=set)


def read_lock(text: str) -> list[Pin]:
    """Return the lock's pins in their order."""
    pins: list[Pin] = []
    for line in text.splitlines():
        if match := ENTRY.match(line):
            pins.append(Pin(normal(match[1])))
        if match := VIA.match(line):
            pins[-1].needed_by.add(normal(match[1]))
        elif pins and line.strip() and not line.lstrip().startswith("#"):
            pins[-1].lines.append(line)
    return pins


def below(pins: list[Pin], roots: set[str]) -> set[str]:
    """Return the names of the roots and of everything that they need, directly or not."""
    missing = roots - {pin.name for pin in pins}
    if missing:
        raise SystemExit(f"not in the lock: {', '.join(sorted(missing))}; run `make lock`")
    chosen = set(roots)
    while more := {pin.name for pin in pins if pin.needed_by & chosen} - chosen:
        chosen |= more
    return chosen


def project_roots(pyproject: Path) -> set[str]:
    """Return the project's own dependencies, without its extras."""
    names = (NAME.match(each) for each in tomllib.loads(pyproject.read_text())["project"]["dependencies"])
    return {normal(match[0]) for match in names if match}


def main() -> None:
    """Print the chosen part of the lock."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lock", type=Path, help="requirements.lock")
    parser.add_argument("packages", nargs="*", help="packages to take")
    parser.add_argument("--project", type=Path, metavar="PYPROJECT", help="take this project's dependencies")
    options = parser.parse_args()
    roots = {normal(name) for name in options.packages}
    if options.project is not None:
        roots |= project_roots(options.project)
    pins = read_lock(options.lock.read_text())
    chosen = below(pins, roots)
    print("\n".join(line for pin in pins if pin.name in chosen for line in pin.lines))


if __name__ == "__main__":
    main()
