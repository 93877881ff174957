"""Processor time to track a frame (one look of each of four satellites at one instant), Stone Soup's beside ours.

Both take the same looks in the same run on one core, frame by frame in turn; Stone Soup fewer frames, for it is slow.
Ours is the time in the tracker and, in columns of their own, the time to describe every track that changed, as a live
station does, and that of the ascents' fits between frames; Stone Soup's is that in its tracker's step. Reading lines
and writing tracks is left out of both. The first frames, in which tracks are founded, count too; both have tracked
another small sky before, so that compiling and loading do not. It is the process's own time, so that other programs on
the machine do not count. Python's collection of garbage is off meanwhile, as in timeit: it would walk all that this
program keeps to score the tracks. Each run ends with how many of the targets are then tracked, for a tracker is fast if
it does nothing.

Run alone: python -m bench.tracking.speed [--targets 20 100 500] [--frames 60] [--peer-frames 30 12 6]
[--picture speed.png]
"""

import argparse
import gc
import os
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from bench.tracking.bodies import Flights
from bench.tracking.curves import draw_speed
from bench.tracking.looks import SimulatedLook, Sky, looks
from bench.tracking.report import add_picture, options, percentile, seeds, show
from bench.tracking.run import steps
from bench.tracking.scenarios import Quality, targets
from bench.tracking.stone_soup import LIGHT_NS, Peer
from bench.tracking.tracks import assign, read_tracks
from services.stack.stone_soup import detections


def frames(sky: Sky, seed: int) -> list[list[SimulatedLook]]:
    """Return the sky's looks, those of one instant together."""
    grouped = defaultdict(list)
    for look in looks(sky, np.random.default_rng(seed)):
        grouped[look.frame].append(look)
    return [grouped[frame] for frame in sorted(grouped)]


def timed(taken: Sequence[Sequence[SimulatedLook]], peer_frames: int) -> dict[str, Any]:
    """Return each tracker's milliseconds a frame and its lines of tracks."""
    ours = steps((look.line for frame in taken for look in frame), describe=True)
    peer = Peer()
    result: dict[str, Any] = {
        "ours_ms": [],
        "described_ms": [],
        "prepared_ms": [],
        "peer_ms": [],
        "ours": [],
        "peer": [],
    }
    gc.collect()
    gc.disable()
    for number, frame in enumerate(taken):
        made = [next(ours) for _ in frame]
        result["ours"] += [record for step in made for record in step.records]
        result["ours_ms"].append(sum(step.took_ns for step in made) / 1e6)
        result["described_ms"].append(sum(step.described_ns for step in made) / 1e6)
        result["prepared_ms"].append(sum(step.prepared_ns for step in made) / 1e6)
        if number < peer_frames:
            prepared = [(int(look.line["time_unix_ns"]), detections(look.line, LIGHT_NS)) for look in frame]
            begun = time.process_time_ns()
            for when, found in prepared:
                peer.take(when, found)
            result["peer_ms"].append((time.process_time_ns() - begun) / 1e6)
            result["peer"] += list(peer.records())
    gc.enable()
    result["ours"] += next(ours).records
    return result


def warm_up() -> None:
    """Track a small sky with both, untimed, at all the stages of a rocket's way."""
    sky = targets(9_000, 3, 40.0, Quality(rolling=False))
    timed(frames(sky, 9_000), 10)


def tracked(sky: Sky, records: list[dict[str, Any]], frame: int) -> float:
    """Return the part of the targets that have a confirmed track at a frame."""
    flights = sky.bodies[0]
    assert isinstance(flights, Flights)
    tables = read_tracks(records, sky.start_unix_ns)
    return assign(tables, flights.truths, [float(frame)], 1.0).share_tracked


def measured(chosen: argparse.Namespace, count: int, peer_frames: int) -> list[dict[str, Any]]:
    """Return both trackers' rows of figures for so many targets, over all seeds."""
    ours, peer, described, prepared, held, peer_held = [], [], [], [], [], []
    for seed in seeds(chosen, f"{count} targets"):
        sky = targets(seed, count, chosen.frames - 1.0, Quality(rolling=False))
        taken = frames(sky, seed)
        result = timed(taken, peer_frames)
        ours += result["ours_ms"]
        peer += result["peer_ms"]
        described += result["described_ms"]
        prepared += result["prepared_ms"]
        held.append(tracked(sky, result["ours"], len(taken) - 1))
        peer_held.append(tracked(sky, result["peer"], peer_frames - 1))
    # Against the same frames of ours: later ones have other loads.
    same = [each for k, each in enumerate(ours) if k % chosen.frames < peer_frames]
    return [
        {
            "tracker": name,
            "targets": count,
            "frames": len(times),
            "least_ms": min(times),
            "median_ms": percentile(times, 50),
            "p99_ms": percentile(times, 99),
            "describing_median_ms": percentile(more, 50),
            "fits_median_ms": percentile(fits, 50),
            "tracked_at_end": float(np.mean(share)),
            "median_ratio": percentile(peer, 50) / percentile(same, 50),
        }
        for name, times, more, fits, share in (
            ("ours", ours, described, prepared, held),
            ("Stone Soup", peer, [], [], peer_held),
        )
    ]


def main() -> None:
    """Print the figures."""
    parser = options(__doc__, runs=3)
    parser.add_argument("--targets", type=int, nargs="+", default=[20, 100, 500])
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--peer-frames", type=int, nargs="+", default=[30, 12, 6], help="one for each of --targets")
    add_picture(parser, "times over targets")
    chosen = parser.parse_args()
    if len(chosen.peer_frames) != len(chosen.targets):
        parser.error(f"{len(chosen.targets)} --targets need as many --peer-frames, not {len(chosen.peer_frames)}")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    warm_up()
    rows = []
    for count, peer_frames in zip(chosen.targets, chosen.peer_frames, strict=True):
        rows += measured(chosen, count, peer_frames)
    show("Milliseconds a frame of four looks, one core", rows, chosen.json)
    if chosen.picture:
        draw_speed(rows, chosen.picture)


if __name__ == "__main__":
    main()
