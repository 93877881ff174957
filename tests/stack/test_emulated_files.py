"""An emulated scenario, written to files and drawn."""

import json
from pathlib import Path

import jsonschema
from typer.testing import CliRunner

from sat_emulator.replay.recorded import McapSource
from services.cli.main import app
from services.runtime.recording import Recording
from services.runtime.truth_schemas import FRAME_TRUTH, TRUTH
from services.scenario.load import load_scenario
from services.scenario.resolve import start_unix_ns


def test_emulated_run_is_recorded_with_its_truth_and_can_be_drawn(tmp_path: Path) -> None:
    file = tmp_path / "small.toml"
    file.write_text(
        'name = "small"\nduration_s = 12\n[train]\nsatellites = 2\nspan_deg = 8\n'
        "[cloud]\ncover = 0.0\n[sensor]\nrows = 128\ncolumns = 128\nifov_rad = 4e-3\n"
        '[[rocket]]\nid = "r"\nlaunch = { latitude_deg = 20, longitude_deg = 30 }\n'
        "launch_time_s = 1\nheading_deg = 90\n"
        "[[rocket.stage]]\nthrust_n = 2e5\nburn_time_s = 60\npropellant_mass_kg = 5000\ndry_mass_kg = 800\n"
        "radiant_intensity_w_per_sr = 1e7\n"
    )
    out = tmp_path / "run.mcap"
    result = CliRunner().invoke(app, ["simulate", str(file), "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert "48 frames" in result.output
    (record,) = [json.loads(line) for line in (tmp_path / "run.truth.jsonl").read_text().splitlines()]
    assert (record["object_id"], record["class"]) == ("r", "ballistic")
    jsonschema.validate(record, TRUTH)
    recording = Recording(out)
    assert recording.truth() == [record]
    lines = [json.loads(line) for line in (tmp_path / "run.frame_truth.jsonl").read_text().splitlines()]
    assert len(lines) == 48
    seen = [line for line in lines if line["satellite_id"] == "sat-2"]
    assert list(recording.frame_truth("sat-2")) == seen
    jsonschema.validate(seen[-1], FRAME_TRUTH)
    assert [each["object_id"] for each in seen[-1]["objects"]] == ["r"]
    assert McapSource(out, "sat-2", start_unix_ns(load_scenario(file))).frame(23).pose is not None
    result = CliRunner().invoke(
        app, ["preview", str(file), "--at", "9", "--out", str(tmp_path / "p"), "--satellite", "sat-2"]
    )
    assert result.exit_code == 0, result.output
    assert "1 object in view" in result.output
    assert len(list((tmp_path / "p").iterdir())) == 1
    for name in ("sheet.png", "run.gif"):
        every = ["--every", "6"] if name == "run.gif" else ["--at", "9"]
        result = CliRunner().invoke(app, ["preview", str(file), "--out", str(tmp_path / name), *every])
        assert result.exit_code == 0, result.output
        assert (tmp_path / name).stat().st_size > 10_000
