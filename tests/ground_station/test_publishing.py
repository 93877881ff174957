"""Alerts at a real broker: retained, said again, cleared, acknowledged; whatever the broker does meanwhile."""

import asyncio
import contextlib
import os
import signal
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiomqtt
import pytest

from plumewatch.v1 import alert_pb2, ground_station_pb2, track_pb2
from services.ground_station.server import ARCHIVE_FILE
from services.runtime.broker import Kind, RunningBroker, find_mosquitto, running_broker
from services.runtime.envelope import Envelope, Status, acknowledgement_envelope, parse_envelope
from services.runtime.mqtt import ALERTS, STATUSES, TRACKS, acknowledgement_topic, alert_topic, messages, new_client
from tests.ground_station.station_ends import by_satellite, launch_and_fire, running_station, send_all

KINDS = [
    "nats-server",
    pytest.param("mosquitto", marks=pytest.mark.skipif(find_mosquitto() is None, reason="mosquitto is not installed")),
]


class Subscriber:
    """Everything that came on some topics, and a wait for what is to come."""

    def __init__(self) -> None:
        self.payloads: list[tuple[str, bytes]] = []
        self._changed = asyncio.Condition()

    @property
    def envelopes(self) -> list[Envelope]:
        return [parse_envelope(payload) for _, payload in self.payloads if payload]

    @property
    def alerts(self) -> list[alert_pb2.Alert]:
        return [e.data for e in self.envelopes if isinstance(e.data, alert_pb2.Alert)]

    @property
    def states(self) -> list[str]:
        return [e.data.state for e in self.envelopes if isinstance(e.data, Status)]

    async def take(self, message: aiomqtt.Message) -> None:
        async with self._changed:
            self.payloads.append((str(message.topic), bytes(message.payload)))
            self._changed.notify_all()

    async def until(self, reached: Callable[["Subscriber"], bool]) -> None:
        async with self._changed, asyncio.timeout(30):
            await self._changed.wait_for(lambda: reached(self))


@contextlib.asynccontextmanager
async def subscribed(broker: RunningBroker, *topics: str) -> AsyncIterator[Subscriber]:
    subscriber, stop, ready = Subscriber(), asyncio.Event(), asyncio.Event()

    async def read() -> None:
        wanted = [(topic, 1) for topic in topics]
        arriving = messages(broker.url, wanted, stop, on_connection=lambda there: ready.set() if there else None)
        async with contextlib.aclosing(arriving):
            async for message in arriving:
                await subscriber.take(message)

    reading = asyncio.create_task(read())
    try:
        await asyncio.wait_for(ready.wait(), 20)
        yield subscriber
    finally:
        stop.set()
        await reading


async def send_launch(address: str, duration_s: float = 40.0) -> None:
    streams = by_satellite(launch_and_fire(duration_s))
    losses = await asyncio.gather(*(send_all(address, name, data) for name, data in streams.items()))
    assert not any(losses)


def newest_is_confirmed(subscriber: Subscriber) -> bool:
    return any(alert.state == alert_pb2.ALERT_STATE_CONFIRMED for alert in subscriber.alerts)


@pytest.mark.parametrize("kind", KINDS)
async def test_alert_is_published_retained_in_its_envelope(tmp_path: Path, kind: Kind) -> None:
    async with (
        running_broker(None, 0, tmp_path / "broker", kind=kind) as broker,
        running_station(tmp_path / "station", broker.url) as station,
    ):
        async with subscribed(broker, ALERTS, TRACKS, STATUSES) as subscriber:
            await send_launch(f"127.0.0.1:{station.port}")
            await subscriber.until(newest_is_confirmed)
            await subscriber.until(lambda s: any(isinstance(e.data, track_pb2.Track) for e in s.envelopes))
            for topic, payload in subscriber.payloads:
                envelope = parse_envelope(payload)
                if isinstance(envelope.data, alert_pb2.Alert):
                    alert = envelope.data
                    assert topic == alert_topic(alert.event_id)
                    assert envelope.id == f"{alert.event_id}/{alert.revision}"
                    assert envelope.source == "station-1"
                    assert alert.latency.published_s >= alert.latency.tracked_s >= alert.latency.detected_s >= 0
        confirmed = next(a for a in subscriber.alerts if a.state == alert_pb2.ALERT_STATE_CONFIRMED)
        # A client that comes later gets the newest revision.
        async with subscribed(broker, ALERTS) as late:
            await late.until(lambda s: confirmed.event_id in [alert.event_id for alert in s.alerts])
        # The archive says what was published.
        request = ground_station_pb2.GetEventRequest(event_id=confirmed.event_id)
        revisions = (await station.stub.GetEvent(request)).revisions
        assert confirmed.latency.published_s in [revision.latency.published_s for revision in revisions]


