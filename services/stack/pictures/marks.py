"""What is to be pointed at on a frame: pixels of the truth and of detections. Pure."""

import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sat_emulator.frame import Frame, FrameSource
from services.geometry.ellipsoid import line_clears_earth
from services.geometry.frames import itrs_from_gcrs


@dataclass(frozen=True)
class Mark:
    """Something to point at; pixels of the frame."""

    kind: Literal["truth", "detection"]
    row: float
    column: float
    label: str = ""


def sequence_at(source: FrameSource, instant_unix_ns: int) -> int:
    """Return the newest frame whose read-out has ended by an instant; the first where none has."""
    ended = bisect.bisect_right(range(len(source)), instant_unix_ns, key=source.readout_end_unix_ns)
    return max(0, ended - 1)


def truth_marks(frame: Frame, records: Sequence[Mapping[str, Any]]) -> list[Mark]:
    """Return where the truth's objects fall on a frame: those that are there, above the horizon and on the detector."""
    if frame.pose is None or frame.camera is None or frame.camera.projection == "unknown":
        return []
    mid = frame.exposure_start_unix_ns + round(frame.exposure_s * 0.5e9)
    itrs = itrs_from_gcrs(mid)
    satellite_itrs = itrs @ frame.pose.position_gcrs_m
    marks = []
    for record in records:
        position = position_at(record, mid)
        # From a metre up, so that what stands on the ground does not hide itself.
        if position is None or not line_clears_earth(position * (1 + 2e-7), satellite_itrs, 0.0):
            continue
        los_gcrs = itrs.T @ (position - satellite_itrs)
        rows, columns = frame.camera.project(frame.pose.rotation_camera_to_gcrs.T @ los_gcrs)
        row, column = float(rows[0]), float(columns[0])
        if 0 <= row <= frame.counts.shape[0] - 1 and 0 <= column <= frame.counts.shape[1] - 1:
            marks.append(Mark("truth", row, column, str(record["object_id"])))
    return marks


def position_at(record: Mapping[str, Any], instant_unix_ns: int) -> NDArray[np.float64] | None:
    """Return a truth object's place, ITRS, metres, between the points of its track; None outside of it."""
    track = record["track"]
    if not track or not track[0]["time_unix_ns"] <= instant_unix_ns <= track[-1]["time_unix_ns"]:
        return None
    after = bisect.bisect_left(track, instant_unix_ns, key=lambda point: int(point["time_unix_ns"]))
    end = np.array(track[after]["position_itrs_m"], dtype=np.float64)
    end_unix_ns = track[after]["time_unix_ns"]
    if end_unix_ns == instant_unix_ns:
        return end
    begin = np.array(track[after - 1]["position_itrs_m"], dtype=np.float64)
    begin_unix_ns = track[after - 1]["time_unix_ns"]
    between: NDArray[np.float64] = begin + (instant_unix_ns - begin_unix_ns) / (end_unix_ns - begin_unix_ns) * (
        end - begin
    )
    return between
