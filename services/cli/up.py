"""Run the whole chain on this machine: broker, relay, ground station, satellites; score it at the end.

Others can join while it runs: the addresses are printed first. Ctrl-C stops everything in good order. With --replay,
the satellites send recorded images instead of emulated ones, and the run ends with the images; SCENARIO then gives
the network, the start and the longest duration, and nothing of what is seen.
"""

import contextlib
from pathlib import Path
from typing import Annotated

import typer

DEFAULT_RATE_HZ = 10.0


def run(
    scenario: Annotated[str | None, typer.Argument(help="Scenario file or name; left out: the default.")] = None,
    replay: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="Send recorded images: a folder, a folder of folders (a satellite each), or an MCAP file.",
        ),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(metavar="HZ", help="With --replay of images: so many a second of each satellite; left out: 10."),
    ] = None,
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

    from services.runtime.errors import BadInputError
    from services.runtime.lifecycle import run_program
    from services.runtime.logs import LEVELS, configure_logs
    from services.runtime.mqtt import parse_broker_url
    from services.scenario.load import load_scenario, naming_the_file
    from services.stack.config import StackConfig
    from services.stack.ports import choose_ports
    from services.stack.scenario_file import replayed
    from services.stack.screen import Screen
    from services.stack.up import up, up_in_own_folder

    try:
        configure_logs("up", "error")
        if broker is not None:
            parse_broker_url(broker)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    # The children's level; this process logs errors alone.
    if log_level not in LEVELS:
        raise typer.BadParameter(f"{log_level!r} is not one of {', '.join(LEVELS)}", param_hint="--log-level")
    check_replay_rate(rate, replay)
    if replay is None:
        loaded = load_scenario(scenario)
    else:
        base = None if scenario is None else load_scenario(scenario)
        loaded = replayed(replay, DEFAULT_RATE_HZ if rate is None else rate, base)
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
    console = Screen()
    if not console.is_terminal:
        # A file has no width; tables need this much.
        console = Screen(width=120)
    with contextlib.nullcontext() if scenario is None and replay is not None else naming_the_file(scenario):
        if run_dir is None:
            raise typer.Exit(run_program(lambda stop: up_in_own_folder(config, loaded, console, stop)))
        try:
            run_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadInputError(str(run_dir), f"is no folder that can be written: {error.strerror}") from error
        raise typer.Exit(run_program(lambda stop: up(config, loaded, console, stop)))


def check_replay_rate(rate: float | None, replay: Path | None) -> None:
    """Raise typer.BadParameter for a rate that nothing would heed, or that no replay can have."""
    if rate is None:
        return
    if replay is None:
        raise typer.BadParameter(
            "is of images with --replay; a scenario has `rate` (emulated seconds a wall second) and its cameras "
            "`sensor.frame_rate_hz`",
            param_hint="--rate",
        )
    if replay.suffix.lower() == ".mcap":
        raise typer.BadParameter(f"is of images; {replay.name} is a recording with its own times", param_hint="--rate")
    if not 0.01 <= rate <= 1000:
        raise typer.BadParameter(f"{rate:g} is not within 0.01 to 1000", param_hint="--rate")
