"""One satellite's frames of an MCAP recording as what its camera sees."""

import dataclasses
from pathlib import Path

import numpy as np

from sat_emulator.frame import Frame
from sat_emulator.replay.decode import decode
from services.geometry.time import NS_PER_S, format_rfc3339
from services.runtime.errors import BadInputError
from services.runtime.recording import Recording


class McapSource:
    """A FrameSource of one satellite of a recording that `plumewatch simulate` wrote.

    Frames that know their satellite's pose keep their recorded instants, because the Earth below has turned since;
    the run must then cover them. Frames without a pose are moved so that the first exposure starts with the run.
    """

    def __init__(self, path: Path, satellite_id: str, start_unix_ns: int, end_unix_ns: int | None = None) -> None:
        """`end_unix_ns`: no exposure starts then or later; left out: after the last recorded frame."""
        self._path = path
        self._satellite_id = satellite_id
        self._recording = Recording(path)
        recorded_ends = self._recording.readout_ends_unix_ns(satellite_id)
        first = self._decode(0)
        self._shift_ns = 0 if first.pose is not None else start_unix_ns - first.exposure_start_unix_ns
        # A read-out ends later than its exposure starts, by as much in every frame of one camera.
        lag_ns = first.readout_end_unix_ns - first.exposure_start_unix_ns
        exposure_starts = recorded_ends - lag_ns + self._shift_ns
        inside = exposure_starts >= start_unix_ns
        if end_unix_ns is not None:
            inside &= exposure_starts < end_unix_ns
        self._indexes = np.flatnonzero(inside)
        self._recorded_ends = recorded_ends
        if len(self._indexes) == 0:
            raise BadInputError(
                str(path),
                f"frames of {satellite_id!r} lie between {format_rfc3339(int(exposure_starts[0]))} and "
                f"{format_rfc3339(int(exposure_starts[-1]))}, outside the run, which starts at "
                f"{format_rfc3339(start_unix_ns)}; set `start` to the recording's",
            )

    @property
    def rate_hz(self) -> float | None:
        """Frames a second, by the middle one of the gaps between read-outs; None where the run has one frame."""
        gaps_ns = np.diff(self._recorded_ends[self._indexes])
        return NS_PER_S / float(np.median(gaps_ns)) if len(gaps_ns) else None

    def __len__(self) -> int:
        """Return how many frames the run has."""
        return len(self._indexes)

    def readout_end_unix_ns(self, sequence: int) -> int:
        """Return when the frame can first leave the satellite, emulated UTC."""
        return int(self._recorded_ends[self._index(sequence)]) + self._shift_ns

    def frame(self, sequence: int) -> Frame:
        """Return one frame, numbered by its place in the run; BadInputError names one that is damaged."""
        recorded = self._decode(self._index(sequence))
        return dataclasses.replace(
            recorded,
            sequence=sequence,
            exposure_start_unix_ns=recorded.exposure_start_unix_ns + self._shift_ns,
            readout_end_unix_ns=recorded.readout_end_unix_ns + self._shift_ns,
        )

    def _index(self, sequence: int) -> int:
        if not 0 <= sequence < len(self._indexes):
            raise IndexError(f"frame {sequence} of {len(self._indexes)}")
        return int(self._indexes[sequence])

    def _decode(self, index: int) -> Frame:
        data = self._recording.frame(self._satellite_id, index)
        try:
            return decode(data)
        except ValueError as error:
            raise BadInputError(str(self._path), f"frame {index} of {self._satellite_id!r}: {error}") from error
