"""Round-trip times through Starlink from the models, against measured ones.

The path is modelled (access.py): geometry and fibre are computed, seven numbers of the access are fitted to the first
measured day, and what they give on fresh geometry is judged on the days after it. No measured delay is replayed.

Run alone: python -m bench.network.starlink --measured ping_all.csv [--picture PNG]   (measured.py says which file)
"""

import argparse
import dataclasses
import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from bench.network.access import Access, Draws, draw
from bench.network.measured import FIRST_SLOT_S, QUANTILES, SLOT_S, RoundTrips, Statistics, read, statistics

Float64 = NDArray[np.float64]

# As many slots as give the quantiles to a per cent, of as many pings as a slot of the measurements has.
SLOTS, PINGS_A_SLOT = 600, 70
FIT_SEED, JUDGE_SEED = 1, 2
# Where the search begins: see Access.
FIRST_GUESS = (10.0, 20.0, 8.0, 0.2, 40.0, 0.03, 40.0)
STEPS = 900
# What the fit looks at: all quantiles, those that are judged twice; slots' medians but the rarest; the shift a little.
RTT_WEIGHTS = np.array([1.0, 1.0, 2.0, 1.0, 1.0, 2.0, 2.0])
SLOT_WEIGHT, SHIFT_WEIGHT = 0.3, 0.05
WITHIN = 0.10


def fit(target: Statistics, draws: Draws) -> Access:
    """Return the access whose round trips have the target's statistics, as nearly as they can."""

    def misfit(values: Float64) -> float:
        if (values < 0).any() or values[3] + values[5] > 1:
            return 1e3 - float(np.minimum(values, 0).sum())
        own = modelled(draws, Access(*values))
        rtt = RTT_WEIGHTS @ np.log(own.rtt_ms / target.rtt_ms) ** 2
        medians = np.log(own.slot_median_ms[:-1] / target.slot_median_ms[:-1]) ** 2
        shift = np.log(own.shift_ms / target.shift_ms) ** 2
        return float(rtt + SLOT_WEIGHT * medians.sum() + SHIFT_WEIGHT * shift.sum())

    found = minimize(misfit, FIRST_GUESS, method="Nelder-Mead", options={"maxiter": STEPS, "xatol": 0.05})
    return Access(*found.x.tolist())


def modelled(draws: Draws, access: Access) -> Statistics:
    """Return the statistics of modelled round trips; two slots in a row are of one place, then come others."""
    # A gap after every second slot, so that shifts are taken within a place.
    slot = draws.slot + draws.slot // 2
    within = np.arange(len(slot)) % PINGS_A_SLOT / PINGS_A_SLOT
    return statistics(RoundTrips(FIRST_SLOT_S + SLOT_S * (slot + within), draws.rtt_ms(access)))


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measured", type=Path, required=True, metavar="CSV", help="round trips: time, rtt_ms")
    parser.add_argument("--picture", type=Path, metavar="PNG", help="draw both distributions")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    try:
        days = read(chosen.measured)
    except (OSError, ValueError) as error:
        sys.exit(str(error))
    first, *later = days
    access = fit(statistics(days[first]), draw(SLOTS, PINGS_A_SLOT, FIT_SEED))
    own = modelled(draw(SLOTS, PINGS_A_SLOT, JUDGE_SEED), access)
    sets = {first: days[first], **{day: days[day] for day in later}}
    if len(later) > 1:
        sets["later days"] = joined([days[day] for day in later])
    judged = {name: statistics(trips) for name, trips in sets.items()}
    if chosen.json:
        print(json.dumps(figures(access, own, judged), indent=1))
    else:
        print(table(access, own, judged))
    if chosen.picture:
        draw_picture(chosen.picture, sets, draw(SLOTS, PINGS_A_SLOT, JUDGE_SEED).rtt_ms(access))


def joined(sets: list[RoundTrips]) -> RoundTrips:
    """Return all round trips of several sets."""
    return RoundTrips(np.concatenate([each.time_s for each in sets]), np.concatenate([each.rtt_ms for each in sets]))


def figures(access: Access, own: Statistics, judged: dict[str, Statistics]) -> dict[str, object]:
    """Return the figures as JSON has them."""
    plain = {name: _plain(each) for name, each in judged.items()}
    return {"access": dataclasses.asdict(access), "model": _plain(own), "measured": plain}


def table(access: Access, own: Statistics, judged: dict[str, Statistics]) -> str:
    """Return the figures as lines for a person."""
    fitted = ", ".join(f"{name} {value:.3g}" for name, value in dataclasses.asdict(access).items())
    lines = [f"fitted to the first day: {fitted}", ""]
    heading = "".join(f"{f'p{q}':>8}" for q in QUANTILES)
    lines.append(f"{'round trips, ms':16}{heading}{'shift p50':>11}{'p90':>7}{'pings':>8}{'slots':>7}")
    for name, each in {"model": own, **judged}.items():
        row = "".join(f"{value:8.1f}" for value in each.rtt_ms)
        lines.append(f"{name:16}{row}{each.shift_ms[0]:11.1f}{each.shift_ms[1]:7.1f}{each.count:8}{each.slots:7}")
    lines += ["", f"{'model/measured':16}{heading}{'shift p50':>11}{'p90':>7}   p50, p95, p99 within {WITHIN:.0%}"]
    places = [QUANTILES.index(q) for q in (50, 95, 99)]
    for name, each in judged.items():
        ratio = own.rtt_ms / each.rtt_ms
        said = "fitted to it" if name == next(iter(judged)) else "yes" if _within(ratio[places]) else "no"
        shift = own.shift_ms / each.shift_ms
        row = "".join(f"{value:8.2f}" for value in ratio)
        lines.append(f"{name:16}{row}{shift[0]:11.2f}{shift[1]:7.2f}   {said}")
    return "\n".join(lines)


def draw_picture(path: Path, sets: dict[str, RoundTrips], modelled_ms: Float64) -> None:
    """Draw the distributions of round trips."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7.0, 4.0))
    share = np.linspace(0.002, 0.998, 500)
    for name, trips in sets.items():
        axes.plot(np.quantile(trips.rtt_ms, share), share, linewidth=1.0, label=f"measured, {name}")
    axes.plot(np.quantile(modelled_ms, share), share, color="black", linewidth=2.0, label="model")
    axes.set(xlabel="round trip, ms", ylabel="share of pings below", xlim=(20, 160), ylim=(0, 1))
    axes.legend(frameon=False)
    axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    plt.close(figure)
    print(path)


def _within(ratio: Float64) -> bool:
    return bool((np.abs(ratio - 1) <= WITHIN).all())


def _plain(each: Statistics) -> dict[str, object]:
    return {key: value.tolist() if isinstance(value, np.ndarray) else value for key, value in vars(each).items()}


if __name__ == "__main__":
    main()
