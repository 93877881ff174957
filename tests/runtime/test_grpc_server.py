"""Real servers on real sockets: health, reflection, taken ports, draining, rich errors."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.rpc import error_details_pb2
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_status import rpc_status

from plumewatch.v1 import network_pb2, network_pb2_grpc
from services.runtime.errors import BadInputError, PeerUnavailableError, PlumewatchError, PortTakenError
from services.runtime.grpc_server import (
    SERVER_OPTIONS,
    abort_with,
    drain,
    open_channel,
    start_server,
    status_of,
    wait_until_serving,
)

SERVICE = "plumewatch.v1.NetworkService"


class Network(network_pb2_grpc.NetworkServiceServicer):
    """Answers one method with an error, another with an endless stream."""

    async def GetClock(self, _request: Any, context: Any) -> Any:  # noqa: N802
        await abort_with(context, BadInputError("frame.png", "is cut off after 10 of 20 bytes; record it again"))

    async def GetRoute(self, _request: Any, context: Any) -> Any:  # noqa: N802
        await abort_with(context, KeyError("satellite sat-9 is not in this constellation"))

    async def WatchLinks(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        while True:
            yield network_pb2.WatchLinksResponse()
            await asyncio.sleep(3600)


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[tuple[str, grpc.aio.Server, health.aio.HealthServicer]]:
    server = grpc.aio.server(options=SERVER_OPTIONS)
    network_pb2_grpc.add_NetworkServiceServicer_to_server(Network(), server)  # type: ignore[no-untyped-call]
    port, servicer = await start_server(server, "127.0.0.1:0", [SERVICE])
    try:
        yield f"127.0.0.1:{port}", server, servicer
    finally:
        await server.stop(0)


async def test_started_server_says_that_it_serves() -> None:
    async with serving() as (address, _, _):
        assert await wait_until_serving(address, SERVICE, 5.0)
        assert await wait_until_serving(address, "", 5.0)


async def test_waiting_for_nobody_ends_in_time() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
        assert not await asyncio.wait_for(wait_until_serving(address, SERVICE, 0.3), 3.0)


async def test_unknown_service_is_not_serving() -> None:
    async with serving() as (address, _, _):
        assert not await wait_until_serving(address, "plumewatch.v1.NoSuchService", 0.3)


async def test_server_that_comes_late_is_found() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    waiting = asyncio.create_task(wait_until_serving(address, "", 10.0))
    # The first try meets a closed port before there is a server.
    await asyncio.sleep(0.1)
    server = grpc.aio.server(options=SERVER_OPTIONS)
    await start_server(server, address, [SERVICE])
    assert await waiting
    await server.stop(0)


async def test_second_server_on_a_port_is_told_that_it_is_taken() -> None:
    async with serving() as (address, _, _):
        second = grpc.aio.server(options=SERVER_OPTIONS)
        with pytest.raises(PortTakenError, match=f"cannot listen on {address}: the port is taken"):
            await start_server(second, address, [SERVICE])
        await second.stop(0)


@pytest.mark.parametrize(
    ("address", "remedy"), [("127.0.0.1", "write host:port"), ("203.0.113.7:50051", "one of this machine's")]
)
async def test_address_that_cannot_be_had_is_explained(address: str, remedy: str) -> None:
    server = grpc.aio.server(options=SERVER_OPTIONS)
    with pytest.raises(PlumewatchError, match=remedy):
        await start_server(server, address, [SERVICE])
    await server.stop(0)


async def test_reflection_lists_the_services_and_their_files() -> None:
    async with serving() as (address, _, _), open_channel(address) as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        call = stub.ServerReflectionInfo()
        await call.write(reflection_pb2.ServerReflectionRequest(list_services=""))
        names = {service.name for service in (await call.read()).list_services_response.service}
        assert {SERVICE, "grpc.health.v1.Health"} <= names
        await call.write(reflection_pb2.ServerReflectionRequest(file_containing_symbol=SERVICE))
        files = (await call.read()).file_descriptor_response.file_descriptor_proto
        await call.done_writing()
        assert "plumewatch/v1/network.proto" in {FileDescriptorProto.FromString(file).name for file in files}


async def test_draining_tells_watchers_and_ends_open_calls() -> None:
    async with serving() as (address, server, servicer), open_channel(address) as channel:
        stub: Any = network_pb2_grpc.NetworkServiceStub(channel)  # type: ignore[no-untyped-call]
        call = stub.WatchLinks(network_pb2.WatchLinksRequest())
        await call.read()
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service=SERVICE))
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
        draining = asyncio.create_task(drain(server, servicer, 0.2))
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
        await asyncio.wait_for(draining, 3.0)
        with pytest.raises((grpc.aio.AioRpcError, asyncio.CancelledError)):
            await call.read()


async def test_our_errors_arrive_with_kind_and_facts() -> None:
    async with serving() as (address, _, _), open_channel(address) as channel:
        stub: Any = network_pb2_grpc.NetworkServiceStub(channel)  # type: ignore[no-untyped-call]
        call = stub.GetClock(network_pb2.GetClockRequest())
        assert await call.code() is grpc.StatusCode.INVALID_ARGUMENT
        status = await rpc_status.aio.from_call(call)
        info = error_details_pb2.ErrorInfo()
        assert status.details[0].Unpack(info)
        assert (info.reason, info.domain) == ("BAD_INPUT", "plumewatch")
        assert info.metadata["path"] == "frame.png"


async def test_what_does_not_exist_is_not_found() -> None:
    async with serving() as (address, _, _), open_channel(address) as channel:
        stub: Any = network_pb2_grpc.NetworkServiceStub(channel)  # type: ignore[no-untyped-call]
        with pytest.raises(grpc.aio.AioRpcError, match="sat-9 is not in this constellation") as caught:
            await stub.GetRoute(network_pb2.GetRouteRequest())
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ValueError("row is -1"), grpc.StatusCode.INVALID_ARGUMENT),
        (PeerUnavailableError("the relay", "127.0.0.1:1", "start it"), grpc.StatusCode.UNAVAILABLE),
        (PlumewatchError("cannot"), grpc.StatusCode.FAILED_PRECONDITION),
        (ZeroDivisionError("secret"), grpc.StatusCode.INTERNAL),
    ],
)
def test_each_error_has_its_code(error: Exception, code: grpc.StatusCode) -> None:
    assert status_of(error).code == code.value[0]


def test_defects_do_not_leak_their_text() -> None:
    assert "secret" not in status_of(ZeroDivisionError("secret")).message
