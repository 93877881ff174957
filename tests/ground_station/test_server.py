"""A ground station over real sockets: what it takes, acknowledges, finds, tells and remembers."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import numpy as np
import pytest

from plumewatch.v1 import alert_pb2, downlink_pb2, frame_pb2, ground_station_pb2, track_pb2
from services.ground_station.server import ARCHIVE_FILE
from services.runtime.errors import PortTakenError
from services.runtime.grpc_server import open_channel
from tests.ground_station.station_ends import (
    PERIOD_NS,
    START_UNIX_NS,
    Sender,
    StationClient,
    by_satellite,
    frame,
    launch_and_fire,
    noise,
    running_station,
    send_all,
    with_points,
)

REFUSED, SKIPPED = downlink_pb2.LOSS_CAUSE_REFUSED, downlink_pb2.LOSS_CAUSE_SKIPPED


async def status_of(station: StationClient, satellite: int = 0) -> ground_station_pb2.SatelliteStatus:
    response = await station.stub.GetStatus(ground_station_pb2.GetStatusRequest())
    found: ground_station_pb2.SatelliteStatus = response.satellites[satellite]
    return found


async def test_frames_are_acknowledged_once_their_detections_are_on_disk(tmp_path: Path) -> None:
    async with running_station(tmp_path) as station:
        sender = Sender(station.channel)
        assert await sender.first() == -1
        for sequence in range(3):
            await sender.send(frame(sequence))
            await sender.until(sequence)
            with sqlite3.connect(tmp_path / ARCHIVE_FILE) as archive:
                (batches,) = archive.execute("SELECT count(*) FROM batches").fetchone()
            archive.close()
            assert batches == sequence + 1
        await sender.finish()
        status = await status_of(station)
        assert (status.frames_committed, status.acknowledged_sequence, len(status.losses)) == (3, 2, 0)
        assert status.detection_p50_s > 0


async def test_hot_points_are_found_where_they_are(tmp_path: Path) -> None:
    async with running_station(tmp_path) as station:
        watching = station.stub.WatchDetections(ground_station_pb2.WatchDetectionsRequest())
        await watching.initial_metadata()
        sender = Sender(station.channel)
        await sender.first()
        image = with_points(noise(), [(30.25, 60.5, 900.0), (70.0, 20.75, 500.0)])
        await sender.send(frame(0, image, camera=frame_pb2.CameraModel(psf_sigma_px=0.7)))
        response = await asyncio.wait_for(watching.read(), 20)
        found = [(hot.row, hot.column) for hot in response.batch.detections]
        np.testing.assert_allclose(found, [(30.25, 60.5), (70.0, 20.75)], atol=0.15)
        assert response.batch.trace_id == "0" * 32
        watching.cancel()


async def test_second_stream_goes_on_after_the_last_settled_and_repeats_are_dropped(tmp_path: Path) -> None:
    async with running_station(tmp_path) as station:
        first = Sender(station.channel)
        await first.first()
        await first.send(*(frame(k) for k in range(4)))
        await first.until(3)
        first.call.cancel()
        second = Sender(station.channel)
        assert await second.first() == 3
        await second.send(frame(2), frame(3), frame(4))
        await second.until(4)
        await second.finish()
        status = await status_of(station)
        assert (status.frames_committed, status.frames_repeated) == (5, 2)


async def test_newer_stream_ends_the_older_and_gets_all_that_it_handed_over(tmp_path: Path) -> None:
    async with running_station(tmp_path) as station:
        older = Sender(station.channel)
        await older.first()
        await older.send(*(frame(k) for k in range(3)))
        newer = Sender(station.channel)
        acknowledged = await newer.first()
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await older.until(99)
        assert ended.value.code() == grpc.StatusCode.ABORTED
        await newer.send(*(frame(k) for k in range(acknowledged + 1, 5)))
        await newer.until(4)
        assert (await status_of(station)).frames_committed == 5


BAD_FRAMES: dict[str, dict[str, Any]] = {
    "pixels has": {"pixels": b"\0" * 77},
    "position_gcrs_m is (nan": {"position_gcrs_m": frame_pb2.Vector3(x=float("nan"))},
    "is not later than the newest accepted": {
        "exposure_start_unix_ns": START_UNIX_NS - 10 * PERIOD_NS,
        "readout_end_unix_ns": START_UNIX_NS - 9 * PERIOD_NS,
    },
    "pixel_encoding is 0": {"pixel_encoding": None},
}


@pytest.mark.parametrize("says", BAD_FRAMES)
async def test_bad_frame_is_refused_by_name_and_the_stream_goes_on(tmp_path: Path, says: str) -> None:
    async with running_station(tmp_path) as station:
        sender = Sender(station.channel)
        await sender.first()
        await sender.send(frame(0), frame(1, **BAD_FRAMES[says]), frame(2))
        await sender.until(2)
        await sender.finish()
        (loss,) = sender.losses
        assert (loss.first_sequence, loss.last_sequence, loss.cause, loss.node) == (1, 1, REFUSED, "station-1")
        assert says in loss.detail
        assert (await status_of(station)).frames_committed == 2


async def test_message_that_is_no_frame_is_refused_in_the_place_of_the_next(tmp_path: Path) -> None:
    async with running_station(tmp_path) as station:
        sender = Sender(station.channel)
        await sender.first()
        await sender.send(frame(0), b"\xff\xff\xff", frame(2))
        await sender.until(2)
        (loss,) = sender.losses
        assert (loss.first_sequence, loss.cause) == (1, REFUSED)
        assert "3 bytes are no Frame" in loss.detail


async def test_gap_is_told_and_kept_over_a_restart(tmp_path: Path) -> None:
    async with running_station(tmp_path) as station:
        sender = Sender(station.channel)
        await sender.first()
        await sender.send(frame(0), frame(3))
        await sender.until(3)
        assert [(loss.first_sequence, loss.last_sequence, loss.cause) for loss in sender.losses] == [(1, 2, SKIPPED)]
    async with running_station(tmp_path) as station:
        assert len((await status_of(station)).losses) == 1
        sender = Sender(station.channel)
        assert await sender.first() == 3
        # A sender that was cut off before it heard of the loss hears of it now.
        assert [(loss.first_sequence, loss.last_sequence) for loss in sender.losses] == [(1, 2)]


async def test_frames_may_change_size_and_type(tmp_path: Path) -> None:
    async with running_station(tmp_path) as station:
        sender = Sender(station.channel)
        await sender.first()
        sizes = [(96, 128, "uint16"), (200, 64, "uint8"), (64, 300, "float32"), (3, 2, "uint16"), (96, 128, "uint16")]
        for sequence, (rows, columns, dtype) in enumerate(sizes):
            await sender.send(frame(sequence, noise(rows, columns, dtype=dtype)))
        await sender.until(4)
        assert sender.losses == []


async def test_frame_that_cannot_be_searched_is_committed_with_its_reason(tmp_path: Path) -> None:
    async with running_station(tmp_path) as station:
        watching = station.stub.WatchDetections(ground_station_pb2.WatchDetectionsRequest())
        await watching.initial_metadata()
        sender = Sender(station.channel)
        await sender.first()
        await sender.send(
            frame(0, np.full((96, 128), np.nan, dtype=np.float32)), frame(1, np.full((96, 128), 7, "uint16"))
        )
        reasons = [(await asyncio.wait_for(watching.read(), 20)).batch.reason for _ in range(2)]
        assert reasons == ["NOT_FINITE", "CONSTANT"]
        watching.cancel()


@pytest.mark.parametrize("metadata", [{"satellite_id": "no/name"}, {"run_id": ""}])
async def test_metadata_that_are_no_ids_are_refused(tmp_path: Path, metadata: dict[str, str]) -> None:
    async with running_station(tmp_path) as station:
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await Sender(station.channel, **metadata).first()
        assert ended.value.code() == grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize("metadata", [{"satellite_id": "sat-2"}, {"run_id": "run-2"}])
async def test_frame_of_another_satellite_or_run_ends_the_stream(tmp_path: Path, metadata: dict[str, str]) -> None:
    async with running_station(tmp_path) as station:
        sender = Sender(station.channel, **metadata)
        await sender.first()
        await sender.send(frame(0))
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await sender.until(0)
        assert ended.value.code() == grpc.StatusCode.INVALID_ARGUMENT


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


async def test_quick_looks_are_reduced_and_paced(tmp_path: Path) -> None:
    async with running_station(tmp_path) as station:
        watching = station.stub.WatchFrames(ground_station_pb2.WatchFramesRequest(satellite_ids=["sat-1"]))
        await watching.initial_metadata()
        sender = Sender(station.channel)
        await sender.first()
        image = with_points(noise(1030, 600), [(500.0, 300.0, 3000.0)])
        await sender.send(frame(0, image), frame(1, image))
        picture = await asyncio.wait_for(watching.read(), 20)
        assert (picture.rows, picture.columns, picture.reduction) == (344, 200, 3)
        pixels = np.frombuffer(picture.pixels, np.uint8).reshape(344, 200)
        low, high = np.percentile(image, (1, 99.9))
        squares = [[image[r : r + 3, c : c + 3].max() for c in range(0, 600, 3)] for r in range(0, 1030, 3)]
        np.testing.assert_allclose(pixels, np.clip((np.array(squares) - low) / (high - low) * 255, 0, 255), atol=1)
        await sender.until(1)
        with pytest.raises(TimeoutError):
            # The second frame came within a second of the first.
            await asyncio.wait_for(watching.read(), 0.3)
        watching.cancel()


async def test_quiet_run_ends_its_open_events(tmp_path: Path) -> None:
    async with running_station(tmp_path, quiet_run_s=0.3) as station, watched_alerts(station) as read:
        await send_everything(station)
        while (alert := await read()).state != alert_pb2.ALERT_STATE_ENDED:
            pass
        assert "No frames" in alert.reason


async def test_stop_settles_what_was_handed_over_and_refuses_the_rest(tmp_path: Path) -> None:
    async with running_station(tmp_path) as station:
        sender = Sender(station.channel)
        await sender.first()
        await sender.send(*(frame(k) for k in range(3)))
        await sender.until(2)
        station.stop.set()
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await sender.until(99)
        assert ended.value.code() == grpc.StatusCode.UNAVAILABLE
    async with running_station(tmp_path) as station:
        assert await Sender(station.channel).first() == 2


async def test_taken_port_is_named(tmp_path: Path) -> None:
    async with running_station(tmp_path / "one") as station:
        with pytest.raises(PortTakenError, match=str(station.port)):
            async with running_station(tmp_path / "two", listen=f"127.0.0.1:{station.port}"):
                pass


async def test_many_satellites_send_at_once(tmp_path: Path) -> None:
    async with running_station(tmp_path) as station:
        names = [f"sat-{k}" for k in range(12)]
        messages = {name: [frame(k, satellite_id=name) for k in range(6)] for name in names}
        address = f"127.0.0.1:{station.port}"
        losses = await asyncio.gather(*(send_all(address, name, messages[name], "DownlinkFrames") for name in names))
        assert not any(losses)
        response = await station.stub.GetStatus(ground_station_pb2.GetStatusRequest())
        assert [s.frames_committed for s in response.satellites] == [6] * 12


async def test_health_and_reflection_answer(tmp_path: Path) -> None:
    from grpc_health.v1 import health_pb2, health_pb2_grpc
    from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

    async with running_station(tmp_path) as station, open_channel(f"127.0.0.1:{station.port}") as channel:
        for name in ("", "plumewatch.v1.GroundStationService", "plumewatch.v1.FrameDownlinkService"):
            answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=name))
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        async for response in stub.ServerReflectionInfo(iter([request])):
            names = {service.name for service in response.list_services_response.service}
            break
        assert {"plumewatch.v1.GroundStationService", "plumewatch.v1.FrameDownlinkService"} <= names
