"""Record a scenario's frames and truth to an MCAP file, without the network.

The recording can be replayed (`plumewatch up --replay run.mcap`) and opens in MCAP viewers. The truth is written
beside it, a JSON line an object, as `plumewatch score` reads it.
"""

from pathlib import Path
from typing import Annotated

import typer


def run(
    scenario: Annotated[str | None, typer.Argument(help="Scenario file or name; left out: the default.")] = None,
    out: Annotated[Path, typer.Option(metavar="FILE", help="The recording.")] = Path("run.mcap"),
    truth: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The truth; left out: beside the recording, RUN.truth.jsonl.")
    ] = None,
    run_id: Annotated[
        str, typer.Option(metavar="ID", help="The run's name in the frames; left out: the scenario's name.")
    ] = "",
) -> None:
    import time

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from services.scenario.load import load_scenario
    from services.scenario.model import NAME
    from services.stack.simulate import simulate

    if run_id and not NAME.fullmatch(run_id):
        raise typer.BadParameter(f"{run_id!r} must be 1 to 64 of A-Z a-z 0-9 _ -", param_hint="--run-id")
    loaded = load_scenario(scenario)
    truth_path = out.with_suffix(".truth.jsonl") if truth is None else truth
    started = time.perf_counter()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(f"simulate {loaded.name}", total=None)
        done = simulate(
            loaded,
            out,
            truth_path,
            run_id or loaded.name,
            lambda n, total: progress.update(task, completed=n, total=total),
        )
    wall_s = time.perf_counter() - started
    for (satellite_id, sequence), reason in done.skipped.items():
        typer.echo(f"skipped {satellite_id} frame {sequence}: {reason}", err=True)
    typer.echo(
        f"{done.frames} frames ({done.message_bytes / 1e6:.0f} MB before compression) in {out}, "
        f"truth in {truth_path}; {wall_s:.1f} s for {loaded.duration_s:g} s of the scenario"
    )
