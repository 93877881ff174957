"""What the link model costs a frame, and what jitter, losses and rain do to its delay.

Frames of 2 MiB at 10 Hz over paths of 5 and 15 legs that change every 10 s, as routes do. Times are of the process,
the least of several rounds, for `carry` and the `retimed` that follows it.

Run alone: python -m bench.network.channel [--rounds 5] [--json]
"""

import argparse
import itertools
import json
import statistics
import time
from collections.abc import Iterable
from typing import Any

import numpy as np

from services.relay.network.constellation import Constellation
from services.relay.network.faults import Fault, FaultKind
from services.relay.network.link import Leg, Medium, Path, Traffic, Transit
from services.relay.network.mesh import Mesh
from services.relay.network.stream import StreamLink
from services.scenario.model import Gateway, Network, Place

FRAMES = 1000
ROUNDS = 5
FRAME_BYTES = 2**21
PERIOD_NS = 100_000_000
# Relay satellites a path leads over, of those there are.
RELAYS = 60

CALM = Network()
JITTERY = Network(jitter_s=0.001)
LOSSY = Network(jitter_s=0.001, loss=0.01, burst_loss=0.3, burst_s=1.0, burst_every_s=10.0)
LASERS = Fault("fault-1", FaultKind.LASER_LINKS, "", "", 0, None, share=0.3, seed=1)
RAIN = Fault("fault-1", FaultKind.RAIN, "gate", "", 0, None, rain_mm_per_h=5.0)
SETTINGS: dict[str, tuple[Network, list[Fault]]] = {
    "nothing by chance": (CALM, []),
    "jitter 1 ms": (JITTERY, []),
    "and 1 % loss, bursts of 30 %": (LOSSY, []),
    "nothing, 30 % of the lasers out": (CALM, [LASERS]),
    "nothing, rain of 5 mm/h": (CALM, [RAIN]),
}


def constellation(network: Network) -> Constellation:
    """Return the nodes of all paths, by name only."""
    names = tuple(f"relay-{number}" for number in range(RELAYS))
    chain = np.array([[number, number + 1] for number in range(RELAYS - 1)], dtype=np.int32)
    mesh = Mesh(names, (), ("shell",), np.zeros(RELAYS, np.int32), np.zeros(RELAYS, np.int32), chain)
    return Constellation(("sat",), (), mesh, (Gateway("gate", Place(0, 0)),), "station", network)


def path(legs: int, first: int) -> Path:
    """Return a path of so many legs over the relay satellites from `first` on."""
    nodes = ["sat", *(f"relay-{first + number}" for number in range(legs - 2)), "gate"]
    lasers = [Leg(one, other, 0.0005, 0.004, 1e11) for one, other in itertools.pairwise(nodes[:-1])]
    return Path((*lasers, *straight_down(nodes[-2]).legs))


def straight_down(node: str) -> Path:
    """Return the path from a relay satellite that sees the gateway."""
    down = Leg(node, "gate", 0.0005, 0.003, 2.5e9, Medium.GROUND, elevation_rad=0.8)
    return Path((down, Leg("gate", "station", 0.0005, 0.002, 0.0, Medium.TERRESTRIAL)))


def carried(network: Network, faults: Iterable[Fault], legs: int) -> list[Transit]:
    """Return the ways of all frames."""
    link = StreamLink(constellation(network), 1, "sat", Traffic.FRAMES)
    paths = [path(legs, first) for first in (0, 20, 40)]
    transits = []
    for number in range(FRAMES):
        transit = link.carry(paths[number // 100 % 3], number * PERIOD_NS, FRAME_BYTES, number)
        transits.append(link.retimed(transit, faults, lambda node, _at: straight_down(node)))
    return transits


def run(rounds: int = ROUNDS) -> dict[str, Any]:
    """Return microseconds a frame and delays of 5 legs, milliseconds, of each setting."""
    return {name: _figures(network, faults, rounds) for name, (network, faults) in SETTINGS.items()}


def table(figures: dict[str, Any]) -> str:
    """Return the figures as lines for a person."""
    lines = [
        f"{'':34}{'us a frame':>22}{'delay of 5 legs, ms':>28}{'lost':>6}",
        f"{'':34}{'5 legs':>11}{'15 legs':>11}{'p50':>14}{'p99':>14}",
    ]
    for name, row in figures.items():
        costs = f"{row['us_a_frame_5_legs']:11.0f}{row['us_a_frame_15_legs']:11.0f}"
        lines.append(f"{name:34}{costs}{row['delay_p50_ms']:14.2f}{row['delay_p99_ms']:14.2f}{row['lost']:6d}")
    return "\n".join(lines)


def _figures(network: Network, faults: Iterable[Fault], rounds: int) -> dict[str, float]:
    transits = carried(network, faults, 5)
    delays_ms = [(each.arrival_unix_ns - each.ready_unix_ns) / 1e6 for each in transits if not each.lost]
    return {
        "us_a_frame_5_legs": _cost_us(network, faults, 5, rounds),
        "us_a_frame_15_legs": _cost_us(network, faults, 15, rounds),
        "delay_p50_ms": statistics.median(delays_ms),
        "delay_p99_ms": statistics.quantiles(delays_ms, n=100)[98],
        "lost": sum(bool(each.lost) for each in transits),
    }


def _cost_us(network: Network, faults: Iterable[Fault], legs: int, rounds: int) -> float:
    spent = []
    for _ in range(rounds):
        began = time.process_time()
        carried(network, faults, legs)
        spent.append(time.process_time() - began)
    return min(spent) * 1e6 / FRAMES


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of which the quickest counts")
    parser.add_argument("--json", action="store_true", help="print JSON instead of lines")
    chosen = parser.parse_args()
    measured = run(chosen.rounds)
    print(json.dumps(measured, indent=2) if chosen.json else table(measured))
