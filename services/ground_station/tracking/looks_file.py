"""Looks and tracks as lines of JSON: what `plumewatch track` reads and writes."""

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from services.geometry.ellipsoid import limb_crossing
from services.ground_station.tracking.changes import Changes
from services.ground_station.tracking.look import ConeView, Look, make_look
from services.ground_station.tracking.snapshot import Kinematic, LaunchEstimate, TrackDetection, TrackSnapshot

Float64 = NDArray[np.float64]

# A sensor states the error of a centroid, not its pixel: centroids are good to about a quarter of one.
PIXELS_PER_SIGMA = 4.0
# What every look states.
REQUIRED = (
    *("sensor_id", "time_unix_ns", "position_itrs_m", "boresight_itrs"),
    *("fov_half_angle_rad", "sigma_rad", "detections"),
)
# Where a sensor states no signal-to-noise ratio.
UNSTATED_SNR = 10.0
# What a look can say at all: the time fits a signed 64-bit integer, a sensor is above the ground and below the Moon, a
# line of sight is known to between a billionth and a tenth of a radian, a field of view is a millionth wide at least,
# and no number overflows when squared.
LATEST_UNIX_NS = 2**63 - 1
LOWEST_SENSOR_M, HIGHEST_SENSOR_M = 6.3e6, 4.0e8
SMALLEST_SIGMA_RAD, LARGEST_SIGMA_RAD = 1e-9, 0.1
NARROWEST_HALF_ANGLE_RAD = 1e-6
LARGEST_NUMBER = 1e100
# What one satellite alone sees lies somewhere in the atmosphere, and its speed is anybody's guess.
ASSUMED_HEIGHT_M = 20_000.0
ASSUMED_HEIGHT_SIGMA_M = 20_000.0
ASSUMED_SPEED_SIGMA_M_PER_S = 2000.0


class LookError(ValueError):
    """A line is no look; says why."""


def parse_look(text: str) -> Look:
    """Return the look that a line states, its sequence number its time; LookError where it states none."""
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as error:
        # Not JSON at all; or it is, with a number of more digits or lists in lists deeper than can be read.
        raise LookError(f"is not JSON: {error}") from error
    if not isinstance(record, dict):
        raise LookError("is not a JSON object")
    return look_from_record(record)


def look_from_record(record: Mapping[str, Any]) -> Look:
    """Return the same for a line that has been read, numbers, texts, lists and dictionaries."""
    for key in REQUIRED:
        if key not in record:
            raise LookError(f"{key} is missing")
    sensor_id = record["sensor_id"]
    if not isinstance(sensor_id, str) or not sensor_id or not _is_text(sensor_id):
        raise LookError(f"sensor_id is {sensor_id!r}, not a name")
    time_unix_ns = record.get("time_unix_ns")
    digits = str(time_unix_ns)
    if isinstance(time_unix_ns, bool) or not re.fullmatch(r"[0-9]{1,19}", digits) or int(digits) > LATEST_UNIX_NS:
        raise LookError(f"time_unix_ns is {time_unix_ns!r}, not nanoseconds since 1970 up to {LATEST_UNIX_NS}")
    detections = record.get("detections")
    if not isinstance(detections, list) or not all(isinstance(each, dict) for each in detections):
        raise LookError("detections is no list of objects; a look that saw nothing has an empty one")
    sigma = _positive(record, "sigma_rad", SMALLEST_SIGMA_RAD, LARGEST_SIGMA_RAD)
    position = _vector(record, "position_itrs_m")
    if not LOWEST_SENSOR_M <= math.hypot(*position.tolist()) <= HIGHEST_SENSOR_M:
        raise LookError(
            f"position_itrs_m is {position.tolist()}; a sensor is {LOWEST_SENSOR_M:g} to {HIGHEST_SENSOR_M:g} m from "
            "the Earth's centre"
        )
    half_angle = _positive(record, "fov_half_angle_rad", NARROWEST_HALF_ANGLE_RAD, math.pi)
    los = _directions(detections, "los_itrs")
    snr = _strengths(detections, "snr", UNSTATED_SNR)
    return look_of_cone(
        sensor_id,
        int(digits),
        position,
        _vector(record, "boresight_itrs", unit=True),
        half_angle,
        sigma,
        los,
        snr,
        _strengths(detections, "intensity_w_per_sr", math.nan),
    )


