"""Whatever the order in which looks arrive, and whoever stops looking: the same tracks, under the same names."""

from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from services.geometry.time import NS_PER_S
from services.ground_station.tracking.config import TrackingConfig
from services.ground_station.tracking.look import Look
from services.ground_station.tracking.looks_file import TrackLines
from services.ground_station.tracking.sensors import MOST_SENSORS, TooManySensorsError
from services.ground_station.tracking.snapshot import TrackSnapshot
from services.ground_station.tracking.tracker import LateLookError, Tracker
from tests.ground_station.tracking.looks import stare
from tests.ground_station.tracking.targets import SITE_ITRS_M, Motion, flight, satellites

Float64 = NDArray[np.float64]

# Of a look's arrays those with a row a detection.
DETECTION_ARRAYS = (
    *("los", "sigma_rad", "snr", "irradiance_w_per_m2", "intensity_w_per_sr", "row", "column"),
    *("listed", "point", "age_s", "ground_sigma_m", "ground_axis_sigma_m", "raw_los", "raw_sigma_rad"),
)


def rocket(reference: str, until_s: float) -> Motion:
    """Return a rocket that is seen from half a second after its launch, at time 0."""
    flown = flight(reference, until_s)

    def motion(time_s: float) -> Float64:
        return flown.state_itrs(time_s)[0] if 0.5 < time_s < flown.end_s else np.full(3, np.nan)

    return motion


def fire(x_m: float, y_m: float) -> Motion:
    place = SITE_ITRS_M + np.array([x_m, y_m, 0.0])
    return lambda _: place


def track(looks: Sequence[Look]) -> tuple[list[str], list[TrackSnapshot]]:
    """Return the lines of what looks lead to, and the snapshots as they came."""
    lines = TrackLines()
    tracker = Tracker(TrackingConfig(), "run-1", settled=lines.add)
    snapshots = [snapshot for look in looks for snapshot in tracker.update_look(look)]
    tracker.finish()
    return lines.finish(), snapshots


def confirmed(snapshots: list[TrackSnapshot], *, moving: bool) -> dict[str, TrackSnapshot]:
    """Return the newest snapshot of each confirmed track in space that moves, or does not."""
    return {
        each.track_id: each
        for each in snapshots
        if each.state == "confirmed" and each.kinematic is not None and each.moving == moving
    }


@cache
def scene() -> tuple[Look, ...]:
    """Return a launch between two fires, under clutter, as four satellites see it once a second."""
    motions = [rocket("short_range_liquid", 61.0), fire(3e4, 1e4), fire(-2e4, -5e4)]
    return tuple(stare(motions, satellites(4), np.arange(0.0, 34.0).tolist(), np.random.default_rng(1)))


@cache
def prompt() -> tuple[list[str], list[TrackSnapshot]]:
    return track(scene())


def arriving(delays_s: Sequence[float]) -> list[Look]:
    """Return the scene's looks in the order in which they arrive."""
    looks = scene()
    order = sorted(range(len(looks)), key=lambda k: looks[k].time_unix_ns + delays_s[k] * NS_PER_S)
    return [looks[k] for k in order]


def test_scene_has_what_orders_could_spoil() -> None:
    _, snapshots = prompt()
    assert len(confirmed(snapshots, moving=True)) == 1
    assert len(confirmed(snapshots, moving=False)) >= 2


@pytest.mark.parametrize("seed", range(2))
def test_looks_delayed_by_up_to_two_seconds_lead_to_the_same_lines(seed: int) -> None:
    delays = np.random.default_rng(seed).uniform(0.0, 2.0, len(scene())).tolist()
    lines, _ = track(arriving(delays))
    assert lines == prompt()[0]


