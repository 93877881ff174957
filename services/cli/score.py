"""Score alerts against the truth.

TRUTH has one object a line, as `plumewatch simulate` and `up` write it; ALERTS one alert a line, bare or in its
CloudEvents envelope, as `plumewatch watch --json` prints it. The figures go to standard output as one JSON object, a
table for eyes to standard error.
"""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from services.runtime.errors import BadInputError


def run(
    truth: Annotated[Path, typer.Option(help="What was true, JSON lines.")],
    alerts: Annotated[Path, typer.Option(help="What was said, JSON lines.")],
    as_json: Annotated[bool, typer.Option("--json", help="No table.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write the figures to this file, too.")] = None,
) -> None:
    from services.stack import scoring

    true, said = scoring.read_jsonl(truth), scoring.read_jsonl(alerts)
    scoring.check_truth(true, truth)
    scoring.check_alerts(said, alerts)
    figures = scoring.score(true, said)
    text = json.dumps(figures)
    if out is not None:
        try:
            out.write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise BadInputError(str(out), f"cannot be written: {error.strerror}") from error
    print(text)
    if not as_json:
        print_table(figures)


def print_table(figures: dict[str, Any]) -> None:
    """Print the score for eyes, on standard error."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title="Score")
    table.add_column("")
    table.add_column("", justify="right")
    for name, value in rows(figures):
        table.add_row(name, value)
    Console(file=sys.stderr).print(table)


def rows(figures: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the score as rows of text."""

    def two(name: str, ranks: tuple[str, str], unit: str, scale: float = 1.0) -> str:
        values = [figures[name][rank] for rank in ranks]
        if values[0] is None:
            return "-"
        return ", ".join(f"{rank} {value / scale:.2f} {unit}" for rank, value in zip(ranks, values, strict=True))

    inside = figures["launch_in_ellipse"]
    return [
        ("found", str(figures["found"])),
        ("missed", _named(figures["missed"], figures["missed_objects"])),
        ("false alerts", _named(figures["false_alerts"], figures["false_alert_events"])),
        ("class errors", str(figures["class_errors"])),
        ("launch point error", two("launch_error_m", ("p50", "p90"), "km", 1000.0)),
        ("launch in 90 % ellipse", "-" if inside is None else f"{100 * inside:.0f} %"),
        ("launch time error", two("launch_time_error_s", ("p50", "p90"), "s")),
        ("time to alert", two("time_to_alert_s", ("p50", "p99"), "s")),
        ("latency", two("latency_s", ("p50", "p99"), "s")),
    ]


def _named(count: int, names: list[str]) -> str:
    shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
    return f"{count} ({shown})" if names else str(count)
