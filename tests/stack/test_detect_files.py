"""`plumewatch detect`: a line a file, masks, errors named, the others served."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench.detection.scenes import spots
from sat_emulator.replay.images import read_image
from services.runtime.errors import BadInputError
from services.stack.detect_files import Options, check_mask_names, groups, search, write_mask

SHAPE = (80, 100)


def picture(row: float, column: float, seed: int = 1) -> np.ndarray:
    counts = np.random.default_rng(seed).normal(100, 3, SHAPE)
    counts += spots(SHAPE, np.array([[row, column]]), 0.7, np.array([400.0]))
    return np.clip(np.rint(counts), 0, 255).astype(np.uint8)


def detect(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "services.cli", "detect", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_command_writes_a_line_and_a_mask_a_file_and_serves_the_others(tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    Image.fromarray(picture(30.2, 40.7)).save(images / "f10.png")
    np.save(images / "f2.npy", picture(50.0, 20.4).astype(np.uint16))
    (images / "f3.png").write_bytes(b"no picture")
    Image.fromarray(np.full(SHAPE, 9, np.uint8)).save(images / "f4.tif")
    done = detect(images, tmp_path / "missing.png", "--out", tmp_path / "out.jsonl", "--masks", tmp_path / "masks")
    assert done.returncode == 0, done.stderr
    lines = lines_of(tmp_path / "out.jsonl")
    assert [Path(line["image"]).name for line in lines] == ["f2.npy", "f3.png", "f4.tif", "f10.png", "missing.png"]
    assert [line["frame"] for line in lines] == list(range(5))
    assert ["error" in line for line in lines] == [False, True, True, False, True]
    assert "not PNG, TIFF or NPY" in lines[1]["error"]
    assert lines[2]["error"].startswith("CONSTANT")
    assert (lines[0]["rows"], lines[0]["columns"]) == SHAPE
    (point,) = lines[3]["detections"]
    assert set(point) == {"row", "column", "snr", "score", "area_px"}
    assert point["row"] == pytest.approx(30.2, abs=0.15)
    assert point["column"] == pytest.approx(40.7, abs=0.15)
    assert sorted(path.name for path in (tmp_path / "masks").iterdir()) == ["f10.png", "f2.png"]
    mask = read_image(tmp_path / "masks" / "f10.png")
    assert mask.shape == SHAPE
    assert set(np.unique(mask)) == {0, 255}
    assert mask[30, 41] == 255
    assert "2 of 5 images searched, 2 hot points" in done.stderr


def test_command_fails_where_no_file_could_be_served(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"")
    done = detect(tmp_path / "a.png", "--out", tmp_path / "out.jsonl")
    assert done.returncode == 1
    assert "none of 1 images could be searched" in done.stderr
    assert "error" in lines_of(tmp_path / "out.jsonl")[0]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--psf-sigma-px", "9"], 2, "psf_sigma_px is 9"),
        (["--pfa", "2"], 2, "pfa is 2"),
        (["--fps", "0"], 2, "must be above 0"),
        (["--out", "{tmp}/no/such/out.jsonl"], 1, "cannot be written"),
    ],
)
def test_command_names_what_is_wrong(tmp_path: Path, arguments: list[str], code: int, message: str) -> None:
    Image.fromarray(picture(30, 40)).save(tmp_path / "a.png")
    arguments = [each.replace("{tmp}", str(tmp_path)) for each in arguments]
    done = detect(tmp_path / "a.png", *(["--out", str(tmp_path / "o")] if "--out" not in arguments else []), *arguments)
    assert done.returncode == code
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_stated_false_alarm_rate_alone_decides(tmp_path: Path) -> None:
    np.save(tmp_path / "noise.npy", np.random.default_rng(1).normal(1000, 20, (512, 512)).astype(np.float32))
    (outcome,) = search([tmp_path / "noise.npy"], Options(pfa=1e-3))
    assert 200 < len(outcome.line["detections"]) < 330
    (outcome,) = search([tmp_path / "noise.npy"], Options())
    assert len(outcome.line["detections"]) <= 2


def test_sequence_counts_frames_by_folder_and_survives_gaps_and_sizes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for i in range(12):
            counts = picture(30.0, 20.0 + 3 * i, seed=i)
            np.save(tmp_path / name / f"{i}.npy", counts[:40] if i == 6 else counts)
    (tmp_path / "a" / "3.npy").write_bytes(b"\x93NUMPY")
    folders = groups([tmp_path / "a", tmp_path / "b", tmp_path / "loose.npy"], sequence=True)
    assert [len(group) for group in folders] == [12, 12, 1]
    lines = [outcome.line for outcome in search(folders[0], Options(sequence=True))]
    assert [line["frame"] for line in lines] == list(range(12))
    assert [i for i, line in enumerate(lines) if "error" in line] == [3]
    for i, line in enumerate(lines):
        if i != 3:
            assert any(abs(d["row"] - 30) < 1 and abs(d["column"] - 20 - 3 * i) < 1 for d in line["detections"]), i


def test_two_files_of_one_mask_are_refused() -> None:
    with pytest.raises(BadInputError, match="would write the same mask as a"):
        check_mask_names([Path("a/x.png"), Path("a/y.png"), Path("b/x.tif")])


def test_recorded_targets_are_found(shared_data: Path, tmp_path: Path) -> None:
    images = shared_data / "single_frame" / "images"
    outcomes = list(search(groups([images], sequence=False)[0][:20], Options()))
    for outcome in outcomes:
        write_mask(tmp_path, outcome)
    assert len(list(tmp_path.iterdir())) == 20
    found = sum(
        bool(np.any((read_image(tmp_path / f"{each.image.stem}.png") > 127) & _truth(shared_data, each.image)))
        for each in outcomes
    )
    assert found >= 17


@pytest.mark.parametrize("number", [1, 6])
def test_recorded_aircraft_is_followed_through_a_sequence(shared_data: Path, number: int) -> None:
    folder = shared_data / "sequences" / f"sequence{number}"
    files = groups([folder], sequence=True)[0][:40]
    targets = np.loadtxt(folder / "targets_xy.txt")[:40]
    hits = false = 0
    for (column, row), outcome in zip(targets, search(files, Options(sequence=True)), strict=True):
        near = [np.hypot(d["row"] - row, d["column"] - column) <= 3 for d in outcome.line["detections"]]
        hits += any(near)
        false += len(near) - sum(near)
    assert hits >= 38
    assert false <= 30


def _truth(shared_data: Path, image: Path) -> np.ndarray:
    return read_image(shared_data / "single_frame" / "masks" / image.name) > 127
