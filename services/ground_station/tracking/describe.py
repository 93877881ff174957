"""From the tracker's records to the snapshots that others receive."""

import dataclasses
import functools
import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.geometry.time import NS_PER_S
from services.ground_station.tracking import classify, flying
from services.ground_station.tracking.bank.models import BOOST
from services.ground_station.tracking.launches import LaunchRecord
from services.ground_station.tracking.look import Look
from services.ground_station.tracking.records import CONFIRMED, MOVES, NONE, STAYS
from services.ground_station.tracking.snapshot import (
    Burnout,
    ImagePlane,
    Kinematic,
    TargetClass,
    TrackDetection,
    TrackSnapshot,
    TrackState,
)

Float64 = NDArray[np.float64]
Records = NDArray[np.void]
# A record, or its fields by their names.
Fields = np.void | Mapping[str, Any]

# Most hot points stay in their place; what has not been shown to move is no threat yet.
RESTS_UNTIL_SHOWN: dict[TargetClass, float] = {"static_heat": 0.6, "unknown": 0.4}

AIRLINER = "It flies as an airliner does."


@dataclass(frozen=True)
class Naming:
    """What ids are made of: the run, and the instant from which the records count time."""

    run_id: str
    epoch_unix_ns: int

    def identity(self, satellite_id: str, sequence: int, index: int) -> str:
        """Return the name of what a detection founded: the same for the same detection of the same run."""
        return _identity(self.run_id, satellite_id, sequence, index)

    def unix_ns(self, time_s: float) -> int:
        """Return the instant of a record's time."""
        return self.epoch_unix_ns + round(time_s * NS_PER_S)


class _Classes(NamedTuple):
    """What is said of a track: each class's probability, whether to keep silent about it, whether it is an airliner."""

    probability: dict[TargetClass, float]
    withheld: bool = False
    is_airliner: bool = False


@functools.lru_cache(maxsize=1 << 14)
def _identity(run_id: str, satellite_id: str, sequence: int, index: int) -> str:
    text = f"{run_id}/{satellite_id}/{sequence}/{index}"
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def event_id(identity: str) -> str:
    """Return the event's name."""
    return f"evt-{identity}"


def track_id(identity: str) -> str:
    """Return the track's name."""
    return f"trk-{identity}"


def founder(naming: Naming, record: Fields, names: tuple[str, ...]) -> str:
    """Return the identity that a record's founding detection gives it."""
    return naming.identity(names[record["sensor"]], int(record["sequence"]), int(record["index"]))


def tracklet(
    naming: Naming,
    record: np.void,
    look: Look,
    names: tuple[str, ...],
    launch: LaunchRecord | None = None,
    *,
    ended: str = "",
    merged_into: str = "",
) -> TrackSnapshot:
    """Return the snapshot of a track of one satellite after a look; ended: why it is over."""
    identity = founder(naming, record, names)
    state: TrackState = "ended" if ended else "confirmed" if record["state"] == CONFIRMED else "tentative"
    satellite_id = names[record["sensor"]]
    detection = int(record["detection"])
    seen = detection != NONE and not ended and look.sensor_id == satellite_id
    return TrackSnapshot(
        track_id(identity),
        event_id(identity),
        state,
        naming.unix_ns(float(record["last_hit_s"])),
        _tracklet_classes(record),
        (satellite_id,),
        int(record["hits"]),
        naming.unix_ns(float(record["first_s"])),
        image_plane=ImagePlane(
            satellite_id,
            *(float(record[name]) for name in ("row", "column", "row_rate", "column_rate")),
        ),
        launch=launch.estimate if launch is not None else None,
        snr=float(record["snr"]) if seen else 0.0,
        detections=_detections(look, detection) if seen else (),
        moving=bool(record["motion"] == MOVES),
        merged_into=merged_into,
        end_reason=ended,
    )


def track(
    naming: Naming,
    record: np.void,
    look: Look,
    names: tuple[str, ...],
    launch: LaunchRecord | None,
    *,
    ended: str = "",
    merged_into: str = "",
    is_object: bool = True,
) -> TrackSnapshot:
    """Return the snapshot of a track in space after a look; ended: why it is over; is_object: there was one."""
    (classes,) = _classes(record.reshape(1), [launch])
    snapshot = _track(naming, record, look, names, launch, classes, ended=ended, merged_into=merged_into)
    return snapshot if is_object else dataclasses.replace(snapshot, refuted=ended)


