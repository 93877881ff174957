"""How far a run is, how far behind, and what its lines and its report say of it."""

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from plumewatch.v1 import alert_pb2, ground_station_pb2, network_pb2
from sat_emulator.sensor.source import EmulatedSource
from services.geometry.time import NS_PER_S
from services.scenario.model import Satellite, Scenario, Sensor, Train
from services.scenario.resolve import resolve_satellites, start_unix_ns
from services.stack import report
from services.stack.scenario_file import replayed
from services.stack.schedule import Schedule, schedule_of
from services.stack.scoring import score
from services.stack.screen import Screen, run_in_words, status_line
from services.stack.state import RunState
from services.stack.up import _print

START = 1_772_000_000 * NS_PER_S
WALL = 1_773_000_000 * NS_PER_S


def _state(rate: float = 1.0) -> RunState:
    """A run of two cameras, 2 Hz, 90 s, whose clock runs."""
    state = RunState({name: Schedule(180, START, NS_PER_S / 2) for name in ("a", "b")})
    state.take_clock(
        network_pb2.GetClockResponse(
            run_id="r",
            emulated_start_unix_ns=START,
            wall_start_unix_ns=WALL,
            rate=rate,
            emulated_end_unix_ns=START + 90 * NS_PER_S,
        )
    )
    return state


def _settle(state: RunState, **frames: int) -> None:
    satellites = [
        ground_station_pb2.SatelliteStatus(satellite_id=name, connected=True, acknowledged_sequence=count - 1)
        for name, count in frames.items()
    ]
    state.take_status(ground_station_pb2.GetStatusResponse(satellites=satellites))


def test_progress_is_the_settled_part_of_all_frames_whatever_the_clock_says() -> None:
    state = _state()
    assert state.progress == 0.0
    _settle(state, a=90)
    assert state.progress == 0.25
    _settle(state, a=180, b=180)
    assert state.progress == 1.0


def test_line_says_how_far_the_slowest_satellite_is_behind() -> None:
    state = _state()
    _settle(state, a=180, b=36)
    # Frame 36 was due 18 s after the start; 230 s after it, 212 s ago.
    line = status_line(state, WALL + 230 * NS_PER_S)
    assert "60%" in line.plain
    assert "212 s behind" in line.plain
    assert any("red" in str(span.style) for span in line.spans)


def test_chain_that_keeps_up_or_is_done_is_not_behind() -> None:
    state = _state()
    _settle(state, a=36, b=35)
    assert "behind" not in status_line(state, WALL + 18 * NS_PER_S).plain
    _settle(state, a=180, b=180)
    assert "behind" not in status_line(state, WALL + 600 * NS_PER_S).plain


def test_satellite_of_which_nothing_came_yet_falls_behind_as_well() -> None:
    assert "30 s behind" in status_line(_state(), WALL + 30 * NS_PER_S).plain


def test_before_the_start_the_line_counts_satellites() -> None:
    state = RunState({"a": Schedule(1, START, 1.0)})
    assert status_line(state, WALL).plain == "waiting for satellites: 0 of 1"


@pytest.mark.parametrize("frame_rate_hz", [0.3, 2.0, 7.0])
def test_schedule_of_an_emulated_camera_is_its_sources_own(frame_rate_hz: float) -> None:
    sensor = Sensor(rows=64, columns=64, frame_rate_hz=frame_rate_hz)
    scenario = Scenario("s", duration_s=11.0, train=Train(satellites=1), sensor=sensor)
    (satellite,) = resolve_satellites(scenario)
    schedule, source = schedule_of(scenario, satellite), EmulatedSource(scenario, satellite)
    assert schedule.frames == len(source)
    for sequence in range(len(source)):
        assert abs(schedule.due_unix_ns(sequence) - source.readout_end_unix_ns(sequence)) <= 1


def test_run_of_recorded_images_is_as_long_as_they_are_and_not_as_the_scenario(tmp_path: Path) -> None:
    for name, images in (("one", 20), ("two", 15)):
        (tmp_path / name).mkdir()
        for place in range(images):
            Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / name / f"{place}.png")
    base = Scenario("base", duration_s=90.0, satellites=(Satellite("x"),))
    scenario = replayed(tmp_path, 10.0, base)
    satellites = resolve_satellites(scenario)
    schedules = {satellite.id: schedule_of(scenario, satellite) for satellite in satellites}
    assert schedules["two"] == Schedule(15, start_unix_ns(scenario) + NS_PER_S // 10, NS_PER_S / 10)
    assert run_in_words(scenario, satellites, schedules) == "scenario base: 2 satellites with 35 recorded images, 2 s"


def _account(**others: Any) -> dict[str, Any]:
    account = {"sent": 180, "acknowledged": 180, "lost": {}, "repeated": 0, "details": []}
    return {**account, "emulated_s": 90.0, "wall_s": 90.2, "rate": 1.0, "max_backlog_s": 0.4, **others}


@pytest.mark.parametrize(
    ("account", "warned"),
    [
        (_account(), False),
        # A ground station that was killed: frames waited, and the run caught up.
        (_account(max_backlog_s=9.0), False),
        # A run of a second ends with a frame on its way.
        (_account(emulated_s=0.5, wall_s=0.7, max_backlog_s=0.2), False),
        (_account(wall_s=332.7, max_backlog_s=242.0), True),
    ],
)
def test_report_of_a_chain_that_did_not_keep_up_says_so(account: dict[str, Any], warned: bool) -> None:
    sentences = report.build({}, [account], _state(), {}, {})["warnings"]
    assert len(sentences) == warned
    if warned:
        for words in ("did not keep up", "0.27 of the run's pace", "waited up to 242 s", "`rate = 0.2`"):
            assert words in sentences[0]


def test_acknowledgement_is_worth_a_line() -> None:
    state = _state()
    heard: list[str] = []
    state.on_note = heard.append
    alert = alert_pb2.Alert(event_id="e", revision=1)
    state.take_alert(alert)
    state.take_alert(alert_pb2.Alert(event_id="e", revision=2))
    assert len(heard) == 1
    acknowledged = alert_pb2.Alert(event_id="e", revision=3)
    acknowledged.acknowledgements.add(operator="anna")
    state.take_alert(acknowledged)
    assert "acknowledged by anna" in heard[1]


def test_console_whose_reader_is_gone_goes_quiet_and_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    read_end, write_end = os.pipe()
    with os.fdopen(write_end, "w") as out:
        monkeypatch.setattr(sys, "stdout", out)
        console, told = Screen(width=80), []
        console.on_reader_gone = lambda: told.append(True)
        console.print("heard")
        os.close(read_end)
        console.print("unheard")
        console.print("not even tried")
    assert told == [True]


@pytest.mark.parametrize(("scored", "false_alerts"), [(True, 0), (False, 0), (False, 1)])
def test_images_of_which_nothing_is_known_are_not_scored(
    scored: bool, false_alerts: int, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = {**score([], []), "false_alerts": false_alerts}
    result = report.build(figures, [_account()], _state(), {"scenario": "s"}, {})
    _print({**result, "scored": scored}, Screen(width=120))
    printed = capsys.readouterr().out
    assert ("missed" in printed) == scored
    told = f"{false_alerts} event{'' if false_alerts == 1 else 's'} confirmed; not scored: nothing says what is true"
    assert (told in printed) != scored
