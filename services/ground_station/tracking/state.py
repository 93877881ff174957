"""Everything that is followed in one run, at one instant, and copies of it to come back to."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.ground_station.tracking.histories import TRACK_LOOKS, TRACKLET_ROW
from services.ground_station.tracking.launches import LaunchRecord
from services.ground_station.tracking.pool import Pool, PoolArrays
from services.ground_station.tracking.records import TOLD, TRACK, TRACKLET, as_bytes, copied, drop, grown
from services.ground_station.tracking.sensors import Sensors

Records = NDArray[np.void]
Int64 = NDArray[np.int64]

# How many tracks in space and of single satellites there are; the newest serial.
TALLY = np.dtype([("tracks", np.int64), ("tracklets", np.int64), ("serial", np.int64)])


class StateArrays(NamedTuple):
    """The state as kernels take it. tracks, tracklets: with room for more. tally: one record."""

    tracks: Records
    tracklets: Records
    track_pool: PoolArrays
    tracklet_pool: PoolArrays
    sensors: Records
    tally: Records


@dataclass(frozen=True)
class Mark:
    """How everything stood at some time."""

    tracks: Records
    tracklets: Records
    tally: Records
    sensors: Sensors
    track_pool: Records
    tracklet_pool: Records
    launches: Mapping[int, LaunchRecord]
    instant_s: float
    untangled_s: float

    @property
    def nbytes(self) -> int:
        """How much memory it takes, but for what it shares with others."""
        return self.tracks.nbytes + self.tracklets.nbytes + self.sensors.records.nbytes


class State:
    """All tracks of one run, their looks, the satellites that see them, and what is known of launches.

    rest_s: for longer than this nobody goes back in time. launches: by the tracks' serials; replaced, never changed.
    instant_s: the newest instant. untangled_s: when crowds were last untangled.
    """

    def __init__(self, rest_s: float) -> None:
        self.sensors = Sensors()
        self.launches: Mapping[int, LaunchRecord] = {}
        self.track_pool = Pool(TRACK_LOOKS, rest_s)
        self.tracklet_pool = Pool(TRACKLET_ROW, rest_s)
        self.instant_s = self.untangled_s = -math.inf
        self._tracks = np.zeros(64, dtype=TRACK)
        # Their bytes, a row a track: NumPy copies records number by number, bytes at once.
        self._track_bytes = as_bytes(self._tracks)
        self._tracklets = np.zeros(256, dtype=TRACKLET)
        self._tally = np.zeros(1, dtype=TALLY)

    @property
    def count(self) -> int:
        """How many tracks in space there are."""
        return int(self._tally["tracks"][0])

    @property
    def tracklet_count(self) -> int:
        """How many tracks of single satellites there are."""
        return int(self._tally["tracklets"][0])

    @property
    def tracks(self) -> Records:
        """The tracks in space, a view."""
        return self._tracks[: self.count]

    @property
    def tracklets(self) -> Records:
        """The tracks of single satellites, a view."""
        return self._tracklets[: self.tracklet_count]

    def arrays(self, detections: int) -> StateArrays:
        """Return everything, with room for what so many detections may begin, or write over."""
        self.track_pool.make_room(detections, self.instant_s)
        self.tracklet_pool.make_room(detections, self.instant_s)
        tracks, tracklets, _ = self._tally.item()
        if tracks + detections > len(self._tracks):
            self._tracks = grown(self._tracks, tracks + detections)
            self._track_bytes = as_bytes(self._tracks)
        self._tracklets = grown(self._tracklets, tracklets + detections)
        return StateArrays(
            self._tracks,
            self._tracklets,
            self.track_pool.arrays,
            self.tracklet_pool.arrays,
            self.sensors.records,
            self._tally,
        )

    def told(self) -> Records:
        """Return copies of the tracks in space, without their models' states."""
        count = self.count
        return np.ndarray(count, TOLD, self._track_bytes[:count, : TOLD.itemsize].copy())

    def drop_tracks(self, gone: Int64, time_s: float) -> None:
        """Forget the tracks in space that are marked by anything but 0."""
        self._tally["tracks"] = self._drop(self.tracks, self.track_pool, gone, time_s)

    def drop_tracklets(self, gone: Int64, time_s: float) -> None:
        """Forget the tracks of single satellites that are marked by anything but 0."""
        self._tally["tracklets"] = self._drop(self.tracklets, self.tracklet_pool, gone, time_s)

    def _drop(self, records: Records, pool: Pool, gone: Int64, time_s: float) -> int:
        count = int(np.count_nonzero(gone))
        histories, serials = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
        kept: int = drop(records, gone, histories, serials)
        pool.give_back(histories, time_s)
        if not self.launches.keys().isdisjoint(serials.tolist()):
            lost = set(serials.tolist())
            self.launches = {serial: launch for serial, launch in self.launches.items() if serial not in lost}
        return kept

    def mark(self) -> Mark:
        """Return how everything stands; nothing in it changes any more."""
        return Mark(
            copied(self.tracks),
            copied(self.tracklets),
            self._tally.copy(),
            self.sensors.copy(),
            self.track_pool.mark(),
            self.tracklet_pool.mark(),
            self.launches,
            self.instant_s,
            self.untangled_s,
        )

    def go_back(self, mark: Mark) -> None:
        """Stand as at the mark."""
        self._tally[:] = mark.tally
        self._tracks[: len(mark.tracks)] = mark.tracks
        self._tracklets[: len(mark.tracklets)] = mark.tracklets
        self.sensors = mark.sensors.copy()
        self.track_pool.restore(mark.track_pool)
        self.tracklet_pool.restore(mark.tracklet_pool)
        self.launches = mark.launches
        self.instant_s, self.untangled_s = mark.instant_s, mark.untangled_s
