"""What to tell once a late look has made the tracker take others again: what is over since, or has never been."""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from services.ground_station.tracking import ending
from services.ground_station.tracking.changes import Changes, Ended
from services.ground_station.tracking.describe import event_id
from services.ground_station.tracking.records import NONE
from services.ground_station.tracking.snapshot import TrackSnapshot
from services.ground_station.tracking.state import Mark, State

Int64 = NDArray[np.int64]
Records = NDArray[np.void]
# Sensor, sequence number and place of the detection that founded a track: what it is named after.
Name = tuple[str, int, int]

EXPLAINED = "looks that came late explain it otherwise"


def living(state: State | Mark, hits: int) -> set[Name]:
    """Return all tracks that are told of; hits: from which one satellite's are."""
    names = state.sensors.names
    announced = state.tracklets[state.tracklets["hits"] >= hits]
    return {*_names(state.tracks, names), *_names(announced, names)}


def ended(taken: Iterable[Changes]) -> set[Name]:
    """Return the tracks that looks have ended."""
    return {
        _name(over.record, changes.names) for changes in taken for over in (*changes.ended_tracklets, *changes.ended)
    }


def endings(changes: Changes, told: set[Name]) -> Iterator[TrackSnapshot]:
    """Yield what a look has ended, but for what was told to be over before."""

    def new(over: Sequence[Ended]) -> tuple[Ended, ...]:
        return tuple(each for each in over if _name(each.record, changes.names) not in told)

    return dataclasses.replace(
        changes, ended=new(changes.ended), ended_tracklets=new(changes.ended_tracklets)
    ).endings()


def vanished(
    gone: set[Name], stood: Mark, before: Sequence[Changes], after: Sequence[Changes], alive: set[Name]
) -> Iterator[TrackSnapshot]:
    """Yield the ends of tracks that were told of and are no more, though no look has ended them.

    stood: how all stood when they were. before, after: what looks changed the first time, and this time. alive: what
    there is now.
    """
    newest, names = before[-1], stood.sensors.names
    for name in sorted(gone):
        holder = _holder(name, before, after, alive)
        into = event_id(newest.naming.identity(*holder)) if holder is not None else ""
        reason = ending.NO_LOSS if holder is not None else EXPLAINED
        over = [
            tuple(Ended(records[row].copy(), reason, into) for row in _rows_of(name, records, names).tolist())
            for records in (stood.tracks, stood.tracklets)
        ]
        yield from Changes(
            newest.look,
            newest.naming,
            names,
            newest.tracks[:0],
            newest.tracklets[:0],
            over[0],
            over[1],
            stood.launches,
        ).endings()


def _name(record: np.void, names: tuple[str, ...]) -> Name:
    return names[int(record["sensor"])], int(record["sequence"]), int(record["index"])


def _names(records: Records, names: tuple[str, ...]) -> list[Name]:
    founded = (records[field].tolist() for field in ("sensor", "sequence", "index"))
    return [(names[sensor], sequence, index) for sensor, sequence, index in zip(*founded, strict=True)]


def _rows_of(name: Name, records: Records, names: tuple[str, ...]) -> Int64:
    sensor, sequence, index = name
    if sensor not in names:
        return np.empty(0, dtype=np.int64)
    same = (records["sensor"] == names.index(sensor)) & (records["sequence"] == sequence) & (records["index"] == index)
    return np.flatnonzero(same)


def _holder(name: Name, before: Sequence[Changes], after: Sequence[Changes], alive: set[Name]) -> Name | None:
    """Return the living track that now has the newest detection that a track had the first time; None: none has."""
    again = {id(changes.look): changes for changes in after}
    for changes in reversed(before):
        for records in (changes.tracks, changes.tracklets):
            rows = _rows_of(name, records, changes.names)
            for place in records["detection"][rows].tolist():
                taker = _taker(place, again[id(changes.look)]) if place != NONE else None
                if taker in alive:
                    return taker
    return None


def _taker(place: int, changes: Changes) -> Name | None:
    """Return the track that a look's detection at a place went to; None: none that is told of."""
    for records in (changes.tracks, changes.tracklets):
        for row in np.flatnonzero(records["detection"] == place).tolist():
            return _name(records[row], changes.names)
    return None
