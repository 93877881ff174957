"""The network's parts as messages: nodes, links, paths, faults, streams."""

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from plumewatch.v1 import frame_pb2, network_pb2
from services.relay.account import Account
from services.relay.network.constellation import Constellation
from services.relay.network.faults import Fault, FaultKind
from services.relay.network.link import Medium, Path
from services.relay.network.outage import outage_between
from services.relay.network.routing import Router
from services.scenario.model.network import MOST_RAIN_MM_PER_H

Float64 = NDArray[np.float64]

MEDIA = {
    Medium.LASER: network_pb2.LINK_MEDIUM_LASER,
    Medium.GROUND: network_pb2.LINK_MEDIUM_GROUND,
    Medium.TERRESTRIAL: network_pb2.LINK_MEDIUM_TERRESTRIAL,
}
KINDS = {
    FaultKind.NODE: network_pb2.FAULT_KIND_NODE,
    FaultKind.LINK: network_pb2.FAULT_KIND_LINK,
    FaultKind.PLANE: network_pb2.FAULT_KIND_PLANE,
    FaultKind.LASER_LINKS: network_pb2.FAULT_KIND_LASER_LINKS,
    FaultKind.RAIN: network_pb2.FAULT_KIND_RAIN,
}
FAULT_KINDS = {number: kind for kind, number in KINDS.items()}


def topology_message(router: Router, unix_ns: int, *, include_mesh: bool) -> network_pb2.GetTopologyResponse:
    """Return all nodes at an instant and the links that paths lead over; with include_mesh every laser link there is.

    With the mesh of tens of thousands of satellites that takes some tenths of a second.
    """
    constellation = router.constellation
    satellites_m, relays_m = router.positions(unix_ns)
    outage = outage_between(router.faults.all(), constellation, unix_ns, unix_ns)
    response = network_pb2.GetTopologyResponse(time_unix_ns=unix_ns)
    _add_nodes(response, constellation, satellites_m, relays_m, outage.nodes_out())
    _add_links(response, (router.path(name, unix_ns) for name in constellation.satellites))
    if include_mesh:
        _add_mesh(response, constellation, router.link_delays_s(unix_ns))
    return response


def route_message(path: Path, unix_ns: int) -> network_pb2.GetRouteResponse:
    """Return a path as a response."""
    return network_pb2.GetRouteResponse(
        time_unix_ns=unix_ns,
        hops=[
            network_pb2.RouteHop(node=node, delay_s=delay_s)
            for node, delay_s in zip(path.nodes, path.delays_s(), strict=True)
        ],
        delay_s=path.delay_s,
        gateway=path.nodes[-2],
    )


def fault_message(fault: Fault) -> network_pb2.Fault:
    """Return a fault as a message."""
    return network_pb2.Fault(
        fault_id=fault.fault_id,
        kind=KINDS[fault.kind],
        node=fault.node,
        to_node=fault.to_node,
        start_unix_ns=fault.start_unix_ns,
        end_unix_ns=fault.end_unix_ns or 0,
        plane=max(fault.plane, 0),
        share=fault.share,
        seed=fault.seed,
        rain_mm_per_h=fault.rain_mm_per_h,
        planned=fault.planned,
    )


def fault_from_message(wanted: network_pb2.Fault, now_unix_ns: int) -> Fault:
    """Return the fault that a client wants, without an id; ValueError says what the message lacks.

    Whether its parts exist is not looked at.
    """
    if wanted.fault_id:
        raise ValueError(f"fault.fault_id is {wanted.fault_id!r}; leave it empty")
    if wanted.kind == network_pb2.FAULT_KIND_UNSPECIFIED:
        kind = FaultKind.LINK if wanted.to_node else FaultKind.NODE
    elif wanted.kind in FAULT_KINDS:
        kind = FAULT_KINDS[wanted.kind]
    else:
        raise ValueError(f"fault.kind is {wanted.kind}; this relay knows {min(FAULT_KINDS)} to {max(FAULT_KINDS)}")
    if not wanted.node and kind is not FaultKind.LASER_LINKS:
        raise ValueError("fault.node is not set; name what fails")
    if kind is FaultKind.LASER_LINKS and not 0 < wanted.share <= 1:
        raise ValueError(f"fault.share is {wanted.share:g}; it must be above 0 and at most 1")
    if kind is FaultKind.RAIN and not 0 < wanted.rain_mm_per_h <= MOST_RAIN_MM_PER_H:
        raise ValueError(
            f"fault.rain_mm_per_h is {wanted.rain_mm_per_h:g}; it must be above 0, up to {MOST_RAIN_MM_PER_H:g}"
        )
    start_unix_ns = wanted.start_unix_ns or now_unix_ns
    end_unix_ns = wanted.end_unix_ns or None
    if end_unix_ns is not None and end_unix_ns <= start_unix_ns:
        raise ValueError(f"fault.end_unix_ns is {end_unix_ns}, not after its start, {start_unix_ns}")
    return Fault(
        "",
        kind,
        wanted.node,
        wanted.to_node,
        start_unix_ns,
        end_unix_ns,
        plane=wanted.plane if kind is FaultKind.PLANE else -1,
        share=wanted.share,
        seed=wanted.seed,
        rain_mm_per_h=wanted.rain_mm_per_h,
    )


