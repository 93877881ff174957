"""Faults that a scenario plans, and whether a fault is of anything that the network has."""

from services.geometry.chance import seeded_generator
from services.geometry.time import NS_PER_S
from services.relay.network.constellation import Constellation, nearest_name
from services.relay.network.faults import Fault, FaultKind
from services.runtime.configuration import ConfigurationError
from services.scenario.model import PlannedFault, Scenario
from services.scenario.resolve import start_unix_ns

KINDS = {
    "node": FaultKind.NODE,
    "gateway": FaultKind.NODE,
    "link": FaultKind.LINK,
    "plane": FaultKind.PLANE,
    "links": FaultKind.LASER_LINKS,
    "rain": FaultKind.RAIN,
}


def planned_faults(scenario: Scenario, constellation: Constellation) -> tuple[Fault, ...]:
    """Return the scenario's faults, planned-1, planned-2, … in the file's order, at their emulated instants.

    ConfigurationError where one is of something that the network does not have.
    """
    faults = []
    for place, plan in enumerate(scenario.network.faults):
        fault = _fault(scenario, plan, place, constellation)
        problem = problem_with(fault, constellation)
        if plan.kind == "gateway" and not problem and plan.node not in constellation.gateway_index:
            problem = f"{plan.node!r} is no gateway{nearest_name(plan.node, tuple(constellation.gateway_index))}"
        if problem:
            raise ConfigurationError(f"network.fault[{place}]", problem)
        faults.append(fault)
    return tuple(faults)


def problem_with(fault: Fault, constellation: Constellation) -> str:
    """Return why the network has nothing that the fault could hit; empty where it has."""
    match fault.kind:
        case FaultKind.NODE:
            return _unknown_node(fault.node, constellation)
        case FaultKind.LINK:
            return (
                _unknown_node(fault.node, constellation)
                or _unknown_node(fault.to_node, constellation)
                or _no_link(fault.node, fault.to_node, constellation)
            )
        case FaultKind.PLANE:
            return _unknown_plane(fault.node, fault.plane, constellation)
        case FaultKind.RAIN:
            gateways = constellation.gateway_index
            if fault.node in gateways:
                return ""
            return f"{fault.node!r} is no gateway{nearest_name(fault.node, tuple(gateways))}"
        case FaultKind.LASER_LINKS:
            return "" if len(constellation.mesh.links) else "the relay satellites have no laser links between them"


def _fault(scenario: Scenario, plan: PlannedFault, place: int, constellation: Constellation) -> Fault:
    fault_id = f"planned-{place + 1}"
    start = start_unix_ns(scenario) + round(plan.start_s * NS_PER_S)
    shells = constellation.mesh.shells
    node = plan.node
    if plan.kind == "plane":
        node = plan.shell or (shells[0] if len(shells) == 1 else "")
    return Fault(
        fault_id,
        KINDS[plan.kind],
        node,
        plan.to_node,
        start,
        None if plan.duration_s is None else start + round(plan.duration_s * NS_PER_S),
        plane=plan.plane if plan.kind == "plane" else -1,
        share=plan.share,
        seed=int(seeded_generator(scenario.seed, fault_id).integers(2**31)),
        rain_mm_per_h=plan.rain_mm_per_h,
        planned=True,
    )


def _unknown_node(name: str, constellation: Constellation) -> str:
    nodes = constellation.node_names()
    return "" if name in nodes else f"there is no node {name!r}{nearest_name(name, nodes)}"


def _unknown_plane(shell: str, plane: int, constellation: Constellation) -> str:
    mesh = constellation.mesh
    if shell not in mesh.shells:
        shells = ", ".join(mesh.shells) or "none"
        return f"there is no shell {shell!r}; the relay satellites' shells are {shells}"
    planes = mesh.planes_of(shell)
    return "" if 0 <= plane < planes else f"shell {shell!r} has {planes} planes, 0 to {planes - 1}, and no {plane}"


def _no_link(first: str, second: str, constellation: Constellation) -> str:
    """Return why no link can ever be between two nodes that there are; empty where one can."""
    mesh = constellation.mesh
    kinds = {_kind(first, constellation): first, _kind(second, constellation): second}
    if kinds.keys() in ({"satellite", "relay"}, {"relay", "gateway"}, {"gateway", "station"}):
        return ""
    if kinds.keys() == {"satellite", "gateway"} and constellation.relays_are_sources:
        return ""
    if kinds.keys() == {"relay"}:
        neighbours = mesh.neighbours(first)
        if second in neighbours:
            return ""
        has = "to " + ", ".join(neighbours) if neighbours else "to none"
        return f"there is no laser link between {first!r} and {second!r}; {first!r} has links {has}"
    return (
        f"there is never a link between {first!r} and {second!r}; satellites are linked to relay satellites, those to "
        "each other and to gateways, and gateways to the station"
    )


def _kind(name: str, constellation: Constellation) -> str:
    if name in constellation.satellites:
        return "satellite"
    if name in constellation.mesh.index:
        return "relay"
    return "gateway" if name in constellation.gateway_index else "station"
