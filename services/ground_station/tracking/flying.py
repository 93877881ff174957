"""How tracks in space fly, as their records say: rows of evidence, and about which of them to keep silent."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.ground_station.tracking import airliners, flight_kernels
from services.ground_station.tracking.bank.models import CRUISE, STATIC
from services.ground_station.tracking.launches import LaunchRecord

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]
Bools = NDArray[np.bool_]
Records = NDArray[np.void]


def states(records: Records, rows: Int64) -> Float64:
    """Return rows of evidence, as flight_kernels has them, of some rows of records; nothing is known of launches."""
    evidence = np.empty((len(rows), flight_kernels.EVIDENCE))
    flight_kernels.fly_all(records["mean"], records["covariance"], rows, evidence)
    probability = records["probability"][rows]
    # Cruisers' lift is no state of theirs.
    evidence[probability[:, CRUISE] >= 0.5, flight_kernels.ALONG : flight_kernels.LIFT + 1] = math.nan
    evidence[:, flight_kernels.SINCE_LAUNCH : flight_kernels.BOOST + 1] = math.nan
    evidence[:, flight_kernels.BOOST_SEEN] = ~np.isnan(records["boosting_s"][rows])
    evidence[:, flight_kernels.SEEN] = records["last_hit_s"][rows] - records["first_s"][rows]
    evidence[:, flight_kernels.STATIC] = probability[:, STATIC]
    return evidence


def add_launches(evidence: Float64, records: Records, rows: Int64, launches: Sequence[LaunchRecord | None]) -> None:
    """Write into rows of evidence what is known of the launches of the records' rows, one each."""
    for row, launch, into in zip(rows.tolist(), launches, evidence, strict=True):
        if launch is None:
            continue
        if launch.lift_off_m_per_s2 is not None:
            into[flight_kernels.LIFT_OFF] = launch.lift_off_m_per_s2
            into[flight_kernels.LIFT_OFF_SIGMA] = launch.lift_off_sigma_m_per_s2
        if launch.estimate is not None:
            into[flight_kernels.SINCE_LAUNCH] = records["time_s"][row] - launch.launch_s
            into[flight_kernels.SINCE_LAUNCH_SIGMA] = launch.estimate.time_sigma_s
            into[flight_kernels.BOOST] = records["burnt_s"][row] - launch.launch_s


def verdicts(records: Records, rows: Int64, evidence: Float64) -> tuple[Bools, Bools]:
    """Return (n,) for rows of records about which to keep silent, and which of them prove to be airliners."""
    withheld, refuted = np.empty(len(rows), dtype=np.bool_), np.empty(len(rows), dtype=np.bool_)
    time_s, flew_s = records["time_s"][rows], records["airliner_s"][rows]
    airliners.judge(
        evidence,
        time_s - records["last_hit_s"][rows],
        time_s - records["moved_s"][rows],
        np.where(np.isnan(flew_s), math.inf, time_s - flew_s),
        withheld,
        refuted,
    )
    return withheld, refuted