async def test_station_says_up_draining_down(tmp_path: Path) -> None:
    async with running_broker(None, 0, tmp_path / "broker") as broker, subscribed(broker, STATUSES) as subscriber:
        async with running_station(tmp_path / "station", broker.url):
            await subscriber.until(lambda s: s.states == ["up"])
        await subscriber.until(lambda s: s.states == ["up", "draining", "down"])
        assert subscriber.payloads[0][0] == "plumewatch/v1/status/ground-station/station-1"


async def test_acknowledgement_over_mqtt_comes_back_in_the_alert(tmp_path: Path) -> None:
    async with (
        running_broker(None, 0, tmp_path / "broker") as broker,
        running_station(tmp_path / "station", broker.url) as station,
        subscribed(broker, ALERTS) as subscriber,
        new_client(broker.address) as client,
    ):
        await send_launch(f"127.0.0.1:{station.port}")
        await subscriber.until(newest_is_confirmed)
        event_id = subscriber.alerts[-1].event_id
        topic = acknowledgement_topic(event_id)
        for payload in (
            b"rubbish",
            b"{}",
            acknowledgement_envelope(alert_pb2.Acknowledgement(event_id="other", operator="x"), "x"),
            acknowledgement_envelope(alert_pb2.Acknowledgement(event_id=event_id), "x"),
        ):
            await client.publish(topic, payload, qos=1)
        good = alert_pb2.Acknowledgement(event_id=event_id, operator="watch officer")
        await client.publish(topic, acknowledgement_envelope(good, "test"), qos=1)
        await subscriber.until(lambda s: bool(s.alerts[-1].acknowledgements))
        (taken,) = subscriber.alerts[-1].acknowledgements
        assert taken.operator == "watch officer"
        assert taken.time_unix_ns


async def test_station_starts_without_a_broker_and_publishes_once_it_comes(tmp_path: Path) -> None:
    async with running_broker(None, 0, tmp_path / "broker") as broker:
        address = broker.address
    url = str(address)
    async with running_station(tmp_path / "station", url) as station:
        await send_launch(f"127.0.0.1:{station.port}")
        status = await station.stub.GetStatus(ground_station_pb2.GetStatusRequest())
        assert not status.broker_connected
        assert status.alerts_waiting >= 1
        async with (
            running_broker(None, address.port, tmp_path / "broker") as back,
            subscribed(back, ALERTS) as subscriber,
        ):
            await subscriber.until(newest_is_confirmed)


@pytest.mark.parametrize("kind", KINDS)
async def test_killed_broker_is_told_again_what_it_forgot(tmp_path: Path, kind: Kind) -> None:
    async with (
        running_broker(None, 0, None, kind=kind) as broker,
        running_station(tmp_path / "station", broker.url) as station,
    ):
        await send_launch(f"127.0.0.1:{station.port}")
        async with subscribed(broker, ALERTS) as before:
            await before.until(newest_is_confirmed)
        wanted = {alert.event_id: alert.revision for alert in before.alerts}
        os.kill(broker.pid, signal.SIGKILL)
        async with subscribed(broker, ALERTS) as after:
            await after.until(lambda s: {a.event_id: a.revision for a in s.alerts}.keys() >= wanted.keys())
        assert all(alert.revision >= wanted[alert.event_id] for alert in after.alerts)


async def test_alerts_of_long_closed_events_are_cleared(tmp_path: Path) -> None:
    async with running_broker(None, 0, tmp_path / "broker") as broker:
        async with running_station(tmp_path / "station", broker.url) as station:
            await send_launch(f"127.0.0.1:{station.port}")
            async with subscribed(broker, ALERTS) as subscriber:
                await subscriber.until(newest_is_confirmed)
        with sqlite3.connect(tmp_path / "station" / ARCHIVE_FILE) as archive:
            two_days_ago = time.time_ns() - 2 * 86_400 * 10**9
            archive.execute(
                "UPDATE events SET state = ?, changed_wall_unix_ns = ?", (alert_pb2.ALERT_STATE_ENDED, two_days_ago)
            )
            events = [event_id for (event_id,) in archive.execute("SELECT event_id FROM events")]
        archive.close()
        async with subscribed(broker, ALERTS) as subscriber:
            await subscriber.until(lambda s: len(s.payloads) == len(events))
            async with running_station(tmp_path / "station", broker.url):
                await subscriber.until(lambda s: sum(not payload for _, payload in s.payloads) == len(events))
        async with subscribed(broker, ALERTS) as late:
            pass
        assert late.payloads == []
