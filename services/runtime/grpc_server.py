"""gRPC servers and channels as every program here has them: health, reflection, limits, keepalive, errors."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import NoReturn

import grpc
import grpc.aio
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from grpc_status import rpc_status

from services.runtime.errors import BadInputError, PeerUnavailableError, PlumewatchError, PortTakenError

# A 4096 x 4096 16-bit frame is 32 MiB; twice that leaves room for floats of the same size.
MAX_MESSAGE_BYTES = 64 * 1024 * 1024
_LIMITS = [
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
]
# A peer that vanished without a word is noticed within about 15 s.
_KEEPALIVE = [
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
]
SERVER_OPTIONS = [
    *_LIMITS,
    *_KEEPALIVE,
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    # Two servers on one port would share its connections; a second start must fail instead.
    ("grpc.so_reuseport", 0),
]
CHANNEL_OPTIONS = [
    *_LIMITS,
    *_KEEPALIVE,
    # Our own backoff decides when to try again; gRPC's would grow to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    # Loopback and private addresses never go through a proxy of the environment.
    ("grpc.enable_http_proxy", 0),
]
ERROR_DOMAIN = "plumewatch"


async def start_server(
    server: grpc.aio.Server, address: str, service_full_names: Sequence[str]
) -> tuple[int, health.aio.HealthServicer]:
    """Start `server` on `address` with health and reflection; return its port and the health service.

    service_full_names: such as `plumewatch.v1.NetworkService`; their health, and that of the whole server (""), is
    SERVING from here on. Port 0 lets the system choose. Raises PortTakenError.
    """
    servicer = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    names = (*service_full_names, health.SERVICE_NAME, reflection.SERVICE_NAME)
    reflection.enable_server_reflection(names, server)
    try:
        port = server.add_insecure_port(address)
    except RuntimeError as error:
        raise PortTakenError(address, service_full_names[0]) from error
    await server.start()
    for name in ("", *service_full_names):
        await servicer.set(name, health_pb2.HealthCheckResponse.SERVING)
    return int(port), servicer


async def drain(server: grpc.aio.Server, servicer: health.aio.HealthServicer, grace_s: float) -> None:
    """Say NOT_SERVING, refuse new calls, give open ones `grace_s` to end, then cancel them."""
    await servicer.enter_graceful_shutdown()
    await server.stop(grace_s)


@asynccontextmanager
async def open_channel(address: str) -> AsyncIterator[grpc.aio.Channel]:
    """Yield a channel to `address` with our limits and keepalive; closed at the end."""
    async with grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS) as channel:
        yield channel


async def wait_until_serving(address: str, service: str = "", timeout_s: float = 30.0) -> bool:
    """Return whether `service` at `address` came to say SERVING within `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    async with open_channel(address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        while (left_s := deadline - time.monotonic()) > 0:
            try:
                response = await stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=min(left_s, 2.0))
                if response.status == health_pb2.HealthCheckResponse.SERVING:
                    return True
            except grpc.aio.AioRpcError:
                pass
            await asyncio.sleep(min(0.1, max(left_s, 0.0)))
    return False


def status_code(error: Exception) -> grpc.StatusCode:
    """Return the status code that tells a client about `error`."""
    match error:
        case PeerUnavailableError():
            return grpc.StatusCode.UNAVAILABLE
        case LookupError():
            return grpc.StatusCode.NOT_FOUND
        case BadInputError() | ValueError() | TypeError():
            return grpc.StatusCode.INVALID_ARGUMENT
        case PlumewatchError():
            return grpc.StatusCode.FAILED_PRECONDITION
        case _:
            return grpc.StatusCode.INTERNAL


async def abort_with(
    context: grpc.aio.ServicerContext[object, object], error: Exception, metadata: dict[str, str] | None = None
) -> NoReturn:
    """End the call with the status that fits `error`, its message, and ErrorInfo with its type and `metadata`."""
    code = status_code(error)
    message = str(error.args[0]) if isinstance(error, LookupError) and error.args else str(error)
    status = status_pb2.Status(code=code.value[0], message=message)
    info = error_details_pb2.ErrorInfo(reason=type(error).__name__, domain=ERROR_DOMAIN, metadata=metadata or {})
    status.details.add().Pack(info)
    encoded = rpc_status.to_status(status)
    await context.abort(code, message, encoded.trailing_metadata)
    raise AssertionError("abort returns by raising")
