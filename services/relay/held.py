"""Frames on their way through the modelled network: held in order until each is due at the ground station."""

import asyncio
from collections import deque
from dataclasses import dataclass

from services.relay.header import Header


@dataclass(frozen=True, eq=False)
class HeldFrame:
    """A frame's bytes, and what the relay has read of them."""

    data: bytes
    header: Header


class HeldFrames:
    """A queue bounded in frames and in bytes. When it is full the oldest frames make room: images drop oldest."""

    def __init__(self, most_frames: int, most_bytes: int) -> None:
        self._most_frames = most_frames
        self._most_bytes = most_bytes
        self._frames: deque[HeldFrame] = deque()
        self._bytes = 0
        self._closed = False
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def bytes_held(self) -> int:
        """Bytes of all frames held."""
        return self._bytes

    def put(self, frame: HeldFrame) -> list[HeldFrame]:
        """Take a frame in and return those that had to go for it, oldest first; itself where it alone is too large."""
        if len(frame.data) > self._most_bytes:
            return [frame]
        dropped = []
        while len(self._frames) >= self._most_frames or self._bytes + len(frame.data) > self._most_bytes:
            dropped.append(self._pop())
        self._frames.append(frame)
        self._bytes += len(frame.data)
        self._changed.set()
        return dropped

    def close(self) -> None:
        """Say that no more frames will come."""
        self._closed = True
        self._changed.set()

    async def head(self) -> HeldFrame | None:
        """Return the oldest frame, waiting for one, and leave it here; None once closed and empty."""
        while not self._frames:
            if self._closed:
                return None
            self._changed.clear()
            await self._changed.wait()
        return self._frames[0]

    def holds_first(self, frame: HeldFrame) -> bool:
        """Return whether this frame is still the oldest; it may have made room for a newer one."""
        return bool(self._frames) and self._frames[0] is frame

    def take(self, frame: HeldFrame) -> bool:
        """Take the oldest frame out if it is still this one; False: it has made room for a newer one."""
        if not self.holds_first(frame):
            return False
        self._pop()
        return True

    def _pop(self) -> HeldFrame:
        frame = self._frames.popleft()
        self._bytes -= len(frame.data)
        return frame
