"""The tracker's state, and what a look does to it; looks come in the order of their times."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.ground_station.tracking import ending, following, founding, tracklets
from services.ground_station.tracking.ascent.rays import BiasPrior
from services.ground_station.tracking.association.meeting import MOST_MEMBERS, candidates
from services.ground_station.tracking.changes import Changes, Ended
from services.ground_station.tracking.config import TrackingConfig
from services.ground_station.tracking.crowd import crowds
from services.ground_station.tracking.describe import Naming, event_id, founder
from services.ground_station.tracking.histories import JUDGED_LOOKS, TRACK_LOOKS, TRACKLET_ROW, empty_window
from services.ground_station.tracking.judgement.limits import limits_from
from services.ground_station.tracking.launches import Ascents, LaunchRecord
from services.ground_station.tracking.look import Look, LookArrays, seconds
from services.ground_station.tracking.records import CONFIRMED, NONE, STAYS, TRACK, TRACKLET, Pool, PoolMark, grown
from services.ground_station.tracking.rules import rules_from
from services.ground_station.tracking.sensors import Sensors

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]
Records = NDArray[np.void]

# A row given back rests for longer than anybody goes back in time.
REST_FACTOR = 2.0
# Pairs within gates that a look begins with room for; doubled where they do not fit.
FIRST_ROOM = 4096
# Looks nearer in time are of one instant.
INSTANT_S = 0.05
# Crowds are untangled so often, over looks of so long; for so long after, no fit of its own puts a track right, s.
UNTANGLE_S, UNTANGLED_S, CROWD_MEMORY_S = 2.0, 60.0, 6.0
# Tracks side by side: nearer than this, in place and speed, with so many hits each; compared among at most so many.
BESIDE_M, BESIDE_M_PER_S, LEAST_HITS, MOST_COMPARED = 3000.0, 300.0, 6, 64
# Candidates for new tracks that a look may have, the best-meeting first.
MOST_CANDIDATES = 4096


@dataclass(frozen=True)
class Mark:
    """How the sky stood at some time."""

    tracks: Records
    tracklets: Records
    serial: int
    sensors: Sensors
    track_pool: PoolMark
    tracklet_pool: PoolMark
    launches: Mapping[int, LaunchRecord]
    instant_s: float
    untangled_s: float


class Sky:
    """All tracks of one run."""

    def __init__(self, config: TrackingConfig, naming: Naming) -> None:
        self.config = config
        self.naming = naming
        self.sensors = Sensors()
        self.launches: Mapping[int, LaunchRecord] = {}
        self._tracks = np.zeros(64, dtype=TRACK)
        self._tracklets = np.zeros(256, dtype=TRACKLET)
        self._count = self._tracklet_count = 0
        self._serial = 0
        rest_s = REST_FACTOR * config.reorder_s
        self._track_pool = Pool(TRACK_LOOKS, rest_s)
        self._tracklet_pool = Pool(TRACKLET_ROW, rest_s)
        self._limits = limits_from(config)
        self._scratch = empty_window(JUDGED_LOOKS)
        self._rules = rules_from(config)
        self._pairs = following.pair_scratch(FIRST_ROOM)
        self._candidates = (
            np.empty((MOST_CANDIDATES, MOST_MEMBERS), dtype=np.int64),
            np.empty(MOST_CANDIDATES, dtype=np.int64),
            np.empty((MOST_CANDIDATES, 3)),
        )
        self._ascents = Ascents(naming.epoch_unix_ns)
        # The newest instant.
        self._instant_s = self._untangled_s = -math.inf
        self._newest = self._copies()

    @property
    def tracks(self) -> Records:
        """The tracks in space, a view."""
        return self._tracks[: self._count]

    @property
    def tracklets(self) -> Records:
        """The tracks of single satellites, a view."""
        return self._tracklets[: self._tracklet_count]

    def mark(self) -> Mark:
        """Return what `go_back` needs; nothing in it changes any more."""
        return self._newest

    def _copies(self) -> Mark:
        return Mark(
            self.tracks.copy(),
            self.tracklets.copy(),
            self._serial,
            self.sensors.copy(),
            self._track_pool.mark(),
            self._tracklet_pool.mark(),
            self.launches,
            self._instant_s,
            self._untangled_s,
        )

    def go_back(self, mark: Mark) -> None:
        """Stand as at the mark."""
        self._count, self._tracklet_count = len(mark.tracks), len(mark.tracklets)
        self._tracks[: self._count] = mark.tracks
        self._tracklets[: self._tracklet_count] = mark.tracklets
        self._serial = mark.serial
        self.sensors = mark.sensors.copy()
        self._track_pool.restore(mark.track_pool)
        self._tracklet_pool.restore(mark.tracklet_pool)
        self.launches = mark.launches
        self._instant_s, self._untangled_s = mark.instant_s, mark.untangled_s
        self._newest = mark

    def take(self, look: Look) -> Changes:
        """Take a look that is not earlier than any before; return what it changed."""
        time_s = seconds(look.time_unix_ns, self.naming.epoch_unix_ns)
        self.begin_instant(time_s)
        sensor = self.sensors.move(look, time_s)
        following.advance_all(self.tracks, time_s)
        arrays = self.sensors.unbiased(look, sensor)
        owner = self._associate(look, arrays, sensor, time_s)
        self._associate_tracklets(look, arrays, owner, sensor, time_s)
        following.decide(
            self.tracks,
            self._track_pool.rays,
            time_s,
            self._rules,
            self._limits,
            self.config.confirm_score,
            self._scratch,
        )
        over_tracklets = self._found(sensor, time_s)
        over = self._end_tracks(time_s)
        over_tracklets += self._end_tracklets(sensor, time_s)
        self._newest = self._copies()
        return Changes(
            look,
            self.naming,
            self.sensors.names,
            self._newest.tracks,
            self._told_tracklets(sensor),
            tuple(over),
            tuple(over_tracklets),
            self.launches,
        )

    def begin_instant(self, time_s: float) -> None:
        """Do what is due between instants, once: untangle crowds, fit ascents to all looks of the instants before."""
        if time_s - self._instant_s <= INSTANT_S:
            return
        self._instant_s = time_s
        apart = self._apart() if not self.sensors.biased else False
        self.sensors.find_bias(self.config.attitude_bias_sigma_rad, self.config.clock_bias_sigma_s, apart)
        if self._count:
            self._untangle(time_s)
            self._fit_ascents(time_s)
        if self._tracklet_count:
            self._fit_alone(time_s)

    def _apart(self) -> bool:
        """Return whether two tracks fly side by side, each seen by satellites that never saw the other: one object.

        The younger of them is from now on the other's double.
        """
        rows = np.flatnonzero((self.tracks["state"] == CONFIRMED) & (self.tracks["motion"] != STAYS))
        if not 2 <= len(rows) <= MOST_COMPARED:
            return False
        chosen = self.tracks[rows]
        seen, hits = chosen["sensors"], chosen["hits"]
        strangers = (seen[:, None] & seen[None, :]) == 0
        offset = chosen["mean"][:, None, :6] - chosen["mean"][None, :, :6]
        beside = (np.linalg.norm(offset[:, :, :3], axis=2) < BESIDE_M) & (
            np.linalg.norm(offset[:, :, 3:], axis=2) < BESIDE_M_PER_S
        )
        grown = (hits[:, None] >= LEAST_HITS) & (hits[None, :] >= LEAST_HITS)
        first, second = np.nonzero(np.triu(strangers & beside & grown, 1))
        for older, younger in zip(rows[first].tolist(), rows[second].tolist(), strict=True):
            self.tracks["rival"][younger] = self.tracks["serial"][older]
            self.tracks["rival_looks"][younger] = ending.DOUBLE_LOOKS
        return len(first) > 0

    def _fit_alone(self, time_s: float) -> None:
        """Fit the ascent of a track that one satellite alone sees, if one is due."""
        row = self._ascents.due_alone(self.tracklets, self.launches, time_s)
        if row is None:
            return
        record = self.tracklets[row]
        serial = int(record["serial"])
        rays = self._tracklet_pool.rays[record["history"]]
        found = self._ascents.fitted_alone(record, rays, self.launches.get(serial), time_s)
        self.launches = {**self.launches, serial: found}

    def _untangle(self, time_s: float) -> None:
        """Share the looks of tracks that crowd out anew among them, now and then."""
        if time_s - self._untangled_s < UNTANGLE_S:
            return
        self._untangled_s = time_s
        of = np.empty(self._count, dtype=np.int64)
        chance = self.config.detection_probability
        for number in range(crowds.crowds(self.tracks, self._track_pool.rays, of)):
            rows = np.flatnonzero(of == number)
            new_rows = self._track_pool.lend(len(rows), time_s)
            old_rows = self.tracks["history"][rows].tolist()
            densest = float(self.sensors.records["clutter_per_sr"][: len(self.sensors.names)].max())
            untangled = crowds.untangle_crowd(
                self.tracks,
                self._track_pool.rays,
                rows,
                time_s - UNTANGLED_S,
                math.log(chance / densest),
                math.log(1 - chance),
                new_rows,
            )
            self._track_pool.give_back(old_rows if untangled else new_rows.tolist(), time_s)

    def _fit_ascents(self, time_s: float) -> None:
        """Fit what is due to all looks of the instants before."""
        rows = self._ascents.due(self.tracks, self.launches, time_s)
        if not rows:
            return
        launches = dict(self.launches)
        bias = self._bias_prior()
        for row in rows:
            record = self.tracks[row]
            serial = int(record["serial"])
            rays = self._track_pool.rays[record["history"]]
            found = self._ascents.fitted(record, rays, launches.get(serial), time_s, bias)
            launches[serial] = found
            if bias is not None and found.fit is not None and len(found.fit.biases):
                self.sensors.learn_bias(found.fit.biases, found.fit.biases_covariance)
            apart = not time_s - record["crowded_s"] < CROWD_MEMORY_S
            if found.fit is not None and found.fit.is_fitting and math.isnan(record["burnt_s"]) and apart:
                following.put_right(
                    self.tracks[row : row + 1],
                    found.fit.at_s,
                    found.fit.state_itrs,
                    found.fit.covariance,
                    1.0 / found.fit.exhaust_m_per_s,
                    found.fit.exhaust_sigma_m_per_s / found.fit.exhaust_m_per_s**2,
                )
        self.launches = launches

    def _associate(self, look: Look, arrays: LookArrays, sensor: int, time_s: float) -> Int64:
        """Give detections to tracks in space; return (n,) the row that took each, or NONE."""
        owner = np.empty(len(look), dtype=np.int64)
        in_view = look.view.places(look.arrays.origin, self.tracks)
        clutter_per_sr = self.sensors.clutter_per_sr(sensor, look.solid_angle_sr)
        chance = self.config.detection_probability
        while needed := following.associate(
            self.tracks,
            self._track_pool.rays,
            in_view,
            arrays,
            time_s,
            sensor,
            look.sequence,
            math.log(chance / clutter_per_sr),
            math.log(1 - chance),
            self.config.gate_sigma**2,
            self.sensors.records,
            self._pairs,
            owner,
        ):
            self._pairs = following.pair_scratch(2 * needed)
        self.sensors.count_clutter(sensor, int(np.count_nonzero(owner == NONE)), look.solid_angle_sr)
        return owner

    def _associate_tracklets(self, look: Look, arrays: LookArrays, owner: Int64, sensor: int, time_s: float) -> None:
        """Give what tracks in space left to the satellite's own tracks, and begin new ones with the rest."""
        config = self.config
        left = np.empty(len(look), dtype=np.bool_)
        while needed := tracklets.associate_tracklets(
            self.tracklets,
            self.tracks,
            self._tracklet_pool.rays,
            sensor,
            arrays,
            owner,
            config.most_detections,
            time_s,
            look.sequence,
            config.gate_sigma**2,
            config.plane_acceleration_m_per_s2,
            self._pairs,
            left,
        ):
            self._pairs = following.pair_scratch(2 * needed)
        tracklets.decide(self.tracklets, self._tracklet_pool.rays, sensor, self._rules)
        count = int(np.count_nonzero(left))
        if count == 0:
            return
        rows = self._tracklet_pool.lend(count, time_s)
        self._tracklets = grown(self._tracklets, self._tracklet_count + count)
        tracklets.begin_tracklets(
            self._tracklets,
            self._tracklet_count,
            self._tracklet_pool.rays,
            arrays,
            left,
            time_s,
            sensor,
            look.sequence,
            self._serial + 1,
            rows,
            config.plane_speed_sigma_m_per_s,
        )
        self._serial += count
        self._tracklet_count += count

    def _found(self, sensor: int, time_s: float) -> list[Ended]:
        """Begin tracks in space where lines of sight meet; return the ends of the tracks that go on in them."""
        if len(self.sensors.names) < 2:
            return []
        rows, sizes, points = self._candidates
        count = candidates(
            self.tracklets,
            self._tracklet_pool.rays,
            self.sensors.positions_at(time_s),
            sensor,
            time_s,
            self.config.gate_sigma,
            self.config.pair_hits,
            rows,
            sizes,
            points,
        )
        merged: list[Ended] = []
        gone = np.zeros(self._tracklet_count, dtype=np.int64)
        hit_scores = self._hit_scores()
        for k in range(count):
            members = rows[k, : sizes[k]]
            if gone[members].any():
                continue
            self._tracks = grown(self._tracks, self._count + 1)
            record = self._tracks[self._count : self._count + 1]
            if founding.begin_track(record, self.tracklets, self._tracklet_pool.rays, members, points[k], hit_scores):
                self._admit(record, members, time_s)
                self.sensors.founded += 1
                gone[members] = 1
                merged += self._merge(members, founder(self.naming, record[0], self.sensors.names))
            else:
                self.sensors.refused += len(members) > 2
        if merged or gone.any():
            self._drop_tracklets(gone, time_s)
        return merged

    def _bias_prior(self) -> BiasPrior | None:
        """Return what is known of the sensors' biases before any look; None where they show none."""
        if not self.sensors.biased:
            return None
        config = self.config
        return BiasPrior.of(len(self.sensors.names), config.attitude_bias_sigma_rad, config.clock_bias_sigma_s)

    def _hit_scores(self) -> Float64:
        """Return (sensors,) log of the chance to be seen over the density of clutter."""
        known = self.sensors.records["clutter_per_sr"][: len(self.sensors.names)]
        scores: Float64 = math.log(self.config.detection_probability) - np.log(known)
        return scores

    def _admit(self, record: Records, rows: Int64, time_s: float) -> None:
        """Name a new track after its oldest member and keep its looks."""
        self._serial += 1
        record["serial"] = self._serial
        record["history"] = self._track_pool.lend(1, time_s)[0]
        members = self.tracklets[rows]
        oldest = members[np.lexsort((members["index"], members["sequence"], members["sensor"], members["first_s"]))[0]]
        for name in ("sensor", "sequence", "index"):
            record[name] = oldest[name]
        founding.inherit(record, self._track_pool.rays, self.tracklets, self._tracklet_pool.rays, rows)
        self._count += 1

    def _merge(self, rows: Int64, identity: str) -> list[Ended]:
        """Return the ends of announced members whose event is not the new track's."""
        return [
            Ended(self.tracklets[row].copy(), ending.NO_LOSS, event_id(identity))
            for row in rows.tolist()
            if self.tracklets["hits"][row] >= self.config.plane_hits
            and founder(self.naming, self.tracklets[row], self.sensors.names) != identity
        ]

    def _end_tracks(self, time_s: float) -> list[Ended]:
        codes = np.empty(self._count, dtype=np.int64)
        ending.ends(self.tracks, time_s, self._rules, codes)
        over = []
        for row in np.flatnonzero(codes).tolist():
            record = self.tracks[row]
            into = self._event_of(int(record["rival"])) if codes[row] == ending.IS_DOUBLE else ""
            over.append(Ended(record.copy(), ending.why(int(codes[row]), time_s - float(record["last_hit_s"])), into))
            self._track_pool.give_back([int(record["history"])], time_s)
            self._forget_launch(int(record["serial"]))
        if over:
            kept = self.tracks[codes == ending.GOES_ON]
            self._count = len(kept)
            self._tracks[: self._count] = kept
        return over

    def _end_tracklets(self, sensor: int, time_s: float) -> list[Ended]:
        """End the satellite's tracks that are over."""
        config = self.config
        codes = np.empty(self._tracklet_count, dtype=np.int64)
        tracklets.tracklet_ends(
            self.tracklets,
            sensor,
            config.plane_hits,
            config.plane_misses,
            config.plane_misses_young,
            config.most_plane_tracks,
            codes,
        )
        over = []
        for row in np.flatnonzero(codes).tolist():
            record = self.tracklets[row]
            if record["hits"] < config.plane_hits:
                continue
            into = self._event_of(int(record["thief"])) if codes[row] == tracklets.IS_DOUBLE else ""
            over.append(
                Ended(record.copy(), ending.NO_LOSS if into else f"not seen in {int(record['misses'])} looks", into)
            )
        self._drop_tracklets(codes, time_s)
        return over

    def _event_of(self, serial: int) -> str:
        """Return the event of a track in space; empty if it is no more."""
        rows = np.flatnonzero(self.tracks["serial"] == serial)
        return event_id(founder(self.naming, self.tracks[rows[0]], self.sensors.names)) if len(rows) else ""

    def _drop_tracklets(self, gone: Int64, time_s: float) -> None:
        """Forget the tracks of single satellites that are marked by anything but 0."""
        count = int(np.count_nonzero(gone))
        if count == 0:
            return
        histories, serials = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
        self._tracklet_count = tracklets.drop(self.tracklets, gone, histories, serials)
        self._tracklet_pool.give_back(histories.tolist(), time_s)
        for serial in serials.tolist():
            self._forget_launch(serial)

    def _told_tracklets(self, sensor: int) -> Records:
        """Return copies of the satellite's announced tracks that the look saw."""
        rows = np.empty(self._tracklet_count, dtype=np.int64)
        count = tracklets.told(self.tracklets, sensor, self.config.plane_hits, rows)
        return self.tracklets[rows[:count]]

    def _forget_launch(self, serial: int) -> None:
        # Marks and changes hold the dictionary: it is replaced, never changed.
        if serial in self.launches:
            self.launches = {key: value for key, value in self.launches.items() if key != serial}
