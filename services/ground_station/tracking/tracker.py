"""The tracker: detection batches in, track snapshots out.

Each look goes first to the tracks in space, decided ones before others; what they leave, to the tracks that its
satellite holds by itself; what these leave founds new ones. Tracks of two satellites whose lines of sight meet, and
whose looks one motion explains, become a track in space. Pure: no clock, no chance, and no state beyond its own.
"""

import hashlib

import numpy as np
from numpy.typing import NDArray

from services.ground_station.detection_batch import DetectionBatch
from services.ground_station.tracking.assignment import assign
from services.ground_station.tracking.config import TrackingConfig
from services.ground_station.tracking.describe import describe_plane, describe_space, event_id
from services.ground_station.tracking.initiation import OLDEST_S, foundings
from services.ground_station.tracking.look import Look, look_from_batch, seconds
from services.ground_station.tracking.measurement import Measurement, measurement
from services.ground_station.tracking.plane import PlaneModel, PlaneTrack, PlaneTracks, ground_noise
from services.ground_station.tracking.plane_images import ImageTracks
from services.ground_station.tracking.snapshot import TrackSnapshot
from services.ground_station.tracking.space import SpaceTrack

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

# Looks in a row in which another track took its detection, after which a track is that other's double.
DOUBLE_PLANE = 2
DOUBLE_SPACE = 4
NO_LOSS = "another track explains what it saw"