def look_of_cone(
    sensor_id: str,
    time_unix_ns: int,
    position_itrs_m: Float64,
    boresight_itrs: Float64,
    half_angle_rad: float,
    sigma_rad: float,
    los_itrs: Float64,
    snr: Float64,
    intensity_w_per_sr: ArrayLike = math.nan,
) -> Look:
    """Return the look of a round field of view; boresight (3,) and los (n, 3) unit, as in the lines of looks.jsonl."""
    return make_look(
        sensor_id,
        # The time tells a sensor's looks apart, in whatever order they come.
        time_unix_ns,
        time_unix_ns,
        position_itrs_m,
        ConeView(boresight_itrs, half_angle_rad),
        # 2 pi (1 - cos), which is 0 for a narrow cone in floating point.
        4 * math.pi * math.sin(half_angle_rad / 2) ** 2,
        sigma_rad * PIXELS_PER_SIGMA,
        los_itrs,
        sigma_rad,
        snr,
        intensity_w_per_sr=intensity_w_per_sr,
    )


def parse_looks(lines: Iterable[str]) -> Iterator[tuple[int, Look | LookError]]:
    """Yield each line's number, from 1, with its look or what is wrong with it; empty lines are passed over."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield number, parse_look(line)
        except LookError as error:
            yield number, error


class TrackLines:
    """Writes tracks as lines: one a track and look time, once all looks of that time have been taken."""

    def __init__(self) -> None:
        self._time_unix_ns: int | None = None
        self._ready: list[str] = []
        self._changed: dict[str, TrackSnapshot] = {}
        self._seen: dict[str, dict[TrackDetection, None]] = {}
        self._looks: dict[str, Look] = {}
        # Where each living track was last: one satellite's coasts there, and one whose state has become no number ends
        # there.
        self._newest: dict[str, Kinematic] = {}

    def add(self, changes: Changes) -> None:
        """Take what a look changed; looks come in the order of their times."""
        look = changes.look
        if look.time_unix_ns != self._time_unix_ns:
            self._write()
            self._time_unix_ns = look.time_unix_ns
        self._looks[look.sensor_id] = look
        for snapshot in changes:
            self._changed[snapshot.track_id] = snapshot
            self._seen.setdefault(snapshot.track_id, {}).update(dict.fromkeys(snapshot.detections))

    def ready(self) -> list[str]:
        """Return the lines of look times that are over, and forget them."""
        lines, self._ready = self._ready, []
        return lines

    def finish(self) -> list[str]:
        """Return the lines that are left."""
        self._write()
        return self.ready()

    def _write(self) -> None:
        for track_id, snapshot in self._changed.items():
            kinematic = self._kinematic(snapshot)
            if kinematic is not None:
                record = _record(snapshot, list(self._seen[track_id]), kinematic)
                self._ready.append(json.dumps(record, allow_nan=False))
            if snapshot.state == "ended":
                self._newest.pop(track_id, None)
        self._changed.clear()
        self._seen.clear()

    def _kinematic(self, snapshot: TrackSnapshot) -> Kinematic | None:
        """Return where a track is, or was last; None where it never was anywhere."""
        if snapshot.kinematic is not None:
            if _is_finite(snapshot.kinematic):
                self._newest[snapshot.track_id] = snapshot.kinematic
            return self._newest.get(snapshot.track_id)
        look = self._looks[snapshot.satellite_ids[0]]
        for source in snapshot.detections:
            place = np.flatnonzero(look.arrays.listed == source.index)
            if source.sequence == look.sequence and len(place):
                self._newest[snapshot.track_id] = assumed_kinematic(
                    look.arrays.origin, look.arrays.los[place[0]], look.arrays.sigma_rad[place[0]]
                )
        return self._newest.get(snapshot.track_id)


def assumed_kinematic(origin_itrs_m: Float64, los_itrs: Float64, sigma_rad: float) -> Kinematic:
    """Return where one line of sight alone may have its source: in the lower atmosphere, at any speed."""
    point = limb_crossing(origin_itrs_m, los_itrs, ASSUMED_HEIGHT_M)[0]
    if np.isnan(point).any():
        point = origin_itrs_m + max(float(-los_itrs @ origin_itrs_m), 1.0) * los_itrs
    up = point / np.linalg.norm(point)
    along = ASSUMED_HEIGHT_SIGMA_M / max(abs(float(up @ los_itrs)), 0.1)
    across = sigma_rad * float(np.linalg.norm(point - origin_itrs_m))
    covariance = np.zeros((6, 6))
    outer = np.outer(los_itrs, los_itrs)
    covariance[:3, :3] = along**2 * outer + across**2 * (np.eye(3) - outer)
    covariance[3:, 3:] = np.eye(3) * ASSUMED_SPEED_SIGMA_M_PER_S**2
    return Kinematic(point, np.zeros(3), covariance)


def _record(snapshot: TrackSnapshot, seen: list[TrackDetection], kinematic: Kinematic) -> dict[str, Any]:
    record: dict[str, Any] = {
        "time_unix_ns": snapshot.time_unix_ns,
        "track_id": snapshot.track_id,
        "state": snapshot.state,
        "class": snapshot.target_class,
        "class_probability": snapshot.class_probability,
        "position_itrs_m": kinematic.position_itrs_m.tolist(),
        "velocity_itrs_m_per_s": kinematic.velocity_itrs_m_per_s.tolist(),
        "covariance": kinematic.covariance.tolist(),
        "detections": [[source.satellite_id, source.index] for source in seen],
    }
    if snapshot.launch is not None:
        record["launch"] = _launch(snapshot.launch)
    if snapshot.merged_into:
        record["merged_into"] = snapshot.merged_into.replace("evt-", "trk-", 1)
    if snapshot.end_reason:
        record["end_reason"] = snapshot.end_reason
    return record


def _launch(launch: LaunchEstimate) -> dict[str, Any]:
    return {
        "time_unix_ns": launch.time_unix_ns,
        "time_sigma_s": launch.time_sigma_s,
        "latitude_deg": launch.latitude_deg,
        "longitude_deg": launch.longitude_deg,
        "ellipse": vars(launch.ellipse).copy(),
        "heading_deg": launch.heading_deg,
        "heading_sigma_deg": launch.heading_sigma_deg,
    }


def _is_finite(kinematic: Kinematic) -> bool:
    numbers = (kinematic.position_itrs_m, kinematic.velocity_itrs_m_per_s, kinematic.covariance)
    return all(bool(np.isfinite(each).all()) for each in numbers)


def _is_text(text: str) -> bool:
    """Return whether a string can be written: JSON can state half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _directions(records: Sequence[Mapping[str, Any]], key: str) -> Float64:
    """Return the same unit vectors, (n, 3), that `_vector` returns one by one, which names the one that is none."""
    try:
        vectors = np.array([record[key] for record in records], dtype=np.float64)
    except (KeyError, TypeError, ValueError, OverflowError):
        vectors = np.empty(0)
    if vectors.shape == (len(records), 3):
        lengths = np.array([math.hypot(*vector) for vector in vectors.tolist()])
        if bool(((lengths > 0) & (lengths < math.inf)).all()):
            directions: Float64 = vectors / lengths[:, None]
            return directions
    return np.array([_vector(record, key, unit=True) for record in records]).reshape(-1, 3)


