"""gRPC once for all programs: options, health, reflection, draining, and our errors as rich statuses."""

import asyncio
import errno
import socket
import time
from collections.abc import Iterable
from typing import Any, NoReturn

import grpc
import grpc.aio
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from grpc_status import rpc_status

from services.runtime.backoff import Backoff
from services.runtime.configuration import ConfigurationError
from services.runtime.errors import BadInputError, PeerUnavailableError, PlumewatchError, PortTakenError

# The largest frame is 4096 x 4096 float32, 64 MiB, and its message a little more; bytes.
MESSAGE_LIMIT = 65 << 20
# A dead peer is noticed after keepalive time + timeout; milliseconds.
KEEPALIVE_TIME_MS = 10_000
KEEPALIVE_TIMEOUT_MS = 5_000
# One try to reach a server, seconds.
TRY_S = 2.0
# The domain of our reasons in google.rpc.ErrorInfo.
DOMAIN = "plumewatch"

_BOTH_ENDS = (
    ("grpc.max_receive_message_length", MESSAGE_LIMIT),
    ("grpc.max_send_message_length", MESSAGE_LIMIT),
    ("grpc.keepalive_time_ms", KEEPALIVE_TIME_MS),
    ("grpc.keepalive_timeout_ms", KEEPALIVE_TIMEOUT_MS),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
)
SERVER_OPTIONS: tuple[tuple[str, int], ...] = (
    *_BOTH_ENDS,
    # Our clients ping every 10 s; the default of 5 min would call that abuse.
    ("grpc.http2.min_ping_interval_without_data_ms", KEEPALIVE_TIME_MS // 2),
    # Two programs on one port would share its calls; the second must be told that it is taken.
    ("grpc.so_reuseport", 0),
)
CHANNEL_OPTIONS: tuple[tuple[str, int], ...] = (
    *_BOTH_ENDS,
    # A server that restarts is found again at once, not after a minute.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    # Channels of one process share connections by default, and with them one flow-control window.
    ("grpc.use_local_subchannel_pool", 1),
)


def open_channel(address: str) -> grpc.aio.Channel:
    """Return a channel to `host:port`; use it with `async with`. It connects when first used."""
    return grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS)


async def start_server(
    server: grpc.aio.Server, address: str, service_full_names: Iterable[str]
) -> tuple[int, health.aio.HealthServicer]:
    """Add health and reflection to `server`, listen on `host:port` and start it.

    service_full_names: for instance `plumewatch.v1.NetworkService`; each is SERVING, as is the empty name.

    Returns the port (of use where 0 was asked for) and the health servicer, for `drain`.
    Raises PortTakenError, or PlumewatchError for an address that is none of this machine's.
    """
    names = tuple(service_full_names)
    # Without a port gRPC would take 443.
    if not address.startswith("unix:") and not address.rpartition(":")[2].isdecimal():
        raise PlumewatchError(f"{names[0]} cannot listen on {address!r}: write host:port, such as 127.0.0.1:50051")
    servicer = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    reflection.enable_server_reflection((*names, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
    try:
        port = server.add_insecure_port(address)
    except RuntimeError as error:
        raise _cannot_listen(address, names[0]) from error
    await server.start()
    for name in ("", *names):
        await servicer.set(name, health_pb2.HealthCheckResponse.SERVING)
    return port, servicer


async def drain(server: grpc.aio.Server, servicer: health.aio.HealthServicer, grace_s: float) -> None:
    """Say NOT_SERVING, refuse new calls, give open ones `grace_s` to end, then cancel them."""
    await servicer.enter_graceful_shutdown()
    await server.stop(grace_s)


async def wait_until_serving(address: str, service: str, timeout_s: float) -> bool:
    """Return whether `service` at `host:port` says SERVING within `timeout_s`."""
    request = health_pb2.HealthCheckRequest(service=service)
    backoff = Backoff(initial_s=0.05, cap_s=0.5)
    end_s = time.monotonic() + timeout_s
    async with open_channel(address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        while True:
            left_s = max(end_s - time.monotonic(), 0.01)
            try:
                answer = await stub.Check(request, timeout=min(left_s, TRY_S), wait_for_ready=True)
                if answer.status == health_pb2.HealthCheckResponse.SERVING:
                    return True
            except grpc.aio.AioRpcError:
                pass
            left_s = end_s - time.monotonic()
            if left_s <= 0:
                return False
            await asyncio.sleep(min(backoff.next_delay_s(), left_s))


def status_of(error: Exception) -> status_pb2.Status:
    """Return our error as google.rpc.Status: code, message, and an ErrorInfo with its kind and its facts.

    One that is not ours is a defect: INTERNAL, and its text stays here.
    """
    code = _code_of(error)
    if code is grpc.StatusCode.INTERNAL:
        return status_pb2.Status(code=code.value[0], message="internal error; see the server's log")
    facts = {name: str(value) for name, value in vars(error).items() if not name.startswith("_")}
    detail = any_pb2.Any()
    detail.Pack(error_details_pb2.ErrorInfo(reason=_reason(error), domain=DOMAIN, metadata=facts))
    message = str(error.args[0]) if isinstance(error, LookupError) and error.args else str(error)
    return status_pb2.Status(code=code.value[0], message=message, details=[detail])


async def abort_with(context: grpc.aio.ServicerContext[Any, Any], error: Exception) -> NoReturn:
    """End the call with the status of `error`; never returns."""
    status = rpc_status.to_status(status_of(error))
    await context.abort(status.code, status.details, status.trailing_metadata)
    raise AssertionError("abort returned")


def _code_of(error: Exception) -> grpc.StatusCode:
    match error:
        case ConfigurationError() | BadInputError() | ValueError():
            return grpc.StatusCode.INVALID_ARGUMENT
        case PeerUnavailableError():
            return grpc.StatusCode.UNAVAILABLE
        case PlumewatchError():
            return grpc.StatusCode.FAILED_PRECONDITION
        case LookupError():
            return grpc.StatusCode.NOT_FOUND
        case _:
            return grpc.StatusCode.INTERNAL


def _reason(error: Exception) -> str:
    """Return the error's class as ErrorInfo wants reasons: PORT_TAKEN for PortTakenError."""
    name = type(error).__name__.removesuffix("Error")
    return "".join(f"_{letter}" if letter.isupper() and i else letter for i, letter in enumerate(name)).upper()


def _cannot_listen(address: str, service: str) -> PlumewatchError:
    """Return why nothing can listen there; gRPC itself only says that it failed."""
    host, _, port = address.rpartition(":")
    try:
        for family, kind, protocol, _, place in socket.getaddrinfo(
            host.strip("[]") or None, int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        ):
            with socket.socket(family, kind, protocol) as probe:
                probe.bind(place)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return PortTakenError(address, service)
        return PlumewatchError(f"{service} cannot listen on {address}: {error.strerror}; give one of this machine's")
    except (ValueError, OverflowError) as error:
        return PlumewatchError(f"{service} cannot listen on {address}: {error}")
    # The port may have come free in between, or something else holds it in a way that allows a second.
    return PortTakenError(address, service)
