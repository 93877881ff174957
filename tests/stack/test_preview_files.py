"""Pictures on file: a folder, a sheet, an animation; of satellites that say where they are and of some that do not."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from sat_emulator.downlink.encode import encode
from sat_emulator.frame import Frame, Pose
from services.cli.main import app
from services.geometry.ellipsoid import geodetic_to_itrs
from services.geometry.time import NS_PER_S
from services.ground_station.detection import sequence
from services.ground_station.detection.detect import DetectionConfig
from services.ground_station.detection.sequence import SequenceDetector
from services.runtime.configuration import from_table
from services.runtime.errors import BadInputError
from services.runtime.recording import RecordingWriter
from services.scenario.load import load_scenario
from services.scenario.model import Scenario
from services.scenario.references import with_references
from services.scenario.resolve import resolve_satellites, start_unix_ns
from services.scenario.view import lens, nominal_pose
from services.stack.pictures.files import Wanted, draw_gif_file, draw_satellites, draw_sheet_file
from services.stack.pictures.map_scene import map_scene
from services.stack.pictures.scenario_run import ScenarioRun
from services.stack.pictures.sheet import layout
from services.stack.scenario_file import replayed

FRAMES_ALONE = Wanted(map=False, detections=False)
QUIET = Wanted(detections=False)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A scenario of two satellites that replay images of an unknown place; the first has its targets marked."""
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


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A recording of two satellites with poses, and of one rocket."""
    table = {"name": "recorded", "duration_s": 12, "train": {"satellites": 2, "span_deg": 8},
             "area": {"latitude_deg": 20, "longitude_deg": 30},
             "sensor": {"rows": 64, "columns": 64, "ifov_rad": 8e-3, "frame_rate_hz": 1}}  # fmt: skip
    scenario = from_table(table, Scenario)
    start = start_unix_ns(scenario)
    path = tmp_path / "run.mcap"
    track = [
        {"time_unix_ns": start + k * NS_PER_S, "position_itrs_m": geodetic_to_itrs(20, 30 + k / 50, 2e3 * k).tolist()}
        for k in range(13)
    ]
    launch = {"latitude_deg": 20.0, "longitude_deg": 30.0, "height_m": 0.0}
    told = {"scenario": "recorded", "start": scenario.start.isoformat(), "area": "20.0, 30.0, 0.0"}
    with RecordingWriter(path, told) as writer:
        record = {"object_id": "r", "class": "ballistic", "launch_time_unix_ns": start, "launch": launch}
        writer.add_truth({**record, "track": track, "first_detectable_unix_ns": None}, start)
        for k in range(12):
            for satellite in resolve_satellites(scenario):
                begin = start + k * NS_PER_S
                counts = np.random.default_rng(k).normal(500, 5, (64, 64)).astype(np.uint16)
                counts[:8] = 400
                pose = Pose(*nominal_pose(satellite, begin))
                frame = Frame(k, begin, begin + 10_000_000, 0.0, counts, 0, 0, pose, lens(scenario.sensor))
                writer.add_frame(satellite.id, encode(frame, satellite.id, "r"), begin, begin + 10_000_000, k)
    return path


def _size(path: Path) -> tuple[int, int]:
    with Image.open(path) as picture:
        return picture.size


def _run(scenario: Scenario) -> ScenarioRun:
    return ScenarioRun(scenario, resolve_satellites(scenario))


def test_folder_gets_a_picture_a_satellite(images: Path, tmp_path: Path) -> None:
    run = _run(load_scenario(images))
    lines = list(draw_satellites(run, 1.0, tmp_path / "out", FRAMES_ALONE))
    assert [line.split(": ")[1] for line in lines] == ["1 object in view", "0 objects in view"]
    assert [path.name for path in sorted((tmp_path / "out").iterdir())] == ["s1-00001.png", "s2-00002.png"]
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInputError, match="is no folder that can be written"):
        list(draw_satellites(run, 1.0, tmp_path / "file", FRAMES_ALONE))


def test_sheet_of_images_from_an_unknown_place_has_no_map(images: Path, tmp_path: Path) -> None:
    *_, last = draw_sheet_file(_run(load_scenario(images)), 1.0, tmp_path / "a.png", QUIET)
    place = layout(2, 1840, with_map=False)
    assert _size(tmp_path / "a.png") == (place.width_px, place.height_px)
    assert last.startswith(f"{tmp_path / 'a.png'}: ")


def test_recording_is_drawn_with_its_map_and_its_truth(recording: Path, tmp_path: Path) -> None:
    run = _run(replayed(recording, 10.0, None))
    lines = list(draw_sheet_file(run, 6.0, tmp_path / "a.png", QUIET))
    assert [line.split(": ")[1] for line in lines[:2]] == ["1 object in view"] * 2
    assert _size(tmp_path / "a.png") == (1840, layout(2, 1840, with_map=True).height_px)
    scene = map_scene(run)
    assert [track.satellite_id for track in scene.tracks] == ["sat-1", "sat-2"]
    assert scene.centre_deg == (20.0, 30.0)
    # The orbit's own positions, to within what a second of flight moves.
    north = np.diff(scene.tracks[0].places_deg[:, 0])
    assert north.min() >= 0
    assert np.ptp(scene.tracks[0].places_deg[:, 0]) == pytest.approx(11 * 6.4 / 111, rel=0.1)


def test_replayed_recording_has_its_area_its_orbits_and_no_threats_of_its_own(recording: Path) -> None:
    alone = replayed(recording, 10.0, None)
    assert alone.area is not None
    assert (alone.name, alone.area.latitude_deg) == ("recorded", 20.0)
    assert all(satellite.state is not None for satellite in alone.satellites)
    table = {"name": "base", "constellation": {}, "area": {"latitude_deg": 1, "longitude_deg": 2},
             "fire": [{"id": "f", "place": {"latitude_deg": 0, "longitude_deg": 0}}]}  # fmt: skip
    base = replayed(recording, 10.0, from_table(table, Scenario))
    assert (base.threats, base.heat, base.constellation) == ((), (), None)
    assert [satellite.id for satellite in resolve_satellites(base)] == ["sat-1", "sat-2"]


def test_detector_of_a_recording_gets_the_recordings_rate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.mcap"
    with RecordingWriter(path, {}) as writer:
        for k in range(6):
            begin = (1_782_043_200 + 2 * k) * NS_PER_S
            frame = Frame(k, begin, begin + 10_000_000, 0.0, np.full((64, 64), 500 + k, np.uint16))
            writer.add_frame("s1", encode(frame, "s1", "r"), begin, begin + 10_000_000, k)
    rates = []

    class Watched(SequenceDetector):
        def __init__(self, config: DetectionConfig, frame_rate_hz: float) -> None:
            rates.append(frame_rate_hz)
            super().__init__(config, frame_rate_hz)

    monkeypatch.setattr(sequence, "SequenceDetector", Watched)
    run = _run(replayed(path, 10.0, None))
    run.shot(run.satellites[0], start_unix_ns(run.scenario) + 5 * NS_PER_S, detect=True)
    assert rates == [pytest.approx(0.5)]


def test_animation_has_its_pictures_and_what_does_not_change_does_not_flicker(recording: Path, tmp_path: Path) -> None:
    done: list[tuple[int, int]] = []
    path = tmp_path / "a.gif"
    run = _run(replayed(recording, 10.0, None))
    line = draw_gif_file(run, (0.0, 8.0), 4.0, path, QUIET, lambda n, of: done.append((n, of)))
    assert done == [(n, 3) for n in range(1, 4)]
    assert "3 pictures" in line
    with Image.open(path) as gif:
        assert (gif.n_frames, gif.width) == (3, layout(2, 900, with_map=True).width_px)  # type: ignore[attr-defined]
        pictures = []
        for place in range(3):
            gif.seek(place)
            pictures.append(np.asarray(gif.convert("RGB")))
    # Rows of constant counts below the title, and noise that differs under them.
    assert all(np.array_equal(picture[60:75, 200:400], pictures[0][60:75, 200:400]) for picture in pictures)
    assert not np.array_equal(pictures[0][100:200, :300], pictures[1][100:200, :300])


def test_interrupted_pictures_leave_no_file(recording: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())

    def interrupt(*_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        draw_gif_file(_run(replayed(recording, 10.0, None)), (0, 8), 8.0, tmp_path / "a.gif", QUIET, interrupt)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5, 7, 28, 64])
@pytest.mark.parametrize("with_map", [False, True])
def test_tiles_and_map_fill_the_sheet_without_covering_each_other(frames: int, with_map: bool) -> None:
    place = layout(frames, 900, with_map=with_map)
    rows = -(-frames // place.columns)
    assert place.columns * place.tile_px <= place.width_px <= 900
    assert rows * place.tile_px <= place.height_px
    if place.map_box is None:
        assert not with_map
        return
    left, top, width, height = place.map_box
    assert left + width == place.width_px
    assert top + height == place.height_px
    assert left >= place.columns * place.tile_px or top >= rows * place.tile_px
    assert min(width, height) > 250


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--at", "99"], "99 is not within the run's 0 to 2 s"),
        (["--out", "a.jpg"], "a.jpg ends in .jpg; pictures are .png or .gif"),
        (["--only-map", "--no-map"], "contradicts --no-map"),
        (["--out", "a.gif", "--at", "1"], "is for one instant; name a .png or a folder with --out"),
        (["--out", "a.png", "--every", "1"], "is for an animation; name a .gif with --out"),
        (["--out", "a.gif", "--from", "1", "--to", "0.5"], "0.5 does not come after --from, 1"),
        (["--out", "a.gif", "--every", "0.001"], "would make more than 400 pictures; take more than 0.005 s"),
        (["--out", "a.gif", "--every", "0"], "0 would make more than 400 pictures"),
    ],
)
def test_wrong_usage_is_named(images: Path, arguments: list[str], problem: str) -> None:
    result = CliRunner().invoke(app, ["preview", str(images), *arguments])
    assert result.exit_code == 2
    assert problem in " ".join(result.output.replace("│", " ").split())


def test_command_draws_an_animation_and_a_map(images: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.gif"
    result = CliRunner().invoke(app, ["preview", str(images), "--out", str(out), "--no-detections", "--every", "0.5"])
    assert result.exit_code == 0, result.output
    assert "5 pictures" in result.output
    out = tmp_path / "m.png"
    result = CliRunner().invoke(app, ["preview", str(images), "--out", str(out), "--only-map", "--gateways"])
    assert result.exit_code == 0, result.output
    assert _size(out) == (1000, 900)


def test_burning_part_of_a_way_follows_the_stages() -> None:
    # 30 s of thrust, 10 s of coast, 20 s of thrust.
    stage = {"thrust_n": 2e5, "propellant_mass_kg": 5e3, "dry_mass_kg": 8e2}
    table = {"name": "a", "train": {}, "rocket": [{"id": "r", "launch": {"latitude_deg": 20, "longitude_deg": 30},
             "launch_time_s": 0, "heading_deg": 90,
             "stage": [{**stage, "burn_time_s": 30}, {**stage, "burn_time_s": 20, "coast_s": 10}]}]}  # fmt: skip
    scenario = dataclasses.replace(from_table(table, Scenario), duration_s=90.0)
    start = start_unix_ns(scenario)
    run = _run(scenario)
    run.__dict__["truth"] = [{
        "object_id": "r", "class": "ballistic", "launch_time_unix_ns": start,
        "launch": {"latitude_deg": 20, "longitude_deg": 30},
        "track": [{"time_unix_ns": start + 5 * k * NS_PER_S, "position_itrs_m": [7e6, 0, k]} for k in range(19)],
    }]  # fmt: skip
    (rocket,) = map_scene(run).objects
    assert rocket.burning.tolist() == [True] * 6 + [False] * 2 + [True] * 4 + [False] * 6


def test_last_stage_of_a_launcher_burns_until_it_is_in_orbit() -> None:
    launcher = {"id": "r", "reference": "small_launcher", "launch": {"latitude_deg": 5, "longitude_deg": -52},
                "launch_time_s": 0, "heading_deg": 90}  # fmt: skip
    table = with_references({"name": "a", "train": {}, "duration_s": 420, "rocket": [launcher]})
    scenario = from_table(table, Scenario)
    start = start_unix_ns(scenario)
    run = _run(scenario)
    run.__dict__["truth"] = [{
        "object_id": "r", "class": "space_launch", "launch_time_unix_ns": start,
        "launch": {"latitude_deg": 5, "longitude_deg": -52},
        "track": [{"time_unix_ns": start + k * NS_PER_S, "position_itrs_m": [7e6, 0, k]} for k in range(421)],
    }]  # fmt: skip
    (rocket,) = map_scene(run).objects
    # Its propellant would last to 404 s; docs/scenarios.md has it in orbit after 390.
    assert 389 <= np.flatnonzero(rocket.burning)[-1] + 1 <= 391
