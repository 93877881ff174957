"""A stream that is refused learns why from the status's details, not from its text alone."""

from pathlib import Path

import grpc.aio
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from tests.ground_station.station_ends import Sender, frame, running_station


def reason_of(error: grpc.aio.AioRpcError) -> str:
    """Return the reason in the error's google.rpc.ErrorInfo."""
    status = rpc_status.from_call(error)
    assert status is not None, "the status has no details"
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert info.domain == "plumewatch"
    return str(info.reason)


async def test_metadata_that_is_no_id_is_refused_with_details(tmp_path: Path) -> None:
    async with running_station(tmp_path) as station:
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await Sender(station.channel, satellite_id="no/name").first()
    assert reason_of(ended.value) == "VALUE"


async def test_frame_of_another_satellite_is_refused_with_details(tmp_path: Path) -> None:
    async with running_station(tmp_path) as station:
        sender = Sender(station.channel, satellite_id="sat-2")
        await sender.first()
        await sender.send(frame(0))
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await sender.until(0)
    assert reason_of(ended.value) == "VALUE"
