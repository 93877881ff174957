"""Tracks on one camera's images: a linear Kalman filter of nearly constant velocity for all at once."""

import itertools
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from services.ground_station.tracking.association.assignment import assign
from services.ground_station.tracking.snapshot import TrackDetection

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

# Looks that a track remembers: enough to show whether it moves, and its rate.
REMEMBERED_LOOKS = 24
# Row and column.
AXES = 2


@dataclass(frozen=True)
class PixelLook:
    """A detection as a track keeps it; time since the tracker's epoch."""

    time_s: float
    source: TrackDetection
    snr: float
    row: float
    column: float


@dataclass(frozen=True)
class PlaneModel:
    """How things move on the image, pixels: spread of first speed, acceleration, gate, patience."""

    speed_sigma: float
    acceleration: float
    gate_sigma: float
    hits: int
    misses_young: int
    misses: int
    most_tracks: int


@dataclass(eq=False)
class PlaneTrack:
    """What is remembered of one track beside its filter's numbers.

    identity: event and track are named after it.
    history, points, sigmas: newest looks: what was measured, where in the plane, and how surely per axis.
    hits: looks that saw it, of all `looks` since its first. misses: successive looks without it.
    """

    identity: str
    first_seen_unix_ns: int
    history: deque[PixelLook] = field(default_factory=lambda: deque(maxlen=REMEMBERED_LOOKS))
    points: deque[Float64] = field(default_factory=lambda: deque(maxlen=REMEMBERED_LOOKS))
    sigmas: deque[float] = field(default_factory=lambda: deque(maxlen=REMEMBERED_LOOKS))
    hits: int = 0
    looks: int = 0
    misses: int = 0
    confirmed: bool = False
    moving: bool = False

    @property
    def newest(self) -> PixelLook:
        """Return its newest detection."""
        return self.history[-1]

    def see(self, measured: PixelLook, point: Float64, noise: Float64) -> None:
        """Note a look that saw it."""
        self.history.append(measured)
        self.points.append(point)
        self.sigmas.append(float(np.sqrt(np.trace(noise) / 2)))
        self.hits += 1
        self.looks += 1
        self.misses = 0

    def miss(self) -> None:
        """Note a look that did not."""
        self.looks += 1
        self.misses += 1

    def drift(self) -> "Drift":
        """Return the straight line through its newest looks."""
        return drift(np.array([m.time_s for m in self.history]), np.array(self.points), np.array(self.sigmas))


@dataclass(frozen=True)
class Drift:
    """Mean velocity in the plane, its standard deviation per axis, and over how long it was seen."""

    velocity: Float64
    sigma: float
    duration_s: float

    @property
    def speed(self) -> float:
        """Return the length of the velocity."""
        return float(np.linalg.norm(self.velocity))


def drift(time_s: Float64, points: Float64, sigmas: Float64) -> Drift:
    """Return the straight line through points (n, d); sigmas: (n,) per axis. Infinitely unsure for a single instant.

    Where the points scatter more than they should about the line, it is as much less sure.
    """
    since = time_s - time_s.mean()
    spread = float(since @ since)
    if spread == 0:
        return Drift(np.zeros(points.shape[1]), np.inf, 0.0)
    velocity = since @ points / spread
    off = points - points.mean(axis=0) - since[:, None] * velocity
    scale = max(1.0, float(((off / sigmas[:, None]) ** 2).sum()) / max(2 * len(time_s) - 4, 1))
    sigma = float(np.sqrt((sigmas**2).mean() * scale / spread))
    return Drift(velocity, sigma, float(np.ptp(time_s)))


