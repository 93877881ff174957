"""From the tracker's records to the snapshots that others receive."""

import functools
import hashlib
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.geometry.time import NS_PER_S
from services.ground_station.tracking import classify
from services.ground_station.tracking.bank.models import BOOST, CRUISE, STATIC
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

# Most hot points stay in their place; what has not been shown to move is no threat yet.
RESTS_UNTIL_SHOWN: dict[TargetClass, float] = {"static_heat": 0.6, "unknown": 0.4}

# So long after it was found to move, what is on an airway and as slow as an airliner may be one, whatever its way seems
# to be: in 30 days some 300,000 of them are found to move, so that what rules one out has to be this many standard
# deviations beyond what they do.
SETTLED_S, AIRWAY_SLACK_M, AIRWAY_SIGMA = 30.0, 1500.0, 4.0
# What was never seen to boost, and has not been seen for so long, is nothing to warn of.
UNSEEN_S = 10.0
AIRLINER = "It flies as an airliner does."
# No airliner climbs so; every rocket does, as low as that.
STEEPEST_RAD = math.radians(20.0)


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


def founder(naming: Naming, record: np.void, names: tuple[str, ...]) -> str:
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
    identity = founder(naming, record, names)
    seen = record["detection"] != NONE and not ended
    probability, withheld, refuted = _classes(record, launch)
    state: TrackState = "ended" if ended else "confirmed" if record["state"] == CONFIRMED else "tentative"
    # No class says what an airliner is, and it is no threat: it is never said to be one.
    state = "tentative" if withheld and state == "confirmed" else state
    return TrackSnapshot(
        track_id(identity),
        event_id(identity),
        state,
        naming.unix_ns(float(record["time_s"])),
        probability,
        tuple(name for number, name in enumerate(names) if int(record["sensors"]) >> number & 1),
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
        refuted=refuted if is_object else ended,
        thrust_m_per_s2=_thrust(record),
    )


def _thrust(record: np.void) -> float | None:
    """Return the force along its way while it boosts."""
    velocity = record["mean"][3:6]
    speed = float(np.linalg.norm(velocity))
    if record["motion"] != MOVES or record["probability"][BOOST] < 0.5 or speed == 0:
        return None
    return float(record["mean"][6:9] @ velocity) / speed


def _kinematic(mean: Float64, covariance: Float64) -> Kinematic:
    return Kinematic(mean[:3].copy(), mean[3:6].copy(), covariance[:6, :6].copy())


def _detections(look: Look, place: int) -> tuple[TrackDetection, ...]:
    return (TrackDetection(look.sensor_id, look.sequence, int(look.arrays.listed[place])),)


def _burnout(naming: Naming, record: np.void) -> Burnout | None:
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


def _classes(record: np.void, launch: LaunchRecord | None) -> tuple[dict[TargetClass, float], bool, str]:
    """Return the classes' probabilities of a track in space, whether to keep silent about it, and what refutes it."""
    if record["motion"] == STAYS:
        return dict(classify.STATIC), False, ""
    if record["motion"] != MOVES:
        return dict(RESTS_UNTIL_SHOWN), False, ""
    evidence = _evidence(record, launch)
    seen = not _is_out_of_sight(record, evidence)
    withheld = not seen or _may_be_airliner(record, evidence)
    airliner = seen and _is_settled(record) and classify.is_air_traffic(evidence)
    return classify.class_probability(evidence), withheld, AIRLINER if airliner else ""


def _is_settled(record: np.void) -> bool:
    """Return whether it was found to move so long ago that its way is what it seems to be."""
    return bool(record["time_s"] - record["moved_s"] > SETTLED_S)


def _is_out_of_sight(record: np.void, evidence: classify.FlightEvidence) -> bool:
    """Return whether a track was never seen to boost and is not seen any more: where it went is anybody's guess."""
    return not evidence.boost_seen and bool(record["time_s"] - record["last_hit_s"] > UNSEEN_S)


def _may_be_airliner(record: np.void, evidence: classify.FlightEvidence) -> bool:
    """Return whether a track is held for an airliner: it flies as one or, while its way has not settled, it may."""
    lowest, highest = classify.AIRWAY_HEIGHTS_M
    slack_m = AIRWAY_SLACK_M + AIRWAY_SIGMA * evidence.height_sigma_m
    may_be = (
        not evidence.boost_seen
        and lowest - slack_m < evidence.height_m < highest + slack_m
        and evidence.climb_rad < STEEPEST_RAD + AIRWAY_SIGMA * evidence.climb_sigma_rad
        and evidence.speed_m_per_s < classify.AIRWAY_SPEEDS_M_PER_S[1] + AIRWAY_SIGMA * evidence.speed_sigma_m_per_s
    )
    return classify.is_air_traffic(evidence) or (may_be and not _is_settled(record))


def _evidence(record: np.void, launch: LaunchRecord | None) -> classify.FlightEvidence:
    time_s, mean = float(record["time_s"]), record["mean"]
    since_launch = boost = None
    since_launch_sigma = 0.0
    if launch is not None and launch.estimate is not None:
        since_launch, since_launch_sigma = time_s - launch.launch_s, launch.estimate.time_sigma_s
        if not math.isnan(record["burnt_s"]):
            boost = float(record["burnt_s"]) - launch.launch_s
    return classify.flight_evidence(
        mean[:3],
        mean[3:6],
        record["covariance"],
        # Cruisers' lift is no state of theirs.
        mean[6:9] if record["probability"][CRUISE] < 0.5 else None,
        time_since_launch_s=since_launch,
        time_since_launch_sigma_s=since_launch_sigma,
        lift_off_m_per_s2=launch.lift_off_m_per_s2 if launch is not None else None,
        lift_off_sigma_m_per_s2=launch.lift_off_sigma_m_per_s2 if launch is not None else 0.0,
        boost_s=boost,
        boost_seen=not math.isnan(record["boosting_s"]),
        seen_s=float(record["last_hit_s"] - record["first_s"]),
        static_probability=float(record["probability"][STATIC]),
    )
