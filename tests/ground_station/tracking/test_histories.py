"""What the tracker remembers: rows lent and given back, looks in order, axes of the instant of emission."""

import resource
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from services.geometry.frames import EARTH_RATE_RAD_PER_S
from services.ground_station.tracking.histories import (
    FIRST_LOOKS,
    NEWEST_LOOKS,
    STEP_S,
    TRACK_LOOKS,
    emitted,
    empty_window,
    everything,
    is_due,
    track_place,
    window,
)
from services.ground_station.tracking.pool import FIRST_OLD, FIRST_ROWS, Pool, keep_old
from services.ground_station.tracking.records import RAY, TRACKLET, copied, drop, grown
from tests.ground_station.tracking.targets import SITE_ITRS_M, Satellite, line_of_sight, turned

Float64 = NDArray[np.float64]

STATM = Path("/proc/self/statm")


def resident_bytes() -> int:
    return int(STATM.read_text().split()[1]) * resource.getpagesize()


def kept(looks: int, period_s: float = 1.0) -> NDArray[np.void]:
    """Return a history to which so many looks have been written, told apart by their times."""
    rays = np.zeros(TRACK_LOOKS, dtype=RAY)
    for number in range(looks):
        ray = rays[track_place(number)]
        ray["time_s"], ray["sensor"], ray["sigma_rad"] = number * period_s, number % 3, 1e-4 * (1 + number % 3)
        ray["los"] = ray["raw_los"] = (0.0, 0.0, -1.0)
        ray["raw_sigma_rad"] = ray["sigma_rad"]
    return rays


def all_of(looks: int) -> tuple[Float64, NDArray[np.int64]]:
    time_s, origin, los, sigma, _, sensor = empty_window(TRACK_LOOKS)
    count = everything(kept(looks), looks, time_s, origin, los, sigma, sensor)
    assert sigma[:count] == pytest.approx(1e-4 * (1 + sensor[:count]))
    return time_s[:count], sensor[:count]


@pytest.mark.parametrize("looks", [0, 1, FIRST_LOOKS, FIRST_LOOKS + NEWEST_LOOKS])
def test_a_short_history_keeps_every_look_in_order(looks: int) -> None:
    time_s, sensor = all_of(looks)
    assert time_s.tolist() == list(range(looks))
    assert sensor.tolist() == [number % 3 for number in range(looks)]


@pytest.mark.parametrize("more", [1, 63, 64, 65, 300, 1000, 5000])
def test_a_long_history_keeps_its_first_and_its_newest_looks_in_order(more: int) -> None:
    looks = FIRST_LOOKS + NEWEST_LOOKS + more
    time_s, _ = all_of(looks)
    assert time_s.tolist() == [*range(FIRST_LOOKS), *range(looks - NEWEST_LOOKS, looks)]


@pytest.mark.parametrize("looks", [5, FIRST_LOOKS + 5, TRACK_LOOKS - 1, TRACK_LOOKS, TRACK_LOOKS + 1, 3 * TRACK_LOOKS])
def test_window_goes_back_over_the_edge_of_the_ring(looks: int) -> None:
    scratch = empty_window(280)
    count = window(kept(looks), looks, looks - 1 - 40.0, *scratch)
    expected = list(range(looks - 1, max(looks - 42, -1), -1))
    assert scratch[0][:count].tolist() == expected
    assert scratch[5][:count].tolist() == [number % 3 for number in expected]


def test_window_ends_where_its_arrays_or_the_memory_do() -> None:
    looks = 2 * TRACK_LOOKS
    scratch = empty_window(10)
    assert window(kept(looks), looks, -np.inf, *scratch) == 10
    scratch = empty_window(2000)
    # Between the first looks and the newest ones there is a gap; a window of the newest ones ends there.
    assert window(kept(looks), looks, -np.inf, *scratch) == NEWEST_LOOKS


