"""Look at a running relay's network; fail and heal its parts."""

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import grpc
import typer
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from plumewatch.v1 import network_pb2, network_pb2_grpc
from services.cli.instant import instant_of_option
from services.geometry.time import format_rfc3339
from services.runtime.errors import PeerUnavailableError, PlumewatchError
from services.scenario.model.network import MOST_RAIN_MM_PER_H

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)

# Long enough for a relay that works out a second's paths meanwhile.
DEADLINE_S = 10.0
# The topology of 42,000 relay satellites is 6 megabytes with its mesh; bytes.
MESSAGE_BYTES = 64 * 1024 * 1024

Relay = Annotated[
    str, typer.Option("--relay", metavar="HOST:PORT", envvar="PLUMEWATCH_RELAY", help="Address of the relay.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One line of JSON a message, as in the schema.")]
At = Annotated[str, typer.Option(metavar="RFC3339", help="Emulated instant; left out: now.")]
RELAY = "127.0.0.1:50051"
# Of a field of 32 bits without a sign.
LARGEST_NUMBER = 2**32 - 1
# Longer than any run, and still an instant that a message can hold; seconds.
LONGEST_FAULT_S = 1e9
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
        wanted = network_pb2.GetTopologyRequest(time_unix_ns=_instant(at), include_mesh=not names)
        topology = network.GetTopology(wanted, timeout=DEADLINE_S)
    if as_json:
        _print_json(topology)
        return
    if names:
        for node in topology.nodes:
            print(f"{node.node:16} {_kind(node.kind)}{_plane(node)}" + (", out of order" if node.failed else ""))
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
    laser = sum(link.medium == network_pb2.LINK_MEDIUM_LASER for link in topology.links)
    print(f"  {'laser links':18} {laser:6} that can be used")
    print("Links in use")
    for link in (link for link in topology.links if link.in_use):
        rate = f"{link.rate_bps / 1e9:6.1f} Gbit/s" if link.rate_bps else "  terrestrial"
        print(f"  {link.from_node:16} -> {link.to_node:16} {link.delay_s * 1e3:8.3f} ms {rate}")
    reached = {link.from_node for link in topology.links if link.in_use}
    for node in topology.nodes:
        if node.kind == network_pb2.NODE_KIND_SENSOR_SATELLITE and node.node not in reached:
            print(f"  {node.node:16} has no path")


@app.command()
def route(
    satellite: Annotated[str, typer.Argument(help="The satellite the path starts from.")],
    gateway: Annotated[str, typer.Option(help="Where it is to come down; left out: where its frames do.")] = "",
    relay: Relay = RELAY,
    at: At = "",
    as_json: AsJson = False,
) -> None:
    """Print the path of one satellite's frames."""
    with _network(relay) as network:
        wanted = network_pb2.GetRouteRequest(satellite_id=satellite, time_unix_ns=_instant(at), gateway=gateway)
        path = network.GetRoute(wanted, timeout=DEADLINE_S)
    if as_json:
        _print_json(path)
        return
    print(f"{satellite} at {format_rfc3339(path.time_unix_ns)}: {path.delay_s * 1e3:.3f} ms without serialisation")
    for hop in path.hops:
        print(f"  {hop.node:16} {hop.delay_s * 1e3:8.3f} ms")


@app.command("map")
def draw_map(
    out: Annotated[Path, typer.Option(metavar="PNG", help="The picture.")],
    at: At = "",
    scenario: Annotated[
        str, typer.Option(metavar="SCENARIO", help="A scenario's file or name, in a running relay's stead.")
    ] = "",
    world: Annotated[bool, typer.Option("--world", help="The whole Earth, not what surrounds the paths.")] = False,
    width: Annotated[int, typer.Option(min=300, max=8000, metavar="PX", help="Width of the picture.")] = 1400,
    height: Annotated[int, typer.Option(min=300, max=8000, metavar="PX", help="Height of the picture.")] = 1000,
    relay: Relay = RELAY,
) -> None:
    """Draw the mesh, the satellites' paths and the gateways on a map.

    \b
    plumewatch network map --out now.png                                       a running relay's
    plumewatch network map --scenario default --at 2026-06-21T12:01:00Z --out later.png
    """  # noqa: D301
    from services.scenario.load import load_scenario, naming_the_file
    from services.scenario.resolve import start_unix_ns
    from services.stack.pictures.network_map import draw_network
    from services.stack.pictures.network_scene import scene_of, topology_of

    if out.suffix.lower() != ".png":
        raise typer.BadParameter(f"{out} ends in {out.suffix!r}; the picture is a .png", param_hint="--out")
    instant = _instant(at)
    if scenario:
        loaded = load_scenario(Path(scenario))
        with naming_the_file(scenario):
            topology = topology_of(loaded, start_unix_ns(loaded) if instant is None else instant)
        title = loaded.name
    else:
        with _network(relay) as network:
            wanted = network_pb2.GetTopologyRequest(time_unix_ns=instant, include_mesh=True)
            topology = network.GetTopology(wanted, timeout=DEADLINE_S)
        title = f"relay at {relay}"
    picture = draw_network(scene_of(topology), width, height, world=world, title=title)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        picture.save(out)
    except OSError as error:
        raise PlumewatchError(f"{out} cannot be written ({error.strerror or error}); choose another --out") from error
    print(f"{out}: {len(topology.nodes)} nodes, {len(topology.links)} links at {format_rfc3339(topology.time_unix_ns)}")


