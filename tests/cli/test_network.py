"""`plumewatch network` in front of a relay that is not ours."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from typer.testing import CliRunner

from plumewatch.v1 import network_pb2, network_pb2_grpc
from services.cli.network import app
from services.runtime.errors import PlumewatchError

NODES = {
    "sat-1": network_pb2.NODE_KIND_SENSOR_SATELLITE,
    "relay-412": network_pb2.NODE_KIND_RELAY_SATELLITE,
    "svalbard": network_pb2.NODE_KIND_GATEWAY,
    "station-1": network_pb2.NODE_KIND_GROUND_STATION,
}


class _Network(network_pb2_grpc.NetworkServiceServicer):
    def GetTopology(self, request: Any, context: Any) -> network_pb2.GetTopologyResponse:  # noqa: N802
        del context
        nodes = [network_pb2.Node(node=name, kind=kind, failed=name == "svalbard") for name, kind in NODES.items()]
        laser, ground = network_pb2.LINK_MEDIUM_LASER, network_pb2.LINK_MEDIUM_GROUND
        nodes[1].shell, nodes[1].plane = "relay", 3
        links = [network_pb2.Link(from_node="sat-1", to_node="svalbard", delay_s=0.01, medium=ground, in_use=True)]
        if request.include_mesh:
            links.append(network_pb2.Link(from_node="relay-412", to_node="relay-413", delay_s=0.002, medium=laser))
        return network_pb2.GetTopologyResponse(nodes=nodes, links=links)

    def GetRoute(self, request: Any, context: Any) -> Any:  # noqa: N802
        context.abort(grpc.StatusCode.NOT_FOUND, f"satellite_id {request.satellite_id!r} is none of this run's: sat-1")

    def InjectFault(self, request: Any, context: Any) -> Any:  # noqa: N802
        fault = request.fault
        for name in (fault.node, fault.to_node):
            if name.startswith("no"):
                context.abort(grpc.StatusCode.NOT_FOUND, f"there is no node {name!r}")
        fault.fault_id = "fault-1"
        return network_pb2.InjectFaultResponse(fault=fault)

    def GetClock(self, request: Any, context: Any) -> network_pb2.GetClockResponse:  # noqa: N802
        del request, context
        return network_pb2.GetClockResponse(emulated_start_unix_ns=1_782_043_200_000_000_000, rate=1.0)

    def ListFaults(self, request: Any, context: Any) -> network_pb2.ListFaultsResponse:  # noqa: N802
        del request, context
        return network_pb2.ListFaultsResponse()

    def WatchLinks(self, request: Any, context: Any) -> Iterator[network_pb2.WatchLinksResponse]:  # noqa: N802
        del request, context
        stream = network_pb2.StreamStatus(
            satellite_id="tracking-01",
            connected=True,
            path=["tracking-01", "relay-412", "relay-413", "svalbard"],
            delay_s=0.03211,
            frames_received=123_456,
            frames_released=123_440,
            frames_lost_queue_full=12,
            frames_lost_network_model=4,
            bytes_queued=10_400_000,
            lateness_p99_s=0.00123,
        )
        yield network_pb2.WatchLinksResponse(time_unix_ns=1_782_043_200_000_000_000, streams=[stream])


@pytest.fixture
def relay() -> Iterator[str]:
    server = grpc.server(ThreadPoolExecutor(2))
    network_pb2_grpc.add_NetworkServiceServicer_to_server(_Network(), server)  # type: ignore[no-untyped-call]
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None).wait()


def test_every_node_can_be_listed_by_name(relay: str) -> None:
    result = CliRunner().invoke(app, ["show", "--nodes", "--relay", relay])
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.output.splitlines()] == list(NODES)
    assert "svalbard         gateway, out of order" in result.output
    assert "relay-412        relay satellite, relay plane 3\n" in result.output


def test_show_counts_the_mesh_and_lists_what_is_in_use(relay: str) -> None:
    result = CliRunner().invoke(app, ["show", "--relay", relay])
    assert result.exit_code == 0
    lines = [line.split() for line in result.output.splitlines()]
    assert ["laser", "links", "1", "that", "can", "be", "used"] in lines
    assert [line[:3] for line in lines if "->" in line] == [["sat-1", "->", "svalbard"]]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["relay-412", "--for", "30"],
            "node relay-412 out of order from 2026-06-21T12:00:00.000Z until 2026-06-21T12:00:30.000Z",
        ),
        (["relay", "--plane", "3"], "plane 3 of relay out of order"),
        (["--share", "0.3", "--seed", "5"], "30% of the laser links out of order (seed 5)"),
        (["svalbard", "--rain", "40", "--at", "2026-06-21T12:00:00Z"], "40 mm/h of rain on svalbard from 2026-06-21"),
    ],
)
def test_fault_of_each_kind_is_asked_for_and_told(relay: str, arguments: list[str], line: str) -> None:
    result = CliRunner().invoke(app, ["fail", *arguments, "--relay", relay])
    assert result.exit_code == 0, result.output
    assert line in result.output


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["relay", "--plane", "3", "--rain", "4"], "--plane and --rain exclude each other"),
        (["relay-412", "--share", "0.3"], "NODE and --share exclude each other"),
        (["--share", "0.3", "--seed", str(2**32)], "--seed"),
        (["relay", "--plane", str(2**32)], "--plane"),
        (["svalbard", "--rain", "0"], "not above 0 and at most 300"),
        (["--share", "0"], "not above 0 and at most 1"),
        (["--share", "nan"], "not above 0 and at most 1"),
        (["relay-412", "--for", "0"], "not above 0 and at most 1e+09"),
        (["relay-412", "--seed", "4"], "give --share"),
        (["relay-412", "--at", "1960-01-01T00:00:00Z"], "is not between 1970-01-01T00:00:00Z"),
    ],
)
def test_fault_that_no_message_can_say_is_wrong_usage(relay: str, arguments: list[str], problem: str) -> None:
    result = CliRunner().invoke(app, ["fail", *arguments, "--relay", relay])
    assert result.exit_code == 2
    # Of the box that usage errors are set in, lines may break anywhere between words.
    assert problem in " ".join(result.output.replace("│", " ").split())


@pytest.mark.parametrize(
    ("text", "problem"),
    [("2026-06-21T12:00:00", "its zone is missing (for UTC add Z)"), ("2026-13-21T12:00:00Z", "month")],
)
def test_instant_that_is_none_is_named_with_what_is_wrong(text: str, problem: str) -> None:
    result = CliRunner().invoke(app, ["show", "--at", text])
    said = " ".join(result.output.replace("│", " ").split())
    assert result.exit_code == 2
    assert f"'{text}'" in said
    assert problem in said


@pytest.mark.parametrize("text", ["1960-06-21T12:00:00Z", "2999-06-21T12:00:00Z"])
@pytest.mark.parametrize("verb", [["show"], ["route", "sat-1"], ["map", "--out", "map.png"]])
def test_instant_that_no_message_can_hold_is_wrong_usage(verb: list[str], text: str) -> None:
    result = CliRunner().invoke(app, [*verb, "--at", text])
    assert result.exit_code == 2
    assert text in result.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["route", "nosat"], "satellite_id 'nosat' is none of this run's: sat-1"),
        (["fail", "nonode"], "there is no node 'nonode'; `plumewatch network show --nodes` lists all"),
        (["fail", "sat-1", "nonode"], "there is no node 'nonode'; `plumewatch network show --nodes` lists all"),
    ],
)
def test_unknown_node_is_answered_with_a_command_that_lists_all(relay: str, arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(app, [*arguments, "--relay", relay])
    assert isinstance(result.exception, PlumewatchError)
    assert str(result.exception) == f"relay at {relay}: {said}"


def test_healing_all_where_nothing_fails_says_so(relay: str) -> None:
    result = CliRunner().invoke(app, ["heal", "all", "--relay", relay])
    assert (result.exit_code, result.output) == (0, "no fault holds\n")


def test_streams_are_watched_in_80_columns(relay: str) -> None:
    result = CliRunner().invoke(app, ["watch", "--relay", relay], env={"COLUMNS": "80"})
    assert max(len(line.rstrip()) for line in result.stdout.splitlines()) <= 80
    for figure in ("tracking-01", "32.11", "123456", "123440", "12", "10.4", "1.23"):
        assert figure in result.stdout.split()


def test_watching_a_relay_that_stops_is_an_error(relay: str) -> None:
    result = CliRunner().invoke(app, ["watch", "--json", "--relay", relay])
    assert isinstance(result.exception, PlumewatchError)
    assert str(result.exception) == "relay stopped"
