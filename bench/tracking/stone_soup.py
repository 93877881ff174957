"""Stone Soup beside our tracker: its tracker on our looks, our tracks as its own, and its detections as our looks.

Stone Soup (https://stonesoup.readthedocs.io) is the open tracking library of the field. Its tracker here, as good as
we could make it out of its parts: constant acceleration in ITRS with white jerk, an unscented or extended Kalman filter
on elevation and bearing from moving sensors (each look's own axes, so that angles are small), global nearest neighbour
by two-dimensional assignment on the Mahalanobis distance, behind a k-d tree. It has no initiation from angles alone
across sensors, so it is given one that is blind to the truth (closest_approach.py); its MultiMeasurementInitiator then
holds what that proposes until it has been updated often enough. Late looks are passed over: it goes forwards only.

Stone Soup's tracks, from looks.jsonl:

    python -m bench.tracking.stone_soup looks.jsonl --out tracks.jsonl

Ours, from any Stone Soup detector or reader whose detections have a CartesianToElevationBearing model in ITRS and a
`sensor_id` in their metadata, and as Stone Soup's tracks again for its metrics and plotters:

    from bench.tracking.run import track
    from bench.tracking.stone_soup import look_lines, stone_soup_tracks

    tracks = stone_soup_tracks(track(look_lines(detector, half_angle_rad=0.6)))
    AnimatedPlotterly(timesteps).plot_tracks(tracks, [0, 2])
"""

import argparse
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from stonesoup.dataassociator.neighbour import GNNWith2DAssignment
from stonesoup.dataassociator.tree import DetectionKDTreeMixIn
from stonesoup.deleter.time import UpdateTimeDeleter
from stonesoup.hypothesiser.distance import DistanceHypothesiser
from stonesoup.initiator.simple import MultiMeasurementInitiator
from stonesoup.measures import Mahalanobis
from stonesoup.models.measurement.nonlinear import CartesianToElevationBearing
from stonesoup.models.transition.linear import CombinedLinearGaussianTransitionModel, ConstantAcceleration
from stonesoup.predictor.kalman import ExtendedKalmanPredictor, UnscentedKalmanPredictor
from stonesoup.tracker.simple import MultiTargetTracker
from stonesoup.types.angle import Bearing, Elevation
from stonesoup.types.array import StateVector
from stonesoup.types.detection import Detection
from stonesoup.types.state import GaussianState
from stonesoup.types.track import Track
from stonesoup.types.update import Update
from stonesoup.updater.kalman import ExtendedKalmanUpdater, UnscentedKalmanUpdater

from bench.tracking.closest_approach import ClosestApproachInitiator

Float64 = NDArray[np.float64]

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  # Stone Soup's own examples and plotters use times without a zone
# Where x, y, z and their rates are in its state of three constant accelerations.
POSITION, VELOCITY, ACCELERATION = (0, 3, 6), (1, 4, 7), (2, 5, 8)
# Light's way is taken out as that over 1,500 km; satellites 350 km nearer or farther err by 1.2 ms of a body's way.
LIGHT_NS = 5_000_000


@dataclass(frozen=True)
class PeerConfig:
    """What Stone Soup's tracker is told; values chosen on seeds that no figure uses.

    jerk: its density, m^2/s^5. gate: Mahalanobis distance. near_rad: reach of the k-d tree. updates: how many confirm.
    lost_s: without update, after which a track is deleted. filter: "extended" or "unscented".
    """

    jerk: float = 3.0
    gate: float = 5.0
    near_rad: float = 5e-3
    updates: int = 6
    lost_s: float = 5.0
    filter: str = "extended"


class NearestByTree(DetectionKDTreeMixIn, GNNWith2DAssignment):  # type: ignore[misc]  # Stone Soup has no types
    """Global nearest neighbour among the detections that a k-d tree finds near."""


