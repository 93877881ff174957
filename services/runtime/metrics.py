"""Prometheus metrics of one program."""

from prometheus_client import start_http_server

from services.runtime.errors import PortTakenError


def serve_metrics(port: int, host: str = "0.0.0.0") -> None:
    """Serve the process's metrics at `http://host:port/metrics` from a thread; port 0: do not."""
    if port == 0:
        return
    try:
        start_http_server(port, addr=host)
    except OSError as error:
        raise PortTakenError(f"{host}:{port}", "metrics") from error
