"""Releases one stream's frames, each when it is due, in a thread of its own.

The thread is the one in which gRPC's blocking client asks for the next message to write: what `__next__` returns is
written at once, with no other thread and no event loop in between.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from services.relay.account import Account
from services.relay.alarm import NEVER_UNIX_NS, Alarm
from services.relay.header import Kind
from services.relay.held import HeldFrame, HeldFrames
from services.relay.network.link import Transit
from services.relay.priority import prefer_this_thread
from services.relay.stamp import Stamped
from services.relay.way import Lost, Way
from services.runtime.clock import RunClock


@dataclass(frozen=True)
class Label:
    """What a stream's stamps say whatever the frame. node: this relay's name."""

    kind: Kind
    node: str


class Release:
    """An iterator over messages. One thread asks for the next; any other puts frames, begins and ends.

    lost: called, in the asking thread, with each frame that the network model loses, and why.
    """

    def __init__(
        self, label: Label, held: HeldFrames, way: Way, account: Account, lost: Callable[[HeldFrame, str], None]
    ) -> None:
        self._label = label
        self._held = held
        self._way = way
        self._account = account
        self._lost = lost
        self._alarm = Alarm()
        self._clock: RunClock | None = None
        self._ended = False
        self._written_late_ns: int | None = None
        self._counting = threading.Lock()
        self._preferred = False

    def begin(self, clock: RunClock) -> None:
        """Let frames go from now on: the run has started, or will at an instant that is known."""
        self._clock = clock
        self._alarm.ring()

    def put(self, frame: HeldFrame) -> list[HeldFrame]:
        """Hold a frame until it is due; return those that had to go for it."""
        dropped = self._held.put(frame)
        if self._held.holds_first(frame):
            self._alarm.ring()
        return dropped

    def close(self) -> None:
        """Say that no more frames will come: the iterator ends after those that are held."""
        self._held.close()
        self._alarm.ring()

    def end(self) -> None:
        """End the iterator now. Nothing is kept; what was handed out last counts as released."""
        self._ended = True
        self._held.discard()
        self._alarm.close()
        self._count_written()

    @property
    def finished(self) -> bool:
        """Whether every frame has gone out or was lost, and no more will come."""
        return not self._ended and self._held.exhausted

    def __iter__(self) -> "Release":
        return self

    def __next__(self) -> bytes:
        if not self._preferred:
            self._preferred = True
            prefer_this_thread()
        # Whoever asks for the next message has written the one before.
        self._count_written()
        while (clock := self._running_clock()) is not None and (frame := self._head()) is not None:
            message = self._released(frame, clock)
            if message is not None:
                return message
        raise StopIteration

    def _count_written(self) -> None:
        """Count the frame that was handed out last as released, once."""
        with self._counting:
            late_ns, self._written_late_ns = self._written_late_ns, None
        if late_ns is not None:
            self._account.release(late_ns / 1e9)

    def _running_clock(self) -> RunClock | None:
        while self._clock is None and not self._ended:
            self._alarm.wait_until(NEVER_UNIX_NS)
        return self._clock

    def _head(self) -> HeldFrame | None:
        """Return the oldest frame, waiting for one; None where no more will come."""
        while (frame := self._held.oldest()) is None and not self._ended and not self._held.exhausted:
            self._alarm.wait_until(NEVER_UNIX_NS)
        return frame

    def _released(self, frame: HeldFrame, clock: RunClock) -> bytes | None:
        """Return the message once it is due; None: the frame is lost, or has made room for a newer one."""
        ready = frame.header.readout_end_unix_ns
        if not self._wait(frame, due(clock, ready)):
            return None
        outcome = self._way.leave(ready, len(frame.data), frame.header.sequence)
        transit = None
        # Asked on arrival, the network may say that the frame was sent another way and arrives later.
        while not isinstance(outcome, Lost) and outcome is not transit:
            transit = outcome
            stamped = self._stamped(frame, transit)
            due_wall_unix_ns = due(clock, transit.arrival_unix_ns)
            if not self._wait(frame, due_wall_unix_ns):
                return None
            outcome = self._way.arrive(transit)
        if not self._held.take(frame):
            return None
        if isinstance(outcome, Lost):
            self._lost(frame, outcome.detail)
            return None
        if not all(stay.arrived for stay in outcome.stays):
            self._account.retime()
        # Somebody may have set the clock back since; the stamp has no room for less than nothing.
        late_ns = max(0, time.time_ns() - due_wall_unix_ns)
        self._written_late_ns = late_ns
        return stamped.sent(late_ns)

    def _stamped(self, frame: HeldFrame, transit: Transit) -> Stamped:
        return Stamped(
            frame.data,
            self._label.kind,
            self._label.node,
            transit.nodes,
            transit.departure_unix_ns,
            transit.arrival_unix_ns,
        )

    def _wait(self, frame: HeldFrame, wall_unix_ns: int) -> bool:
        """Return whether the frame is still the oldest once the wall clock is at an instant."""
        while not self._alarm.wait_until(wall_unix_ns):
            if not self._held.holds_first(frame):
                return False
        return self._held.holds_first(frame)


def due(clock: RunClock, emulated_unix_ns: int) -> int:
    """Return the first whole wall nanosecond at which the emulated instant has come."""
    wall_unix_ns = clock.wall_unix_ns(emulated_unix_ns)
    while clock.emulated_unix_ns(wall_unix_ns) < emulated_unix_ns:
        wall_unix_ns += 1
    while clock.emulated_unix_ns(wall_unix_ns - 1) >= emulated_unix_ns:
        wall_unix_ns -= 1
    return wall_unix_ns
