"""The run clock: emulated UTC as a function of the wall clock. Pure; the caller reads the wall clock."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RunClock:
    """emulated = emulated_start + (wall - wall_start) * rate, all in nanoseconds of UTC since 1970."""

    run_id: str
    emulated_start_unix_ns: int
    wall_start_unix_ns: int
    rate: float = 1.0
    # 0: the run has no end.
    emulated_end_unix_ns: int = 0

    def emulated_unix_ns(self, wall_unix_ns: int) -> int:
        """Return the emulated instant at a wall instant."""
        return self.emulated_start_unix_ns + round((wall_unix_ns - self.wall_start_unix_ns) * self.rate)

    def wall_unix_ns(self, emulated_unix_ns: int) -> int:
        """Return the wall instant at which an emulated instant comes."""
        return self.wall_start_unix_ns + round((emulated_unix_ns - self.emulated_start_unix_ns) / self.rate)
