"""Which tracks become alerts, and when an alert is said again."""

from dataclasses import replace

import numpy as np
import pytest

from plumewatch.v1 import track_pb2
from services.ground_station.alerting import CONFIRMED, DETECTED, ENDED, RETRACTED, AlertBook, AlertingConfig
from services.ground_station.tracking.snapshot import Burnout, ImagePlane
from tests.ground_station.snapshots import KINEMATIC, LAUNCH, SECOND, START, consider, in_space, on_image, told


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


def test_alert_whose_track_is_undecided_again_stays_what_it_was(book: AlertBook) -> None:
    told(book, in_space())
    assert told(book, in_space(2.0, state="tentative")).state == CONFIRMED


def test_threat_that_turns_out_static_is_retracted(book: AlertBook) -> None:
    told(book, in_space())
    alert = told(book, in_space(0.1, class_probability={"static_heat": 0.9, "unknown": 0.1}))
    assert alert.state == RETRACTED
    assert "stays in its place" in alert.reason


def test_reach_and_time_left_are_said(book: AlertBook) -> None:
    corners = tuple((float(k), 10.0 + k) for k in range(12))
    told(book, in_space())
    alert = told(book, in_space(0.1, reach=corners, time_left_s=240.0))
    assert [(point.latitude_deg, point.longitude_deg) for point in alert.reach_area] == list(corners)
    assert alert.time_left_s == 240.0
    gone = told(book, in_space(1.1, class_probability={"space_launch": 1.0}))
    assert len(gone.reach_area) == 0
    assert not gone.HasField("time_left_s")


def test_lost_object_comes_down_where_it_was_last_said(book: AlertBook) -> None:
    told(book, in_space(reach=((1.0, 2.0), (3.0, 4.0), (5.0, 6.0)), time_left_s=240.0))
    alert = told(book, in_space(6.0, state="ended"))
    assert [point.latitude_deg for point in alert.reach_area] == [1.0, 3.0, 5.0]
    assert alert.time_left_s == pytest.approx(234.0)


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


def test_class_that_flips_with_every_look_is_said_once_a_second(book: AlertBook) -> None:
    kinds = ({"glide": 0.9, "ballistic": 0.1}, {"ballistic": 0.9, "glide": 0.1})
    said = [k for k in range(41) if consider(book, in_space(k * 0.125, class_probability=kinds[k % 2])) is not None]
    assert said == [0, 8, 16, 24, 32, 40]
    alert = told(book, in_space(6.125, class_probability=kinds[0]))
    assert alert.target_class == track_pb2.TARGET_CLASS_GLIDE


def test_track_that_was_nothing_is_retracted_with_its_reason(book: AlertBook) -> None:
    told(book, in_space(reach=((1.0, 2.0), (3.0, 4.0), (5.0, 6.0)), time_left_s=240.0))
    reason = "most looks did not see it"
    alert = told(book, in_space(6.0, state="ended", end_reason=reason, refuted=reason))
    assert (alert.state, alert.reason) == (RETRACTED, reason)
    assert not alert.reach_area
    assert not alert.HasField("time_left_s")


def test_object_that_flies_as_an_airliner_is_retracted_until_it_does_not(book: AlertBook) -> None:
    told(book, in_space())
    airliner = in_space(40.0, state="tentative", moving=False, refuted="It flies as an airliner does.")
    assert told(book, airliner).state == RETRACTED
    assert consider(book, replace(airliner, time_unix_ns=START + 50 * SECOND)) is None
    assert told(book, in_space(60.0)).state == CONFIRMED


def test_event_that_is_over_is_detected_again_where_its_track_goes_on_after_all(book: AlertBook) -> None:
    told(book, on_image())
    assert told(book, on_image(1.0, state="ended")).state == ENDED
    assert told(book, on_image(2.0)).state == DETECTED


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


def test_closed_run_ends_its_open_events_once(book: AlertBook) -> None:
    told(book, in_space())
    closed = book.close("e1", "No frames for 600 s.")
    assert closed is not None
    assert (closed.state, closed.revision, closed.reason) == (ENDED, 2, "No frames for 600 s.")
    assert book.close("e1", "again") is None
    assert book.open_events() == []
