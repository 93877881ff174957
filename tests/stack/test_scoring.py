"""The score's rules, each on the smallest truth and alerts that show it."""

import json
from pathlib import Path
from typing import Any

import pytest

from services.geometry.ellipsoid import geodetic_to_itrs
from services.geometry.geodesic import geodesic_destination
from services.runtime.errors import BadInputError
from services.stack.scoring import check_alerts, check_truth, events_of, read_jsonl, score

START = 1_782_043_200_000_000_000
SECOND = 1_000_000_000


def rocket(name: str, latitude: float, longitude: float, word: str = "ballistic") -> dict[str, Any]:
    place = {"latitude_deg": latitude, "longitude_deg": longitude, "height_m": 0.0}
    track = [
        {
            "time_unix_ns": START + k * SECOND,
            "position_itrs_m": geodetic_to_itrs(latitude + 0.001 * k, longitude, 100.0 * k).tolist(),
        }
        for k in range(60)
    ]
    return {
        "object_id": name,
        "class": word,
        "launch_time_unix_ns": START,
        "launch": place,
        "track": track,
        "first_detectable_unix_ns": START + 2 * SECOND,
    }


def alert(event: str, latitude: float, longitude: float, **changes: Any) -> dict[str, Any]:
    """Return a revision as proto3 JSON has it: 64-bit integers as strings, enum values with their prefix."""
    return {
        "event_id": event,
        "revision": "1",
        "state": "ALERT_STATE_CONFIRMED",
        "target_class": "TARGET_CLASS_BALLISTIC",
        "time_unix_ns": str(START + 12 * SECOND),
        "launch": {
            "time_unix_ns": str(START + SECOND),
            "point": {"latitude_deg": latitude, "longitude_deg": longitude, "height_m": 0.0},
            "ellipse": {"semi_major_m": 2000.0, "semi_minor_m": 500.0, "orientation_deg": 0.0},
            "heading_deg": 10.0,
        },
        "latency": {
            "readout_end_unix_ns": str(START + 12 * SECOND),
            "arrival_unix_ns": str(START + 12 * SECOND + SECOND // 20),
            "published_s": 0.15,
        },
        **changes,
    }


def test_alert_near_the_launch_is_found_and_measured() -> None:
    latitude, longitude = geodesic_destination(10.0, 20.0, 0.0, 1500.0)
    figures = score([rocket("r", 10.0, 20.0)], [alert("e", latitude, longitude)])
    assert (figures["found"], figures["missed"], figures["false_alerts"], figures["class_errors"]) == (1, 0, 0, 0)
    assert figures["launch_error_m"]["p50"] == pytest.approx(1500.0, abs=1.0)
    assert figures["launch_in_ellipse"] == 1.0
    assert figures["launch_time_error_s"]["p50"] == pytest.approx(1.0)
    assert figures["heading_error_deg"]["p50"] == pytest.approx(10.0, abs=0.1)
    assert figures["time_to_alert_s"]["p50"] == pytest.approx(10.2)
    assert figures["latency_s"]["p99"] == pytest.approx(0.2)


def test_latency_ends_where_a_subscriber_had_the_alert() -> None:
    latitude, longitude = geodesic_destination(10.0, 20.0, 0.0, 1500.0)
    alerts = [alert("e", latitude, longitude)]
    figures = score([rocket("r", 10.0, 20.0)], alerts, {("e", 1): 0.4})
    assert figures["latency_s"]["p99"] == pytest.approx(0.45)


def test_ellipse_is_turned_clockwise_from_north() -> None:
    latitude, longitude = geodesic_destination(10.0, 20.0, 90.0, 1500.0)
    assert score([rocket("r", 10.0, 20.0)], [alert("e", latitude, longitude)])["launch_in_ellipse"] == 0.0


def test_alert_far_from_every_launch_is_false() -> None:
    latitude, longitude = geodesic_destination(10.0, 20.0, 45.0, 60_000.0)
    figures = score([rocket("r", 10.0, 20.0)], [alert("e", latitude, longitude)])
    assert (figures["found"], figures["missed"], figures["false_alerts"]) == (0, 1, 1)
    assert figures["false_alert_events"] == ["e"]
    assert figures["missed_objects"] == ["r"]
    assert figures["launch_error_m"] == {"p50": None, "p90": None}


def test_wide_ellipse_reaches_farther_than_fifty_kilometres() -> None:
    latitude, longitude = geodesic_destination(10.0, 20.0, 0.0, 60_000.0)
    wide = alert("e", latitude, longitude)
    wide["launch"]["ellipse"]["semi_major_m"] = 70_000.0
    assert score([rocket("r", 10.0, 20.0)], [wide])["found"] == 1


def test_matching_is_one_to_one_by_least_distance() -> None:
    near = geodesic_destination(10.0, 20.0, 0.0, 3000.0)
    nearer = geodesic_destination(10.0, 20.0, 0.0, 1000.0)
    figures = score([rocket("r", 10.0, 20.0)], [alert("e1", *near), alert("e2", *nearer)])
    assert (figures["found"], figures["false_alerts"]) == (1, 1)
    assert figures["false_alert_events"] == ["e1"]


def test_alert_about_a_fire_is_false() -> None:
    fire = rocket("f", 10.0, 20.0, "static_heat")
    figures = score([fire], [alert("e", 10.0, 20.0)])
    assert (figures["found"], figures["missed"], figures["false_alerts"]) == (0, 0, 1)


@pytest.mark.parametrize(("time_s", "found"), [(-1, 0), (0, 1), (59, 1), (60, 0)])
def test_lives_must_overlap(time_s: int, found: int) -> None:
    # The rocket's life is the 59 s of its track.
    figures = score([rocket("r", 10.0, 20.0)], [alert("e", 10.0, 20.0, time_unix_ns=str(START + time_s * SECOND))])
    assert (figures["found"], figures["false_alerts"]) == (found, 1 - found)


def test_detected_alone_is_neither_found_nor_false() -> None:
    figures = score([rocket("r", 10.0, 20.0)], [alert("e", 10.0, 20.0, state="ALERT_STATE_DETECTED")])
    assert (figures["found"], figures["missed"], figures["false_alerts"]) == (0, 1, 0)


def test_retraction_does_not_undo_a_false_alert() -> None:
    gone = alert("e", 0.0, 0.0, revision="2", state="ALERT_STATE_RETRACTED", target_class="TARGET_CLASS_STATIC_HEAT")
    assert score([], [alert("e", 0.0, 0.0), gone])["false_alerts"] == 1


def test_class_is_that_of_the_newest_revision() -> None:
    revisions = [
        alert("e", 10.0, 20.0, revision="2", target_class="TARGET_CLASS_SPACE_LAUNCH"),
        alert("e", 10.0, 20.0),
    ]
    assert score([rocket("r", 10.0, 20.0)], revisions)["class_errors"] == 1
    assert score([rocket("r", 10.0, 20.0, "space_launch")], revisions)["class_errors"] == 0


def test_envelopes_and_repeats_are_seen_through() -> None:
    first = alert("e", 10.0, 20.0)
    wrapped = {"specversion": "1.0", "id": "e/1", "type": "plumewatch.v1.Alert", "data": first}
    (event,) = events_of([wrapped, first])
    assert len(event.revisions) == 1


def test_alert_without_launch_is_held_by_its_present_place() -> None:
    bare = alert("e", 0.0, 0.0, present={"point": {"latitude_deg": 10.012, "longitude_deg": 20.0, "height_m": 1.0}})
    del bare["launch"]
    figures = score([rocket("r", 10.0, 20.0)], [bare])
    assert figures["found"] == 1
    assert figures["launch_error_m"]["p50"] is None


def test_a_line_that_is_no_json_is_named(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    path.write_text(json.dumps(alert("e", 0, 0)) + "\n{oops\n", encoding="utf-8")
    with pytest.raises(BadInputError, match=r"alerts\.jsonl:2"):
        read_jsonl(path)


def test_wrong_files_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="is it a truth file"):
        check_truth([alert("e", 0, 0)], tmp_path)
    with pytest.raises(BadInputError, match="is it a file of alerts"):
        check_alerts([rocket("r", 0, 0)], tmp_path)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"launch_time_unix_ns": "noon"}, "noon"),
        ({"launch": {"latitude_deg": 1.0}}, "lacks longitude_deg"),
        ({"launch": {"latitude_deg": float("nan"), "longitude_deg": 1.0}}, "nan is not a finite number"),
        ({"track": [{"time_unix_ns": START}]}, "lacks position_itrs_m"),
        ({"track": [{"time_unix_ns": START, "position_itrs_m": [1.0]}]}, "cannot be used"),
        ({"track": 5}, "cannot be used"),
    ],
)
def test_truth_that_cannot_be_used_is_named(changes: dict[str, Any], says: str, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=f"{tmp_path}:2: .*{says}"):
        check_truth([rocket("a", 0, 0), {**rocket("r", 0, 0), **changes}], tmp_path)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"revision": "x"}, "'x'"),
        ({"launch": {"time_unix_ns": "1", "point": {}}}, "lacks latitude_deg"),
        ({"launch": {"point": {"latitude_deg": 1.0, "longitude_deg": 1.0}}}, "lacks time_unix_ns"),
        ({"present": [1.0]}, "cannot be used"),
        ({"latency": {"published_s": float("inf")}}, "cannot be used"),
    ],
)
def test_alert_that_cannot_be_used_is_named(changes: dict[str, Any], says: str, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=f"{tmp_path}:1: .*{says}"):
        check_alerts([alert("e", 0, 0, **changes)], tmp_path)
