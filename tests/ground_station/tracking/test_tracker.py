"""Whole launches, fires and clutter, seen from orbit."""

import dataclasses
from functools import cache

import numpy as np
import pytest

from services.geometry.geodesic import geodesic_distance_m
from services.geometry.time import NS_PER_S
from services.ground_station.detection_batch import DetectionBatch
from services.ground_station.tracking.config import TrackingConfig
from services.ground_station.tracking.snapshot import TrackSnapshot
from services.ground_station.tracking.tracker import Tracker
from tests.ground_station.tracking.looks import cone_look
from tests.ground_station.tracking.sky import START_UNIX_NS, Motion, Rocket, Sky, Source, drifting, fire
from tests.ground_station.tracking.targets import SITE_ITRS_M, Satellite, noisy

LAUNCH_S = 5.0
SITES = [(-30.9, 136.5, 315.0, 11), (47.0, 63.3, 60.0, 12)]


def run(batches: list[DetectionBatch]) -> list[TrackSnapshot]:
    tracker = Tracker(TrackingConfig(), "run-1")
    return [snapshot for batch in batches for snapshot in tracker.update(batch)]


def threats(snapshots: list[TrackSnapshot]) -> dict[str, TrackSnapshot]:
    """Return the first snapshot of each event that says: confirmed, in space, and no static heat."""
    found: dict[str, TrackSnapshot] = {}
    for each in snapshots:
        if each.state == "confirmed" and each.kinematic is not None and each.target_class != "static_heat":
            found.setdefault(each.event_id, each)
    return found


def seconds(time_unix_ns: int) -> float:
    return (time_unix_ns - START_UNIX_NS) / NS_PER_S


@cache
def launch(site: tuple[float, float, float, int]) -> tuple[Rocket, list[DetectionBatch], list[TrackSnapshot]]:
    """Return a launch beside two fires, under clutter, with a tenth of the looks lost."""
    latitude, longitude, heading, seed = site
    rocket = Rocket(latitude, longitude, heading, LAUNCH_S, burn_s=40.0)
    sources = [
        Source(rocket),
        Source(fire(latitude + 1.1, longitude - 0.8), 1e5, wander_px=0.1, seen=0.9),
        Source(fire(latitude - 0.7, longitude + 1.3, 1200.0), 1e5, wander_px=0.1, seen=0.8),
    ]
    sky = Sky(latitude, longitude, sources, seed=seed, clutter=(0, 20), lost_looks=0.1, duration_s=54.0)
    batches = list(sky.batches())
    return rocket, batches, run(batches)


@pytest.mark.parametrize("site", SITES)
def test_rocket_is_the_only_threat_within_twenty_seconds(site: tuple[float, float, float, int]) -> None:
    rocket, _, snapshots = launch(site)
    found = list(threats(snapshots).values())
    assert len(found) == 1
    assert seconds(found[0].time_unix_ns) - rocket.first_seen_s() <= 20.0
    assert found[0].target_class == "ballistic"


@pytest.mark.parametrize("site", SITES)
def test_launch_point_and_time_are_near_the_truth(site: tuple[float, float, float, int]) -> None:
    rocket, _, snapshots = launch(site)
    (first_threat,) = threats(snapshots).values()
    own = [each for each in snapshots if each.event_id == first_threat.event_id]
    first, last = next(each for each in own if each.launch is not None), own[-1]
    # A launch is told with the threat, or as soon as its ascent has been fitted.
    assert seconds(first.time_unix_ns) - seconds(first_threat.time_unix_ns) <= 2.0
    for each in (first, last):
        assert each.launch is not None
        off = geodesic_distance_m(
            each.launch.latitude_deg, each.launch.longitude_deg, rocket.latitude_deg, rocket.longitude_deg
        )
        assert off < 1000.0
        assert abs(seconds(each.launch.time_unix_ns) - LAUNCH_S) < 3 * each.launch.time_sigma_s
    assert last.launch is not None
    assert last.launch.heading_deg is not None
    assert abs((last.launch.heading_deg - rocket.heading_deg + 180) % 360 - 180) < 10.0


def normalised_squares(site: tuple[float, float, float, int], *, moving: bool) -> list[float]:
    """Return squared normalised errors of the rocket's states from eight seconds of flight on; moving: shown to."""
    rocket, _, snapshots = launch(site)
    (event,) = threats(snapshots)
    squares = []
    for each in snapshots:
        time_s = seconds(each.time_unix_ns)
        place = rocket(time_s)
        if each.event_id != event or each.kinematic is None or place is None or time_s < LAUNCH_S + 8:
            continue
        if moving and not each.moving:
            continue
        error = np.concatenate(
            [
                each.kinematic.position_itrs_m - place,
                each.kinematic.velocity_itrs_m_per_s - rocket.velocity(time_s),
            ]
        )
        squares.append(float(error @ np.linalg.solve(each.kinematic.covariance, error)))
    return squares


