"""What goes over MQTT: one CloudEvents 1.0 structured-mode envelope of UTF-8 JSON around one of our messages.

Envelopes come from anybody who can reach the broker, so reading one is strict and raises EnvelopeError, nothing else.
"""

import json
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from google.protobuf.json_format import MessageToDict, ParseDict, ParseError
from google.protobuf.message import Message

from plumewatch.v1 import alert_pb2, track_pb2
from services.runtime.errors import PlumewatchError

# The largest payload that every broker takes (nats-server's limit), bytes.
PAYLOAD_LIMIT = 1 << 20
# Ids that may stand in a topic.
ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
STATUS_TYPE = "plumewatch.v1.Status"
MESSAGE_TYPES: dict[str, type[Message]] = {
    message.DESCRIPTOR.full_name: message for message in (alert_pb2.Alert, alert_pb2.Acknowledgement, track_pb2.Track)
}
# RFC 3339 with up to nanoseconds; CloudEvents allows any offset, we write Z.
INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?([Zz]|[+-]\d\d:\d\d)")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

ServiceState = Literal["up", "draining", "down"]


class EnvelopeError(PlumewatchError):
    """A payload is not one of our envelopes."""


@dataclass(frozen=True)
class Status:
    """What a service says of itself. instance: its id, `[A-Za-z0-9_-]{1,64}`."""

    service: str
    instance: str
    state: ServiceState


@dataclass(frozen=True)
class Envelope:
    """One envelope as read. time_unix_ns: None where it carries no time."""

    id: str
    source: str
    type: str
    time_unix_ns: int | None
    data: Message | Status


def alert_envelope(alert: alert_pb2.Alert) -> bytes:
    """Return an alert as published: its id is `<event_id>/<revision>`, its source the issuer."""
    return _envelope(f"{alert.event_id}/{alert.revision}", alert.issuer, alert.time_unix_ns, alert)


def track_envelope(track: track_pb2.Track, source: str) -> bytes:
    """Return a track's state as published: its id is `<track_id>/<time>`."""
    return _envelope(f"{track.track_id}/{track.time_unix_ns}", source, track.time_unix_ns, track)


def acknowledgement_envelope(acknowledgement: alert_pb2.Acknowledgement, source: str) -> bytes:
    """Return an operator's acknowledgement as published; its id is drawn, since one may acknowledge twice."""
    unique = f"{acknowledgement.event_id}/{secrets.token_hex(8)}"
    return _envelope(unique, source, acknowledgement.time_unix_ns or None, acknowledgement)


def status_envelope(status: Status, time_unix_ns: int | None = None) -> bytes:
    """Return a service's status as published. As a last will it carries no time: nobody knows when it will be."""
    data = {"service": status.service, "instance": status.instance, "state": status.state}
    unique = f"{status.service}/{status.instance}/{status.state}"
    return _dump(unique, f"{status.service}/{status.instance}", STATUS_TYPE, time_unix_ns, data)


def parse_envelope(payload: bytes | bytearray | str) -> Envelope:
    """Return what `payload` says, or raise EnvelopeError. Unknown fields are left out: v1 only adds."""
    if len(payload) > PAYLOAD_LIMIT:
        raise EnvelopeError(f"envelope of {len(payload)} bytes is over the limit of {PAYLOAD_LIMIT}")
    try:
        document = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise EnvelopeError(f"envelope is not JSON: {error}") from error
    if not isinstance(document, dict) or document.get("specversion") != "1.0":
        raise EnvelopeError("envelope is not CloudEvents 1.0: an object with specversion 1.0")
    for name in ("id", "source", "type"):
        if not isinstance(document.get(name), str) or not document[name]:
            raise EnvelopeError(f"envelope's {name} is {document.get(name)!r:.80}, not text")
    kind = document["type"]
    data = document.get("data")
    if not isinstance(data, dict):
        raise EnvelopeError(f"envelope {document['id']!r:.80}: data is missing or no object")
    parsed = _parse_status(data) if kind == STATUS_TYPE else _parse_message(kind, data)
    return Envelope(document["id"], document["source"], kind, _parse_time(document.get("time")), parsed)


def format_instant(unix_ns: int) -> str:
    """Return an instant as RFC 3339 in UTC, with all nine digits of its fraction."""
    whole, fraction = divmod(unix_ns, 10**9)
    moment = EPOCH + timedelta(seconds=whole)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{fraction:09d}Z"


def _envelope(unique: str, source: str, time_unix_ns: int | None, message: Message) -> bytes:
    data = MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
    return _dump(unique, source, message.DESCRIPTOR.full_name, time_unix_ns, data)


def _dump(unique: str, source: str, kind: str, time_unix_ns: int | None, data: dict[str, Any]) -> bytes:
    envelope = {"specversion": "1.0", "id": unique, "source": source, "type": kind}
    if time_unix_ns is not None:
        envelope["time"] = format_instant(time_unix_ns)
    envelope["datacontenttype"] = "application/json"
    return json.dumps({**envelope, "data": data}, ensure_ascii=False, separators=(",", ":")).encode()


def _parse_message(kind: str, data: dict[str, Any]) -> Message:
    if kind not in MESSAGE_TYPES:
        raise EnvelopeError(f"envelope's type is {kind!r:.80}, not one of {', '.join([*MESSAGE_TYPES, STATUS_TYPE])}")
    message = MESSAGE_TYPES[kind]()
    try:
        ParseDict(data, message, ignore_unknown_fields=True)
    except (ParseError, ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise EnvelopeError(f"envelope's data is no {kind}: {error}") from error
    for name in ("event_id", "track_id"):
        # An alert names its track only where there is one; the event is its key.
        value = getattr(message, name, None)
        if value is not None and not ID.fullmatch(value) and not (isinstance(message, alert_pb2.Alert) and not value):
            raise EnvelopeError(f"envelope's {name} is {value!r:.80}, not 1 to 64 of A-Z a-z 0-9 _ -")
    if isinstance(message, alert_pb2.Alert) and not (message.event_id and message.revision):
        raise EnvelopeError("envelope's alert has no event_id or no revision")
    return message


def _parse_status(data: dict[str, Any]) -> Status:
    service, instance, state = (data.get(name) for name in ("service", "instance", "state"))
    for name, value in (("service", service), ("instance", instance)):
        if not isinstance(value, str) or not ID.fullmatch(value):
            raise EnvelopeError(f"envelope's {name} is {value!r:.80}, not 1 to 64 of A-Z a-z 0-9 _ -")
    if state not in ("up", "draining", "down"):
        raise EnvelopeError(f"envelope's state is {state!r:.80}, not up, draining or down")
    return Status(service, instance, state)  # type: ignore[arg-type]


def _parse_time(value: object) -> int | None:
    if value is None:
        return None
    match = INSTANT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise EnvelopeError(f"envelope's time is {value!r:.80}, not an RFC 3339 instant")
    date, clock, fraction, offset = match.groups()
    try:
        moment = datetime.fromisoformat(f"{date}T{clock}{'+00:00' if offset in 'Zz' else offset}")
    except ValueError as error:
        raise EnvelopeError(f"envelope's time is {value!r:.80}: {error}") from error
    seconds = (moment - EPOCH) // timedelta(seconds=1)
    return seconds * 10**9 + int((fraction or "").ljust(9, "0"))
