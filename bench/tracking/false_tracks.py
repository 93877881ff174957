"""Confirmed tracks of threats in a sky without any: how many in thirty days.

Fires world-wide that burn part of the time, sun glint that wanders with each satellite, some 9,000 aircraft in the air,
and 50 points of clutter a look; four satellites in a train at 1 Hz. What is simulated is stated: `days` is the length
of the sky that was really looked at, every look of it; the count for thirty days is that one scaled, with the 95 %
upper bound of a Poisson count. Thirty full days are 10.4 million looks.

A false track is one that is ever confirmed with a class other than static_heat: aircraft are no threats either. What
the false ones were made of is counted by what their newest detection truly was of when they were first confirmed.

Thirty days take hours: with --into, each sky's result is kept in a file as soon as it is there, one JSON object a line.
The same command goes on where it was stopped, and the figures are of all skies in the file. `searched_skies.jsonl`
beside this file are those that docs/tracking.md counts; another tracker needs a file of its own.

Run alone: python -m bench.tracking.false_tracks [--days 0.05] [--runs 1] [--jobs 2] [--into skies.jsonl]
"""

import argparse
import dataclasses
import json
import math
import os
import signal
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing import connection, get_context, parent_process
from multiprocessing.managers import SyncManager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress
from scipy.stats import chi2

from bench.tracking.looks import SimulatedLook, Sky, looks
from bench.tracking.report import options, show
from bench.tracking.scenarios import quiet_sky
from services.ground_station.tracking import flying
from services.ground_station.tracking.changes import Changes
from services.ground_station.tracking.config import TrackingConfig
from services.ground_station.tracking.describe import founder, track_id
from services.ground_station.tracking.look import Look
from services.ground_station.tracking.records import CONFIRMED, MOVES, NONE
from services.ground_station.tracking.snapshot import TrackDetection
from services.ground_station.tracking.tracker import Tracker

Int64 = NDArray[np.int64]

THIRTY_DAYS, SECONDS_PER_DAY = 30.0, 86_400.0
# Looks that are kept to find what a track's detections were of: twenty frames of four satellites, as the tracker waits
# five seconds for late looks before its lines are final.
KEPT_LOOKS = 80
# Progress is told after so many looks, and shown so often, s.
LOOKS_A_STEP, SHOWN_S = 200, 0.5


@dataclass(frozen=True)
class Found:
    """What came of one sky: what each falsely confirmed track was made of, by its name, and what it took."""

    seed: int
    days: float
    clutter_per_look: float
    made_of: dict[str, str]
    looks: int
    cpu_s: float


class StoppedError(Exception):
    """A search was stopped before the end of a sky."""


def found_in(
    days: float, clutter_per_look: float, reached_s: MutableMapping[int, float], stop: Event, seed: int
) -> Found:
    """Return what is confirmed falsely in the sky of a seed; reached_s: how far each seed's sky has been searched.

    Raises StoppedError soon after `stop` is set.
    """

    def reach(at_s: float) -> None:
        reached_s[seed] = at_s
        if stop.is_set():
            raise StoppedError

    begun_s = time.process_time()
    made_of, count = false_tracks(quiet_sky(seed, days, clutter_per_look=clutter_per_look), seed, reach)
    return Found(seed, days, clutter_per_look, made_of, count, time.process_time() - begun_s)


def false_tracks(sky: Sky, seed: int, reach: Callable[[float], None]) -> tuple[dict[str, str], int]:
    """Return what each falsely confirmed track was made of, by its name, and how many looks were taken.

    reach: told now and then how far the sky has been searched, s.
    """
    window: deque[SimulatedLook] = deque(maxlen=KEPT_LOOKS)
    lately: deque[_Detected] = deque(maxlen=KEPT_LOOKS)
    found: dict[str, str] = {}

    def settled(changes: Changes) -> None:
        lately.append(_Detected.of(changes))
        shown = confirmed(changes)
        for snapshot in shown:
            if snapshot.target_class != "static_heat" and snapshot.track_id not in found:
                found[snapshot.track_id] = made_of(newest(serial(snapshot.track_id, shown), lately), window)

    tracker = Tracker(TrackingConfig(), "bench", settled=settled)
    count = 0
    for look in looks(sky, np.random.default_rng(seed)):
        count += 1
        if count % LOOKS_A_STEP == 0:
            reach(look.true_s)
        window.append(look)
        taken = look.stated.look()
        tracker.prepare(taken)
        tracker.update_look(taken)
    tracker.finish()
    return found, count


