"""Going back in time: whole histories however fast looks come, and events that late looks explain otherwise."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from services.geometry.time import NS_PER_S
from services.ground_station.alerting import AlertBook, AlertingConfig
from services.ground_station.tracking.config import TrackingConfig
from services.ground_station.tracking.describe import Naming
from services.ground_station.tracking.histories import TRACK_LOOKS, TRACKLET_ROW
from services.ground_station.tracking.look import Look
from services.ground_station.tracking.pool import FIRST_ROWS
from services.ground_station.tracking.sky import Sky
from services.ground_station.tracking.snapshot import TrackSnapshot
from services.ground_station.tracking.tracker import EPOCH_UNIX_NS, Tracker
from tests.ground_station.tracking.looks import cone_look, stare
from tests.ground_station.tracking.sky import START_UNIX_NS
from tests.ground_station.tracking.targets import (
    SITE_ITRS_M,
    Motion,
    Satellite,
    line_of_sight,
    noisy,
    satellites,
)

Float64 = NDArray[np.float64]


def gliding(m_per_s: float) -> Motion:
    """Return what goes over the ground in a straight line."""
    way = np.cross(SITE_ITRS_M, [0.2, -0.4, 0.9])
    way *= m_per_s / np.linalg.norm(way)
    return lambda time_s: SITE_ITRS_M + time_s * way


def sky_of(looks: list[Look]) -> Sky:
    sky = Sky(TrackingConfig(), Naming("run-1", EPOCH_UNIX_NS))
    for look in looks:
        sky.take(look)
    return sky


@pytest.mark.parametrize(
    ("count", "rate_hz", "before_s", "after_s"),
    # One satellite at 10 Hz; four at a rate at which all looks are kept.
    [(1, 10.0, 17.0, 4.0), (4, 3.3, 70.0, 7.0)],
)
def test_full_histories_stand_as_they_stood(count: int, rate_hz: float, before_s: float, after_s: float) -> None:
    times = (np.arange(round((before_s + after_s) * rate_hz)) / rate_hz).tolist()
    looks = stare(
        [gliding(0.0)], satellites(count), times, np.random.default_rng(1), clutter=0.0, seen=1.0, apart_s=0.01
    )
    sky = sky_of(looks[: round(before_s * rate_hz) * count])
    state = sky.state
    pool, records = (state.tracklet_pool, state.tracklets) if count == 1 else (state.track_pool, state.tracks)
    (history,) = records["history"].tolist()
    assert records["count"][0] > (TRACKLET_ROW if count == 1 else TRACK_LOOKS)
    stood, mark = pool.rays[history].copy(), state.mark()
    for _ in range(2):
        for look in looks[round(before_s * rate_hz) * count :]:
            sky.take(look)
        assert (pool.rays["time_s"][history] != stood["time_s"]).sum() > 20
        state.go_back(mark)
        assert pool.rays[history].tobytes() == stood.tobytes()


def test_clutter_lends_the_same_rows_again_and_again() -> None:
    rng = np.random.default_rng(2)
    satellite = Satellite(30.0, 80.0)
    sky = Sky(TrackingConfig(reorder_s=1.0), Naming("run-1", EPOCH_UNIX_NS))
    for k in range(600):
        time_s = 0.1 * k
        origin = satellite(time_s)
        boresight = (SITE_ITRS_M - origin) / np.linalg.norm(SITE_ITRS_M - origin)
        points = [noisy(boresight, 0.1, rng) for _ in range(50)]
        sky.take(cone_look("sat-0", START_UNIX_NS + round(time_s * NS_PER_S), origin, points))
    begun = int(sky.state.tracklets["serial"].max())
    # Thousands of rows have been lent, each for three looks, and rested for two seconds.
    assert begun > 3 * FIRST_ROWS
    assert len(sky.state.tracklet_pool.rays) == FIRST_ROWS


def seen_moving(times_s: Float64, m_per_s: float = 3000.0) -> list[Look]:
    """Return one satellite's looks at something fast."""
    rng = np.random.default_rng(3)
    motion, satellite = gliding(m_per_s), Satellite(30.0, 80.0)
    looks = []
    for time_s in times_s.tolist():
        origin = satellite(time_s)
        los = [noisy(line_of_sight(motion, origin, time_s), 1e-4, rng)]
        looks.append(cone_look("sat-0", START_UNIX_NS + round(time_s * NS_PER_S), origin, los))
    return looks


def test_track_that_a_late_look_gives_another_founder_stays_one_event() -> None:
    looks = seen_moving(np.arange(24) / 5.0)
    tracker, book = Tracker(TrackingConfig(), "run-1"), AlertBook(AlertingConfig(), "station")
    told: list[TrackSnapshot] = []
    for look in [*looks[1:22], looks[0], *looks[22:]]:
        for snapshot in tracker.update_look(look):
            told.append(snapshot)
            book.consider(snapshot, "run-1")
    first, last = told[0].event_id, told[-1].event_id
    assert first != last
    (over,) = (each for each in told if each.state == "ended")
    assert (over.event_id, over.merged_into) == (first, last)
    (event,) = book.open_events()
    assert event.event_id == first


def test_track_that_a_late_look_takes_apart_ends_with_a_reason() -> None:
    # Founded by three looks that another's first one, which comes late, makes belong to a track in space.
    looks = stare([gliding(0.0)], satellites(2), np.arange(4.0).tolist(), np.random.default_rng(4), clutter=0.0)
    one, other = looks[0::2], looks[1::2]
    tracker = Tracker(TrackingConfig(), "run-1")
    told = [snapshot for look in [*one, *other] for snapshot in tracker.update_look(look)]
    newest = {each.event_id: each for each in told}
    living = [each for each in newest.values() if each.state != "ended"]
    assert len(living) == 1
    assert all(each.merged_into == living[0].event_id for each in newest.values() if each.state == "ended")


def test_ends_are_told_once_however_many_looks_come_late() -> None:
    looks = seen_moving(np.arange(5) / 5.0)
    satellite, other = Satellite(30.0, 80.0), Satellite(200.0, 10.0)
    # Nothing to see any more; the other satellite has never seen anything, and comes late.

    def blind(name: str, watching: Satellite, times_s: Float64) -> list[Look]:
        return [cone_look(name, START_UNIX_NS + round(t * NS_PER_S), watching(t), []) for t in times_s.tolist()]

    gone = blind("sat-0", satellite, np.arange(1.0, 3.0, 0.2))
    late = blind("sat-1", other, np.arange(0.1, 3.0, 0.3))
    tracker = Tracker(TrackingConfig(), "run-1")
    told = [snapshot for look in [*looks, *gone, *late] for snapshot in tracker.update_look(look)]
    assert [each.state for each in told].count("ended") == 1
    assert math.isclose((told[-1].time_unix_ns - START_UNIX_NS) / NS_PER_S, 0.8, abs_tol=0.05)
