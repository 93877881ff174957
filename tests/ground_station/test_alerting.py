"""Which tracks become alerts, and when an alert is said again."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from plumewatch.v1 import alert_pb2, track_pb2
from services.ground_station.alerting import (
    CONFIRMED,
    DETECTED,
    ENDED,
    MOST_ACKNOWLEDGEMENTS,
    RETRACTED,
    AlertBook,
    AlertingConfig,
)
from services.ground_station.tracking.snapshot import (
    Burnout,
    Ellipse,
    ImagePlane,
    Kinematic,
    LaunchEstimate,
    TrackSnapshot,
)
from services.ground_station.tracking.warning.kernels import drift

START = 1_782_043_200_000_000_000
SECOND = 1_000_000_000
KINEMATIC = Kinematic(np.array([-4e6, 3.8e6, -3.2e6]), np.array([100.0, 0.0, 400.0]), np.eye(6))
LAUNCH = LaunchEstimate(START, 1.5, -30.9, 136.5, 150.0, Ellipse(3e3, 2e3, 40.0), 315.0, 5.0)


def in_space(time_s: float = 0.0, **fields: Any) -> TrackSnapshot:
    known: dict[str, Any] = {
        "track_id": "t1",
        "event_id": "e1",
        "state": "confirmed",
        "time_unix_ns": START + round(time_s * SECOND),
        "class_probability": {"ballistic": 0.5, "unknown": 0.45, "static_heat": 0.05},
        "satellite_ids": ("sat-1", "sat-2"),
        "hits": 40,
        "first_seen_unix_ns": START,
        "kinematic": KINEMATIC,
        "snr": 20.0,
        "moving": True,
    }
    return TrackSnapshot(**{**known, **fields})


def on_image(time_s: float = 0.0, **fields: Any) -> TrackSnapshot:
    plane = ImagePlane("sat-1", 100.0, 200.0, 1.0, 2.0)
    return in_space(
        time_s, **{"kinematic": None, "image_plane": plane, "class_probability": {"unknown": 1.0}, **fields}
    )


@pytest.fixture
def book() -> AlertBook:
    return AlertBook(AlertingConfig(), "station-1")


def consider(book: AlertBook, snapshot: TrackSnapshot) -> alert_pb2.Alert | None:
    return book.consider(snapshot, "run-1", alert_pb2.LatencyBudget(detected_s=0.1), "ab" * 16)


def told(book: AlertBook, snapshot: TrackSnapshot) -> alert_pb2.Alert:
    alert = consider(book, snapshot)
    assert alert is not None
    return alert


def test_confirmed_threat_in_space_is_confirmed(book: AlertBook) -> None:
    alert = told(book, in_space(launch=LAUNCH))
    assert (alert.event_id, alert.revision, alert.state) == ("e1", 1, CONFIRMED)
    assert alert.exercise
    assert (alert.issuer, alert.run_id, alert.track_id) == ("station-1", "run-1", "t1")
    assert alert.target_class == track_pb2.TARGET_CLASS_BALLISTIC
    assert sum(entry.probability for entry in alert.class_probabilities) == pytest.approx(1)
    assert alert.launch.point.latitude_deg == -30.9
    assert alert.present.point.height_m == pytest.approx(8_000, abs=100_000)
    assert alert.latency.detected_s == 0.1


def test_static_heat_never_becomes_an_alert(book: AlertBook) -> None:
    assert consider(book, in_space(class_probability={"static_heat": 0.9, "unknown": 0.1})) is None
    assert consider(book, in_space(state="ended", class_probability={"static_heat": 0.9})) is None
    assert consider(book, on_image(class_probability={"static_heat": 0.9, "unknown": 0.1})) is None


def test_tentative_track_is_no_alert(book: AlertBook) -> None:
    assert consider(book, in_space(state="tentative")) is None
    assert consider(book, on_image(state="tentative")) is None


def test_moving_track_of_one_satellite_is_detected_and_no_more(book: AlertBook) -> None:
    alert = told(book, on_image())
    assert alert.state == DETECTED
    assert alert.image_plane.satellite_id == "sat-1"
    assert not alert.HasField("present")


def test_track_of_one_satellite_that_does_not_move_or_is_young_is_no_alert(book: AlertBook) -> None:
    assert consider(book, on_image(moving=False)) is None
    assert consider(book, on_image(hits=7)) is None


@pytest.mark.parametrize(("hits", "snr", "is_alert"), [(29, 20.0, False), (30, 7.0, False), (30, 8.0, True)])
def test_recorded_images_need_long_and_strong_tracks(book: AlertBook, hits: int, snr: float, is_alert: bool) -> None:
    assert (consider(book, on_image(geometry=False, hits=hits, snr=snr)) is not None) == is_alert


def test_promotion_to_space_keeps_the_event(book: AlertBook) -> None:
    assert told(book, on_image()).state == DETECTED
    alert = told(book, in_space(0.1))
    assert (alert.event_id, alert.revision, alert.state) == ("e1", 2, CONFIRMED)
    assert not alert.HasField("image_plane")


def test_alert_whose_track_is_undecided_again_stays_what_it_was(book: AlertBook) -> None:
    told(book, in_space())
    assert told(book, in_space(2.0, state="tentative")).state == CONFIRMED


def test_threat_that_turns_out_static_is_retracted(book: AlertBook) -> None:
    told(book, in_space())
    alert = told(book, in_space(0.1, class_probability={"static_heat": 0.9, "unknown": 0.1}))
    assert alert.state == RETRACTED
    assert "stays in its place" in alert.reason


def test_younger_of_two_events_of_one_object_ends_and_names_the_older(book: AlertBook) -> None:
    told(book, in_space(track_id="t0", event_id="e0"))
    told(book, in_space(0.1))
    alert = told(book, in_space(0.2, state="ended", merged_into="e0"))
    assert (alert.event_id, alert.state, alert.merged_into_event_id) == ("e1", ENDED, "e0")
    assert "e0" in alert.reason
    assert told(book, in_space(1.5, track_id="t0", event_id="e0")).event_id == "e0"


def test_older_event_goes_on_although_the_younger_ones_track_does(book: AlertBook) -> None:
    told(book, in_space(launch=LAUNCH))
    told(book, in_space(0.1, track_id="t2", event_id="e2"))
    alert = told(book, in_space(0.2, state="ended", merged_into="e2"))
    assert (alert.event_id, alert.state, alert.merged_into_event_id) == ("e2", ENDED, "e1")
    goes_on = told(book, in_space(1.5, track_id="t2", event_id="e2"))
    assert (goes_on.event_id, goes_on.revision, goes_on.track_id) == ("e1", 2, "t2")
    assert goes_on.launch.heading_deg == 315.0


def test_event_goes_on_with_a_track_that_was_no_event_yet(book: AlertBook) -> None:
    told(book, in_space())
    alert = told(book, in_space(0.2, state="ended", merged_into="e2"))
    assert (alert.event_id, alert.state, list(alert.absorbed_event_ids)) == ("e1", CONFIRMED, ["e2"])
    assert told(book, in_space(1.5, track_id="t2", event_id="e2")).event_id == "e1"


def lost(book: AlertBook, time_s: float = 10.0) -> None:
    burnout = Burnout(START, KINEMATIC)
    told(book, in_space(launch=LAUNCH, burnout=burnout))
    told(book, in_space(time_s, state="ended", burnout=burnout))


def fallen(seconds: float, **changes: Any) -> dict[str, Any]:
    """Return what a track is that takes up the lost one's free fall, its event another."""
    state = np.concatenate([KINEMATIC.position_itrs_m, KINEMATIC.velocity_itrs_m_per_s])[None].copy()
    drift(state, seconds)
    kinematic = Kinematic(state[0, :3], state[0, 3:], np.diag([100.0**2] * 3 + [10.0**2] * 3))
    return {
        "track_id": "t2",
        "event_id": "e2",
        "first_seen_unix_ns": START + round((10.0 + seconds) * SECOND),
        "kinematic": kinematic,
        **changes,
    }


