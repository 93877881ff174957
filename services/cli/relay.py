"""Carry frames across the modelled laser mesh, with its delays; keep the run clock.

Satellites connect here; the relay forwards each frame to the ground station once the modelled network would have
delivered it. The run starts when every satellite of the scenario has its stream open.
"""

from pathlib import Path
from typing import Annotated

import typer


def run(
    scenario: Annotated[str | None, typer.Argument(help="Scenario file or name; left out: the default.")] = None,
    listen: Annotated[
        str, typer.Option(metavar="HOST:PORT", envvar="PLUMEWATCH_RELAY_LISTEN", help="Where satellites connect.")
    ] = "127.0.0.1:50051",
    station: Annotated[
        str, typer.Option(metavar="HOST:PORT", envvar="PLUMEWATCH_STATION", help="The ground station's address.")
    ] = "127.0.0.1:50052",
    state_dir: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            envvar="PLUMEWATCH_RELAY_STATE_DIR",
            help="Keeps run clock and faults across restarts; left out: a restart begins a new run.",
        ),
    ] = None,
    run_id: Annotated[str, typer.Option(metavar="ID", envvar="PLUMEWATCH_RUN_ID", help="Name of the run.")] = "",
    start_after: Annotated[
        float,
        typer.Option(metavar="S", help="Start without missing satellites once the station has served so long."),
    ] = 60.0,
    metrics_port: Annotated[
        int, typer.Option(metavar="PORT", envvar="PLUMEWATCH_METRICS_PORT", help="Prometheus; 0: none.")
    ] = 0,
    log_level: Annotated[str, typer.Option(metavar="LEVEL", envvar="PLUMEWATCH_LOG_LEVEL")] = "info",
    json_logs: Annotated[bool, typer.Option("--json-logs", help="Logs as lines of JSON.")] = False,
) -> None:
    from services.relay.config import RelayConfig
    from services.relay.server import serve
    from services.runtime.lifecycle import run_program
    from services.runtime.logs import configure_logs
    from services.scenario.load import load_scenario, naming_the_file

    try:
        config = RelayConfig(listen, station, state_dir, start_after, metrics_port=metrics_port, run_id=run_id)
        configure_logs("relay", log_level, json_logs)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    loaded = load_scenario(scenario)
    with naming_the_file(scenario):
        raise typer.Exit(run_program(lambda stop: serve(config, loaded, stop)))
