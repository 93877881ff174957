"""Reading a scenario: a file of the user's, or one that comes with the package."""

import contextlib
import dataclasses
import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import services
from services.runtime.configuration import ConfigurationError, in_file, read_toml
from services.scenario.model import Constellation, Replay, Satellite, Scenario, Train, Walker
from services.scenario.references import with_references

Pattern = TypeVar("Pattern", Constellation | None, Train | None, Walker | None, Satellite)

# The file that the name "default" stands for.
DEFAULT = "tranche0"


def builtin_folder() -> Path:
    """Return where the shipped scenarios lie: inside an installed package, beside it in a source tree."""
    package = Path(services.__file__).parent
    installed = package / "stack" / "scenarios"
    return installed if installed.is_dir() else package.parent / "scenarios"


def builtin_names() -> list[str]:
    """Return the names of the shipped scenarios, sorted."""
    return sorted(path.stem for path in builtin_folder().glob("*.toml"))


def find_scenario(name_or_path: str | Path | None = None) -> Path:
    """Return the file of a scenario: a path, the name of a shipped one, or None or "default" for the shipped default.

    A file that exists goes before a shipped scenario of the same name.
    """
    path = None if name_or_path is None else Path(name_or_path)
    if path is not None and path.exists():
        return path
    if path is None or str(path) == "default":
        return builtin_folder() / f"{DEFAULT}.toml"
    names = builtin_names()
    if str(name_or_path) in names:
        return builtin_folder() / f"{name_or_path}.toml"
    if path.suffix == "" and path.parent == Path():
        known = sorted({"default", *names})
        nearest = difflib.get_close_matches(str(name_or_path), known, n=1)
        hint = f"did you mean {nearest[0]!r}?" if nearest else "shipped scenarios: " + ", ".join(known)
        raise ConfigurationError(str(name_or_path), f"is neither a file nor a shipped scenario; {hint}")
    # Reading it says what is wrong, with the nearest file name.
    return path


def load_scenario(name_or_path: str | Path | None = None) -> Scenario:
    """Return the scenario, its relative paths resolved against the file's folder.

    Whether the files it names exist is left to who reads them: a relay needs no pictures.
    """
    path = find_scenario(name_or_path)
    scenario = read_toml(path, Scenario, with_references)
    folder = path.resolve().parent
    background, network = scenario.background, scenario.network
    if background.picture is not None:
        background = dataclasses.replace(background, picture=folder / background.picture)
    return dataclasses.replace(
        scenario,
        background=background,
        network=dataclasses.replace(
            network,
            tle_file=None if network.tle_file is None else folder / network.tle_file,
            trace=None if network.trace is None else folder / network.trace,
        ),
        constellation=_aimed(scenario.constellation, folder),
        train=_aimed(scenario.train, folder),
        walker=_aimed(scenario.walker, folder),
        satellites=tuple(_resolve_satellite(satellite, folder) for satellite in scenario.satellites),
        trajectories=tuple(
            dataclasses.replace(trajectory, path=folder / trajectory.path) for trajectory in scenario.trajectories
        ),
    )


@contextlib.contextmanager
def naming_the_file(name_or_path: str | Path | None) -> Iterator[None]:
    """Have errors found while a scenario is resolved or run name its file, as those found while reading it do."""
    path = find_scenario(name_or_path)
    try:
        yield
    except ConfigurationError as error:
        raise in_file(path, error) from error


def _aimed(pattern: Pattern, folder: Path) -> Pattern:
    """Return the pattern, or satellite, with its table of attitudes resolved."""
    if pattern is None or pattern.pointing.table is None:
        return pattern
    pointing = dataclasses.replace(pattern.pointing, table=folder / pattern.pointing.table)
    return dataclasses.replace(pattern, pointing=pointing)


def _resolve_satellite(satellite: Satellite, folder: Path) -> Satellite:
    tle_file = None if satellite.tle_file is None else folder / satellite.tle_file
    replay = None if satellite.replay is None else _resolve_replay(satellite.replay, folder)
    return dataclasses.replace(_aimed(satellite, folder), tle_file=tle_file, replay=replay)


def _resolve_replay(replay: Replay, folder: Path) -> Replay:
    path = folder / replay.path
    targets = None if replay.targets is None else path / replay.targets
    return dataclasses.replace(replay, path=path, targets=targets)
