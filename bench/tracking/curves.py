"""The measuring commands' figures as curves: PNGs for the docs."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Rows = Sequence[Mapping[str, Any]]

# The same tracker has the same colour in all pictures.
COLOURS = {"ours": "tab:blue", "Stone Soup": "tab:orange", "efficient": "tab:green"}
BOUND, BAND = "black", "0.85"
# What is wanted: error over bound, time (ms) over targets, part of the launches in their 90 % ellipses.
WANTED_OVER_BOUND = 1.15
WANTED_MS = {20: 1.0, 100: 5.0, 500: 20.0}
STATED = 0.9
CONSISTENT = 0.95


def draw_accuracy(rows: Rows, runs: int, path: Path) -> None:
    """Draw the rows of `accuracy`: errors beside the bound, and NEES beside the band in which it is consistent."""
    picture, (left, right) = _panels(2)
    looks = sorted({row["looks"] for row in rows})
    bound_m = {row["looks"]: row["bound_m"] for row in rows}
    bounds = np.array([bound_m[count] for count in looks])
    left.plot(looks, bounds, color=BOUND, ls="--", label="Cramer-Rao bound, nothing known beforehand")
    left.plot(looks, WANTED_OVER_BOUND * bounds, color=BOUND, ls=":", lw=0.8, label=f"{WANTED_OVER_BOUND} x bound")
    for name, own in _by(rows, "tracker").items():
        after, colour = [row["looks"] for row in own], COLOURS[name]
        left.plot(after, [row["rmse_m"] for row in own], color=colour, marker=".", label=name)
        right.plot(after, [row["nees"] for row in own], color=colour, marker=".", label=name)
    low, high = (chi2.ppf(0.5 + side * CONSISTENT / 2, 3 * runs) / runs for side in (-1, 1))
    right.axhspan(low, high, color=BAND, zorder=0, label=f"consistent, {runs} runs")
    left.set(xlabel="looks of each satellite", ylabel="RMSE of the place, m", ylim=(0, None))
    right.set(xlabel="looks of each satellite", ylabel="mean NEES of the place (3-D)", ylim=(0, 6))
    _save(picture, (left, right), path)


def draw_speed(rows: Rows, path: Path) -> None:
    """Draw the rows of `speed`: median and 99th percentile over targets."""
    picture, (panel,) = _panels(1)
    for name, own in _by(rows, "tracker").items():
        targets = [row["targets"] for row in own]
        panel.plot(targets, [row["median_ms"] for row in own], color=COLOURS[name], marker="o", label=f"{name}, median")
        panel.plot(
            targets, [row["p99_ms"] for row in own], color=COLOURS[name], marker="^", ls=":", label=f"{name}, p99"
        )
    panel.plot(list(WANTED_MS), list(WANTED_MS.values()), color=BOUND, marker="_", ls="", ms=14, label="wanted, p99")
    panel.set(xlabel="targets", ylabel="processor time a frame of four looks, ms", xscale="log", yscale="log")
    counts = sorted({row["targets"] for row in rows})
    panel.set_xticks(counts, [str(count) for count in counts])
    panel.tick_params(axis="x", which="minor", labelbottom=False)
    _save(picture, (panel,), path)


def draw_salvo(rows: Rows, path: Path) -> None:
    """Draw the rows of `salvo`: purity, switches and errors over how far apart the pads are."""
    picture, panels = _panels(3)
    columns = ("purity", "switches_a_run", "rmse_m")
    names = ("purity", "identity switches a run", "RMSE of the place, m")
    for name, own in _by(rows, "tracker").items():
        for panel, column in zip(panels, columns, strict=True):
            spread = [row["spread_m"] for row in own]
            panel.plot(spread, [row[column] for row in own], color=COLOURS.get(name), marker="o", label=name)
    for panel, name in zip(panels, names, strict=True):
        panel.set(xlabel="pads within ± m", ylabel=name, xticks=sorted({row["spread_m"] for row in rows}))
        panel.set_ylim(0, 1.02 if name == "purity" else None)
    _save(picture, panels, path)


def draw_launches(found: Mapping[str, Sequence[Mapping[str, float]]], path: Path) -> None:
    """Draw the runs of `launch`, by kind of rocket: what part of the launches ellipses of any size hold, and errors."""
    picture, (left, right) = _panels(2)
    left.plot((0, 1), (0, 1), color=BOUND, ls="--", lw=0.8, label="as stated")
    for name, runs in found.items():
        known = [run for run in runs if not math.isnan(run["error_m"])]
        share = np.arange(1, len(known) + 1) / len(known)
        chance = chance_inside(np.array(sorted(run["of_ellipse"] for run in known)))
        left.plot(chance, share, label=f"{name}, {len(known)} runs")
        right.plot(sorted(run["error_m"] for run in known), share, label=name)
    bounds = sorted(run["bound_m"] for runs in found.values() for run in runs if not math.isnan(run["bound_m"]))
    right.plot(bounds, np.arange(1, len(bounds) + 1) / len(bounds), color=BOUND, ls="--", label="each run's own bound")
    left.set(xlabel="chance that the ellipse states", ylabel="part of the launch points inside")
    right.set(xlabel="launch point off by, m", ylabel="part of the runs", xscale="log")
    _save(picture, (left, right), path)


def chance_inside(of_ellipse: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (n,) the chance of normal errors to lie inside a 90 % ellipse made so many times as large, (n,)."""
    inside: NDArray[np.float64] = 1.0 - (1.0 - STATED) ** np.square(of_ellipse)
    return inside


def draw_confirmation(found: Mapping[str, Sequence[float]], path: Path) -> None:
    """Draw what part of the runs is confirmed so many looks after the first, a curve for each entry.

    found: each run's looks with the first one, infinity: never.
    """
    picture, (panel,) = _panels(1)
    for name, counts in found.items():
        most = int(max((count for count in counts if count < math.inf), default=0))
        after = np.arange(most)
        share = [np.mean([count - 1 <= later for count in counts]) for later in after]
        panel.step(after, share, where="post", label=name)
    panel.set(xlabel="looks after the first that enough satellites reported", ylabel="part of the runs confirmed")
    _save(picture, (panel,), path)


def _panels(count: int) -> tuple["Figure", Sequence["Axes"]]:
    # Not at the top: only who draws waits for it.
    from matplotlib.figure import Figure

    picture = Figure(figsize=(11 if count > 1 else 7, 4.2), layout="tight")
    return picture, picture.subplots(1, count, squeeze=False)[0]


def _by(rows: Rows, key: str) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault(row[key], []).append(row)
    return found


def _save(picture: "Figure", panels: Sequence["Axes"], path: Path) -> None:
    for panel in panels:
        panel.legend(fontsize=8)
        panel.grid(alpha=0.3, which="both")
    picture.savefig(path, dpi=120)
