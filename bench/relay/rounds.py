"""Figures of several rounds, side by side: on a machine that others use too, the quietest round says most."""

from collections.abc import Iterable, Sequence

import numpy as np

QUANTILES = {"min": 0.0, "p50": 0.5, "p99": 0.99, "max": 1.0}


def quantiles_ms(values_ns: Sequence[int]) -> dict[str, float]:
    """Return least, median, 99th percentile and most, milliseconds."""
    values_ms = np.array(values_ns) / 1e6
    return {name: float(np.quantile(values_ms, part)) for name, part in QUANTILES.items()}


def rounds_table(rows: Sequence[dict[str, float]]) -> str:
    """Return a line a round, then the least, the median and the most of each column."""
    names = list(rows[0])
    lines = [["round", *names]]
    lines += [[str(number), *_cells(row[name] for name in names)] for number, row in enumerate(rows, 1)]
    for word, part in (("least", 0.0), ("median", 0.5), ("most", 1.0)):
        lines.append([word, *_cells(float(np.quantile([row[name] for row in rows], part)) for name in names)])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(f"{cell:>{width}}" for cell, width in zip(line, widths, strict=True)) for line in lines)


def _cells(values: Iterable[float]) -> list[str]:
    return [f"{value:.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3f}" for value in values]
