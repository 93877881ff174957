"""Which event that was lost a new track goes on with. Pure."""

import math
from collections.abc import Iterable

import numpy as np

from plumewatch.v1 import alert_pb2, track_pb2
from services.geometry.geodesic import geodesic_distance_m
from services.ground_station.tracking.snapshot import Kinematic, TrackSnapshot
from services.ground_station.tracking.warning.continuation import GATE, squared_distance

# An event that was lost longer ago is not found again.
LONGEST_GAP_NS = 300_000_000_000
# While it may burn on, nobody knows where it goes for longer than this.
LONGEST_BURN_GAP_NS = 60_000_000_000
# A track coasts before it is given up; what founds a new one meanwhile may be the same object.
COAST_NS = 15_000_000_000
# What may push it meanwhile, standard deviation an axis, m/s^2: what little air and unmodelled gravity do; lift,
# turns and drag of what flies in the air; an engine.
FREE_FALL_M_PER_S2 = 0.1
IN_THE_AIR_M_PER_S2 = 4.0
BURNING_M_PER_S2 = 20.0
# Launches that differ by more than this beyond what both state are two launches.
LAUNCH_APART_M = 20_000.0
LAUNCH_APART_S = 10.0
SIGMAS = 3.0


def continued_event(snapshot: TrackSnapshot, events: Iterable[alert_pb2.Alert]) -> alert_pb2.Alert | None:
    """Return the lost event whose object a new track in space follows; None: none of them.

    events: newest revisions of one run. A track whose launch is another, or that was there before the other was lost,
    is another object's; of several that fit, the nearest is taken.
    """
    if snapshot.kinematic is None:
        return None
    found: list[tuple[float, str, alert_pb2.Alert]] = []
    for event in events:
        if not _is_lost(event) or not 0 < snapshot.time_unix_ns - event.time_unix_ns <= _longest_gap_ns(event):
            continue
        if snapshot.first_seen_unix_ns < event.time_unix_ns - COAST_NS or _other_launch(snapshot, event):
            continue
        gap_s = (snapshot.time_unix_ns - event.time_unix_ns) / 1e9
        squared = squared_distance(_kinematic(event.present), snapshot.kinematic, gap_s, _force_m_per_s2(event))
        if squared <= GATE:
            found.append((squared, event.event_id, event))
    return min(found)[2] if found else None


def _is_lost(event: alert_pb2.Alert) -> bool:
    return event.state == alert_pb2.ALERT_STATE_ENDED and not event.merged_into_event_id and event.HasField("present")


def _is_in_the_air(event: alert_pb2.Alert) -> bool:
    return event.target_class in (track_pb2.TARGET_CLASS_CRUISE, track_pb2.TARGET_CLASS_GLIDE)


def _may_burn(event: alert_pb2.Alert) -> bool:
    return not event.HasField("burnout_time_unix_ns") and event.target_class != track_pb2.TARGET_CLASS_CRUISE


def _longest_gap_ns(event: alert_pb2.Alert) -> int:
    return LONGEST_BURN_GAP_NS if _may_burn(event) else LONGEST_GAP_NS


def _force_m_per_s2(event: alert_pb2.Alert) -> float:
    if _may_burn(event):
        return BURNING_M_PER_S2
    return IN_THE_AIR_M_PER_S2 if _is_in_the_air(event) else FREE_FALL_M_PER_S2


def _other_launch(snapshot: TrackSnapshot, event: alert_pb2.Alert) -> bool:
    """Return whether both tell of a launch, and not of the same one."""
    if snapshot.launch is None or not event.HasField("launch"):
        return False
    mine, other = snapshot.launch, event.launch
    sigma_s = math.hypot(mine.time_sigma_s, other.time_sigma_s)
    if abs(mine.time_unix_ns - other.time_unix_ns) / 1e9 > LAUNCH_APART_S + SIGMAS * sigma_s:
        return True
    reach_m = mine.ellipse.semi_major_m + other.ellipse.semi_major_m
    point = other.point
    apart_m = geodesic_distance_m(mine.latitude_deg, mine.longitude_deg, point.latitude_deg, point.longitude_deg)
    return apart_m > LAUNCH_APART_M + SIGMAS / 2 * reach_m


def _kinematic(state: track_pb2.KinematicState) -> Kinematic:
    position, velocity = state.position_itrs_m, state.velocity_itrs_m_per_s
    return Kinematic(
        np.array([position.x, position.y, position.z]),
        np.array([velocity.x, velocity.y, velocity.z]),
        np.array(state.covariance).reshape(6, 6),
    )
