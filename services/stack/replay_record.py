"""What the chain found in recorded images, kept until it can be scored against their marked targets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from plumewatch.v1 import detection_pb2, track_pb2
from services.scenario.model import Replay
from services.stack.replay_score import ReplayScore, score_replay

Point = tuple[float, float]


@dataclass
class ReplayRecord:
    """Detections and confirmed tracks by satellite. left_out: messages that this client was too slow for."""

    detections: dict[str, dict[int, list[Point]]] = field(default_factory=dict)
    pixels: dict[str, dict[int, int]] = field(default_factory=dict)
    # Frame by the instant to which tracks refer.
    sequences: dict[tuple[str, int], int] = field(default_factory=dict)
    tracks: dict[str, dict[str, list[tuple[int, float, float]]]] = field(default_factory=dict)
    left_out: int = 0

    def take_batch(self, batch: detection_pb2.DetectionBatch) -> None:
        """Keep one frame's detections; a frame that could not be searched is as one that was not there."""
        if batch.reason:
            return
        points = [(detection.row, detection.column) for detection in batch.detections]
        self.detections.setdefault(batch.satellite_id, {})[batch.sequence] = points
        self.pixels.setdefault(batch.satellite_id, {})[batch.sequence] = batch.rows * batch.columns
        middle = batch.exposure_start_unix_ns + round(batch.exposure_s * 0.5e9)
        self.sequences[batch.satellite_id, middle] = batch.sequence

    def take_track(self, track: track_pb2.Track) -> None:
        """Keep one state of a track that is believed and lies on an image plane."""
        if track.state != track_pb2.TRACK_STATE_CONFIRMED or not track.HasField("image_plane"):
            return
        plane = track.image_plane
        states = self.tracks.setdefault(plane.satellite_id, {}).setdefault(track.track_id, [])
        states.append((track.time_unix_ns, plane.row, plane.column))

    def score(self, satellite_id: str, targets: list[Point | None], frames: int) -> ReplayScore:
        """Return one satellite's score; `frames`: how many its run has."""
        tracks = {
            name: [
                (self.sequences[satellite_id, time_unix_ns], row, column)
                for time_unix_ns, row, column in states
                if (satellite_id, time_unix_ns) in self.sequences
            ]
            for name, states in self.tracks.get(satellite_id, {}).items()
        }
        detections = self.detections.get(satellite_id, {})
        return score_replay(detections, tracks, targets, self.pixels.get(satellite_id, {}), frames)


def score_all(record: ReplayRecord, replays: Mapping[str, Replay], frames: Mapping[str, int]) -> dict[str, Any]:
    """Return the report's `replay` part: each satellite whose targets are marked, and all together; else empty."""
    from sat_emulator.replay.targets import find_targets, read_targets

    scores: dict[str, ReplayScore] = {}
    for satellite_id, replay in replays.items():
        file = find_targets(replay)
        if file is not None:
            scores[satellite_id] = record.score(satellite_id, read_targets(file), frames[satellite_id])
    if not scores:
        return {}
    total = sum(scores.values(), ReplayScore())
    return {
        "all": total.as_json(),
        "satellites": {satellite_id: score.as_json() for satellite_id, score in scores.items()},
        "left_out": record.left_out,
    }
