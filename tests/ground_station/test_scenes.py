"""Recorded streams: their scenes are taken out."""

import numpy as np

from bench.detection.scenes import cloud_field, spots
from plumewatch.v1 import frame_pb2
from services.ground_station.detection.detect import DetectionConfig, Detector
from services.ground_station.scenes import MOST_STREAMS, Scenes

SIDE = 128
RATE_HZ = 10.0


def head(sequence: int, satellite_id: str = "recorded") -> frame_pb2.Frame:
    return frame_pb2.Frame(
        run_id="run",
        satellite_id=satellite_id,
        sequence=sequence,
        exposure_start_unix_ns=1_700_000_000_000_000_000 + round(sequence * 1e9 / RATE_HZ),
    )


def frame(sequence: int) -> np.ndarray:
    """Return a town under a moving light."""
    rng = np.random.default_rng(1)
    ground = 90 + 10 * cloud_field(rng, SIDE)
    ground += spots((SIDE, SIDE), rng.uniform(4, SIDE - 4, (80, 2)), 0.8, rng.uniform(80, 400, 80))
    ground += spots((SIDE, SIDE), np.array([[60.0, 20.0 + 2 * sequence]]), 0.7, np.array([250.0]))
    ground += np.random.default_rng((2, sequence)).normal(0, 2, (SIDE, SIDE))
    return np.clip(np.rint(ground), 0, 255).astype(np.uint8)


def test_a_recorded_stream_keeps_what_moves_and_loses_the_town() -> None:
    scenes = Scenes(DetectionConfig())
    found = [scenes.detect(head(i), frame(i), 0.0) for i in range(20)]
    assert len(Detector().detect(frame(15))) > 40
    for i in range(10, 20):
        near = np.hypot(found[i].row - 60, found[i].column - 20 - 2 * i) < 1.5
        assert near.sum() == 1, f"frame {i}"
        assert len(found[i]) <= 4


def test_frames_in_another_order_find_the_same() -> None:
    ordered, mixed = Scenes(DetectionConfig()), Scenes(DetectionConfig())
    expected = {i: ordered.detect(head(i), frame(i), 0.0).row for i in range(20)}
    # As four threads may take up frames of one stream.
    found = {}
    for i in [0, 1, 3, 2, 4, 6, 7, 5, 8, 11, 10, 9, 12, 13, 15, 14, 16, 18, 17, 19]:
        found[i] = mixed.detect(head(i), frame(i), 0.0).row
    for i in range(5, 20):
        np.testing.assert_array_equal(found[i], expected[i])


def test_streams_do_not_mix_and_only_so_many_are_remembered() -> None:
    scenes = Scenes(DetectionConfig())
    for i in range(MOST_STREAMS + 5):
        scenes.detect(head(0, f"sat-{i}"), frame(i), 0.0)
    assert len(scenes._scenes) == MOST_STREAMS
