"""Rows of looks, one row a track, lent and given back.

A row that was given back is lent again only after a rest: until then a tracker that goes back in time may need what is
in it. What a full row writes over, its oldest look, is kept aside for as long. So a mark is a few numbers, and going
back to it puts back what was written over since.
"""

import mmap
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from services.ground_station.tracking.records import RAY, as_bytes

Records = NDArray[np.void]
Int64 = NDArray[np.int64]

# Rows that a pool begins with, and looks written over that it has room for: as many as some hundred objects need, for
# growth copies all; what is not touched takes no memory.
FIRST_ROWS = 4096
FIRST_OLD = 8192

# head, tail: of the rows given back, counted since ever: those between rest or are free. used: rows ever lent.
# old_head, old_tail: of the looks written over, counted since ever: those between may be put back.
STANDING = np.dtype(
    [
        ("head", np.int64),
        ("tail", np.int64),
        ("used", np.int64),
        ("old_head", np.int64),
        ("old_tail", np.int64),
        ("rest_s", np.float64),
    ]
)
# A row that was given back, and when.
RETURNED = np.dtype([("at_s", np.float64), ("row", np.int64)])
# Where a look that was written over had stood, and when it was.
WRITTEN_OVER = np.dtype([("at_s", np.float64), ("row", np.int64), ("place", np.int64)])


class PoolArrays(NamedTuple):
    """A pool as kernels take it.

    rays: (rows, length) of RAY. returned: a ring. old: looks written over, a ring, and old_places as long. standing:
    one record.
    """

    rays: Records
    returned: Records
    old: Records
    old_places: Records
    standing: Records


class Pool:
    """Rows of rays. length: of a row. rest_s: for which a row that was given back is not lent again."""

    def __init__(self, length: int, rest_s: float) -> None:
        self.length = length
        standing = np.zeros(1, dtype=STANDING)
        standing["rest_s"] = rest_s
        self.arrays = PoolArrays(
            _untouched(FIRST_ROWS, length),
            _ring(FIRST_ROWS),
            _untouched(1, FIRST_OLD)[0],
            np.zeros(FIRST_OLD, dtype=WRITTEN_OVER),
            standing,
        )

    @property
    def rays(self) -> Records:
        """The rows."""
        return self.arrays.rays

    def make_room(self, count: int, now_s: float) -> None:
        """Let there be so many rows more than are used, and room for as many looks that are written over."""
        _, _, used, old_head, old_tail, _ = self.arrays.standing.item()
        if old_tail + count - old_head > len(self.arrays.old):
            self._make_room_for_old(count, now_s)
        if used + count > len(self.arrays.rays):
            self._make_room_for_rows(used + count)

    def _make_room_for_rows(self, least: int) -> None:
        rays, returned, standing = self.arrays.rays, self.arrays.returned, self.arrays.standing
        larger = _untouched(max(2 * len(rays), least), self.length)
        copy_written(rays, int(standing["used"][0]), larger)
        ring = _ring(len(larger))
        tail = int(standing["tail"][0])
        numbers = np.arange(max(0, tail - len(returned)), tail)
        ring[numbers % len(ring)] = returned[numbers % len(returned)]
        self.arrays = self.arrays._replace(rays=larger, returned=ring)

    def _make_room_for_old(self, count: int, now_s: float) -> None:
        old, places, standing = self.arrays.old, self.arrays.old_places, self.arrays.standing[0]
        head, tail = int(standing["old_head"]), int(standing["old_tail"])
        while head < tail and places[head % len(old)]["at_s"] <= now_s - standing["rest_s"]:
            head += 1
        standing["old_head"] = head
        if tail + count - head <= len(old):
            return
        larger = _untouched(1, max(2 * len(old), tail + count - head))[0]
        larger_places = np.zeros(len(larger), dtype=WRITTEN_OVER)
        numbers = np.arange(head, tail)
        as_bytes(larger)[numbers % len(larger)] = as_bytes(old)[numbers % len(old)]
        larger_places[numbers % len(larger)] = places[numbers % len(old)]
        self.arrays = self.arrays._replace(old=larger, old_places=larger_places)

    def lend(self, count: int, now_s: float) -> Int64:
        """Return (count,) rows to write to; `give_back` what is not needed."""
        self.make_room(count, now_s)
        return np.array([lend_row(self.arrays, now_s) for _ in range(count)], dtype=np.int64)

    def give_back(self, rows: Int64, now_s: float) -> None:
        """Take rows back; their content stays while they rest."""
        take_back(self.arrays, rows, now_s)

    def mark(self) -> Records:
        """Return what `restore` needs."""
        return self.arrays.standing.copy()

    def restore(self, mark: Records) -> None:
        """Forget what was lent, given back and written over since the mark, which is no older than the rest."""
        put_back(self.arrays, int(mark["old_tail"][0]))
        self.arrays.standing[:] = mark


@njit(cache=True, error_model="numpy")
def lend_row(pool, now_s):  # type: ignore[no-untyped-def]
    """Return a row to write to; there is room for it."""
    standing = pool.standing[0]
    if standing.head < standing.tail:
        oldest = pool.returned[standing.head % len(pool.returned)]
        if oldest.at_s <= now_s - standing.rest_s:
            standing.head += 1
            return oldest.row
    standing.used += 1
    return standing.used - 1


@njit(cache=True, error_model="numpy")
def take_back(pool, rows, now_s):  # type: ignore[no-untyped-def]
    """Note that rows (n,) rest from now on."""
    standing = pool.standing[0]
    for row in rows:
        place = pool.returned[standing.tail % len(pool.returned)]
        place.at_s, place.row = now_s, row
        standing.tail += 1


@njit(cache=True, error_model="numpy")
def keep_old(pool, row, place, now_s):  # type: ignore[no-untyped-def]
    """Keep aside the look at a place of a row, which is about to be written over; there is room for it."""
    standing = pool.standing[0]
    slot = standing.old_tail % len(pool.old)
    pool.old[slot] = pool.rays[row, place]
    where = pool.old_places[slot]
    where.at_s, where.row, where.place = now_s, row, place
    standing.old_tail += 1


@njit(cache=True, error_model="numpy")
def put_back(pool, since):  # type: ignore[no-untyped-def]
    """Put back what was written over, the newest first; since: how much had been at the time to return to."""
    for number in range(pool.standing[0].old_tail - 1, since - 1, -1):
        slot = number % len(pool.old)
        where = pool.old_places[slot]
        pool.rays[where.row, where.place] = pool.old[slot]


@njit(cache=True, error_model="numpy")
def copy_written(rays, used, larger):  # type: ignore[no-untyped-def]
    """Copy the used rows up to where each has been written: the rest takes no memory as long as nobody touches it."""
    for row in range(used):
        for place in range(rays.shape[1]):
            # Rows are written from their first place on, and no line of sight is known exactly.
            if rays[row, place].sigma_rad == 0.0:
                break
            larger[row, place] = rays[row, place]


def _untouched(rows: int, length: int) -> Records:
    """Return zeroed rows that take no memory before they are written to, and then a page at a time.

    NumPy's own allocation asks for huge pages: the first look of each track would zero two megabytes.
    """
    memory = mmap.mmap(-1, rows * length * RAY.itemsize, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_NOHUGEPAGE"):
        memory.madvise(mmap.MADV_NOHUGEPAGE)
    return np.frombuffer(memory, dtype=RAY).reshape(rows, length)


def _ring(rows: int) -> Records:
    """Return room for what was given back: a row is in it twice at most, as long as a mark may need it."""
    return np.zeros(2 * rows, dtype=RETURNED)
