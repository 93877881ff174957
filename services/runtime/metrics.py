"""A program's counters for Prometheus."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import start_http_server

from services.runtime.errors import PlumewatchError, PortTakenError


class MetricsServer:
    """Serves `/metrics` from a thread of its own until closed. port: what it listens on."""

    def __init__(self, port: int, address: str) -> None:
        try:
            self._server, self._thread = start_http_server(port, addr=address)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise PortTakenError(f"{address}:{port}", "the metrics server") from error
            raise PlumewatchError(f"the metrics server cannot listen on {address}:{port}: {error.strerror}") from error
        self.port: int = self._server.server_port

    def close(self) -> None:
        """Stop serving and free the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def serve_metrics(port: int, address: str = "0.0.0.0") -> MetricsServer:
    """Serve this process's counters, gauges and histograms at http://address:port/metrics.

    All interfaces by default: a scraper is on another machine or in another container. port 0 takes any free one.
    Raises PortTakenError.
    """
    return MetricsServer(port, address)


@contextmanager
def metrics_served(port: int) -> Iterator[MetricsServer | None]:
    """Serve metrics within the block; port 0: not at all."""
    server = serve_metrics(port) if port else None
    try:
        yield server
    finally:
        if server is not None:
            server.close()
