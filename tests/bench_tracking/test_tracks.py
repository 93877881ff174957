"""Scoring on tracks made by hand: it reads lines of tracks.jsonl and nothing else."""

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from bench.tracking.bodies import Truth
from bench.tracking.classes import Verdict, calibration_rows, kind_rows
from bench.tracking.confirmation import first_confirmed, first_reported
from bench.tracking.confirmation import row as confirmation_row
from bench.tracking.flights import rocket_truth
from bench.tracking.launch import launch_errors
from bench.tracking.looks import SimulatedLook
from bench.tracking.soup_metrics import metrics
from bench.tracking.stated import Stated
from bench.tracking.tracks import CUTOFF_M, Sources, assign, nees, purity, read_tracks

PLACE = np.array([6.4e6, 0.0, 0.0])
EAST = np.array([0.0, 1.0, 0.0])


def still(object_id: str, east_m: float) -> Truth:
    position = np.tile(PLACE + east_m * EAST, (3, 1))
    return Truth(object_id, "ballistic", 0.0, 100.0, position, np.zeros((3, 3)), 0.0, 200.0, 200.0)


def line(track_id: str, time_s: float, east_m: float, state: str = "confirmed", **more: Any) -> dict[str, Any]:
    return {
        "time_unix_ns": round(time_s * 1e9),
        "track_id": track_id,
        "state": state,
        "class": "unknown",
        "class_probability": {"unknown": 1.0},
        "position_itrs_m": (PLACE + east_m * EAST).tolist(),
        "velocity_itrs_m_per_s": [0.0, 0.0, 0.0],
        "covariance": (np.eye(6) * 100.0**2).tolist(),
        "detections": [],
        **more,
    }


TRUTHS = [still("a", 0.0), still("b", 1000.0)]


def test_each_truth_has_its_nearest_track_and_errors_are_counted() -> None:
    records = [line("t", k, 30.0) for k in range(5)] + [line("u", k, 1040.0) for k in range(5)]
    assigned = assign(read_tracks(records, 0), TRUTHS, [0.0, 2.0, 4.0], 1.0)
    assert assigned.share_tracked == 1.0
    assert assigned.switches() == 0
    assert assigned.rmse_m() == pytest.approx(math.sqrt((30**2 + 40**2) / 2))


def test_exchanged_names_are_two_switches() -> None:
    records = [line("t", 0, 0.0), line("u", 0, 1000.0), line("t", 1, 1000.0), line("u", 1, 0.0)]
    assert assign(read_tracks(records, 0), TRUTHS, [0.0, 1.0], 1.0).switches() == 2


def test_far_old_tentative_ended_and_placeless_tracks_are_no_tracks() -> None:
    for records in (
        [line("t", 0, -CUTOFF_M - 1)],
        [line("t", -2.0, 0.0)],
        [line("t", 0, 0.0, state="tentative")],
        [line("t", 0, math.nan)],
        [line("t", -0.5, 0.0), line("t", 0, 0.0, state="ended")],
    ):
        assert assign(read_tracks(records, 0), TRUTHS[:1], [0.0], 1.0).share_tracked == 0.0


def test_an_error_is_taken_at_the_lines_own_time() -> None:
    moving = dataclasses.replace(
        TRUTHS[0],
        position_itrs_m=PLACE + np.array([[0.0], [1e5], [2e5]]) * EAST,
        velocity_itrs_m_per_s=np.tile(1000.0 * EAST, (3, 1)),
    )
    assigned = assign(read_tracks([line("t", 9.995, 9995.0)], 0), [moving], [10.0], 1.0)
    assert assigned.rmse_m() == pytest.approx(0.0, abs=1e-6)


def test_nees_of_true_covariances_is_three() -> None:
    generator = np.random.default_rng(1)
    values = []
    for _ in range(400):
        away = 100.0 * generator.standard_normal(3)
        records = [line("t", 0, 0.0, position_itrs_m=(PLACE + away).tolist())]
        values.append(nees(read_tracks(records, 0)[0], 0, TRUTHS[0]))
    # The mean of 400 has a standard deviation of 0.12.
    assert np.mean(values) == pytest.approx(3.0, abs=0.5)


