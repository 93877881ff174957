"""docs/scenarios.md says what the data model says: every key with its default, every name, and examples that run."""

import dataclasses
import re
import tomllib
import typing
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest

from sat_emulator.scene.flight.recorded import FileFlight
from services.runtime.errors import PlumewatchError
from services.scenario import model
from services.scenario.load import builtin_names, load_scenario
from services.scenario.references import FILE, rocket_names
from services.scenario.resolve import resolve_satellites
from services.scenario.view import check_launches_seen

TEXT = (Path(__file__).parents[2] / "docs" / "scenarios.md").read_text(encoding="utf-8")
TABLES: list[type] = [
    table for table in vars(model).values() if isinstance(table, type) and dataclasses.is_dataclass(table)
]
# Where each table's keys stand, by what its heading says of the file.
HEADINGS = {
    "Scenario": "## The file itself",
    "Place": "`launch, place, area, way_point`",
    "Constellation": "`[constellation]`",
    "Train": "`[train]`",
    "Walker": "`[walker]`",
    "Satellite": "`[[satellite]]`",
    "StateVector": "`[satellite.state]`",
    "Replay": "`[satellite.replay]`",
    "Pointing": "`[constellation.pointing], [train.pointing], [walker.pointing], [satellite.pointing]`",
    "Sensor": "`[sensor], [satellite.sensor]`",
    "Background": "`[background]`",
    "Cloud": "`[cloud]`",
    "Atmosphere": "`[atmosphere]`",
    "Absorber": "`[[atmosphere.absorbers]]`",
    "Rocket": "`[[rocket]]`",
    "Stage": "`[[rocket.stage]]`",
    "PitchPoint": "`[[rocket.pitch]]`",
    "Glide": "`[rocket.glide]`",
    "Cruise": "`[[cruise]]`",
    "TrajectoryFile": "`[[trajectory]]`",
    "Fire": "`[[fire]]`",
    "Flare": "`[[flare]]`",
    "Lightning": "`[[lightning]]`",
    "Aircraft": "`[[aircraft]]`",
    "Glint": "`[[glint]]`",
    "Downlink": "`[downlink]`",
    "Network": "`[network]`",
    "Gateway": "`[[network.gateway]]`",
    "PlannedFault": "`[[network.fault]]`",
}
EXAMPLES = re.findall(r"```toml\n(.*?)```(?:\n\n```csv\n(.*?)```)?", TEXT, re.DOTALL)


def _section(heading: str) -> str:
    """Return what stands between the one heading that ends so and the next."""
    sections = [part for part in re.split(r"^(?=## )", TEXT, flags=re.MULTILINE) if part.startswith("## ")]
    (found,) = (part for part in sections if part.splitlines()[0].endswith(heading))
    return found


def _rows(section: str) -> dict[str, tuple[str, str]]:
    """Return default and meaning by key."""
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*) \|$", section, re.MULTILINE)
    assert len(rows) == len({key for key, _, _ in rows})
    return {key: (default, meaning) for key, default, meaning in rows}


def _says(default: str, field: "dataclasses.Field[Any]") -> bool:
    """Return whether a default is written as the file would have it."""
    value = field.default
    if value is dataclasses.MISSING:
        if field.default_factory is dataclasses.MISSING:
            return default == "must be set"
        return default == "left out"
    if field.name == "relays":
        return default == f"{value.satellites:,} in {value.planes} planes"
    if value is None or value == ():
        return default == "left out"
    if isinstance(value, datetime):
        return default == f"`{value:%Y-%m-%dT%H:%M:%SZ}`"
    # As TOML reads it; 1e6 and 1000000.0 are the same.
    written = tomllib.loads(f"value = {default.strip('`')}")["value"]
    return bool(written == value and type(written) is type(value))


def test_every_table_has_its_section() -> None:
    assert {table.__name__ for table in TABLES} == set(HEADINGS)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.__name__)
def test_every_key_is_documented_with_its_default(table: type) -> None:
    rows = _rows(_section(HEADINGS[table.__name__]))
    fields = {field.metadata.get("key", field.name): field for field in dataclasses.fields(table)}
    assert set(rows) == set(fields)
    wrong = {key: rows[key][0] for key, field in fields.items() if not _says(rows[key][0], field)}
    assert not wrong
    assert all(meaning.strip().endswith(".") for _, meaning in rows.values())


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.__name__)
def test_every_choice_is_named(table: type) -> None:
    rows = _rows(_section(HEADINGS[table.__name__]))
    hints = typing.get_type_hints(table)
    for field in dataclasses.fields(table):
        choices = get_args(hints[field.name]) if get_origin(hints[field.name]) is Literal else ()
        meaning = rows[field.metadata.get("key", field.name)][1]
        assert all(f"`{choice}`" in meaning for choice in choices if choice), field.name


