"""`plumewatch watch` and `command-center` as processes on real brokers, beside clients that are not ours."""

import asyncio
import contextlib
import json
import os
import pty
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiomqtt
import pytest

from plumewatch.v1 import alert_pb2, track_pb2
from services.command_center.acknowledge import acknowledge
from services.command_center.archive import read_archive
from services.command_center.subscriber import TOPICS
from services.runtime.broker import RunningBroker, running_broker
from services.runtime.envelope import Status, alert_envelope, parse_envelope, track_envelope
from services.runtime.errors import PeerUnavailableError, PlumewatchError
from services.runtime.mqtt import (
    ACKNOWLEDGEMENTS,
    STATUSES,
    alert_topic,
    messages,
    new_client,
    publish_status,
    status_will,
    subscribe,
    track_topic,
)

NS = 1_772_000_000_000_000_000
NOBODY = "mqtt://127.0.0.1:1"


def an_alert(event_id: str = "ev-1", revision: int = 1) -> alert_pb2.Alert:
    alert = alert_pb2.Alert(event_id=event_id, revision=revision, issuer="gs-1", exercise=True, time_unix_ns=NS)
    alert.state, alert.target_class = alert_pb2.ALERT_STATE_CONFIRMED, track_pb2.TARGET_CLASS_BALLISTIC
    alert.latency.published_s = 0.1
    return alert


async def publish(client: aiomqtt.Client, *alerts: alert_pb2.Alert) -> None:
    for alert in alerts:
        await client.publish(alert_topic(alert.event_id), alert_envelope(alert), qos=1, retain=True)


