"""Draw what a scenario's satellites see at an instant, a PNG each, with truth and detections marked."""

from pathlib import Path
from typing import Annotated

import typer


def run(
    scenario: Annotated[str | None, typer.Argument(help="Scenario file or name; left out: the default.")] = None,
    at: Annotated[
        float | None, typer.Option(metavar="S", help="Seconds after the scenario's start; left out: its middle.")
    ] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the pictures; made where it is missing.")] = Path(
        "preview"
    ),
    satellite: Annotated[list[str] | None, typer.Option(metavar="ID", help="Only these satellites.")] = None,
    detections: Annotated[bool, typer.Option(help="Mark what the ground station's detector finds.")] = True,
) -> None:
    from sat_emulator.downlink.program import find_satellite
    from services.scenario.load import load_scenario
    from services.scenario.resolve import resolve_satellites
    from services.stack.preview_files import draw_satellites

    loaded = load_scenario(scenario)
    seconds = loaded.duration_s / 2 if at is None else at
    if not 0 <= seconds <= loaded.duration_s:
        raise typer.BadParameter(f"{seconds:g} is not within the run's 0 to {loaded.duration_s:g} s", param_hint="--at")
    chosen = [find_satellite(loaded, name) for name in satellite] if satellite else list(resolve_satellites(loaded))
    for line in draw_satellites(loaded, chosen, seconds, out, detections):
        typer.echo(line)