def test_every_named_value_and_shipped_scenario_is_listed() -> None:
    named = _section("## Values by name")
    references = tomllib.loads(FILE.read_text(encoding="utf-8"))
    for name in (*references["band"], *references["sensor"], *rocket_names()):
        assert f"\n| `{name}` |" in named
    shipped = re.findall(r"^\| `(\w+)` \|", _section("## Shipped scenarios"), re.MULTILINE)
    assert sorted(shipped) == builtin_names()


def test_bands_are_listed_with_their_edges_and_exposures() -> None:
    named = _section("## Values by name")
    for name, band in tomllib.loads(FILE.read_text(encoding="utf-8"))["band"].items():
        (row,) = re.findall(rf"^\| `{re.escape(name)}` \| .*$", named, re.MULTILINE)
        assert f"{band['band_lower_m'] * 1e6:g} to {band['band_upper_m'] * 1e6:g} µm" in row
        if "integration_s" in band:
            assert f"{band['integration_s'] * 1e3:g} ms" in row


def test_there_is_an_example_of_each_kind() -> None:
    names = [tomllib.loads(text)["name"] for text, _ in EXAMPLES]
    assert names == ["first", "own-rocket", "webcast", "alaska", "one-of-mine", "mixed", "recorded"]


@pytest.mark.parametrize(("text", "csv"), EXAMPLES, ids=lambda part: part.splitlines()[0] if part else "")
def test_examples_can_be_run(text: str, csv: str, tmp_path: Path) -> None:
    (tmp_path / "example.toml").write_text(text, encoding="utf-8")
    for name in re.findall(r'"([\w.]+\.csv)"', text):
        (tmp_path / name).write_text(csv, encoding="utf-8")
    scenario = load_scenario(tmp_path / "example.toml")
    satellites = resolve_satellites(scenario)
    check_launches_seen(scenario, satellites)
    assert satellites


def test_example_of_a_trajectory_flies(tmp_path: Path) -> None:
    (text, csv) = next(example for example in EXAMPLES if "[[trajectory]]" in example[0])
    (tmp_path / "example.toml").write_text(text, encoding="utf-8")
    (tmp_path / "launch.csv").write_text(csv, encoding="utf-8")
    flight = FileFlight(load_scenario(tmp_path / "example.toml").trajectories[0], 200.0)
    assert flight.end_s == 147


def test_camera_of_the_example_of_attitudes_looks_at_the_area(tmp_path: Path) -> None:
    (text, csv) = next(example for example in EXAMPLES if "[satellite.state]" in example[0])
    (tmp_path / "example.toml").write_text(text, encoding="utf-8")
    for content, seen in ((csv, True), (re.sub(r"(?m)^(\d+),.*$", r"\1, 1, 0, 0, 0", csv), False)):
        (tmp_path / "attitude.csv").write_text(content, encoding="utf-8")
        scenario = load_scenario(tmp_path / "example.toml")
        satellites = resolve_satellites(scenario)
        if seen:
            check_launches_seen(scenario, satellites)
        else:
            with pytest.raises(PlumewatchError, match="is in no satellite's view"):
                check_launches_seen(scenario, satellites)


ROCKET = """
[[rocket]]
id = "rocket-1"
reference = "short_range_liquid"
launch = { latitude_deg = 28, longitude_deg = -80 }
launch_time_s = 5
heading_deg = 90
"""
PATTERN = 'name = "a"\n[constellation]\n'
FAULTY = [
    PATTERN + ROCKET.replace("heading_deg", "heading"),
    PATTERN + ROCKET.replace("short_range_liquid", "intercontinental"),
    'name = "a"\narea = { latitude_deg = -28, longitude_deg = 100 }\n[constellation]\n' + ROCKET,
    PATTERN + ROCKET.replace("launch_time_s = 5", "launch_time_s = 100"),
    'name = "a"\n[train]\n[walker]\nsatellites = 4\nplanes = 1\n',
    PATTERN + "[sensor]\nintegration_s = 0.55\n",
    PATTERN + '[network]\nconstellation = "starlink"\ntle_file = "starlink.tle"\n',
]


def _check(path: Path) -> None:
    scenario = load_scenario(path)
    check_launches_seen(scenario, resolve_satellites(scenario))


@pytest.mark.parametrize("text", FAULTY)
def test_errors_are_those_that_are_listed(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(PlumewatchError) as caught:
        _check(tmp_path / "a.toml")
    said = str(caught.value).replace("`", "")
    listed = re.findall(r"^\| `(.*?)` \|", _section("## Errors you may meet"), re.MULTILINE)
    assert any(message.removesuffix("...").strip() in said for message in listed), said