@pytest.mark.parametrize("gap_s", [5.0, 60.0, 290.0])
def test_event_that_was_lost_and_found_is_confirmed_again(book: AlertBook, gap_s: float) -> None:
    lost(book)
    alert = told(book, in_space(10.0 + gap_s, **fallen(gap_s)))
    assert (alert.event_id, alert.revision, alert.state) == ("e1", 3, CONFIRMED)
    assert (alert.track_id, list(alert.absorbed_event_ids), alert.reason) == ("t2", ["e2"], "")
    assert alert.launch.heading_deg == 315.0
    assert told(book, in_space(12.0 + gap_s, **fallen(gap_s + 2.0))).event_id == "e1"
    assert told(book, in_space(13.0 + gap_s, **fallen(gap_s + 3.0, state="ended"))).state == ENDED


def test_track_that_begins_elsewhere_or_too_late_is_another_event(book: AlertBook) -> None:
    lost(book)
    assert told(book, in_space(70.0, **fallen(80.0))).event_id == "e2"
    assert told(book, in_space(320.0, **fallen(310.0, track_id="t3", event_id="e3"))).event_id == "e3"


def test_track_that_was_there_before_the_other_was_lost_is_another_event(book: AlertBook) -> None:
    lost(book, 40.0)
    assert told(book, in_space(60.0, **fallen(20.0, first_seen_unix_ns=START))).event_id == "e2"


