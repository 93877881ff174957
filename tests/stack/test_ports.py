import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from services.stack.ports import AddressTakenError, choose_ports


@contextmanager
def _taken(free_below: int) -> Iterator[int]:
    """Yield a port with a listener whose neighbours below are free."""
    for _ in range(100):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen(1)
            port = int(taken.getsockname()[1])
            if all(_can_listen(port - below) for below in range(1, free_below + 1)):
                yield port
                return
    raise AssertionError("no port with free neighbours")


def _can_listen(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def test_taken_port_is_named_with_the_remedy() -> None:
    with (
        _taken(free_below=1) as port,
        pytest.raises(AddressTakenError, match=rf"ground station: port {port} .* --port-base 0"),
    ):
        choose_ports(port - 1, with_broker=True)


def test_brokers_port_does_not_matter_where_the_broker_is_somebody_elses() -> None:
    with _taken(free_below=2) as port:
        assert choose_ports(port - 2, with_broker=False).broker == port
        remedy = rf"MQTT broker: port {port} .* use it with --broker mqtt://127.0.0.1:{port} if it is a broker"
        with pytest.raises(AddressTakenError, match=remedy):
            choose_ports(port - 2, with_broker=True)


def test_base_zero_gives_three_different_ports_that_are_free() -> None:
    ports = choose_ports(0, with_broker=True)
    assert len({ports.relay, ports.station, ports.broker}) == 3
    assert all(_can_listen(port) for port in (ports.relay, ports.station, ports.broker))
