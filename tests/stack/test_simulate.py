"""Scenarios written to files."""

import json
import subprocess
import sys
import time
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from sat_emulator.replay.folder import FolderSource
from sat_emulator.replay.recorded import McapSource
from services.cli.main import app
from services.runtime.errors import BadInputError
from services.runtime.recording import Recording
from services.scenario.load import load_scenario
from services.scenario.model import Scenario, Train
from services.scenario.resolve import ResolvedSatellite, end_unix_ns, start_unix_ns
from services.stack.simulate import AHEAD_PER_WORKER, Outputs, Pace, Progress, _made_ahead, simulate


def _outputs(folder: Path) -> Outputs:
    return Outputs(folder / "run.mcap", folder / "run.truth.jsonl", folder / "run.frame_truth.jsonl")


@pytest.fixture
def replay_scenario(tmp_path: Path) -> Path:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        for place in range(6):
            counts = np.random.default_rng(place).integers(0, 255, (40, 50)).astype(np.uint8)
            Image.fromarray(counts).save(tmp_path / name / f"{place}.png")
    (tmp_path / "one" / "targets_xy.txt").write_text("10 20\n" * 6)
    file = tmp_path / "replay.toml"
    file.write_text(
        'name = "replayed"\nduration_s = 2\n'
        '[[satellite]]\nid = "s1"\nreplay = { path = "one", rate_hz = 2 }\n'
        '[[satellite]]\nid = "s2"\nreplay = { path = "two", rate_hz = 3 }\n'
    )
    return file


def test_recording_of_a_replay_holds_every_frame(replay_scenario: Path, tmp_path: Path) -> None:
    scenario = load_scenario(replay_scenario)
    progress: list[Progress] = []
    outputs = _outputs(tmp_path)
    done = simulate(scenario, outputs, "r1", progress.append)
    assert done.frames == 4 + 6
    assert progress[-1] == Progress(10, 10, 2.0)
    assert outputs.truth.read_text() == outputs.frame_truth.read_text() == ""
    out = outputs.recording
    recording = Recording(out)
    assert recording.satellite_ids == ("s1", "s2")
    assert recording.metadata["run_id"] == "r1"
    source = McapSource(out, "s2", start_unix_ns(scenario))
    assert len(source) == 6
    assert np.array_equal(source.frame(4).counts, np.asarray(Image.open(tmp_path / "two" / "4.png")))


def test_image_that_cannot_be_read_is_skipped_by_name(replay_scenario: Path, tmp_path: Path) -> None:
    (tmp_path / "two" / "1.png").write_bytes(b"\x89PNG and no more")
    done = simulate(load_scenario(replay_scenario), _outputs(tmp_path), "r1")
    assert done.frames == 9
    ((place, reason),) = done.skipped.items()
    assert place == ("s2", 1)
    assert "1.png" in reason


def test_frames_are_made_ahead_in_a_bounded_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    made: list[int] = []

    def make(sequence: int) -> int:
        made.append(sequence)
        return sequence

    departures = ((sequence, "s", sequence) for sequence in range(500))
    for taken, (_, _, sequence, future) in enumerate(_made_ahead({"s": make}, departures)):
        assert future.result() == sequence == taken
        assert len(made) <= taken + 1 + 2 * AHEAD_PER_WORKER
    assert sorted(made) == list(range(500))


def test_pace_holds_emulated_time_to_its_rate_and_catches_nothing_up() -> None:
    now = [100.0]
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    pace = Pace(2.0, lambda: now[0], sleep)
    for emulated_s in (0.0, 1.0, 2.0):
        pace.wait(emulated_s)
    assert slept == [0.5, 0.5]
    # A frame took 5 s; the next ones come at the rate again, not in a burst.
    now[0] += 5.0
    for emulated_s in (3.0, 4.0):
        pace.wait(emulated_s)
    assert slept == [0.5, 0.5, 0.5]


@pytest.mark.parametrize("after", [0, 3])
def test_interrupted_simulation_leaves_no_file(replay_scenario: Path, tmp_path: Path, after: int) -> None:
    before = sorted(tmp_path.rglob("*"))

    def interrupt(now: Progress) -> None:
        if now.frames > after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(load_scenario(replay_scenario), _outputs(tmp_path), "r1", interrupt)
    assert sorted(tmp_path.rglob("*")) == before


