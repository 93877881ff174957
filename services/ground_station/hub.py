"""Hands what happens to everybody who watches, without anybody's slowness holding up the rest."""

import asyncio
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Generic, Literal, Self, TypeVar

T = TypeVar("T")


class TooSlowError(Exception):
    """A watcher that must miss nothing has not read fast enough."""


class Watcher(Generic[T]):
    """One watcher's bounded queue; to be left with `async with`.

    overflow: `drop_oldest` counts what it drops in `left_out`; `close` ends the watcher with TooSlowError.
    """

    def __init__(
        self, hub: "Hub[T]", wanted: Callable[[T], bool], most: int, overflow: Literal["drop_oldest", "close"]
    ) -> None:
        self._hub = hub
        self._wanted = wanted
        self._most = most
        self._overflow = overflow
        self._items: deque[T] = deque()
        self._ready = asyncio.Event()
        self._closed = False
        self.left_out = 0

    async def __aenter__(self) -> Self:
        self._hub.watchers.add(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._hub.watchers.discard(self)

    def offer(self, item: T) -> None:
        """Put an item in, if it is wanted."""
        if self._closed or not self._wanted(item):
            return
        if len(self._items) >= self._most:
            if self._overflow == "close":
                self._closed = True
                self._items.clear()
            else:
                self._items.popleft()
                self.left_out += 1
        if not self._closed:
            self._items.append(item)
        self._ready.set()

    async def next(self) -> T | None:
        """Return the next item; None once the hub is closed. Raises TooSlowError."""
        while not self._items:
            if self._closed:
                raise TooSlowError
            if self._hub.closed:
                return None
            self._ready.clear()
            await self._ready.wait()
        return self._items.popleft()

    def take_left_out(self) -> int:
        """Return how many items were left out since the last call."""
        count, self.left_out = self.left_out, 0
        return count

    def wake(self) -> None:
        """Look again whether the hub is closed."""
        self._ready.set()


class Hub(Generic[T]):
    """Everybody who watches one kind of thing."""

    def __init__(self) -> None:
        self.watchers: set[Watcher[T]] = set()
        self.closed = False

    def watch(
        self,
        most: int,
        overflow: Literal["drop_oldest", "close"] = "drop_oldest",
        wanted: Callable[[T], bool] = lambda _: True,
    ) -> Watcher[T]:
        """Return a watcher that holds at most so many items; it begins with its `async with`."""
        return Watcher(self, wanted, most, overflow)

    def send(self, item: T) -> None:
        """Offer an item to all."""
        for watcher in list(self.watchers):
            watcher.offer(item)

    def close(self) -> None:
        """Let every watcher finish what it holds and end."""
        self.closed = True
        for watcher in list(self.watchers):
            watcher.wake()
