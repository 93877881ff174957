"""New tracks in space, from tracks of single satellites whose lines of sight meet."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.geometry.ellipsoid import itrs_to_geodetic
from services.ground_station.tracking.config import TrackingConfig
from services.ground_station.tracking.fit import Fit, fit_motion, weights
from services.ground_station.tracking.measurement import Measurement, rays
from services.ground_station.tracking.plane import PlaneTrack, PlaneTracks

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

# Where heat can be: from the ground, give or take, to where boost ends.
LOWEST_M = -3000.0
HIGHEST_M = 1_500_000.0
# Nothing that burns goes faster, relative to the ground.
FASTEST_M_PER_S = 8000.0
# Lines of sight nearer to parallel than this do not meet anywhere in particular.
SMALLEST_SINE = 0.02
# Looks of another satellite older than this do not pair with one of now.
OLDEST_S = 2.0
# What a track of one satellite contributes: newer looks than this.
MEMORY_S = 6.0
# Pairs tried a look, the best-meeting first.
MOST_TRIALS = 60
# Two lines of sight that meet by chance do so with any chi-square; true ones stay below this per degree of freedom.
FOUNDING_CHI2 = 2.5


@dataclass(frozen=True)
class Founding:
    """A track in space to be: who contributes, and the motion that fits all their looks."""

    members: tuple[PlaneTrack, ...]
    measurements: tuple[Measurement, ...]
    motion: Fit


@dataclass(frozen=True)
class Aim:
    """Where one satellite's tracks lie in the sky now: origin (3,), line of sight (n, 3), sigma (n,) rad."""

    tracks: tuple[PlaneTrack, ...]
    origin_itrs_m: Float64
    los_itrs: Float64
    sigma_rad: Float64


def foundings(
    sensor_id: str,
    planes: Mapping[str, PlaneTracks],
    origins_itrs_m: Mapping[str, Float64],
    time_s: float,
    config: TrackingConfig,
) -> list[Founding]:
    """Return tracks in space that begin with a satellite's present look; no track contributes to two.

    origins_itrs_m: where each satellite is now. Candidates that more satellites support come first, then those that
    fit better: a ghost of two unrelated sources has no third witness.
    """
    own = aim(planes[sensor_id], origins_itrs_m[sensor_id], time_s, config, newest_s=0.1)
    others = {
        name: aim(planes[name], origins_itrs_m[name], time_s, config, newest_s=OLDEST_S)
        for name in sorted(planes)
        if name != sensor_id and name in origins_itrs_m
    }
    candidates = []
    for name, other in others.items():
        for mine, theirs, miss in _meetings(own, other, config):
            point, apart = miss
            members = [own.tracks[mine], other.tracks[theirs]]
            for third, their_aim in others.items():
                if third != name:
                    members += _witness(their_aim, point, config)
            candidates.append((-len(members), apart, members))
    # The order of candidates that tie is that of the tracks, thus of the batches.
    candidates.sort(key=lambda candidate: candidate[:2])
    made: list[Founding] = []
    used: set[int] = set()
    for _, _, members in candidates[:MOST_TRIALS]:
        free = [member for member in members if id(member) not in used]
        if len(free) < len(members):
            continue
        founding = _fitted(free, time_s, config) or (_fitted(free[:2], time_s, config) if len(free) > 2 else None)
        if founding is not None:
            made.append(founding)
            used.update(id(member) for member in founding.members)
    return made


def aim(plane: PlaneTracks, origin_itrs_m: Float64, time_s: float, config: TrackingConfig, newest_s: float) -> Aim:
    """Return where a satellite's announced tracks, seen within `newest_s`, lie in the sky at a time."""
    places = [
        place
        for place, track in enumerate(plane.tracks)
        if track.hits >= config.plane_hits and time_s - track.newest.time_s <= newest_s
    ]
    tracks = tuple(plane.tracks[place] for place in places)
    ahead = np.array([time_s - track.newest.time_s for track in tracks])
    points = plane.state[places, :3] + (time_s - plane.time_s) * plane.state[places, 3:]
    los = points - origin_itrs_m
    distance = np.linalg.norm(los, axis=1)
    los = los / distance[:, None] if len(los) else los.reshape(0, 3)
    spread = np.array([track.newest.sigma_rad for track in tracks])
    velocity_sigma = np.sqrt(np.trace(plane.covariance[places, 3:, 3:], axis1=1, axis2=2) / 2)
    # The newest looks themselves are sharper than the filter's lag, and what is older has moved on.
    for place, track in enumerate(tracks):
        if ahead[place] < 0.05:
            los[place] = track.newest.los_itrs
    sigma = np.hypot(spread, np.maximum(ahead, 0.0) * velocity_sigma / np.maximum(distance, 1.0))
    return Aim(tracks, origin_itrs_m, los, sigma)


