"""Processor time to refresh 42,000 satellites' network, beside NumPy with SciPy and a bare copy of the positions.

A refresh moves Starlink's 41,914 satellites as filed (now and as they were when the terminals began to point), works
out the delays of 83,626 laser links with range and obstruction, which of ten gateways see which satellite, and the
routes of four satellites, all free to choose among the gateways. NumPy with SciPy does the same work in the same run.
Both are looked at once a second of emulated time, in the process's own time on one core. `router` is what a running
relay does each second: it also keeps to the slots' gateways and works out a sixtieth of the next minute's SGP4.
Their answers are compared: the peer's delay from a satellite's own nearest relay is to be ours.

Run alone: python -m bench.network.refresh [--seconds 240] [--peer-seconds 15] [--json]
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from bench.network.peer import Peer
from bench.network.sky import starlink
from services.geometry.time import NS_PER_S
from services.relay.network.constellation import Constellation
from services.relay.network.faults import FaultBook
from services.relay.network.light import LIGHT_M_PER_S
from services.relay.network.motion import SPAN_NS, Motion
from services.relay.network.outage import Outage
from services.relay.network.routing import Router
from services.relay.network.search import MeshSearch, Weights, weights_of
from services.relay.network.slots import slot_start_ns
from services.relay.network.visibility import candidates_in_slot, geometry_at, motion_of

SECONDS, PEER_SECONDS = 240, 15
# Frames asked for when a path's own cost is measured.
FRAMES = 2000


class Refresher:
    """What a refresh needs and keeps: the motion, the tables of the mesh, and the slot's first legs."""

    def __init__(self, constellation: Constellation) -> None:
        network, mesh = constellation.network, constellation.mesh
        self.constellation = constellation
        self.motion: Motion = motion_of(constellation)
        self.bases_s = np.array([gateway.terrestrial_delay_s for gateway in constellation.gateways])
        self.bases_s += network.processing_delay_s
        self.search = MeshSearch(len(mesh.names), mesh.links, self.bases_s, network.processing_delay_s)
        self._whole = Outage.none(constellation)

    def starts(self, unix_ns: int) -> list[Any]:
        """Return the relay satellites that each sender is joined to in the slot of an instant."""
        terminals = self.constellation.network.sensor_links
        slots = candidates_in_slot(self.constellation, self.motion, slot_start_ns(unix_ns))
        return [candidates[:terminals] for candidates in slots]

    def weights(self, unix_ns: int) -> Weights:
        """Return everything that routes are chosen from at an instant."""
        whole = self._whole
        geometry = geometry_at(self.constellation, self.motion, unix_ns)
        return weights_of(geometry, whole.links, whole.relays, ~whole.gateways, set())

    def refresh(self, unix_ns: int, starts: Sequence[Any]) -> list[float]:
        """Return the routes' delays at an instant."""
        weights = self.weights(unix_ns)
        exits = self.search.exits(weights)
        places, count = weights.geometry.places_teme_m, len(self.constellation.mesh.names)
        delays_s = []
        for satellite, relays in enumerate(starts):
            away_m = np.linalg.norm(places[relays] - places[count + satellite], axis=1)
            at_s = away_m / LIGHT_M_PER_S + self.constellation.network.processing_delay_s
            delays_s.append(self.search.path(weights, exits, relays, at_s)[1])
        return delays_s


def run(seconds: int = SECONDS, peer_seconds: int = PEER_SECONDS) -> dict[str, Any]:
    """Return milliseconds of each part: least, median, 99th centile."""
    constellation, start = starlink()
    refresher = Refresher(constellation)
    minute = start - start % SPAN_NS
    figures: dict[str, Any] = {"satellites": len(constellation.mesh.names), "links": len(constellation.mesh.links)}
    figures["sgp4_anchor"] = spread(lambda at: motion_of(constellation).places_teme_m(at), range(minute, minute + 5))
    # Two anchors in that.
    figures["sgp4_anchor"] = {key: value / 2 for key, value in figures["sgp4_anchor"].items()}
    instants = [start + second * NS_PER_S for second in range(seconds)]
    # Anchors and first legs are there before; `router` below has them in it.
    for at in instants:
        refresher.motion.places_teme_m(at)
    parts = _refreshes(refresher, instants)
    figures |= {name: summary(taken) for name, taken in parts.items()}
    places = refresher.motion.places_teme_m(start)
    target = np.empty_like(places)
    figures["copyto"] = spread(lambda _: np.copyto(target, places), instants)
    figures |= _peer(refresher, minute + SPAN_NS, peer_seconds)
    figures |= _router(constellation, instants)
    figures["refresh_over_numpy_scipy"] = figures["refresh"]["p50_ms"] / figures["numpy_scipy"]["p50_ms"]
    figures["refresh_over_copyto"] = figures["refresh"]["p50_ms"] / figures["copyto"]["p50_ms"]
    return figures


