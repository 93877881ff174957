"""What a running relay tells of its network, and that asking holds nobody up."""

import asyncio
import dataclasses
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from structlog.testing import capture_logs

from plumewatch.v1 import network_pb2
from services.relay import server
from services.relay.network.constellation import Constellation
from services.relay.network.faults import FaultBook
from services.relay.network.routing import Router
from services.relay.network_messages import topology_message
from services.scenario.tle import TleProblem
from tests.relay.network_ends import links, opened, running_relay, running_station, small_scenario
from tests.relay.sky import START_UNIX_NS, ring


def shells_told(constellation: Constellation) -> dict[str, tuple[str, bool]]:
    """Return of each relay satellite the shell that the topology names, and whether it has a plane."""
    topology = topology_message(Router(constellation, FaultBook()), START_UNIX_NS, include_mesh=True)
    relays = (node for node in topology.nodes if node.kind == network_pb2.NODE_KIND_RELAY_SATELLITE)
    return {node.node: (node.shell, node.HasField("plane")) for node in relays}


def test_satellite_in_no_shell_is_told_without_one() -> None:
    constellation = ring()
    mesh = constellation.mesh
    shell, plane = mesh.shell.copy(), mesh.plane.copy()
    shell[3] = plane[3] = -1
    joined = mesh.links[~np.any(mesh.links == 3, axis=1)]
    stray = dataclasses.replace(mesh, shell=shell, plane=plane, links=joined)
    told = shells_told(dataclasses.replace(constellation, mesh=stray))
    assert told.pop("ring-3") == ("", False)
    assert set(told.values()) == {("ring", True)}


def test_constellation_without_any_shell_has_a_topology() -> None:
    constellation = ring()
    none = np.full(len(constellation.mesh.names), -1, dtype=np.int32)
    strays = dataclasses.replace(
        constellation.mesh, shells=(), shell=none, plane=none, links=np.empty((0, 2), dtype=np.int32)
    )
    assert set(shells_told(dataclasses.replace(constellation, mesh=strays)).values()) == {("", False)}


async def test_what_takes_long_to_tell_is_worked_out_beside_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    asked_in: list[threading.Thread] = []

    def noted(method: Any) -> Any:
        def asked(*arguments: Any) -> Any:
            asked_in.append(threading.current_thread())
            return method(*arguments)

        return asked

    async with running_station() as station, running_relay(small_scenario(), station) as relay:
        await opened(relay)
        for name in ("path", "positions", "link_delays_s"):
            monkeypatch.setattr(Router, name, noted(getattr(Router, name)))
        await relay.network.GetTopology(network_pb2.GetTopologyRequest(include_mesh=True))
        await relay.network.GetRoute(network_pb2.GetRouteRequest(satellite_id="sat-1"))
        await links(relay)
        assert len(asked_in) >= 5
        assert threading.current_thread() not in asked_in


async def test_each_second_is_worked_out_ahead_once_however_fast_time_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    prepared: list[int] = []
    enough = threading.Event()

    def prepare(_router: Router, unix_ns: int) -> None:
        prepared.append(unix_ns)
        if len(prepared) >= 8:
            enough.set()

    monkeypatch.setattr(Router, "prepare", prepare)
    async with running_station() as station, running_relay(small_scenario(rate=15.0), station) as relay:
        await opened(relay)
        assert await asyncio.to_thread(enough.wait, 10)
    # The first is before anything is asked, of the instant at which the run starts.
    ahead = prepared[1:]
    assert ahead == sorted(set(ahead))


def test_unusable_elements_are_named_up_to_some_and_then_counted() -> None:
    problems = [TleProblem(Path("some.tle"), line, f"SAT-{line}", "is cut off") for line in range(25)]
    with capture_logs() as logs:
        server._warn_of(problems)
    assert ["SAT-" in str(entry) for entry in logs] == [True] * 10 + [False]
    assert logs[-1]["satellites"] == 15
