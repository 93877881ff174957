"""Where what is warned of may come down: worked out once a second for each event, since it takes a millisecond."""

import dataclasses

from services.geometry.time import NS_PER_S
from services.ground_station.tracking.snapshot import TrackSnapshot
from services.ground_station.tracking.warning.reach import Reach, reach

# Between two outlooks of one event.
PERIOD_NS = NS_PER_S


class Outlooks:
    """The newest outlook of every event of one run."""

    def __init__(self) -> None:
        self._newest: dict[str, tuple[int, Reach]] = {}

    def added(self, snapshot: TrackSnapshot) -> TrackSnapshot:
        """Return a snapshot with the ground it may reach and the time left; as it is where no alert says so."""
        if snapshot.state == "ended":
            self._newest.pop(snapshot.event_id, None)
            return snapshot
        if snapshot.state != "confirmed" or snapshot.kinematic is None or snapshot.target_class == "static_heat":
            return snapshot
        told_unix_ns, outlook = self._newest.get(snapshot.event_id, (0, Reach()))
        if snapshot.time_unix_ns - told_unix_ns >= PERIOD_NS:
            told_unix_ns, outlook = snapshot.time_unix_ns, _outlook(snapshot)
            self._newest[snapshot.event_id] = told_unix_ns, outlook
        left_s = outlook.time_left_s
        if left_s is not None:
            left_s = max(left_s - (snapshot.time_unix_ns - told_unix_ns) / NS_PER_S, 0.0)
        return dataclasses.replace(snapshot, reach=outlook.corners, time_left_s=left_s)


def _outlook(snapshot: TrackSnapshot) -> Reach:
    assert snapshot.kinematic is not None
    launch = snapshot.launch
    return reach(
        snapshot.kinematic.position_itrs_m,
        snapshot.kinematic.velocity_itrs_m_per_s,
        snapshot.kinematic.covariance,
        snapshot.class_probability,
        thrust_m_per_s2=snapshot.thrust_m_per_s2,
        time_since_launch_s=(snapshot.time_unix_ns - launch.time_unix_ns) / NS_PER_S if launch is not None else None,
    )