def _refreshes(refresher: Refresher, instants: Sequence[int]) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {"refresh": [], "nearest": []}
    search = refresher.search
    for at in instants:
        # Anchors fall out of memory after some minutes, so that they are looked up once more.
        refresher.motion.places_teme_m(at)
        starts = refresher.starts(at)
        taken["refresh"].append(timed(refresher.refresh, at, starts))
        weights = refresher.weights(at)
        taken["nearest"].append(timed(lambda weights: search.nearest(weights, search.exits(weights)), weights))
    return taken


def _peer(refresher: Refresher, minute_unix_ns: int, seconds: int) -> dict[str, Any]:
    peer = Peer(refresher.constellation, minute_unix_ns)
    taken, nearest, worst = [], [], 0.0
    for second in range(20, 20 + seconds):
        at = minute_unix_ns + second * NS_PER_S
        first = [int(relays[0]) for relays in refresher.starts(at)]
        taken.append(timed(peer.refresh, at, first))
        graph = peer.graph(at)
        nearest.append(timed(peer.nearest, graph))
        weights = refresher.weights(at)
        _, ours_s = refresher.search.nearest(weights, refresher.search.exits(weights))
        theirs_s = peer.nearest(graph)
        # Infinite in both where no path leads: such a pair is no difference.
        with np.errstate(invalid="ignore"):
            apart_s = np.where(ours_s == theirs_s, 0.0, np.abs(ours_s - theirs_s))
        worst = max(worst, float(apart_s.max()))
    return {
        "numpy_scipy": summary(taken),
        "nearest_scipy": summary(nearest),
        "worst_difference_s": worst,
    }


def _router(constellation: Constellation, instants: Sequence[int]) -> dict[str, Any]:
    router = Router(constellation, FaultBook())
    router.prepare(instants[0])
    per_second = spread(router.prepare, instants[1:])
    name, at = constellation.satellites[0], instants[-1]
    began = time.process_time_ns()
    for frame in range(FRAMES):
        router.path(name, at + frame)
    return {"router": per_second, "path_us_a_frame": (time.process_time_ns() - began) / 1e3 / FRAMES}


def timed(work: Callable[..., Any], *arguments: Any) -> float:
    """Return the processor time that something takes, milliseconds."""
    began = time.process_time_ns()
    work(*arguments)
    return (time.process_time_ns() - began) / 1e6


def spread(work: Callable[[int], Any], instants: Sequence[int]) -> dict[str, float]:
    """Return least, median and 99th centile of what something takes at each instant, milliseconds."""
    return summary([timed(work, at) for at in instants])


def summary(taken_ms: Sequence[float]) -> dict[str, float]:
    """Return least, median and 99th centile."""
    return {
        "least_ms": min(taken_ms),
        "p50_ms": float(np.median(taken_ms)),
        "p99_ms": float(np.percentile(taken_ms, 99)),
    }


def table(figures: dict[str, Any]) -> str:
    """Return the figures as lines for a person."""
    lines = [f"{figures['satellites']:,} satellites, {figures['links']:,} links; ms: least, median, 99th centile"]
    for name, value in figures.items():
        if isinstance(value, dict):
            lines.append(f"{name:<14} {value['least_ms']:8.3f} {value['p50_ms']:8.3f} {value['p99_ms']:8.3f}")
    lines.append(
        f"refresh takes {figures['refresh_over_numpy_scipy']:.3f} of NumPy with SciPy, "
        f"{figures['refresh_over_copyto']:.0f} copies of the positions; worst difference from the peer's delays "
        f"{figures['worst_difference_s']:.1e} s; a path {figures['path_us_a_frame']:.0f} us a frame"
    )
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=SECONDS, help="refreshes, one an emulated second")
    parser.add_argument("--peer-seconds", type=int, default=PEER_SECONDS, help="refreshes of NumPy with SciPy")
    parser.add_argument("--json", action="store_true", help="print JSON instead of lines")
    chosen = parser.parse_args()
    measured = run(chosen.seconds, chosen.peer_seconds)
    print(json.dumps(measured, indent=2) if chosen.json else table(measured))
