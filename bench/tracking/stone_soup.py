"""Stone Soup beside our tracker: its tracker on our looks.

Stone Soup (https://stonesoup.readthedocs.io) is the open tracking library of the field. Its tracker here, as good as
we could make it out of its parts: constant acceleration in ITRS with white jerk, an unscented or extended Kalman filter
on elevation and bearing from moving sensors (each look's own axes, so that angles are small), global nearest neighbour
by two-dimensional assignment on the Mahalanobis distance, behind a k-d tree. It has no initiation from angles alone
across sensors, so it is given one that is blind to the truth (closest_approach.py); its MultiMeasurementInitiator then
holds what that proposes until it has been updated often enough. Late looks are passed over: it goes forwards only.

Stone Soup's tracks, from looks.jsonl:

    python -m bench.tracking.stone_soup looks.jsonl --out tracks.jsonl

The way from its detections to our looks, and from our tracks to its own, is services/stack/stone_soup.py.
"""

import argparse
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from stonesoup.dataassociator.neighbour import GNNWith2DAssignment
from stonesoup.dataassociator.tree import DetectionKDTreeMixIn
from stonesoup.deleter.time import UpdateTimeDeleter
from stonesoup.hypothesiser.distance import DistanceHypothesiser
from stonesoup.initiator.simple import MultiMeasurementInitiator
from stonesoup.measures import Mahalanobis
from stonesoup.models.transition.linear import CombinedLinearGaussianTransitionModel, ConstantAcceleration
from stonesoup.predictor.kalman import ExtendedKalmanPredictor, UnscentedKalmanPredictor
from stonesoup.tracker.simple import MultiTargetTracker
from stonesoup.types.detection import Detection
from stonesoup.types.track import Track
from stonesoup.types.update import Update
from stonesoup.updater.kalman import ExtendedKalmanUpdater, UnscentedKalmanUpdater

from bench.tracking.closest_approach import ClosestApproachInitiator
from services.stack.stone_soup import POSITION, detections, soup_time

# Where x, y, z and their rates are in its state of three constant accelerations.
VELOCITY, ACCELERATION = (1, 4, 7), (2, 5, 8)
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
        self._waiting.append((soup_time(time_unix_ns - LIGHT_NS), detections))
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


def run(lines: Iterable[Mapping[str, Any]], config: PeerConfig | None = None) -> Iterator[dict[str, Any]]:
    """Yield Stone Soup's tracks of looks as lines of tracks.jsonl, once all looks of a time have been taken."""
    peer, newest_ns = Peer(config), 0
    for line in lines:
        time_unix_ns = int(line["time_unix_ns"])
        if time_unix_ns > newest_ns > 0:
            yield from peer.records()
        newest_ns = max(newest_ns, time_unix_ns)
        peer.take(time_unix_ns, detections(line, LIGHT_NS))
    yield from peer.records()


def _record(track: Track, time_unix_ns: int) -> dict[str, Any]:
    now = soup_time(time_unix_ns)
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
