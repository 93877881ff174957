"""A satellite that is stopped: its account is written, and what failed meanwhile is told."""

import asyncio
import json
from pathlib import Path

import pytest

from sat_emulator.downlink.config import DownlinkConfig
from sat_emulator.downlink.program import stream
from sat_emulator.downlink.sender import Sender
from services.scenario.model import Scenario, Train
from tests.sat_emulator.downlink.receiver import Receiver, Source, serving

SCENARIO = Scenario("stopped", train=Train())


async def test_stopped_satellite_writes_its_account(tmp_path: Path) -> None:
    stop, report = asyncio.Event(), tmp_path / "report.json"
    receiver = Receiver()
    async with serving(receiver) as port:
        config = DownlinkConfig("sat-1", f"127.0.0.1:{port}", report=report)
        running = asyncio.create_task(stream(config, SCENARIO, lambda: Source(10_000), stop))
        await receiver.until(frames=3)
        stop.set()
        assert await running == 0
    assert json.loads(report.read_text())["sent"] >= 3


async def test_sender_that_fails_while_stopping_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stop, report, began = asyncio.Event(), tmp_path / "report.json", asyncio.Event()

    async def run(sender: Sender) -> None:
        del sender
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            raise OSError("the link could not be closed")

    monkeypatch.setattr(Sender, "run", run)
    config = DownlinkConfig("sat-1", "127.0.0.1:1", report=report)
    running = asyncio.create_task(stream(config, SCENARIO, lambda: Source(3), stop))
    await began.wait()
    stop.set()
    with pytest.raises(OSError, match="the link could not be closed"):
        await running
    assert json.loads(report.read_text())["lost"] == {"unacknowledged": 3}
