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
        del request, context
        nodes = [network_pb2.Node(node=name, kind=kind, failed=name == "svalbard") for name, kind in NODES.items()]
        links = [network_pb2.Link(from_node="sat-1", to_node="svalbard", delay_s=0.01)]
        return network_pb2.GetTopologyResponse(nodes=nodes, links=links)

    def GetRoute(self, request: Any, context: Any) -> Any:  # noqa: N802
        context.abort(grpc.StatusCode.NOT_FOUND, f"{request.satellite_id}: ask GetTopology")

    def InjectFault(self, request: Any, context: Any) -> Any:  # noqa: N802
        context.abort(grpc.StatusCode.NOT_FOUND, f"{request.fault.node}: ask GetTopology")


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


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["route", "nosat"], "no satellite of this run is called 'nosat'"),
        (["fail", "nonode"], "node 'nonode' does not exist"),
        (["fail", "sat-1", "nonode"], "node 'sat-1' or 'nonode' does not exist"),
    ],
)
def test_unknown_name_is_answered_with_a_command_that_lists_all(relay: str, arguments: list[str], problem: str) -> None:
    result = CliRunner().invoke(app, [*arguments, "--relay", relay])
    assert isinstance(result.exception, PlumewatchError)
    said = str(result.exception)
    assert said == f"relay at {relay}: {problem}; `plumewatch network show --nodes` lists all"
