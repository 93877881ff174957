"""Tracks as scoring reads them: the lines of tracks.jsonl, a table each, beside the truth."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from bench.tracking.bodies import Truth

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

# Beyond this a track is not of a truth. A track's newest line may be this much older than the instant it serves for,
# in looks.
CUTOFF_M = 5_000.0
OLDEST_LOOKS = 1.5


@dataclass(frozen=True, eq=False)
class TrackTable:
    """One track's lines in order of time.

    time_s: (n,) what the states refer to, since the sky's start. position (n, 3), velocity (n, 3), covariance
    (n, 6, 6), ITRS. confirmed: (n,) whether the line says so. records: the lines themselves.
    """

    track_id: str
    time_s: Float64
    position_itrs_m: Float64
    velocity_itrs_m_per_s: Float64
    covariance: Float64
    confirmed: NDArray[np.bool_]
    records: tuple[Mapping[str, Any], ...]

    def newest(self, time_s: float, period_s: float, confirmed: bool = True) -> int | None:
        """Return the last line up to a time.

        None where it is too old, is not confirmed though it has to be, or has a place that is no number.
        """
        place = int(np.searchsorted(self.time_s, time_s, side="right")) - 1
        if place < 0 or time_s - self.time_s[place] > OLDEST_LOOKS * period_s:
            return None
        if self.records[place]["state"] == "ended" or (confirmed and not self.confirmed[place]):
            return None
        return place if np.isfinite(self.position_itrs_m[place]).all() else None


def read_tracks(records: Iterable[Mapping[str, Any]], start_unix_ns: int) -> list[TrackTable]:
    """Return the tracks in order of first appearance."""
    grouped: dict[str, list[Mapping[str, Any]]] = {}
    for record in records:
        grouped.setdefault(str(record["track_id"]), []).append(record)
    return [_table(track_id, lines, start_unix_ns) for track_id, lines in grouped.items()]


def _table(track_id: str, lines: list[Mapping[str, Any]], start_unix_ns: int) -> TrackTable:
    # Two lines of one time: the one written later holds.
    lines = sorted(lines, key=lambda line: int(line["time_unix_ns"]))
    return TrackTable(
        track_id,
        np.array([(int(line["time_unix_ns"]) - start_unix_ns) / 1e9 for line in lines]),
        np.array([line["position_itrs_m"] for line in lines]),
        np.array([line["velocity_itrs_m_per_s"] for line in lines]),
        np.array([line["covariance"] for line in lines]),
        np.array([line["state"] == "confirmed" for line in lines]),
        tuple(lines),
    )


@dataclass(frozen=True, eq=False)
class Assigned:
    """Which track is of which truth at some instants, one to one by least squared distance up to CUTOFF_M.

    track: (instants, truths) number of the track, -1 for none. line: the same, its line. error_m: the same, its
    distance; NaN for none. shown: (instants,) how many tracks there were.
    """

    track: Int64
    line: Int64
    error_m: Float64
    shown: Int64

    @property
    def share_tracked(self) -> float:
        """Return the part of all truths at all instants that have a track."""
        return float((self.track >= 0).mean())

    def rmse_m(self) -> float:
        """Return the root of the mean squared distance over what is tracked; NaN where nothing is."""
        return float(np.sqrt(np.nanmean(np.square(self.error_m)))) if (self.track >= 0).any() else float("nan")

    def switches(self) -> int:
        """Return how often a truth's track was another than the one before."""
        count = 0
        for column in self.track.T:
            held = column[column >= 0]
            count += int(np.count_nonzero(held[1:] != held[:-1]))
        return count


def assign(
    tracks: Sequence[TrackTable],
    truths: Sequence[Truth],
    times_s: Sequence[float],
    period_s: float,
    confirmed: bool = True,
) -> Assigned:
    """Return which track is of which truth at instants; each track's newest line counts, at its own time."""
    track, line = (np.full((len(times_s), len(truths)), -1, dtype=np.int64) for _ in range(2))
    error, shown = np.full((len(times_s), len(truths)), np.nan), np.zeros(len(times_s), dtype=np.int64)
    for at, time_s in enumerate(times_s):
        places = [(number, each.newest(time_s, period_s, confirmed)) for number, each in enumerate(tracks)]
        alive = [(number, place) for number, place in places if place is not None]
        shown[at] = len(alive)
        if not alive:
            continue
        when = np.array([tracks[number].time_s[place] for number, place in alive])
        where = np.array([tracks[number].position_itrs_m[place] for number, place in alive])
        away = np.stack([np.linalg.norm(where - truth.states(when)[0], axis=1) for truth in truths], axis=1)
        rows, columns = linear_sum_assignment(np.minimum(np.square(away), CUTOFF_M**2))
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            if away[row, column] < CUTOFF_M:
                track[at, column], line[at, column] = alive[row]
                error[at, column] = away[row, column]
    return Assigned(track, line, error, shown)


def nees(track: TrackTable, line: int, truth: Truth) -> float:
    """Return the squared distance of a line's position from the truth in its own covariance; 3 on average if true."""
    away = track.position_itrs_m[line] - truth.states(track.time_s[line : line + 1])[0][0]
    return float(away @ np.linalg.solve(track.covariance[line, :3, :3], away))


def error_itrs_m(track: TrackTable, line: int, truth: Truth) -> Float64:
    """Return (3,) a line's position less the truth's at its time."""
    away: Float64 = track.position_itrs_m[line] - truth.states(track.time_s[line : line + 1])[0][0]
    return away


class Sources:
    """What each look's detections truly were of, for the detections that track lines name."""

    def __init__(self, looks: Iterable[Any]) -> None:
        """Looks: `SimulatedLook`s."""
        self._times: dict[str, list[int]] = {}
        self._ids: dict[str, list[list[str | None]]] = {}
        for look in sorted(looks, key=lambda each: int(each.line["time_unix_ns"])):
            self._times.setdefault(look.line["sensor_id"], []).append(int(look.line["time_unix_ns"]))
            self._ids.setdefault(look.line["sensor_id"], []).append(look.truth_ids)

    def of(self, record: Mapping[str, Any], within_s: float = 0.5) -> list[str | None]:
        """Return the truth of each detection of a line: its sensor's look that is nearest in time to the state."""
        found: list[str | None] = []
        for sensor_id, index in record["detections"]:
            times = np.array(self._times[sensor_id])
            place = int(np.argmin(np.abs(times - int(record["time_unix_ns"]))))
            ids = self._ids[sensor_id][place]
            if abs(int(times[place]) - int(record["time_unix_ns"])) <= within_s * 1e9 and index < len(ids):
                found.append(ids[index])
        return found


def purity(tracks: Iterable[TrackTable], sources: Sources) -> float:
    """Return the part of all detections in confirmed tracks' lines that are of the truth most of the track's are of.

    A track's lines from before it was confirmed count too. NaN where there is no detection.
    """
    right = total = 0
    for track in tracks:
        if not track.confirmed.any():
            continue
        ids = [each for record in track.records for each in sources.of(record)]
        known = [each for each in ids if each is not None]
        total += len(ids)
        right += max((known.count(each) for each in set(known)), default=0)
    return right / total if total else float("nan")
