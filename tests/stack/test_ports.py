import socket

import pytest

from services.stack.ports import AddressTakenError, choose_ports


def test_taken_port_is_named_with_the_remedy() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        base = taken.getsockname()[1] - 1
        with pytest.raises(AddressTakenError, match=rf"ground station: port {base + 1} .* --port-base 0"):
            choose_ports(base, with_broker=True)


def test_brokers_port_does_not_matter_where_the_broker_is_somebody_elses() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        base = taken.getsockname()[1] - 2
        assert choose_ports(base, with_broker=False).broker == base + 2
        with pytest.raises(
            AddressTakenError,
            match=r"MQTT broker: port \d+ .* use it with --broker mqtt://127.0.0.1:\d+ if it is a broker",
        ):
            choose_ports(base, with_broker=True)


def test_base_zero_gives_three_different_free_ports() -> None:
    ports = choose_ports(0, with_broker=True)
    assert len({ports.relay, ports.station, ports.broker}) == 3
    assert choose_ports(ports.relay, with_broker=False).relay == ports.relay
