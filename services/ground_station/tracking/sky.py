"""What a look does to all that is followed; looks come in the order of their times."""

import math

import numpy as np
from numpy.typing import NDArray

from services.ground_station.tracking import ending, following, taking, tracklet_ends
from services.ground_station.tracking.between import Between
from services.ground_station.tracking.changes import Changes, Ended
from services.ground_station.tracking.config import TrackingConfig
from services.ground_station.tracking.describe import Naming, event_id, founder
from services.ground_station.tracking.judgement.limits import limits_from
from services.ground_station.tracking.look import Look, seconds
from services.ground_station.tracking.records import INSTANT_S, TRACKLET, copied
from services.ground_station.tracking.rules import rules_from
from services.ground_station.tracking.state import Mark, State

Int64 = NDArray[np.int64]
Records = NDArray[np.void]

# How everything stands is noted no more often, s: who goes back takes the looks since then once more.
MARK_S = 0.5
# A row given back rests for longer than anybody goes back in time.
REST_FACTOR = 2.0
NOTHING = np.zeros(0, dtype=TRACKLET)
NOBODY = np.zeros(0, dtype=np.int64)


class Sky:
    """All tracks of one run."""

    def __init__(self, config: TrackingConfig, naming: Naming) -> None:
        self.config = config
        self.naming = naming
        self.state = State(REST_FACTOR * config.reorder_s)
        self._between = Between(config, naming.epoch_unix_ns)
        self._limits = limits_from(config)
        self._rules = rules_from(config)
        self._outcome = taking.outcome_array(0)
        self._mark = self.state.mark()
        self._is_marked = True
        self._marked_s = -math.inf

    @property
    def mark(self) -> Mark:
        """How everything stood before one of the newest instants, and before what was due then."""
        return self._mark

    def go_back(self, mark: Mark) -> None:
        """Stand as at the mark."""
        self.state.go_back(mark)
        self._mark, self._is_marked = mark, True

    def begin_instant(self, time_s: float) -> None:
        """Do what is due between instants, once."""
        state = self.state
        if time_s - state.instant_s <= INSTANT_S:
            return
        if not self._is_marked and time_s - self._marked_s >= MARK_S:
            self._mark, self._is_marked = state.mark(), True
        if self._is_marked:
            self._marked_s = time_s
        state.instant_s = time_s
        self._between.work(state, time_s)

    def take(self, look: Look) -> Changes:
        """Take a look that is not earlier than any before; return what it changed."""
        time_s = seconds(look.time_unix_ns, self.naming.epoch_unix_ns)
        self.begin_instant(time_s)
        self._is_marked = False
        state = self.state
        sensor = state.sensors.move(look, time_s)
        arrays = state.arrays(len(look))
        room = max(len(arrays.tracks), len(arrays.tracklets))
        if self._outcome.shape[1] < room:
            self._outcome = taking.outcome_array(room)
        tracks = state.tracks
        following.advance_all(tracks, time_s)
        begun, refused, over, alone_over, seen = taking.take(
            arrays,
            state.sensors.unbiased(look, sensor),
            look.view.places(look.arrays.origin, tracks),
            time_s,
            sensor,
            look.sequence,
            look.solid_angle_sr,
            len(state.sensors.names),
            self._rules,
            self._limits,
            self._outcome,
        )
        state.sensors.founded += begun
        state.sensors.refused += refused
        told = state.told()
        tracklets = copied(state.tracklets[self._outcome[3][:seen]]) if seen else NOTHING
        gone = self._announced_and_gone() if alone_over else NOBODY
        merged = self._merged(gone, told) if len(gone) else []
        ended: list[Ended] = []
        if over:
            codes = self._outcome[0][: len(told)]
            ended = self._ended(told, codes, time_s)
            told = told[codes == ending.GOES_ON]
            state.drop_tracks(codes, time_s)
        if len(gone):
            merged += self._ended_tracklets(gone)
        if alone_over:
            state.drop_tracklets(self._outcome[1][: state.tracklet_count], time_s)
        return Changes(
            look, self.naming, state.sensors.names, told, tracklets, tuple(ended), tuple(merged), state.launches
        )

    def _announced_and_gone(self) -> Int64:
        """Return the rows of the tracks of single satellites that were announced and are over: most never were."""
        gone = np.flatnonzero(self._outcome[1][: self.state.tracklet_count])
        return gone[self.state.tracklets["hits"][gone] >= self.config.plane_hits]

    def _merged(self, gone: Int64, told: Records) -> list[Ended]:
        """Return the ends of those of some rows that go on in a track of another event."""
        names = self.state.sensors.names
        tracklets = self.state.tracklets
        _, codes, into, _ = self._outcome
        ends = []
        for row in gone[codes[gone] == tracklet_ends.JOINED].tolist():
            identity = founder(self.naming, told[into[row]], names)
            if founder(self.naming, tracklets[row], names) != identity:
                ends.append(Ended(tracklets[row].copy(), ending.NO_LOSS, event_id(identity)))
        return ends

    def _ended(self, told: Records, codes: Int64, time_s: float) -> list[Ended]:
        """Return the ends of tracks in space."""
        over = []
        for row in np.flatnonzero(codes).tolist():
            record, code = told[row], int(codes[row])
            into = self._event_of(int(record["rival"])) if code == ending.IS_DOUBLE else ""
            reason = ending.why(code, time_s - float(record["last_hit_s"]))
            over.append(Ended(record.copy(), reason, into, code not in ending.NO_OBJECT))
        return over

    def _ended_tracklets(self, gone: Int64) -> list[Ended]:
        """Return the ends of those of some rows that go on in nothing new."""
        tracklets, codes = self.state.tracklets, self._outcome[1]
        over = []
        for row in gone[codes[gone] != tracklet_ends.JOINED].tolist():
            record = tracklets[row]
            into = self._event_of(int(record["thief"])) if codes[row] == tracklet_ends.IS_DOUBLE else ""
            reason = ending.NO_LOSS if into else f"not seen in {int(record['misses'])} looks"
            over.append(Ended(record.copy(), reason, into))
        return over

    def _event_of(self, serial: int) -> str:
        """Return the event of a track in space; empty if it is no more."""
        tracks = self.state.tracks
        rows = np.flatnonzero(tracks["serial"] == serial)
        return event_id(founder(self.naming, tracks[rows[0]], self.state.sensors.names)) if len(rows) else ""
