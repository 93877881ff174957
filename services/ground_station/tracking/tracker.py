"""The tracker: looks in, track snapshots out, whatever the order in which looks come.

    look ──> tracks in space take what lies in their gates, decided ones before others
        ──> what they leave goes to the tracks that its satellite holds by itself
        ──> what these leave founds new ones; where lines of sight of several satellites meet, a track in space

Looks are taken in the order of their times. One that comes late is taken in its place: the tracker goes back to how it
stood then and takes all later looks once more, so that the order of arrival changes nothing. Pure: no clock, no chance,
and no state beyond its own.

A look far ahead of all before waits for another that confirms its time (`ahead`). Looks that others may still come
before are held with copies of all tracks: beyond MOST_HELD_BYTES the oldest are settled early.
"""

import bisect
import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from services.geometry.time import NS_PER_S
from services.ground_station.detection_batch import DetectionBatch
from services.ground_station.tracking import retelling
from services.ground_station.tracking.ahead import Ahead
from services.ground_station.tracking.changes import Changes
from services.ground_station.tracking.config import TrackingConfig
from services.ground_station.tracking.describe import Naming
from services.ground_station.tracking.look import Look, look_from_batch, seconds
from services.ground_station.tracking.plane_images import ImageTracks
from services.ground_station.tracking.sensors import TooManySensorsError
from services.ground_station.tracking.sky import Sky
from services.ground_station.tracking.snapshot import TrackSnapshot
from services.ground_station.tracking.state import Mark

# The records' times count from here, 2020-01-01T00:00Z: the same whichever look comes first, and good to 30 ns for
# decades.
EPOCH_UNIX_NS = 1_577_836_800 * NS_PER_S

# Room for looks that later ones may come before.
MOST_HELD_BYTES = 1 << 30

# Told of each look that no later one can change any more, in the order of their times.
Settled = Callable[[Changes], None]
# Told of each look that was held and then left out, and why.
LeftOut = Callable[[Look, str], None]


class LateLookError(ValueError):
    """A look that comes too late to be taken in its place."""


class TakenPlaceError(LateLookError):
    """A look that comes after another one of its sensor and time that says something else."""


@dataclass(frozen=True)
class _Taken:
    """A look, what it changed, and how the sky stood before its instant; None where that was not noted.

    nbytes: how much memory it takes.
    """

    order: tuple[int, str, int]
    look: Look
    before: Mark | None
    changes: Changes
    nbytes: int


