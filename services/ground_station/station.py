"""What one ground station is while it runs: its streams, who watches, and what is known of now."""

import asyncio
import time
from collections.abc import Sequence

from plumewatch.v1 import alert_pb2, detection_pb2, ground_station_pb2
from services.ground_station.archive import Archive, StreamState
from services.ground_station.config import GroundStationConfig
from services.ground_station.follower import Followed, Follower
from services.ground_station.fusion import Fusion
from services.ground_station.hub import Hub
from services.ground_station.ingest import Loss
from services.ground_station.publisher import Publisher
from services.ground_station.run_clock import RunClocks
from services.ground_station.streams import Stream
from services.ground_station.tracking.snapshot import TrackSnapshot
from services.runtime.mqtt import parse_broker_url

# How often runs that have gone quiet are looked for, seconds.
QUIET_CHECK_S = 5.0


class Station:
    """Joins the parts; everything here runs on the event loop."""

    def __init__(self, config: GroundStationConfig, follower: Follower, clocks: RunClocks) -> None:
        self.config = config
        self.clocks = clocks
        self.follower = follower
        self.fusion = Fusion(follower, clocks, self)
        self.batches: Hub[detection_pb2.DetectionBatch] = Hub()
        self.tracks: Hub[tuple[str, TrackSnapshot]] = Hub()
        self.alerts: Hub[alert_pb2.Alert] = Hub()
        self.publisher: Publisher | None = None
        if config.broker:
            self.publisher = Publisher(parse_broker_url(config.broker), config.station_id, self)
        # The run that the newest message belongs to.
        self.run_id = ""
        self._newest_unix_ns = 0
        self._streams: dict[tuple[str, str], Stream] = {}
        self._settling: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._opening = asyncio.Lock()
        # Set while the server runs; its tasks settle streams.
        self.tasks: asyncio.TaskGroup | None = None

    # Streams.

    async def open_stream(self, run_id: str, satellite_id: str) -> Stream:
        """Return the one stream of a run and a satellite, running."""
        key = (run_id, satellite_id)
        async with self._opening:
            stream = self._streams.get(key)
            if stream is None:
                state, losses = await self.fusion.in_thread(_stored_stream, self.follower.archive, run_id, satellite_id)
                config = self.config
                stream = Stream(run_id, satellite_id, state, losses, config.frames_in_flight, config.station_id)
                assert self.tasks is not None
                self._streams[key] = stream
                self._settling[key] = self.tasks.create_task(stream.run(self.fusion), name=f"settle {satellite_id}")
        self.run_id = run_id
        return stream

    async def restore(self) -> None:
        """Stand where the newest run stood."""
        self.run_id = await self.fusion.in_thread(self.follower.archive.newest_run)
        await self.fusion.restore()
        for satellite_id in await self.fusion.in_thread(self.follower.archive.satellites, self.run_id):
            await self.open_stream(self.run_id, satellite_id)

    def settling(self) -> list[asyncio.Task[None]]:
        """Return the tasks that settle streams, for ever."""
        return list(self._settling.values())

    async def settle_all(self) -> None:
        """Return once everything that streams have handed over is committed and followed."""
        for stream in list(self._streams.values()):
            await stream.idle()
        await self.fusion.idle()

    async def close_quiet_runs(self) -> None:
        """End runs from which nothing has come for long, for ever."""
        while True:
            await asyncio.sleep(min(QUIET_CHECK_S, self.config.quiet_run_s))
            since_s = time.monotonic() - self.config.quiet_run_s
            keep = {
                run_id for (run_id, _), stream in self._streams.items() if stream.connected or stream.active_s > since_s
            }
            for key in [key for key in self._streams if key[0] not in keep]:
                # Its frames are all settled: a stream without a call takes nothing.
                self._settling.pop(key).cancel()
                del self._streams[key]
            await self.fusion.close_runs(keep, f"No frames for {self.config.quiet_run_s:g} s.")

    # What the fusion tells.

    def on_batch(self, batch: detection_pb2.DetectionBatch) -> None:
        """Hand a committed batch to who watches."""
        self._newest_unix_ns = max(self._newest_unix_ns, batch.readout_end_unix_ns)
        self.batches.send(batch)

    def on_followed(self, followed: Followed) -> None:
        """Hand tracks and written alerts to who watches and to the broker."""
        for alert in followed.alerts:
            self.alerts.send(alert)
            if self.publisher is not None:
                self.publisher.offer(alert, followed.arrival_wall_unix_ns)
        for snapshot in followed.snapshots:
            self.tracks.send((followed.run_id, snapshot))
            if self.publisher is not None and snapshot.state != "tentative":
                self.publisher.offer_track(followed.run_id, snapshot)

    # What the publisher asks.

    async def recent(self, closed_after_unix_ns: int) -> list[tuple[alert_pb2.Alert, int]]:
        """Return events that are open or closed since, from the archive."""
        return await self.fusion.in_thread(self.follower.archive.recent_events, closed_after_unix_ns)

    async def past(self, closed_after_unix_ns: int, closed_until_unix_ns: int) -> list[str]:
        """Return the ids of events closed within a time, from the archive."""
        return await self.fusion.in_thread(
            self.follower.archive.past_events, closed_after_unix_ns, closed_until_unix_ns
        )

    async def note_published(self, alert: alert_pb2.Alert) -> None:
        """Keep a revision as it was handed to the broker."""
        await self.fusion.in_thread(self.follower.note_published, alert)

    async def acknowledge(self, acknowledgement: alert_pb2.Acknowledgement) -> alert_pb2.Alert:
        """Take an operator's acknowledgement, over MQTT or gRPC. Raises LookupError and ValueError."""
        if not acknowledgement.time_unix_ns:
            taken = alert_pb2.Acknowledgement()
            taken.CopyFrom(acknowledgement)
            taken.time_unix_ns = self.emulated_now_unix_ns() or 0
            acknowledgement = taken
        return await self.fusion.acknowledge(acknowledgement)

    def emulated_now_unix_ns(self) -> int | None:
        """Return the newest known emulated UTC; None before the first frame."""
        now = self.clocks.emulated_now_unix_ns(self.run_id, time.time_ns())
        return now if now is not None else self._newest_unix_ns or None

    # What clients ask.

    async def status(self) -> ground_station_pb2.GetStatusResponse:
        """Return counters and states of the newest run."""
        now = self.clocks.emulated_now_unix_ns(self.run_id, time.time_ns())
        events_open = await self.fusion.in_thread(self.follower.book.open_events)
        return ground_station_pb2.GetStatusResponse(
            run_id=self.run_id,
            time_unix_ns=self.emulated_now_unix_ns() or 0,
            satellites=self._statuses(now),
            tracks_confirmed=self.follower.tracks_confirmed,
            events_open=len(events_open),
            broker_connected=self.publisher is not None and self.publisher.connected,
            alerts_waiting=self.publisher.alerts_waiting if self.publisher is not None else 0,
        )

    def _statuses(self, emulated_now_unix_ns: int | None) -> Sequence[ground_station_pb2.SatelliteStatus]:
        return [
            stream.status(emulated_now_unix_ns)
            for (run_id, _), stream in sorted(self._streams.items())
            if run_id == self.run_id
        ]


def _stored_stream(archive: Archive, run_id: str, satellite_id: str) -> tuple[StreamState, list[Loss]]:
    return archive.stream(run_id, satellite_id), archive.losses(run_id, satellite_id)
