"""Clients of the running chain that fill in the run's state: over gRPC and MQTT, as anybody else's would.

Each goes on through restarts of what it watches, until it is cancelled.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc.aio

from plumewatch.v1 import alert_pb2, ground_station_pb2, ground_station_pb2_grpc, network_pb2, network_pb2_grpc
from services.runtime.backoff import Backoff
from services.runtime.envelope import EnvelopeError, parse_envelope
from services.runtime.grpc_server import open_channel
from services.runtime.mqtt import ALERTS, messages
from services.stack.processes import memory_mb
from services.stack.replay_record import ReplayRecord
from services.stack.state import RunState

STATUS_PERIOD_S = 0.5
MEMORY_PERIOD_S = 1.0
ANSWER_S = 5.0


async def _through_outages(watch: Callable[[], Awaitable[None]]) -> None:
    """Call `watch` again whenever what it watches goes away."""
    backoff = Backoff(cap_s=1.0)
    while True:
        began_s = time.monotonic()
        with contextlib.suppress(grpc.aio.AioRpcError):
            await watch()
        if time.monotonic() - began_s > ANSWER_S:
            backoff.reset()
        await asyncio.sleep(backoff.next_delay_s())


async def watch_relay(address: str, state: RunState) -> None:
    """Follow the run clock until it runs, then the streams."""

    async def watch() -> None:
        async with open_channel(address) as channel:
            stub: Any = network_pb2_grpc.NetworkServiceStub(channel)  # type: ignore[no-untyped-call]
            while state.clock is None:
                state.take_clock(await stub.GetClock(network_pb2.GetClockRequest(), timeout=ANSWER_S))
                await asyncio.sleep(0.1)
            async for answer in stub.WatchLinks(network_pb2.WatchLinksRequest(period_s=1.0)):
                state.take_links(answer)

    await _through_outages(watch)


async def watch_station(address: str, state: RunState) -> None:
    """Follow the ground station's counters."""

    async def watch() -> None:
        async with open_channel(address) as channel:
            stub: Any = ground_station_pb2_grpc.GroundStationServiceStub(channel)  # type: ignore[no-untyped-call]
            while True:
                request = ground_station_pb2.GetStatusRequest()
                state.take_status(await stub.GetStatus(request, timeout=ANSWER_S))
                await asyncio.sleep(STATUS_PERIOD_S)

    await _through_outages(watch)


async def watch_alerts(broker_url: str, state: RunState, file: Path) -> None:
    """Take in every alert of this run as an MQTT subscriber, and write the envelopes to a file of JSON lines."""
    with file.open("ab", buffering=0) as lines:
        async with contextlib.aclosing(messages(broker_url, [(ALERTS, 1)], asyncio.Event())) as arriving:
            async for message in arriving:
                payload = message.payload
                if not isinstance(payload, bytes | bytearray) or not payload:
                    continue  # a retained alert that was cleared
                try:
                    alert = parse_envelope(payload).data
                except EnvelopeError as error:
                    state.note(f"on {message.topic}: {error}")
                    continue
                # Another run's alerts may be retained in a broker that was here before.
                if isinstance(alert, alert_pb2.Alert) and alert.run_id == state.run_id and state.take_alert(alert):
                    lines.write(bytes(payload) + b"\n")


async def watch_memory(state: RunState) -> None:
    """Follow the memory of all processes of the chain."""
    while True:
        state.take_memory(await asyncio.to_thread(memory_mb))
        await asyncio.sleep(MEMORY_PERIOD_S)


async def record_detections(address: str, record: ReplayRecord) -> None:
    """Keep every frame's detections for the score."""

    async def watch() -> None:
        async with open_channel(address) as channel:
            stub: Any = ground_station_pb2_grpc.GroundStationServiceStub(channel)  # type: ignore[no-untyped-call]
            async for answer in stub.WatchDetections(ground_station_pb2.WatchDetectionsRequest()):
                record.left_out += answer.left_out
                record.take_batch(answer.batch)

    await _through_outages(watch)


async def record_tracks(address: str, record: ReplayRecord) -> None:
    """Keep every confirmed track's states for the score."""

    async def watch() -> None:
        async with open_channel(address) as channel:
            stub: Any = ground_station_pb2_grpc.GroundStationServiceStub(channel)  # type: ignore[no-untyped-call]
            async for answer in stub.WatchTracks(ground_station_pb2.WatchTracksRequest()):
                record.left_out += answer.left_out
                record.take_track(answer.track)

    await _through_outages(watch)


async def all_alerts_here(address: str, state: RunState, timeout_s: float) -> bool:
    """Return whether this client has got the newest revision of every event that the ground station archived."""
    deadline = time.monotonic() + timeout_s
    async with open_channel(address) as channel:
        stub: Any = ground_station_pb2_grpc.GroundStationServiceStub(channel)  # type: ignore[no-untyped-call]
        while time.monotonic() < deadline:
            try:
                status = await stub.GetStatus(ground_station_pb2.GetStatusRequest(), timeout=ANSWER_S)
                events = await _events(stub)
            except grpc.aio.AioRpcError:
                status, events = None, []
            if status is not None:
                state.take_status(status)
                newest = {alert.event_id: alert.revision for alert in events if alert.run_id == state.run_id}
                here = all(
                    event_id in state.book.entries and state.book.entries[event_id].alert.revision >= revision
                    for event_id, revision in newest.items()
                )
                if here and not status.alerts_waiting:
                    return True
            await asyncio.sleep(0.1)
    return False


async def _events(stub: Any) -> list[alert_pb2.Alert]:
    alerts: list[alert_pb2.Alert] = []
    token = ""
    while True:
        request = ground_station_pb2.ListEventsRequest(page_size=1000, page_token=token)
        answer = await stub.ListEvents(request, timeout=ANSWER_S)
        alerts += answer.alerts
        token = answer.next_page_token
        if not token:
            return alerts
