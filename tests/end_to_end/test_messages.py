"""What a real ground station publishes through a real broker is what docs/asyncapi.yaml says."""

import asyncio
import contextlib
import signal
import socket
from collections import defaultdict
from pathlib import Path
from typing import Any

import aiomqtt

from plumewatch.v1 import alert_pb2
from services.command_center.acknowledge import acknowledge
from services.runtime.broker import RunningBroker
from services.runtime.envelope import acknowledgement_envelope
from services.runtime.mqtt import acknowledgement_topic, new_client, subscribe
from tests.asyncapi import binding_of, judge
from tests.ground_station.station_ends import StationProcess, by_satellite, launch_and_fire, send_all

EVERYTHING = [("plumewatch/v1/#", 1)]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def hear(client: aiomqtt.Client, heard: dict[str, list[dict[str, Any]]], down: asyncio.Event) -> None:
    """Judge each message and sort it by kind."""
    async for message in client.messages:
        kind, content = judge(message)
        heard[kind].append(content)
        if kind == "Status" and content["data"]["state"] == "down":
            down.set()


async def test_everything_that_is_published_fits_the_document(broker: RunningBroker, tmp_path: Path) -> None:
    station = StationProcess(tmp_path, free_port(), broker.url)
    heard: dict[str, list[dict[str, Any]]] = defaultdict(list)
    down = asyncio.Event()
    async with new_client(broker.address) as client:
        await subscribe(client, EVERYTHING)
        hearing = asyncio.create_task(hear(client, heard, down))
        await station.start()
        try:
            streams = by_satellite(launch_and_fire())
            # Slow enough for a few rounds of track states, which go out once a second.
            await asyncio.gather(*(send_all(station.address, *item, pause_s=0.04) for item in streams.items()))
            event_id = await first_event(client_of=broker)
            alert = await acknowledge(broker.url, event_id, "Ada", "seen", asyncio.Event())
            assert [item.operator for item in alert.acknowledgements] == ["Ada"]
            # One of an event that nobody knows is refused, and harms nothing.
            unknown = alert_pb2.Acknowledgement(event_id="ev-unknown", operator="Ada")
            topic = acknowledgement_topic("ev-unknown")
            await client.publish(topic, acknowledgement_envelope(unknown, "Ada"), qos=1)
            assert await station.end(signal.SIGTERM) == 0
        finally:
            await station.end(signal.SIGKILL)
        waiting = asyncio.create_task(down.wait())
        await asyncio.wait((waiting, hearing), timeout=10, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        hearing.cancel()
        # A message that does not fit has ended the hearing with its reason.
        with contextlib.suppress(asyncio.CancelledError):
            await hearing
    assert set(heard) == {"Alert", "Track", "Status", "Acknowledgement"}
    assert [content["data"]["state"] for content in heard["Status"]][-1] == "down"
    assert {content["source"] for content in heard["Alert"]} == {"station-1"}
    for content in heard["Alert"]:
        assert content["id"] == f"{content['data']['event_id']}/{content['data']['revision']}"
        assert content["data"]["target_class"] != "TARGET_CLASS_STATIC_HEAT"
    await check_what_is_kept(broker, {content["data"]["event_id"] for content in heard["Alert"]})


async def first_event(client_of: RunningBroker) -> str:
    """Return the id of an event that the broker keeps."""
    async with new_client(client_of.address) as client, asyncio.timeout(20):
        await subscribe(client, [("plumewatch/v1/alerts/+", 1)])
        event_id: str = judge(await anext(client.messages))[1]["data"]["event_id"]
        return event_id


async def check_what_is_kept(broker: RunningBroker, event_ids: set[str]) -> None:
    """Check that the broker keeps exactly what the document calls retained."""
    kept: set[str] = set()
    async with new_client(broker.address) as late:
        await subscribe(late, EVERYTHING)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                async for message in late.messages:
                    judge(message)
                    assert message.retain
                    assert binding_of(str(message.topic))["retain"]
                    kept.add(str(message.topic))
    alerts = {f"plumewatch/v1/alerts/{event_id}" for event_id in event_ids}
    assert kept == alerts | {"plumewatch/v1/status/ground-station/station-1"}
