"""Error of a rocket's place in boost against the Cramer-Rao bound, and whether the covariance is honest.

One rocket a run, of kinds in turn whose first stage burns for more than a minute after it comes out of the cloud;
four satellites, 1 Hz, 100 urad, probability of detection 0.95. After 20, 40 and 60 looks of each satellite, or those
that --looks names: the root of the mean squared error over the runs, the bound's, and the mean NEES of the place (3
where the covariance is true; the mean of 100 runs then lies in 2.54 to 3.50 nineteen times in twenty). A run without a
confirmed track is a miss, and an error over fewer than 99 % of the runs is void. Stone Soup tracks the same looks.
GOSPA and SIAP (Stone Soup's own metrics) are over looks 20 to 60.

"efficient" is an estimator that nobody can have: one step of least squares from the truth. Its covariance is true by
construction, so that its NEES says what the noise that these seeds drew makes of anybody's.

The bound takes nothing as known beforehand. After few looks, whoever knows what rockets are like, how fast exhausts are
for instance, can do better than that.

--biases: each satellite's attitude is off by 200 urad about each axis and its clock by 20 ms (standard deviations);
the bound then has these as unknowns. --rolling: satellites look at different instants of the second. --late: one look
in five comes up to 1.5 s late, one in twenty twice, one in fifty never.

Run alone: python -m bench.tracking.accuracy [--runs 100] [--looks 20 40 60] [--biases] [--rolling] [--late]
[--picture accuracy.png]
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bench.tracking.bodies import Flights, Truth
from bench.tracking.bound import BiasPrior, boost_bound, efficient_error
from bench.tracking.curves import draw_accuracy
from bench.tracking.looks import Delivery, deliver, looks
from bench.tracking.report import add_picture, options, rms, seeds, show
from bench.tracking.run import track
from bench.tracking.scenarios import LONG_BOOST, Quality, boost
from bench.tracking.sightings import Sightings, sightings
from bench.tracking.soup_metrics import metrics
from bench.tracking.stone_soup import run as stone_soup
from bench.tracking.tracks import TrackTable, assign, nees, read_tracks

AFTER_LOOKS = (20, 40, 60)
# GOSPA and SIAP are taken over these; a run has so many looks.
METRICS_FROM, METRICS_TO, MOST_LOOKS = 20, 60, 62
# So low that all kinds still burn their first stage after 60 looks.
CLOUD_TOP_M = (500.0, 3_000.0)
LATE = Delivery(late=0.2, latest_s=1.5, repeated=0.05, lost=0.02)
BIASES = BiasPrior(attitude_rad=2e-4, time_s=0.02)
SHOWN_METRICS = ("gospa_m", "completeness", "position_accuracy_m")
# An error over less than this part of the runs says nothing.
LEAST_SHARE = 0.99


@dataclass
class Errors:
    """What the runs found, a list for each of some counts of looks; NaN where a run had no track."""

    error_m: dict[int, list[float]]
    nees: dict[int, list[float]]
    metrics: list[Mapping[str, Any]] = field(default_factory=list)

    @staticmethod
    def after(counts: Sequence[int]) -> "Errors":
        """Return room for errors after so many looks each."""
        return Errors({count: [] for count in counts}, {count: [] for count in counts})

    def add(self, tracks: Sequence[TrackTable], truth: Truth, first_s: float, period_s: float) -> None:
        """Take one run's tracks; first_s: instant of the first look that may see the rocket."""
        counts = list(self.error_m)
        times = [first_s + (count - 1) * period_s for count in counts]
        assigned = assign(tracks, [truth], times, period_s)
        for at, count in enumerate(counts):
            number, line = int(assigned.track[at, 0]), int(assigned.line[at, 0])
            self.error_m[count].append(float(assigned.error_m[at, 0]))
            self.nees[count].append(nees(tracks[number], line, truth) if number >= 0 else math.nan)
        span = (first_s + (np.arange(METRICS_FROM, METRICS_TO + 1) - 1) * period_s).tolist()
        self.metrics.append(metrics(tracks, [truth], span, period_s))

    def add_efficient(self, seen: Sightings, truth: Truth, first_s: float, period_s: float) -> None:
        """Take the errors of an estimator that reaches the bound on one run's looks."""
        for count in self.error_m:
            off, covariance = efficient_error(truth, seen, first_s + (count - 1) * period_s)
            self.error_m[count].append(float(np.linalg.norm(off)))
            self.nees[count].append(float(off @ np.linalg.solve(covariance, off)))

    def rows(self, name: str, bound_m: Mapping[int, list[float]]) -> list[dict[str, Any]]:
        """Return a table row for each count of looks."""
        means = dict.fromkeys(SHOWN_METRICS, math.nan)
        if self.metrics:
            means = {key: float(np.nanmean([each[key] for each in self.metrics])) for key in SHOWN_METRICS}
        rows = []
        for count in self.error_m:
            errors, ratios = np.array(self.error_m[count]), np.array(self.nees[count])
            share = float(np.isfinite(errors).mean())
            void = share < LEAST_SHARE
            error = math.nan if void else rms(errors[np.isfinite(errors)])
            rows.append(
                {
                    "tracker": name,
                    "looks": count,
                    "tracked": share,
                    "rmse_m": error,
                    "bound_m": rms(bound_m[count]),
                    "rmse_over_bound": error / rms(bound_m[count]),
                    "nees": math.nan if void else float(np.nanmean(ratios)),
                    **means,
                }
            )
        return rows


