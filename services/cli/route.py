"""Print the path and delay from a satellite to a ground station, without a running relay.

FILE is a scenario (TOML, or the name of a shipped one: its satellites, relays and gateways) or a catalogue of two-line
elements (its satellites are the relays, over the teleports of the world, each with a ground station beside it). Delays
are from the satellite to each node, without serialisation. A scenario is answered as its relay would, planned faults
included; where it has a trace, though, the delays that a relay gives its frames are the trace's.
"""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from services.cli.instant import instant_of_option
from services.geometry.time import format_rfc3339
from services.relay.network.constellation import Constellation, constellation_of_catalogue
from services.relay.network.routing import path_now
from services.runtime.configuration import ConfigurationError
from services.runtime.errors import PlumewatchError
from services.scenario.load import load_scenario, naming_the_file
from services.stack.pictures.network_scene import router_of

ANY = "any"
# Elements that could not be used are named one by one, up to so many.
MOST_PROBLEMS = 10


def run(
    constellation: Annotated[Path, typer.Option(metavar="FILE", help="Scenario TOML, or two-line elements.")],
    at: Annotated[str, typer.Option(metavar="RFC3339", help="Instant, for instance 2026-06-21T12:00:00Z.")],
    from_: Annotated[str, typer.Option("--from", metavar="SAT", help="Satellite the path starts from.")],
    to: Annotated[str, typer.Option(metavar="STATION", help="Ground station or gateway, or `any`.")] = ANY,
) -> None:
    at_unix_ns = instant_of_option(at)
    # A bare word that is no file can only be a shipped scenario's name.
    scenario = constellation.suffix.lower() == ".toml" or not (constellation.suffix or constellation.exists())
    if scenario:
        with naming_the_file(constellation):
            router = router_of(load_scenario(constellation))
        nodes = router.constellation
    else:
        nodes = constellation_of_catalogue(constellation, from_, at_unix_ns)
    if from_ not in nodes.satellites:
        raise ConfigurationError(
            str(constellation), f"has no satellite {from_!r}; it has {', '.join(nodes.satellites[:16])}"
        )
    for problem in nodes.problems[:MOST_PROBLEMS]:
        print(f"plumewatch: left out: {problem}", file=sys.stderr)
    if len(nodes.problems) > MOST_PROBLEMS:
        print(f"plumewatch: and {len(nodes.problems) - MOST_PROBLEMS} more satellites left out", file=sys.stderr)
    wanted = _gateway(nodes, to)
    path = router.path(from_, at_unix_ns, wanted) if scenario else path_now(nodes, from_, at_unix_ns, wanted)
    if path is None:
        goal = "any gateway" if to == ANY else to
        why = _why(nodes, from_, wanted)
        raise PlumewatchError(f"{from_} has no path to {goal} at {format_rfc3339(at_unix_ns)}: {why}")
    hops = [{"node": node, "delay_s": delay} for node, delay in zip(path.nodes, path.delays_s(), strict=True)]
    gateway = path.nodes[-2]
    station = path.nodes[-1] if scenario else f"{gateway}-station"
    hops[-1]["node"] = station
    answer = {
        "at": format_rfc3339(at_unix_ns),
        "from": from_,
        "gateway": gateway,
        "station": station,
        "hops": hops,
        "delay_s": path.delay_s,
    }
    print(json.dumps(answer, indent=2))


def _why(nodes: Constellation, satellite: str, gateway: str | None) -> str:
    """Return why a satellite may have no path, and what to do."""
    mesh = nodes.mesh
    if nodes.relays_are_sources and mesh.shell[mesh.index[satellite]] < 0:
        return f"{satellite} has no laser links: its height belongs to no shell"
    goal, other = ("a gateway", "") if gateway is None else ("that gateway", " or another station")
    return f"no chain of laser links leads from it to a relay satellite above {goal}; ask for another instant{other}"


def _gateway(nodes: Constellation, to: str) -> str | None:
    """Return the gateway that leads to `to`; None: any will do."""
    if to in (ANY, nodes.station):
        return None
    gateways = list(nodes.gateway_index)
    name = to.removesuffix("-station") if to.removesuffix("-station") in gateways else to
    if name not in gateways:
        known = ", ".join([ANY, nodes.station, *gateways])
        raise typer.BadParameter(f"no station or gateway {to!r}; known: {known}", param_hint="--to")
    return name