@app.command()
def fail(
    node: Annotated[
        str,
        typer.Argument(
            help="The node that fails, or the first end of a link; with --plane the shell, with --rain the gateway; "
            "left out with --share."
        ),
    ] = "",
    to_node: Annotated[str, typer.Argument(help="The link's other end; left out: the node itself fails.")] = "",
    plane: Annotated[
        int | None,
        typer.Option(min=0, max=LARGEST_NUMBER, metavar="N", help="All satellites of this plane of shell NODE."),
    ] = None,
    share: Annotated[float | None, typer.Option(metavar="P", help="This share of all laser links.")] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=LARGEST_NUMBER, help="Which links --share takes: same seed, same links.")
    ] = None,
    rain: Annotated[float | None, typer.Option(metavar="MM_PER_H", help="Rain on gateway NODE: rate is lost.")] = None,
    last_s: Annotated[float | None, typer.Option("--for", metavar="S", help="Heals by itself after so long.")] = None,
    relay: Relay = RELAY,
    at: At = "",
    as_json: AsJson = False,
) -> None:
    """Take a part of the network out of order, until it is healed or for a time.

    \b
    plumewatch network fail relay-144              a satellite
    plumewatch network fail relay-144 relay-145    the link between two
    plumewatch network fail relay --plane 12       a plane of a shell
    plumewatch network fail --share 0.3            thirty per cent of the laser links
    plumewatch network fail dongara --rain 40      a downpour on a gateway
    """  # noqa: D301
    _check_above_0("--share", share, 1.0)
    _check_above_0("--rain", rain, MOST_RAIN_MM_PER_H)
    _check_above_0("--for", last_s, LONGEST_FAULT_S)
    wanted = network_pb2.Fault(node=node, to_node=to_node, start_unix_ns=_instant(at) or 0)
    chosen = [name for name, given in (("--plane", plane), ("--share", share), ("--rain", rain)) if given is not None]
    if len(chosen) > 1 or (chosen and to_node):
        raise typer.BadParameter(f"{' and '.join([*chosen, 'TO_NODE'][:2])} exclude each other; give one")
    if share is not None and node:
        raise typer.BadParameter("NODE and --share exclude each other; give one")
    if seed is not None and share is None:
        raise typer.BadParameter("says which links --share takes; give --share, too", param_hint="--seed")
    if plane is not None:
        wanted.kind, wanted.plane = network_pb2.FAULT_KIND_PLANE, plane
    elif share is not None:
        wanted.kind, wanted.share, wanted.seed = network_pb2.FAULT_KIND_LASER_LINKS, share, seed or 0
    elif rain is not None:
        wanted.kind, wanted.rain_mm_per_h = network_pb2.FAULT_KIND_RAIN, rain
    if not node and share is None:
        raise typer.BadParameter(f"name what fails, or give --share; {ALL_NODES}")
    with _network(relay) as network:
        if last_s is not None:
            start = wanted.start_unix_ns or _now(network)
            wanted.start_unix_ns, wanted.end_unix_ns = start, start + round(last_s * 1e9)
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
            if not faults:
                print("no fault holds")
        for fault in faults:
            network.ClearFault(network_pb2.ClearFaultRequest(fault_id=fault), timeout=DEADLINE_S)
            print(f"{fault} healed")


@app.command()
def faults(relay: Relay = RELAY, as_json: AsJson = False) -> None:
    """Print the faults that hold, and those to come."""
    with _network(relay) as network:
        listed = network.ListFaults(network_pb2.ListFaultsRequest(), timeout=DEADLINE_S)
    for fault in listed.faults:
        if as_json:
            _print_json(fault)
        else:
            print(_fault_line(fault))
    if not listed.faults and not as_json:
        print("no fault holds or is to come")


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
        raise PlumewatchError("relay stopped")
    raise typer.Exit(130)