class Tracker:
    """Follows everything that the satellites of one run detect."""

    def __init__(self, config: TrackingConfig, run_id: str) -> None:
        self.config = config
        self.run_id = run_id
        self.epoch_unix_ns: int | None = None
        self.now_s = 0.0
        self.space: list[SpaceTrack] = []
        self.planes: dict[str, PlaneTracks] = {}
        self.images: dict[str, ImageTracks] = {}
        # Newest position and velocity of each satellite, ITRS.
        self._satellites: dict[str, tuple[float, Float64, Float64]] = {}

    def update(self, batch: DetectionBatch) -> list[TrackSnapshot]:
        """Return the tracks that this look changed, newly ended ones included.

        Batches of one satellite come in the order of their sequence numbers; satellites may come in any order, and
        up to some seconds apart. The same batches in the same order give the same snapshots. A batch whose frame
        could not be searched changes nothing.
        """
        if batch.detections.reason:
            return []
        self._begin(batch.mid_exposure_unix_ns)
        look = look_from_batch(batch, self.config)
        if look is not None:
            return self.update_look(look)
        images = self.images.setdefault(batch.satellite_id, ImageTracks(self.config))
        return images.update(batch, self._epoch, self._identity)

    def update_look(self, look: Look) -> list[TrackSnapshot]:
        """Return the same for a look whose lines of sight are known."""
        self._begin(look.time_unix_ns)
        time_s = seconds(look.time_unix_ns, self._epoch)
        self.now_s = max(self.now_s, time_s)
        self._move_satellite(look, time_s)
        changed: list[TrackSnapshot] = []
        taken = self._associate_space(look, time_s)
        changed += self._update_plane(look, time_s, taken)
        born = self._promote(look, time_s, changed)
        self._judge(look, changed, {id(track) for track, _ in taken} | {id(track) for track in born})
        return changed

    @property
    def _epoch(self) -> int:
        return self.epoch_unix_ns or 0

    def _begin(self, time_unix_ns: int) -> None:
        if self.epoch_unix_ns is None:
            self.epoch_unix_ns = time_unix_ns

    def _identity(self, first: Measurement) -> str:
        source = first.source
        text = f"{self.run_id}/{source.satellite_id}/{source.sequence}/{source.index}"
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()

    def _move_satellite(self, look: Look, time_s: float) -> None:
        before = self._satellites.get(look.sensor_id)
        velocity = np.zeros(3)
        if before is not None and 0 < time_s - before[0] < 2 * OLDEST_S:
            velocity = (look.position_itrs_m - before[1]) / (time_s - before[0])
        self._satellites[look.sensor_id] = (time_s, look.position_itrs_m, velocity)

    def _associate_space(self, look: Look, time_s: float) -> list[tuple[SpaceTrack, int]]:
        """Give detections to tracks in space; return who took which place of the look's arrays."""
        taken: list[tuple[SpaceTrack, int]] = []
        owner: dict[int, SpaceTrack] = {}
        gates: dict[int, Int64] = {}
        for decided in (True, False):
            group = [track for track in self.space if (track.state == "confirmed") == decided]
            tracks, detections, costs = [], [], []
            for place, track in enumerate(group):
                within, cost = track.gate(look)
                gates[id(track)] = within
                for detection, each in zip(within.tolist(), cost.tolist(), strict=True):
                    if detection not in owner:
                        tracks.append(place)
                        detections.append(detection)
                        costs.append(each)
            pairs = assign(np.array(tracks, dtype=np.int64), np.array(detections, dtype=np.int64), np.array(costs))
            for pair in pairs:
                owner[detections[pair]] = group[tracks[pair]]
                taken.append((group[tracks[pair]], detections[pair]))
        hit = {id(track) for track, _ in taken}
        for track, detection in taken:
            track.add(measurement(look, detection, self._epoch))
            track.rivals.clear()
        missed = [track for track in self.space if id(track) not in hit]
        if missed:
            positions = np.array([track.filter.at(time_s)[0][:3] for track in missed])
            for track, in_view in zip(missed, look.sees(positions).tolist(), strict=True):
                if in_view:
                    track.miss(look.sensor_id, time_s)
                    track.note_rivals([owner[place].identity for place in gates[id(track)].tolist() if place in owner])
        return taken

    def _update_plane(self, look: Look, time_s: float, taken: list[tuple[SpaceTrack, int]]) -> list[TrackSnapshot]:
        """Move the satellite's own tracks on by the look; return those that changed."""
        plane = self.planes.setdefault(look.sensor_id, PlaneTracks(self._plane_model()))
        plane.predict(time_s)
        points = look.origin_itrs_m + look.range_m[:, None] * look.los_itrs
        noise = ground_noise(look.los_itrs, points, look.sigma_rad * look.range_m)
        used = {place: track for track, place in taken}
        free = np.array([place for place in range(len(look)) if place not in used], dtype=np.int64)
        free = free[: self.config.most_detections]
        merged = self._note_stolen(plane, points, noise, used)
        tracks, chosen = plane.associate(points[free], noise[free])
        places = free[chosen]
        plane.update(tracks, points[places], noise[places])
        hit = set(tracks.tolist())
        for row, place in zip(tracks.tolist(), places.tolist(), strict=True):
            plane.tracks[row].see(measurement(look, place, self._epoch), points[place], noise[place])
        for row, track in enumerate(plane.tracks):
            if row not in hit:
                track.miss()
        seen = [plane.tracks[row] for row in sorted(hit)]
        self._found(plane, look, np.setdiff1d(free, places), points, noise)
        for track in seen:
            self._decide_plane(track)
        changed = [
            describe_plane(track, self._epoch, geometry=True, seen=True)
            for track in seen
            if track.hits >= self.config.plane_hits
        ]
        # A track may be young enough to expire in the very look that merges it.
        doubles = [track for track in plane.tracks if id(track) in merged and track.stolen >= DOUBLE_PLANE]
        gone = {id(track): track for track in [*doubles, *plane.expired()]}
        for track in gone.values():
            if track.hits >= self.config.plane_hits:
                into = merged.get(id(track), "") if track.stolen else ""
                reason = NO_LOSS if into else f"not seen in {track.misses} looks"
                changed.append(
                    describe_plane(track, self._epoch, geometry=True, seen=False, ended=reason, merged_into=into)
                )
        plane.remove(gone.values())
        return [
            snapshot for snapshot in changed if snapshot.state == "ended" or snapshot.track_id not in _ended(changed)
        ]

    def _note_stolen(
        self, plane: PlaneTracks, points: Float64, noise: Float64, used: dict[int, SpaceTrack]
    ) -> dict[int, str]:
        """Count looks that gave away what a track might have had; return whose event took it, by the track's id()."""
        places = np.array(sorted(used), dtype=np.int64)
        rows, columns, distance, _ = plane.gated(points[places], noise[places])
        merged: dict[int, str] = {}
        for k in np.argsort(distance, kind="stable")[::-1].tolist():
            merged[id(plane.tracks[rows[k]])] = event_id(used[int(places[columns[k]])].identity)
        for track in plane.tracks:
            if id(track) in merged:
                track.stolen += 1
        return merged

    def _found(self, plane: PlaneTracks, look: Look, places: Int64, points: Float64, noise: Float64) -> None:
        new = []
        for place in places.tolist():
            first = measurement(look, place, self._epoch)
            track = PlaneTrack(self._identity(first), look.time_unix_ns)
            track.see(first, points[place], noise[place])
            new.append(track)
        plane.found(new, points[places], noise[places])

    def _decide_plane(self, track: PlaneTrack) -> None:
        """Decide whether what one satellite sees moves over the ground or stays; parallax of cloud is no motion."""
        if track.hits < self.config.decide_hits or track.hits < self.config.hit_ratio * track.looks:
            return
        way = track.drift()
        if way.duration_s < self.config.decide_s:
            return
        if way.speed - 6 * way.sigma > self.config.plane_moving_m_per_s:
            track.confirmed, track.moving = True, True
        elif way.duration_s >= self.config.static_s and way.speed + 3 * way.sigma < self.config.travelling_m_per_s:
            track.confirmed, track.moving = True, False

    def _promote(self, look: Look, time_s: float, changed: list[TrackSnapshot]) -> list[SpaceTrack]:
        """Found tracks in space; their members leave the planes, and all but the oldest end as merged."""
        origins = {
            name: position + (time_s - then) * velocity
            for name, (then, position, velocity) in self._satellites.items()
            if abs(time_s - then) <= OLDEST_S
        }
        born = []
        for founding in foundings(look.sensor_id, self.planes, origins, time_s, self.config):
            track = SpaceTrack(founding, self.config, self._epoch)
            born.append(track)
            self.space.append(track)
            for member in founding.members:
                self.planes[member.newest.sensor_id].remove([member])
                if member.identity != track.identity:
                    changed.append(
                        describe_plane(
                            member,
                            self._epoch,
                            geometry=True,
                            seen=False,
                            ended=NO_LOSS,
                            merged_into=event_id(track.identity),
                        )
                    )
            members = {event_id(member.identity) for member in founding.members}
            # What this look already said of a member is said better by the new track.
            changed[:] = [each for each in changed if each.event_id not in members or each.state == "ended"]
        return born

    def _judge(self, look: Look, changed: list[TrackSnapshot], hit: set[int]) -> None:
        """Decide about the tracks in space, end those that are over, and add what changed."""
        gone: set[int] = set()
        for track in self.space:
            if id(track) in hit:
                track.judge_now(self.now_s)
        for track in self.space:
            rival = self._double_of(track, gone)
            if rival is not None:
                gone.add(id(track))
                changed.append(describe_space(track, look, ended=NO_LOSS, merged_into=event_id(rival.identity)))
                continue
            reason = track.over(self.now_s)
            if reason:
                gone.add(id(track))
                changed.append(describe_space(track, look, ended=reason))
            elif id(track) in hit or (track.views and track.views[-1][1] == look.sensor_id):
                changed.append(describe_space(track, look))
        self.space = [track for track in self.space if id(track) not in gone]

    def _double_of(self, track: SpaceTrack, gone: set[int]) -> SpaceTrack | None:
        """Return the track that this one is a double of: it takes all this one's detections."""
        for rival in self.space:
            if rival is not track and id(rival) not in gone and track.rivals.get(rival.identity, 0) >= DOUBLE_SPACE:
                return rival
        return None

    def _plane_model(self) -> PlaneModel:
        config = self.config
        return PlaneModel(
            3,
            config.plane_speed_sigma_m_per_s,
            config.plane_acceleration_m_per_s2,
            config.gate_sigma,
            config.plane_hits,
            config.plane_misses_young,
            config.plane_misses,
            config.most_plane_tracks,
        )


def _ended(snapshots: list[TrackSnapshot]) -> set[str]:
    return {snapshot.track_id for snapshot in snapshots if snapshot.state == "ended"}
