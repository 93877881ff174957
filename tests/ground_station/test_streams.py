"""Streams of frames over real sockets: what is taken, acknowledged, refused, and where a second one goes on."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import numpy as np
import pytest

from plumewatch.v1 import downlink_pb2, frame_pb2, ground_station_pb2
from services.ground_station.server import ARCHIVE_FILE
from tests.ground_station.station_ends import (
    PERIOD_NS,
    START_UNIX_NS,
    Sender,
    StationClient,
    frame,
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
    "pixel_compression is 9": {"pixel_compression": 9},
    "pixels are no zstd frame": {"pixel_compression": frame_pb2.PIXEL_COMPRESSION_ZSTD},
    "compressed pixels state": {"pixel_compression": frame_pb2.PIXEL_COMPRESSION_ZSTD, "rows": 1 << 31},
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


async def test_many_satellites_send_at_once(tmp_path: Path) -> None:
    async with running_station(tmp_path) as station:
        names = [f"sat-{k}" for k in range(12)]
        messages = {name: [frame(k, satellite_id=name) for k in range(6)] for name in names}
        address = f"127.0.0.1:{station.port}"
        losses = await asyncio.gather(*(send_all(address, name, messages[name], "DownlinkFrames") for name in names))
        assert not any(losses)
        response = await station.stub.GetStatus(ground_station_pb2.GetStatusRequest())
        assert [s.frames_committed for s in response.satellites] == [6] * 12
