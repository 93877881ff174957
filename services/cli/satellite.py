"""Stream one satellite's frames, emulated or replayed, to a relay or ground station.

Each frame is sent when its read-out ends. After an outage of any length the satellite goes on with the first frame
that nobody has acknowledged. It ends when every frame is settled.
"""

from pathlib import Path
from typing import Annotated

import typer


def run(
    scenario: Annotated[str | None, typer.Argument(help="Scenario file or name; left out: the default.")] = None,
    satellite_id: Annotated[
        str, typer.Option("--id", metavar="ID", envvar="PLUMEWATCH_SATELLITE_ID", help="Which of its satellites.")
    ] = "sat-1",
    target: Annotated[
        str, typer.Option("--to", metavar="HOST:PORT", envvar="PLUMEWATCH_RELAY", help="Relay or ground station.")
    ] = "127.0.0.1:50051",
    replay: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Send these images (a folder) or this MCAP recording instead."),
    ] = None,
    rate: Annotated[
        float | None, typer.Option(metavar="HZ", help="With --replay of images: so many a second; left out: 10.")
    ] = None,
    run_id: Annotated[
        str, typer.Option(metavar="ID", envvar="PLUMEWATCH_RUN_ID", help="The run's name where no relay gives it.")
    ] = "",
    window: Annotated[int, typer.Option(metavar="N", help="Frames sent and not yet acknowledged, at most.")] = 16,
    give_up_after: Annotated[float, typer.Option(metavar="S", help="Stop after so long without an answer.")] = 120.0,
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="Write what became of the frames, JSON.")] = None,
    log_level: Annotated[str, typer.Option(metavar="LEVEL", envvar="PLUMEWATCH_LOG_LEVEL")] = "info",
    json_logs: Annotated[bool, typer.Option("--json-logs", help="Logs as lines of JSON.")] = False,
) -> None:
    import dataclasses

    from sat_emulator.downlink.config import DownlinkConfig
    from sat_emulator.downlink.program import find_satellite, open_source, stream
    from services.cli.up import DEFAULT_RATE_HZ, check_replay_rate
    from services.runtime.lifecycle import run_program
    from services.runtime.logs import configure_logs
    from services.scenario.load import load_scenario, naming_the_file
    from services.scenario.model import Replay

    check_replay_rate(rate, replay)
    try:
        config = DownlinkConfig(
            satellite_id, target, run_id, window_frames=window, give_up_after_s=give_up_after, report=report
        )
        recorded = None if replay is None else Replay(replay, DEFAULT_RATE_HZ if rate is None else rate)
        configure_logs("satellite", log_level, json_logs)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    loaded = load_scenario(scenario)
    with naming_the_file(scenario):
        satellite = find_satellite(loaded, satellite_id)
        if recorded is not None:
            satellite = dataclasses.replace(satellite, replay=recorded)
        raise typer.Exit(run_program(lambda stop: stream(config, loaded, lambda: open_source(loaded, satellite), stop)))
