"""A real broker for every test that asks for one: nats-server always, mosquitto where it is installed."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from services.runtime.broker import Kind, RunningBroker, find_mosquitto, running_broker


@pytest.fixture(params=["nats-server", "mosquitto"])
def broker_kind(request: pytest.FixtureRequest) -> Kind:
    kind: Kind = request.param
    if kind == "mosquitto" and find_mosquitto() is None:
        pytest.skip("mosquitto is not installed")
    return kind


@pytest_asyncio.fixture
async def broker(broker_kind: Kind) -> AsyncIterator[RunningBroker]:
    """Return a broker of each kind, on a free port, that ends with the test."""
    async with running_broker(port=0, kind=broker_kind) as running:
        yield running
