"""Record a scenario's frames and truth to an MCAP file, without the network.

The recording can be replayed (`plumewatch up --replay run.mcap`) and opens in MCAP viewers.
Beside it lie the truth of every object (RUN.truth.jsonl, as `plumewatch score` reads it)
and of every frame (RUN.frame_truth.jsonl: where each object falls on the detector, and how bright).
docs/formats.md has every field.

For example:
  plumewatch simulate                           the default, to run.mcap
  plumewatch simulate two_rockets --out two.mcap
  plumewatch simulate my.toml --rate 1          no faster than it would happen
"""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from services.stack.simulate import Progress

# Where nothing can be redrawn, a line as often as a person would look.
LINE_S = 10.0


def run(
    scenario: Annotated[str | None, typer.Argument(help="Scenario file or name; left out: the default.")] = None,
    out: Annotated[Path, typer.Option(metavar="FILE", help="The recording.")] = Path("run.mcap"),
    truth: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The truth; left out: beside the recording, RUN.truth.jsonl.")
    ] = None,
    frame_truth: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The truth of each frame; left out: beside it, RUN.frame_truth.jsonl."),
    ] = None,
    run_id: Annotated[
        str, typer.Option(metavar="ID", help="The run's name in the frames; left out: the scenario's name.")
    ] = "",
    rate: Annotated[
        float | None,
        typer.Option(metavar="X", help="Emulated seconds a wall second; left out: as fast as this machine can."),
    ] = None,
) -> None:
    import time

    from services.runtime.whole_file import cleaned_up_on_sigterm
    from services.scenario.load import load_scenario, naming_the_file
    from services.scenario.model import NAME
    from services.stack.simulate import Outputs, Pace, simulate

    if run_id and not NAME.fullmatch(run_id):
        raise typer.BadParameter(f"{run_id!r} must be 1 to 64 of A-Z a-z 0-9 _ -", param_hint="--run-id")
    if rate is not None and not 0.01 <= rate <= 1000:
        raise typer.BadParameter(f"{rate:g} is not within 0.01 to 1000", param_hint="--rate")
    loaded = load_scenario(scenario)
    outputs = Outputs(
        out,
        out.with_suffix(".truth.jsonl") if truth is None else truth,
        out.with_suffix(".frame_truth.jsonl") if frame_truth is None else frame_truth,
    )
    started = time.perf_counter()
    with naming_the_file(scenario), cleaned_up_on_sigterm(), _shown(f"simulate {loaded.name}") as show:
        done = simulate(loaded, outputs, run_id or loaded.name, show, None if rate is None else Pace(rate))
    wall_s = time.perf_counter() - started
    for (satellite_id, sequence), reason in done.skipped.items():
        typer.echo(f"skipped {satellite_id} frame {sequence}: {reason}", err=True)
    typer.echo(
        f"{done.frames} frames ({done.message_bytes / 1e6:.0f} MB before compression) in {out}, truth in "
        f"{outputs.truth} and {outputs.frame_truth}; {wall_s:.1f} s for {loaded.duration_s:g} s of the scenario "
        f"({loaded.duration_s / wall_s:.2f} x real time)"
    )


@contextlib.contextmanager
def _shown(title: str) -> Iterator[Callable[["Progress"], None]]:
    """Give what shows progress on standard error: a bar on a terminal, which goes at the end, elsewhere lines."""
    import time

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    started = said = time.perf_counter()

    def speed(now: "Progress") -> str:
        return f"{now.emulated_s / (time.perf_counter() - started):.2f} x real time"

    console = Console(stderr=True)
    if not console.is_terminal:

        def say(now: "Progress") -> None:
            nonlocal said
            if time.perf_counter() - said >= LINE_S:
                said = time.perf_counter()
                typer.echo(f"{title}: {now.frames} of {now.frames_total} frames, {speed(now)}", err=True)

        yield say
        return
    texts = (TextColumn("{task.description}"), TextColumn("{task.fields[speed]}"))
    columns = (texts[0], BarColumn(), MofNCompleteColumn(), texts[1], TimeRemainingColumn())
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task(title, total=None, speed="")
        yield lambda now: bar.update(task, completed=now.frames, total=now.frames_total, speed=speed(now))
