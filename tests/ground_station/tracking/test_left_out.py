"""Looks that cannot be taken: of a wrong clock, in a place that is taken, more than is held, of a sensor too many."""

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from services.geometry.time import NS_PER_S
from services.ground_station.tracking import tracker as tracker_module
from services.ground_station.tracking.ahead import FARTHEST_AHEAD_S
from services.ground_station.tracking.config import TrackingConfig
from services.ground_station.tracking.look import Look
from services.ground_station.tracking.looks_file import TrackLines
from services.ground_station.tracking.sensors import MOST_SENSORS
from services.ground_station.tracking.tracker import LateLookError, TakenPlaceError, Tracker
from tests.ground_station.tracking.looks import stare
from tests.ground_station.tracking.targets import SITE_ITRS_M, satellites


def fire(time_s: float) -> NDArray[np.float64]:
    """Return where it burns, for a minute."""
    return SITE_ITRS_M if time_s < 60.0 else np.full(3, np.nan)


def looks_at(times_s: list[float], count: int = 3) -> list[Look]:
    """Return looks of some satellites at the fire."""
    return stare([fire], satellites(count), times_s, np.random.default_rng(1), clutter=1.0)


def at(look: Look, later_s: float) -> Look:
    """Return a look with another time."""
    time_unix_ns = look.time_unix_ns + round(later_s * NS_PER_S)
    return dataclasses.replace(look, time_unix_ns=time_unix_ns, sequence=time_unix_ns)


def tracked(looks: list[Look]) -> tuple[list[str], list[str]]:
    """Return the lines of tracks, and why looks were left out."""
    lines, why = TrackLines(), list[str]()
    tracker = Tracker(TrackingConfig(), "run-1", lines.add, lambda _, reason: why.append(reason))
    for look in looks:
        tracker.prepare(look)
        tracker.update_look(look)
    tracker.finish()
    return lines.finish(), why


@pytest.mark.parametrize("ahead_s", [2 * FARTHEST_AHEAD_S, 1e9])
def test_look_of_a_wrong_clock_is_left_out_by_name_and_takes_no_other_with_it(ahead_s: float) -> None:
    looks = looks_at(np.arange(8.0).tolist())
    wrong = [at(looks[10], ahead_s), at(looks[13], ahead_s)]
    lines, why = tracked([*looks[:10], wrong[0], *looks[10:13], wrong[1], *looks[13:]])
    assert lines == tracked(looks)[0]
    assert len(why) == 2
    assert repr(looks[10].sensor_id) in why[0]
    assert str(wrong[0].time_unix_ns) in why[0]


@pytest.mark.parametrize("apart_s", [1.7 * FARTHEST_AHEAD_S, 3600.0])
def test_satellite_that_looks_seldom_loses_no_look(apart_s: float) -> None:
    assert tracked(looks_at([apart_s * count for count in range(8)], 1))[1] == []


def test_look_of_a_wrong_clock_at_the_end_is_left_out() -> None:
    looks = looks_at(np.arange(4.0).tolist())
    lines, why = tracked([*looks, at(looks[-1], 1e5)])
    assert lines == tracked(looks)[0]
    assert len(why) == 1


@pytest.mark.parametrize("count", [1, 3])
def test_after_a_pause_all_looks_are_taken(count: int) -> None:
    times = [*np.arange(4.0), *np.arange(400.0, 408.0)]
    looks = looks_at(times, count)
    taken: list[Look] = []
    why: list[str] = []
    tracker = Tracker(
        TrackingConfig(), "run-1", lambda changes: taken.append(changes.look), lambda _, reason: why.append(reason)
    )
    told = [snapshot for look in looks for snapshot in tracker.update_look(look)]
    tracker.finish()
    assert (taken, why) == (looks, [])
    if count > 1:
        # What the first look after the pause has ended is told with the one that confirms it.
        assert any(each.state == "ended" and each.kinematic is not None for each in told)


@pytest.mark.parametrize(("count", "place"), [(1, 2), (3, 2), (3, 4)])
def test_look_of_a_clock_that_is_slow_is_late_before_anything_has_settled(count: int, place: int) -> None:
    looks = looks_at(np.arange(4.0).tolist(), count)
    tracker = Tracker(TrackingConfig(), "run-1")
    for look in looks[:place]:
        tracker.update_look(look)
    with pytest.raises(LateLookError, match=r"is 3[56]\d\d\.\d+ s older than the newest"):
        tracker.update_look(at(looks[place], -3600.0))


@pytest.mark.parametrize("wrong_count", [1, 4])
def test_sensor_whose_clock_is_fast_from_the_first_makes_no_other_late(wrong_count: int) -> None:
    looks = looks_at(np.arange(4.0).tolist())
    fast = [look for look in looks if look.sensor_id == looks[0].sensor_id][:wrong_count]
    taken: list[Look] = []
    tracker = Tracker(TrackingConfig(), "run-1", lambda changes: taken.append(changes.look))
    for look in looks:
        tracker.update_look(at(look, 3600.0) if any(look is each for each in fast) else look)
    tracker.finish()
    true = [look for look in looks if look.sensor_id != looks[0].sensor_id]
    assert [look for look in taken if look.sensor_id != looks[0].sensor_id] == true


def test_second_look_of_one_sensor_and_time_is_refused_if_it_says_something_else() -> None:
    looks = looks_at(np.arange(6.0).tolist())
    lines = TrackLines()
    tracker = Tracker(TrackingConfig(), "run-1", lines.add)
    for look in looks:
        tracker.update_look(look)
    arrays = looks[9].arrays
    other = dataclasses.replace(looks[9], arrays=arrays._replace(los=arrays.los[:, [1, 0, 2]].copy()))
    with pytest.raises(TakenPlaceError, match=rf"'{other.sensor_id}' at {other.time_unix_ns} ns says something else"):
        tracker.update_look(other)
    assert tracker.update_look(looks[9]) == []
    tracker.finish()
    assert lines.finish() == tracked(looks)[0]


def test_no_more_is_held_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = looks_at(np.arange(0.0, 4.0, 0.1).tolist())
    everything = Tracker(TrackingConfig(), "run-1")
    for look in [*looks[:60], *looks[61:], looks[60]]:
        everything.update_look(look)
    monkeypatch.setattr(tracker_module, "MOST_HELD_BYTES", 150_000)
    bounded = Tracker(TrackingConfig(), "run-1")
    for look in [*looks[:60], *looks[61:]]:
        bounded.update_look(look)
    with pytest.raises(LateLookError, match="as much as is held; sort the looks"):
        bounded.update_look(looks[60])
    # One that is not so late is taken.
    bounded.update_look(dataclasses.replace(looks[-2], sequence=7))


def test_preparing_for_a_sensor_too_many_changes_nothing() -> None:
    looks = looks_at(np.arange(6.0).tolist(), 1)
    tracker = Tracker(TrackingConfig(), "run-1")
    for number in range(MOST_SENSORS):
        tracker.update_look(dataclasses.replace(looks[0], sensor_id=f"sat-{number:02}"))
    sky = tracker._sky
    assert sky is not None
    before = sky.mark
    tracker.prepare(dataclasses.replace(looks[1], sensor_id="sat-z"))
    assert sky.mark is before
    tracker.prepare(dataclasses.replace(looks[1], sensor_id="sat-00"))
    assert sky.mark is not before