@dataclass
class Tracker:
    """Follows everything that the satellites of one run detect.

    settled: told of each look that is `reorder_s` older than the newest, before the next is taken; `finish` tells of
    the rest. left_out: told of looks of wrong clocks.
    """

    config: TrackingConfig
    run_id: str
    settled: Settled | None = None
    left_out: LeftOut | None = None
    _sky: Sky | None = None
    # Looks that a later one may come before, in order, and as many before these as it takes to come back to a mark.
    _taken: list[_Taken] = field(default_factory=list)
    _settled_count: int = 0
    _held_bytes: int = 0
    _ahead: Ahead = field(init=False)
    _images: dict[str, ImageTracks] = field(default_factory=dict)
    _newest_mark: Mark | None = None
    _newest_settled: tuple[int, str, int] | None = None
    # Settled, and not told yet.
    _pending: list[Changes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._ahead = Ahead(self.config.reorder_s)

    @property
    def epoch_unix_ns(self) -> int | None:
        """The instant from which records count time; None before the first look."""
        return self._sky.naming.epoch_unix_ns if self._sky is not None else None

    @property
    def waits(self) -> bool:
        """Whether a look far ahead of all others is held until its time is confirmed."""
        return self._ahead.waits

    def update(self, batch: DetectionBatch) -> Sequence[TrackSnapshot]:
        """Return the tracks that a batch changed, newly ended ones included; described when they are read.

        A batch whose frame could not be searched changes nothing. Raises LateLookError as `update_look` does.
        """
        if batch.detections.reason:
            return []
        look = look_from_batch(batch, self.config)
        if look is not None:
            return self.update_look(look)
        sky = self._begin()
        images = self._images.setdefault(batch.satellite_id, ImageTracks(self.config, sky.naming))
        return images.update(batch)

    def update_look(self, look: Look) -> Sequence[TrackSnapshot]:
        """Return the same for a look whose lines of sight are known.

        The same looks lead to the same tracks, bit for bit, in any order of arrival. One that has been taken already
        changes nothing, nor does one far ahead of all others before another confirms it. Raises LateLookError for one
        that is `reorder_s` older than others, TakenPlaceError for one that says something else than the one in its
        place, and TooManySensorsError for one of a sensor too many; all these change nothing.
        """
        self._tell()
        looks, refused = self._ahead.sort_out(look, self._newest_unix_ns)
        self._leave_out(refused)
        over: list[TrackSnapshot] = []
        for each in looks[:-1]:
            try:
                over += [snapshot for snapshot in self._put_in_place(each) if snapshot.state == "ended"]
            except (LateLookError, TooManySensorsError) as error:
                self._leave_out([each], str(error))
        changed = self._put_in_place(looks[-1]) if looks else []
        return [*over, *changed] if over else changed

    def _put_in_place(self, look: Look) -> Sequence[TrackSnapshot]:
        """Take a look in its place; return what it changed, and what has ended since."""
        sky = self._begin()
        order = (look.time_unix_ns, look.sensor_id, look.sequence)
        place = len(self._taken)
        # Most come in order, and what does is not late.
        if not self._taken or order <= self._taken[-1].order:
            if (self._newest_settled is not None and order <= self._newest_settled) or self._is_late(look):
                raise LateLookError(self._why_late(look))
            place = bisect.bisect_left(self._taken, order, key=lambda taken: taken.order)
        if place < len(self._taken) and self._taken[place].order == order:
            if not look.says_the_same(self._taken[place].look):
                raise TakenPlaceError(
                    f"look of {look.sensor_id!r} at {look.time_unix_ns} ns says something else than the one of this "
                    "sensor and time that was taken before; give each look a time of its own"
                )
            return []
        sky.state.sensors.check_room(look.sensor_id)
        if place < len(self._taken):
            changed = self._take_again(sky, look, place)
        else:
            self._take(sky, look)
            changed = self._taken[-1].changes
        self._settle(self._taken[-1].order[0] - round(self.config.reorder_s * NS_PER_S))
        return changed

    def _is_late(self, look: Look) -> bool:
        """Return whether looks more than `reorder_s` later have been taken, settled or not.

        One look alone does not show it, nor do several of one other sensor: its clock may be the wrong one.
        """
        latest_ns = look.time_unix_ns + round(self.config.reorder_s * NS_PER_S)
        begin = bisect.bisect_right(self._taken, latest_ns, key=lambda taken: taken.look.time_unix_ns)
        sensor_ids = [taken.look.sensor_id for taken in self._taken[begin:]]
        return len(sensor_ids) > 1 and (len(set(sensor_ids)) > 1 or look.sensor_id in sensor_ids)

    def prepare(self, look: Look) -> None:
        """Do what is due before a look, if it is the next in order: untangle crowds, fit ascents.

        `update_look` does it where nobody has; whoever has a moment before the look comes spares it then. So it is with
        telling what has settled.
        """
        self._tell()
        sky = self._begin()
        newest = self._newest_unix_ns
        if newest is None or look.time_unix_ns <= newest or not sky.state.sensors.has_room(look.sensor_id):
            return
        if self._ahead.waits or self._ahead.is_far(look, newest):
            return
        sky.begin_instant(seconds(look.time_unix_ns, EPOCH_UNIX_NS))

    def finish(self) -> None:
        """Settle what has been taken: nothing more comes."""
        self._leave_out(self._ahead.give_up())
        if self._taken:
            self._settle(self._taken[-1].order[0] + 1)
        self._tell()

    @property
    def _newest_unix_ns(self) -> int | None:
        return self._taken[-1].order[0] if self._taken else None

    def _leave_out(self, looks: Sequence[Look], reason: str = "") -> None:
        """Tell of looks that were held and are not taken; without a reason no other look has confirmed their times."""
        newest = self._newest_unix_ns
        for look in looks:
            ahead_s = (look.time_unix_ns - newest) / NS_PER_S if newest is not None else 0.0
            why = reason or (
                f"look of {look.sensor_id!r} at {look.time_unix_ns} ns is {ahead_s:.0f} s ahead of all others, none of "
                "which confirms its time: it is left out; set the sensor's clock right"
            )
            if self.left_out is not None:
                self.left_out(look, why)

    def _why_late(self, look: Look) -> str:
        late_s = (self._taken[-1].order[0] - look.time_unix_ns) / NS_PER_S if self._taken else 0.0
        remedy = f"raise reorder_s, which is {self.config.reorder_s:g} s, or sort the looks by time"
        if late_s < self.config.reorder_s:
            remedy = f"those since then take {MOST_HELD_BYTES >> 20} MiB, as much as is held; sort the looks by time"
        return (
            f"look of {look.sensor_id!r} is {late_s:.3f} s older than the newest and cannot be taken in its place; "
            + remedy
        )

    def _begin(self) -> Sky:
        if self._sky is None:
            self._sky = Sky(self.config, Naming(self.run_id, EPOCH_UNIX_NS))
        return self._sky

    def _take(self, sky: Sky, look: Look) -> None:
        changes = sky.take(look)
        before = sky.mark if sky.mark is not self._newest_mark else None
        self._newest_mark = sky.mark
        nbytes = changes.nbytes + (before.nbytes if before is not None else 0)
        self._taken.append(_Taken((look.time_unix_ns, look.sensor_id, look.sequence), look, before, changes, nbytes))
        self._held_bytes += nbytes

    def _take_again(self, sky: Sky, look: Look, place: int) -> Sequence[TrackSnapshot]:
        """Take a look before that at a place: go back to the instant before, and take all since then once more.

        Returns what there is now, what has ended since, and the ends of what vanishes without one.
        """
        stood, hits = sky.state.mark(), self.config.plane_hits
        before = [taken.changes for taken in self._taken[place:]]
        self._go_through(sky, look, place)
        after = [taken.changes for taken in self._taken[place:]]
        alive, told = retelling.living(sky.state, hits), retelling.ended(before)
        gone = retelling.living(stood, hits) - alive - retelling.ended(after)
        over = [
            *retelling.vanished(gone, stood, before, after, alive),
            *(each for changes in after for each in retelling.endings(changes, told)),
        ]
        newest = dataclasses.replace(after[-1], ended=(), ended_tracklets=())
        return [*over, *newest] if over else newest

    def _go_through(self, sky: Sky, look: Look, place: int) -> None:
        """Go back to before a place, and take a look and then all since then once more."""
        since = next(k for k in range(place, -1, -1) if self._taken[k].before is not None)
        looks = [taken.look for taken in self._taken[since:]]
        looks.insert(place - since, look)
        mark = self._taken[since].before
        assert mark is not None
        sky.go_back(mark)
        self._newest_mark = None
        self._let_go(since, len(self._taken))
        for each in looks:
            self._take(sky, each)

    def _tell(self) -> None:
        """Tell of what has settled: each once, whatever becomes of the one before."""
        told = 0
        try:
            for changes in self._pending:
                told += 1
                if self.settled is not None:
                    self.settled(changes)
        finally:
            del self._pending[:told]

    def _settle(self, before_unix_ns: int) -> None:
        """Settle looks older than an instant, and let go of those that nobody need come back to."""
        count = self._settled_count
        while count < len(self._taken) and self._taken[count].order[0] < before_unix_ns:
            count += 1
        excess, over = self._held_bytes - MOST_HELD_BYTES, 0
        while excess > 0 and over < len(self._taken) - 1:
            excess -= self._taken[over].nbytes
            over += 1
        count = max(count, over)
        if count <= self._settled_count:
            return
        if self.settled is not None:
            self._pending += [taken.changes for taken in self._taken[self._settled_count : count]]
        self._newest_settled = self._taken[count - 1].order
        kept = next((k for k in range(count, 0, -1) if k < len(self._taken) and self._taken[k].before is not None), 0)
        self._let_go(0, kept)
        self._settled_count = count - kept

    def _let_go(self, begin: int, end: int) -> None:
        self._held_bytes -= sum(taken.nbytes for taken in self._taken[begin:end])
        del self._taken[begin:end]
