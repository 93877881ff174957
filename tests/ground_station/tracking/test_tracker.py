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
from tests.ground_station.tracking.sky import START_UNIX_NS, Motion, Rocket, Sky, Source, drifting, fire

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
    (first,) = threats(snapshots).values()
    last = [each for each in snapshots if each.event_id == first.event_id][-1]
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


@pytest.mark.parametrize("site", SITES)
def test_state_in_space_agrees_with_its_covariance(site: tuple[float, float, float, int]) -> None:
    rocket, _, snapshots = launch(site)
    (event,) = threats(snapshots)
    squares = []
    for each in snapshots:
        time_s = seconds(each.time_unix_ns)
        place = rocket(time_s)
        if each.event_id != event or each.kinematic is None or place is None or time_s < LAUNCH_S + 8:
            continue
        error = np.concatenate(
            [
                each.kinematic.position_itrs_m - place,
                each.kinematic.velocity_itrs_m_per_s - rocket.velocity(time_s),
            ]
        )
        squares.append(float(error @ np.linalg.solve(each.kinematic.covariance, error)))
    # Six degrees of freedom; neighbouring states share their errors.
    assert 2.0 < float(np.mean(squares)) < 12.0


@pytest.mark.parametrize("site", SITES)
def test_burnout_is_reported_when_the_plume_goes_out(site: tuple[float, float, float, int]) -> None:
    rocket, _, snapshots = launch(site)
    (event,) = threats(snapshots)
    last = [each for each in snapshots if each.event_id == event][-1]
    assert last.state == "ended"
    assert last.burnout is not None
    assert abs(seconds(last.burnout.time_unix_ns) - (LAUNCH_S + rocket.burn_s)) < 1.0


def test_fires_become_static_heat_in_space() -> None:
    _, _, snapshots = launch(SITES[0])
    static = {
        each.event_id
        for each in snapshots
        if each.state == "confirmed" and each.target_class == "static_heat" and each.kinematic is not None
    }
    assert len(static) == 2


def test_replaying_the_same_batches_gives_the_same_snapshots() -> None:
    _, batches, snapshots = launch(SITES[0])
    again = run(batches)
    assert [repr(each) for each in again] == [repr(each) for each in snapshots]


def test_event_survives_promotion_from_one_satellite_to_space() -> None:
    _, batches, _ = launch(SITES[0])
    join_s = 18.0
    joined = [
        each for each in batches if each.satellite_id == "sat-2" or seconds(each.exposure_start_unix_ns) >= join_s
    ]
    snapshots = run(joined)
    (event,) = threats(snapshots)
    own = [each for each in snapshots if each.event_id == event]
    assert own[0].image_plane is not None
    assert own[0].satellite_ids == ("sat-2",)
    assert own[-1].kinematic is not None
    assert own[0].first_seen_unix_ns == own[-1].first_seen_unix_ns < START_UNIX_NS + 10 * NS_PER_S
    assert len({each.track_id for each in own}) == 1
    assert all((each.kinematic is None) != (each.image_plane is None) for each in own)
    merged = {each.event_id for each in snapshots if each.merged_into == event}
    assert merged
    assert event not in merged


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
    late_s = 4.0

    def arrival(batch: DetectionBatch) -> float:
        return batch.exposure_start_unix_ns / NS_PER_S + (late_s if batch.satellite_id == "sat-2" else 0.0)

    found = threats(run(sorted(batches, key=arrival)))
    assert len(found) == 1
    (late,), (prompt,) = found.values(), threats(snapshots).values()
    assert late.event_id == prompt.event_id
    assert abs(late.time_unix_ns - prompt.time_unix_ns) < late_s * NS_PER_S


def test_thousands_of_detections_in_a_look_stay_bounded() -> None:
    sky = Sky(0.0, 20.0, [], clutter=(3000, 3000), duration_s=2.0)
    tracker = Tracker(TrackingConfig(), "run-1")
    for batch in sky.batches():
        tracker.update(batch)
    config = TrackingConfig()
    assert all(
        len(plane.tracks) <= config.most_plane_tracks + config.most_detections for plane in tracker.planes.values()
    )
