"""The whole chain on recorded images: through kills, to a report; and away without a trace."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.end_to_end.launcher import Launched, launch, write_sequences


def _gone(processes: list[psutil.Process], timeout_s: float = 20.0) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=timeout_s)
    return not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


def test_every_frame_of_every_camera_is_searched_and_scored(tmp_path: Path) -> None:
    run = launch(tmp_path, "--replay", str(write_sequences(tmp_path / "sky", 2, 40)))
    assert run.finish() == 0, run.output + run.errors
    report = run.report
    assert report["frames"]["sent"] == report["frames"]["acknowledged"] == report["frames"]["committed"] == 80
    assert report["frames"]["lost"] == {}
    assert report["real_time"]["ratio"] > 0.9
    assert report["real_time"]["max_backlog_s"] < 2
    assert 100 < report["memory_mb_peak"] < 2000
    # The point stands 50 sigma above the noise: it is found wherever it is.
    assert report["replay"]["all"]["pd"] > 0.95
    assert report["replay"]["satellites"].keys() == {"cam-1", "cam-2"}
    assert report["replay"]["left_out"] == 0
    for word in ("gRPC: GroundStationService", "mqtt://127.0.0.1:", "80 sent, 80 acknowledged; lost: none"):
        assert word in run.output


def _revisions(run: Launched) -> dict[str, int]:
    """Return the newest revision of every event that came over MQTT."""
    file = run.run_dir / "alerts.jsonl"
    newest: dict[str, int] = {}
    for line in file.read_text().splitlines() if file.exists() else ():
        alert = json.loads(line)["data"]
        newest[alert["event_id"]] = max(newest.get(alert["event_id"], 0), int(alert["revision"]))
    return newest


def test_relay_and_ground_station_that_are_killed_come_back_and_nothing_is_lost(tmp_path: Path) -> None:
    run = launch(tmp_path, "--replay", str(write_sequences(tmp_path / "sky", 2, 120)))
    # Both cameras see their point move the whole time.
    run.wait_for(lambda: len(_revisions(run)) >= 2)
    before = _revisions(run)
    run.child("ground-station").send_signal(signal.SIGKILL)
    time.sleep(3.0)
    run.child("relay").send_signal(signal.SIGKILL)
    assert run.finish() == 0, run.output + run.errors
    report = run.report
    assert report["run"]["restarts"] == {"ground-station": 1, "relay": 1}
    assert report["frames"]["lost"] == {}
    assert report["frames"]["acknowledged"] == report["frames"]["committed"] == 240
    # What was known goes on under its own name.
    after = _revisions(run)
    assert all(after[event] > revision for event, revision in before.items())


@pytest.fixture(scope="module")
def run_with_faults(tmp_path_factory: pytest.TempPathFactory) -> Launched:
    """A finished run of 100 images, one of them cut off, whose broker was killed after the first alert."""
    folder = tmp_path_factory.mktemp("faults")
    sky = write_sequences(folder / "sky", 1, 100)
    (sky / "cam-1" / "0012.npy").write_bytes(b"\x93NUMPY cut off")
    run = launch(folder, "--replay", str(sky))
    run.wait_for(run.run_has_started)
    run.wait_for(lambda: bool(_revisions(run)))
    run.broker().send_signal(signal.SIGKILL)
    assert run.finish() == 0, run.output + run.errors
    return run


def test_broker_that_is_killed_costs_no_alert(run_with_faults: Launched) -> None:
    assert "some alerts have not come back" not in run_with_faults.output
    # Revisions may be missing that came and went while nobody could hear; none comes twice, none out of order.
    heard: dict[str, list[int]] = {}
    for line in (run_with_faults.run_dir / "alerts.jsonl").read_text().splitlines():
        alert = json.loads(line)["data"]
        heard.setdefault(alert["event_id"], []).append(int(alert["revision"]))
    assert all(revisions == sorted(set(revisions)) for revisions in heard.values())
    assert max(revisions[-1] for revisions in heard.values()) > 1


def test_unreadable_image_is_named_and_counted_and_the_rest_is_served(run_with_faults: Launched) -> None:
    report = run_with_faults.report
    assert report["frames"]["lost"] == {"unreadable": 1}
    assert report["frames"]["acknowledged"] == 99
    assert "0012.npy" in report["frames"]["details"][0]


def test_satellite_that_is_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    run = launch(tmp_path, "--replay", str(write_sequences(tmp_path / "sky", 1, 60)))
    run.wait_for(run.run_has_started)
    time.sleep(2.0)
    run.child("satellite").send_signal(signal.SIGKILL)
    assert run.finish() == 0, run.output + run.errors
    assert run.report["run"]["restarts"] == {"satellite/cam-1": 1}
    assert run.report["frames"]["acknowledged"] == run.report["frames"]["committed"] == 60


def test_ctrl_c_drains_and_leaves_nothing_behind(tmp_path: Path) -> None:
    run = launch(tmp_path, "--replay", str(write_sequences(tmp_path / "sky", 1, 300)))
    run.wait_for(run.run_has_started)
    children = run.children()
    run.interrupt()
    assert run.finish(30) == 130, run.output + run.errors
    assert "stopped before the end of the scenario; not scored" in run.output
    assert _gone(children, 1.0)
    assert not run.report_file.exists()


def test_nothing_survives_a_launcher_that_is_killed(tmp_path: Path) -> None:
    run = launch(tmp_path, "--replay", str(write_sequences(tmp_path / "sky", 1, 300)))
    run.wait_for(run.run_has_started)
    children = run.children()
    assert len(children) == 4
    os.kill(run.process.pid, signal.SIGKILL)
    run.finish(10)
    assert _gone(children)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("no_such_scenario",), ("no_such_scenario", "neither a file nor a shipped scenario")),
        (("defualt",), ("did you mean 'default'?",)),
        (("--replay", "/nowhere"), ("/nowhere: no such file or folder",)),
        (("--broker", "mqtt://127.0.0.1:9", "--port-base", "0"), ("127.0.0.1:9", "does not answer")),
        (("--report", "/nowhere/report.json"), ("/nowhere/report.json", "its folder does not exist")),
        (("--report", "/"), ("it is a folder",)),
        (("--run-dir", "/dev/null/run", "--port-base", "0"), ("/dev/null/run", "is no folder that can be written")),
    ],
)
def test_what_cannot_be_used_is_named_with_a_remedy(arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "services.cli", "up", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert done.stderr.startswith("plumewatch: ")
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


def test_taken_port_is_named_before_anything_starts(tmp_path: Path) -> None:
    sky = write_sequences(tmp_path / "sky", 1, 5)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "services.cli", "up", "--replay", str(sky), "--port-base", str(port)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert f"relay: port {port} of 127.0.0.1 is taken" in done.stderr
