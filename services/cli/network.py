"""Look at a running relay's network; fail and heal its parts."""

import contextlib
import json
from collections.abc import Iterator
from typing import Annotated, Any

import grpc
import typer
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from plumewatch.v1 import network_pb2, network_pb2_grpc
from services.geometry.time import format_rfc3339, parse_rfc3339
from services.runtime.errors import PeerUnavailableError, PlumewatchError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)

# Long enough for a relay that works out a second's paths meanwhile.
DEADLINE_S = 10.0
# The full topology of a large constellation is a few hundred kilobytes.
MESSAGE_BYTES = 64 * 1024 * 1024

Relay = Annotated[
    str, typer.Option("--relay", metavar="HOST:PORT", envvar="PLUMEWATCH_RELAY", help="Address of the relay.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One line of JSON a message, as in the schema.")]
At = Annotated[str, typer.Option(metavar="RFC3339", help="Emulated instant; left out: now.")]
RELAY = "127.0.0.1:50051"
ALL_NODES = "`plumewatch network show --nodes` lists all"


@app.command()
def show(
    relay: Relay = RELAY,
    at: At = "",
    names: Annotated[bool, typer.Option("--nodes", help="List every node by name, in the links' stead.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print how many nodes there are, and the links in use."""
    with _network(relay) as network:
        topology = network.GetTopology(network_pb2.GetTopologyRequest(time_unix_ns=_instant(at)), timeout=DEADLINE_S)
    if as_json:
        _print_json(topology)
        return
    if names:
        for node in topology.nodes:
            print(f"{node.node:16} {_kind(node.kind)}" + (", out of order" if node.failed else ""))
        return
    print(f"Network at {format_rfc3339(topology.time_unix_ns)}")
    for kind in (
        network_pb2.NODE_KIND_SENSOR_SATELLITE,
        network_pb2.NODE_KIND_RELAY_SATELLITE,
        network_pb2.NODE_KIND_GATEWAY,
        network_pb2.NODE_KIND_GROUND_STATION,
    ):
        nodes = [node for node in topology.nodes if node.kind == kind]
        failed = [node.node for node in nodes if node.failed]
        print(f"  {_kind(kind):18} {len(nodes):6}" + (f", out of order: {', '.join(failed)}" if failed else ""))
    print("Links in use")
    for link in topology.links:
        rate = f"{link.rate_bps / 1e9:6.1f} Gbit/s" if link.rate_bps else "  terrestrial"
        print(f"  {link.from_node:16} -> {link.to_node:16} {link.delay_s * 1e3:8.3f} ms {rate}")
    reached = {link.from_node for link in topology.links}
    for node in topology.nodes:
        if node.kind == network_pb2.NODE_KIND_SENSOR_SATELLITE and node.node not in reached:
            print(f"  {node.node:16} has no path")


@app.command()
def route(
    satellite: Annotated[str, typer.Argument(help="The satellite the path starts from.")],
    relay: Relay = RELAY,
    at: At = "",
    as_json: AsJson = False,
) -> None:
    """Print the path of one satellite's frames."""
    with _network(relay, f"no satellite of this run is called {satellite!r}; {ALL_NODES}") as network:
        path = network.GetRoute(
            network_pb2.GetRouteRequest(satellite_id=satellite, time_unix_ns=_instant(at)), timeout=DEADLINE_S
        )
    if as_json:
        _print_json(path)
        return
    print(f"{satellite} at {format_rfc3339(path.time_unix_ns)}: {path.delay_s * 1e3:.3f} ms without serialisation")
    for hop in path.hops:
        print(f"  {hop.node:16} {hop.delay_s * 1e3:8.3f} ms")


@app.command()
def fail(
    node: Annotated[str, typer.Argument(help="The node that fails, or the first end of a link.")],
    to_node: Annotated[str, typer.Argument(help="The link's other end; left out: the node itself fails.")] = "",
    relay: Relay = RELAY,
    at: At = "",
    as_json: AsJson = False,
) -> None:
    """Take a node or a link out of order until it is healed."""
    named = f"{node!r} or {to_node!r}" if to_node else f"{node!r}"
    with _network(relay, f"node {named} does not exist; {ALL_NODES}") as network:
        wanted = network_pb2.Fault(node=node, to_node=to_node, start_unix_ns=_instant(at) or 0)
        answer = network.InjectFault(network_pb2.InjectFaultRequest(fault=wanted), timeout=DEADLINE_S)
    if as_json:
        _print_json(answer.fault)
    else:
        print(_fault_line(answer.fault))


@app.command()
def heal(
    fault_id: Annotated[str, typer.Argument(help="The fault, as `plumewatch network faults` lists it, or `all`.")],
    relay: Relay = RELAY,
) -> None:
    """Heal what was failed."""
    with _network(relay) as network:
        faults = [fault_id]
        if fault_id == "all":
            listed = network.ListFaults(network_pb2.ListFaultsRequest(), timeout=DEADLINE_S)
            faults = [fault.fault_id for fault in listed.faults]
        for fault in faults:
            network.ClearFault(network_pb2.ClearFaultRequest(fault_id=fault), timeout=DEADLINE_S)
            print(f"{fault} healed")


@app.command()
def faults(relay: Relay = RELAY, as_json: AsJson = False) -> None:
    """Print the faults in force."""
    with _network(relay) as network:
        listed = network.ListFaults(network_pb2.ListFaultsRequest(), timeout=DEADLINE_S)
    for fault in listed.faults:
        if as_json:
            _print_json(fault)
        else:
            print(_fault_line(fault))
    if not listed.faults and not as_json:
        print("no fault in force")


@app.command()
def watch(
    relay: Relay = RELAY,
    period_s: Annotated[float, typer.Option(metavar="S", help="Seconds between two looks.")] = 1.0,
    as_json: AsJson = False,
) -> None:
    """Show every stream's path, counters and lateness as they change, until Ctrl-C."""
    with _network(relay) as network, contextlib.suppress(KeyboardInterrupt):
        looks = network.WatchLinks(network_pb2.WatchLinksRequest(period_s=period_s))
        if as_json:
            for look in looks:
                _print_json(look)
        else:
            _watch_table(looks)
        return
    raise typer.Exit(130)


def _watch_table(looks: Any) -> None:
    from rich.live import Live

    with Live(auto_refresh=False) as live:
        for look in looks:
            live.update(_links_table(look), refresh=True)


def _links_table(look: network_pb2.WatchLinksResponse) -> Any:
    from rich.table import Table

    title = f"Links at {format_rfc3339(look.time_unix_ns)}" if look.time_unix_ns else "The run has not started"
    table = Table(title=title)
    table.add_column("satellite")
    table.add_column("path")
    for heading in ("delay ms", "in", "out", "lost: queue", "network", "refused", "waiting", "late p50 ms", "p99 ms"):
        table.add_column(heading, justify="right")
    for stream in look.streams:
        table.add_row(
            stream.satellite_id + ("" if stream.connected else " (closed)"),
            " > ".join(stream.path[1:]) or "none",
            f"{stream.delay_s * 1e3:.2f}",
            str(stream.frames_received),
            str(stream.frames_released),
            str(stream.frames_lost_queue_full),
            str(stream.frames_lost_network_model),
            str(stream.frames_refused),
            f"{stream.frames_queued} ({stream.bytes_queued / 1e6:.1f} MB)",
            f"{stream.lateness_p50_s * 1e3:.2f}",
            f"{stream.lateness_p99_s * 1e3:.2f}",
        )
    return table


def _kind(kind: Any) -> str:
    name: str = network_pb2.NodeKind.Name(kind)
    return name.removeprefix("NODE_KIND_").lower().replace("_", " ")


@contextlib.contextmanager
def _network(address: str, not_found: str = "") -> Iterator[Any]:
    """Open a client for the relay; what it refuses becomes an error for the user.

    not_found: said where the relay knows no such thing; empty: its own words, which tell of calls and not of commands.
    """
    with grpc.insecure_channel(address, options=(("grpc.max_receive_message_length", MESSAGE_BYTES),)) as channel:
        try:
            yield network_pb2_grpc.NetworkServiceStub(channel)  # type: ignore[no-untyped-call]
        except grpc.RpcError as error:
            code, details = error.code(), error.details() or ""
            if code is grpc.StatusCode.UNAVAILABLE and "connect" in details:
                raise PeerUnavailableError(
                    "the relay", address, "start it, or give its address with --relay"
                ) from error
            if code is grpc.StatusCode.NOT_FOUND and not_found:
                details = not_found
            raise PlumewatchError(f"relay at {address}: {details or code.name}") from error


def _instant(text: str) -> int | None:
    if not text:
        return None
    try:
        return parse_rfc3339(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--at") from error


def _fault_line(fault: network_pb2.Fault) -> str:
    part = f"link {fault.node} to {fault.to_node}" if fault.to_node else f"node {fault.node}"
    return f"{fault.fault_id}: {part} out of order since {format_rfc3339(fault.start_unix_ns)}"


def _print_json(message: Message) -> None:
    print(
        json.dumps(MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)),
        flush=True,
    )
