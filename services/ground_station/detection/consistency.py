"""Which points of successive frames lie on a steady path against the scene: aircraft, and not what comes and goes."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
Bool = NDArray[np.bool_]

# Fastest motion against the scene, pixels a frame.
FASTEST_PX = 5.0
# A point lies on a path no further off than this: a point's own error, the scene's, and a gentle turn.
NEAR_PX = 1.5
# Fewest frames that tell a path from chance; windows with less are believed as they are.
FEWEST_FRAMES = 4
# The points of a path may belong to others, but not, in the mean, to such as have more than so many times its votes.
MOST_OUTVOTED = 2.5
# Points considered a frame, strongest first: at least so many, and one per so many pixels.
FEWEST_POINTS, PIXELS_PER_POINT = 16, 4096


@dataclass(frozen=True)
class Looked:
    """Points of a frame, strongest first.

    places: (n, 2) row and column in the frame, in_scene: in a grid fixed to the scene, pixels. snr: (n,). chain: frames
    of one number share that grid. pixels: of the frame.
    """

    places: Float64
    in_scene: Float64
    snr: Float64
    chain: int
    pixels: int

    def only(self, which: slice | Bool) -> "Looked":
        """Return these points alone."""
        return replace(self, places=self.places[which], in_scene=self.in_scene[which], snr=self.snr[which])


@dataclass(frozen=True)
class Rule:
    """What makes a path.

    half: frames a side of a window, which has 2 half + 1. path_snr: integrated signal-to-noise ratio of its points, the
    root of the sum of their squares, of which no frame's counts for more than half. travel_px: how far it leads
    against the scene over a whole window, which no scenery does.
    """

    half: int
    path_snr: float
    travel_px: float


@dataclass(frozen=True)
class Paths:
    """For each point of a frame: how many frames agree on its best path, 0 where it is too weak; whether that travels.

    told: False where too few frames share the scene to ask. members: (m, 3) the points on these paths: point of this
    frame, frame, point there.
    """

    told: bool
    votes: NDArray[np.int64]
    travels: Bool
    members: NDArray[np.int64]


class PathSearch:
    """Follows points through a sequence's frames, which are told by their index."""

    def __init__(self, rule: Rule, *, both_sides: bool) -> None:
        """both_sides: a frame's window reaches into later frames, as far as they have been added."""
        self._rule = rule
        self._both_sides = both_sides
        self._looks: OrderedDict[int, Looked] = OrderedDict()
        self._paths: dict[int, Paths] = {}

    @property
    def frames_ahead(self) -> int:
        """How many later frames `on_path` makes use of: those of a path, and of one that continues it."""
        return 2 * self._rule.half if self._both_sides else 0

    def add(self, index: int, look: Looked) -> None:
        """Take a frame's points; frames too far from it are forgotten."""
        self._looks[index] = look.only(slice(most_points(look.pixels)))
        self._paths.pop(index, None)
        for other in [each for each in self._looks if abs(each - index) > 5 * self._rule.half]:
            del self._looks[other]
            self._paths.pop(other, None)

    def on_path(self, index: int) -> Bool | None:
        """Return which points travel, or continue the path of one that does, as a target may pause.

        None where too few frames share the scene to tell.
        """
        paths = self._paths_of(index)
        if not paths.told:
            return None
        keep = (paths.votes > 0) & paths.travels
        for point in np.flatnonzero(paths.votes):
            others = [(self._paths_of(int(f)), o) for _, f, o in paths.members[paths.members[:, 0] == point]]
            keep[point] |= any(its.votes[o] > 0 and its.travels[o] for its, o in others)
            # A path made of points that agree better on another is a chance meeting with it; as frames come, those had
            # another past, which says nothing against a path that begins.
            if self._both_sides:
                keep[point] &= np.median([its.votes[o] for its, o in others]) <= MOST_OUTVOTED * paths.votes[point]
        return keep

    def _paths_of(self, index: int) -> Paths:
        if index not in self._paths:
            newest, oldest = max(self._looks), min(self._looks)
            last = min(index + self._rule.half, newest) if self._both_sides else index
            first = max(last - 2 * self._rule.half, oldest)
            last = min(first + 2 * self._rule.half, newest) if self._both_sides else index
            self._paths[index] = find_paths(self._looks, index, first, last, self._rule)
        return self._paths[index]


