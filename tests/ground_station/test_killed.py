"""The ground station killed at random instants, as a process, with a real broker: no alert lost, none doubled."""

import asyncio
import os
import random
import signal
import socket
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from plumewatch.v1 import alert_pb2, ground_station_pb2, ground_station_pb2_grpc
from services.runtime.broker import RunningBroker, running_broker
from services.runtime.envelope import parse_envelope
from services.runtime.grpc_server import open_channel
from services.runtime.mqtt import ALERTS, messages
from tests.ground_station.station_ends import (
    StationProcess,
    by_satellite,
    launch_and_fire,
    running_station,
    send_all,
)

RATE_HZ = 2.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def archived(address: str) -> dict[str, list[alert_pb2.Alert]]:
    """Return every event's revisions as a running station's archive has them."""
    async with open_channel(address) as channel:
        stub: Any = ground_station_pb2_grpc.GroundStationServiceStub(channel)  # type: ignore[no-untyped-call]
        listed = (await stub.ListEvents(ground_station_pb2.ListEventsRequest())).alerts
        events = {}
        for alert in listed:
            request = ground_station_pb2.GetEventRequest(event_id=alert.event_id)
            events[alert.event_id] = list((await stub.GetEvent(request)).revisions)
        return events


class Hearer:
    """A subscriber that keeps every alert it hears, over all that happens to the broker."""

    def __init__(self, broker: RunningBroker) -> None:
        self.alerts: list[alert_pb2.Alert] = []
        self._more = asyncio.Condition()
        self._stop = asyncio.Event()
        self._hearing = asyncio.create_task(self._hear(broker))

    async def _hear(self, broker: RunningBroker) -> None:
        async for message in messages(broker.url, [(ALERTS, 1)], self._stop):
            data = parse_envelope(bytes(message.payload)).data
            assert isinstance(data, alert_pb2.Alert)
            async with self._more:
                self.alerts.append(data)
                self._more.notify_all()

    async def until_newest(self, events: dict[str, list[alert_pb2.Alert]]) -> list[alert_pb2.Alert]:
        """Return what was heard, once it has the newest revision of every event."""
        newest = {(event_id, len(revisions)) for event_id, revisions in events.items()}
        async with self._more, asyncio.timeout(60):
            await self._more.wait_for(lambda: {(a.event_id, a.revision) for a in self.alerts} >= newest)
        self._stop.set()
        await self._hearing
        return self.alerts


async def kill_and_start(station: StationProcess, kills: int, rng: random.Random, done: asyncio.Event) -> int:
    """Kill the station so many times, while frames come, and start it again each time; return how often."""
    for killed in range(kills):
        try:
            await asyncio.wait_for(done.wait(), rng.uniform(0.02, 0.6))
        except TimeoutError:
            assert await station.end(signal.SIGKILL) == -signal.SIGKILL
            await station.start()
        else:
            return killed
    return kills


async def run_with_kills(tmp_path: Path, kills: int, duration_s: float, pause_s: float, seed: int) -> None:
    streams = by_satellite(launch_and_fire(duration_s, RATE_HZ))
    async with running_broker(None, 0, tmp_path / "broker") as broker:
        done = asyncio.Event()
        hearer = Hearer(broker)
        station = StationProcess(tmp_path / "station", free_port(), broker.url)
        await station.start()
        try:
            killing = asyncio.create_task(kill_and_start(station, kills, random.Random(seed), done))
            sending = (send_all(station.address, name, data, pause_s=pause_s) for name, data in streams.items())
            losses = await asyncio.gather(*sending)
            done.set()
            assert await killing == kills, "the run was over before all kills; send slower"
            events = await archived(station.address)
        finally:
            await station.end(signal.SIGTERM)
        alerts = await hearer.until_newest(events)
    assert not any(losses)
    check(events, alerts)


def check(events: dict[str, list[alert_pb2.Alert]], alerts: list[alert_pb2.Alert]) -> None:
    confirmed = {
        event_id for event_id, revisions in events.items() if any(is_confirmed(revision) for revision in revisions)
    }
    assert len(confirmed) == 1, "one launch is one event, whatever happens to the station"
    for event_id, revisions in events.items():
        assert [revision.revision for revision in revisions] == list(range(1, len(revisions) + 1)), event_id
    by_event: dict[str, list[alert_pb2.Alert]] = defaultdict(list)
    for alert in alerts:
        by_event[alert.event_id].append(alert)
    assert by_event.keys() == events.keys()
    for event_id, told in by_event.items():
        # Said again after each start, but never a revision that the archive lacks, nor another one under its number.
        for alert in told:
            kept = events[event_id][alert.revision - 1]
            assert (alert.state, alert.present, alert.launch) == (kept.state, kept.present, kept.launch)
        assert told[-1].revision == len(events[event_id])


def is_confirmed(alert: alert_pb2.Alert) -> bool:
    return alert.state == alert_pb2.ALERT_STATE_CONFIRMED


@pytest.mark.timeout(300)
async def test_station_killed_at_random_instants_neither_loses_nor_doubles_an_alert(tmp_path: Path) -> None:
    await run_with_kills(tmp_path, kills=4, duration_s=40.0, pause_s=0.1, seed=1)


@pytest.mark.soak
@pytest.mark.timeout(900)
async def test_station_killed_twenty_times_neither_loses_nor_doubles_an_alert(tmp_path: Path) -> None:
    await run_with_kills(tmp_path, kills=20, duration_s=80.0, pause_s=0.25, seed=2)


@pytest.mark.timeout(300)
async def test_station_process_stops_in_order_on_sigterm_and_frees_its_port(tmp_path: Path) -> None:
    station = StationProcess(tmp_path / "station", free_port(), "")
    await station.start()
    assert await station.end(signal.SIGTERM) == 0
    async with running_station(tmp_path / "other", listen=station.address):
        pass


@pytest.mark.timeout(300)
async def test_broker_killed_in_mid_run_costs_no_alert(tmp_path: Path) -> None:
    streams = by_satellite(launch_and_fire(40.0))
    async with running_broker(None, 0, tmp_path / "broker") as broker:
        hearer = Hearer(broker)
        async with running_station(tmp_path / "station", broker.url) as station:
            address = f"127.0.0.1:{station.port}"
            sending = asyncio.gather(*(send_all(address, name, data, pause_s=0.03) for name, data in streams.items()))
            await asyncio.sleep(1.2)
            os.kill(broker.pid, signal.SIGKILL)
            losses = await sending
            events = await archived(address)
            alerts = await hearer.until_newest(events)
    assert broker.restarts == 1
    assert not any(losses)
    check(events, alerts)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("gone_s", [1.0, pytest.param(20.0, marks=pytest.mark.soak)])
async def test_broker_gone_in_mid_run_is_told_everything_when_it_is_back(tmp_path: Path, gone_s: float) -> None:
    streams = by_satellite(launch_and_fire(40.0))
    async with running_broker(None, 0, tmp_path / "broker") as broker:
        port = broker.address.port
    async with running_station(tmp_path / "station", broker.url) as station:
        address = f"127.0.0.1:{station.port}"
        async with running_broker(None, port, tmp_path / "broker"):
            losses = await asyncio.gather(*(send_all(address, name, data[:40]) for name, data in streams.items()))
        sending = asyncio.gather(*(send_all(address, name, data) for name, data in streams.items()))
        await asyncio.sleep(gone_s)
        losses += await sending
        async with running_broker(None, port, tmp_path / "broker") as back:
            events = await archived(address)
            assert any(is_confirmed(revisions[-1]) for revisions in events.values())
            await Hearer(back).until_newest(events)
    assert not any(losses)
