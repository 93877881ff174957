"""Alerts to the broker, and operators' acknowledgements back; whatever the broker does.

Alerts are in the archive before they come here. While the broker is away only the newest revision of each event
waits, so nothing grows; on every connect all recent events are said again, since a broker may have lost them.
"""

import asyncio
import time
from contextlib import aclosing, suppress
from typing import Protocol

import aiomqtt
import structlog

from plumewatch.v1 import alert_pb2
from services.ground_station import figures
from services.ground_station.tracking.snapshot import TrackSnapshot
from services.ground_station.wire_tracks import track_message
from services.runtime.envelope import (
    ID,
    EnvelopeError,
    ServiceState,
    Status,
    alert_envelope,
    parse_envelope,
    track_envelope,
)
from services.runtime.mqtt import (
    ACKNOWLEDGEMENTS,
    BrokerAddress,
    alert_topic,
    connections,
    publish_status,
    status_will,
    subscribe,
    track_topic,
    until,
)

SERVICE = "ground-station"
# Messages under way to the broker at once; a broker far away is filled, a small one not flooded.
AT_ONCE = 16
TRACK_PERIOD_S = 1.0
# Tracks a second; beyond this they are clutter that nobody can look at.
MOST_TRACKS = 200
# Closed events go on being told for a day; then their topics are cleared, for a month, in case a broker that lost its
# memory brings them back.
RECENT_S = 86_400.0
CLEARED_S = 30 * RECENT_S
CLEAR_PERIOD_S = 600.0

log = structlog.get_logger()


class Desk(Protocol):
    """What the publisher asks of the station. Instants are nanoseconds since 1970, wall clock but where said."""

    async def recent(self, closed_after_unix_ns: int) -> list[tuple[alert_pb2.Alert, int]]:
        """Return events that are open or closed since: newest revision, arrival of the frame behind it (0: none)."""

    async def past(self, closed_after_unix_ns: int, closed_until_unix_ns: int) -> list[str]:
        """Return the ids of events closed within a time."""

    async def note_published(self, alert: alert_pb2.Alert) -> None:
        """Keep a revision as it was handed to the broker."""

    async def acknowledge(self, acknowledgement: alert_pb2.Acknowledgement) -> alert_pb2.Alert:
        """Take an operator's acknowledgement. Raises LookupError and ValueError."""

    def emulated_now_unix_ns(self) -> int | None:
        """Return the newest known emulated UTC; None before the first frame."""


