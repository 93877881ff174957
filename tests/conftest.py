"""Fixtures every room's tests share."""

import logging
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
import structlog

if TYPE_CHECKING:
    from services.runtime.broker import Kind, RunningBroker

REPOSITORY = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of recorded imagery and element sets that a checkout may have beside it.

    The product never needs it; a test that does is skipped where the folder is missing.
    """
    folder = Path(os.environ.get("PLUMEWATCH_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("no recorded data: set PLUMEWATCH_SHARED_DATA to a folder that has it")
    return folder


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """Undo what a command that was called within a test did to the logs: they would go to its closed stderr."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


@pytest.fixture(params=["nats-server", "mosquitto"])
def broker_kind(request: pytest.FixtureRequest) -> "Kind":
    """Return each broker that can be started here: nats-server always, mosquitto where it is installed."""
    from services.runtime.broker import find_mosquitto

    kind: Kind = request.param
    if kind == "mosquitto" and find_mosquitto() is None:
        pytest.skip("mosquitto is not installed")
    return kind


@pytest_asyncio.fixture
async def broker(broker_kind: "Kind") -> AsyncIterator["RunningBroker"]:
    """Return a real broker of each kind, on a free port, that ends with the test."""
    from services.runtime.broker import running_broker

    async with running_broker(port=0, kind=broker_kind) as running:
        yield running