def confirmed(changes: Changes) -> Changes:
    """Return what a look changed of tracks that are confirmed and move: all others are static heat or no threats yet.

    To describe thousands of fires, and dozens of airliners that are kept silent about, takes longer than to track them.
    """
    tracks, tracklets = changes.tracks, changes.tracklets
    rows = np.flatnonzero((tracks["motion"] == MOVES) & (tracks["state"] == CONFIRMED))
    withheld, _ = flying.verdicts(tracks, rows, flying.states(tracks, rows))
    alone = (tracklets["motion"] == MOVES) & (tracklets["state"] == CONFIRMED)
    return dataclasses.replace(
        changes, tracks=tracks[rows[~withheld]], tracklets=tracklets[alone], ended=(), ended_tracklets=()
    )


@dataclass(frozen=True, eq=False)
class _Detected:
    """Which tracks a look has seen: their serials, (n,), and the detections' places in its arrays, (n,)."""

    look: Look
    serials: Int64
    places: Int64

    @staticmethod
    def of(changes: Changes) -> "_Detected":
        """Return it as copies: whole records would drive the tracker's own out of the caches."""
        both = (changes.tracks, changes.tracklets)
        serials, places = (np.concatenate([records[name] for records in both]) for name in ("serial", "detection"))
        seen = places != NONE
        return _Detected(changes.look, serials[seen], places[seen])


def newest(number: int, lately: deque[_Detected]) -> TrackDetection | None:
    """Return the newest detection of the track of a serial; None: no look lately has seen it."""
    for detected in reversed(lately):
        rows = np.flatnonzero(detected.serials == number)
        if len(rows):
            look = detected.look
            return TrackDetection(look.sensor_id, look.sequence, int(look.arrays.listed[detected.places[rows[0]]]))
    return None


def serial(name: str, changes: Changes) -> int:
    """Return the serial of the track of a name."""
    return next(
        int(record["serial"])
        for records in (changes.tracks, changes.tracklets)
        for record in records
        if track_id(founder(changes.naming, record, changes.names)) == name
    )


def made_of(source: TrackDetection | None, window: deque[SimulatedLook]) -> str:
    """Return of what kind a detection is: fire, aircraft or clutter (which glint is part of)."""
    if source is None:
        return "unknown"
    for look in window:
        if (look.stated.sensor_id, look.stated.time_unix_ns) == (source.satellite_id, source.sequence):
            truth_id = look.truth_ids[source.index]
            return "clutter" if truth_id is None else truth_id.split("-")[0]
    return "unknown"


def search(
    seeds: Sequence[int], days: float, clutter_per_look: float, jobs: int, done: Callable[[Found], None]
) -> None:
    """Search all seeds' skies, `jobs` of them at a time; shows how far they are on standard error.

    done: told what came of each sky as soon as it is there. An interrupt ends all of them, and goes on to the caller;
    until it is said that they are searched, it does nothing.
    """
    spawn = get_context("spawn")
    bar = Progress(console=Console(stderr=True), transient=True)
    with ExitStack() as stack:
        with _interrupts_ignored():
            manager = SyncManager(ctx=spawn)
            manager.start(_end_with_parent)
            stack.enter_context(manager)
            pool = stack.enter_context(ProcessPoolExecutor(jobs, spawn, _end_with_parent))
            reached_s, stop = manager.dict(), manager.Event()
            # Whatever ends this ends the skies under way and begins no other: the pool would wait for all of them.
            stack.callback(pool.shutdown, cancel_futures=True)
            stack.callback(stop.set)
            running = {pool.submit(found_in, days, clutter_per_look, reached_s, stop, seed) for seed in seeds}
        print(f"{len(seeds)} skies are searched, {jobs} at a time", file=sys.stderr, flush=True)
        stack.enter_context(bar)
        task = bar.add_task(f"{len(seeds)} skies", total=len(seeds) * days * SECONDS_PER_DAY)
        while running:
            over, running = wait(running, SHOWN_S, FIRST_COMPLETED)
            bar.update(task, completed=sum(reached_s.values()))
            for each in over:
                done(each.result())


