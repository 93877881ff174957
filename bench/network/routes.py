"""Whether every route is SciPy's: Starlink's 41,914 satellites, many instants, gateways and faults.

Each seed draws an instant of the day, whether gateways differ by fibre, and what is out of order: nothing, 30 % of the
laser links, those with a tenth of the satellites and gateways, or 70 % of the links. Then routes from random relay
satellites, to any gateway and to a single one, are held against SciPy's Dijkstra over the same weights, and the least
delay to the ground of every satellite at once. A route counts as equal where its delay agrees to 1e-12 and its own
links add up to that.

`cut` is a running router's: 30 % of the laser links fail in mid-second. Frames that leave from that nanosecond on must
have new routes over links that are left, for every sender that is still joined to a satellite with a way down. Frames
and detections that are on their way then, and those that leave then, must arrive wherever the satellite that has them
has a path left. Which have one, SciPy says.

Run alone: python -m bench.network.routes [--runs 40] [--first-seed 1] [--json]
"""

import itertools
import json
import math
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from bench.network.sky import starlink
from bench.tracking.report import options
from services.geometry.time import NS_PER_S
from services.relay.network.constellation import Constellation
from services.relay.network.faults import Fault, FaultBook, FaultKind
from services.relay.network.link import Traffic, Transit
from services.relay.network.outage import drawn_links
from services.relay.network.routing import Router
from services.relay.network.search import Exits, MeshSearch, Weights, weights_of
from services.relay.network.stream import StreamLink
from services.relay.network.visibility import geometry_at, motion_of

Float64 = NDArray[np.float64]

RUNS = 40
ROUTES_A_SEARCH = 500
# Share of the links that `cut` takes.
CUT_SHARE = 0.3
# When the messages of a stream leave before the cut: this share of their path's delay, so that they are spread over it.
# The last leaves with it.
ON_THE_WAY = (0.8, 0.6, 0.4, 0.2, 0.0)
MESSAGE_BYTES = {Traffic.FRAMES: 2**21, Traffic.DETECTIONS: 2**11}
# Share of links cut, share of satellites and of gateways lost.
OUT_OF_ORDER = ((0.0, 0.0), (0.3, 0.0), (0.3, 0.1), (0.7, 0.0))
SAME = 1e-12
START_UNIX_NS = 1_782_043_200_000_000_000  # 2026-06-21T12:00:00Z


class Comparison:
    """Counts of what was compared with SciPy and what was equal."""

    def __init__(self) -> None:
        self.routes = self.routes_equal = self.without_path = 0
        self.satellites = self.satellites_equal = 0

    def routes_of(self, constellation: Constellation, seed: int) -> None:
        """Compare the routes that a seed draws."""
        rng = np.random.default_rng(seed)
        network, satellites = constellation.network, len(constellation.mesh.names)
        fibre_s = np.array([gateway.terrestrial_delay_s for gateway in constellation.gateways])
        base_s = fibre_s * float(rng.integers(0, 2)) + network.processing_delay_s
        search = MeshSearch(satellites, constellation.mesh.links, base_s, network.processing_delay_s)
        weights = drawn_weights(constellation, rng, *OUT_OF_ORDER[seed % len(OUT_OF_ORDER)])
        for gateway in (None, int(rng.integers(len(base_s)))):
            exits = search.exits(weights, gateway)
            expected_s = to_ground(weights, exits, constellation)
            _, delays_s = search.nearest(weights, exits)
            self.satellites += satellites
            self.satellites_equal += sum(map(same, delays_s.tolist(), expected_s.tolist()))
            for start in rng.integers(0, satellites, ROUTES_A_SEARCH).tolist():
                chain, delay_s = search.path(weights, exits, np.array([start], dtype=np.int32), np.zeros(1))
                along_s = along(chain, weights, exits, constellation) if chain else math.inf
                self.routes += 1
                self.without_path += math.isinf(expected_s[start])
                self.routes_equal += same(delay_s, expected_s[start]) and same(along_s, expected_s[start])


