"""How well detections and tracks met the marked targets of a recorded sequence. Pure."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# A detection within this of its target found it; the measure of the small-target literature.
RADIUS_PX = 3.0

Point = tuple[float, float]


@dataclass(frozen=True)
class ReplayScore:
    """Counts behind the figures, so that the scores of several sequences can be added.

    found: target frames with a detection within the radius. false_detections: detections that are nobody's target.
    tracked: target frames on which a confirmed track lies within the radius. longest_tracked: of these, the most that
    one and the same track covers without a gap. identities: tracks that cover the target at some time.
    false_tracks: confirmed tracks of which less than half lies on the target.
    """

    frames: int = 0
    megapixels: float = 0.0
    targets: int = 0
    found: int = 0
    false_detections: int = 0
    squared_error_px2: float = 0.0
    tracked: int = 0
    longest_tracked: int = 0
    identities: int = 0
    false_tracks: int = 0

    @property
    def probability_of_detection(self) -> float:
        """Found over targets; NaN without targets."""
        return _ratio(self.found, self.targets)

    @property
    def false_per_megapixel(self) -> float:
        """False detections in a million pixels that were searched; NaN where none was."""
        return _ratio(self.false_detections, self.megapixels)

    @property
    def continuity(self) -> float:
        """Part of the target frames that one track covers without a gap; NaN without targets."""
        return _ratio(self.longest_tracked, self.targets)

    def __add__(self, other: "ReplayScore") -> "ReplayScore":
        return ReplayScore(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))

    def as_json(self) -> dict[str, Any]:
        """Return the figures for a report; None where there is nothing to divide by."""
        return {
            "frames": self.frames,
            "targets": self.targets,
            "found": self.found,
            "pd": _rounded(self.probability_of_detection),
            "false_detections": self.false_detections,
            "false_detections_per_megapixel": _rounded(self.false_per_megapixel),
            "rms_error_px": _rounded(math.sqrt(_ratio(self.squared_error_px2, self.found))),
            "tracked": _rounded(_ratio(self.tracked, self.targets)),
            "track_continuity": _rounded(self.continuity),
            "track_identities": self.identities,
            "false_tracks": self.false_tracks,
        }


def score_replay(
    detections_by_frame: Mapping[int, Sequence[Point]],
    tracks: Mapping[str, Iterable[tuple[int, float, float]]],
    targets: Sequence[Point | None],
    pixels_by_frame: Mapping[int, int],
    frames: int | None = None,
    radius_px: float = RADIUS_PX,
) -> ReplayScore:
    """Return the score of one sequence.

    detections_by_frame: (row, column) of every frame that was searched, an empty list included, by sequence number.
    A frame that is not there was not searched: its target is missed and its pixels do not count.
    tracks: (sequence, row, column) of each confirmed track, by its id.
    targets: (row, column) or None by frame; where the run is longer, they begin again, as a looped replay does.
    pixels_by_frame: rows x columns of the searched frames.
    frames: how many the run has; left out: one for each of `targets`, or more where more were searched.

    Each target is met by at most one detection, the nearest within the radius; all others are false.
    """
    if not targets:
        raise ValueError("no targets: the sequence cannot be scored")
    if frames is None:
        frames = max([len(targets), *(frame + 1 for frame in detections_by_frame)])
    wanted = {frame: targets[frame % len(targets)] for frame in range(frames)}
    found = false = 0
    squared_error = 0.0
    for frame, points in detections_by_frame.items():
        error = _nearest(points, wanted.get(frame))
        hit = error <= radius_px
        found += hit
        false += len(points) - hit
        squared_error += error * error if hit else 0.0
    return ReplayScore(
        frames=len(detections_by_frame),
        megapixels=sum(pixels_by_frame[frame] for frame in detections_by_frame) / 1e6,
        targets=sum(target is not None for target in wanted.values()),
        found=found,
        false_detections=false,
        squared_error_px2=squared_error,
        **_score_tracks(tracks, wanted, radius_px),
    )


def _score_tracks(
    tracks: Mapping[str, Iterable[tuple[int, float, float]]], wanted: Mapping[int, Point | None], radius_px: float
) -> dict[str, int]:
    on_target: dict[str, set[int]] = {}
    false_tracks = 0
    for name, points in tracks.items():
        positions = {frame: (row, column) for frame, row, column in points}
        on = {frame for frame, point in positions.items() if _nearest([point], wanted.get(frame)) <= radius_px}
        if on:
            on_target[name] = on
        if len(on) < len(positions) / 2:
            false_tracks += 1
    frames = [frame for frame, target in wanted.items() if target is not None]
    longest = 0
    for on in on_target.values():
        run = 0
        for frame in frames:
            run = run + 1 if frame in on else 0
            longest = max(longest, run)
    covered = set().union(*on_target.values()) if on_target else set()
    return {
        "tracked": len(covered),
        "longest_tracked": longest,
        "identities": len(on_target),
        "false_tracks": false_tracks,
    }


def _nearest(points: Sequence[Point], target: Point | None) -> float:
    """Return the distance of the nearest point to the target; infinite without one."""
    if target is None:
        return math.inf
    return min((math.dist(point, target) for point in points), default=math.inf)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan


def _rounded(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 4)
