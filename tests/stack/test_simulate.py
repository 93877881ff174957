"""Scenarios written to files."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from sat_emulator.replay.recorded import McapSource
from services.cli.main import app
from services.runtime.errors import BadInputError
from services.runtime.recording import Recording
from services.scenario.load import load_scenario
from services.scenario.resolve import resolve_satellites, start_unix_ns
from services.stack.preview_files import draw_satellites
from services.stack.simulate import simulate


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
    progress: list[tuple[int, int]] = []
    out, truth = tmp_path / "run.mcap", tmp_path / "truth.jsonl"
    done = simulate(scenario, out, truth, "r1", lambda n, total: progress.append((n, total)))
    assert done.frames == 4 + 6
    assert progress[-1] == (10, 10)
    assert truth.read_text() == ""
    recording = Recording(out)
    assert recording.satellite_ids == ("s1", "s2")
    assert recording.metadata["run_id"] == "r1"
    source = McapSource(out, "s2", start_unix_ns(scenario))
    assert len(source) == 6
    assert np.array_equal(source.frame(4).counts, np.asarray(Image.open(tmp_path / "two" / "4.png")))


def test_image_that_cannot_be_read_is_skipped_by_name(replay_scenario: Path, tmp_path: Path) -> None:
    (tmp_path / "two" / "1.png").write_bytes(b"\x89PNG and no more")
    done = simulate(load_scenario(replay_scenario), tmp_path / "run.mcap", tmp_path / "t.jsonl", "r1")
    assert done.frames == 9
    ((place, reason),) = done.skipped.items()
    assert place == ("s2", 1)
    assert "1.png" in reason


def test_target_is_marked_in_the_picture_of_a_replay(replay_scenario: Path, tmp_path: Path) -> None:
    scenario = load_scenario(replay_scenario)
    lines = list(draw_satellites(scenario, resolve_satellites(scenario), 1.0, tmp_path / "out", False))
    assert [line.split(": ")[1] for line in lines] == ["1 object in view", "0 objects in view"]
    assert [path.name for path in sorted((tmp_path / "out").iterdir())] == ["s1-00001.png", "s2-00002.png"]
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInputError, match="is no folder that can be written"):
        list(draw_satellites(scenario, (), 1.0, tmp_path / "file", False))


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["simulate", "--run-id", "a b"], "must be 1 to 64"),
        (["preview", "SCENARIO", "--at", "99"], "99 is not within the run's 0 to 2 s"),
    ],
)
def test_wrong_usage_is_named(replay_scenario: Path, arguments: list[str], problem: str) -> None:
    result = CliRunner().invoke(app, [str(replay_scenario) if word == "SCENARIO" else word for word in arguments])
    assert result.exit_code == 2
    assert problem in " ".join(result.output.replace("│", " ").split())
