"""Fixtures every room's tests share."""

import os
from pathlib import Path

import pytest

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