def look(sensor_id: str, frame: int, ids: list[str | None]) -> SimulatedLook:
    up, none = np.array([0.0, 0.0, 1.0]), np.empty(0)
    stated = Stated(sensor_id, frame * 10**9, 7e6 * up, -up, 0.6, 1e-4, none.reshape(0, 3), none)
    return SimulatedLook(stated, frame, ids, frame, frame)


def test_purity_is_the_part_of_detections_of_the_commonest_truth() -> None:
    sources = Sources([look("s", k, ["a", "b", None]) for k in range(4)])
    pure = [line("t", k - 0.005, 0.0, detections=[["s", 0]]) for k in range(4)]
    mixed = [line("u", k - 0.005, 0.0, detections=[["s", which]]) for k, which in enumerate((1, 1, 0, 2))]
    assert purity(read_tracks(pure, 0), sources) == 1.0
    assert purity(read_tracks(mixed, 0), sources) == 0.5
    assert purity(read_tracks(pure + mixed, 0), sources) == 0.75


def test_gospa_of_one_miss_and_one_false_track_is_the_cutoff() -> None:
    records = [line("t", k, 3 * CUTOFF_M) for k in range(3)]
    found = metrics(read_tracks(records, 0), TRUTHS[:1], [0.0, 1.0, 2.0], 1.0)
    # One miss and one false track cost c^2 / 2 each.
    assert found["gospa_m"] == pytest.approx(CUTOFF_M)
    assert found["completeness"] == 0.0
    assert found["spuriousness"] == 1.0


def test_gospa_of_a_good_track_is_its_error() -> None:
    records = [line("t", k, 60.0) for k in range(3)]
    found = metrics(read_tracks(records, 0), TRUTHS[:1], [0.0, 1.0, 2.0], 1.0)
    assert found["gospa_m"] == pytest.approx(60.0)
    assert found["position_accuracy_m"] == pytest.approx(60.0)
    assert found["completeness"] == 1.0


def test_confirmation_counts_from_enough_true_reports() -> None:
    taken = [look("s", 0, ["a"]), look("t", 0, [None]), look("s", 1, ["a"]), look("t", 1, ["a"])]
    assert first_reported(taken, "a", 2) == 1
    assert first_reported(taken, "b", 1) is None
    records = [line("t", 3.995, 0.0, state="tentative"), line("t", 5.995, 0.0), line("x", 4.995, 9e5)]
    assert first_confirmed(records, TRUTHS[0], 0, 1.0, threat=True) == 6
    assert confirmation_row(4, [3.0, 5.0, math.inf, math.nan])["p99"] == math.inf
    assert confirmation_row(4, [3.0, 5.0, math.inf, math.nan])["never"] == 1


@pytest.mark.parametrize(("east_m", "north_m", "out"), [(0, 150, 0.75), (150, 0, 1.5), (60, 0, 0.6)])
def test_launch_ellipse_is_turned_clockwise_from_north(east_m: float, north_m: float, out: float) -> None:
    truth = rocket_truth(np.random.default_rng(1), "rocket", "short_range_liquid", 5.0, heading_deg=350.0)
    assert truth.rocket is not None
    pad = truth.rocket.launch
    launch = {
        "latitude_deg": pad.latitude_deg - north_m / 110_900,
        "longitude_deg": pad.longitude_deg - east_m / (111_300 * math.cos(math.radians(pad.latitude_deg))),
        "ellipse": {"semi_major_m": 200.0, "semi_minor_m": 100.0, "orientation_deg": 0.0},
        "heading_deg": 10.0,
    }
    found = launch_errors(launch, truth)
    assert found["of_ellipse"] == pytest.approx(out, rel=0.02)
    assert found["error_m"] == pytest.approx(math.hypot(east_m, north_m), rel=0.01)
    assert found["heading_deg"] == pytest.approx(20.0)


def test_calibration_compares_what_was_said_with_what_was_right() -> None:
    verdicts = [
        Verdict("k", "ballistic", "ballistic" if right else "glide", 0.92) for right in (True, True, True, False)
    ]
    verdicts.append(Verdict("k", "ballistic", None, math.nan))
    every = kind_rows(verdicts)[-1]
    assert every["wrong"] == 0.25
    assert every["confirmed"] == 0.8
    row = next(row for row in calibration_rows(verdicts) if row["runs"])
    assert (row["stated"], row["mean_stated"], row["right"]) == ("0.9 to 0.95", pytest.approx(0.92), 0.75)