def test_emitted_undoes_the_turn_of_the_earth_while_light_was_on_its_way() -> None:
    # A fire at rest, seen from two sides: brought back to emission, both lines of sight go through it.
    for azimuth_deg in (40.0, 230.0):
        satellite = Satellite(azimuth_deg, 100.0, aside_m=1.5e6)
        origin = satellite(50.0)
        los = line_of_sight(lambda _: SITE_ITRS_M, origin, 50.0)
        age_s = float(np.linalg.norm(SITE_ITRS_M - origin)) / 299_792_458.0
        start, line = np.empty(3), np.empty(3)
        emitted(origin, age_s, start)
        emitted(los, age_s, line)
        assert start == pytest.approx(turned(origin, EARTH_RATE_RAD_PER_S * age_s), abs=1e-3)
        off_m = np.linalg.norm(np.cross(SITE_ITRS_M - start, line))
        a_centimetre = 0.01
        assert off_m < a_centimetre
        # Not undone, it would be metres.
        assert np.linalg.norm(np.cross(SITE_ITRS_M - origin, los)) > 1.0


def test_one_satellites_looks_are_kept_no_oftener_than_stated() -> None:
    rays, count, taken = np.zeros(TRACK_LOOKS, dtype=RAY), 0, []
    # Two satellites at 10 and 2 Hz.
    looks = sorted([(0.1 * k, 0) for k in range(100)] + [(0.5 * k + 0.03, 1) for k in range(20)])
    for time_s, sensor in looks:
        if is_due(rays, count, sensor, time_s):
            ray = rays[track_place(count)]
            ray["time_s"], ray["sensor"] = time_s, sensor
            count += 1
            taken.append((time_s, sensor))
    fast = [time_s for time_s, sensor in taken if sensor == 0]
    slow = [time_s for time_s, sensor in taken if sensor == 1]
    assert np.diff(fast).min() >= STEP_S - 1e-9
    assert np.diff(fast).max() <= STEP_S + 0.1 + 1e-9
    assert len(slow) == 20


def test_a_row_given_back_rests_before_it_is_lent_again() -> None:
    pool = Pool(4, 10.0)
    assert pool.lend(3, 0.0).tolist() == [0, 1, 2]
    pool.give_back(np.array([1]), 5.0)
    assert pool.lend(1, 14.9).tolist() == [3]
    assert pool.lend(2, 15.0).tolist() == [1, 4]


def test_rows_lent_are_never_lent_twice() -> None:
    rng = np.random.default_rng(1)
    lent: set[int] = set()
    pool, now_s = Pool(1, 3.0), 0.0
    for _ in range(500):
        now_s += rng.exponential(1.0)
        rows = pool.lend(int(rng.integers(0, 6)), now_s).tolist()
        assert lent.isdisjoint(rows)
        lent |= set(rows)
        back = [row for row in lent if rng.random() < 0.3]
        pool.give_back(np.array(back, dtype=np.int64), now_s)
        lent -= set(back)
    # Rows are used again: what was lent all in all is many times more.
    assert max(lent) < 100


def test_restore_forgets_what_was_lent_and_given_back_since() -> None:
    pool = Pool(2, 1.0)
    pool.lend(5, 0.0)
    pool.give_back(np.array([2]), 0.0)
    mark = pool.mark()
    first = pool.lend(3, 2.0).tolist()
    pool.give_back(np.array([0, 1]), 3.0)
    pool.lend(4, 9.0)
    for _ in range(2):
        pool.restore(mark)
        assert pool.lend(3, 2.0).tolist() == first


def test_growing_forgets_neither_what_rests_nor_what_a_mark_needs() -> None:
    pool = Pool(1, 1.0)
    pool.lend(3, 0.0)
    pool.give_back(np.array([0, 2]), 0.0)
    mark = pool.mark()
    assert pool.lend(1, 2.0).tolist() == [0]
    pool.make_room(FIRST_ROWS, 2.0)
    assert pool.lend(2, 2.0).tolist() == [2, 3]
    pool.restore(mark)
    assert pool.lend(3, 2.0).tolist() == [0, 2, 3]