def test_terminated_command_leaves_no_file(replay_scenario: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    # At a hundredth of real time it would take minutes.
    command = [sys.executable, "-m", "services.cli", "simulate", str(replay_scenario), "--rate", "0.01"]
    with subprocess.Popen([*command, "--out", str(tmp_path / "run.mcap")], stderr=subprocess.PIPE) as process:
        while process.poll() is None and not (tmp_path / "run.mcap.part").exists():
            time.sleep(0.02)
        process.terminate()
        _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (143, b"")
    assert sorted(tmp_path.rglob("*")) == before


def test_command_without_a_terminal_shows_its_errors_alone(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text('name = "a"\n[[satellite]]\nid = "s"\nreplay = { path = "nowhere" }\n')
    command = [sys.executable, "-m", "services.cli", "simulate", str(file), "--out", str(tmp_path / "run.mcap")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == f"plumewatch: {tmp_path / 'nowhere'}: no such file or folder\n"


def test_command_without_a_terminal_says_how_far_it_is(
    replay_scenario: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.cli.simulate.LINE_S", 0.0)
    result = CliRunner().invoke(app, ["simulate", str(replay_scenario), "--out", str(tmp_path / "run.mcap")])
    assert "simulate replayed: 9 of 10 frames, " in result.stderr
    assert "10 frames" in result.stdout


def test_folder_that_is_missing_is_told_of_the_recording(replay_scenario: Path, tmp_path: Path) -> None:
    out = tmp_path / "no" / "r.mcap"
    outputs = Outputs(out, out.with_suffix(".truth.jsonl"), out.with_suffix(".frame_truth.jsonl"))
    with pytest.raises(BadInputError, match=r"no/r\.mcap: cannot be written: its folder does not exist"):
        simulate(load_scenario(replay_scenario), outputs, "r")


def test_interrupted_command_exits_with_130(replay_scenario: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("services.stack.simulate.simulate", interrupt)
    assert CliRunner().invoke(app, ["simulate", str(replay_scenario)]).exit_code == 130


def test_place_that_cannot_be_written_is_named_before_the_work(
    replay_scenario: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.stack.simulate.emulated_truth", lambda *_: pytest.fail("work began"))
    scenario = load_scenario(replay_scenario)
    for outputs in (
        Outputs(tmp_path / "no" / "r.mcap", tmp_path / "t", tmp_path / "f"),
        Outputs(tmp_path / "r.mcap", tmp_path / "no" / "t", tmp_path / "f"),
        Outputs(tmp_path, tmp_path / "t", tmp_path / "f"),
    ):
        with pytest.raises(BadInputError, match="cannot be written"):
            simulate(scenario, outputs, "r")
    assert not list(tmp_path.glob("*.part"))
    with pytest.raises(BadInputError, match="need a file each"):
        Outputs(tmp_path / "r", tmp_path / "r", tmp_path / "f")


class _FakeSource(FolderSource):
    """Frames of a folder in the place of the emulator's."""

    def __init__(self, scenario: Scenario, satellite: ResolvedSatellite) -> None:
        folder = Path(scenario.station_id)
        super().__init__(folder, 2.0, start_unix_ns(scenario), end_unix_ns(scenario))
        self.satellite = satellite


def test_truth_of_each_frame_is_written_beside_it(
    replay_scenario: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def frame_truth(view: types.SimpleNamespace, sequence: int) -> dict[str, Any]:
        return {"satellite_id": view.source.satellite.id, "sequence": sequence, "time_unix_ns": 0, "objects": []}

    sensor, view, truth = types.ModuleType("source"), types.ModuleType("detectability"), types.ModuleType("truth")
    view.View = lambda source: types.SimpleNamespace(source=source)  # type: ignore[attr-defined]
    sensor.EmulatedSource = _FakeSource  # type: ignore[attr-defined]
    truth.frame_truth = frame_truth  # type: ignore[attr-defined]
    truth.truth_records = lambda *_: []  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sat_emulator.sensor.source", sensor)
    monkeypatch.setitem(sys.modules, "sat_emulator.sensor.detectability", view)
    monkeypatch.setitem(sys.modules, "sat_emulator.sensor.truth", truth)
    monkeypatch.chdir(tmp_path)
    # The fake finds its images by the station's name.
    scenario = Scenario("a", duration_s=2.0, train=Train(satellites=2), station_id="two")
    outputs = _outputs(tmp_path)
    assert simulate(scenario, outputs, "r").frames == 8
    lines = [json.loads(line) for line in outputs.frame_truth.read_text().splitlines()]
    assert [(line["satellite_id"], line["sequence"]) for line in lines] == [
        (f"sat-{satellite}", sequence) for sequence in range(4) for satellite in (1, 2)
    ]
    recorded = list(Recording(outputs.recording).frame_truth("sat-2"))
    assert recorded == [line for line in lines if line["satellite_id"] == "sat-2"]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["simulate", "--run-id", "a b"], "must be 1 to 64"),
        (["simulate", "SCENARIO", "--rate", "0"], "0 is not within 0.01 to 1000"),
    ],
)
def test_wrong_usage_is_named(replay_scenario: Path, arguments: list[str], problem: str) -> None:
    result = CliRunner().invoke(app, [str(replay_scenario) if word == "SCENARIO" else word for word in arguments])
    assert result.exit_code == 2
    assert problem in " ".join(result.output.replace("│", " ").split())
