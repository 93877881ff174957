"""`plumewatch command-center`: an unattended centre that archives alerts and says that it is there."""

import asyncio
import contextlib

import aiomqtt
import structlog
from prometheus_client import Counter, Gauge

from plumewatch.v1 import alert_pb2
from services.command_center import describe
from services.command_center.alert_book import AlertBook
from services.command_center.archive import AlertArchive
from services.command_center.config import CommandCenterConfig
from services.command_center.subscriber import TOPICS, News, read
from services.runtime.envelope import Status
from services.runtime.mqtt import connections, publish_status, status_will, subscribe, until

SERVICE = "command-center"

REVISIONS = Counter("plumewatch_alert_revisions_total", "Alert revisions taken, by state", ["state"])
LATENCY = Gauge("plumewatch_alert_latency_seconds", "Readout end to publication of the newest revision")
OPEN = Gauge("plumewatch_alerts_open", "Events that are open now")
CONNECTED = Gauge("plumewatch_broker_connected", "Whether the broker is connected")

log = structlog.get_logger()


async def serve(config: CommandCenterConfig, stop: asyncio.Event) -> int:
    """Archive every revision until `stop`; return the exit code."""
    book = AlertBook()
    will = status_will(SERVICE, config.instance)
    with contextlib.ExitStack() as stack:
        archive = stack.enter_context(AlertArchive(config.archive)) if config.archive else None
        client_id = f"{SERVICE}-{config.instance}"
        async with contextlib.aclosing(connections(config.broker, client_id, stop, will)) as clients:
            async for client in clients:
                try:
                    await _one_connection(client, config, stop, book, archive)
                except aiomqtt.MqttError as error:
                    log.warning("broker connection lost", reason=str(error))
                finally:
                    CONNECTED.set(0)
    return 0


async def _one_connection(
    client: aiomqtt.Client,
    config: CommandCenterConfig,
    stop: asyncio.Event,
    book: AlertBook,
    archive: AlertArchive | None,
) -> None:
    await subscribe(client, TOPICS)
    await publish_status(client, Status(SERVICE, config.instance, "up"))
    CONNECTED.set(1)
    async with contextlib.aclosing(until(stop, client)) as arriving:
        async for message in arriving:
            now_s = asyncio.get_running_loop().time()
            heard = read(str(message.topic), bytes(message.payload or b""), book, now_s)
            if heard is not None:
                _take(heard, archive)
            OPEN.set(sum(entry.is_open for entry in book.entries.values()))
    await publish_status(client, Status(SERVICE, config.instance, "down"))


def _take(heard: News, archive: AlertArchive | None) -> None:
    alert = heard.envelope.data
    if isinstance(alert, Status):
        log.info("service", name=f"{alert.service}/{alert.instance}", state=alert.state)
    if not isinstance(alert, alert_pb2.Alert):
        return
    fresh = archive is None or archive.add(alert)
    REVISIONS.labels(describe.state(alert)).inc()
    latency_s = describe.latency_s(alert)
    if latency_s is not None:
        LATENCY.set(latency_s)
    if fresh:
        log.info("alert", line=describe.line(alert))
