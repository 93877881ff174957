"""GroundStationService: what happens, as it happens, and the archive of events."""

import time
from collections.abc import AsyncIterator
from typing import Any

import grpc

from plumewatch.v1 import alert_pb2, detection_pb2, ground_station_pb2, ground_station_pb2_grpc
from services.ground_station.hub import TooSlowError
from services.ground_station.quick_looks import DEFAULT_RATE_HZ, Pace, Picture, QuickLooks
from services.ground_station.station import Station
from services.ground_station.tracking.snapshot import TrackSnapshot
from services.ground_station.wire_tracks import track_message
from services.runtime.grpc_server import abort_with

SERVICE = ground_station_pb2.DESCRIPTOR.services_by_name["GroundStationService"].full_name
# What waits for a slow watcher. Batches, tracks and pictures drop the oldest and say how many; of alerts none is left
# out, the watcher is closed instead.
BATCHES_HELD, TRACKS_HELD, PICTURES_HELD, ALERTS_HELD = 200, 2000, 4, 1000
# Sent at once, without a first response to wait for: from here on nothing is missed.
WATCHING: tuple[tuple[str, str], ...] = ()
DEFAULT_PAGE, LARGEST_PAGE = 100, 1000
SLOWEST_RATE_HZ, FASTEST_RATE_HZ = 0.01, 30.0


class GroundStationService(ground_station_pb2_grpc.GroundStationServiceServicer):
    """Answers from the station; changes nothing but acknowledgements."""

    def __init__(self, station: Station, quick_looks: QuickLooks) -> None:
        self._station = station
        self._quick_looks = quick_looks

    async def WatchDetections(  # noqa: N802
        self, request: ground_station_pb2.WatchDetectionsRequest, context: Any
    ) -> AsyncIterator[ground_station_pb2.WatchDetectionsResponse]:
        satellites = frozenset(request.satellite_ids)

        def wanted(batch: detection_pb2.DetectionBatch) -> bool:
            return not satellites or batch.satellite_id in satellites

        async with self._station.batches.watch(BATCHES_HELD, wanted=wanted) as watcher:
            await context.send_initial_metadata(WATCHING)
            while (batch := await watcher.next()) is not None:
                yield ground_station_pb2.WatchDetectionsResponse(left_out=watcher.take_left_out(), batch=batch)

    async def WatchTracks(  # noqa: N802
        self, request: ground_station_pb2.WatchTracksRequest, context: Any
    ) -> AsyncIterator[ground_station_pb2.WatchTracksResponse]:
        def wanted(item: tuple[str, TrackSnapshot]) -> bool:
            return request.include_tentative or item[1].state != "tentative"

        async with self._station.tracks.watch(TRACKS_HELD, wanted=wanted) as watcher:
            await context.send_initial_metadata(WATCHING)
            while (item := await watcher.next()) is not None:
                run_id, snapshot = item
                track = track_message(snapshot, run_id)
                yield ground_station_pb2.WatchTracksResponse(left_out=watcher.take_left_out(), track=track)

    async def WatchAlerts(  # noqa: N802
        self, request: ground_station_pb2.WatchAlertsRequest, context: Any
    ) -> AsyncIterator[ground_station_pb2.WatchAlertsResponse]:
        told: dict[str, int] = {}
        try:
            async with self._station.alerts.watch(ALERTS_HELD, "close") as watcher:
                await context.send_initial_metadata(WATCHING)
                # Everything, closed events included, has changed since the year dot.
                since = 0 if request.include_closed else time.time_ns()
                for alert, _ in await self._station.recent(since):
                    told[alert.event_id] = alert.revision
                    yield ground_station_pb2.WatchAlertsResponse(alert=alert)
                while (newer := await watcher.next()) is not None:
                    # What was written while the archive was read comes by both ways.
                    if newer.revision > told.get(newer.event_id, 0):
                        told[newer.event_id] = newer.revision
                        yield ground_station_pb2.WatchAlertsResponse(alert=newer)
        except TooSlowError:
            await context.abort(
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                f"more than {ALERTS_HELD} alerts wait for this client; read faster and watch again",
            )

    async def WatchFrames(  # noqa: N802
        self, request: ground_station_pb2.WatchFramesRequest, context: Any
    ) -> AsyncIterator[Picture]:
        rate_hz = request.max_rate_hz or DEFAULT_RATE_HZ
        if not SLOWEST_RATE_HZ <= rate_hz <= FASTEST_RATE_HZ:
            limits = f"{SLOWEST_RATE_HZ:g} to {FASTEST_RATE_HZ:g}"
            await abort_with(context, ValueError(f"max_rate_hz is {rate_hz:g}; ask for {limits}"))
        satellites = frozenset(request.satellite_ids)
        pace = Pace()

        def wanted(picture: Picture) -> bool:
            if satellites and picture.satellite_id not in satellites:
                return False
            return pace.lets_through(picture.satellite_id, rate_hz, time.monotonic())

        self._quick_looks.look(rate_hz, satellites)
        try:
            async with self._quick_looks.hub.watch(PICTURES_HELD, wanted=wanted) as watcher:
                await context.send_initial_metadata(WATCHING)
                while (picture := await watcher.next()) is not None:
                    yield picture
        finally:
            self._quick_looks.look_away(rate_hz, satellites)

    async def ListEvents(  # noqa: N802
        self, request: ground_station_pb2.ListEventsRequest, context: Any
    ) -> ground_station_pb2.ListEventsResponse:
        size = request.page_size or DEFAULT_PAGE
        if size > LARGEST_PAGE:
            await abort_with(context, ValueError(f"page_size is {size}; ask for at most {LARGEST_PAGE}"))
        if (request.page_token and not request.page_token.isascii()) or not (request.page_token or "0").isdigit():
            await abort_with(
                context, ValueError(f"page_token is {request.page_token!r:.80}; take it from an earlier response")
            )
        before = int(request.page_token[:18]) if request.page_token else None
        page = self._station.follower.archive.page
        alerts, next_before = await self._station.fusion.in_thread(page, list(request.states), size, before)
        token = "" if next_before is None else str(next_before)
        return ground_station_pb2.ListEventsResponse(alerts=alerts, next_page_token=token)

    async def GetEvent(  # noqa: N802
        self, request: ground_station_pb2.GetEventRequest, context: Any
    ) -> ground_station_pb2.GetEventResponse:
        read = self._station.follower.archive.revisions
        revisions: list[alert_pb2.Alert] = await self._station.fusion.in_thread(read, request.event_id)
        if not revisions:
            await abort_with(context, LookupError(f"event {request.event_id!r:.80} does not exist; see ListEvents"))
        return ground_station_pb2.GetEventResponse(revisions=revisions)

    async def AcknowledgeEvent(  # noqa: N802
        self, request: ground_station_pb2.AcknowledgeEventRequest, context: Any
    ) -> ground_station_pb2.AcknowledgeEventResponse:
        try:
            alert = await self._station.acknowledge(request.acknowledgement)
        except (LookupError, ValueError) as error:
            await abort_with(context, error)
        return ground_station_pb2.AcknowledgeEventResponse(alert=alert)

    async def GetStatus(  # noqa: N802
        self, request: ground_station_pb2.GetStatusRequest, context: Any
    ) -> ground_station_pb2.GetStatusResponse:
        del request, context
        return await self._station.status()