def most_points(pixels: int) -> int:
    """Return how many points, the strongest, of a frame of so many pixels are worth considering."""
    return max(FEWEST_POINTS, pixels // PIXELS_PER_POINT)


def find_paths(looks: Mapping[int, Looked], index: int, first: int, last: int, rule: Rule) -> Paths:
    """Return each point's best straight path through frames `first` to `last`: the one that most frames agree on."""
    this = looks[index]
    others = [
        frame
        for frame in range(first, last + 1)
        if frame != index and frame in looks and looks[frame].chain == this.chain
    ]
    count = len(this.snr)
    if 1 + len(others) < FEWEST_FRAMES:
        return Paths(
            False, np.zeros(count, dtype=np.int64), np.zeros(count, dtype=bool), np.empty((0, 3), dtype=np.int64)
        )
    # A shorter window leaves less time to travel, but a path must lead out of its own point.
    travel_px = max(1.0, rule.travel_px * len(others) / (2 * rule.half))
    sizes = [len(looks[frame].snr) for frame in others]
    frames = np.repeat(others, sizes)
    numbers = np.concatenate([np.arange(size) for size in sizes]).astype(np.int64)
    places = np.concatenate([looks[frame].in_scene for frame in others])
    # No frame counts for more than half: a single flash makes no path.
    most = rule.path_snr**2 / 2
    power = np.minimum(np.concatenate([looks[frame].snr for frame in others]) ** 2, most)
    votes, travels = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=bool)
    members = []
    for point in range(count):
        away = places - this.in_scene[point]
        apart = (frames - index).astype(np.float64)
        within = np.flatnonzero(np.hypot(away[:, 0], away[:, 1]) <= FASTEST_PX * np.abs(apart) + NEAR_PX)
        on, others_on, total = _best_path(away[within], apart[within], power[within])
        if others_on + 1 < FEWEST_FRAMES or total + min(float(this.snr[point]) ** 2, most) < rule.path_snr**2:
            continue
        votes[point] = others_on + 1
        travels[point] = _travelled(away[within][on], apart[within][on]) >= travel_px
        members.append(np.column_stack([np.full(on.sum(), point), frames[within][on], numbers[within][on]]))
    return Paths(True, votes, travels, np.concatenate([np.empty((0, 3), dtype=np.int64), *members]))


def _best_path(away: Float64, apart: Float64, power: Float64) -> tuple[Bool, int, float]:
    """Return which points lie on the path from the origin that most frames agree on, how many do, and their power.

    away: (n, 2) from the path's own point; apart: (n,) frames. Every point proposes a velocity. A frame has one vote,
    however many of its points lie near, and the power of its strongest; of equal paths the strongest is taken.
    """
    if len(away) == 0:
        return np.zeros(0, dtype=bool), 0, 0.0
    velocity = away / apart[:, None]
    off = away[None, :, :] - velocity[:, None, :] * apart[None, :, None]
    on = np.hypot(off[..., 0], off[..., 1]) <= NEAR_PX
    votes, total = np.zeros(len(away)), np.zeros(len(away))
    for frame in np.unique(apart):
        strongest = np.where(on[:, apart == frame], power[apart == frame], 0.0).max(axis=1)
        votes += strongest > 0
        total += strongest
    best = int(np.lexsort((total, votes))[-1])
    return on[best], int(votes[best]), float(total[best])


def _travelled(away: Float64, apart: Float64) -> float:
    """Return how far the straight line of least squares leads from a path's first point to its last, pixels."""
    time = np.append(apart, 0.0)
    place = np.vstack([away, np.zeros(2)])
    centred = time - time.mean()
    velocity = centred @ place / float(centred @ centred)
    return float(np.hypot(*velocity) * (time.max() - time.min()))
