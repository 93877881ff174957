"""What a map of the network shows, as plain arrays, from the topology that a relay gives. Nothing here draws."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from plumewatch.v1 import network_pb2
from services.geometry.ellipsoid import itrs_to_geodetic
from services.relay.network.constellation import constellation_of
from services.relay.network.faults import FaultBook
from services.relay.network.planned import planned_faults
from services.relay.network.routing import Router
from services.relay.network.trace import read_trace
from services.relay.network_messages import topology_message
from services.scenario.model import Scenario
from services.scenario.resolve import start_unix_ns

Float64 = NDArray[np.float64]
Degrees = tuple[float, float]


@dataclass
class NetworkScene:
    """The network at an instant; places are latitudes and longitudes, degrees.

    relays_deg: (n, 2); failed_deg: (f, 2), those of them that are out of order. mesh_deg: (m, 2, 2), the two ends of
    every laser link that can be used and is not; lasers_deg, grounds_deg: (k, 2, 2), those that paths lead over.
    gateways: by name, those without a link in use too; in_use, failed: names of any node.
    """

    instant_unix_ns: int
    relays_deg: Float64
    failed_deg: Float64
    mesh_deg: Float64
    lasers_deg: Float64
    grounds_deg: Float64
    satellites: dict[str, Degrees] = field(default_factory=dict)
    gateways: dict[str, Degrees] = field(default_factory=dict)
    in_use: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)

    def paths_deg(self) -> Float64:
        """Return (k, 2) every place that a path leads over, and every satellite."""
        ends = np.concatenate([self.lasers_deg.reshape(-1, 2), self.grounds_deg.reshape(-1, 2)])
        return np.concatenate([ends, np.array(list(self.satellites.values())).reshape(-1, 2)])


def router_of(scenario: Scenario) -> Router:
    """Return the router that a relay of this scenario would have, its planned faults included.

    ConfigurationError for whatever of the network a relay would refuse, a broken trace included.
    """
    constellation = constellation_of(scenario)
    if scenario.network.trace is not None:
        read_trace(scenario.network.trace, start_unix_ns(scenario))
    return Router(constellation, FaultBook(planned_faults(scenario, constellation)))


def topology_of(scenario: Scenario, at_unix_ns: int) -> network_pb2.GetTopologyResponse:
    """Return the topology that a relay of this scenario would give; ConfigurationError as `router_of`."""
    return topology_message(router_of(scenario), at_unix_ns, include_mesh=True)


def scene_of(topology: network_pb2.GetTopologyResponse) -> NetworkScene:
    """Return what a map shows of a topology, which must have its mesh."""
    places = _places(topology)
    kinds = {node.node: node.kind for node in topology.nodes}
    failed = {node.node for node in topology.nodes if node.failed}
    relays = [name for name, kind in kinds.items() if kind == network_pb2.NODE_KIND_RELAY_SATELLITE and name in places]

    def ends(medium: network_pb2.LinkMedium, *, in_use: bool) -> Float64:
        found = [
            (places[link.from_node], places[link.to_node])
            for link in topology.links
            if link.medium == medium and link.in_use == in_use and {link.from_node, link.to_node} <= places.keys()
        ]
        return np.array(found).reshape(-1, 2, 2)

    laser, ground = network_pb2.LINK_MEDIUM_LASER, network_pb2.LINK_MEDIUM_GROUND
    return NetworkScene(
        topology.time_unix_ns,
        np.array([places[name] for name in relays if name not in failed]).reshape(-1, 2),
        np.array([places[name] for name in relays if name in failed]).reshape(-1, 2),
        ends(laser, in_use=False),
        ends(laser, in_use=True),
        ends(ground, in_use=True),
        {name: places[name] for name, kind in kinds.items()
         if kind == network_pb2.NODE_KIND_SENSOR_SATELLITE and name in places},
        {name: places[name] for name, kind in kinds.items() if kind == network_pb2.NODE_KIND_GATEWAY},
        {name for link in topology.links if link.in_use for name in (link.from_node, link.to_node)},
        failed,
    )  # fmt: skip


def _places(topology: network_pb2.GetTopologyResponse) -> dict[str, Degrees]:
    """Return where every node is that has a place: latitude and longitude, degrees."""
    nodes = [node for node in topology.nodes if node.HasField("position_itrs_m")]
    itrs_m = np.array([(n.position_itrs_m.x, n.position_itrs_m.y, n.position_itrs_m.z) for n in nodes]).reshape(-1, 3)
    latitude, longitude, _ = itrs_to_geodetic(itrs_m)
    return {node.node: (float(y), float(x)) for node, y, x in zip(nodes, latitude, longitude, strict=True)}
