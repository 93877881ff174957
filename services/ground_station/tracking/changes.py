"""What a look changed, as copies of records: described only when somebody asks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

from services.ground_station.tracking import describe
from services.ground_station.tracking.launches import LaunchRecord
from services.ground_station.tracking.look import Look
from services.ground_station.tracking.snapshot import TrackSnapshot

Records = NDArray[np.void]


@dataclass(frozen=True)
class Ended:
    """A track that is over: its last record, why, and the event that goes on instead, if one does.

    is_object: there was one; False: its looks prove to be of none.
    """

    record: np.void
    reason: str
    merged_into: str = ""
    is_object: bool = True


@dataclass(frozen=True, eq=False)
class Changes(Sequence[TrackSnapshot]):
    """The tracks that a look changed, newly ended ones included, in a fixed order.

    tracks: copies after the look of all tracks in space, which it has moved on. tracklets: of the announced tracks of
    its satellite that it has seen. ended, ended_tracklets: what is over.
    names: of the sensors, by number. launches: what is known of launches, by the tracks' serials.
    """

    look: Look
    naming: describe.Naming
    names: tuple[str, ...]
    tracks: Records
    tracklets: Records
    ended: tuple[Ended, ...]
    ended_tracklets: tuple[Ended, ...]
    launches: Mapping[int, LaunchRecord]

    def __len__(self) -> int:
        return len(self.tracks) + len(self.tracklets) + len(self.ended) + len(self.ended_tracklets)

    def __iter__(self) -> Iterator[TrackSnapshot]:
        yield from self.endings()
        for record in self.tracklets:
            yield describe.tracklet(self.naming, record, self.look, self.names, self._launch(record))
        yield from describe.tracks(self.naming, self.tracks, self.look, self.names, self.launches)

    @property
    def nbytes(self) -> int:
        """How much memory it takes, but for what it shares with others."""
        look = sum(part.nbytes for part in self.look.arrays if isinstance(part, np.ndarray))
        return self.tracks.nbytes + self.tracklets.nbytes + look

    def endings(self) -> Iterator[TrackSnapshot]:
        """Yield what is over."""
        for over in self.ended_tracklets:
            yield describe.tracklet(
                self.naming, over.record, self.look, self.names, ended=over.reason, merged_into=over.merged_into
            )
        for over in self.ended:
            yield describe.track(
                self.naming,
                over.record,
                self.look,
                self.names,
                self._launch(over.record),
                ended=over.reason,
                merged_into=over.merged_into,
                is_object=over.is_object,
            )

    def _launch(self, record: np.void) -> LaunchRecord | None:
        return self.launches.get(int(record["serial"]))

    @overload
    def __getitem__(self, index: int) -> TrackSnapshot: ...
    @overload
    def __getitem__(self, index: slice) -> list[TrackSnapshot]: ...
    def __getitem__(self, index: int | slice) -> TrackSnapshot | list[TrackSnapshot]:
        return list(self)[index]
