"""Rows of looks, one row a track, lent and given back.

A row that was given back is lent again only after a rest: until then a tracker that goes back in time may need what is
in it. What is written stays where it is, so that going back restores three numbers alone.
"""

import mmap
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from services.ground_station.tracking.records import RAY

Records = NDArray[np.void]
Int64 = NDArray[np.int64]

# Rows that a pool begins with.
FIRST_ROWS = 4096

# head, tail: of the rows given back, counted since ever: those between rest or are free. used: rows ever lent.
STANDING = np.dtype([("head", np.int64), ("tail", np.int64), ("used", np.int64), ("rest_s", np.float64)])
# A row that was given back, and when.
RETURNED = np.dtype([("at_s", np.float64), ("row", np.int64)])


class PoolArrays(NamedTuple):
    """A pool as kernels take it. rays: (rows, length) of RAY. returned: a ring. standing: one record."""

    rays: Records
    returned: Records
    standing: Records


class Pool:
    """Rows of rays. length: of a row. rest_s: for which a row that was given back is not lent again."""

    def __init__(self, length: int, rest_s: float) -> None:
        self.length = length
        standing = np.zeros(1, dtype=STANDING)
        standing["rest_s"] = rest_s
        self.arrays = PoolArrays(_untouched(FIRST_ROWS, length), _ring(FIRST_ROWS), standing)

    @property
    def rays(self) -> Records:
        """The rows."""
        return self.arrays.rays

    def make_room(self, count: int) -> None:
        """Let there be so many rows more than are used."""
        rays, returned, standing = self.arrays
        least = int(standing["used"][0]) + count
        if least <= len(rays):
            return
        larger = _untouched(max(2 * len(rays), least), self.length)
        # NumPy copies records number by number, bytes at once.
        larger.view(np.uint8)[: len(rays)] = rays.view(np.uint8)
        ring = _ring(len(larger))
        tail = int(standing["tail"][0])
        numbers = np.arange(max(0, tail - len(returned)), tail)
        ring[numbers % len(ring)] = returned[numbers % len(returned)]
        self.arrays = PoolArrays(larger, ring, standing)

    def lend(self, count: int, now_s: float) -> Int64:
        """Return (count,) rows to write to; `give_back` what is not needed."""
        self.make_room(count)
        return np.array([lend_row(self.arrays, now_s) for _ in range(count)], dtype=np.int64)

    def give_back(self, rows: Int64, now_s: float) -> None:
        """Take rows back; their content stays while they rest."""
        take_back(self.arrays, rows, now_s)

    def mark(self) -> Records:
        """Return what `restore` needs."""
        return self.arrays.standing.copy()

    def restore(self, mark: Records) -> None:
        """Forget what was lent and given back since the mark."""
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
