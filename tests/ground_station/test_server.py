"""The ground station as a server: quick-looks, health, reflection, its port and its end."""

import asyncio
from pathlib import Path

import grpc
import grpc.aio
import numpy as np
import pytest

from plumewatch.v1 import ground_station_pb2
from services.runtime.errors import PortTakenError
from services.runtime.grpc_server import open_channel
from tests.ground_station.station_ends import (
    Sender,
    frame,
    noise,
    running_station,
    with_points,
)


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
