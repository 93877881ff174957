"""Benchmarks of the network: all are parts of `make bench`, and count what they say."""

from pathlib import Path

import pytest

from bench.network import channel, routes
from services.stack.bench import PARTS
from tests.relay.sky import real_constellation


def test_every_measurement_is_a_part() -> None:
    folder = Path(channel.__file__).parent
    measured = {path.stem for path in folder.glob("*.py") if "\ndef run(" in path.read_text(encoding="utf-8")}
    assert {"channel", "motion", "refresh", "routes"} <= measured
    assert {f"bench.network.{name}" for name in measured} <= {part.module for part in PARTS.values()}


def test_channel_has_a_line_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "FRAMES", 120)
    figures = channel.run(rounds=1)
    assert figures["jitter 1 ms"]["delay_p99_ms"] > figures["nothing by chance"]["delay_p99_ms"]
    assert all(row["us_a_frame_15_legs"] > 0 for row in figures.values())
    lines = channel.table(figures).splitlines()
    assert [line[:34].strip() for line in lines[2:]] == list(channel.SETTINGS)


def test_messages_with_a_path_left_after_a_cut_arrive() -> None:
    constellation = real_constellation()
    figures = [routes.cut(constellation, seed) for seed in range(3)]
    for each in figures:
        assert each["messages"] == len(constellation.satellites) * len(routes.MESSAGE_BYTES) * len(routes.ON_THE_WAY)
        assert each["messages_arrived"] == each["messages_with_a_path_left"] <= each["messages"]
    assert any(each["messages_cut_off"] for each in figures)
