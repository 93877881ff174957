"""Draw what a scenario's satellites see, with truth and detections marked, and a map of who sees what.

The name in --out says what is drawn. A folder: one PNG a satellite, in full size.
A .png: all satellites side by side, with the map. A .gif: an animation of the run.

For example:
  plumewatch preview                                  into the folder preview
  plumewatch preview my.toml --at 60 --out run.png    all satellites and a map
  plumewatch preview my.toml --only-map --out my.png  the map alone
  plumewatch preview my.toml --out run.gif            about 40 pictures
  plumewatch preview my.toml --out run.gif --from 20 --to 50 --every 0.5
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from services.scenario.model import Scenario
    from services.stack.pictures.files import Wanted
    from services.stack.pictures.scenario_run import ScenarioRun

# Pictures of an animation where --every is left out, and how many make a file that is still of use.
GIF_PICTURES = 40
MOST_GIF_PICTURES = 400
KINDS = {"": "folder", ".png": "sheet", ".gif": "animation"}


def run(
    scenario: Annotated[str | None, typer.Argument(help="Scenario file or name; left out: the default.")] = None,
    at: Annotated[
        float | None, typer.Option(metavar="S", help="Seconds after the scenario's start; left out: its middle.")
    ] = None,
    out: Annotated[
        Path,
        typer.Option(metavar="PATH", help="A folder (made where it is missing), a .png or a .gif; see above."),
    ] = Path("preview"),
    satellite: Annotated[list[str] | None, typer.Option(metavar="ID", help="Only these satellites.")] = None,
    detections: Annotated[bool, typer.Option(help="Mark what the ground station's detector finds.")] = True,
    with_map: Annotated[
        bool | None,
        typer.Option("--map/--no-map", help="Draw the map, too; left out: with .png and .gif, not with a folder."),
    ] = None,
    only_map: Annotated[bool, typer.Option("--only-map", help="Draw the map and no frames.")] = False,
    gateways: Annotated[bool, typer.Option(help="Show the ground station's antennas on the map.")] = False,
    begin: Annotated[
        float | None, typer.Option("--from", metavar="S", help="Where an animation begins; left out: with the run.")
    ] = None,
    end: Annotated[
        float | None, typer.Option("--to", metavar="S", help="Where an animation ends; left out: with the run.")
    ] = None,
    every: Annotated[
        float | None,
        typer.Option(metavar="S", help="Seconds of the run from one picture of an animation to the next."),
    ] = None,
) -> None:
    from sat_emulator.downlink.program import find_satellite
    from services.runtime.configuration import ConfigurationError
    from services.runtime.whole_file import cleaned_up_on_sigterm
    from services.scenario.load import load_scenario, naming_the_file
    from services.scenario.resolve import resolve_satellites
    from services.scenario.view import check_launches_seen
    from services.stack.pictures.files import Wanted, draw_satellites, draw_sheet_file
    from services.stack.pictures.scenario_run import ScenarioRun

    kind = _kind(out)
    if only_map and with_map is False:
        raise typer.BadParameter("contradicts --no-map; keep one", param_hint="--only-map")
    given = {"--from": begin, "--to": end, "--every": every}
    misplaced = ["--at"] if kind == "animation" and at is not None else [
        name for name, value in given.items() if kind != "animation" and value is not None
    ]  # fmt: skip
    if misplaced:
        needed = "one instant; name a .png or a folder" if kind == "animation" else "an animation; name a .gif"
        raise typer.BadParameter(f"is for {needed} with --out", param_hint=misplaced[0])
    loaded = load_scenario(scenario)
    wanted = Wanted(
        not only_map, only_map or (kind != "folder" if with_map is None else with_map), detections, gateways
    )
    with naming_the_file(scenario), cleaned_up_on_sigterm():
        resolved = resolve_satellites(loaded)
        chosen = [find_satellite(loaded, name) for name in satellite] if satellite else list(resolved)
        try:
            with naming_the_file(scenario):
                check_launches_seen(loaded, resolved)
        except ConfigurationError as error:
            # A picture shows what is wrong.
            typer.echo(f"warning: {error} (`plumewatch up` and `simulate` refuse this)", err=True)
        pictures = ScenarioRun(loaded, chosen)
        if kind == "animation":
            _animate(pictures, begin, end, every, out, wanted)
            return
        seconds = _within(loaded, loaded.duration_s / 2 if at is None else at, "--at")
        draw = draw_satellites if kind == "folder" else draw_sheet_file
        for line in draw(pictures, seconds, out, wanted):
            typer.echo(line)


def _kind(out: Path) -> str:
    suffix = "" if out.is_dir() else out.suffix.lower()
    if suffix not in KINDS:
        raise typer.BadParameter(
            f"{out} ends in {out.suffix}; pictures are .png or .gif, and a name without a suffix is a folder",
            param_hint="--out",
        )
    return KINDS[suffix]


def _within(scenario: "Scenario", seconds: float, option: str) -> float:
    if not 0 <= seconds <= scenario.duration_s:
        raise typer.BadParameter(
            f"{seconds:g} is not within the run's 0 to {scenario.duration_s:g} s", param_hint=option
        )
    return seconds


def _animate(
    pictures: "ScenarioRun", begin: float | None, end: float | None, every: float | None, out: Path, wanted: "Wanted"
) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from services.stack.pictures.files import draw_gif_file

    scenario = pictures.scenario
    begin_s = _within(scenario, 0.0 if begin is None else begin, "--from")
    end_s = _within(scenario, scenario.duration_s if end is None else end, "--to")
    if end_s <= begin_s:
        raise typer.BadParameter(f"{end_s:g} does not come after --from, {begin_s:g}", param_hint="--to")
    every_s = (end_s - begin_s) / (GIF_PICTURES - 1) if every is None else every
    if every_s <= 0 or (end_s - begin_s) / every_s >= MOST_GIF_PICTURES:
        least = (end_s - begin_s) / MOST_GIF_PICTURES
        raise typer.BadParameter(
            f"{every_s:g} would make more than {MOST_GIF_PICTURES} pictures; take more than {least:.3g} s or a shorter "
            "--from and --to",
            param_hint="--every",
        )
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(f"preview {scenario.name}", total=None)
        line = draw_gif_file(
            pictures,
            (begin_s, end_s),
            every_s,
            out,
            wanted,
            lambda done, total: progress.update(task, completed=done, total=total),
        )
    typer.echo(line)
