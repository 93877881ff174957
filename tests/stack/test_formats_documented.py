"""docs/formats.md names every field that is written, and its examples run."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from plumewatch.v1 import alert_pb2, track_pb2
from services.cli.main import app
from services.runtime.envelope import alert_envelope
from services.runtime.truth_schemas import FRAME_TRUTH, TRUTH
from services.stack import report
from services.stack.scoring import score
from services.stack.state import RunState

TEXT = (Path(__file__).parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")
SECTIONS = {
    part.splitlines()[0]: part for part in re.split(r"^## ", TEXT, flags=re.MULTILINE)[1:]
}  # by heading, in order


def _section(words: str) -> str:
    (found,) = (part for heading, part in SECTIONS.items() if words in heading)
    return found


def _named(section: str) -> set[str]:
    return set(re.findall(r"`(\w+)`", _section(section)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a recording and the files of a run, as the examples expect them."""
    folder = tmp_path_factory.mktemp("formats")
    (folder / "small.toml").write_text(
        'name = "small"\nduration_s = 12\n[train]\nsatellites = 2\nspan_deg = 8\n'
        "[cloud]\ncover = 0.0\n[sensor]\nrows = 64\ncolumns = 64\nifov_rad = 4e-3\n"
        '[[rocket]]\nid = "r"\nreference = "short_range_liquid"\nlaunch_time_s = 1\nheading_deg = 90\n'
        "launch = { latitude_deg = 20, longitude_deg = 30 }\n"
    )
    result = CliRunner().invoke(app, ["simulate", str(folder / "small.toml"), "--out", str(folder / "run.mcap")])
    assert result.exit_code == 0, result.output
    alerts = [alert_pb2.Alert(event_id="ev-1", revision=revision, issuer="s", time_unix_ns=1) for revision in (1, 2)]
    for alert in alerts:
        alert.state, alert.target_class = alert_pb2.ALERT_STATE_CONFIRMED, track_pb2.TARGET_CLASS_BALLISTIC
        alert.launch.point.latitude_deg = 20.0
    (folder / "run").mkdir()
    (folder / "run" / "alerts.jsonl").write_bytes(b"".join(alert_envelope(alert) + b"\n" for alert in alerts))
    (folder / "report.json").write_text(json.dumps(_report()))
    return folder


def _report() -> dict[str, Any]:
    built = report.build(score([], []), [], RunState({}), {"scenario": "s"}, {"all": {}, "satellites": {}})
    return {**built, "scored": True}


@pytest.fixture(scope="module")
def outputs(folder: Path) -> dict[str, str]:
    """What each section's example prints, by heading; run in the document's order, since one writes for the next."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    printed = {}
    for heading, part in SECTIONS.items():
        (example,) = re.findall(r"```python\n(.*?)```", part, re.DOTALL)
        done = subprocess.run(
            [sys.executable, "-c", example], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{heading}: {done.stderr}"
        printed[heading.split(":")[0]] = done.stdout
    return printed


@pytest.mark.parametrize(
    ("heading", "pattern"),
    [
        ("Recordings", r"frames/sat-1 0 uint16 \(64, 64\) [1-9]\d* \(-?\d"),
        ("Truth of a run", r"^r ballistic \{.*\} detectable after "),
        ("Truth of each frame", r"\d+ detectable places"),
        ("Detections in images", r"^sky.npy (40.9|41.0)\d* (90.9|91.0)\d* "),
        ("Tracks", r"^trk-\S+ confirmed ballistic \[.*\{'time_unix_ns"),
        ("Stone Soup", r"^trk-\S+ \d+ states, the last 2026-\S+ \S+ \[.*\d"),
        ("Alerts", r"^ev-1 2 ALERT_STATE_CONFIRMED TARGET_CLASS_BALLISTIC \{'latitude_deg': 20.0"),
        ("Report of a run", r"^0 found, 0 false; no frame lost"),
    ],
)
def test_example_prints_what_the_file_says(outputs: dict[str, str], heading: str, pattern: str) -> None:
    assert re.search(pattern, outputs[heading], re.MULTILINE), outputs[heading]


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _keys(inner)


def test_every_field_that_is_written_is_named(outputs: dict[str, str], folder: Path) -> None:
    assert outputs
    classes = {"ballistic", "glide", "cruise", "space_launch", "static_heat", "unknown"}
    for section, name in (("detections.jsonl",) * 2, ("tracks.jsonl",) * 2, ("RUN.truth.jsonl", "run.truth.jsonl")):
        written = {key for line in (folder / name).read_text().splitlines() for key in _keys(json.loads(line))}
        assert written
        assert written - _named(section) <= classes
    for section, schema in (("RUN.truth.jsonl", TRUTH), ("RUN.frame_truth.jsonl", FRAME_TRUTH)):
        records = [schema["properties"], schema["properties"].get("objects", {}).get("items", {}).get("properties", {})]
        assert {key for record in records for key in record} <= _named(section)
    assert set(_report()) <= _named("Report of a run")
