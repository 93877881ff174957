"""What a line of looks may say, and what is said of one that cannot be used."""

import json
from typing import Any

import pytest

from services.ground_station.tracking.looks_file import LookError, parse_look, parse_looks

LOOK: dict[str, Any] = {
    "time_unix_ns": 1_700_000_000_000_000_000,
    "sensor_id": "s",
    "position_itrs_m": [7.4e6, 0.0, 0.0],
    "boresight_itrs": [-1.0, 0.0, 0.0],
    "fov_half_angle_rad": 0.5,
    "sigma_rad": 1e-4,
    "detections": [{"los_itrs": [-2.0, 0.0, 0.0]}],
}


def test_line_of_sight_of_any_length_is_a_direction() -> None:
    look = parse_look(json.dumps(LOOK))
    assert look.los_itrs[0] == pytest.approx([-1.0, 0.0, 0.0], abs=1e-6)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"time_unix_ns": "²"}, "time_unix_ns is '²'"),
        ({"time_unix_ns": 10**40}, "time_unix_ns is 1000"),
        ({"time_unix_ns": True}, "time_unix_ns is True"),
        ({"time_unix_ns": -1}, "time_unix_ns is -1"),
        ({"time_unix_ns": 1.5}, "time_unix_ns is 1.5"),
        ({"position_itrs_m": [1.0, 0.0, 0.0]}, "a sensor is 6.3e"),
        ({"position_itrs_m": [1e200, 0.0, 0.0]}, "position_itrs_m"),
        ({"position_itrs_m": [7e6, 0.0]}, "not three numbers|not three finite"),
        ({"sigma_rad": 1e300}, "sigma_rad is 1e"),
        ({"sigma_rad": 0}, "sigma_rad is 0; it must be a number above 0"),
        ({"fov_half_angle_rad": 4}, "at most 3.14159"),
        ({"detections": [{"los_itrs": [0, 0, 0]}]}, "los_itrs"),
        ({"detections": None}, "no list of objects"),
        ({"sensor_id": ""}, "sensor_id is ''"),
    ],
)
def test_line_that_cannot_be_used_is_named(change: dict[str, Any], words: str) -> None:
    with pytest.raises(LookError, match=words):
        parse_look(json.dumps({**LOOK, **change}))


def test_number_that_is_none_counts_as_not_stated() -> None:
    stated = parse_look(json.dumps(LOOK))
    line = json.dumps({**LOOK, "detections": [{"los_itrs": [-1, 0, 0], "snr": float("nan")}]})
    assert parse_look(line).snr[0] == stated.snr[0]


def test_lines_round_a_bad_one_are_served() -> None:
    lines = [json.dumps(LOOK), "\ufffd{", json.dumps(LOOK)]
    results = [result for _, result in parse_looks(lines)]
    assert [isinstance(result, LookError) for result in results] == [False, True, False]
