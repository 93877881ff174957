"""How many looks it takes from the first that a track could be founded on until it is confirmed, and until a threat is.

Counted from the first frame (look time) in which three satellites (or both of two) truly report the rocket, that frame
being look 1, to the frame with the first confirmed line within 5 km of it: confirmed to exist at all, whatever its
class, and as a threat, its class other than static heat. Clutter of 20 points a look; rockets of all
kinds, as they come out of the cloud. Runs that never confirm it count as infinitely many looks.

Run alone: python -m bench.tracking.confirmation [--runs 200] [--picture confirmation.png]
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from bench.tracking.bodies import Flights, Truth
from bench.tracking.curves import draw_confirmation
from bench.tracking.looks import SimulatedLook, looks
from bench.tracking.report import add_picture, options, percentile, seeds, show
from bench.tracking.run import track
from bench.tracking.scenarios import BALLISTIC, LONG_BOOST, Quality, boost
from bench.tracking.tracks import CUTOFF_M

KINDS = (*BALLISTIC, *LONG_BOOST[1:], "glider")
SEEN_S = 40.0
QUALITY = Quality(clutter_per_look=20.0, rolling=False)


def first_reported(taken: Iterable[SimulatedLook], object_id: str, satellites: int) -> int | None:
    """Return the first frame in which so many satellites truly report an object; None: never."""
    count: dict[int, int] = defaultdict(int)
    for look in taken:
        count[look.frame] += object_id in look.truth_ids
    return min((frame for frame, reports in count.items() if reports >= satellites), default=None)


def first_confirmed(
    records: Iterable[Mapping[str, Any]], truth: Truth, start_unix_ns: int, period_s: float, threat: bool
) -> int | None:
    """Return the frame of the first confirmed line (threat: of a threat) within CUTOFF_M of the truth; None: never.

    A line's state is of some milliseconds before its look.
    """
    for record in sorted(records, key=lambda line: int(line["time_unix_ns"])):
        if record["state"] != "confirmed" or (threat and record["class"] == "static_heat"):
            continue
        time_s = (int(record["time_unix_ns"]) - start_unix_ns) / 1e9
        place = truth.states(np.array([time_s]))[0][0]
        if float(np.linalg.norm(place - np.array(record["position_itrs_m"]))) < CUTOFF_M:
            return round(time_s / period_s)
    return None


def looks_needed(seed: int, satellites: int) -> tuple[float, float]:
    """Return one run's looks to a confirmed track and threat; infinity: never; NaN: never reported by enough."""
    sky = boost(seed, satellites, KINDS[seed % len(KINDS)], QUALITY, SEEN_S)
    flights = sky.bodies[0]
    assert isinstance(flights, Flights)
    truth = flights.truths[0]
    taken = list(looks(sky, np.random.default_rng(seed)))
    first = first_reported(taken, truth.object_id, min(satellites, 3))
    if first is None:
        return math.nan, math.nan
    records = track(look.line for look in taken)
    exists, threatens = (
        first_confirmed(records, truth, sky.start_unix_ns, QUALITY.period_s, threat) for threat in (False, True)
    )
    return tuple(math.inf if frame is None else frame - first + 1 for frame in (exists, threatens))  # type: ignore[return-value]


def row(satellites: int, counts: Sequence[float]) -> dict[str, Any]:
    """Return a table row over runs."""
    known = [count for count in counts if not math.isnan(count)]
    found = [count for count in known if count < math.inf]
    return {
        "satellites": satellites,
        "runs": len(known),
        "never": len(known) - len(found),
        "least": min(found, default=math.nan),
        "median": _quantile(known, 50),
        "p99": _quantile(known, 99),
        "most": max(found, default=math.nan),
    }


def _quantile(counts: Sequence[float], percent: float) -> float:
    """Return a percentile of counts of which some are infinite: the next whole count above."""
    return sorted(counts)[min(math.ceil(percent / 100 * len(counts)), len(counts)) - 1] if counts else percentile([], 0)


def main() -> None:
    """Print the figures."""
    parser = options(__doc__, runs=200)
    add_picture(parser, "how many are confirmed after how many looks")
    chosen = parser.parse_args()
    rows, found = [], {}
    for satellites in (4, 2):
        counts = [looks_needed(seed, satellites) for seed in seeds(chosen, f"{satellites} satellites")]
        for place, what in enumerate(("a track", "a threat")):
            own = [each[place] for each in counts if not math.isnan(each[place])]
            rows.append({"confirmed": what, **row(satellites, own)})
            found[f"{what}, {satellites} satellites"] = own
    show("Looks to confirmation", rows, chosen.json)
    if chosen.picture:
        draw_confirmation(found, chosen.picture)


if __name__ == "__main__":
    main()