def test_track_with_another_launch_is_another_event(book: AlertBook) -> None:
    lost(book)
    later = replace(LAUNCH, time_unix_ns=START + 60 * SECOND)
    assert told(book, in_space(30.0, **fallen(20.0, launch=later))).event_id == "e2"


def test_detected_event_that_proves_a_lost_one_ends_and_the_lost_one_goes_on(book: AlertBook) -> None:
    lost(book)
    again = {"track_id": "t2", "event_id": "e2", "first_seen_unix_ns": START + 25 * SECOND}
    assert told(book, on_image(28.0, **again)).event_id == "e2"
    alert = told(book, in_space(30.0, **fallen(20.0)))
    assert (alert.event_id, alert.state, alert.merged_into_event_id) == ("e2", ENDED, "e1")
    alert = told(book, in_space(30.2, **fallen(20.2)))
    assert (alert.event_id, alert.state) == ("e1", CONFIRMED)


def test_reach_and_time_left_are_said(book: AlertBook) -> None:
    corners = tuple((float(k), 10.0 + k) for k in range(12))
    told(book, in_space())
    alert = told(book, in_space(0.1, reach=corners, time_left_s=240.0))
    assert [(point.latitude_deg, point.longitude_deg) for point in alert.reach_area] == list(corners)
    assert alert.time_left_s == 240.0
    gone = told(book, in_space(0.2, class_probability={"space_launch": 1.0}))
    assert len(gone.reach_area) == 0
    assert not gone.HasField("time_left_s")


def test_lost_object_comes_down_where_it_was_last_said(book: AlertBook) -> None:
    told(book, in_space(reach=((1.0, 2.0), (3.0, 4.0), (5.0, 6.0)), time_left_s=240.0))
    alert = told(book, in_space(6.0, state="ended"))
    assert [point.latitude_deg for point in alert.reach_area] == [1.0, 3.0, 5.0]
    assert alert.time_left_s == pytest.approx(234.0)


def test_track_that_ends_as_soon_as_it_has_taken_over_ends_the_older_event(book: AlertBook) -> None:
    told(book, in_space())
    told(book, in_space(0.1, track_id="t2", event_id="e2"))
    told(book, in_space(0.2, state="ended", merged_into="e2"))
    alert = told(book, in_space(0.3, track_id="t2", event_id="e2", state="ended"))
    assert (alert.event_id, alert.state) == ("e1", ENDED)
    assert book.open_events() == []


