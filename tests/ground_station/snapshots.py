"""Tracks as an alert book is told of them, and what it says then."""

from typing import Any

import numpy as np

from plumewatch.v1 import alert_pb2
from services.ground_station.alerting import AlertBook
from services.ground_station.tracking.snapshot import Ellipse, ImagePlane, Kinematic, LaunchEstimate, TrackSnapshot

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


def consider(book: AlertBook, snapshot: TrackSnapshot) -> alert_pb2.Alert | None:
    return book.consider(snapshot, "run-1", alert_pb2.LatencyBudget(detected_s=0.1), "ab" * 16)


def told(book: AlertBook, snapshot: TrackSnapshot) -> alert_pb2.Alert:
    alert = consider(book, snapshot)
    assert alert is not None
    return alert
