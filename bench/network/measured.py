"""Round-trip times that somebody measured through Starlink, by the 15 s slots of its schedule.

Read are CSV files with a header that names `time` (RFC 3339) and `rtt_ms`, and where several operators are in one file
`operator`. Rows of other operators and rows without a number are left out.

Those that the docs' figures are taken from: github.com/NUWiNS/starlink-measurement, commit 4beb9fa1,
datasets/maine_starlink_trip/csv/ping_all.csv: pings every 0.2 s from a car in Maine to a host in Ashburn, Virginia, on
27 to 29 May 2024, some 30 s at a time.
"""

import csv
import itertools
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.geometry.time import NS_PER_S
from services.relay.network.slots import FIRST_SLOT_NS, SLOT_NS

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

OPERATOR = "starlink"
SLOT_S, FIRST_SLOT_S = SLOT_NS / NS_PER_S, FIRST_SLOT_NS / NS_PER_S
# Fewer round trips say little about a slot's median.
LEAST_IN_SLOT = 30
QUANTILES = (5, 25, 50, 75, 90, 95, 99)


@dataclass(frozen=True)
class RoundTrips:
    """Round trips, (n,) each, in order of time: seconds since 1970, milliseconds."""

    time_s: Float64
    rtt_ms: Float64

    def slot(self) -> Int64:
        """Return the number of the slot that each was sent in."""
        return np.floor((self.time_s - FIRST_SLOT_S) / SLOT_S).astype(np.int64)


@dataclass(frozen=True)
class Statistics:
    """What is compared: quantiles of all round trips, of slots' medians, and of the shift from slot to slot, ms."""

    rtt_ms: Float64
    slot_median_ms: Float64
    shift_ms: Float64
    count: int
    slots: int


def read(path: Path) -> dict[str, RoundTrips]:
    """Return the round trips of each day (of the place's own clock) by its date."""
    days: dict[str, list[tuple[float, float]]] = {}
    with path.open(newline="", encoding="utf-8") as stream:
        rows = csv.DictReader(stream)
        lacking = {"time", "rtt_ms"} - set(rows.fieldnames or ())
        if lacking:
            raise ValueError(f"{path} has no column {' and '.join(sorted(lacking))}; its header must name time, rtt_ms")
        for row in rows:
            if row.get("operator", OPERATOR) != OPERATOR:
                continue
            try:
                sent, rtt_ms = datetime.fromisoformat(row["time"]), float(row["rtt_ms"])
            except ValueError:
                continue
            days.setdefault(sent.date().isoformat(), []).append((sent.timestamp(), rtt_ms))
    if not days:
        raise ValueError(f"{path} has no round trips of operator {OPERATOR}")
    return {day: RoundTrips(*np.array(sorted(pairs)).T) for day, pairs in sorted(days.items())}


def statistics(trips: RoundTrips) -> Statistics:
    """Return the statistics of round trips."""
    slots = trips.slot()
    medians = {
        int(slot): float(np.median(trips.rtt_ms[slots == slot]))
        for slot in np.unique(slots)
        if np.count_nonzero(slots == slot) >= LEAST_IN_SLOT
    }
    pairs = [(medians[a], medians[b]) for a, b in itertools.pairwise(sorted(medians)) if b == a + 1]
    shifts = np.abs(np.diff(np.array(pairs), axis=1)).ravel()
    return Statistics(
        np.percentile(trips.rtt_ms, QUANTILES),
        np.percentile(np.array(list(medians.values())), QUANTILES),
        np.percentile(shifts, (50, 90)),
        len(trips.rtt_ms),
        len(medians),
    )