def bounds(
    seen: Sightings, truth: Truth, counts: Sequence[int], first_s: float, period_s: float, biased: bool
) -> list[float]:
    """Return the bound of the place, metres, after so many looks each."""
    found = []
    for count in counts:
        last = seen.chosen(seen.time_s <= first_s + (count - 1) * period_s + 1e-6)
        found.append(boost_bound(truth, last, BIASES if biased else None).position_m)
    return found


def main() -> None:
    """Print the figures."""
    parser = options(__doc__, runs=100)
    parser.add_argument("--biases", action="store_true", help="attitude and clock of each satellite are off")
    parser.add_argument("--rolling", action="store_true", help="satellites look at different instants")
    parser.add_argument("--late", action="store_true", help="looks come late, twice or never")
    parser.add_argument(
        "--looks", type=int, nargs="+", default=list(AFTER_LOOKS), help="after how many looks errors are taken"
    )
    add_picture(parser, "errors and NEES over looks")
    chosen = parser.parse_args()
    if not all(0 < count <= MOST_LOOKS for count in chosen.looks):
        parser.error(f"--looks: {chosen.looks} must be 1 to {MOST_LOOKS}, as many as a run has")
    quality = Quality(
        rolling=chosen.rolling,
        attitude_bias_rad=BIASES.attitude_rad if chosen.biases else 0.0,
        time_bias_s=BIASES.time_s if chosen.biases else 0.0,
    )
    ours, peer, efficient = (Errors.after(chosen.looks) for _ in range(3))
    bound_m: dict[int, list[float]] = {count: [] for count in chosen.looks}
    for seed in seeds(chosen, "boost"):
        sky = boost(seed, 4, LONG_BOOST[seed % len(LONG_BOOST)], quality, seen_s=MOST_LOOKS, cloud_top_m=CLOUD_TOP_M)
        flights = sky.bodies[0]
        assert isinstance(flights, Flights)
        truth = flights.truths[0]
        generator = np.random.default_rng(seed)
        taken = list(looks(sky, generator))
        if chosen.late:
            taken = list(deliver(taken, LATE, generator))
        lines = [look.line for look in taken]
        # The instant just after the last of the satellites' looks of a frame; clocks may be off by 0.1 s.
        first_s = math.ceil(truth.seen_from_s / quality.period_s) * quality.period_s + (0.99 if chosen.rolling else 0.1)
        seen = sightings(taken, truth.object_id, sky.start_unix_ns)
        found = bounds(seen, truth, chosen.looks, first_s, quality.period_s, chosen.biases)
        for count, bound in zip(chosen.looks, found, strict=True):
            bound_m[count].append(bound)
        if not chosen.biases:
            efficient.add_efficient(seen, truth, first_s, quality.period_s)
        for errors, records in ((ours, track(lines)), (peer, list(stone_soup(lines)))):
            errors.add(read_tracks(records, sky.start_unix_ns), truth, first_s, quality.period_s)
    title = f"Error in boost over {chosen.runs} runs" + (", biased satellites" if chosen.biases else "")
    rows = [*ours.rows("ours", bound_m), *peer.rows("Stone Soup", bound_m)]
    if not chosen.biases:
        rows += efficient.rows("efficient", bound_m)
    show(title, rows, chosen.json)
    if chosen.picture:
        draw_accuracy(rows, chosen.runs, chosen.picture)


if __name__ == "__main__":
    main()
