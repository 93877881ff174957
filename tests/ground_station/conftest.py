"""Fixtures of the ground station's tests."""

import pytest

from services.ground_station.alerting import AlertBook, AlertingConfig


@pytest.fixture
def book() -> AlertBook:
    return AlertBook(AlertingConfig(), "station-1")
