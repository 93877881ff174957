"""Frames made a little before they are due, in a thread of their own, so that the event loop never waits for pixels."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Generic, Self, TypeVar

T = TypeVar("T")


class FramesAhead(Generic[T]):
    """Calls `make(sequence)` ahead of time for `ahead` frames, and no more.

    Bounded by construction: a network that stalls leaves these few frames waiting, and nothing else is made.
    """

    def __init__(self, make: Callable[[int], T], frames: int, ahead: int) -> None:
        self._make = make
        self._frames = frames
        self._ahead = ahead
        self._made: dict[int, asyncio.Future[T]] = {}
        # One thread: frames are made in order, and a satellite takes one core at most.
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="frames")

    async def frame(self, sequence: int) -> T:
        """Return what `make(sequence)` returns, or raise what it raises; then make the next ones."""
        for other in [k for k in self._made if not sequence <= k < sequence + self._ahead]:
            self._made.pop(other).cancel()
        self._start(sequence)
        frame = await asyncio.shield(self._made[sequence])
        self._made.pop(sequence, None)
        self._start(sequence + 1)
        return frame

    def _start(self, sequence: int) -> None:
        loop = asyncio.get_running_loop()
        for k in range(sequence, min(sequence + self._ahead, self._frames)):
            if k not in self._made:
                future = loop.run_in_executor(self._executor, self._make, k)
                # One that fails and is never asked for must not speak up when it is collected.
                future.add_done_callback(lambda done: done.cancelled() or done.exception())
                self._made[k] = future

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)
