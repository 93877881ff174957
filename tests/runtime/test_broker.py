"""Real brokers: chosen, started, killed, restarted, and asked for as much as the chain may ask."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from pathlib import Path

import aiomqtt
import psutil
import pytest

from services.runtime import broker as broker_module
from services.runtime.broker import Kind, RunningBroker, choose_broker, running_broker
from services.runtime.errors import PeerUnavailableError, PlumewatchError, PortTakenError
from services.runtime.mqtt import ALERTS, alert_topic, messages, new_client, subscribe

SUBSCRIPTIONS = 1_000
# So many that nats-server lets clients in before it has loaded them.
RETAINED = 2_000


async def received(client: aiomqtt.Client, count: int) -> list[aiomqtt.Message]:
    found: list[aiomqtt.Message] = []
    async with asyncio.timeout(30):
        async for message in client.messages:
            found.append(message)
            if len(found) == count:
                break
    return found


def test_given_broker_comes_before_installed_ones() -> None:
    assert choose_broker("mqtt://example.org").kind == "given"


def test_nats_server_of_this_environment_serves_where_mosquitto_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker_module, "find_mosquitto", lambda: None)
    choice = choose_broker(None)
    assert choice.kind == "nats-server"
    assert choice.program is not None


def test_no_broker_at_all_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker_module, "find_mosquitto", lambda: None)
    monkeypatch.setattr(broker_module, "find_nats_server", lambda: None)
    with pytest.raises(PlumewatchError, match="name a running broker with --broker"):
        choose_broker(None)


async def test_given_broker_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker_module, "GIVEN_S", 0.2)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(PeerUnavailableError, match=f"mqtt://127.0.0.1:{port} does not answer; start it"):
        async with running_broker(f"mqtt://127.0.0.1:{port}"):
            pass


async def test_given_broker_is_used_and_left_alone(broker: RunningBroker) -> None:
    async with running_broker(broker.url) as same:
        assert (same.kind, same.address, same.pid) == ("given", broker.address, 0)
    assert psutil.pid_exists(broker.pid)


async def test_taken_port_is_named(broker: RunningBroker) -> None:
    with pytest.raises(PortTakenError, match=f"the MQTT broker cannot listen on 127.0.0.1:{broker.address.port}"):
        async with running_broker(port=broker.address.port):
            pass


async def test_broker_that_cannot_start_says_why(broker_kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("mosquitto_configuration", "nats_configuration"):
        monkeypatch.setattr(broker_module, name, lambda *_: "no_such_setting_exists { true\n")
    with pytest.raises(PlumewatchError, match=f"{broker_kind} ended as it started: .+"):
        async with running_broker(port=0, kind=broker_kind):
            pass


async def test_any_folder_will_do(broker_kind: Kind, tmp_path: Path) -> None:
    async with running_broker(port=0, kind=broker_kind, state_dir=tmp_path / 'a "quoted" folder') as running:
        assert psutil.pid_exists(running.pid)


async def test_leaving_ends_the_process(broker_kind: Kind) -> None:
    async with running_broker(port=0, kind=broker_kind) as running:
        assert psutil.pid_exists(running.pid)
    assert not psutil.pid_exists(running.pid)


async def test_retained_messages_outlive_an_orderly_restart(broker_kind: Kind, tmp_path: Path) -> None:
    async with (
        running_broker(port=0, kind=broker_kind, state_dir=tmp_path) as running,
        new_client(running.address) as client,
    ):
        await client.publish(alert_topic("ev-1"), b"kept", qos=1, retain=True)
    async with (
        running_broker(port=0, kind=broker_kind, state_dir=tmp_path) as running,
        new_client(running.address) as client,
    ):
        await subscribe(client, [("plumewatch/v1/alerts/+", 1)])
        (message,) = await received(client, 1)
        assert (message.payload, message.retain) == (b"kept", True)


async def test_first_client_of_a_restarted_broker_gets_all_that_is_retained(broker_kind: Kind, tmp_path: Path) -> None:
    topics = {alert_topic(f"ev-{k}") for k in range(RETAINED)}
    async with (
        running_broker(port=0, kind=broker_kind, state_dir=tmp_path) as running,
        new_client(running.address) as client,
    ):
        for topic in topics:
            await client.publish(topic, b"kept" * 200, qos=1, retain=True)
    for _ in range(5):
        async with (
            running_broker(port=0, kind=broker_kind, state_dir=tmp_path) as running,
            new_client(running.address) as client,
        ):
            await subscribe(client, [(ALERTS, 0)])
            assert {str(message.topic) for message in await received(client, RETAINED)} == topics


async def test_nats_server_that_does_not_load_what_it_retains_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def never(*_: object) -> None:
        """Ask for nothing: what it retains never comes."""

    monkeypatch.setattr(broker_module, "START_S", 3.0)
    monkeypatch.setattr(broker_module, "subscribe", never)
    with pytest.raises(PlumewatchError, match=f"did not load what it retains within 3 s .+ move {tmp_path} away"):
        async with running_broker(port=0, kind="nats-server", state_dir=tmp_path):
            pass


async def test_killed_broker_is_started_again_with_what_it_kept(broker_kind: Kind) -> None:
    async with running_broker(port=0, kind=broker_kind) as running:
        first = running.pid
        async with new_client(running.address) as client:
            for k in range(20):
                await client.publish(alert_topic(f"ev-{k}"), b"kept", qos=1, retain=True)
        # mosquitto writes its state once a second.
        await asyncio.sleep(1.5)
        os.kill(first, signal.SIGKILL)
        kept: set[str] = set()
        arriving = messages(running.url, [(ALERTS, 1)], asyncio.Event())
        async with contextlib.aclosing(arriving), asyncio.timeout(30):
            while len(kept) < 20:
                kept.add(str((await anext(arriving)).topic))
        assert (running.pid != first, running.restarts) == (True, 1)


async def test_broker_dies_with_a_killed_parent(broker_kind: Kind, tmp_path: Path) -> None:
    program = f"""