# Six degrees of freedom; neighbouring states share their errors.
@pytest.mark.parametrize("site", SITES)
def test_state_in_space_agrees_with_its_covariance(site: tuple[float, float, float, int]) -> None:
    assert 2.0 < float(np.mean(normalised_squares(site, moving=False))) < 12.0


@pytest.mark.parametrize("site", SITES)
def test_state_of_what_moves_agrees_with_its_covariance(site: tuple[float, float, float, int]) -> None:
    assert 2.0 < float(np.mean(normalised_squares(site, moving=True))) < 12.0


@pytest.mark.parametrize("site", SITES)
def test_burnout_is_reported_when_the_plume_goes_out_and_the_track_goes_on(
    site: tuple[float, float, float, int],
) -> None:
    rocket, _, snapshots = launch(site)
    (event,) = threats(snapshots)
    own = [each for each in snapshots if each.event_id == event]
    burnout_s = LAUNCH_S + rocket.burn_s
    told = [each for each in own if each.burnout is not None]
    assert min(seconds(each.time_unix_ns) for each in told) < burnout_s + 2.0
    last = own[-1]
    assert last.state == "confirmed"
    assert last.burnout is not None
    assert abs(seconds(last.burnout.time_unix_ns) - burnout_s) < 1.0
    off_m = last.burnout.kinematic.position_itrs_m - rocket.positions[-1]
    assert np.linalg.norm(off_m) < 2000.0
    assert seconds(last.time_unix_ns) > burnout_s + 8.0


def test_burnt_out_track_is_followed_on_for_so_long_and_no_longer() -> None:
    rocket = Rocket(0.0, 20.0, 90.0, 1.0, burn_s=20.0)
    sky = Sky(0.0, 20.0, [Source(rocket), Source(fire(1.0, 20.5))], seed=5, duration_s=50.0)
    tracker = Tracker(dataclasses.replace(TrackingConfig(), coast_burnt_s=15.0), "run-1")
    snapshots = [snapshot for batch in sky.batches() for snapshot in tracker.update(batch)]
    (event,) = threats(snapshots)
    last = [each for each in snapshots if each.event_id == event][-1]
    assert last.state == "ended"
    assert last.burnout is not None
    assert "not seen for" in last.end_reason
    ended_s = seconds(last.time_unix_ns)
    assert 21.0 + 15.0 - 1.0 < ended_s < 21.0 + 15.0 + 2.0


def test_rocket_that_is_not_shown_to_move_yet_is_said_to_rest() -> None:
    _, _, snapshots = launch(SITES[0])
    (event,) = threats(snapshots)
    early = [each for each in snapshots if each.event_id == event and each.kinematic is not None and not each.moving]
    assert early
    for each in early:
        assert each.target_class == "static_heat"
        assert each.class_probability == {"static_heat": 0.6, "unknown": 0.4}


def test_fires_become_static_heat_in_space_and_stay_it() -> None:
    _, _, snapshots = launch(SITES[0])
    (rocket,) = threats(snapshots)
    newest = {each.event_id: each for each in snapshots if each.kinematic is not None and each.state == "confirmed"}
    static = {event for event, each in newest.items() if each.target_class == "static_heat"}
    assert len(static) == 2
    assert rocket not in static
    for event in static:
        assert newest[event].class_probability["static_heat"] > 0.9
        assert not newest[event].moving


def until(batches: list[DetectionBatch], time_s: float) -> list[DetectionBatch]:
    return [each for each in batches if seconds(each.exposure_start_unix_ns) < time_s]


def test_replaying_the_same_batches_gives_the_same_snapshots() -> None:
    _, batches, snapshots = launch(SITES[0])
    again = run(until(batches, 30.0))
    assert [repr(each) for each in again] == [repr(each) for each in snapshots[: len(again)]]


def test_event_survives_promotion_from_one_satellite_to_space() -> None:
    _, batches, _ = launch(SITES[0])
    join_s = 18.0
    joined = [
        each for each in batches if each.satellite_id == "sat-2" or seconds(each.exposure_start_unix_ns) >= join_s
    ]
    snapshots = run(until(joined, 36.0))
    (event,) = threats(snapshots)
    own = [each for each in snapshots if each.event_id == event]
    assert own[0].image_plane is not None
    assert own[0].satellite_ids == ("sat-2",)
    assert own[-1].kinematic is not None
    assert own[0].first_seen_unix_ns == own[-1].first_seen_unix_ns < START_UNIX_NS + 10 * NS_PER_S
    assert len({each.track_id for each in own}) == 1
    assert all((each.kinematic is None) != (each.image_plane is None) for each in own)
    assert event not in {each.event_id for each in snapshots if each.merged_into}


