"""Events over real sockets: raised, watched, acknowledged, ended, and the same after a restart."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest

from plumewatch.v1 import alert_pb2, ground_station_pb2, track_pb2
from services.ground_station.server import ARCHIVE_FILE
from tests.ground_station.station_ends import (
    START_UNIX_NS,
    Sender,
    StationClient,
    by_satellite,
    launch_and_fire,
    running_station,
)


@contextlib.asynccontextmanager
async def watched_alerts(station: StationClient) -> AsyncIterator[Any]:
    """Watch alerts; what is yielded reads one, within 20 s."""
    call = station.stub.WatchAlerts(ground_station_pb2.WatchAlertsRequest())
    await call.initial_metadata()

    async def read() -> alert_pb2.Alert:
        alert: alert_pb2.Alert = (await asyncio.wait_for(call.read(), 20)).alert
        return alert

    yield read
    call.cancel()


async def send_everything(station: StationClient, duration_s: float = 40.0) -> None:
    """Send what four satellites detect of a launch and a fire, in step."""
    batches = launch_and_fire(duration_s)
    senders = {name: Sender(station.channel, name, method="DownlinkDetections") for name in by_satellite(batches)}
    for sender in senders.values():
        await sender.first()
    for batch in batches:
        sender = senders[batch.satellite_id]
        await sender.send(batch.SerializeToString())
        await sender.until(batch.sequence)
    for sender in senders.values():
        await sender.finish()


async def test_launch_becomes_one_confirmed_alert_and_the_fire_none(tmp_path: Path) -> None:
    async with running_station(tmp_path) as station, watched_alerts(station) as read:
        await send_everything(station)
        listed = (await station.stub.ListEvents(ground_station_pb2.ListEventsRequest())).alerts
        confirmed = [alert for alert in listed if alert.state == alert_pb2.ALERT_STATE_CONFIRMED]
        assert len(confirmed) == 1
        (alert,) = confirmed
        assert alert.launch.point.latitude_deg == pytest.approx(-30.9, abs=0.3)
        assert alert.launch.point.longitude_deg == pytest.approx(136.5, abs=0.3)
        assert alert.latency.detected_s >= 0
        assert alert.latency.tracked_s >= alert.latency.detected_s
        revisions = (await station.stub.GetEvent(ground_station_pb2.GetEventRequest(event_id=alert.event_id))).revisions
        assert [revision.revision for revision in revisions] == list(range(1, len(revisions) + 1))
        assert not any(a.target_class == track_pb2.TARGET_CLASS_STATIC_HEAT for a in listed)
        status = await station.stub.GetStatus(ground_station_pb2.GetStatusRequest())
        assert status.events_open == 1
        assert status.tracks_confirmed >= 1
        seen = [await read() for _ in range(sum(a.revision for a in listed))]
        assert sorted((a.event_id, a.revision) for a in seen) == sorted(
            (a.event_id, revision + 1) for a in listed for revision in range(a.revision)
        )


async def test_restarted_station_has_the_same_events_and_goes_on(tmp_path: Path) -> None:
    streams = by_satellite(launch_and_fire())

    async def send_until(station: StationClient, end: int) -> None:
        senders = {name: Sender(station.channel, name, method="DownlinkDetections") for name in streams}
        starts = [await sender.first() + 1 for sender in senders.values()]
        for sequence in range(min(starts), end):
            for name, sender in senders.items():
                await sender.send(streams[name][sequence])
                await sender.until(sequence)

    def revisions(alerts: list[alert_pb2.Alert]) -> list[tuple[str, int, int, str]]:
        return sorted((a.event_id, a.revision, a.state, a.present.SerializeToString().hex()) for a in alerts)

    async def all_revisions(station: StationClient) -> list[alert_pb2.Alert]:
        listed = (await station.stub.ListEvents(ground_station_pb2.ListEventsRequest())).alerts
        found = []
        for alert in listed:
            request = ground_station_pb2.GetEventRequest(event_id=alert.event_id)
            found += (await station.stub.GetEvent(request)).revisions
        return found

    async with running_station(tmp_path / "whole") as station:
        await send_until(station, 80)
        whole = revisions(await all_revisions(station))
    assert whole
    for end in (20, 31, 47, 80):
        async with running_station(tmp_path / "parts") as station:
            await send_until(station, end)
            parts = revisions(await all_revisions(station))
    assert parts == whole


async def test_alert_that_was_not_written_before_the_end_is_raised_by_the_restart(tmp_path: Path) -> None:
    async with running_station(tmp_path) as station:
        await send_everything(station)
        before = (await station.stub.ListEvents(ground_station_pb2.ListEventsRequest())).alerts
    # As if the station had been killed between commit and alert.
    with sqlite3.connect(tmp_path / ARCHIVE_FILE) as archive:
        for table in ("events", "revisions", "tracked"):
            archive.execute(f"DELETE FROM {table}")
    archive.close()
    async with running_station(tmp_path) as station:
        after = (await station.stub.ListEvents(ground_station_pb2.ListEventsRequest())).alerts
    assert [(a.event_id, a.revision, a.state) for a in after] == [(a.event_id, a.revision, a.state) for a in before]


async def test_acknowledgement_is_kept_and_bad_ones_are_refused(tmp_path: Path) -> None:
    async with running_station(tmp_path) as station:
        await send_everything(station)
        (alert, *_) = (await station.stub.ListEvents(ground_station_pb2.ListEventsRequest())).alerts
        request = ground_station_pb2.AcknowledgeEventRequest(
            acknowledgement=alert_pb2.Acknowledgement(event_id=alert.event_id, operator="watch officer")
        )
        answer = (await station.stub.AcknowledgeEvent(request)).alert
        assert answer.revision == alert.revision + 1
        assert answer.acknowledgements[0].time_unix_ns > START_UNIX_NS
        for fields, code in (
            ({"event_id": "nothing", "operator": "x"}, grpc.StatusCode.NOT_FOUND),
            ({"event_id": alert.event_id}, grpc.StatusCode.INVALID_ARGUMENT),
        ):
            bad = ground_station_pb2.AcknowledgeEventRequest(acknowledgement=alert_pb2.Acknowledgement(**fields))
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await station.stub.AcknowledgeEvent(bad)
            assert refused.value.code() == code
    async with running_station(tmp_path) as station:
        # Of a run that is not in memory as well.
        (again, *_) = (await station.stub.ListEvents(ground_station_pb2.ListEventsRequest())).alerts
        assert again.acknowledgements[0].operator == "watch officer"


async def test_unknown_event_and_bad_pages_are_refused(tmp_path: Path) -> None:
    async with running_station(tmp_path) as station:
        for method, request, code in (
            ("GetEvent", ground_station_pb2.GetEventRequest(event_id="x"), grpc.StatusCode.NOT_FOUND),
            ("ListEvents", ground_station_pb2.ListEventsRequest(page_size=1001), grpc.StatusCode.INVALID_ARGUMENT),
            ("ListEvents", ground_station_pb2.ListEventsRequest(page_token="x"), grpc.StatusCode.INVALID_ARGUMENT),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await getattr(station.stub, method)(request)
            assert refused.value.code() == code


async def test_quiet_run_ends_its_open_events(tmp_path: Path) -> None:
    async with running_station(tmp_path, quiet_run_s=0.3) as station, watched_alerts(station) as read:
        await send_everything(station)
        while (alert := await read()).state != alert_pb2.ALERT_STATE_ENDED:
            pass
        assert "No frames" in alert.reason


async def test_tracks_are_watched_and_the_fire_is_one_of_static_heat(tmp_path: Path) -> None:
    async with running_station(tmp_path) as station:
        decided = station.stub.WatchTracks(ground_station_pb2.WatchTracksRequest())
        everything = station.stub.WatchTracks(ground_station_pb2.WatchTracksRequest(include_tentative=True))
        for call in (decided, everything):
            await call.initial_metadata()
        await send_everything(station)
        first = (await asyncio.wait_for(everything.read(), 20)).track
        assert first.state == track_pb2.TRACK_STATE_TENTATIVE
        classes: set[int] = set()
        while classes != {track_pb2.TARGET_CLASS_BALLISTIC, track_pb2.TARGET_CLASS_STATIC_HEAT}:
            track = (await asyncio.wait_for(decided.read(), 20)).track
            assert track.state != track_pb2.TRACK_STATE_TENTATIVE
            assert track.HasField("kinematic") != track.HasField("image_plane")
            classes.add(track.target_class)
            classes.discard(track_pb2.TARGET_CLASS_UNKNOWN)
        decided.cancel()
        everything.cancel()