class Peer:
    """Stone Soup's tracker, look by look."""

    def __init__(self, config: PeerConfig | None = None) -> None:
        config = config or PeerConfig()
        self._waiting: list[tuple[datetime, set[Detection]]] = []
        model = CombinedLinearGaussianTransitionModel([ConstantAcceleration(config.jerk)] * 3)
        if config.filter == "unscented":
            predictor, updater = UnscentedKalmanPredictor(model), UnscentedKalmanUpdater(None)
        else:
            predictor, updater = ExtendedKalmanPredictor(model), ExtendedKalmanUpdater(None)
        hypothesiser = DistanceHypothesiser(predictor, updater, Mahalanobis(), missed_distance=config.gate)
        associator = NearestByTree(hypothesiser, predictor, updater, max_distance=config.near_rad)
        deleter = UpdateTimeDeleter(timedelta(seconds=config.lost_s))
        initiator = MultiMeasurementInitiator(
            prior_state=None,
            deleter=UpdateTimeDeleter(timedelta(seconds=config.lost_s / 2)),
            data_associator=associator,
            updater=updater,
            min_points=config.updates,
            initiator=ClosestApproachInitiator(),
        )
        self._tracker = MultiTargetTracker(initiator, deleter, self._feed(), associator, updater)
        self._steps = iter(self._tracker)
        self._newest_ns = 0

    @property
    def tracks(self) -> set[Track]:
        """Its confirmed tracks after the newest look."""
        tracks: set[Track] = self._tracker.tracks
        return tracks

    def take(self, time_unix_ns: int, detections: set[Detection]) -> bool:
        """Track a look; False where it is older than one before and is passed over."""
        if time_unix_ns < self._newest_ns:
            return False
        self._newest_ns = time_unix_ns
        self._waiting.append((_datetime(time_unix_ns - LIGHT_NS), detections))
        next(self._steps)
        return True

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield its tracks as lines of tracks.jsonl, as they are after the newest look."""
        time_unix_ns = self._newest_ns - LIGHT_NS
        for track in sorted(self.tracks, key=lambda each: str(each.id)):
            yield _record(track, time_unix_ns)

    def _feed(self) -> Iterator[tuple[datetime, set[Detection]]]:
        while True:
            yield self._waiting.pop(0)


def detections(line: Mapping[str, Any]) -> set[Detection]:
    """Return a look's detections as Stone Soup's: elevation and bearing in axes with x along the boresight."""
    rotation, angles = _axes(np.array(line["boresight_itrs"]))
    model = CartesianToElevationBearing(
        ndim_state=9,
        mapping=POSITION,
        noise_covar=np.diag([line["sigma_rad"] ** 2] * 2),
        translation_offset=StateVector(line["position_itrs_m"]),
        rotation_offset=StateVector(angles),
    )
    when = _datetime(int(line["time_unix_ns"]) - LIGHT_NS)
    found = set()
    for index, each in enumerate(line["detections"]):
        x, y, z = rotation @ np.array(each["los_itrs"])
        found.add(
            Detection(
                StateVector([Elevation(math.asin(z)), Bearing(math.atan2(y, x))]),
                timestamp=when,
                measurement_model=model,
                metadata={"sensor_id": line["sensor_id"], "index": index, "los_itrs": each["los_itrs"]},
            )
        )
    return found


def look_lines(detector: Iterable[tuple[datetime, set[Detection]]], half_angle_rad: float) -> Iterator[dict[str, Any]]:
    """Yield what a Stone Soup detector or reader gives as lines of looks.jsonl, one for each sensor and time.

    Its detections have a CartesianToElevationBearing model over ITRS metres, and `sensor_id` in their metadata. A look
    that saw nothing cannot be told from no look and has no line. half_angle_rad: of the field of view round the x axis
    of the model's own axes.
    """
    for when, found in detector:
        grouped: dict[str, list[Detection]] = {}
        for detection in found:
            grouped.setdefault(str(detection.metadata["sensor_id"]), []).append(detection)
        for sensor_id in sorted(grouped):
            own = sorted(grouped[sensor_id], key=lambda each: tuple(float(angle) for angle in each.state_vector[:, 0]))
            model = own[0].measurement_model
            to_itrs = np.asarray(model.rotation_matrix, dtype=np.float64).T
            yield {
                "time_unix_ns": round((when.replace(tzinfo=None) - EPOCH) / timedelta(microseconds=1)) * 1000,
                "sensor_id": sensor_id,
                "position_itrs_m": np.asarray(model.translation_offset, dtype=np.float64).ravel().tolist(),
                "boresight_itrs": to_itrs[:, 0].tolist(),
                "fov_half_angle_rad": half_angle_rad,
                "sigma_rad": float(np.sqrt(model.noise_covar[0, 0])),
                "detections": [{"los_itrs": (to_itrs @ _direction(each)).tolist()} for each in own],
            }


def stone_soup_tracks(records: Iterable[Mapping[str, Any]], confirmed: bool = True) -> set[Track]:
    """Return lines of tracks.jsonl as Stone Soup tracks of Gaussian states x, vx, y, vy, z, vz in ITRS.

    confirmed: only lines that say so.
    """
    states: dict[str, list[GaussianState]] = {}
    order = [0, 3, 1, 4, 2, 5]
    for record in records:
        if record["state"] == "confirmed" or (not confirmed and record["state"] != "ended"):
            vector = np.concatenate([record["position_itrs_m"], record["velocity_itrs_m_per_s"]])
            covariance = np.array(record["covariance"])
            states.setdefault(str(record["track_id"]), []).append(
                GaussianState(
                    vector[order], covariance[np.ix_(order, order)], timestamp=_datetime(int(record["time_unix_ns"]))
                )
            )
    return {Track(sorted(found, key=lambda state: state.timestamp), id=track_id) for track_id, found in states.items()}


def run(lines: Iterable[Mapping[str, Any]], config: PeerConfig | None = None) -> Iterator[dict[str, Any]]:
    """Yield Stone Soup's tracks of looks as lines of tracks.jsonl, once all looks of a time have been taken."""
    peer, newest_ns = Peer(config), 0
    for line in lines:
        time_unix_ns = int(line["time_unix_ns"])
        if time_unix_ns > newest_ns > 0:
            yield from peer.records()
        newest_ns = max(newest_ns, time_unix_ns)
        peer.take(time_unix_ns, detections(line))
    yield from peer.records()


