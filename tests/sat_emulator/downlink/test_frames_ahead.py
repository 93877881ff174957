import asyncio
import threading

import pytest

from sat_emulator.downlink.frames_ahead import FramesAhead
from services.runtime.errors import BadInputError


async def test_frames_come_in_order_and_few_are_made_ahead() -> None:
    made: list[int] = []

    def make(sequence: int) -> int:
        made.append(sequence)
        return sequence * 10

    with FramesAhead(make, 100, 3) as ahead:
        assert [await ahead.frame(k) for k in range(5)] == [0, 10, 20, 30, 40]
        # Whatever else happens, nothing beyond frame 7 may have been begun.
        assert await ahead.frame(5) == 50
        assert max(made) <= 8
    assert made == sorted(set(made))


async def test_stalled_network_makes_nothing_more() -> None:
    made = threading.Semaphore(0)
    with FramesAhead(lambda _: made.release(), 100, 3) as ahead:
        await ahead.frame(0)
        count = 0
        while await asyncio.to_thread(made.acquire, timeout=0.2):
            count += 1
        assert count == 4


async def test_goes_back_where_a_new_stream_begins() -> None:
    with FramesAhead(lambda k: k, 100, 3) as ahead:
        assert await ahead.frame(50) == 50
        assert await ahead.frame(10) == 10
        assert await ahead.frame(11) == 11


async def test_unreadable_frame_fails_alone() -> None:
    def make(sequence: int) -> int:
        if sequence == 2:
            raise BadInputError("2.png", "truncated")
        return sequence

    with FramesAhead(make, 5, 3) as ahead:
        assert [await ahead.frame(k) for k in (0, 1)] == [0, 1]
        with pytest.raises(BadInputError, match="truncated"):
            await ahead.frame(2)
        assert [await ahead.frame(k) for k in (3, 4)] == [3, 4]
