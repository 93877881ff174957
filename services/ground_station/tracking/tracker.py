"""The tracker: looks in, track snapshots out, whatever the order in which looks come.

    look ──> tracks in space take what lies in their gates, decided ones before others
        ──> what they leave goes to the tracks that its satellite holds by itself
        ──> what these leave founds new ones; where lines of sight of several satellites meet, a track in space

Looks are taken in the order of their times. One that comes late is taken in its place: the tracker goes back to how it
stood then and takes all later looks once more, so that the order of arrival changes nothing. Pure: no clock, no chance,
and no state beyond its own.
"""

import bisect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from services.geometry.time import NS_PER_S
from services.ground_station.detection_batch import DetectionBatch
from services.ground_station.tracking.changes import Changes
from services.ground_station.tracking.config import TrackingConfig
from services.ground_station.tracking.describe import Naming
from services.ground_station.tracking.look import Look, look_from_batch, seconds
from services.ground_station.tracking.plane_images import ImageTracks
from services.ground_station.tracking.sky import Sky
from services.ground_station.tracking.snapshot import TrackSnapshot
from services.ground_station.tracking.state import Mark

# The records' times count from here, 2020-01-01T00:00Z: the same whichever look comes first, and good to 30 ns for
# decades.
EPOCH_UNIX_NS = 1_577_836_800 * NS_PER_S

# Told of each look that no later one can change any more, in the order of their times.
Settled = Callable[[Changes], None]


class LateLookError(ValueError):
    """A look that comes too late to be taken in its place."""


@dataclass(frozen=True)
class _Taken:
    """A look, what it changed, and how the sky stood before the instant that it began; None: it began none."""

    order: tuple[int, str, int]
    look: Look
    before: Mark | None
    changes: Changes


@dataclass
class Tracker:
    """Follows everything that the satellites of one run detect.

    settled: told of each look that is `reorder_s` older than the newest, before the next is taken; `finish` tells of
    the rest.
    """

    config: TrackingConfig
    run_id: str
    settled: Settled | None = None
    _sky: Sky | None = None
    # Looks that a later one may come before, in order, and as many before these as it takes to come back to a mark.
    _taken: list[_Taken] = field(default_factory=list)
    _settled_count: int = 0
    _images: dict[str, ImageTracks] = field(default_factory=dict)
    _newest_mark: Mark | None = None
    _newest_settled: tuple[int, str, int] | None = None
    # Settled, and not told yet.
    _pending: list[Changes] = field(default_factory=list)

    @property
    def epoch_unix_ns(self) -> int | None:
        """The instant from which records count time; None before the first look."""
        return self._sky.naming.epoch_unix_ns if self._sky is not None else None

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
        changes nothing. Raises LateLookError for one that is `reorder_s` older than the newest, and TooManySensorsError
        for one of a sensor too many; both change nothing.
        """
        self._tell()
        sky = self._begin()
        order = (look.time_unix_ns, look.sensor_id, look.sequence)
        if self._newest_settled is not None and order <= self._newest_settled:
            late_s = (self._taken[-1].order[0] - look.time_unix_ns) / NS_PER_S if self._taken else 0.0
            raise LateLookError(
                f"look of {look.sensor_id!r} is {late_s:.3f} s older than the newest and cannot be taken in its place; "
                f"raise reorder_s, which is {self.config.reorder_s:g} s, or sort the looks by time"
            )
        place = bisect.bisect_left(self._taken, order, key=lambda taken: taken.order)
        if place < len(self._taken) and self._taken[place].order == order:
            return []
        sky.state.sensors.check_room(look.sensor_id)
        if place < len(self._taken):
            self._take_again(sky, look, place)
        else:
            self._take(sky, look)
        # What ended while looks were taken again is said with the newest.
        endings = [ended for taken in self._taken[place:-1] for ended in taken.changes.endings()]
        newest = self._taken[-1].changes
        self._settle(self._taken[-1].order[0] - round(self.config.reorder_s * NS_PER_S))
        return [*endings, *newest] if endings else newest

    def prepare(self, look: Look) -> None:
        """Do what is due before a look, if it is the next in order: untangle crowds, fit ascents.

        `update_look` does it where nobody has; whoever has a moment before the look comes spares it then. So it is with
        telling what has settled.
        """
        self._tell()
        sky = self._begin()
        if not self._taken or look.time_unix_ns <= self._taken[-1].order[0]:
            return
        sky.begin_instant(seconds(look.time_unix_ns, EPOCH_UNIX_NS))

    def finish(self) -> None:
        """Settle what has been taken: nothing more comes."""
        if self._taken:
            self._settle(self._taken[-1].order[0] + 1)
        self._tell()

    def _begin(self) -> Sky:
        if self._sky is None:
            self._sky = Sky(self.config, Naming(self.run_id, EPOCH_UNIX_NS))
        return self._sky

    def _take(self, sky: Sky, look: Look) -> None:
        changes = sky.take(look)
        before = sky.mark if sky.mark is not self._newest_mark else None
        self._newest_mark = sky.mark
        self._taken.append(_Taken((look.time_unix_ns, look.sensor_id, look.sequence), look, before, changes))

    def _take_again(self, sky: Sky, look: Look, place: int) -> None:
        """Take a look before that at a place: go back to the instant before, and take all since then once more."""
        since = next(k for k in range(place, -1, -1) if self._taken[k].before is not None)
        looks = [taken.look for taken in self._taken[since:]]
        looks.insert(place - since, look)
        mark = self._taken[since].before
        assert mark is not None
        sky.go_back(mark)
        self._newest_mark = None
        del self._taken[since:]
        for each in looks:
            self._take(sky, each)

    def _tell(self) -> None:
        """Tell of what has settled."""
        pending, self._pending = self._pending, []
        for changes in pending:
            if self.settled is not None:
                self.settled(changes)

    def _settle(self, before_unix_ns: int) -> None:
        """Settle looks older than an instant, and let go of those that nobody need come back to."""
        count = bisect.bisect_left(self._taken, before_unix_ns, key=lambda taken: taken.look.time_unix_ns)
        if count <= self._settled_count:
            return
        if self.settled is not None:
            self._pending += [taken.changes for taken in self._taken[self._settled_count : count]]
        self._newest_settled = self._taken[count - 1].order
        kept = next((k for k in range(count, 0, -1) if k < len(self._taken) and self._taken[k].before is not None), 0)
        del self._taken[:kept]
        self._settled_count = count - kept
