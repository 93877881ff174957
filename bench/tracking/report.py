"""What every measuring command has in common: its options, its progress, its table or JSON."""

import argparse
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track as progress
from rich.table import Table


def options(description: str | None, runs: int) -> argparse.ArgumentParser:
    """Return a parser with --runs, --first-seed and --json."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=runs, help="runs, each with its own seed")
    parser.add_argument("--first-seed", type=int, default=1, help="seed of the first run; the others follow")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return parser


def add_picture(parser: argparse.ArgumentParser, of: str) -> None:
    """Add --picture; of: what is drawn."""
    parser.add_argument("--picture", type=_picture, metavar="PNG", help=f"draw {of}")


def _picture(text: str) -> Path:
    """Return where a picture is to go; refused before the first run, not after the last, where there is no folder."""
    path = Path(text)
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"{path.parent} is no folder; make it first")
    return path


def seeds(chosen: argparse.Namespace, what: str) -> Iterator[int]:
    """Yield the runs' seeds, with a progress bar on standard error."""
    every = range(chosen.first_seed, chosen.first_seed + chosen.runs)
    yield from progress(every, description=what, console=Console(stderr=True), transient=True)


def show(title: str, rows: Sequence[Mapping[str, Any]], as_json: bool) -> None:
    """Print rows that have the same keys in one order, as a table or as JSON."""
    if as_json:
        print(json.dumps({"title": title, "rows": [_plain(row) for row in rows]}, indent=2))
        return
    table = Table(title=title)
    for key in rows[0]:
        table.add_column(key.replace("_", " "), justify="left" if isinstance(rows[0][key], str) else "right")
    for row in rows:
        table.add_row(*(_shown(value) for value in row.values()))
    Console(width=max(Console().width, 16 * len(rows[0]))).print(table)


def rms(values: Iterable[float]) -> float:
    """Return the root of the mean square; NaN for none."""
    array = np.array(list(values), dtype=np.float64)
    return float(np.sqrt(np.mean(array * array))) if len(array) else math.nan


def percentile(values: Sequence[float], percent: float) -> float:
    """Return a percentile; NaN for none."""
    return float(np.percentile(values, percent)) if len(values) else math.nan


def _shown(value: object) -> str:
    if isinstance(value, float):
        return "-" if math.isnan(value) else f"{value:.4g}"
    return str(value)


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row without numbers that JSON has not: null where there is none."""
    return {key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in row.items()}