def _strengths(records: Sequence[Mapping[str, Any]], key: str, unstated: float) -> Float64:
    """Return the same strengths, (n,), that `_strength` returns one by one, which names the one that is none."""
    values = [record.get(key) for record in records]
    kinds = set(map(type, values))
    if kinds <= {type(None)}:
        return np.full(len(values), unstated)
    if kinds == {float}:
        strengths = np.array(values)
        if bool(((strengths >= 0) & (strengths <= LARGEST_NUMBER)).all()):
            return strengths
    return np.array([_strength(record, key, unstated) for record in records])


def _vector(record: Mapping[str, Any], key: str, *, unit: bool = False) -> Float64:
    if key not in record:
        raise LookError(f"{key} is missing")
    value = record[key]
    try:
        vector = np.array(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise LookError(f"{key} is {value!r}, not three numbers") from error
    length = math.hypot(*vector.tolist()) if vector.shape == (3,) else math.nan
    if not 0 < length < math.inf:
        raise LookError(f"{key} is {value!r}, not three finite numbers with a length")
    return vector / length if unit else vector


def _positive(record: Mapping[str, Any], key: str, least: float, most: float) -> float:
    value = _number(record.get(key))
    if not least <= value <= most:
        raise LookError(
            f"{key} is {record.get(key)!r}; it must be a number above 0, at least {least:g} and at most {most:g}"
        )
    return value


def _strength(record: Mapping[str, Any], key: str, unstated: float) -> float:
    """Return how strong a detection is, from 0; null counts as not stated."""
    if record.get(key) is None:
        return unstated
    value = _number(record[key])
    if not value >= 0:
        raise LookError(f"{key} is {record[key]!r}; it must be a number from 0 to {LARGEST_NUMBER:g}, or left out")
    return value


def _number(value: object) -> float:
    """Return a number, NaN for what is none or too large."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= LARGEST_NUMBER:
        return float(value)
    return math.nan
