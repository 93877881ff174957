"""Reading a scenario: a file of the user's, or one that comes with the package."""

import dataclasses
import difflib
from pathlib import Path

import services
from services.runtime.configuration import ConfigurationError, read_toml
from services.scenario.model import Replay, Satellite, Scenario

DEFAULT = "default"


def builtin_folder() -> Path:
    """Return where the shipped scenarios lie: inside an installed package, beside it in a source tree."""
    package = Path(services.__file__).parent
    installed = package / "stack" / "scenarios"
    return installed if installed.is_dir() else package.parent / "scenarios"


def builtin_names() -> list[str]:
    """Return the names of the shipped scenarios, sorted."""
    return sorted(path.stem for path in builtin_folder().glob("*.toml"))


def find_scenario(name_or_path: str | Path | None = None) -> Path:
    """Return the file of a scenario: a path, the name of a shipped one, or None for the shipped default.

    A file that exists goes before a shipped scenario of the same name.
    """
    if name_or_path is None:
        return builtin_folder() / f"{DEFAULT}.toml"
    path = Path(name_or_path)
    if path.exists():
        return path
    names = builtin_names()
    if str(name_or_path) in names:
        return builtin_folder() / f"{name_or_path}.toml"
    if path.suffix == "" and path.parent == Path():
        nearest = difflib.get_close_matches(str(name_or_path), names, n=1)
        hint = f"did you mean {nearest[0]!r}?" if nearest else "shipped scenarios: " + ", ".join(names)
        raise ConfigurationError(str(name_or_path), f"is neither a file nor a shipped scenario; {hint}")
    # Reading it says what is wrong, with the nearest file name.
    return path


def load_scenario(name_or_path: str | Path | None = None) -> Scenario:
    """Return the scenario, its relative paths resolved against the file's folder.

    Whether the files it names exist is left to who reads them: a relay needs no pictures.
    """
    path = find_scenario(name_or_path)
    scenario = read_toml(path, Scenario)
    folder = path.resolve().parent
    background = scenario.background
    if background.picture is not None:
        background = dataclasses.replace(background, picture=folder / background.picture)
    satellites = tuple(_resolve_satellite(satellite, folder) for satellite in scenario.satellites)
    return dataclasses.replace(scenario, background=background, satellites=satellites)


def _resolve_satellite(satellite: Satellite, folder: Path) -> Satellite:
    tle_file = None if satellite.tle_file is None else folder / satellite.tle_file
    replay = None if satellite.replay is None else _resolve_replay(satellite.replay, folder)
    return dataclasses.replace(satellite, tle_file=tle_file, replay=replay)


def _resolve_replay(replay: Replay, folder: Path) -> Replay:
    path = folder / replay.path
    targets = None if replay.targets is None else path / replay.targets
    return dataclasses.replace(replay, path=path, targets=targets)
