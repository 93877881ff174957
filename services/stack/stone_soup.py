"""Stone Soup's data as ours and ours as its own: detections become looks, looks detections, and tracks its tracks.

Stone Soup (https://stonesoup.readthedocs.io) is the open tracking library of the field; the extra `stonesoup` brings
it, and nothing else in Plumewatch needs it.

Its times have microseconds, ours nanoseconds: what is below a microsecond is lost on the way there.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from stonesoup.models.measurement.nonlinear import CartesianToElevationBearing
from stonesoup.types.angle import Bearing, Elevation
from stonesoup.types.array import StateVector
from stonesoup.types.detection import Detection
from stonesoup.types.state import GaussianState
from stonesoup.types.track import Track

Float64 = NDArray[np.float64]

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  # Stone Soup's own examples and plotters use times without a zone
# Where x, y, z are in a state of three constant accelerations, for which the detections' models are made.
POSITION = (0, 3, 6)
# What a line says of a detection besides its direction, and a detection in its metadata.
STATED = ("snr", "intensity_w_per_sr")


def soup_time(time_unix_ns: int) -> datetime:
    """Return an instant as Stone Soup has it."""
    return EPOCH + timedelta(microseconds=time_unix_ns // 1000)


def look_lines(detector: Iterable[tuple[datetime, set[Detection]]], half_angle_rad: float) -> Iterator[dict[str, Any]]:
    """Yield what a Stone Soup detector or reader gives as lines of looks.jsonl, one for each sensor and time.

    Its detections have a CartesianToElevationBearing model over ITRS metres, and in their metadata `sensor_id` and, if
    known, `snr`, `intensity_w_per_sr` and `index`, their place in the line's list. Times are when the light came in,
    UTC. A look that saw nothing cannot be told from no look and has no line.

    half_angle_rad: of the field of view round the x axis of the model's own axes.
    """
    for when, found in detector:
        grouped: dict[str, list[Detection]] = {}
        for detection in found:
            grouped.setdefault(str(detection.metadata["sensor_id"]), []).append(detection)
        for sensor_id in sorted(grouped):
            own = sorted(grouped[sensor_id], key=_place)
            model = own[0].measurement_model
            to_itrs = np.asarray(model.rotation_matrix, dtype=np.float64).T
            yield {
                "time_unix_ns": _unix_ns(when),
                "sensor_id": sensor_id,
                "position_itrs_m": np.asarray(model.translation_offset, dtype=np.float64).ravel().tolist(),
                "boresight_itrs": to_itrs[:, 0].tolist(),
                "fov_half_angle_rad": half_angle_rad,
                "sigma_rad": float(np.sqrt(model.noise_covar[0, 0])),
                "detections": [_stated(each, to_itrs @ _direction(each)) for each in own],
            }


def detections(line: Mapping[str, Any], light_ns: int = 0) -> set[Detection]:
    """Return a look's detections as Stone Soup's: elevation and bearing in axes with x along the boresight.

    Their metadata have `sensor_id`, `index` (place in the line's list), `los_itrs` and whatever else the line says.
    light_ns: taken off their times, for a tracker that knows nothing of the light's way; 0: they say when it came in.
    """
    rotation, angles = _axes(_unit(line["boresight_itrs"]))
    model = CartesianToElevationBearing(
        ndim_state=9,
        mapping=POSITION,
        noise_covar=np.diag([line["sigma_rad"] ** 2] * 2),
        translation_offset=StateVector(line["position_itrs_m"]),
        rotation_offset=StateVector(angles),
    )
    when = soup_time(int(line["time_unix_ns"]) - light_ns)
    found = set()
    for index, each in enumerate(line["detections"]):
        los = _unit(each["los_itrs"])
        x, y, z = rotation @ los
        found.add(
            Detection(
                StateVector([Elevation(math.atan2(z, math.hypot(x, y))), Bearing(math.atan2(y, x))]),
                timestamp=when,
                measurement_model=model,
                metadata={**each, "sensor_id": line["sensor_id"], "index": index, "los_itrs": los.tolist()},
            )
        )
    return found


def stone_soup_tracks(records: Iterable[Mapping[str, Any]], confirmed: bool = True) -> set[Track]:
    """Return lines of tracks.jsonl as Stone Soup tracks of Gaussian states x, vx, y, vy, z, vz in ITRS.

    confirmed: only lines that say so.
    """
    states: dict[str, list[GaussianState]] = {}
    order = [0, 3, 1, 4, 2, 5]
    for record in records:
        if record["state"] == "confirmed" or (not confirmed and record["state"] != "ended"):
            vector = np.concatenate([record["position_itrs_m"], record["velocity_itrs_m_per_s"]])
            covariance = np.array(record["covariance"])
            states.setdefault(str(record["track_id"]), []).append(
                GaussianState(
                    vector[order], covariance[np.ix_(order, order)], timestamp=soup_time(int(record["time_unix_ns"]))
                )
            )
    return {Track(sorted(found, key=lambda state: state.timestamp), id=track_id) for track_id, found in states.items()}


def _unix_ns(when: datetime) -> int:
    utc = when if when.tzinfo is None else when.astimezone(UTC).replace(tzinfo=None)
    return round((utc - EPOCH) / timedelta(microseconds=1)) * 1000


def _place(detection: Detection) -> tuple[float, ...]:
    """Return what orders a look's detections: their stated places, else their angles."""
    return detection.metadata.get("index", 0), *(float(angle) for angle in detection.state_vector[:, 0])


def _stated(detection: Detection, los_itrs: Float64) -> dict[str, Any]:
    known = {name: detection.metadata[name] for name in STATED if name in detection.metadata}
    return {"los_itrs": los_itrs.tolist(), **known}


def _unit(vector: Iterable[float]) -> Float64:
    array = np.array(vector, dtype=np.float64)
    return array / np.linalg.norm(array)


def _axes(boresight_itrs: Float64) -> tuple[Float64, Float64]:
    """Return the rotation from ITRS to axes with x along the boresight, and Stone Soup's angles that give it."""
    x, y, z = boresight_itrs
    yaw, pitch = math.atan2(y, x), math.atan2(z, math.hypot(x, y))
    cos_yaw, sin_yaw, cos_pitch, sin_pitch = math.cos(yaw), math.sin(yaw), math.cos(pitch), math.sin(pitch)
    rotation = np.array(
        [
            [cos_pitch * cos_yaw, cos_pitch * sin_yaw, sin_pitch],
            [-sin_yaw, cos_yaw, 0.0],
            [-sin_pitch * cos_yaw, -sin_pitch * sin_yaw, cos_pitch],
        ]
    )
    return rotation, np.array([0.0, pitch, yaw])


def _direction(detection: Detection) -> Float64:
    elevation, bearing = (float(angle) for angle in detection.state_vector[:, 0])
    return np.array(
        [math.cos(elevation) * math.cos(bearing), math.cos(elevation) * math.sin(bearing), math.sin(elevation)]
    )