import asyncio
from pathlib import Path
from services.runtime.broker import running_broker
from services.runtime.logs import configure_logs
async def main():
    async with running_broker(port=0, kind={broker_kind!r}, state_dir=Path({str(tmp_path)!r})) as running:
        print(running.pid, flush=True)
        await asyncio.sleep(60)
configure_logs("test", "error")
asyncio.run(main())
"""
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
    assert parent.stdout is not None
    child = psutil.Process(int(await parent.stdout.readline()))
    parent.kill()
    await parent.wait()
    await asyncio.to_thread(child.wait, 15)


async def test_a_thousand_qos1_subscriptions_of_one_client_are_served(broker: RunningBroker) -> None:
    async with new_client(broker.address) as client, new_client(broker.address) as publisher:
        topics = [(alert_topic(f"ev-{k}"), 1) for k in range(SUBSCRIPTIONS)]
        for start in range(0, SUBSCRIPTIONS, 100):
            await subscribe(client, topics[start : start + 100])
        for k in (0, SUBSCRIPTIONS // 2, SUBSCRIPTIONS - 1):
            await publisher.publish(alert_topic(f"ev-{k}"), str(k), qos=1)
        assert {message.payload for message in await received(client, 3)} == {b"0", b"500", b"999"}


@pytest.mark.parametrize("subscribers", [200, pytest.param(1_000, marks=pytest.mark.soak)])
async def test_many_subscribers_of_one_topic_are_served(broker: RunningBroker, subscribers: int) -> None:
    async with contextlib.AsyncExitStack() as stack:
        clients = []
        for _ in range(subscribers):
            client = await stack.enter_async_context(new_client(broker.address))
            await subscribe(client, [("plumewatch/v1/alerts/+", 1)])
            clients.append(client)
        publisher = await stack.enter_async_context(new_client(broker.address))
        await publisher.publish(alert_topic("ev-1"), b"launch", qos=1, retain=True)
        found = await asyncio.gather(*(received(client, 1) for client in clients))
        assert all(messages[0].payload == b"launch" for messages in found)
