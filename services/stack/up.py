"""`plumewatch up` without its options: run the chain, score it, say so."""

import asyncio
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.scenario.model import Scenario
from services.stack import report, scoring
from services.stack.chain import Chain
from services.stack.config import StackConfig
from services.stack.replay_record import score_all
from services.stack.screen import Screen
from services.stack.truth import run_truth, write_truth


async def up(config: StackConfig, scenario: Scenario, console: Screen, stop: asyncio.Event) -> int:
    """Run the scenario to its end and print and write its report; return the exit code.

    Stopped before the end there is nothing to score: everything is drained and ended, and that is all. Who no longer
    reads what is printed stops it as well.
    """
    console.on_reader_gone = stop.set
    chain = Chain(config, scenario, console)
    if not await chain.run(stop):
        unwritten = "" if config.report is None else f", and {config.report} is not written"
        console.print(Text(f"stopped before the end of the scenario; not scored{unwritten}"))
        return 0
    result = await asyncio.to_thread(_report, chain, config, scenario)
    if config.report is not None:
        config.report.write_text(json.dumps(result, indent=2) + "\n")
    _print(result, console)
    return 0


async def up_in_own_folder(config: StackConfig, scenario: Scenario, console: Screen, stop: asyncio.Event) -> int:
    """The same in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="plumewatch-", ignore_cleanup_errors=True) as name:
        return await up(replace(config, folder=Path(name)), scenario, console, stop)


def _report(chain: Chain, config: StackConfig, scenario: Scenario) -> dict[str, Any]:
    truth = run_truth(scenario, chain.satellites)
    write_truth(truth, config.folder / "truth.jsonl")
    alerts = scoring.read_jsonl(chain.alerts_file) if chain.alerts_file.exists() else []
    accounts = chain.accounts()
    replays = {satellite.id: satellite.replay for satellite in chain.satellites if satellite.replay is not None}
    frames = {account["satellite_id"]: account["frames"] for account in accounts}
    run = {
        "scenario": scenario.name,
        "seed": scenario.seed,
        "duration_s": scenario.duration_s,
        "satellites": len(chain.satellites),
        "broker": chain.broker_kind,
        "command_unix_ns": config.command_unix_ns,
    }
    figures = scoring.score(truth, alerts, chain.state.delivered_s)
    result = report.build(figures, accounts, chain.state, run, score_all(chain.record, replays, frames))
    # Of recorded images nothing is true but what came with them: without that, nothing can be found, missed or false.
    result["scored"] = bool(truth) or len(replays) < len(chain.satellites)
    return result


def _print(result: dict[str, Any], console: Console) -> None:
    from services.cli.score import rows as score_rows

    # Beside marked images, what was said without cause still counts.
    scored = result["scored"] or ("replay" in result and result["false_alerts"] > 0)
    table = Table(title=f"scenario {result['run']['scenario']}", title_justify="left", show_header=False, box=None)
    for name, value in (*(score_rows(result) if scored else ()), *report.rows(result)):
        table.add_row(Text(name), Text(value))
    console.print(table)
    if not scored and "replay" not in result:
        count = result["false_alerts"]
        console.print(
            Text(
                f"{count} event{'' if count == 1 else 's'} confirmed; not scored: nothing says what is true of these "
                "images (targets_xy.txt beside them, or the truth in a recording)"
            ),
            soft_wrap=True,
        )
    for sentence in result["warnings"]:
        console.print(Text(f"warning: {sentence}", style="bold red"), soft_wrap=True)
    if "replay" in result:
        targets = Table(title="targets in recorded images", title_justify="left", box=None, padding=(0, 2))
        heads = ("satellite", "frames", "Pd", "false/Mpx", "tracked", "continuity", "tracks", "false tracks")
        for head in heads:
            targets.add_column(head, justify="left" if head == "satellite" else "right")
        for row in report.replay_rows(result["replay"]):
            targets.add_row(*map(Text, row))
        console.print(targets)
