"""The verbs track and score on files."""

import json
import time
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from services.cli.main import app
from services.cli.track import run
from services.geometry.ellipsoid import geodetic_to_itrs
from services.geometry.geodesic import geodesic_distance_m
from services.ground_station.tracking.between import Between
from services.ground_station.tracking.config import TrackingConfig
from services.ground_station.tracking.look import Look
from services.ground_station.tracking.state import State
from services.ground_station.tracking.tracker import Tracker
from services.runtime.errors import BadInputError

START = 1_782_043_200_000_000_000
SIGMA_RAD = 1e-4
SATELLITES = ((2.0, 14.0), (0.0, 22.0), (-1.0, 29.0))


def looks(seconds: int = 30) -> list[dict[str, Any]]:
    """Return a rocket over (1, 21) that rises at 15 m/s^2, looked at by three satellites at 1,000 km."""
    rng = np.random.default_rng(8)
    made = []
    for k in range(seconds * 2):
        time_s = k / 2
        target = geodetic_to_itrs(1.0, 21.0, 7.5 * time_s**2)
        for number, (latitude, longitude) in enumerate(SATELLITES):
            position = geodetic_to_itrs(latitude + 0.05 * time_s, longitude, 1e6)
            ray = target - position
            los = ray / np.linalg.norm(ray) + rng.normal(0, SIGMA_RAD, 3)
            made.append(
                {
                    "time_unix_ns": START + k * 500_000_000,
                    "sensor_id": f"s{number}",
                    "position_itrs_m": position.tolist(),
                    "boresight_itrs": (-position).tolist(),
                    "fov_half_angle_rad": 1.2,
                    "sigma_rad": SIGMA_RAD,
                    "detections": [{"los_itrs": los.tolist(), "snr": 12.0, "intensity_w_per_sr": 5e4}],
                }
            )
    return made