class PlaneTracks:
    """All tracks on the images of one camera."""

    def __init__(self, model: PlaneModel) -> None:
        self.model = model
        self.tracks: list[PlaneTrack] = []
        size = 2 * AXES
        # Position and velocity of each track, and their covariance.
        self.state = np.empty((0, size))
        self.covariance = np.empty((0, size, size))
        self.time_s = -np.inf

    def predict(self, time_s: float) -> None:
        """Move all tracks on to a time; one that is not later changes nothing."""
        step = time_s - self.time_s
        self.time_s = max(self.time_s, time_s)
        if not self.tracks or not 0 < step < np.inf:
            return
        size = AXES
        transition = np.eye(2 * size)
        transition[:size, size:] = step * np.eye(size)
        # A constant acceleration, drawn anew for each step.
        gain = np.concatenate([np.full(size, step**2 / 2), np.full(size, step)])
        same_axis = np.tile(np.eye(size), (2, 2))
        noise = np.outer(gain, gain) * same_axis * self.model.acceleration**2
        self.state = self.state @ transition.T
        self.covariance = transition @ self.covariance @ transition.T + noise

    def associate(self, points: Float64, noise: Float64) -> tuple[Int64, Int64]:
        """Return (tracks, detections), indices of the pairs chosen.

        points: (n, d), not more than the caller's bound; noise: (n, d, d) their covariance.
        """
        tracks, detections, distance, log_volume = self.gated(points, noise)
        chosen = np.empty(len(tracks), dtype=np.bool_)
        # As many pairs as possible, and of these choices the likeliest.
        assign(tracks, detections, 1e6 - distance - log_volume, len(tracks), len(points), chosen)
        return tracks[chosen], detections[chosen]

    def gated(self, points: Float64, noise: Float64) -> tuple[Int64, Int64, Float64, Float64]:
        """Return all pairs within the gate: track, detection, squared distance, log determinant of its covariance."""
        empty = np.empty(0, dtype=np.int64)
        if not self.tracks or len(points) == 0:
            return empty, empty, np.empty(0), np.empty(0)
        size = AXES
        gate = self.model.gate_sigma**2
        apart = points[None, :, :] - self.state[:, None, :size]
        # No covariance is longer than its trace: what fails this fails the true test, and that is nearly all.
        reach = np.trace(self.covariance[:, :size, :size], axis1=1, axis2=2)[:, None]
        reach = gate * (reach + np.trace(noise, axis1=1, axis2=2)[None, :])
        track, detection = np.nonzero(np.einsum("tnd,tnd->tn", apart, apart) <= reach)
        spread = self.covariance[track, :size, :size] + noise[detection]
        offset = apart[track, detection]
        distance = np.einsum("kd,kd->k", offset, np.linalg.solve(spread, offset[:, :, None])[:, :, 0])
        within = distance <= gate
        _, log_volume = np.linalg.slogdet(spread[within])
        return track[within], detection[within], distance[within], log_volume

    def update(self, tracks: Int64, points: Float64, noise: Float64) -> None:
        """Correct tracks with one point each; the three arguments go together."""
        if len(tracks) == 0:
            return
        size = AXES
        covariance = self.covariance[tracks]
        gain = covariance[:, :, :size] @ np.linalg.inv(covariance[:, :size, :size] + noise)
        offset = points - self.state[tracks, :size]
        self.state[tracks] += np.einsum("kij,kj->ki", gain, offset)
        keep = np.broadcast_to(np.eye(2 * size), covariance.shape).copy()
        keep[:, :, :size] -= gain
        # Joseph's form: stays symmetric and positive whatever the rounding.
        corrected = keep @ covariance @ keep.transpose(0, 2, 1) + gain @ noise @ gain.transpose(0, 2, 1)
        self.covariance[tracks] = corrected

    def found(self, tracks: Iterable[PlaneTrack], points: Float64, noise: Float64) -> None:
        """Begin tracks at points."""
        new = list(tracks)
        if not new:
            return
        size = AXES
        state = np.zeros((len(new), 2 * size))
        state[:, :size] = points
        covariance = np.zeros((len(new), 2 * size, 2 * size))
        covariance[:, :size, :size] = noise
        covariance[:, size:, size:] = np.eye(size) * self.model.speed_sigma**2
        self.tracks += new
        self.state = np.concatenate([self.state, state])
        self.covariance = np.concatenate([self.covariance, covariance])

    def expired(self) -> list[PlaneTrack]:
        """Return tracks that have gone unseen for too long, and the weakest of those beyond the bound."""
        over = [track for track in self.tracks if self._is_over(track)]
        spare = len(self.tracks) - len(over) - self.model.most_tracks
        if spare > 0:
            living = [track for track in self.tracks if not self._is_over(track)]
            over += sorted(living, key=lambda track: (track.hits - track.misses, track.newest.snr))[:spare]
        return over

    def remove(self, gone: Iterable[PlaneTrack]) -> None:
        """Forget tracks."""
        names = {id(track) for track in gone}
        if not names:
            return
        kept = [id(track) not in names for track in self.tracks]
        self.tracks = list(itertools.compress(self.tracks, kept))
        self.state = self.state[kept]
        self.covariance = self.covariance[kept]

    def _is_over(self, track: PlaneTrack) -> bool:
        grown = track.hits >= 2 * self.model.hits
        # Seen in less than half of its looks it is noise that comes and goes.
        fickle = track.looks >= 8 and track.hits < 0.4 * track.looks
        return fickle or track.misses > (self.model.misses if grown else self.model.misses_young)
