"""Tracks on recorded images, of which no geometry is known."""

import numpy as np

from services.geometry.time import NS_PER_S
from services.ground_station.detection_batch import DetectionBatch, Detections
from services.ground_station.tracking.config import TrackingConfig
from services.ground_station.tracking.snapshot import TrackSnapshot
from services.ground_station.tracking.tracker import Tracker

RATE_HZ = 10


def batches(frames: int = 60, clutter: int = 15, gap: range = range(0)) -> list[DetectionBatch]:
    """Return an aircraft that crosses 256 x 256 pixels under clutter; nothing of it in the frames of `gap`."""
    rng = np.random.default_rng(4)
    made = []
    for sequence in range(frames):
        time_s = sequence / RATE_HZ
        points = rng.uniform(0, 255, (rng.integers(0, clutter + 1), 2)).tolist()
        if sequence not in gap:
            points.append([60 + 12 * time_s + rng.normal(0, 0.3), 80 - 7 * time_s + rng.normal(0, 0.3)])
        table = np.array(points, dtype=np.float64).reshape(-1, 2)
        size = len(table)
        found = Detections(
            table[:, 0],
            table[:, 1],
            np.tile([0.09, 0.0, 0.09], (size, 1)),
            np.full(size, 9.0),
            np.full(size, 9.0),
            np.full(size, 500.0),
            np.full(size, 4, dtype=np.int64),
        )
        start = 1_782_043_200 * NS_PER_S + round(time_s * NS_PER_S)
        made.append(DetectionBatch("run-1", "cam-1", sequence, start, start + 10**7, 0.01, 256, 256, found))
    return made


def run(looks: list[DetectionBatch]) -> list[TrackSnapshot]:
    tracker = Tracker(TrackingConfig(), "run-1")
    return [snapshot for look in looks for snapshot in tracker.update(look)]


def long_tracks(snapshots: list[TrackSnapshot], hits: int = 30) -> list[TrackSnapshot]:
    newest = {each.track_id: each for each in snapshots}
    return [each for each in newest.values() if each.hits >= hits]


def test_only_the_aircraft_becomes_a_long_moving_track() -> None:
    (track,) = long_tracks(run(batches()))
    assert track.moving
    assert not track.geometry
    assert track.kinematic is None
    assert track.class_probability == {"unknown": 1.0}
    assert track.image_plane is not None
    assert abs(track.image_plane.row_rate_px_per_s - 12) < 3
    assert abs(track.image_plane.column_rate_px_per_s + 7) < 3


def test_track_survives_a_short_gap() -> None:
    (track,) = long_tracks(run(batches(gap=range(30, 34))))
    assert track.hits >= 50


def test_track_ends_when_it_is_gone() -> None:
    snapshots = run(batches(gap=range(40, 60)))
    (track,) = long_tracks(snapshots)
    assert track.state == "ended"
    assert "not seen" in track.end_reason


def test_clutter_alone_stays_tentative() -> None:
    assert [each for each in run(batches(gap=range(60))) if each.state == "confirmed"] == []
