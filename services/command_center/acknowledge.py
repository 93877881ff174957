"""An operator's acknowledgement, and its confirmation."""

import asyncio
import contextlib

from plumewatch.v1 import alert_pb2
from services.command_center.alert_book import AlertBook
from services.command_center.subscriber import news
from services.runtime.envelope import ID, acknowledgement_envelope
from services.runtime.errors import PlumewatchError
from services.runtime.mqtt import acknowledgement_topic, new_client, parse_broker_url, require_broker

# Time in which retained messages come after a subscription, seconds.
RETAINED_S = 5.0
# A ground station puts an acknowledgement into a new revision at once; seconds.
CONFIRMATION_S = 10.0


async def acknowledge(broker: str, event_id: str, operator: str, note: str, stop: asyncio.Event) -> alert_pb2.Alert:
    """Acknowledge the event's newest revision; return the revision that carries it.

    Raises PlumewatchError where the broker does not answer, knows no such event, or no ground station confirms.
    """
    if not ID.fullmatch(event_id):
        raise ValueError(f"event {event_id!r} must be 1 to 64 of A-Z a-z 0-9 _ -")
    if not 1 <= len(operator) <= 64 or len(note) > 1000:
        raise ValueError("the operator has 1 to 64 characters and the note at most 1,000")
    address = parse_broker_url(broker)
    await require_broker(address, RETAINED_S, "start it, or name another with --broker")
    book = AlertBook()
    acknowledgement: alert_pb2.Acknowledgement | None = None
    try:
        async with asyncio.timeout(RETAINED_S) as limit, contextlib.aclosing(news(broker, book, stop)) as coming:
            async for heard in coming:
                alert = heard.envelope.data
                if not isinstance(alert, alert_pb2.Alert) or alert.event_id != event_id:
                    continue
                if acknowledgement is None:
                    acknowledgement = alert_pb2.Acknowledgement(
                        event_id=event_id, revision=alert.revision, operator=operator, note=note
                    )
                    async with new_client(address) as client:
                        payload = acknowledgement_envelope(acknowledgement, operator)
                        await client.publish(acknowledgement_topic(event_id), payload, qos=1)
                    limit.reschedule(asyncio.get_running_loop().time() + CONFIRMATION_S)
                elif any(_same(item, acknowledgement) for item in alert.acknowledgements):
                    return alert
    except TimeoutError as error:
        if acknowledgement is None:
            known = ", ".join(sorted(book.entries)) or "none"
            raise PlumewatchError(f"{address} keeps no event {event_id}; it has: {known}") from error
        raise PlumewatchError(
            f"event {event_id}: the acknowledgement is sent, but no ground station confirmed it within "
            f"{CONFIRMATION_S:g} s; see whether one runs on {address}"
        ) from error
    raise PlumewatchError(f"event {event_id}: stopped before the acknowledgement was confirmed")


def _same(one: alert_pb2.Acknowledgement, other: alert_pb2.Acknowledgement) -> bool:
    return (one.operator, one.note, one.revision) == (other.operator, other.note, other.revision)
