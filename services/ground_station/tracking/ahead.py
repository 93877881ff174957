"""Looks far ahead of all before them: taken at once, one of a wrong clock would make every true one too late."""

from dataclasses import dataclass, field

from services.geometry.time import NS_PER_S
from services.ground_station.tracking.look import Look

# A look so much later than all before it waits, s: pauses as long are rare where several satellites look.
FARTHEST_AHEAD_S = 60.0
# A satellite that looks seldom may pause so many times longer than it did the last time.
LONGER = 2.0


@dataclass
class Ahead:
    """Holds looks far ahead until others confirm their time, or show that it is wrong.

    Confirmed by a look of another sensor about then, or by the same one's `alone_s` later or more with nobody at the
    old time: satellites that look seldom have no worse clocks.
    Shown to be wrong by the next look that is not far ahead, and by one that is far from those held.
    """

    alone_s: float
    _held: list[Look] = field(default_factory=list)
    # Of each sensor: when its newest look was, and how long after the one before, nanoseconds.
    _newest: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def waits(self) -> bool:
        """Whether any look is held."""
        return bool(self._held)

    def is_far(self, look: Look, newest_unix_ns: int | None) -> bool:
        """Return whether a look is far ahead of the newest that has been taken; None: there is none."""
        if newest_unix_ns is None:
            return False
        _, pause_ns = self._newest.get(look.sensor_id, (0, 0))
        usual_ns = max(FARTHEST_AHEAD_S, self.alone_s) * NS_PER_S
        return look.time_unix_ns - newest_unix_ns > max(usual_ns, LONGER * pause_ns)

    def sort_out(self, look: Look, newest_unix_ns: int | None) -> tuple[list[Look], list[Look]]:
        """Return the looks that are to be taken now, in order of time, and those that are to be refused."""
        if not self.is_far(look, newest_unix_ns):
            self._note(look)
            return [look], self.give_up()
        near = [each for each in self._held if _bears_out(look, each)]
        refused = [each for each in self._held if each not in near]
        self._held = sorted([*near, look], key=lambda each: (each.time_unix_ns, each.sensor_id, each.sequence))
        lasts_ns = self._held[-1].time_unix_ns - self._held[0].time_unix_ns
        if len({each.sensor_id for each in self._held}) > 1 or lasts_ns >= self.alone_s * NS_PER_S:
            for each in self._held:
                self._note(each)
            return self.give_up(), refused
        return [], refused

    def _note(self, look: Look) -> None:
        last_unix_ns, _ = self._newest.get(look.sensor_id, (look.time_unix_ns, 0))
        if look.time_unix_ns >= last_unix_ns:
            self._newest[look.sensor_id] = look.time_unix_ns, look.time_unix_ns - last_unix_ns

    def give_up(self) -> list[Look]:
        """Return what is held, and hold it no longer."""
        held, self._held = self._held, []
        return held


def _bears_out(look: Look, held: Look) -> bool:
    """Return whether a look's time makes that of one that is held more likely."""
    apart_ns = look.time_unix_ns - held.time_unix_ns
    return abs(apart_ns) < FARTHEST_AHEAD_S * NS_PER_S or (look.sensor_id == held.sensor_id and apart_ns > 0)
