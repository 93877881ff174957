"""The satellite's life: load, connect, send, report."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import structlog

from sat_emulator.downlink.config import DownlinkConfig
from sat_emulator.downlink.link import Link
from sat_emulator.downlink.sender import Sender
from sat_emulator.frame import FrameSource
from services.runtime.configuration import ConfigurationError
from services.runtime.errors import BadInputError
from services.runtime.grpc_server import open_channel
from services.runtime.pixel_codec import codec_named
from services.scenario.model import Scenario
from services.scenario.resolve import ResolvedSatellite, end_unix_ns, resolve_satellites, start_unix_ns

log = structlog.get_logger()


def find_satellite(scenario: Scenario, satellite_id: str) -> ResolvedSatellite:
    """Return one satellite of the scenario."""
    satellites = resolve_satellites(scenario)
    for satellite in satellites:
        if satellite.id == satellite_id:
            return satellite
    known = ", ".join(satellite.id for satellite in satellites)
    raise ConfigurationError("satellite id", f"{satellite_id!r} is not in scenario {scenario.name!r}; it has {known}")


def open_source(scenario: Scenario, satellite: ResolvedSatellite) -> FrameSource:
    """Return what the satellite's camera sees: recorded images where it replays, else the emulated scene."""
    if satellite.replay is not None:
        from sat_emulator.replay.open import open_replay

        return open_replay(satellite.replay, satellite.id, start_unix_ns(scenario), end_unix_ns(scenario))
    from sat_emulator.sensor.source import EmulatedSource

    return EmulatedSource(scenario, satellite)


async def stream(
    config: DownlinkConfig, scenario: Scenario, make_source: Callable[[], FrameSource], stop: asyncio.Event
) -> int:
    """Send one satellite's frames until all are settled or `stop` is set; return the exit code.

    The account of the run is written in either case. Raises what the sender failed of, also where that was while
    stopping; BadInputError where the account cannot be written.
    """
    codec = codec_named(scenario.downlink.compression)
    # Kernels are compiled and images listed before the other side counts this satellite as ready.
    source = await asyncio.to_thread(make_source)
    async with open_channel(config.target) as channel:
        link = Link(channel, config.satellite_id, config.target)
        sender = Sender(config, source, link, start_unix_ns(scenario), codec)
        sending = asyncio.create_task(sender.run(), name="send")
        stopping = asyncio.create_task(stop.wait(), name="stop")
        try:
            await asyncio.wait((sending, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, stopping):
                task.cancel()
            # Failures, too, are told after the account has been written.
            await asyncio.gather(sending, stopping, return_exceptions=True)
            if config.report is not None:
                report = json.dumps(account_of(sender, source), indent=2) + "\n"
                try:
                    await asyncio.to_thread(config.report.write_text, report)
                except OSError as error:
                    raise BadInputError(str(config.report), f"cannot be written: {error.strerror}") from error
        if not sending.cancelled():
            sending.result()
            log.info("every frame is settled", satellite=config.satellite_id, lost=sender.account.lost())
    return 0


def account_of(sender: Sender, source: FrameSource) -> dict[str, Any]:
    """Return the account as plain data, with the pace that was kept.

    emulated_s, wall_s: from the run's start to the last settled frame's read-out end, and to the instant its
    acknowledgement came. 0 where nothing was settled.
    """
    account = sender.account
    emulated_s = wall_s = 0.0
    if sender.clock is not None and sender.settled_wall_unix_ns and account.settled_sequence >= 0:
        last = source.readout_end_unix_ns(min(account.settled_sequence, len(source) - 1))
        emulated_s = (last - sender.clock.emulated_start_unix_ns) / 1e9
        wall_s = (sender.settled_wall_unix_ns - sender.clock.wall_start_unix_ns) / 1e9
    return {
        **account.as_json(),
        "emulated_s": round(emulated_s, 4),
        "wall_s": round(wall_s, 4),
        "rate": sender.clock.rate if sender.clock is not None else 0.0,
    }