def tracks(
    naming: Naming, records: Records, look: Look, names: tuple[str, ...], launches: Mapping[int, LaunchRecord]
) -> Iterator[TrackSnapshot]:
    """Yield the snapshots of tracks in space that go on after a look; launches: what is known, by their serials."""
    known = [launches.get(serial) for serial in records["serial"].tolist()]
    for record, launch, classes in zip(records, known, _classes(records, known), strict=True):
        # Read at once: a field of a record takes NumPy ten times as long as one of a dictionary.
        fields = dict(zip(record.dtype.names, record.item(), strict=True))
        yield _track(naming, fields, look, names, launch, classes)


def _track(
    naming: Naming,
    record: Fields,
    look: Look,
    names: tuple[str, ...],
    launch: LaunchRecord | None,
    classes: _Classes,
    *,
    ended: str = "",
    merged_into: str = "",
) -> TrackSnapshot:
    identity = founder(naming, record, names)
    seen = record["detection"] != NONE and not ended
    sensors, withheld = int(record["sensors"]), classes.withheld
    state: TrackState = "ended" if ended else "confirmed" if record["state"] == CONFIRMED else "tentative"
    # No class says what an airliner is, and it is no threat: it is never said to be one.
    state = "tentative" if withheld and state == "confirmed" else state
    return TrackSnapshot(
        track_id(identity),
        event_id(identity),
        state,
        naming.unix_ns(float(record["time_s"])),
        classes.probability,
        tuple(name for number, name in enumerate(names) if sensors >> number & 1),
        int(record["hits"]),
        naming.unix_ns(float(record["first_s"])),
        kinematic=_kinematic(record["mean"], record["covariance"]),
        launch=launch.estimate if launch is not None else None,
        burnout=_burnout(naming, record),
        snr=float(record["snr"]) if seen else 0.0,
        radiant_intensity_w_per_sr=_number(record["intensity_w_per_sr"]),
        detections=_detections(look, int(record["detection"])) if seen else (),
        moving=bool(record["motion"] == MOVES) and not withheld,
        merged_into=merged_into,
        end_reason=ended,
        refuted=AIRLINER if classes.is_airliner else "",
        thrust_m_per_s2=_thrust(record),
    )


def _thrust(record: Fields) -> float | None:
    """Return the force along its way while it boosts."""
    if record["motion"] != MOVES or record["probability"][BOOST] < 0.5:
        return None
    velocity = record["mean"][3:6]
    speed = float(np.linalg.norm(velocity))
    return float(record["mean"][6:9] @ velocity) / speed if speed else None


def _kinematic(mean: Float64, covariance: Float64) -> Kinematic:
    return Kinematic(mean[:3].copy(), mean[3:6].copy(), covariance[:6, :6].copy())


def _detections(look: Look, place: int) -> tuple[TrackDetection, ...]:
    return (TrackDetection(look.sensor_id, look.sequence, int(look.arrays.listed[place])),)


def _burnout(naming: Naming, record: Fields) -> Burnout | None:
    if math.isnan(record["burnt_s"]):
        return None
    return Burnout(
        naming.unix_ns(float(record["burnt_s"])), _kinematic(record["boost_mean"], record["boost_covariance"])
    )


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _tracklet_classes(record: np.void) -> dict[TargetClass, float]:
    if record["state"] != CONFIRMED:
        return dict(classify.UNDECIDED)
    return dict(classify.MOVES if record["motion"] == MOVES else classify.STATIC)


def _classes(records: Records, launches: Sequence[LaunchRecord | None]) -> list[_Classes]:
    """Return what is said of tracks in space, (n,) with what is known of their launches."""
    said = [_Classes(dict(classify.STATIC if stays else RESTS_UNTIL_SHOWN)) for stays in records["motion"] == STAYS]
    rows = np.flatnonzero(records["motion"] == MOVES)
    if not len(rows):
        return said
    evidence = flying.states(records, rows)
    withheld, refuted = flying.verdicts(records, rows, evidence)
    flying.add_launches(evidence, records, rows, [launches[row] for row in rows.tolist()])
    probabilities = classify.class_probabilities(evidence)
    for row, *each in zip(rows.tolist(), probabilities, withheld.tolist(), refuted.tolist(), strict=True):
        said[row] = _Classes(*each)
    return said
