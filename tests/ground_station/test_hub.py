"""Who watches gets everything, or is told what it missed, and holds up nobody."""

import asyncio

import pytest

from services.ground_station.hub import Hub, TooSlowError
from services.ground_station.quick_looks import Pace


async def test_every_watcher_gets_what_it_wants_in_order() -> None:
    hub: Hub[int] = Hub()
    async with hub.watch(10) as everything, hub.watch(10, wanted=lambda item: item % 2 == 0) as even:
        for item in range(4):
            hub.send(item)
        hub.close()
        assert [await everything.next() for _ in range(5)] == [0, 1, 2, 3, None]
        assert [await even.next() for _ in range(3)] == [0, 2, None]
    assert not hub.watchers


async def test_slow_watcher_misses_the_oldest_and_knows_how_many() -> None:
    hub: Hub[int] = Hub()
    async with hub.watch(3) as slow:
        for item in range(10):
            hub.send(item)
        assert await slow.next() == 7
        assert (slow.take_left_out(), slow.take_left_out()) == (7, 0)


async def test_watcher_that_must_miss_nothing_is_closed_instead() -> None:
    hub: Hub[int] = Hub()
    async with hub.watch(3, "close") as slow:
        for item in range(4):
            hub.send(item)
        with pytest.raises(TooSlowError):
            await slow.next()


async def test_waiting_watcher_wakes_for_an_item_and_for_the_end() -> None:
    hub: Hub[int] = Hub()
    async with hub.watch(3) as watcher:
        waiting = asyncio.create_task(watcher.next())
        await asyncio.sleep(0)
        hub.send(1)
        assert await asyncio.wait_for(waiting, 5) == 1
        waiting = asyncio.create_task(watcher.next())
        await asyncio.sleep(0)
        hub.close()
        assert await asyncio.wait_for(waiting, 5) is None


def test_pace_lets_one_through_a_period_and_satellite() -> None:
    pace = Pace()
    times = [k * 0.1 for k in range(50)]
    let_through = [time for time in times if pace.lets_through("sat-1", 2.0, time)]
    assert len(let_through) == 10
    assert pace.lets_through("sat-2", 2.0, 4.9)


def test_pace_does_not_catch_up_after_a_pause() -> None:
    pace = Pace()
    assert pace.lets_through("sat-1", 1.0, 0.0)
    assert pace.lets_through("sat-1", 1.0, 100.0)
    assert pace.lets_through("sat-1", 1.0, 100.1)
    assert not pace.lets_through("sat-1", 1.0, 100.2)
