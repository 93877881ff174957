"""Counters can be scraped, and a taken port is named."""

from urllib.request import urlopen

import pytest
from prometheus_client import Counter

from services.runtime.errors import PortTakenError
from services.runtime.metrics import metrics_served, serve_metrics


def test_counter_can_be_scraped_until_the_server_closes() -> None:
    counter = Counter("plumewatch_test_things", "Things, counted")
    counter.inc(3)
    server = serve_metrics(0, "127.0.0.1")
    try:
        with urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=5) as answer:
            assert "plumewatch_test_things_total 3.0" in answer.read().decode()
    finally:
        server.close()
    # The port is free again.
    serve_metrics(server.port, "127.0.0.1").close()


def test_taken_port_is_named() -> None:
    server = serve_metrics(0, "127.0.0.1")
    try:
        with pytest.raises(PortTakenError, match=f"metrics server cannot listen on 127.0.0.1:{server.port}"):
            serve_metrics(server.port, "127.0.0.1")
    finally:
        server.close()


def test_port_nought_serves_nothing() -> None:
    with metrics_served(0) as server:
        assert server is None
