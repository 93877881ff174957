"""Which tracks are one event: those that merge, those lost and found, and launches that make a salvo."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from services.ground_station.alerting import CONFIRMED, DETECTED, ENDED, AlertBook, AlertingConfig
from services.ground_station.tracking.snapshot import Burnout, Kinematic
from services.ground_station.tracking.warning.kernels import drift
from tests.ground_station.snapshots import KINEMATIC, LAUNCH, SECOND, START, consider, in_space, on_image, told


def test_promotion_to_space_keeps_the_event(book: AlertBook) -> None:
    assert told(book, on_image()).state == DETECTED
    alert = told(book, in_space(0.1))
    assert (alert.event_id, alert.revision, alert.state) == ("e1", 2, CONFIRMED)
    assert not alert.HasField("image_plane")


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
