"""What became of every frame of one satellite: which are settled, which are lost, and by what. Pure."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

# A frame that its own source could not read; the network never heard of it.
UNREADABLE = "unreadable"
# A frame that was still in doubt when the satellite gave up.
UNACKNOWLEDGED = "unacknowledged"
# Reasons kept word for word; a source that fails on every frame must not fill the memory.
DETAILS_KEPT = 20


@dataclass
class Account:
    """Counts for frames 0 to `frames` - 1.

    A frame is settled once its detections are committed or its loss has been named; settled frames need not be sent
    again. acknowledged_sequence: what the receiver said last; -1: nothing yet.
    """

    satellite_id: str
    frames: int
    acknowledged_sequence: int = -1
    highest_sent: int = -1
    streams_opened: int = 0
    frames_repeated: int = 0
    # Longest time from a frame's read-out end to its acknowledgement, emulated seconds.
    max_backlog_s: float = 0.0
    details: list[str] = field(default_factory=list)
    _losses: dict[int, str] = field(default_factory=dict)
    _settled: int = -1

    @property
    def settled_sequence(self) -> int:
        """Every frame up to this one is settled; -1: none."""
        return self._settled

    @property
    def done(self) -> bool:
        """Whether every frame is settled."""
        return self._settled >= self.frames - 1

    def open(self, acknowledged_sequence: int) -> int:
        """Note a new stream and what its receiver already has; return the sequence number to go on with.

        Losses beyond that are forgotten, since those frames are sent again; what the source cannot read stays lost.
        """
        self.streams_opened += 1
        # A receiver that lost its archive starts behind what it once acknowledged, and gets those frames again.
        self.acknowledged_sequence = acknowledged_sequence
        self._losses = {
            sequence: cause
            for sequence, cause in self._losses.items()
            if sequence <= acknowledged_sequence or cause == UNREADABLE
        }
        self._settled = acknowledged_sequence
        self._advance()
        return self._settled + 1

    def send(self, sequence: int) -> None:
        """Note a frame handed to the network."""
        if sequence <= self.highest_sent:
            self.frames_repeated += 1
        self.highest_sent = max(self.highest_sent, sequence)

    def skip_unreadable(self, sequence: int, reason: str) -> None:
        """Note a frame that the source cannot read."""
        if self._losses.get(sequence) != UNREADABLE:
            self._keep(f"frame {sequence}: {reason}")
        self._losses[sequence] = UNREADABLE
        self._advance()

    def lose(self, first: int, last: int, cause: str, detail: str) -> None:
        """Note a stretch of frames that somebody on the way named as lost."""
        fresh = [sequence for sequence in range(first, min(last, self.frames - 1) + 1) if sequence not in self._losses]
        if fresh:
            which = f"frames {first} to {last}" if last > first else f"frame {first}"
            self._keep(f"{which}: {cause}: {detail}")
        self._losses.update(dict.fromkeys(fresh, cause))
        self._advance()

    def acknowledge(self, sequence: int) -> None:
        """Note that every frame up to `sequence` is settled at the receiver."""
        self.acknowledged_sequence = max(self.acknowledged_sequence, sequence)
        self._settled = max(self._settled, sequence)
        self._advance()

    def lost(self) -> dict[str, int]:
        """Return the number of lost frames by cause."""
        return dict(Counter(self._losses.values()))

    def as_json(self) -> dict[str, Any]:
        """Return what a report says: of `frames`, `sent` reached the network and `acknowledged` were committed.

        frames = acknowledged + all lost, always: what nobody settled counts as lost, `unacknowledged`.
        """
        lost = self.lost()
        pending = [k for k in range(self._settled + 1, self.frames) if k not in self._losses]
        if pending:
            lost[UNACKNOWLEDGED] = len(pending)
        never_sent = sum(
            1 for sequence, cause in self._losses.items() if cause == UNREADABLE and sequence <= self.highest_sent
        )
        return {
            "satellite_id": self.satellite_id,
            "frames": self.frames,
            "sent": self.highest_sent + 1 - never_sent,
            "acknowledged": self.frames - sum(lost.values()),
            "lost": lost,
            "repeated": self.frames_repeated,
            "streams_opened": self.streams_opened,
            "max_backlog_s": round(self.max_backlog_s, 4),
            "details": self.details,
        }

    def _advance(self) -> None:
        while self._settled + 1 in self._losses:
            self._settled += 1

    def _keep(self, detail: str) -> None:
        if len(self.details) < DETAILS_KEPT:
            self.details.append(detail)
