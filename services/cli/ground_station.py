"""Detect, track and warn: frames in, alerts out over gRPC and MQTT.

Frames come from a relay (or straight from satellites) over gRPC. What is found is kept in the state directory before
it is acknowledged or published, so that a station that was killed goes on where it stood.
"""

from pathlib import Path
from typing import Annotated

import typer


def run(
    listen: Annotated[
        str,
        typer.Option(metavar="HOST:PORT", envvar="PLUMEWATCH_STATION_LISTEN", help="Where relay and clients connect."),
    ] = "127.0.0.1:50052",
    broker: Annotated[
        str,
        typer.Option(
            metavar="URL", envvar="PLUMEWATCH_BROKER", help="MQTT broker for alerts; empty: none, gRPC alone."
        ),
    ] = "mqtt://127.0.0.1:1883",
    state_dir: Annotated[
        Path, typer.Option(metavar="DIR", envvar="PLUMEWATCH_STATION_STATE_DIR", help="Holds the archive.")
    ] = Path("plumewatch-station"),
    station_id: Annotated[
        str, typer.Option(metavar="ID", envvar="PLUMEWATCH_STATION_ID", help="Issuer of the alerts.")
    ] = "station-1",
    relay: Annotated[
        str,
        typer.Option(
            metavar="HOST:PORT",
            envvar="PLUMEWATCH_RELAY",
            help="Relay whose run clock latencies are measured against; empty: the frames' own stamps.",
        ),
    ] = "",
    metrics_port: Annotated[
        int, typer.Option(metavar="PORT", envvar="PLUMEWATCH_METRICS_PORT", help="Prometheus; 0: none.")
    ] = 0,
    settings: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            envvar="PLUMEWATCH_STATION_SETTINGS",
            help="TOML with the tables detection, tracking and alerting; left out: the defaults.",
        ),
    ] = None,
    pfa: Annotated[
        float | None,
        typer.Option(metavar="P", envvar="PLUMEWATCH_PFA", help="False detections per pixel of noise."),
    ] = None,
    psf_sigma_px: Annotated[
        float | None,
        typer.Option(
            metavar="S", envvar="PLUMEWATCH_PSF_SIGMA_PX", help="Spot size where a camera does not state its own."
        ),
    ] = None,
    detection_threads: Annotated[
        int, typer.Option(metavar="N", envvar="PLUMEWATCH_DETECTION_THREADS", help="0: one for each core.")
    ] = 0,
    log_level: Annotated[str, typer.Option(metavar="LEVEL", envvar="PLUMEWATCH_LOG_LEVEL")] = "info",
    json_logs: Annotated[bool, typer.Option("--json-logs", help="Logs as lines of JSON.")] = False,
) -> None:
    from services.ground_station.config import GroundStationConfig, settings_from
    from services.ground_station.server import serve
    from services.runtime.lifecycle import run_program
    from services.runtime.logs import configure_logs

    try:
        config = GroundStationConfig(
            listen=listen,
            broker=broker,
            state_dir=state_dir,
            station_id=station_id,
            relay=relay,
            metrics_port=metrics_port,
            detection_threads=detection_threads,
            settings=settings_from(settings, pfa, psf_sigma_px),
        )
        configure_logs("ground-station", log_level, json_logs)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    raise typer.Exit(run_program(lambda stop: serve(config, stop)))
