"""`plumewatch preview` of a scenario that a run would refuse."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.cli.main import app

ROCKET = """
name = "a"
duration_s = 60
area = { latitude_deg = -30.9, longitude_deg = 136.5 }
train = { satellites = 1 }
[[rocket]]
id = "r"
reference = "short_range_liquid"
launch_time_s = TIME
launch = { latitude_deg = LATITUDE, longitude_deg = 136.5 }
heading_deg = 30
"""


@pytest.mark.parametrize(
    ("time_s", "latitude_deg", "problem"),
    [
        ("5", "60.0", "a.toml: rocket[0].launch: of 'r' at 60, 136.5 is in no satellite's view; leave `area` out"),
        ("90", "-30.9", "a.toml: rocket[0].launch_time_s: is 90, and the run ends after 60 s"),
    ],
)
def test_what_a_run_would_refuse_is_drawn_with_a_warning(
    tmp_path: Path, time_s: str, latitude_deg: str, problem: str
) -> None:
    file, out = tmp_path / "a.toml", tmp_path / "map.png"
    file.write_text(ROCKET.replace("TIME", time_s).replace("LATITUDE", latitude_deg))
    result = CliRunner().invoke(app, ["preview", str(file), "--only-map", "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert result.stderr.startswith("warning: ")
    assert problem in result.stderr
    assert "`plumewatch up` and `simulate` refuse this" in result.stderr
    assert out.exists()


def test_what_a_run_takes_is_drawn_without_a_word(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text(ROCKET.replace("TIME", "5").replace("LATITUDE", "-30.9"))
    result = CliRunner().invoke(app, ["preview", str(file), "--only-map", "--out", str(tmp_path / "map.png")])
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