def stream_message(account: Account, path: Path | None) -> network_pb2.StreamStatus:
    """Return what became of a satellite's frames."""
    return network_pb2.StreamStatus(
        satellite_id=account.satellite_id,
        connected=account.streams_open > 0,
        path=path.nodes if path else (),
        delay_s=path.delay_s if path else 0.0,
        frames_received=account.received,
        frames_released=account.released,
        frames_lost_queue_full=account.lost_queue_full,
        frames_lost_network_model=account.lost_network_model,
        frames_refused=account.refused,
        frames_retimed=account.retimed,
        frames_queued=account.frames_queued,
        bytes_queued=account.bytes_queued,
        lateness_p50_s=account.lateness_quantile_s(0.5),
        lateness_p99_s=account.lateness_quantile_s(0.99),
    )


def _add_nodes(
    response: network_pb2.GetTopologyResponse,
    constellation: Constellation,
    satellites_itrs_m: Float64,
    relays_itrs_m: Float64,
    out: frozenset[str],
) -> None:
    """Add every node, those named in `out` as failed. Places (k, 3) and (n, 3); a row of NaN: nowhere."""
    mesh = constellation.mesh
    sensors = zip(constellation.satellites, satellites_itrs_m.tolist(), strict=True)
    for name, place in sensors:
        if name not in mesh.index:
            response.nodes.add(
                node=name,
                kind=network_pb2.NODE_KIND_SENSOR_SATELLITE,
                position_itrs_m=_vector(place),
                failed=name in out,
            )
    shells, planes = mesh.shell.tolist(), mesh.plane.tolist()
    for row, (name, place) in enumerate(zip(mesh.names, relays_itrs_m.tolist(), strict=True)):
        response.nodes.add(
            node=name,
            kind=network_pb2.NODE_KIND_RELAY_SATELLITE,
            position_itrs_m=_vector(place),
            failed=name in out,
            shell=mesh.shells[shells[row]] if shells[row] >= 0 else "",
            plane=planes[row] if planes[row] >= 0 else None,
        )
    for gateway, place in zip(constellation.gateways, constellation.gateway_itrs_m.tolist(), strict=True):
        response.nodes.add(
            node=gateway.id,
            kind=network_pb2.NODE_KIND_GATEWAY,
            position_itrs_m=_vector(place),
            failed=gateway.id in out,
        )
    station = constellation.station
    response.nodes.add(node=station, kind=network_pb2.NODE_KIND_GROUND_STATION, failed=station in out)


def _add_links(response: network_pb2.GetTopologyResponse, paths: Iterable[Path | None]) -> None:
    """Add the links that paths lead over, each once."""
    legs = {(leg.from_node, leg.to_node): leg for path in paths if path for leg in path.legs}
    for leg in legs.values():
        response.links.add(
            from_node=leg.from_node,
            to_node=leg.to_node,
            delay_s=leg.delay_s,
            rate_bps=leg.rate_bps / leg.shared_by,
            medium=MEDIA[leg.medium],
            in_use=True,
        )


def _add_mesh(response: network_pb2.GetTopologyResponse, constellation: Constellation, delays_s: Float64) -> None:
    """Add the laser links between relay satellites that can be used and are not there yet.

    delays_s: (m,) light times of the mesh's links; inf: cannot be used.
    """
    there = {frozenset((link.from_node, link.to_node)) for link in response.links}
    names, network = constellation.mesh.names, constellation.network
    usable = np.flatnonzero(np.isfinite(delays_s))
    for (first, second), delay_s in zip(
        constellation.mesh.links[usable].tolist(), delays_s[usable].tolist(), strict=True
    ):
        if frozenset((names[first], names[second])) not in there:
            response.links.add(
                from_node=names[first],
                to_node=names[second],
                delay_s=network.processing_delay_s + delay_s,
                rate_bps=network.crosslink_rate_bps,
                medium=network_pb2.LINK_MEDIUM_LASER,
            )


def _vector(place: list[float]) -> frame_pb2.Vector3 | None:
    x, y, z = place
    return frame_pb2.Vector3(x=x, y=y, z=z) if math.isfinite(x) else None
