"""Show alerts in the terminal as they come.

What was missed while away comes first. Where stdout is no terminal, and with --json, it prints a line a message.
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
    as_json: Annotated[bool, typer.Option("--json", help="A line of JSON a message, as it came.")] = False,
    tracks: Annotated[bool, typer.Option("--tracks", help="With --json: track states as well.")] = False,
    archive: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Append every new revision to this JSONL file.")
    ] = None,
    for_s: Annotated[
        float | None, typer.Option("--for", metavar="S", min=0.0, help="End after so many seconds.")
    ] = None,
    acknowledge: Annotated[
        str, typer.Option(metavar="EVENT", help="Acknowledge this event, wait for the confirmation, and end.")
    ] = "",
    operator: Annotated[
        str, typer.Option(metavar="NAME", envvar="USER", show_default="user name", help="Who acknowledges.")
    ] = "operator",
    note: Annotated[str, typer.Option(metavar="TEXT", help="What the operator has to say.")] = "",
    log_level: Annotated[str, typer.Option(metavar="LEVEL", envvar="PLUMEWATCH_LOG_LEVEL")] = "",
) -> None:
    import asyncio
    import sys

    from services.command_center.config import CommandCenterConfig
    from services.runtime.lifecycle import run_program
    from services.runtime.logs import configure_logs

    # On a screen the table itself says whether the broker is there; log lines would break it. With --for the end says
    # it, and a line a try beside that would be noise.
    quiet = (sys.stdout.isatty() and not as_json and not acknowledge) or for_s is not None
    try:
        configure_logs("watch", log_level or ("error" if quiet else "warning"))
        config = CommandCenterConfig(broker, archive=archive, tracks=tracks)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error

    async def watch_alerts(stop: asyncio.Event) -> int:
        from services.command_center.watch import watch

        return await watch(config, stop, as_json, for_s)

    async def acknowledge_event(stop: asyncio.Event) -> int:
        from services.command_center.acknowledge import acknowledge as send
        from services.command_center.describe import line

        print(line(await send(config.broker, acknowledge, operator, note, stop)))
        return 0

    try:
        code = run_program(acknowledge_event if acknowledge else watch_alerts)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    except BrokenPipeError:
        # The reader, such as `head`, has had enough; nothing more can be written, not even at exit.
        import os

        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    raise typer.Exit(code)