def _meetings(own: Aim, other: Aim, config: TrackingConfig) -> list[tuple[int, int, tuple[Float64, float]]]:
    """Return pairs whose lines of sight meet: places in both, the point (3,), and the miss in standard deviations."""
    if not own.tracks or not other.tracks:
        return []
    baseline = other.origin_itrs_m - own.origin_itrs_m
    u, v = own.los_itrs[:, None, :], other.los_itrs[None, :, :]
    cosine = np.sum(u * v, axis=2)
    sine2 = 1 - cosine**2
    with np.errstate(divide="ignore", invalid="ignore"):
        along_u = (own.los_itrs @ baseline)[:, None] - cosine * (other.los_itrs @ baseline)[None, :]
        along_v = cosine * (own.los_itrs @ baseline)[:, None] - (other.los_itrs @ baseline)[None, :]
        range_u, range_v = along_u / sine2, along_v / sine2
        first = own.origin_itrs_m + range_u[:, :, None] * u
        second = other.origin_itrs_m + range_v[:, :, None] * v
        miss = np.linalg.norm(first - second, axis=2)
        sigma = np.hypot(range_u * own.sigma_rad[:, None], range_v * other.sigma_rad[None, :])
        apart = miss / sigma
        meets = (range_u > 0) & (range_v > 0) & (sine2 > SMALLEST_SINE**2) & (apart < config.gate_sigma)
    mine, theirs = np.nonzero(meets)
    if len(mine) == 0:
        return []
    points = (first[mine, theirs] + second[mine, theirs]) / 2
    # How far the crossing may lie off along the lines of sight.
    slack = 4 * sigma[mine, theirs] / np.sqrt(sine2[mine, theirs])
    height = itrs_to_geodetic(points)[2]
    kept = np.flatnonzero((height > LOWEST_M - slack) & (height < HIGHEST_M))
    return [(int(mine[k]), int(theirs[k]), (points[k], float(apart[mine[k], theirs[k]]))) for k in kept]


def _witness(other: Aim, point_itrs_m: Float64, config: TrackingConfig) -> list[PlaneTrack]:
    """Return the one track of a further satellite that looks at a point; empty where there is none."""
    if not other.tracks:
        return []
    ray = point_itrs_m - other.origin_itrs_m
    distance = float(np.linalg.norm(ray))
    angle = np.linalg.norm(other.los_itrs - ray / distance, axis=1)
    # The point is itself uncertain, by about as much as a line of sight.
    apart = angle / (2 * other.sigma_rad)
    best = int(np.argmin(apart))
    return [other.tracks[best]] if apart[best] < config.gate_sigma else []


def _fitted(members: Sequence[PlaneTrack], time_s: float, config: TrackingConfig) -> Founding | None:
    """Return the founding if one motion explains the looks of all members; None where it does not."""
    looks = [m for member in members for m in member.history if time_s - m.time_s <= MEMORY_S]
    looks.sort(key=lambda m: (m.time_s, m.sensor_id))
    lines = rays(looks)
    near = _crossing(members)
    prior = (math.inf, FASTEST_M_PER_S / 2, config.acceleration_sigma_m_per_s2)
    motion = None
    for _ in range(2):
        motion = fit_motion(lines, weights(lines, near), 2, float(lines.time_s.max()), prior)
        if motion is None:
            return None
        near = motion.coefficients[0]
    if motion is None or motion.chi2 > FOUNDING_CHI2 * (2 * len(lines) - 3):
        return None
    if float(np.linalg.norm(motion.coefficients[1])) > FASTEST_M_PER_S:
        return None
    height = float(itrs_to_geodetic(near)[2])
    slack = 4 * math.sqrt(float(np.linalg.eigvalsh(motion.covariance[:3, :3])[-1]))
    if not LOWEST_M - slack < height < HIGHEST_M:
        return None
    return Founding(tuple(members), tuple(looks), motion)


def _crossing(members: Sequence[PlaneTrack]) -> Float64:
    """Return the point nearest to the newest lines of sight of all members."""
    normal, right = np.zeros((3, 3)), np.zeros(3)
    for member in members:
        newest = member.newest
        across = np.eye(3) - np.outer(newest.los_itrs, newest.los_itrs)
        normal += across
        right += across @ newest.origin_itrs_m
    return np.asarray(np.linalg.solve(normal, right), dtype=np.float64)
