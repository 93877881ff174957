"""Addresses on this machine at which the parts of the chain listen."""

import errno
import socket
from dataclasses import dataclass

from services.runtime.errors import PlumewatchError

HOST = "127.0.0.1"
BROKER = "MQTT broker"


class AddressTakenError(PlumewatchError):
    """A port of the chain is taken before the chain starts."""

    def __init__(self, service: str, port: int, remedy: str = "") -> None:
        super().__init__(
            f"{service}: port {port} of {HOST} is taken; stop what listens there, {remedy}or let the system choose "
            "ports with --port-base 0"
        )
        self.port = port


@dataclass(frozen=True)
class Ports:
    """One port for each server of the chain."""

    relay: int = 50051
    station: int = 50052
    broker: int = 1883

    @property
    def relay_address(self) -> str:
        """Where satellites connect."""
        return f"{HOST}:{self.relay}"

    @property
    def station_address(self) -> str:
        """Where gRPC clients of the ground station connect."""
        return f"{HOST}:{self.station}"


def choose_ports(base: int | None, with_broker: bool) -> Ports:
    """Return ports that are free now: the usual ones, `base` and the two after it, or (base 0) any.

    with_broker: whether the chain brings a broker of its own. Raises AddressTakenError.
    """
    if base == 0:
        return Ports(*_any_free(3))
    ports = Ports() if base is None else Ports(base, base + 1, base + 2)
    wanted = {"relay": ports.relay, "ground station": ports.station}
    if with_broker:
        wanted[BROKER] = ports.broker
    for service, port in wanted.items():
        if not _is_free(port):
            # Most likely a broker that the system runs already.
            remedy = f"use it with --broker mqtt://{HOST}:{port} if it is a broker, " if service == BROKER else ""
            raise AddressTakenError(service, port, remedy)
    return ports


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # A port whose last connections are still winding down can be listened on; one with a listener cannot.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen(1)
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True


def _any_free(count: int) -> list[int]:
    """Return different ports that are free; all are held until all are known."""
    probes = [socket.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in range(count)]
    try:
        for probe in probes:
            probe.bind((HOST, 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()