def test_events_launched_together_are_one_salvo_named_after_the_oldest(book: AlertBook) -> None:
    assert told(book, in_space(launch=LAUNCH)).salvo_id == ""
    near = replace(LAUNCH, time_unix_ns=START + 20 * SECOND, latitude_deg=-30.5)
    far = replace(LAUNCH, latitude_deg=-32.5)
    assert told(book, in_space(1.0, track_id="t2", event_id="e2", launch=near)).salvo_id == "e1"
    assert told(book, in_space(1.0, track_id="t3", event_id="e3", launch=far)).salvo_id == ""
    assert told(book, in_space(2.0, launch=LAUNCH)).salvo_id == "e1"


def test_book_restored_after_merge_and_loss_goes_on_the_same_way(book: AlertBook) -> None:
    burnout = Burnout(START, KINEMATIC)
    snapshots = [
        in_space(0.0, launch=LAUNCH, burnout=burnout),
        in_space(0.1, track_id="t0", event_id="e0", launch=LAUNCH),
        in_space(0.2, track_id="t0", event_id="e0", state="ended", merged_into="e1"),
        in_space(10.0, state="ended", burnout=burnout),
        in_space(30.0, **fallen(20.0, state="tentative")),
        in_space(31.0, **fallen(21.0)),
        in_space(32.0, **fallen(22.0)),
        in_space(32.5, **fallen(22.5, state="ended")),
    ]
    whole = [consider(book, snapshot) for snapshot in snapshots]
    assert {alert.event_id for alert in whole if alert is not None} == {"e0", "e1"}
    for cut in range(1, len(snapshots)):
        restarted = AlertBook(AlertingConfig(), "station-1")
        for alert in whole[:cut]:
            if alert is not None:
                restarted.restore(alert)
        assert [consider(restarted, snapshot) for snapshot in snapshots[cut:]] == whole[cut:]


def test_ended_track_ends_the_alert_with_its_reason(book: AlertBook) -> None:
    told(book, in_space())
    alert = told(book, in_space(0.1, state="ended", end_reason="Unseen for 6 s."))
    assert (alert.state, alert.reason) == (ENDED, "Unseen for 6 s.")
    assert consider(book, in_space(0.2, state="ended")) is None


def test_updates_come_once_a_second(book: AlertBook) -> None:
    times = [k * 0.125 for k in range(41)]
    said = [time for time in times if consider(book, in_space(time)) is not None]
    assert said == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]


def test_what_is_new_in_kind_does_not_wait(book: AlertBook) -> None:
    told(book, in_space())
    assert told(book, in_space(0.1, launch=LAUNCH)).HasField("launch")
    burnout = Burnout(START, KINEMATIC)
    assert told(book, in_space(0.2, burnout=burnout, launch=LAUNCH)).burnout_time_unix_ns == START
    glide = {"glide": 0.9, "ballistic": 0.1}
    assert (
        told(book, in_space(0.3, class_probability=glide, launch=LAUNCH)).target_class == track_pb2.TARGET_CLASS_GLIDE
    )


def test_launch_and_burnout_once_known_stay_known(book: AlertBook) -> None:
    told(book, in_space(launch=LAUNCH, burnout=Burnout(START, KINEMATIC)))
    alert = told(book, in_space(5.0))
    assert alert.launch.heading_deg == 315.0
    assert alert.burnout_time_unix_ns == START
    assert alert.burnout.covariance[0] == 1.0


def test_look_from_the_past_changes_nothing_but_the_state(book: AlertBook) -> None:
    told(book, in_space(10.0))
    assert consider(book, in_space(3.0)) is None
    assert told(book, in_space(3.0, state="ended")).state == ENDED


def test_open_alert_never_says_static_heat(book: AlertBook) -> None:
    told(book, in_space())
    undecided = in_space(2.0, state="tentative", class_probability={"static_heat": 0.6, "cruise": 0.4})
    assert told(book, undecided).target_class == track_pb2.TARGET_CLASS_CRUISE


