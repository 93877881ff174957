"""What is wrong with a scenario is told with its file, whichever verb finds it."""

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.cli.main import app
from services.runtime.configuration import ConfigurationError

LOW = """
name = "low"
duration_s = 60
[[satellite]]
id = "s"
[satellite.state]
epoch = 2026-06-21T12:00:00Z
position_gcrs_m = [6.0e6, 0, 0]
velocity_gcrs_m_per_s = [0, 5e3, 0]
"""
FLOWN = """
name = "flown"
duration_s = 60
KEYS
[train]
[[trajectory]]
id = "t"
path = "flown.csv"
launch_time_s = 1
"""
LAUNCH = "launch = { latitude_deg = 28.6, longitude_deg = -80.6 }\nheading_deg = 44\n"
PLACES = "time_s, latitude_deg, longitude_deg, height_m\n0, 28.6, -80.6, 0\n60, 28.9, -80.2, 20000\n"
SPEEDS = "time_s, speed_m_per_s, height_m\n0, 0, 0\n60, 700, 20000\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("simulate", "FILE", "--out", "run.mcap"),
        ("preview", "FILE", "--out", "map.png"),
        ("up", "FILE", "--port-base", "0"),
        ("relay", "FILE"),
        ("satellite", "FILE", "--id", "s"),
        ("route", "--constellation", "FILE", "--from", "s", "--at", "2026-06-21T12:00:30Z"),
    ],
)
def test_error_found_after_reading_names_the_file_all_the_same(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("low.toml").write_text(LOW)
    result = CliRunner().invoke(app, ["low.toml" if word == "FILE" else word for word in arguments])
    assert isinstance(result.exception, ConfigurationError), result.output
    assert str(result.exception).startswith("low.toml: satellite[0].state: perigee is ")


@pytest.mark.parametrize(
    ("keys", "launch", "rows", "problem"),
    [
        ("", "", PLACES, "flown.toml: area: must be set: where 't' flies stands in flown.csv alone"),
        (
            "",
            LAUNCH,
            PLACES,
            "flown.toml: trajectory[0].launch: places 't', and so does flown.csv with height_m, latitude_deg",
        ),
        ("", LAUNCH, SPEEDS, ""),
        ("area = { latitude_deg = 28.6, longitude_deg = -80.6 }", "", PLACES, ""),
    ],
)
def test_trajectory_says_once_where_it_is(
    keys: str, launch: str, rows: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("services.stack.simulate.emulated_truth", lambda *_: sys.exit(77))
    Path("flown.toml").write_text(FLOWN.replace("KEYS", keys) + launch)
    Path("flown.csv").write_text(rows)
    result = CliRunner().invoke(app, ["simulate", "flown.toml"])
    if problem:
        assert isinstance(result.exception, ConfigurationError), result.output
        assert problem in str(result.exception)
    else:
        # It is taken, and the work begins.
        assert result.exit_code == 77