def test_detections_of_a_track_are_its_own() -> None:
    _, batches, snapshots = launch(SITES[0])
    (event,) = threats(snapshots)
    looks = {(batch.satellite_id, batch.sequence): batch for batch in batches}
    for each in snapshots:
        if each.event_id == event:
            for source in each.detections:
                assert source.index < len(looks[source.satellite_id, source.sequence].detections)


def clutter_sky(kind: str, seed: int) -> Sky:
    """Return a sky without a threat, its sources' centroids wandering."""
    rng = np.random.default_rng(seed)
    sources = []
    for _ in range(12):
        latitude, longitude = rng.uniform(-2, 2), 20 + rng.uniform(-2, 2)
        motion: Motion
        by = None
        if kind == "cloud":
            east, north = rng.uniform(-50, 50, 2)
            motion = drifting(latitude, longitude, rng.uniform(0, 13_000), east, north)
        else:
            motion = fire(latitude / (4 if kind == "ghost" else 1), longitude, rng.uniform(0, 2500))
        if kind == "ghost":
            by = (f"sat-{rng.integers(1, 5)}",)
        sources.append(
            Source(motion, 1e5, rng.uniform(0.1, 0.4), rng.uniform(0.4, 1.0), wander_px=rng.uniform(0, 0.4), by=by)
        )
    return Sky(0.0, 20.0, sources, seed=seed, clutter=(0, 20), duration_s=30.0)


@pytest.mark.parametrize("kind", ["fire", "cloud", "ghost"])
def test_fires_cloud_and_ghosts_never_become_a_threat(kind: str) -> None:
    assert threats(run(list(clutter_sky(kind, 1).batches()))) == {}


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["fire", "cloud", "ghost"])
@pytest.mark.parametrize("seed", range(2, 10))
def test_no_seed_of_clutter_becomes_a_threat(kind: str, seed: int) -> None:
    assert threats(run(list(clutter_sky(kind, seed).batches()))) == {}


def test_one_satellite_alone_confirms_nothing_in_space_but_sees_it_move() -> None:
    rocket = Rocket(1.0, 23.0, 90.0, 2.0, seen_from_m=3000.0)
    sky = Sky(0.0, 20.0, [Source(rocket)], satellites=1, duration_s=70.0, clutter=(0, 10), seed=3)
    snapshots = run(list(sky.batches()))
    assert all(each.kinematic is None for each in snapshots)
    moving = {each.event_id for each in snapshots if each.state == "confirmed" and each.moving}
    assert len(moving) == 1
    assert {each.target_class for each in snapshots if each.moving} == {"unknown"}


def test_frames_that_could_not_be_searched_are_no_looks() -> None:
    _, batches, _ = launch(SITES[0])
    tracker = Tracker(TrackingConfig(), "run-1")
    blind = dataclasses.replace(batches[0], detections=dataclasses.replace(batches[0].detections, reason="CONSTANT"))
    assert tracker.update(blind) == []
    assert tracker.epoch_unix_ns is None


def test_a_satellite_that_lags_by_seconds_changes_no_conclusion() -> None:
    _, batches, snapshots = launch(SITES[0])
    late_s, batches = 4.0, until(batches, 26.0)

    def arrival(batch: DetectionBatch) -> float:
        return batch.exposure_start_unix_ns / NS_PER_S + (late_s if batch.satellite_id == "sat-2" else 0.0)

    found = threats(run(sorted(batches, key=arrival)))
    assert len(found) == 1
    (late,), (prompt,) = found.values(), threats(snapshots).values()
    assert late.event_id == prompt.event_id
    assert abs(late.time_unix_ns - prompt.time_unix_ns) < late_s * NS_PER_S


def test_thousands_of_detections_in_a_look_stay_bounded() -> None:
    rng = np.random.default_rng(8)
    satellite = Satellite(30.0, 80.0)
    # The same 3,000 points of the ground in every look.
    origin = satellite(0.0)
    boresight = (SITE_ITRS_M - origin) / np.linalg.norm(SITE_ITRS_M - origin)
    points = cone_look("sat-1", 0, origin, [noisy(boresight, 0.08, rng) for _ in range(3000)]).arrays.point
    config = TrackingConfig()
    tracker = Tracker(config, "run-1")
    for second in range(5):
        origin = satellite(float(second))
        los = (points - origin) / np.linalg.norm(points - origin, axis=1)[:, None]
        told = tracker.update_look(cone_look("sat-1", START_UNIX_NS + second * NS_PER_S, origin, list(los)))
    # What is told of a satellite's own tracks is no more than it may hold, and nearly that.
    assert 0.9 * config.most_plane_tracks < len(told) <= config.most_plane_tracks
