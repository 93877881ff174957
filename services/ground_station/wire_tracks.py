"""Track snapshots as messages: what watchers get, and the parts of a track that an alert repeats."""

from collections.abc import Iterable, Mapping

import numpy as np

from plumewatch.v1 import frame_pb2, track_pb2
from services.geometry.ellipsoid import itrs_to_geodetic
from services.ground_station.tracking.snapshot import (
    TARGET_CLASSES,
    ImagePlane,
    Kinematic,
    LaunchEstimate,
    TargetClass,
    TrackSnapshot,
)

CLASSES: dict[TargetClass, track_pb2.TargetClass] = {
    "ballistic": track_pb2.TARGET_CLASS_BALLISTIC,
    "glide": track_pb2.TARGET_CLASS_GLIDE,
    "cruise": track_pb2.TARGET_CLASS_CRUISE,
    "space_launch": track_pb2.TARGET_CLASS_SPACE_LAUNCH,
    "static_heat": track_pb2.TARGET_CLASS_STATIC_HEAT,
    "unknown": track_pb2.TARGET_CLASS_UNKNOWN,
}
STATES = {
    "tentative": track_pb2.TRACK_STATE_TENTATIVE,
    "confirmed": track_pb2.TRACK_STATE_CONFIRMED,
    "ended": track_pb2.TRACK_STATE_ENDED,
}


def track_message(snapshot: TrackSnapshot, run_id: str) -> track_pb2.Track:
    """Return the snapshot as watchers get it."""
    track = track_pb2.Track(
        track_id=snapshot.track_id,
        run_id=run_id,
        time_unix_ns=snapshot.time_unix_ns,
        state=STATES[snapshot.state],
        target_class=CLASSES[snapshot.target_class],
        class_probabilities=class_probability_messages(snapshot.class_probability),
        satellite_ids=snapshot.satellite_ids,
        snr=snapshot.snr,
        radiant_intensity_w_per_sr=snapshot.radiant_intensity_w_per_sr,
        first_seen_unix_ns=snapshot.first_seen_unix_ns,
        hits=snapshot.hits,
    )
    if snapshot.kinematic is not None:
        track.kinematic.CopyFrom(kinematic_message(snapshot.kinematic))
    if snapshot.image_plane is not None:
        track.image_plane.CopyFrom(image_plane_message(snapshot.image_plane))
    if snapshot.launch is not None:
        track.launch.CopyFrom(launch_message(snapshot.launch))
    for look in snapshot.detections:
        track.detections.add(satellite_id=look.satellite_id, sequence=look.sequence, index=look.index)
    return track


def class_probability_messages(probability: Mapping[TargetClass, float]) -> list[track_pb2.ClassProbability]:
    """Return every class with its probability, in the order of the classes."""
    return [
        track_pb2.ClassProbability(target_class=CLASSES[word], probability=probability.get(word, 0.0))
        for word in TARGET_CLASSES
    ]


def kinematic_message(kinematic: Kinematic) -> track_pb2.KinematicState:
    """Return place and velocity, with latitude, longitude and height beside them."""
    latitude_deg, longitude_deg, height_m = itrs_to_geodetic(kinematic.position_itrs_m)
    return track_pb2.KinematicState(
        position_itrs_m=_vector(kinematic.position_itrs_m),
        velocity_itrs_m_per_s=_vector(kinematic.velocity_itrs_m_per_s),
        covariance=np.ravel(kinematic.covariance).tolist(),
        point=track_pb2.GeodeticPoint(
            latitude_deg=float(latitude_deg), longitude_deg=float(longitude_deg), height_m=float(height_m)
        ),
    )


def image_plane_message(place: ImagePlane) -> track_pb2.ImagePlaneState:
    """Return a place on a focal plane."""
    return track_pb2.ImagePlaneState(
        satellite_id=place.satellite_id,
        row=place.row,
        column=place.column,
        row_rate_px_per_s=place.row_rate_px_per_s,
        column_rate_px_per_s=place.column_rate_px_per_s,
    )


def launch_message(launch: LaunchEstimate) -> track_pb2.Launch:
    """Return a launch with its ellipse."""
    return track_pb2.Launch(
        time_unix_ns=launch.time_unix_ns,
        time_sigma_s=launch.time_sigma_s,
        point=track_pb2.GeodeticPoint(
            latitude_deg=launch.latitude_deg, longitude_deg=launch.longitude_deg, height_m=launch.height_m
        ),
        ellipse=track_pb2.ErrorEllipse(
            semi_major_m=launch.ellipse.semi_major_m,
            semi_minor_m=launch.ellipse.semi_minor_m,
            orientation_deg=launch.ellipse.orientation_deg,
        ),
        heading_deg=launch.heading_deg,
        heading_sigma_deg=launch.heading_sigma_deg,
    )


def reach_messages(corners: Iterable[tuple[float, float]]) -> list[track_pb2.GeodeticPoint]:
    """Return the corners, (latitude, longitude) in degrees, as points of the ellipsoid."""
    return [track_pb2.GeodeticPoint(latitude_deg=latitude, longitude_deg=longitude) for latitude, longitude in corners]


def _vector(vector: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> frame_pb2.Vector3:
    x, y, z = (float(part) for part in vector)
    return frame_pb2.Vector3(x=x, y=y, z=z)
