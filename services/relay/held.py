"""Frames on their way through the modelled network: held in order until each is due at the ground station."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from services.relay.header import Header


@dataclass(frozen=True, eq=False)
class HeldFrame:
    """A frame's bytes, and what the relay has read of them."""

    data: bytes
    header: Header


class HeldFrames:
    """A queue bounded in frames and in bytes. When it is full the oldest frames make room: images drop oldest.

    One thread puts, another takes. changed: told by how many frames and bytes the queue has grown, or shrunk (< 0).
    """

    def __init__(
        self, most_frames: int, most_bytes: int, changed: Callable[[int, int], None] = lambda _frames, _bytes: None
    ) -> None:
        self._most_frames = most_frames
        self._most_bytes = most_bytes
        self._changed = changed
        self._frames: deque[HeldFrame] = deque()
        self._bytes = 0
        self._closed = False
        self._lock = threading.Lock()

    @property
    def exhausted(self) -> bool:
        """Whether all frames are gone and no more will come."""
        with self._lock:
            return self._closed and not self._frames

    def put(self, frame: HeldFrame) -> list[HeldFrame]:
        """Take a frame in and return those that had to go for it, oldest first; itself where it alone is too large."""
        size = len(frame.data)
        if size > self._most_bytes:
            return [frame]
        dropped = []
        with self._lock:
            if self._closed:
                return []
            while len(self._frames) >= self._most_frames or self._bytes + size > self._most_bytes:
                dropped.append(self._pop())
            self._frames.append(frame)
            self._bytes += size
            self._changed(1, size)
        return dropped

    def close(self) -> None:
        """Say that no more frames will come."""
        with self._lock:
            self._closed = True

    def discard(self) -> None:
        """Drop all frames; no more will come."""
        with self._lock:
            self._closed = True
            while self._frames:
                self._pop()

    def oldest(self) -> HeldFrame | None:
        """Return the oldest frame and leave it here; None where there is none."""
        with self._lock:
            return self._frames[0] if self._frames else None

    def holds_first(self, frame: HeldFrame) -> bool:
        """Return whether this frame is still the oldest; it may have made room for a newer one."""
        return self.oldest() is frame

    def take(self, frame: HeldFrame) -> bool:
        """Take the oldest frame out if it is still this one; False: it has made room for a newer one."""
        with self._lock:
            if not self._frames or self._frames[0] is not frame:
                return False
            self._pop()
            return True

    def _pop(self) -> HeldFrame:
        frame = self._frames.popleft()
        self._bytes -= len(frame.data)
        self._changed(-1, -len(frame.data))
        return frame
