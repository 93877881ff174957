"""Hears what is published and hands on what is news."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass

import structlog

from plumewatch.v1 import alert_pb2, track_pb2
from services.command_center.alert_book import AlertBook
from services.runtime.envelope import Envelope, EnvelopeError, Status, parse_envelope
from services.runtime.mqtt import ALERTS, STATUS_QOS, STATUSES, TRACKS, messages

# What every centre listens to: topic filter and QoS each.
TOPICS = ((ALERTS, 1), (STATUSES, STATUS_QOS))

log = structlog.get_logger()


@dataclass(frozen=True)
class News:
    """A message that was read and was not known before. payload: as it came, for those who pass it on."""

    topic: str
    envelope: Envelope
    payload: bytes


async def news(
    broker: str,
    book: AlertBook,
    stop: asyncio.Event,
    *,
    tracks: bool = False,
    client_id: str | None = None,
    on_connection: Callable[[bool], None] | None = None,
) -> AsyncGenerator[News, None]:
    """Keep `book` up to date and yield each message that changed something, until `stop`.

    What was missed while away comes first: alerts and statuses are retained. Messages that are not ours are logged
    and left out; nobody's message ends this.
    """
    topics = [*TOPICS, *([(TRACKS, 0)] if tracks else [])]
    async with contextlib.aclosing(messages(broker, topics, stop, client_id, on_connection)) as arriving:
        async for message in arriving:
            heard = read(str(message.topic), bytes(message.payload or b""), book, time.monotonic())
            if heard is not None:
                yield heard


def read(topic: str, payload: bytes, book: AlertBook, heard_s: float) -> News | None:
    """Take one message into the book; return it where it is news."""
    if not payload:
        book.clear(topic.rpartition("/")[2])
        return None
    try:
        envelope = parse_envelope(payload)
    except EnvelopeError as error:
        log.warning("message left out", topic=topic, reason=str(error))
        return None
    if not _belongs(topic, envelope):
        log.warning("message left out", topic=topic, reason=f"says it is {envelope.id}, which goes elsewhere")
        return None
    if envelope.time_unix_ns is not None:
        book.note_time(envelope.time_unix_ns, heard_s)
    match envelope.data:
        case alert_pb2.Alert() as alert:
            fresh = book.take(alert, heard_s)
        case Status() as status:
            fresh = book.statuses.get((status.service, status.instance)) != status
            book.note_status(status)
        case _:
            fresh = True
    return News(topic, envelope, payload) if fresh else None


def _belongs(topic: str, envelope: Envelope) -> bool:
    """Whether the message is in the topic of its id: nobody may overwrite one event in another's name."""
    match envelope.data:
        case alert_pb2.Alert(event_id=event_id):
            return topic == f"plumewatch/v1/alerts/{event_id}"
        case track_pb2.Track(track_id=track_id):
            return topic == f"plumewatch/v1/tracks/{track_id}"
        case Status(service=service, instance=instance):
            return topic == f"plumewatch/v1/status/{service}/{instance}"
    return False
