"""docs/asyncapi.yaml says what is published: its schemas against the messages, its channels against a real broker."""

import asyncio
import json
import re
from typing import Any, TypeVar

import pytest
import yaml
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

from plumewatch.v1 import alert_pb2, track_pb2
from services.runtime.broker import RunningBroker
from services.runtime.envelope import Status, acknowledgement_envelope, alert_envelope, track_envelope
from services.runtime.mqtt import (
    acknowledgement_topic,
    alert_topic,
    new_client,
    publish_status,
    subscribe,
    track_topic,
)
from tests.asyncapi import DOCUMENT, SCHEMAS, binding_of, judge, validator

M = TypeVar("M", bound=Message)
MESSAGES = (alert_pb2.Alert, alert_pb2.Acknowledgement, track_pb2.Track)


def filled(message: M) -> M:
    """Return `message` with every field set to something that is not its default."""
    for field in message.DESCRIPTOR.fields:
        values: dict[int, Any] = {
            FieldDescriptor.CPPTYPE_STRING: "text-1",
            FieldDescriptor.CPPTYPE_BOOL: True,
            FieldDescriptor.CPPTYPE_DOUBLE: 1.5,
            FieldDescriptor.CPPTYPE_ENUM: 1,
        }
        if field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE:
            place = getattr(message, field.name)
            filled(place.add() if field.is_repeated else place)
        else:
            value = values.get(field.cpp_type, 2**53 + 1 if "64" in str(field.cpp_type) else 7)
            if field.is_repeated:
                getattr(message, field.name).append(value)
            else:
                setattr(message, field.name, value)
    return message


def descriptors(found: dict[str, Descriptor | EnumDescriptor], kind: Any) -> None:
    found[kind.name] = kind
    for field in kind.fields:
        if field.enum_type is not None:
            found[field.enum_type.name] = field.enum_type
        if field.message_type is not None and field.message_type.name not in found:
            descriptors(found, field.message_type)


def every_type() -> dict[str, Descriptor | EnumDescriptor]:
    found: dict[str, Descriptor | EnumDescriptor] = {}
    for message in MESSAGES:
        descriptors(found, message.DESCRIPTOR)
    return found


@pytest.mark.parametrize(("name", "kind"), every_type().items())
def test_schema_has_exactly_the_fields_of_the_message(name: str, kind: Descriptor | EnumDescriptor) -> None:
    if isinstance(kind, EnumDescriptor):
        assert SCHEMAS[name]["enum"] == [value.name for value in kind.values if value.number]
        return
    assert list(SCHEMAS[name]["properties"]) == [field.name for field in kind.fields]
    assert SCHEMAS[name]["additionalProperties"] is False
    always = {field.name for field in kind.fields if field.is_repeated or not field.has_presence}
    # A published alert always says where its time went.
    assert set(SCHEMAS[name].get("required", ())) - ({"latency"} if name == "Alert" else set()) == always
    assert all("description" in schema for schema in SCHEMAS[name]["properties"].values())


def test_no_schema_is_left_over() -> None:
    assert set(SCHEMAS) == {*every_type(), "Envelope", "Status", "Id", "Double", "Uint64"}


def test_references_lead_somewhere() -> None:
    for reference in re.findall(r"'#/([^']+)'", yaml.safe_dump(DOCUMENT)):
        place: Any = DOCUMENT
        for part in reference.split("/"):
            place = place[part]


def publications() -> list[tuple[str, str, bytes, bool, int]]:
    """Return what the chain's own code publishes, of each kind full and bare: message, topic, payload, retain, QoS."""
    bare_alert = alert_pb2.Alert(event_id="bare", revision=1, issuer="gs-1", exercise=True)
    bare_alert.state, bare_alert.target_class = alert_pb2.ALERT_STATE_DETECTED, track_pb2.TARGET_CLASS_UNKNOWN
    bare_alert.latency.SetInParent()
    bare_track = track_pb2.Track(track_id="bare", state=track_pb2.TRACK_STATE_TENTATIVE)
    bare_track.target_class = track_pb2.TARGET_CLASS_UNKNOWN
    bare_ack = alert_pb2.Acknowledgement(event_id="bare", operator="me")
    alerts, tracks = (filled(alert_pb2.Alert()), bare_alert), (filled(track_pb2.Track()), bare_track)
    acks = (filled(alert_pb2.Acknowledgement()), bare_ack)
    return [
        *(("Alert", alert_topic(m.event_id), alert_envelope(m), True, 1) for m in alerts),
        *(("Track", track_topic(m.track_id), track_envelope(m, "gs-1"), False, 0) for m in tracks),
        *(
            ("Acknowledgement", acknowledgement_topic(m.event_id), acknowledgement_envelope(m, "me"), False, 1)
            for m in acks
        ),
    ]


async def test_what_goes_over_a_real_broker_is_what_the_document_says(broker: RunningBroker) -> None:
    told = publications()
    async with new_client(broker.address) as client:
        for _, topic, payload, retain, qos in told:
            await client.publish(topic, payload, qos=qos, retain=retain)
        await publish_status(client, Status("ground-station", "gs-1", "up"), 1_772_000_000_000_000_000)
        await publish_status(client, Status("relay", "relay-1", "down"))
        async with new_client(broker.address) as late, asyncio.timeout(20):
            await subscribe(late, [("plumewatch/v1/#", 1)])
            # What is retained comes now, the rest when it is said again.
            kept = {str(m.topic): m for m in [await anext(late.messages) for _ in range(4)]}
            for kind, topic, payload, retain, qos in told:
                if not retain:
                    await client.publish(topic, payload, qos=qos)
                    kept[topic] = await anext(late.messages)
                assert kept[topic].payload == payload, kind
    assert len(kept) == 2 + 2 + 2 + 2
    for topic, message in kept.items():
        judge(message)
        assert message.retain == binding_of(topic)["retain"], topic


def test_schema_refuses_what_the_contract_does_not_allow() -> None:
    payload = json.loads(publications()[0][2])
    alerts = validator("Alert")
    alerts.validate(payload)
    for path, value in (
        (("data", "revision"), 3),
        (("data", "event_id"), "a/b"),
        (("data", "exercise"), False),
        (("data", "state"), "ALERT_STATE_UNSPECIFIED"),
        (("data", "unknown_field"), 1),
        (("type",), "plumewatch.v1.Track"),
    ):
        wrong = json.loads(json.dumps(payload))
        place = wrong
        for part in path[:-1]:
            place = place[part]
        place[path[-1]] = value
        assert not alerts.is_valid(wrong), path
