"""Print the path and delay from a satellite to a ground station, without a running relay.

FILE is a scenario (TOML, or the name of a shipped one: its satellites, relays and gateways) or a catalogue of two-line
elements (its satellites are the relays, over the teleports of the world, each with a ground station beside it). Delays
are from the satellite to each node, without serialisation.
"""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from services.geometry.time import format_rfc3339, parse_rfc3339
from services.relay.network.constellation import Constellation, constellation_of, constellation_of_catalogue
from services.relay.network.routing import path_now
from services.runtime.configuration import ConfigurationError
from services.runtime.errors import PlumewatchError
from services.scenario.load import load_scenario, naming_the_file

ANY = "any"
# Elements that could not be used are named one by one, up to so many.
MOST_PROBLEMS = 10


def run(
    constellation: Annotated[Path, typer.Option(metavar="FILE", help="Scenario TOML, or two-line elements.")],
    at: Annotated[str, typer.Option(metavar="RFC3339", help="Instant, for instance 2026-06-21T12:00:00Z.")],
    from_: Annotated[str, typer.Option("--from", metavar="SAT", help="Satellite the path starts from.")],
    to: Annotated[str, typer.Option(metavar="STATION", help="Ground station or gateway, or `any`.")] = ANY,
) -> None:
    try:
        at_unix_ns = parse_rfc3339(at)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--at") from error
    # A bare word that is no file can only be a shipped scenario's name.
    scenario = constellation.suffix.lower() == ".toml" or not (constellation.suffix or constellation.exists())
    catalogue = not scenario
    if catalogue:
        nodes = constellation_of_catalogue(constellation, from_, at_unix_ns)
    else:
        with naming_the_file(constellation):
            nodes = constellation_of(load_scenario(constellation))
    if from_ not in nodes.satellites:
        raise ConfigurationError(
            str(constellation), f"has no satellite {from_!r}; it has {', '.join(nodes.satellites[:16])}"
        )
    for problem in nodes.problems[:MOST_PROBLEMS]:
        print(f"plumewatch: left out: {problem}", file=sys.stderr)
    if len(nodes.problems) > MOST_PROBLEMS:
        print(f"plumewatch: and {len(nodes.problems) - MOST_PROBLEMS} more satellites left out", file=sys.stderr)
    path = path_now(nodes, from_, at_unix_ns, _gateway(nodes, to))
    if path is None:
        raise PlumewatchError(
            f"{from_} has no path to {to} at {format_rfc3339(at_unix_ns)}: no chain of laser links leads from it to a "
            "relay satellite above that gateway; ask for another instant or another station"
        )
    hops = [{"node": node, "delay_s": delay} for node, delay in zip(path.nodes, path.delays_s(), strict=True)]
    gateway = path.nodes[-2]
    station = f"{gateway}-station" if catalogue else path.nodes[-1]
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
