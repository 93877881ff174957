"""docs/asyncapi.yaml as a judge of topics and payloads."""

import json
import re
from pathlib import Path
from typing import Any

import aiomqtt
import jsonschema
import yaml

DOCUMENT: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parent.parent / "docs" / "asyncapi.yaml").read_text(encoding="utf-8")
)
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]


def validator(message: str) -> jsonschema.Draft202012Validator:
    """Return what judges payloads of one message; `$ref` points into the document itself."""
    payload = DOCUMENT["components"]["messages"][message]["payload"]
    return jsonschema.Draft202012Validator({**payload, "components": DOCUMENT["components"]})


def channel_of(topic: str) -> tuple[str, dict[str, Any]]:
    """Return name and text of the one channel whose address fits the topic."""
    fitting = [
        (name, channel)
        for name, channel in DOCUMENT["channels"].items()
        if re.fullmatch(re.sub(r"\\{\w+\\}", "[A-Za-z0-9_-]{1,64}", re.escape(channel["address"])), topic)
    ]
    assert len(fitting) == 1, topic
    return fitting[0]


def binding_of(topic: str) -> dict[str, Any]:
    """Return the QoS and the retain flag with which the topic is published."""
    channel = f"#/channels/{channel_of(topic)[0]}"
    (operation,) = (item for item in DOCUMENT["operations"].values() if item["channel"]["$ref"] == channel)
    binding: dict[str, Any] = operation["bindings"]["mqtt"]
    return binding


def judge(message: aiomqtt.Message) -> tuple[str, dict[str, Any]]:
    """Return the kind of a message that came, and its content; fail where the document does not allow it."""
    topic = str(message.topic)
    (kind,) = channel_of(topic)[1]["messages"]
    assert message.qos == binding_of(topic)["qos"], topic
    content: dict[str, Any] = json.loads(bytes(message.payload))
    validator(kind).validate(content)
    return kind, content
