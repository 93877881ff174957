"""Tracks on the images of a satellite of which no geometry is known: recorded sequences."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from services.geometry.time import NS_PER_S
from services.ground_station.detection_batch import DetectionBatch
from services.ground_station.tracking.config import TrackingConfig
from services.ground_station.tracking.describe import describe_plane
from services.ground_station.tracking.measurement import Measurement
from services.ground_station.tracking.plane import PlaneModel, PlaneTrack, PlaneTracks
from services.ground_station.tracking.snapshot import TrackDetection, TrackSnapshot

Float64 = NDArray[np.float64]

# What moves on an image goes so far, and so surely.
MOVING_PX = 3.0
MOVING_SIGMA = 6.0
NOWHERE = np.full(3, np.nan)


class ImageTracks:
    """All tracks of one such satellite; rows and columns in the place of the ground."""

    def __init__(self, config: TrackingConfig) -> None:
        self.config = config
        self.plane = PlaneTracks(
            PlaneModel(
                2,
                config.image_speed_sigma_px_per_s,
                config.image_acceleration_px_per_s2,
                config.gate_sigma,
                config.plane_hits,
                config.plane_misses_young,
                config.plane_misses,
                config.most_plane_tracks,
            )
        )

    def update(
        self, batch: DetectionBatch, epoch_unix_ns: int, identify: Callable[[Measurement], str]
    ) -> list[TrackSnapshot]:
        """Return the tracks that a look changed, newly ended ones included."""
        plane, found = self.plane, batch.detections
        time_s = (batch.mid_exposure_unix_ns - epoch_unix_ns) / NS_PER_S
        plane.predict(time_s)
        points = np.stack([found.row, found.column], axis=1)[: self.config.most_detections]
        noise = self._noise(found.covariance_px2[: self.config.most_detections])
        tracks, detections = plane.associate(points, noise)
        plane.update(tracks, points[detections], noise[detections])
        for row, place in zip(tracks.tolist(), detections.tolist(), strict=True):
            plane.tracks[row].see(_measurement(batch, place, time_s), points[place], noise[place])
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
            first = _measurement(batch, place, time_s)
            new.append(PlaneTrack(identify(first), batch.mid_exposure_unix_ns))
            new[-1].see(first, points[place], noise[place])
        plane.found(new, points[free], noise[free])
        changed = [
            describe_plane(track, epoch_unix_ns, geometry=False, seen=True)
            for track in seen
            if track.hits >= self.config.plane_hits
        ]
        gone = plane.expired()
        names = {id(track) for track in gone}
        changed = [
            each for each, track in zip(changed, _announced(seen, self.config), strict=True) if id(track) not in names
        ]
        changed += [
            describe_plane(track, epoch_unix_ns, geometry=False, seen=False, ended=f"not seen in {track.misses} looks")
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

    def _decide(self, track: PlaneTrack) -> None:
        if track.hits >= 2 * self.config.plane_hits and track.hits >= self.config.hit_ratio * track.looks:
            way = track.drift()
            track.confirmed = True
            goes = way.speed > MOVING_SIGMA * way.sigma and way.speed * way.duration_s > MOVING_PX
            track.moving = track.moving or goes


def _announced(tracks: list[PlaneTrack], config: TrackingConfig) -> list[PlaneTrack]:
    return [track for track in tracks if track.hits >= config.plane_hits]


def _measurement(batch: DetectionBatch, place: int, time_s: float) -> Measurement:
    found = batch.detections
    return Measurement(
        time_s,
        TrackDetection(batch.satellite_id, batch.sequence, place),
        NOWHERE,
        NOWHERE,
        np.nan,
        np.nan,
        float(found.snr[place]),
        np.nan,
        np.nan,
        float(found.row[place]),
        float(found.column[place]),
    )