class Publisher:
    """Keeps one broker told."""

    def __init__(self, broker: BrokerAddress, station_id: str, desk: Desk) -> None:
        self._broker = broker
        self._station_id = station_id
        self._desk = desk
        # Newest revision of each event that the broker has not acknowledged.
        self._waiting: dict[str, alert_pb2.Alert] = {}
        self._arrival_wall_unix_ns: dict[str, int] = {}
        # Newest state of each, with its run.
        self._tracks: dict[str, tuple[str, TrackSnapshot]] = {}
        self._more = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._finished = asyncio.Event()
        self._draining = False
        self._client: aiomqtt.Client | None = None

    @property
    def connected(self) -> bool:
        """Whether the broker is there."""
        return self._client is not None

    @property
    def alerts_waiting(self) -> int:
        """Revisions written and not yet acknowledged by the broker."""
        return len(self._waiting)

    def offer(self, alert: alert_pb2.Alert, arrival_wall_unix_ns: int) -> None:
        """Publish an alert as soon as may be. arrival_wall_unix_ns: of the frame behind it; 0: there is none."""
        waiting = self._waiting.get(alert.event_id)
        if waiting is not None and waiting.revision >= alert.revision:
            return
        self._waiting[alert.event_id] = alert
        if arrival_wall_unix_ns:
            self._arrival_wall_unix_ns[alert.event_id] = arrival_wall_unix_ns
        figures.ALERTS_WAITING.set(len(self._waiting))
        self._empty.clear()
        self._more.set()

    def offer_track(self, run_id: str, snapshot: TrackSnapshot) -> None:
        """Publish a track's state with the next second's."""
        track_id = snapshot.track_id
        if self.connected and (track_id in self._tracks or len(self._tracks) < MOST_TRACKS):
            self._tracks[track_id] = (run_id, snapshot)

    async def run(self, stop: asyncio.Event) -> None:
        """Stay connected and publish until `finish`; where the broker is away, until `stop`."""
        will = status_will(SERVICE, self._station_id)
        client_id = f"{SERVICE}-{self._station_id}"
        async with aclosing(connections(self._broker, client_id, stop, will)) as clients:
            async for client in clients:
                try:
                    await self._serve(client)
                except* aiomqtt.MqttError as group:
                    log.warning("broker connection lost", broker=str(self._broker), reason=_reason(group))
                finally:
                    self._set_client(None)
                if self._finished.is_set():
                    return

    async def flush(self, grace_s: float) -> int:
        """Return once everything waiting is published, or after `grace_s`; how much still waits."""
        try:
            await asyncio.wait_for(self._empty.wait(), grace_s if self.connected else 0.0)
        except TimeoutError:
            log.warning("alerts wait for the broker; they are in the archive", alerts=len(self._waiting))
        return len(self._waiting)

    def finish(self) -> None:
        """Say `down` and end."""
        self._finished.set()

    async def drain(self) -> None:
        """Say `draining`."""
        self._draining = True
        if self._client is not None:
            with suppress(aiomqtt.MqttError):
                await self._say(self._client, "draining")

    async def _say(self, client: aiomqtt.Client, state: ServiceState) -> None:
        now = self._desk.emulated_now_unix_ns()
        await publish_status(client, Status(SERVICE, self._station_id, state), now)

    async def _serve(self, client: aiomqtt.Client) -> None:
        """Publish over one connection until `finish`. Raises a group of MqttError where the connection is lost."""
        async with asyncio.TaskGroup() as tasks:
            await subscribe(client, [(ACKNOWLEDGEMENTS, 1)])
            await self._say(client, "up")
            self._set_client(client)
            if self._draining:
                await self._say(client, "draining")
            await self._offer_recent()
            work = [
                tasks.create_task(self._publish_alerts(client), name="publish alerts"),
                tasks.create_task(self._publish_tracks(client), name="publish tracks"),
                tasks.create_task(self._clear_past(client), name="clear past alerts"),
                tasks.create_task(self._take_acknowledgements(client), name="take acknowledgements"),
            ]
            await self._finished.wait()
            for task in work:
                task.cancel()
            await self._say(client, "down")

    def _set_client(self, client: aiomqtt.Client | None) -> None:
        self._client = client
        figures.BROKER_CONNECTED.set(self.connected)
        if client is None:
            self._tracks.clear()

    async def _offer_recent(self) -> None:
        since = time.time_ns() - int(RECENT_S * 1e9)
        for alert, arrival_wall_unix_ns in await self._desk.recent(since):
            self.offer(alert, arrival_wall_unix_ns)

    async def _clear_past(self, client: aiomqtt.Client) -> None:
        """Clear the topics of events that are no longer recent, at once and then as they pass."""
        since = time.time_ns() - int(CLEARED_S * 1e9)
        while True:
            until_now = time.time_ns() - int(RECENT_S * 1e9)
            event_ids = await self._desk.past(since, until_now)
            for start in range(0, len(event_ids), AT_ONCE):
                async with asyncio.TaskGroup() as tasks:
                    for event_id in event_ids[start : start + AT_ONCE]:
                        tasks.create_task(client.publish(alert_topic(event_id), b"", qos=1, retain=True))
            since = until_now
            await asyncio.sleep(CLEAR_PERIOD_S)

    async def _publish_alerts(self, client: aiomqtt.Client) -> None:
        while True:
            while self._waiting:
                async with asyncio.TaskGroup() as tasks:
                    for alert in list(self._waiting.values())[:AT_ONCE]:
                        tasks.create_task(self._publish(client, alert), name=f"publish {alert.event_id}")
            self._empty.set()
            self._more.clear()
            await self._more.wait()

    async def _publish(self, client: aiomqtt.Client, alert: alert_pb2.Alert) -> None:
        event_id = alert.event_id
        arrival_wall_unix_ns = self._arrival_wall_unix_ns.get(event_id, 0)
        first = alert.latency.published_s == 0 and arrival_wall_unix_ns > 0
        if first:
            unpublished, alert = alert, alert_pb2.Alert()
            alert.CopyFrom(unpublished)
            alert.latency.published_s = (time.time_ns() - arrival_wall_unix_ns) / 1e9
            # Where the broker goes away before it answers, the same is said again.
            self._waiting[event_id] = alert
        await client.publish(alert_topic(event_id), alert_envelope(alert), qos=1, retain=True)
        if first:
            figures.PUBLISHED_S.observe(max(time.time_ns() - arrival_wall_unix_ns, 0) / 1e9)
            await self._desk.note_published(alert)
        # A newer revision may have come meanwhile; it waits on.
        if self._waiting.get(event_id) is alert:
            del self._waiting[event_id]
            self._arrival_wall_unix_ns.pop(event_id, None)
        figures.ALERTS_WAITING.set(len(self._waiting))

    async def _publish_tracks(self, client: aiomqtt.Client) -> None:
        while True:
            await asyncio.sleep(TRACK_PERIOD_S)
            tracks, self._tracks = self._tracks, {}
            for run_id, snapshot in tracks.values():
                track = track_message(snapshot, run_id)
                await client.publish(track_topic(track.track_id), track_envelope(track, self._station_id), qos=0)

    async def _take_acknowledgements(self, client: aiomqtt.Client) -> None:
        async with aclosing(until(self._finished, client)) as messages:
            async for message in messages:
                try:
                    await self._desk.acknowledge(read_acknowledgement(str(message.topic), bytes(message.payload)))
                except (EnvelopeError, LookupError, ValueError) as error:
                    log.warning("acknowledgement refused", topic=str(message.topic), reason=str(error)[:200])


def read_acknowledgement(topic: str, payload: bytes) -> alert_pb2.Acknowledgement:
    """Return the acknowledgement that came on a topic. Raises EnvelopeError."""
    message = parse_envelope(payload).data
    if not isinstance(message, alert_pb2.Acknowledgement):
        raise EnvelopeError(f"{topic} carries a {type(message).__name__}; acknowledgements alone belong there")
    event_id = topic.rpartition("/")[2]
    if not ID.fullmatch(event_id) or message.event_id != event_id:
        raise EnvelopeError(f"{topic} carries an acknowledgement of event {message.event_id!r:.80}")
    return message


def _reason(group: BaseExceptionGroup[BaseException]) -> str:
    first = group.exceptions[0]
    return _reason(first) if isinstance(first, BaseExceptionGroup) else str(first)