def _end_with_parent() -> None:
    """Let this process end when the one that began it does, however that ends: nobody would have its result."""
    parent = parent_process()
    assert parent is not None

    def end() -> None:
        connection.wait([parent.sentinel])
        os._exit(1)

    Thread(target=end, daemon=True).start()


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Ignore interrupts meanwhile, and in processes that begin meanwhile for good: they are told to stop otherwise."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def read_skies(path: Path) -> list[Found]:
    """Return what a file of skies holds, nothing where there is none yet; ValueError names a line that is no sky."""
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines() if path.exists() else [], 1):
        try:
            found.append(Found(**json.loads(line)))
        except (ValueError, TypeError) as error:
            raise ValueError(f"{path}:{number} is no sky of a search ({error}); delete the line") from error
    return found


def main() -> None:
    """Print the figures."""
    parser = options(__doc__, runs=1)
    parser.add_argument("--days", type=float, default=0.05, help="length of each run's sky")
    parser.add_argument("--clutter", type=float, default=50.0, help="points a look")
    parser.add_argument("--jobs", type=int, default=1, help="skies at a time, each in a process of its own")
    parser.add_argument(
        "--into", type=Path, help="file to which each sky's result is added, and whose skies count, too"
    )
    chosen = parser.parse_args()
    for name, value in (("jobs", chosen.jobs), ("runs", chosen.runs)):
        if value < 1:
            parser.error(f"--{name} is {value}; it must be 1 or more")
    if not chosen.days > 0:
        parser.error(f"--days is {chosen.days:g}; it must be above 0")
    try:
        skies = read_skies(chosen.into) if chosen.into else []
        if chosen.into:
            # Before the first sky is searched: whether it can be kept.
            chosen.into.open("a", encoding="utf-8").close()
    except (OSError, ValueError) as error:
        parser.error(str(error))
    if {sky.clutter_per_look for sky in skies} - {chosen.clutter}:
        parser.error(f"{chosen.into} has skies of another --clutter than {chosen.clutter:g}; choose another file")
    try:
        _go_on(chosen, skies)
    except KeyboardInterrupt:
        kept = f"{len(skies)} skies are in {chosen.into}" if chosen.into else "nothing is kept without --into"
        print(f"stopped: {kept}", file=sys.stderr)
        raise SystemExit(130) from None
    show("False confirmed tracks of threats in a sky without any", [figures(skies)], chosen.json)


def _go_on(chosen: argparse.Namespace, skies: list[Found]) -> None:
    """Search the chosen skies that are not there yet, and add what comes of each."""

    def done(found: Found) -> None:
        skies.append(found)
        if chosen.into:
            with chosen.into.open("a", encoding="utf-8") as file:
                file.write(json.dumps(dataclasses.asdict(found)) + "\n")

    known = {(sky.seed, sky.days) for sky in skies}
    seeds = range(chosen.first_seed, chosen.first_seed + chosen.runs)
    search([seed for seed in seeds if (seed, chosen.days) not in known], chosen.days, chosen.clutter, chosen.jobs, done)


def figures(skies: Sequence[Found]) -> dict[str, Any]:
    """Return the row of figures of some skies."""
    causes = Counter(kind for sky in skies for kind in sky.made_of.values())
    taken = sum(sky.looks for sky in skies)
    days, false = math.fsum(sky.days for sky in skies), sum(causes.values())
    upper = float(chi2.ppf(0.95, 2 * false + 2)) / 2
    return {
        "days": days,
        "looks": taken,
        "looks_a_cpu_second": taken / sum(sky.cpu_s for sky in skies),
        "false_tracks": false,
        "in_30_days": false * THIRTY_DAYS / days,
        "at_most_in_30_days": upper * THIRTY_DAYS / days,
        **{f"of_{kind}": causes.get(kind, 0) for kind in ("fire", "aircraft", "clutter", "unknown")},
        "in_the_skies_of_seeds": " ".join(str(sky.seed) for sky in skies if sky.made_of) or "none",
    }


if __name__ == "__main__":
    main()
