"""Looks to Stone Soup's detections and back, and our tracks as its own."""

import json
from datetime import UTC, timedelta, timezone
from typing import Any

import numpy as np
import pytest

from services.ground_station.tracking.looks_file import parse_look
from services.stack.stone_soup import detections, look_lines, soup_time, stone_soup_tracks

LINE: dict[str, Any] = {
    "time_unix_ns": 1_782_043_200_123_456_000,
    "sensor_id": "s",
    "position_itrs_m": [7.4e6, 1.0e5, -2.0e5],
    "boresight_itrs": [-3.0, 0.4, 0.2],
    "fov_half_angle_rad": 0.5,
    "sigma_rad": 1e-4,
    "detections": [
        {"los_itrs": [-1.0, 0.2, 0.1], "snr": 12.0, "intensity_w_per_sr": 5e4},
        {"los_itrs": [-2.0, -0.1, 0.3]},
        {"los_itrs": [-1.0, 0.3, -0.2], "snr": 7.0},
    ],
}


def there_and_back(line: dict[str, Any]) -> dict[str, Any]:
    when = soup_time(line["time_unix_ns"])
    (back,) = look_lines([(when, detections(line))], line["fov_half_angle_rad"])
    return back


def unit(vectors: Any) -> Any:
    array = np.array(vectors, dtype=np.float64)
    return array / np.linalg.norm(array, axis=-1, keepdims=True)


def test_look_comes_back_from_detections_as_it_was() -> None:
    back = there_and_back(LINE)
    for key in ("time_unix_ns", "sensor_id", "fov_half_angle_rad"):
        assert back[key] == LINE[key]
    for key in ("position_itrs_m", "sigma_rad"):
        assert back[key] == pytest.approx(LINE[key])
    np.testing.assert_allclose(back["boresight_itrs"], unit(LINE["boresight_itrs"]), atol=1e-12)
    directions = [[each["los_itrs"] for each in line["detections"]] for line in (back, LINE)]
    np.testing.assert_allclose(directions[0], unit(directions[1]), atol=1e-12)
    stated = [[{**each, "los_itrs": None} for each in line["detections"]] for line in (back, LINE)]
    assert stated[0] == stated[1]


def test_detections_say_when_the_light_came_in_unless_its_way_is_taken_off() -> None:
    when = soup_time(LINE["time_unix_ns"])
    assert {each.timestamp for each in detections(LINE)} == {when}
    assert {each.timestamp for each in detections(LINE, 5_000_000)} == {when - timedelta(milliseconds=5)}


def test_time_with_a_zone_is_the_same_instant() -> None:
    when = soup_time(LINE["time_unix_ns"]).replace(tzinfo=UTC).astimezone(timezone(timedelta(hours=2)))
    (line,) = look_lines([(when, detections(LINE))], 0.5)
    assert line["time_unix_ns"] == LINE["time_unix_ns"]


def test_lines_of_several_sensors_are_one_look_each() -> None:
    other = {**LINE, "sensor_id": "r"}
    lines = list(look_lines([(soup_time(LINE["time_unix_ns"]), detections(LINE) | detections(other))], 0.5))
    assert [line["sensor_id"] for line in lines] == ["r", "s"]
    assert [len(line["detections"]) for line in lines] == [3, 3]


def test_line_of_a_detector_is_a_look() -> None:
    assert len(parse_look(json.dumps(there_and_back(LINE)))) == 3


def test_confirmed_lines_become_states_in_order_of_time() -> None:
    line = {
        "time_unix_ns": LINE["time_unix_ns"],
        "track_id": "trk-1",
        "state": "confirmed",
        "position_itrs_m": [1.0, 2.0, 3.0],
        "velocity_itrs_m_per_s": [4.0, 5.0, 6.0],
        "covariance": np.diag([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).tolist(),
    }
    later = {**line, "time_unix_ns": LINE["time_unix_ns"] + 10**9}
    (track,) = stone_soup_tracks([later, line, {**line, "track_id": "trk-2", "state": "tentative"}])
    assert track.id == "trk-1"
    assert [state.timestamp for state in track] == [soup_time(each["time_unix_ns"]) for each in (line, later)]
    assert track.state.state_vector[:, 0].tolist() == [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]
    assert np.diag(track.state.covar).tolist() == [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]
