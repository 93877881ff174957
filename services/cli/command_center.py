"""Subscribe to alerts and archive them, without a screen.

Every new revision goes to a JSONL file, one CloudEvents envelope a line, which `plumewatch score --alerts` reads.
"""

from pathlib import Path
from typing import Annotated

import typer


def run(
    broker: Annotated[
        str,
        typer.Option(
            metavar="URL",
            envvar="PLUMEWATCH_BROKER",
            help="mqtt://HOST:PORT, mqtts:// for TLS; USER:PASSWORD@ before HOST where it asks.",
        ),
    ] = "mqtt://127.0.0.1:1883",
    archive: Annotated[
        Path | None,
        typer.Option(metavar="FILE", envvar="PLUMEWATCH_ALERT_ARCHIVE", help="JSONL file; left out: logs alone."),
    ] = None,
    instance: Annotated[
        str, typer.Option(metavar="ID", envvar="PLUMEWATCH_INSTANCE", help="This centre's id, one of its own.")
    ] = "center-1",
    metrics_port: Annotated[
        int, typer.Option(metavar="PORT", envvar="PLUMEWATCH_METRICS_PORT", help="Prometheus; 0: none.")
    ] = 0,
    log_level: Annotated[str, typer.Option(metavar="LEVEL", envvar="PLUMEWATCH_LOG_LEVEL")] = "info",
    json_logs: Annotated[bool, typer.Option("--json-logs", help="Logs as lines of JSON.")] = False,
) -> None:
    from services.command_center.config import CommandCenterConfig
    from services.command_center.server import serve
    from services.runtime.lifecycle import run_program
    from services.runtime.logs import configure_logs
    from services.runtime.metrics import metrics_served

    try:
        configure_logs("command-center", log_level, json_logs)
        config = CommandCenterConfig(broker, instance, archive)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    with metrics_served(metrics_port):
        code = run_program(lambda stop: serve(config, stop))
    raise typer.Exit(code)
