"""What becomes of each message of one satellite's stream: taken, dropped as a repeat, or refused. Decides only.

A stream's sequence numbers are settled in order: a number is settled once its detections are committed or its loss is
named. `SequenceBook` runs ahead of what is committed by the frames that are being searched; what a restart knows of
is what was committed.
"""

from dataclasses import dataclass
from typing import Literal

Cause = Literal["skipped", "refused"]

# Nothing that a satellite goes through leaves out more than this; a number further ahead is a mistake, and to believe
# it would make repeats of all that follows.
MOST_SKIPPED = 1_000_000


@dataclass(frozen=True)
class Loss:
    """A stretch of sequence numbers that will never be acknowledged as frames, and why."""

    first_sequence: int
    last_sequence: int
    cause: Cause
    detail: str = ""

    def __len__(self) -> int:
        return self.last_sequence - self.first_sequence + 1


@dataclass(frozen=True)
class Verdict:
    """What is to be done with a message: search it and commit what was found if `accepted`; settle `losses` first.

    settles: the newest sequence number that is settled once all that is done; None: the message changes nothing (it is
    a repeat).
    """

    accepted: bool
    losses: tuple[Loss, ...] = ()
    settles: int | None = None


class SequenceBook:
    """Keeps one stream's place: the next sequence number, and the newest time accepted."""

    def __init__(self, settled_sequence: int = -1, newest_readout_end_unix_ns: int = 0) -> None:
        """settled_sequence: -1 where nothing is settled; newest_readout_end_unix_ns: 0 where nothing is accepted."""
        self.next_sequence = settled_sequence + 1
        self.newest_readout_end_unix_ns = newest_readout_end_unix_ns
        self.repeated = 0

    def judge(self, sequence: int | None, readout_end_unix_ns: int = 0, problem: str = "") -> Verdict:
        """Return what becomes of a message.

        sequence: None where the message's own number cannot be read or trusted; it then stands for the next one.
        problem: what `frame_problem` found; empty: nothing.
        """
        if sequence is not None and sequence < self.next_sequence:
            self.repeated += 1
            return Verdict(accepted=False)
        if sequence is not None and sequence - self.next_sequence > MOST_SKIPPED:
            problem = (
                f"sequence is {sequence} and the next one is {self.next_sequence}; more than {MOST_SKIPPED} cannot be "
                "left out: go on from the last acknowledged"
            )
            sequence = None
        if sequence is None:
            sequence = self.next_sequence
        losses = self._skip_to(sequence)
        self.next_sequence = sequence + 1
        if not problem and readout_end_unix_ns <= self.newest_readout_end_unix_ns:
            problem = (
                f"readout_end_unix_ns {readout_end_unix_ns} is not later than the newest accepted one, "
                f"{self.newest_readout_end_unix_ns}; frames go in order of time"
            )
        if problem:
            return Verdict(False, (*losses, Loss(sequence, sequence, "refused", problem)), sequence)
        self.newest_readout_end_unix_ns = readout_end_unix_ns
        return Verdict(True, losses, sequence)

    def _skip_to(self, sequence: int) -> tuple[Loss, ...]:
        if sequence == self.next_sequence:
            return ()
        return (Loss(self.next_sequence, sequence - 1, "skipped", f"frame {sequence} came instead"),)
