"""One stream's share of one link's transmitter: when it is busy, and how many bytes wait for it.

A frame is sent as soon as the transmitter is idle for as long as the sending takes, in the order in which frames reach
it. What it sends is remembered frame by frame, so that a frame can be taken out and sent anew at another time as if
those after it had not been asked about yet.
"""

import bisect
from collections.abc import Sequence
from typing import NamedTuple


class Sending(NamedTuple):
    """One frame's time on a transmitter; emulated UTC, nanoseconds. number: of the frame within its stream."""

    start_unix_ns: int
    end_unix_ns: int
    waits_from_unix_ns: int
    number: int
    size_bytes: int


class Transmitter:
    """Sendings, in order of their starts."""

    def __init__(self) -> None:
        self._sendings: list[Sending] = []

    def __len__(self) -> int:
        return len(self._sendings)

    def earliest_start(self, number: int, ready_unix_ns: int, duration_ns: int) -> int:
        """Return when frame `number` can be sent that is ready at an instant; frames after it do not count."""
        start = ready_unix_ns
        for sending in self._ending_after(ready_unix_ns):
            if sending.number > number:
                continue
            if sending.start_unix_ns >= start + duration_ns:
                break
            start = max(start, sending.end_unix_ns)
        return start

    def waiting_bytes(self, number: int, unix_ns: int) -> int:
        """Return how many bytes of the frames before `number` have not left at an instant, those on the wire whole."""
        waiting = 0
        for sending in self._ending_after(unix_ns):
            if sending.number < number and sending.waits_from_unix_ns <= unix_ns:
                waiting += sending.size_bytes
        return waiting

    def reserve(self, sending: Sending) -> None:
        """Keep the transmitter busy for a sending."""
        if self._sendings and sending < self._sendings[-1]:
            bisect.insort(self._sendings, sending)
        else:
            self._sendings.append(sending)

    def withdraw(self, number: int, since_unix_ns: int) -> None:
        """Take out all sendings of a frame that was not ready before an instant."""
        later = self._ending_after(since_unix_ns)
        if later:
            self._sendings[-len(later) :] = [sending for sending in later if sending.number != number]

    def forget_before(self, number: int) -> None:
        """Drop the sendings of frames so old that nobody asks about them again."""
        self._sendings = [sending for sending in self._sendings if sending.number >= number]

    def _ending_after(self, unix_ns: int) -> Sequence[Sending]:
        """Return the sendings that end after an instant, first to last."""
        sendings = self._sendings
        if not sendings or sendings[-1].end_unix_ns <= unix_ns:
            return ()
        first = len(sendings) - 1
        while first and sendings[first - 1].end_unix_ns > unix_ns:
            first -= 1
        return sendings[first:]