def drawn_weights(constellation: Constellation, rng: np.random.Generator, cut: float, lost: float) -> Weights:
    """Return the weights at a drawn instant of the day, with drawn links, satellites and gateways out of order."""
    mesh = constellation.mesh
    at = START_UNIX_NS + int(rng.integers(0, 86_400 * 1000)) * 1_000_000
    geometry = geometry_at(constellation, motion_of(constellation), at)
    relays_out = rng.random(len(mesh.names)) < lost
    links_out = drawn_links(mesh, cut, int(rng.integers(2**32))) | relays_out[mesh.links].any(axis=1)
    return weights_of(geometry, links_out, relays_out, rng.random(len(constellation.gateways)) >= lost, set())


def to_ground(weights: Weights, exits: Exits, constellation: Constellation) -> Float64:
    """Return the least delay from every relay satellite to the ground, by SciPy."""
    count = len(exits.delays_s)
    usable = np.isfinite(weights.link_delays_s)
    first, second = constellation.mesh.links[usable].T
    there_s = weights.link_delays_s[usable] + constellation.network.processing_delay_s
    down = np.flatnonzero(np.isfinite(exits.delays_s))
    rows, columns = np.concatenate([first, second, down]), np.concatenate([second, first, np.full(len(down), count)])
    costs_s = np.concatenate([there_s, there_s, exits.delays_s[down]])
    graph = csr_array((costs_s, (rows, columns)), shape=(count + 1, count + 1))
    return np.asarray(dijkstra(graph.T, indices=count)[:count])


def along(chain: list[int], weights: Weights, exits: Exits, constellation: Constellation) -> float:
    """Return what a path's own links and its exit add up to."""
    links, satellites = constellation.mesh.links, len(constellation.mesh.names)
    # The mesh's links are sorted by both ends.
    keys = links[:, 0].astype(np.int64) * satellites + links[:, 1]
    wanted = np.array([min(ends) * satellites + max(ends) for ends in itertools.pairwise(chain)], dtype=np.int64)
    found = np.searchsorted(keys, wanted)
    if not np.array_equal(keys[found], wanted):
        return math.nan
    legs_s = weights.link_delays_s[found] + constellation.network.processing_delay_s
    return math.fsum(legs_s) + float(exits.delays_s[chain[-1]])


def same(one_s: float, other_s: float) -> bool:
    """Return whether two delays are equal but for rounding."""
    return one_s == other_s or abs(one_s - other_s) <= SAME * other_s


def cut(constellation: Constellation, seed: int) -> dict[str, Any]:
    """Return what becomes of the senders' routes and messages when 30 % of the laser links fail in mid-second."""
    at = START_UNIX_NS + seed * 911 * NS_PER_S + 400_000_000
    faults = FaultBook()
    router = Router(constellation, faults)
    router.prepare(at)
    faults.inject(Fault("", FaultKind.LASER_LINKS, "", "", at, share=CUT_SHARE, seed=seed))
    began = time.process_time_ns()
    paths = [router.path(name, at) for name in constellation.satellites]
    took_ms = (time.process_time_ns() - began) / 1e6
    usable = {frozenset(ends) for ends in constellation.mesh.links[np.isfinite(router.link_delays_s(at))].tolist()}
    index = constellation.mesh.index
    whole = all(
        frozenset((index[leg.from_node], index[leg.to_node])) in usable
        for path in paths
        for leg in (path.legs[1:-2] if path else ())
    )
    left = ways_down(constellation, at, seed)
    names = constellation.satellites
    served = [any(left[index[relay]] for relay in router.joined(name, at)) for name in names]
    sent = [transit for name in names for kind in MESSAGE_BYTES for transit in messages(router, name, kind, at)]
    # Where each was when its link was cut.
    holders = [next((stay.from_node for stay in transit.stays if not stay.arrived), None) for transit in sent]
    can_arrive = [holder is None or bool(left[index[holder]]) for holder in holders]
    return {
        "took_ms": took_ms,
        "over_links_left": whole,
        "served": sum(served),
        "routed": sum(path is not None for path in paths),
        "messages": len(sent),
        "messages_cut_off": sum(holder is not None for holder in holders),
        "messages_with_a_path_left": sum(can_arrive),
        "messages_arrived": sum(not transit.lost for transit, can in zip(sent, can_arrive, strict=True) if can),
    }