class Verb:
    """A `plumewatch` process with its output read as it comes."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def line(self) -> str:
        assert self.process.stdout is not None
        return (await asyncio.wait_for(self.process.stdout.readline(), 20)).decode().rstrip("\n")

    async def log_line(self, containing: str) -> str:
        """Return the next line on stderr that has these words."""
        assert self.process.stderr is not None
        async with asyncio.timeout(20):
            while containing not in (line := (await self.process.stderr.readline()).decode()):
                assert line, f"stderr ended without {containing!r}"
        return line

    async def end(self, number: int | None = None) -> int:
        if number is not None:
            self.process.send_signal(number)
        return await asyncio.wait_for(self.process.wait(), 20)


@contextlib.asynccontextmanager
async def verb(*arguments: str) -> AsyncIterator[Verb]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.cli", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield Verb(process)
    finally:
        if process.returncode is None:
            process.kill()
        # Reads what is left, so that the pipes close.
        await process.communicate()


async def test_json_is_an_envelope_a_line_and_begins_with_what_was_missed(broker: RunningBroker) -> None:
    async with new_client(broker.address) as client:
        await publish(client, an_alert(revision=3))
        async with verb("watch", "--broker", broker.url, "--json") as watching:
            assert parse_envelope(await watching.line()).data == an_alert(revision=3)
            # An old revision, rubbish and another event's alert are no news.
            await publish(client, an_alert(revision=2))
            for payload in (b"rubbish", b"\xff", alert_envelope(an_alert("ev-2")), b"{" * 10_000):
                await client.publish(alert_topic("ev-3"), payload, qos=1)
            await publish(client, an_alert(revision=4))
            assert parse_envelope(await watching.line()).id == "ev-1/4"
            assert await watching.end(signal.SIGINT) == 130


async def test_tracks_come_when_asked_for(broker: RunningBroker) -> None:
    async with new_client(broker.address) as client:
        await publish(client, an_alert())
        async with verb("watch", "--broker", broker.url, "--json", "--tracks") as watching:
            await watching.line()
            track = track_pb2.Track(track_id="tr-1", time_unix_ns=NS)
            await client.publish(track_topic("tr-1"), track_envelope(track, "gs-1"))
            assert json.loads(await watching.line())["type"] == "plumewatch.v1.Track"


async def test_watch_goes_on_after_the_broker_was_killed(broker: RunningBroker) -> None:
    async with verb("watch", "--broker", broker.url) as watching:
        async with new_client(broker.address) as client:
            await publish(client, an_alert())
        assert "ballistic" in await watching.line()
        os.kill(broker.pid, signal.SIGKILL)
        await watching.log_line("connection lost")
        stop = asyncio.Event()
        # A client of the broker that came after it; the same revisions may come again, and are no news.
        async for _ in messages(broker.url, [(STATUSES, 1)], stop, on_connection=lambda up: stop.set() if up else None):
            pass
        async with new_client(broker.address) as client:
            await publish(client, an_alert(), an_alert(revision=2))
        assert "revision 2" in await watching.line()
        assert await watching.end(signal.SIGTERM) == 0


async def test_watch_waits_for_a_broker_and_says_so() -> None:
    async with verb("watch", "--broker", NOBODY) as watching:
        assert "127.0.0.1:1" in await watching.log_line("broker does not answer")
        assert await watching.end(signal.SIGINT) == 130


async def test_reader_that_has_had_enough_is_no_error(broker: RunningBroker) -> None:
    async with new_client(broker.address) as client:
        await publish(client, *(an_alert(f"ev-{k}") for k in range(50)))
    command = (
        f"{sys.executable} -m services.cli watch --json --broker {broker.url} | head -n 1; exit ${{PIPESTATUS[0]}}"
    )
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await asyncio.wait_for(process.communicate(), 30)
    assert (process.returncode, len(out.splitlines()), err) == (0, 1, b"")


async def test_table_is_drawn_on_a_terminal(broker: RunningBroker) -> None:
    async with new_client(broker.address) as client:
        await publish(client, an_alert("ev-shown"))
        await publish_status(client, Status("ground-station", "gs-1", "up"), NS)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "services.cli", "watch", "--broker", broker.url, "--for", "2"]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=theirs, stderr=theirs, env={**os.environ, "COLUMNS": "160", "TERM": "xterm-256color"}
    )
    os.close(theirs)
    shown = bytearray()
    with contextlib.suppress(OSError):
        # Linux ends a terminal that nobody holds any more with EIO.
        while part := await asyncio.to_thread(os.read, ours, 65_536):
            shown += part
    os.close(ours)
    assert await process.wait() == 0
    text = shown.decode()
    for word in ("EXERCISE", "connected", "ground-station/gs-1", "CONFIRMED", "ballistic", "ev-shown", "0.10 s"):
        assert word in text


@pytest.mark.parametrize(
    ("option", "value", "remedy"),
    [("--broker", "localhost", "write mqtt://host:1883"), ("--log-level", "loud", "not one of debug")],
)
async def test_wrong_usage_exits_with_2(option: str, value: str, remedy: str) -> None:
    async with verb("watch", option, value) as watching:
        out, err = await watching.process.communicate()
        assert watching.process.returncode == 2
        assert remedy in " ".join((out + err).decode().replace("│", " ").split())


async def test_archive_survives_kills_and_holds_each_revision_once(broker: RunningBroker, tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    arguments = ("command-center", "--broker", broker.url, "--archive", str(path))
    async with new_client(broker.address) as client:
        for run in range(3):
            async with verb(*arguments) as center:
                await publish(client, an_alert(revision=run + 1))
                await center.log_line(f"revision {run + 1}")
                assert await center.end(signal.SIGKILL) == -signal.SIGKILL
    assert [alert.revision for alert in read_archive(path)] == [1, 2, 3]


async def next_state(client: aiomqtt.Client, context: str, timeout_s: float = 20.0) -> Status:
    """Return the next status that comes; fail with `context` and what the broker keeps where none does."""
    try:
        async with asyncio.timeout(timeout_s):
            data = parse_envelope(bytes((await anext(client.messages)).payload)).data
    except TimeoutError:
        pytest.fail(f"{context}: no status within {timeout_s:g} s")
    assert isinstance(data, Status)
    return data


async def test_center_says_up_and_down_and_the_broker_says_it_of_a_dead_one(broker: RunningBroker) -> None:
    async with new_client(broker.address) as client:
        await subscribe(client, [(STATUSES, 1)])
        for number in (signal.SIGTERM, signal.SIGKILL):
            async with verb("command-center", "--broker", broker.url, "--instance", "c-7") as center:
                assert await next_state(client, f"before {number.name}") == Status("command-center", "c-7", "up")
                code = await center.end(number)
                context = f"after {number.name}, which ended it with {code}"
                assert await next_state(client, context) == Status("command-center", "c-7", "down")
                assert code == (0 if number is signal.SIGTERM else -number)


@pytest.mark.parametrize("lives", [400, pytest.param(4_000, marks=pytest.mark.soak)])
async def test_last_will_of_a_client_that_listens_as_a_center_does_is_never_lost(
    broker: RunningBroker, lives: int
) -> None:
    will = status_will("command-center", "c-7")
    async with new_client(broker.address) as client:
        await subscribe(client, [(STATUSES, 1)])
        # nats-server loses one in some 500 where the dying one listens to statuses at QoS 1.
        for life in range(lives):
            dying = new_client(broker.address, "command-center-c-7", will)
            await dying.__aenter__()
            await subscribe(dying, TOPICS)
            await publish_status(dying, Status("command-center", "c-7", "up"))
            assert (await next_state(client, f"life {life}")).state == "up"
            await fall_silent(dying)
            assert (await next_state(client, f"death {life}")).state == "down"


async def fall_silent(client: aiomqtt.Client) -> None:
    """Close the connection without DISCONNECT, as the kernel does for a process that was killed."""
    connection = client._client.socket()
    assert isinstance(connection, socket.socket)
    connection.shutdown(socket.SHUT_RDWR)
    with contextlib.suppress(aiomqtt.MqttError):
        while True:
            # Met by the library, which then lets go of the socket.
            await anext(client.messages)
    await client.__aexit__(None, None, None)


async def test_taken_metrics_port_is_a_clear_error(broker: RunningBroker) -> None:
    server = await asyncio.start_server(lambda *_: None, "0.0.0.0", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, verb("command-center", "--broker", broker.url, "--metrics-port", str(port)) as center:
        _, err = await center.process.communicate()
        assert center.process.returncode == 1
        assert f"the metrics server cannot listen on 0.0.0.0:{port}: the port is taken" in err.decode()


async def answer_acknowledgements(client: aiomqtt.Client, alert: alert_pb2.Alert) -> None:
    """Do what a ground station does with an acknowledgement: put it into the next revision."""
    async for message in client.messages:
        acknowledgement = parse_envelope(bytes(message.payload)).data
        assert isinstance(acknowledgement, alert_pb2.Acknowledgement)
        assert str(message.topic) == f"plumewatch/v1/acks/{alert.event_id}"
        alert.revision += 1
        alert.acknowledgements.append(acknowledgement)
        await publish(client, alert)


async def test_acknowledgement_is_confirmed_by_the_next_revision(broker: RunningBroker) -> None:
    async with new_client(broker.address) as station:
        await subscribe(station, [(ACKNOWLEDGEMENTS, 1)])
        await publish(station, an_alert(revision=5))
        answering = asyncio.create_task(answer_acknowledgements(station, an_alert(revision=5)))
        arguments = ("--acknowledge", "ev-1", "--operator", "Ada", "--note", "seen")
        async with verb("watch", "--broker", broker.url, *arguments) as acknowledging:
            assert "revision 6" in await acknowledging.line()
            assert await acknowledging.end() == 0
        answering.cancel()


async def test_acknowledgement_that_cannot_be_confirmed_is_an_error(
    broker: RunningBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Time enough for a busy machine to connect and hear what is kept.
    monkeypatch.setattr("services.command_center.acknowledge.RETAINED_S", 3.0)
    monkeypatch.setattr("services.command_center.acknowledge.CONFIRMATION_S", 0.5)
    stop = asyncio.Event()
    async with new_client(broker.address) as client:
        await publish(client, an_alert())
    with pytest.raises(PlumewatchError, match="keeps no event ev-9; it has: ev-1"):
        await acknowledge(broker.url, "ev-9", "Ada", "", stop)
    with pytest.raises(PlumewatchError, match="no ground station confirmed it"):
        await acknowledge(broker.url, "ev-1", "Ada", "", stop)
    monkeypatch.setattr("services.command_center.acknowledge.RETAINED_S", 0.5)
    with pytest.raises(PeerUnavailableError, match="name another with --broker"):
        await acknowledge(NOBODY, "ev-1", "Ada", "", stop)
    with pytest.raises(ValueError, match="operator"):
        await acknowledge(broker.url, "ev-1", "", "", stop)


async def test_mosquitto_sub_and_pub_work_with_our_topics(broker: RunningBroker) -> None:
    if shutil.which("mosquitto_sub") is None:
        pytest.skip("mosquitto_sub is not installed")
    async with new_client(broker.address) as client:
        await publish(client, an_alert())
    port = str(broker.address.port)
    command = ["mosquitto_sub", "-p", port, "-q", "1", "-t", "plumewatch/v1/alerts/+", "-C", "1", "-W", "10"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    out, _ = await asyncio.wait_for(process.communicate(), 20)
    assert json.loads(out)["data"]["state"] == "ALERT_STATE_CONFIRMED"
    async with verb("watch", "--broker", broker.url, "--json") as watching:
        await watching.line()
        payload = alert_envelope(an_alert(revision=2)).decode()
        command = ["mosquitto_pub", "-p", port, "-q", "1", "-t", alert_topic("ev-1"), "-m", payload]
        process = await asyncio.create_subprocess_exec(*command)
        assert await process.wait() == 0
        assert json.loads(await watching.line())["id"] == "ev-1/2"


async def test_missing_broker_is_found_when_it_comes(tmp_path: Path) -> None:
    async with running_broker(port=0, kind="nats-server") as first:
        port, url = first.address.port, first.url
    path = tmp_path / "alerts.jsonl"
    async with verb("command-center", "--broker", url, "--archive", str(path)) as center:
        await center.log_line("broker does not answer")
        async with running_broker(port=port, kind="nats-server") as broker, new_client(broker.address) as client:
            await publish(client, an_alert())
            await center.log_line("revision 1")
            assert await center.end(signal.SIGTERM) == 0
    assert len(read_archive(path)) == 1


def test_watch_for_a_while_without_a_broker_fails_with_the_remedy() -> None:
    command = [sys.executable, "-m", "services.cli", "watch", "--broker", "mqtt://127.0.0.1:1", "--for", "1"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 1
    assert "mqtt://127.0.0.1:1 does not answer; start it" in ended.stderr
