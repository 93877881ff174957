"""From the tracker's inner tracks to the snapshots that others receive."""

import math

import numpy as np

from services.geometry.time import NS_PER_S
from services.ground_station.tracking import classify
from services.ground_station.tracking.look import Look
from services.ground_station.tracking.measurement import Measurement
from services.ground_station.tracking.plane import PlaneTrack, drift
from services.ground_station.tracking.snapshot import (
    Burnout,
    ImagePlane,
    Kinematic,
    TargetClass,
    TrackSnapshot,
    TrackState,
)
from services.ground_station.tracking.space import SpaceTrack

# The rate on the focal plane is that of the last looks.
RATE_LOOKS = 8


def event_id(identity: str) -> str:
    """Return the event's name."""
    return f"evt-{identity}"


def track_id(identity: str) -> str:
    """Return the track's name."""
    return f"trk-{identity}"


def describe_plane(
    track: PlaneTrack, epoch_unix_ns: int, *, geometry: bool, seen: bool, ended: str = "", merged_into: str = ""
) -> TrackSnapshot:
    """Return the snapshot of a track of one satellite; seen: in the look just taken."""
    newest = track.newest
    state: TrackState = "ended" if ended else "confirmed" if track.confirmed else "tentative"
    return TrackSnapshot(
        track_id(track.identity),
        event_id(track.identity),
        state,
        epoch_unix_ns + round(newest.time_s * NS_PER_S),
        _plane_classes(track, geometry),
        (newest.sensor_id,),
        track.hits,
        track.first_seen_unix_ns,
        image_plane=_image_plane(track),
        snr=newest.snr if seen else 0.0,
        detections=(newest.source,) if seen else (),
        moving=track.moving,
        geometry=geometry,
        merged_into=merged_into,
        end_reason=ended,
    )


def describe_space(track: SpaceTrack, look: Look, *, ended: str = "", merged_into: str = "") -> TrackSnapshot:
    """Return the snapshot of a track in space after a look."""
    sequence = (look.sensor_id, look.sequence)
    seen = [m for m in track.newest if (m.source.satellite_id, m.source.sequence) == sequence]
    time_s = max(track.filter.time_s, track.presence_s(look))
    state, covariance = track.filter.at(time_s)
    burnout_s = track.burnout_s() if ended else None
    return TrackSnapshot(
        track_id(track.identity),
        event_id(track.identity),
        "ended" if ended else track.state,
        track.epoch_unix_ns + round(time_s * NS_PER_S),
        dict(track.class_probability),
        tuple(track.sensor_ids),
        track.hits,
        track.first_seen_unix_ns,
        kinematic=Kinematic(state[:3].copy(), state[3:6].copy(), covariance[:6, :6].copy()),
        launch=track.launch,
        burnout=None if burnout_s is None else _burnout(track, burnout_s),
        snr=seen[0].snr if seen else 0.0,
        radiant_intensity_w_per_sr=_intensity(track.newest, state[:3]),
        detections=tuple(m.source for m in seen),
        moving=track.moving,
        merged_into=merged_into,
        end_reason=ended,
    )


def _burnout(track: SpaceTrack, time_s: float) -> Burnout:
    state, covariance = track.filter.at(time_s)
    return Burnout(
        track.epoch_unix_ns + round(time_s * NS_PER_S),
        Kinematic(state[:3].copy(), state[3:6].copy(), covariance[:6, :6].copy()),
    )


def _intensity(newest: list[Measurement], position_itrs_m: np.ndarray) -> float | None:
    """Return the mean radiant intensity over the satellites of the newest instant, W/sr."""
    values = []
    for m in newest:
        if math.isfinite(m.intensity_w_per_sr):
            values.append(m.intensity_w_per_sr)
        elif math.isfinite(m.irradiance_w_per_m2):
            distance = float(np.linalg.norm(position_itrs_m - m.origin_itrs_m))
            values.append(m.irradiance_w_per_m2 * distance**2)
    return sum(values) / len(values) if values else None


def _image_plane(track: PlaneTrack) -> ImagePlane:
    last = list(track.history)[-RATE_LOOKS:]
    pixels = np.array([[m.row, m.column] for m in last])
    rate = drift(np.array([m.time_s for m in last]), pixels, np.ones(len(last))).velocity
    newest = track.newest
    return ImagePlane(newest.sensor_id, newest.row, newest.column, float(rate[0]), float(rate[1]))


def _plane_classes(track: PlaneTrack, geometry: bool) -> dict[TargetClass, float]:
    if not geometry:
        return {"unknown": 1.0}
    if not track.confirmed:
        return dict(classify.UNDECIDED)
    return dict(classify.MOVES if track.moving else classify.STATIC)