def _watch_table(looks: Any) -> None:
    from rich.live import Live

    with Live(auto_refresh=False) as live:
        for look in looks:
            live.update(_links_table(look), refresh=True)


def _links_table(look: network_pb2.WatchLinksResponse) -> Any:
    """Return the table of streams, which fits 80 columns: figures of one kind share one, in lines of their own."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    title = f"Links at {format_rfc3339(look.time_unix_ns)}" if look.time_unix_ns else "The run has not started"
    table = Table(title=title, box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column("satellite", overflow="fold", min_width=12)
    table.add_column("path", overflow="fold")
    for heading in (
        "delay\nms",
        "in\nout",
        "lost in\nqueue\nnetwork",
        "refused\nre-timed",
        "waiting\nMB",
        "late\np50\np99 ms",
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    for stream in look.streams:
        table.add_row(
            stream.satellite_id + ("" if stream.connected else "\n(closed)"),
            " > ".join(stream.path[1:]) or "none",
            f"{stream.delay_s * 1e3:.2f}",
            f"{stream.frames_received}\n{stream.frames_released}",
            f"{stream.frames_lost_queue_full}\n{stream.frames_lost_network_model}",
            f"{stream.frames_refused}\n{stream.frames_retimed}",
            f"{stream.frames_queued}\n{stream.bytes_queued / 1e6:.1f}",
            f"{stream.lateness_p50_s * 1e3:.2f}\n{stream.lateness_p99_s * 1e3:.2f}",
        )
    return table


def _kind(kind: Any) -> str:
    name: str = network_pb2.NodeKind.Name(kind)
    return name.removeprefix("NODE_KIND_").lower().replace("_", " ")


def _plane(node: network_pb2.Node) -> str:
    """Return where in the mesh a relay satellite flies; empty for another node, and for one in no shell."""
    if not node.shell:
        return ""
    return f", {node.shell} plane {node.plane}" if node.HasField("plane") else f", {node.shell}"


def _check_above_0(option: str, value: float | None, most: float) -> None:
    # NaN compares false.
    if value is not None and not 0 < value <= most:
        raise typer.BadParameter(f"{value:g} is not above 0 and at most {most:g}", param_hint=option)


@contextlib.contextmanager
def _network(address: str) -> Iterator[Any]:
    """Open a client for the relay; what it refuses becomes an error for the user."""
    with grpc.insecure_channel(address, options=(("grpc.max_receive_message_length", MESSAGE_BYTES),)) as channel:
        try:
            yield network_pb2_grpc.NetworkServiceStub(channel)  # type: ignore[no-untyped-call]
        except grpc.RpcError as error:
            code, details = error.code(), error.details() or ""
            if code is grpc.StatusCode.UNAVAILABLE and "connect" in details:
                raise PeerUnavailableError(
                    "the relay", address, "start it, or give its address with --relay"
                ) from error
            if code is grpc.StatusCode.NOT_FOUND and details.startswith("there is no node"):
                details += f"; {ALL_NODES}"
            raise PlumewatchError(f"relay at {address}: {details or code.name}") from error


def _instant(text: str) -> int | None:
    return instant_of_option(text) if text else None


def _now(network: Any) -> int:
    """Return the emulated instant now; the run's start before it starts."""
    clock = network.GetClock(network_pb2.GetClockRequest(), timeout=DEADLINE_S)
    if not clock.HasField("wall_start_unix_ns"):
        return int(clock.emulated_start_unix_ns)
    passed_ns = max(0, time.time_ns() - clock.wall_start_unix_ns)
    return int(clock.emulated_start_unix_ns + round(passed_ns * clock.rate))


def _fault_line(fault: network_pb2.Fault) -> str:
    match fault.kind:
        case network_pb2.FAULT_KIND_LINK:
            part = f"link {fault.node} to {fault.to_node} out of order"
        case network_pb2.FAULT_KIND_PLANE:
            part = f"plane {fault.plane} of {fault.node} out of order"
        case network_pb2.FAULT_KIND_LASER_LINKS:
            part = f"{fault.share:.0%} of the laser links out of order (seed {fault.seed})"
        case network_pb2.FAULT_KIND_RAIN:
            part = f"{fault.rain_mm_per_h:g} mm/h of rain on {fault.node}"
        case _:
            part = f"node {fault.node} out of order"
    until = f" until {format_rfc3339(fault.end_unix_ns)}" if fault.end_unix_ns else ""
    planned = ", planned" if fault.planned else ""
    return f"{fault.fault_id}: {part} from {format_rfc3339(fault.start_unix_ns)}{until}{planned}"


def _print_json(message: Message) -> None:
    print(
        json.dumps(MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)),
        flush=True,
    )