def ways_down(constellation: Constellation, unix_ns: int, seed: int) -> NDArray[np.bool_]:
    """Return whether a path leads to the ground (n,) from every relay satellite once the links are cut, by SciPy."""
    network, mesh = constellation.network, constellation.mesh
    geometry = geometry_at(constellation, motion_of(constellation), unix_ns - unix_ns % NS_PER_S)
    gateways = len(constellation.gateways)
    weights = weights_of(
        geometry,
        drawn_links(mesh, CUT_SHARE, seed),
        np.zeros(len(mesh.names), dtype=bool),
        np.ones(gateways, dtype=bool),
        set(),
    )
    search = MeshSearch(len(mesh.names), mesh.links, np.zeros(gateways), network.processing_delay_s)
    return np.isfinite(to_ground(weights, search.exits(weights), constellation))


def messages(router: Router, satellite_id: str, kind: Traffic, unix_ns: int) -> list[Transit]:
    """Return the ways of a stream's messages that are on their way at the cut, and of one that leaves then."""
    link = StreamLink(router.constellation, 1, satellite_id, kind)
    path = router.path(satellite_id, unix_ns - 1)
    delay_ns = path.delay_s * 1e9 if path else 0.0
    ways = []
    for sequence, part in enumerate(ON_THE_WAY):
        ready = unix_ns - round(part * delay_ns)
        path = router.path(satellite_id, ready)
        if path is not None:
            transit = link.carry(path, ready, MESSAGE_BYTES[kind], sequence)
            ways.append(link.retimed(transit, router.faults.all(), router.path_from))
    return ways


def run(runs: range = range(1, RUNS + 1)) -> dict[str, Any]:
    """Return how many routes were compared and how many were equal, and what became of the cuts."""
    constellation, _ = starlink()
    comparison = Comparison()
    cuts = []
    for seed in runs:
        comparison.routes_of(constellation, seed)
        cuts.append(cut(constellation, seed))
    took_ms = [each["took_ms"] for each in cuts]
    return {
        "runs": len(runs),
        **vars(comparison),
        "cuts": len(cuts),
        "cuts_over_links_left": sum(each["over_links_left"] for each in cuts),
        "senders_with_a_path_left": sum(each["served"] for each in cuts),
        "senders_routed": sum(each["routed"] for each in cuts),
        **{key: sum(each[key] for each in cuts) for key in cuts[0] if key.startswith("messages")},
        "new_routes_p50_ms": float(np.median(took_ms)),
        "new_routes_max_ms": max(took_ms),
    }


def table(figures: dict[str, Any]) -> str:
    """Return the figures as lines for a person."""
    return (
        f"{figures['runs']} runs: {figures['routes_equal']} of {figures['routes']} routes equal SciPy's "
        f"({figures['without_path']} of them: no path), {figures['satellites_equal']:,} of {figures['satellites']:,} "
        f"satellites' nearest gateways\n"
        f"{figures['cuts']} cuts of 30 % of the laser links in mid-second: {figures['senders_routed']} of "
        f"{figures['senders_with_a_path_left']} senders with a path left have one, {figures['cuts_over_links_left']} "
        f"times over links that are left; all four senders' new routes took {figures['new_routes_p50_ms']:.1f} ms p50, "
        f"{figures['new_routes_max_ms']:.1f} at most\n"
        f"{figures['messages']} frames and detections on their way or leaving then, {figures['messages_cut_off']} of "
        f"them towards a link that was cut: {figures['messages_arrived']} of {figures['messages_with_a_path_left']} "
        f"with a path left arrived"
    )


if __name__ == "__main__":
    chosen = options(__doc__, RUNS).parse_args()
    measured = run(range(chosen.first_seed, chosen.first_seed + chosen.runs))
    print(json.dumps(measured, indent=2) if chosen.json else table(measured))
