"""Tracks on the images of a satellite of which no geometry is known: recorded sequences."""

import numpy as np
from numpy.typing import NDArray

from services.ground_station.detection_batch import DetectionBatch
from services.ground_station.tracking.config import TrackingConfig
from services.ground_station.tracking.describe import Naming, event_id, track_id
from services.ground_station.tracking.look import seconds
from services.ground_station.tracking.plane import PixelLook, PlaneModel, PlaneTrack, PlaneTracks, drift
from services.ground_station.tracking.snapshot import ImagePlane, TrackDetection, TrackSnapshot, TrackState

Float64 = NDArray[np.float64]

# What moves on an image goes so far, and so surely.
MOVING_PX = 3.0
MOVING_SIGMA = 6.0
# The rate on the image is that of the last looks.
RATE_LOOKS = 8


class ImageTracks:
    """All tracks of one such satellite; rows and columns in the place of the ground."""

    def __init__(self, config: TrackingConfig, naming: Naming) -> None:
        self.config = config
        self.naming = naming
        self.plane = PlaneTracks(
            PlaneModel(
                config.image_speed_sigma_px_per_s,
                config.image_acceleration_px_per_s2,
                config.gate_sigma,
                config.plane_hits,
                config.plane_misses_young,
                config.plane_misses,
                config.most_plane_tracks,
            )
        )

    def update(self, batch: DetectionBatch) -> list[TrackSnapshot]:
        """Return the tracks that a look changed, newly ended ones included."""
        plane, found = self.plane, batch.detections
        time_s = seconds(batch.mid_exposure_unix_ns, self.naming.epoch_unix_ns)
        plane.predict(time_s)
        points = np.stack([found.row, found.column], axis=1)[: self.config.most_detections]
        noise = self._noise(found.covariance_px2[: self.config.most_detections])
        tracks, detections = plane.associate(points, noise)
        plane.update(tracks, points[detections], noise[detections])
        for row, place in zip(tracks.tolist(), detections.tolist(), strict=True):
            plane.tracks[row].see(_look(batch, place, time_s), points[place], noise[place])
        hit = set(tracks.tolist())
        for row, track in enumerate(plane.tracks):
            if row not in hit:
                track.miss()
        seen = [plane.tracks[row] for row in sorted(hit)]
        for track in seen:
            self._decide(track)
        free = np.setdiff1d(np.arange(len(points)), detections)
        new = []
        for place in free.tolist():
            first = _look(batch, place, time_s)
            identity = self.naming.identity(batch.satellite_id, batch.sequence, place)
            new.append(PlaneTrack(identity, batch.mid_exposure_unix_ns))
            new[-1].see(first, points[place], noise[place])
        plane.found(new, points[free], noise[free])
        changed = [self._describe(track, seen=True) for track in seen if track.hits >= self.config.plane_hits]
        gone = plane.expired()
        names = {id(track) for track in gone}
        changed = [
            each for each, track in zip(changed, _announced(seen, self.config), strict=True) if id(track) not in names
        ]
        changed += [
            self._describe(track, seen=False, ended=f"not seen in {track.misses} looks")
            for track in gone
            if track.hits >= self.config.plane_hits
        ]
        plane.remove(gone)
        return changed

    def _noise(self, covariance_px2: Float64) -> Float64:
        """Return (n, 2, 2) covariances of row and column."""
        noise = np.empty((len(covariance_px2), 2, 2))
        unknown = covariance_px2[:, 0] + covariance_px2[:, 2] <= 0
        noise[:, 0, 0] = np.where(unknown, self.config.centroid_default_px**2, covariance_px2[:, 0])
        noise[:, 1, 1] = np.where(unknown, self.config.centroid_default_px**2, covariance_px2[:, 2])
        noise[:, 0, 1] = noise[:, 1, 0] = np.where(unknown, 0.0, covariance_px2[:, 1])
        return noise + np.eye(2) * (2 * self.config.centroid_floor_px) ** 2

    def _describe(self, track: PlaneTrack, *, seen: bool, ended: str = "") -> TrackSnapshot:
        newest = track.newest
        state: TrackState = "ended" if ended else "confirmed" if track.confirmed else "tentative"
        return TrackSnapshot(
            track_id(track.identity),
            event_id(track.identity),
            state,
            self.naming.unix_ns(newest.time_s),
            {"unknown": 1.0},
            (newest.source.satellite_id,),
            track.hits,
            track.first_seen_unix_ns,
            image_plane=_image_plane(track),
            snr=newest.snr if seen else 0.0,
            detections=(newest.source,) if seen else (),
            moving=track.moving,
            geometry=False,
            end_reason=ended,
        )

    def _decide(self, track: PlaneTrack) -> None:
        if track.hits >= 2 * self.config.plane_hits and track.hits >= self.config.hit_ratio * track.looks:
            way = track.drift()
            track.confirmed = True
            goes = way.speed > MOVING_SIGMA * way.sigma and way.speed * way.duration_s > MOVING_PX
            track.moving = track.moving or goes


def _image_plane(track: PlaneTrack) -> ImagePlane:
    last = list(track.history)[-RATE_LOOKS:]
    pixels = np.array([[look.row, look.column] for look in last])
    rate = drift(np.array([look.time_s for look in last]), pixels, np.ones(len(last))).velocity
    newest = track.newest
    return ImagePlane(newest.source.satellite_id, newest.row, newest.column, float(rate[0]), float(rate[1]))


def _announced(tracks: list[PlaneTrack], config: TrackingConfig) -> list[PlaneTrack]:
    return [track for track in tracks if track.hits >= config.plane_hits]


def _look(batch: DetectionBatch, place: int, time_s: float) -> PixelLook:
    found = batch.detections
    return PixelLook(
        time_s,
        TrackDetection(batch.satellite_id, batch.sequence, place),
        float(found.snr[place]),
        float(found.row[place]),
        float(found.column[place]),
    )