def test_satellites_that_come_in_bursts_one_after_another_lead_to_the_same_lines() -> None:
    # Every satellite sends what it saw in two seconds at once, the last one first.
    looks = scene()
    start = looks[0].time_unix_ns
    bursts = sorted(
        looks,
        key=lambda look: ((look.time_unix_ns - start) // (2 * NS_PER_S), -int(look.sensor_id[-1]), -look.time_unix_ns),
    )
    assert [look.time_unix_ns for look in bursts] != [look.time_unix_ns for look in looks]
    assert track(bursts)[0] == prompt()[0]


@pytest.mark.parametrize("apart_s", [0.0, 0.01])
def test_satellites_that_look_at_one_instant_lead_to_the_same_lines_in_any_order(apart_s: float) -> None:
    motions = [rocket("short_range_liquid", 61.0), fire(3e4, 1e4)]
    times = np.arange(0.0, 20.0).tolist()
    looks = stare(motions, satellites(4), times, np.random.default_rng(2), apart_s=apart_s)
    expected = track(looks)[0]
    rng = np.random.default_rng(3)
    # Out of order within an instant, and now and then by whole instants.
    delays = rng.uniform(0.0, 0.5, len(looks)) + 3.0 * (rng.random(len(looks)) < 0.05)
    order = sorted(range(len(looks)), key=lambda k: looks[k].time_unix_ns + delays[k] * NS_PER_S)
    assert track([looks[k] for k in order])[0] == expected


def test_looks_that_come_again_change_nothing() -> None:
    rng = np.random.default_rng(5)
    lines = TrackLines()
    tracker = Tracker(TrackingConfig(), "run-1", settled=lines.add)
    looks = scene()
    for place, look in enumerate(looks):
        tracker.update_look(look)
        # One of the last two seconds, and itself.
        for again in (looks[max(0, place - int(rng.integers(1, 8)))], look):
            assert tracker.update_look(again) == []
    tracker.finish()
    assert lines.finish() == prompt()[0]


def test_names_come_from_the_run_and_not_from_the_order() -> None:
    looks = scene()[:60]
    names = {each.track_id for each in track(looks)[1]}
    other = Tracker(TrackingConfig(), "run-2")
    others = {each.track_id for look in looks for each in other.update_look(look)}
    assert names
    assert names.isdisjoint(others)


def test_look_that_comes_too_late_is_refused_with_sensor_lateness_and_remedy() -> None:
    looks = scene()
    tracker = Tracker(TrackingConfig(reorder_s=5.0), "run-1")
    for look in looks[4:100]:
        tracker.update_look(look)
    late_s = (looks[99].time_unix_ns - looks[1].time_unix_ns) / NS_PER_S
    with pytest.raises(LateLookError) as raised:
        tracker.update_look(looks[1])
    words = str(raised.value)
    assert repr(looks[1].sensor_id) in words
    assert f"{late_s:.3f} s" in words
    assert "raise reorder_s, which is 5 s" in words
    assert "sort the looks" in words


def test_refused_looks_change_nothing() -> None:
    looks = scene()
    lines = TrackLines()
    tracker = Tracker(TrackingConfig(), "run-1", settled=lines.add)
    for place, look in enumerate(looks):
        tracker.update_look(look)
        if place in {70, 90, 110}:
            late = looks[place - 60]
            with pytest.raises(LateLookError):
                tracker.update_look(Look("sat-9", 1, late.time_unix_ns, late.view, late.solid_angle_sr, late.arrays))
    tracker.finish()
    assert lines.finish() == prompt()[0]


def test_sensor_too_many_takes_no_other_look_with_it() -> None:
    looks = scene()[:60]
    lines = TrackLines()
    tracker = Tracker(TrackingConfig(), "run-1", settled=lines.add)
    plain = TrackLines()
    twin = Tracker(TrackingConfig(), "run-1", settled=plain.add)
    nothing = scene()[0].arrays._replace(**{name: getattr(scene()[0].arrays, name)[:0] for name in DETECTION_ARRAYS})
    for number in range(MOST_SENSORS - 4):
        blind = Look(
            f"blind-{number:02}", 0, looks[0].time_unix_ns - 1, looks[0].view, looks[0].solid_angle_sr, nothing
        )
        tracker.update_look(blind)
        twin.update_look(blind)
    for place, look in enumerate(looks):
        tracker.update_look(look)
        twin.update_look(look)
        if place == 50:
            late = looks[45]
            with pytest.raises(TooManySensorsError, match="one more than the 62"):
                tracker.update_look(Look("sat-z", 1, late.time_unix_ns, late.view, late.solid_angle_sr, late.arrays))
    for each in (tracker, twin):
        each.finish()
    assert lines.finish() == plain.finish()


def test_look_just_within_the_limit_is_taken_in_its_place() -> None:
    looks = list(scene())
    place = 40
    late_s = 4.9
    newest = next(
        k for k in range(place, len(looks)) if looks[k].time_unix_ns > looks[place].time_unix_ns + late_s * NS_PER_S
    )
    shuffled = [*looks[:place], *looks[place + 1 : newest], looks[place], *looks[newest:]]
    assert track(shuffled)[0] == prompt()[0]


def test_satellite_that_is_lost_changes_no_name() -> None:
    looks = scene()
    lost_unix_ns = looks[0].time_unix_ns + 18 * NS_PER_S
    left = [look for look in looks if look.sensor_id != "sat-2" or look.time_unix_ns < lost_unix_ns]
    snapshots = track(left)[1]
    for moving in (True, False):
        mine, all_seen = confirmed(snapshots, moving=moving), confirmed(prompt()[1], moving=moving)
        assert set(mine) == set(all_seen)
        for name, each in mine.items():
            other = all_seen[name]
            assert each.target_class == other.target_class
            assert each.kinematic is not None
            assert other.kinematic is not None
            # Both refer to the newest look; what fewer satellites see is known less well.
            assert abs(each.time_unix_ns - other.time_unix_ns) < 0.2 * NS_PER_S
            off = np.abs(each.kinematic.position_itrs_m - other.kinematic.position_itrs_m)
            sigma = np.sqrt(np.diag(each.kinematic.covariance)[:3] + np.diag(other.kinematic.covariance)[:3])
            assert (off < 4.0 * sigma + 0.2 * np.abs(other.kinematic.velocity_itrs_m_per_s)).all()


@pytest.mark.parametrize(
    ("reference", "until_s", "gap_from_s", "gap_s"),
    # Boosting all the time; after burnout; boosting while nobody looks, falling when they look again.
    [
        ("intercontinental_liquid", 110.0, 35.0, 60.0),
        ("short_range_liquid", 215.0, 80.0, 120.0),
        ("short_range_liquid", 215.0, 50.0, 120.0),
    ],
)
def test_gap_in_which_nobody_looks_keeps_the_name(
    reference: str, until_s: float, gap_from_s: float, gap_s: float
) -> None:
    times = [*np.arange(0.0, gap_from_s), *np.arange(gap_from_s + gap_s, gap_from_s + gap_s + 12.0)]
    looks = stare([rocket(reference, until_s)], satellites(4), times, np.random.default_rng(6), clutter=1.0)
    _, snapshots = track(looks)
    found = confirmed(snapshots, moving=True)
    for each in found.values():
        assert each.kinematic is not None
        assert np.isfinite(each.kinematic.position_itrs_m).all()
    (after,) = (each for each in found.values() if each.time_unix_ns > looks[-8].time_unix_ns)
    begun = [
        each.hits
        for each in snapshots
        if each.track_id == after.track_id and each.time_unix_ns < looks[0].time_unix_ns + gap_from_s * NS_PER_S
    ]
    # It had its name before, and is seen again, not only coasted.
    assert begun
    assert max(begun) > 60
    assert after.hits > max(begun) + 20