def _record(track: Track, time_unix_ns: int) -> dict[str, Any]:
    now = _datetime(time_unix_ns)
    state = track.state
    order = [*POSITION, *VELOCITY]
    seen = [
        each.hypothesis.measurement.metadata
        for each in track.states[-8:]
        if isinstance(each, Update) and each.timestamp == now
    ]
    vector = np.asarray(state.state_vector, dtype=np.float64).ravel()
    return {
        "time_unix_ns": time_unix_ns,
        "track_id": str(track.id),
        "state": "confirmed",
        "class": "unknown",
        "class_probability": {"unknown": 1.0},
        "position_itrs_m": vector[list(POSITION)].tolist(),
        "velocity_itrs_m_per_s": vector[list(VELOCITY)].tolist(),
        "covariance": np.asarray(state.covar, dtype=np.float64)[np.ix_(order, order)].tolist(),
        "detections": [[each["sensor_id"], each["index"]] for each in seen],
    }


def _axes(boresight_itrs: Float64) -> tuple[Float64, Float64]:
    """Return the rotation from ITRS to axes with x along the boresight, and Stone Soup's angles that give it."""
    x, y, z = boresight_itrs
    yaw, pitch = math.atan2(y, x), math.asin(z)
    cos_yaw, sin_yaw, cos_pitch, sin_pitch = math.cos(yaw), math.sin(yaw), math.cos(pitch), math.sin(pitch)
    rotation = np.array(
        [
            [cos_pitch * cos_yaw, cos_pitch * sin_yaw, sin_pitch],
            [-sin_yaw, cos_yaw, 0.0],
            [-sin_pitch * cos_yaw, -sin_pitch * sin_yaw, cos_pitch],
        ]
    )
    return rotation, np.array([0.0, pitch, yaw])


def _direction(detection: Detection) -> Float64:
    elevation, bearing = (float(angle) for angle in detection.state_vector[:, 0])
    return np.array(
        [math.cos(elevation) * math.cos(bearing), math.cos(elevation) * math.sin(bearing), math.sin(elevation)]
    )


def _datetime(time_unix_ns: int) -> datetime:
    return EPOCH + timedelta(microseconds=time_unix_ns // 1000)


def main() -> None:
    """Track a file of looks with Stone Soup."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("looks", type=Path, help="looks, JSON lines")
    parser.add_argument("--out", type=Path, required=True, help="tracks, JSON lines")
    parser.add_argument("--filter", choices=("extended", "unscented"), default=PeerConfig.filter)
    options = parser.parse_args()
    with options.looks.open(encoding="utf-8") as looks, options.out.open("w", encoding="utf-8") as tracks:
        for record in run((json.loads(line) for line in looks if line.strip()), PeerConfig(filter=options.filter)):
            tracks.write(json.dumps(record) + "\n")


if __name__ == "__main__":
    main()