def test_growing_keeps_what_is_written() -> None:
    pool = Pool(3, 1.0)
    rows = pool.lend(FIRST_ROWS, 0.0)
    pool.rays["time_s"][rows] = rows[:, None] + np.array([0.0, 0.25, 0.5])
    pool.rays["sigma_rad"][rows] = 1e-4
    more = pool.lend(FIRST_ROWS, 0.0)
    assert more.tolist() == list(range(FIRST_ROWS, 2 * FIRST_ROWS))
    assert len(pool.rays) >= 2 * FIRST_ROWS
    assert (pool.rays["time_s"][rows] == rows[:, None] + np.array([0.0, 0.25, 0.5])).all()


def write_over(pool: Pool, row: int, first: int, last: int, period_s: float) -> None:
    """Write looks of these numbers to a row, a ring, each at its number times the period."""
    for number in range(first, last):
        place = number % pool.length
        pool.make_room(1, number * period_s)
        if number >= pool.length:
            keep_old(pool.arrays, row, place, number * period_s)
        pool.rays["time_s"][row, place], pool.rays["sigma_rad"][row, place] = number * period_s, 1e-4


def test_going_back_puts_back_what_was_written_over() -> None:
    pool = Pool(7, 1e6)
    row = int(pool.lend(1, 0.0)[0])
    write_over(pool, row, 0, 25, 1.0)
    stood, mark = pool.rays[row].copy(), pool.mark()
    for more in (3, 100, FIRST_OLD + 50):
        write_over(pool, row, 25, 25 + more, 1.0)
        assert (pool.rays[row] != stood).any()
        pool.restore(mark)
        assert (pool.rays[row] == stood).all()


def test_what_was_written_over_is_kept_no_longer_than_rows_rest() -> None:
    pool = Pool(7, 10.0)
    row = int(pool.lend(1, 0.0)[0])
    write_over(pool, row, 0, 4 * FIRST_OLD, 0.1)
    assert len(pool.arrays.old) == FIRST_OLD
    last = 4 * FIRST_OLD
    stood, mark = pool.rays[row].copy(), pool.mark()
    write_over(pool, row, last, last + 90, 0.1)
    pool.restore(mark)
    assert (pool.rays[row] == stood).all()


@pytest.mark.skipif(not STATM.exists(), reason="needs /proc")
def test_growing_takes_memory_for_what_is_written_alone() -> None:
    pool = Pool(500, 1.0)
    rows = pool.lend(FIRST_ROWS, 0.0)
    pool.rays["sigma_rad"][rows, 0] = 1e-4
    whole = pool.rays.nbytes
    before = resident_bytes()
    pool.lend(1, 0.0)
    assert resident_bytes() - before < whole / 5


def test_records_grow_with_their_content_and_only_when_they_must() -> None:
    records = np.zeros(4, dtype=TRACKLET)
    records["serial"] = [7, 8, 9, 10]
    assert grown(records, 4) is records
    larger = grown(records, 5)
    assert len(larger) >= 5
    assert (larger[:4] == records).all()
    assert (larger["serial"][4:] == 0).all()


def test_copies_hold_the_same_and_do_not_change() -> None:
    records = np.zeros(3, dtype=TRACKLET)
    records["serial"], records["x"] = [7, 8, 9], np.arange(18.0).reshape(3, 6)
    same = copied(records)
    assert (same == records).all()
    records["serial"] = 1
    assert same["serial"].tolist() == [7, 8, 9]


def test_what_is_dropped_is_told_and_the_others_keep_their_order() -> None:
    records = np.zeros(5, dtype=TRACKLET)
    records["serial"], records["history"] = [3, 4, 5, 6, 7], [30, 40, 50, 60, 70]
    histories, serials = np.empty(2, dtype=np.int64), np.empty(2, dtype=np.int64)
    assert drop(records, np.array([1, 0, 0, 2, 0]), histories, serials) == 3
    assert records["serial"][:3].tolist() == [4, 5, 7]
    assert (histories.tolist(), serials.tolist()) == ([30, 60], [3, 6])
