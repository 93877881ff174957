"""How tracks in space fly, as their records say: rows of evidence, and about which of them to keep silent."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.ground_station.tracking import airliners, flight_kernels
from services.ground_station.tracking.launches import LaunchRecord

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]
Bools = NDArray[np.bool_]
Records = NDArray[np.void]


def states(records: Records, rows: Int64) -> Float64:
    """Return rows of evidence, as flight_kernels has them, of some rows of records; nothing is known of launches."""
    evidence = np.empty((len(rows), flight_kernels.EVIDENCE))
    flight_kernels.fly_all(records, rows, evidence)
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
    airliners.judge(records, rows, evidence, withheld, refuted)
    return withheld, refuted