def write(path: Path, records: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def test_looks_become_a_confirmed_track_with_launch(tmp_path: Path) -> None:
    source, out, timing = write(tmp_path / "looks.jsonl", looks()), tmp_path / "tracks.jsonl", tmp_path / "timing"
    result = CliRunner().invoke(app, ["track", str(source), "--out", str(out), "--timing", str(timing)])
    assert result.exit_code == 0, result.output
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    last = lines[-1]
    assert last["state"] == "confirmed"
    assert last["class"] == "ballistic"
    assert sum(last["class_probability"].values()) == pytest.approx(1.0)
    assert np.array(last["covariance"]).shape == (6, 6)
    assert sorted(last["detections"]) == [["s0", 0], ["s1", 0], ["s2", 0]]
    launch = last["launch"]
    assert geodesic_distance_m(launch["latitude_deg"], launch["longitude_deg"], 1.0, 21.0) < 1000.0
    assert set(launch["ellipse"]) == {"semi_major_m", "semi_minor_m", "orientation_deg"}
    # One line a track and look time.
    own = [line for line in lines if line["track_id"] == last["track_id"]]
    assert len(own) == len({line["time_unix_ns"] for line in own})
    assert len(timing.read_text().splitlines()) == len(looks())
    assert all(int(line) > 0 for line in timing.read_text().splitlines())


def test_one_satellite_gives_a_tentative_track_with_an_honest_range(tmp_path: Path) -> None:
    single = [look for look in looks(10) if look["sensor_id"] == "s1"]
    out = tmp_path / "tracks.jsonl"
    result = CliRunner().invoke(app, ["track", str(write(tmp_path / "looks.jsonl", single)), "--out", str(out)])
    assert result.exit_code == 0, result.output
    last = json.loads(out.read_text().splitlines()[-1])
    assert last["state"] == "tentative"
    sigma = np.sqrt(np.linalg.eigvalsh(np.array(last["covariance"])[:3, :3])[-1])
    assert sigma > 10_000.0


def test_bad_lines_are_named_and_passed_over(tmp_path: Path) -> None:
    records = looks(3)
    bad = [{**records[0], "sigma_rad": 0}, {**records[0], "position_itrs_m": [1, 2]}, {"detections": []}]
    source = write(tmp_path / "looks.jsonl", [*bad, *records])
    result = CliRunner().invoke(app, ["track", str(source), "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    assert "looks.jsonl:1: sigma_rad is 0" in result.stderr
    assert "looks.jsonl:2: position_itrs_m" in result.stderr
    assert "looks.jsonl:3: sensor_id is missing" in result.stderr


def track(folder: Path, records: list[dict[str, Any]], *options: str) -> tuple[str, str]:
    """Return the track lines and what was said on standard error."""
    source, out = write(folder / "looks.jsonl", records), folder / "tracks.jsonl"
    result = CliRunner().invoke(app, ["track", str(source), "--out", str(out), *options])
    assert result.exit_code == 0, result.output
    return out.read_text(), result.stderr


def test_looks_later_than_reorder_s_are_named_with_the_option_that_takes_them(tmp_path: Path) -> None:
    in_order = looks(20)
    # The three looks of 4 s come after those of 12 s.
    late = [*in_order[:24], *in_order[27:75], *in_order[24:27], *in_order[75:]]
    _, said = track(tmp_path, late)
    lines = said.splitlines()
    assert len(lines) == 3
    for number, line in enumerate(lines, 73):
        assert f"looks.jsonl:{number}: " in line
        assert "raise reorder_s, which is 5 s" in line
        assert "--reorder-s" in line
    taken, said = track(tmp_path, late, "--reorder-s", "10")
    assert said == ""
    assert taken == track(tmp_path, in_order)[0]


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf"])
def test_reorder_s_out_of_range_is_wrong_usage(tmp_path: Path, seconds: str) -> None:
    source = write(tmp_path / "looks.jsonl", looks(1))
    result = CliRunner().invoke(app, ["track", str(source), "--out", str(tmp_path / "out"), "--reorder-s", seconds])
    assert result.exit_code == 2
    assert "is not within 0 to 3600 s" in result.stderr
    assert not (tmp_path / "out").exists()


def test_timing_counts_what_falls_due_between_instants(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock_ns = 0

    def work(between: Between, state: State, time_s: float) -> None:
        nonlocal clock_ns
        clock_ns += 7

    monkeypatch.setattr(Between, "work", work)
    monkeypatch.setattr(time, "perf_counter_ns", lambda: clock_ns)
    track(tmp_path, looks(3), "--timing", str(tmp_path / "timing"))
    times_ns = [int(line) for line in (tmp_path / "timing").read_text().splitlines()]
    assert len(times_ns) == len(looks(3))
    # Three looks an instant.
    assert sum(times_ns) == 7 * len(looks(3)) // 3


def test_look_of_a_wrong_clock_and_one_whose_place_is_taken_are_named_and_the_rest_is_served(tmp_path: Path) -> None:
    good = looks(5)
    clean, _ = track(tmp_path, good)
    wrong_clock = {**good[3], "time_unix_ns": good[3]["time_unix_ns"] + 3600 * 10**9}
    taken = {**good[8], "detections": []}
    told, named = track(tmp_path, [*good[:4], wrong_clock, *good[4:9], taken, *good[9:]])
    assert told == clean
    clock, place = named.splitlines()
    assert "looks.jsonl:5: look of 's0'" in clock
    assert "set the sensor's clock right" in clock
    assert "looks.jsonl:11: look of 's2'" in place
    assert "--reorder-s" not in place


def test_error_of_the_trackers_own_is_not_passed_over_as_a_bad_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(tracker: Tracker, look: Look) -> None:
        raise np.linalg.LinAlgError("Singular matrix")

    monkeypatch.setattr(Tracker, "update_look", fail)
    source = write(tmp_path / "looks.jsonl", looks(1))
    result = CliRunner().invoke(app, ["track", str(source), "--out", str(tmp_path / "out")])
    assert isinstance(result.exception, np.linalg.LinAlgError)


def test_reorder_s_left_out_is_the_trackers_own() -> None:
    assert signature(run).parameters["reorder_s"].default == TrackingConfig().reorder_s


def test_a_file_without_looks_fails(tmp_path: Path) -> None:
    source = write(tmp_path / "looks.jsonl", [{"detections": []}])
    result = CliRunner().invoke(app, ["track", str(source), "--out", str(tmp_path / "out")])
    assert isinstance(result.exception, BadInputError)
    assert "no look that could be used" in str(result.exception)


@pytest.mark.parametrize("option", ["--out", "--timing"])
@pytest.mark.parametrize("linked", [False, True])
def test_file_of_looks_is_not_written_over(tmp_path: Path, option: str, linked: bool) -> None:
    source = write(tmp_path / "looks.jsonl", looks(1))
    before, named = source.read_text(), source
    if linked:
        named = tmp_path / "link"
        named.hardlink_to(source)
    # The last --out counts.
    arguments = ["track", str(source), "--out", str(tmp_path / "out"), option, str(named)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert option in result.stderr
    assert source.read_text() == before
    assert not (tmp_path / "out").exists()


def test_out_and_timing_are_two_files(tmp_path: Path) -> None:
    source, out = write(tmp_path / "looks.jsonl", looks(1)), str(tmp_path / "out")
    result = CliRunner().invoke(app, ["track", str(source), "--out", out, "--timing", out])
    assert result.exit_code == 2
    assert "--timing" in result.stderr


def test_run_without_a_usable_look_leaves_earlier_files_as_they_were(tmp_path: Path) -> None:
    source, out = write(tmp_path / "looks.jsonl", [{"detections": []}]), tmp_path / "tracks.jsonl"
    out.write_text("earlier\n")
    result = CliRunner().invoke(app, ["track", str(source), "--out", str(out)])
    assert isinstance(result.exception, BadInputError)
    assert out.read_text() == "earlier\n"
    assert {path.name for path in tmp_path.iterdir()} == {"looks.jsonl", "tracks.jsonl"}


def test_device_is_written_as_it_is(tmp_path: Path) -> None:
    source = write(tmp_path / "looks.jsonl", looks(1))
    result = CliRunner().invoke(app, ["track", str(source), "--out", "/dev/null"])
    assert result.exit_code == 0, result.output
    assert Path("/dev/null").is_char_device()


def test_link_stays_one_to_the_file_that_is_written(tmp_path: Path) -> None:
    link, target = tmp_path / "link", tmp_path / "tracks.jsonl"
    link.symlink_to(target)
    source = write(tmp_path / "looks.jsonl", looks(3))
    result = CliRunner().invoke(app, ["track", str(source), "--out", str(link)])
    assert result.exit_code == 0, result.output
    assert link.is_symlink()
    assert target.read_text()


def test_byte_order_mark_costs_no_look(tmp_path: Path) -> None:
    source, timing = write(tmp_path / "looks.jsonl", looks(1)), tmp_path / "timing"
    source.write_bytes(b"\xef\xbb\xbf" + source.read_bytes())
    arguments = ["track", str(source), "--out", str(tmp_path / "out"), "--timing", str(timing)]
    result = CliRunner().invoke(app, arguments)
    assert result.stderr == ""
    assert len(timing.read_text().splitlines()) == len(looks(1))


def test_file_that_is_not_there_is_named_once(tmp_path: Path) -> None:
    source = tmp_path / "looks.jsonl"
    result = CliRunner().invoke(app, ["track", str(source), "--out", str(tmp_path / "out")])
    assert str(result.exception) == f"{source}: cannot be used: No such file or directory"


def test_score_prints_one_json_object(tmp_path: Path) -> None:
    place = {"latitude_deg": 1.0, "longitude_deg": 21.0, "height_m": 0.0}
    truth = {"object_id": "r", "class": "ballistic", "launch_time_unix_ns": START, "launch": place, "track": []}
    alert = {
        "event_id": "e",
        "state": "ALERT_STATE_CONFIRMED",
        "target_class": "TARGET_CLASS_BALLISTIC",
        "time_unix_ns": str(START),
        "launch": {"time_unix_ns": str(START), "point": place},
    }
    truth_path, alerts_path = write(tmp_path / "truth.jsonl", [truth]), write(tmp_path / "alerts.jsonl", [alert])
    result = CliRunner().invoke(app, ["score", "--truth", str(truth_path), "--alerts", str(alerts_path)])
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    assert (figures["found"], figures["false_alerts"]) == (1, 0)
    assert "false alerts" in result.stderr
