"""Addresses and topics; connections that come back after whatever happens to a real broker."""

import asyncio
import contextlib
import os
import signal
import socket

import aiomqtt
import pytest

from services.runtime import mqtt as mqtt_module
from services.runtime.broker import RunningBroker, running_broker
from services.runtime.envelope import Status, parse_envelope
from services.runtime.errors import PlumewatchError
from services.runtime.mqtt import (
    ALERTS,
    STATUSES,
    BrokerAddress,
    alert_topic,
    messages,
    new_client,
    parse_broker_url,
    publish_status,
    status_topic,
    status_will,
    subscribe,
)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("mqtt://127.0.0.1:1884", BrokerAddress("127.0.0.1", 1884)),
        ("mqtt://broker", BrokerAddress("broker", 1883)),
        ("mqtts://broker/", BrokerAddress("broker", 8883, tls=True)),
        ("mqtt://me:p%40ss@broker:1", BrokerAddress("broker", 1, "me", "p@ss")),
        ("mqtt://[::1]:1883", BrokerAddress("::1", 1883)),
    ],
)
def test_urls_are_read(url: str, address: BrokerAddress) -> None:
    assert parse_broker_url(url) == address


@pytest.mark.parametrize("url", ["broker:1883", "http://broker", "mqtt://", "mqtt://b/topic", "mqtt://b:99999", ""])
def test_what_is_no_url_gets_its_remedy(url: str) -> None:
    with pytest.raises(ValueError, match="write mqtt://host:1883"):
        parse_broker_url(url)


def test_passwords_are_not_shown() -> None:
    address = parse_broker_url("mqtt://me:secret@broker")
    assert "secret" not in f"{address} {address!r}"
    with pytest.raises(ValueError, match="broker") as caught:
        parse_broker_url("http://me:secret@broker")
    assert "secret" not in str(caught.value)


def test_address_as_text_is_a_url_again() -> None:
    for url in ("mqtt://127.0.0.1:1884", "mqtts://broker:8883", "mqtt://[::1]:1883"):
        assert str(parse_broker_url(url)) == url


@pytest.mark.parametrize("event_id", ["", "a/b", "+", "#", "a" * 65, "é", "a b"])
def test_what_cannot_stand_in_a_topic_is_refused(event_id: str) -> None:
    with pytest.raises(PlumewatchError, match="cannot stand in a topic"):
        alert_topic(event_id)


async def test_reader_comes_back_after_the_broker_was_killed(broker: RunningBroker) -> None:
    stop = asyncio.Event()
    subscribed: asyncio.Queue[bool] = asyncio.Queue()
    arriving = messages(broker.url, [(ALERTS, 1)], stop, on_connection=subscribed.put_nowait)
    async with contextlib.aclosing(arriving), asyncio.timeout(30):
        for payload in (b"before", b"after"):
            coming = asyncio.ensure_future(anext(arriving))
            while not await subscribed.get():
                pass
            async with new_client(broker.address) as client:
                await client.publish(alert_topic("ev-1"), payload, qos=1)
            assert (await coming).payload == payload
            os.kill(broker.pid, signal.SIGKILL)


async def test_client_waits_for_a_broker_that_comes_late() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    stop = asyncio.Event()
    arriving = messages(f"mqtt://127.0.0.1:{port}", [(ALERTS, 1)], stop)
    async with contextlib.aclosing(arriving), asyncio.timeout(30):
        first = asyncio.ensure_future(anext(arriving))
        # The first tries meet a closed port.
        await asyncio.sleep(0.3)
        async with running_broker(port=port, kind="nats-server") as broker:
            async with new_client(broker.address) as client:
                await client.publish(alert_topic("ev-1"), b"kept", qos=1, retain=True)
            assert (await first).payload == b"kept"


async def test_reader_asks_twice_for_what_is_retained_after_an_outage(
    broker: RunningBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt_module, "AGAIN_S", 0.2)
    arriving = messages(broker.url, [(ALERTS, 1)], asyncio.Event(), client_id="reader")
    async with contextlib.aclosing(arriving), new_client(broker.address) as client, asyncio.timeout(30):
        await client.publish(alert_topic("ev-1"), b"kept", qos=1, retain=True)
        assert (await anext(arriving)).payload == b"kept"
        await asyncio.sleep(0.5)
        await client.publish(alert_topic("ev-2"), b"new", qos=1)
        # Who was connected all the time has been told all at once.
        assert (await anext(arriving)).payload == b"new"
        # Another client of the same name throws it out; the broker itself, which forgets nothing then, goes on.
        with contextlib.suppress(aiomqtt.MqttError):
            async with new_client(broker.address, "reader"):
                pass
        assert [(await anext(arriving)).payload for _ in range(2)] == [b"kept", b"kept"]


async def test_stop_ends_readers_whether_connected_or_not(broker: RunningBroker) -> None:
    for url in (broker.url, "mqtt://127.0.0.1:1"):
        stop = asyncio.Event()
        connected = asyncio.Event()

        async def read(url: str, stop: asyncio.Event, connected: asyncio.Event) -> int:
            tell = lambda up: connected.set() if up else None  # noqa: E731
            return len([message async for message in messages(url, [(ALERTS, 1)], stop, on_connection=tell)])

        reading = asyncio.create_task(read(url, stop, connected))
        if url == broker.url:
            await asyncio.wait_for(connected.wait(), 10)
        stop.set()
        assert await asyncio.wait_for(reading, 5) == 0


async def test_last_will_says_down_without_a_time(broker: RunningBroker) -> None:
    async with new_client(broker.address) as watcher, asyncio.timeout(20):
        await subscribe(watcher, [(STATUSES, 1)])
        gone = new_client(broker.address, "gs-1", status_will("ground-station", "gs-1"))
        await gone.__aenter__()
        await publish_status(gone, Status("ground-station", "gs-1", "up"), 1_000)
        said = await anext(watcher.messages)
        assert parse_envelope(bytes(said.payload)).time_unix_ns == 1_000
        # The connection breaks without a word, as when the process is killed.
        connection = gone._client.socket()
        assert isinstance(connection, socket.socket)
        connection.shutdown(socket.SHUT_RDWR)
        will = await anext(watcher.messages)
        envelope = parse_envelope(bytes(will.payload))
        assert str(will.topic) == status_topic("ground-station", "gs-1")
        assert envelope.data == Status("ground-station", "gs-1", "down")
        assert envelope.time_unix_ns is None
        with contextlib.suppress(aiomqtt.MqttError):
            await gone.__aexit__(None, None, None)