def test_book_restored_from_newest_revisions_goes_on_the_same_way(book: AlertBook) -> None:
    snapshots = [on_image(0.0), in_space(0.4), in_space(0.9), in_space(1.5), in_space(1.7, state="ended")]
    whole = [consider(book, snapshot) for snapshot in snapshots]
    for cut in range(1, len(snapshots)):
        restarted = AlertBook(AlertingConfig(), "station-1")
        for alert in whole[:cut]:
            if alert is not None:
                restarted.restore(alert)
        assert [consider(restarted, snapshot) for snapshot in snapshots[cut:]] == whole[cut:]


def test_revisions_only_grow_over_any_life(book: AlertBook) -> None:
    rng = np.random.default_rng(5)
    revision = 0
    for step in range(300):
        state = ("tentative", "confirmed", "ended")[rng.integers(3)]
        kind = {"static_heat": 1.0} if rng.random() < 0.3 else {"ballistic": 1.0}
        snapshot = in_space(step * 0.3, state=state, class_probability=kind)
        if rng.random() < 0.3:
            snapshot = replace(snapshot, kinematic=None, image_plane=ImagePlane("sat-1", 1.0, 1.0, 0.0, 0.0))
        alert = consider(book, snapshot)
        if alert is not None:
            assert alert.revision == revision + 1
            revision = alert.revision
            static = alert.target_class == track_pb2.TARGET_CLASS_STATIC_HEAT
            assert not (static and alert.state in (DETECTED, CONFIRMED))
    assert revision > 20


def acknowledgement(**fields: Any) -> alert_pb2.Acknowledgement:
    return alert_pb2.Acknowledgement(**{"event_id": "e1", "operator": "watch officer", **fields})


def test_acknowledgement_is_a_revision_and_stays(book: AlertBook) -> None:
    told(book, in_space())
    acknowledged = book.acknowledge(acknowledgement(note="seen"))
    assert acknowledged is not None
    assert acknowledged.revision == 2
    assert told(book, in_space(1.0)).acknowledgements[0].note == "seen"


def test_acknowledgement_that_comes_twice_is_taken_once(book: AlertBook) -> None:
    told(book, in_space())
    assert book.acknowledge(acknowledgement()) is not None
    assert book.acknowledge(acknowledgement()) is None
    newest = book.newest("e1")
    assert newest is not None
    assert len(newest.acknowledgements) == 1


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"operator": ""}, "operator has 0 characters"),
        ({"operator": "x" * 65}, "operator has 65 characters"),
        ({"note": "x" * 1001}, "note has 1001 characters"),
        ({"revision": 2}, "revision 2 of event e1 does not exist"),
    ],
)
def test_acknowledgement_out_of_bounds_is_refused(book: AlertBook, fields: dict[str, Any], says: str) -> None:
    told(book, in_space())
    with pytest.raises(ValueError, match=says):
        book.acknowledge(acknowledgement(**fields))


def test_acknowledgement_of_nothing_is_refused(book: AlertBook) -> None:
    with pytest.raises(LookupError, match="e1"):
        book.acknowledge(acknowledgement())


def test_acknowledgements_are_bounded(book: AlertBook) -> None:
    told(book, in_space())
    for k in range(MOST_ACKNOWLEDGEMENTS):
        book.acknowledge(acknowledgement(operator=f"officer {k}"))
    with pytest.raises(ValueError, match="as many as are kept"):
        book.acknowledge(acknowledgement(operator="one more"))


def test_closed_run_ends_its_open_events_once(book: AlertBook) -> None:
    told(book, in_space())
    closed = book.close("e1", "No frames for 600 s.")
    assert closed is not None
    assert (closed.state, closed.revision, closed.reason) == (ENDED, 2, "No frames for 600 s.")
    assert book.close("e1", "again") is None
    assert book.open_events() == []
