"""Run the whole chain on this machine: broker, relay, ground station, satellites; score it at the end.

Others can join while it runs: the addresses are printed first. Ctrl-C stops everything in good order.
"""

from pathlib import Path
from typing import Annotated

import typer


def run(
    scenario: Annotated[str | None, typer.Argument(help="Scenario file or name; left out: the default.")] = None,
    replay: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="Send recorded images: a folder, a folder of folders (a satellite each), or an MCAP file.",
        ),
    ] = None,
    rate: Annotated[float, typer.Option(metavar="HZ", help="Images a second of each satellite with --replay.")] = 10.0,
    broker: Annotated[
        str | None,
        typer.Option(metavar="URL", envvar="PLUMEWATCH_BROKER", help="A broker that runs; left out: one is started."),
    ] = None,
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the report here, as JSON.")] = None,
    port_base: Annotated[
        int | None,
        typer.Option(
            metavar="PORT",
            min=0,
            max=65533,
            help="Relay, ground station and broker listen here and on the next two; 0: on any that are free. "
            "Left out: 50051, 50052 and 1883.",
        ),
    ] = None,
    run_dir: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep logs, alerts, truth and archive here; left out: nothing is kept."),
    ] = None,
    log_level: Annotated[str, typer.Option(metavar="LEVEL", envvar="PLUMEWATCH_LOG_LEVEL")] = "info",
) -> None:
    import time

    command_unix_ns = time.time_ns()

    from rich.console import Console

    from services.runtime.errors import BadInputError
    from services.runtime.lifecycle import run_program
    from services.runtime.logs import configure_logs
    from services.runtime.mqtt import parse_broker_url
    from services.scenario.load import load_scenario
    from services.stack.config import StackConfig
    from services.stack.ports import choose_ports
    from services.stack.scenario_file import replayed
    from services.stack.up import up, up_in_own_folder

    try:
        configure_logs("up", "error")
        if broker is not None:
            parse_broker_url(broker)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    if rate <= 0:
        raise typer.BadParameter(f"is {rate:g} and must be above 0", param_hint="--rate")
    if replay is None:
        loaded = load_scenario(scenario)
    else:
        loaded = replayed(replay, rate, None if scenario is None else load_scenario(scenario))
    # Better known before the run than after it.
    if report is not None and not report.absolute().parent.is_dir():
        raise BadInputError(str(report), "cannot be written: its folder does not exist")
    if report is not None and report.is_dir():
        raise BadInputError(str(report), "cannot be written: it is a folder")
    config = StackConfig(
        choose_ports(port_base, with_broker=broker is None),
        Path() if run_dir is None else run_dir,
        broker,
        report,
        command_unix_ns=command_unix_ns,
        log_level=log_level,
    )
    console = Console()
    if not console.is_terminal:
        # A file has no width; tables need this much.
        console = Console(width=120)
    if run_dir is None:
        raise typer.Exit(run_program(lambda stop: up_in_own_folder(config, loaded, console, stop)))
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInputError(str(run_dir), f"is no folder that can be written: {error.strerror}") from error
    raise typer.Exit(run_program(lambda stop: up(config, loaded, console, stop)))
