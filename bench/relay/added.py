"""What the relay adds to a message's way when the model holds it up by nothing: from write call to read.

Four satellites send in turn, each message due before it is sent; once through the relay and once straight to the
receiver, in the same round. What the relay adds is the difference of the two.
"""

import os
from typing import Any

from bench.relay.rig import FRAME_BYTES, SATELLITES, Plan, measure
from bench.relay.rounds import quantiles_ms, rounds_table

ROUNDS = 5
SECONDS = 5
# Size and rate of each satellite's messages: a frame, and a detection batch's worth of bytes.
LOADS = {"2 MiB": (FRAME_BYTES, 10.0), "2 KiB": (2048, 50.0)}


def run(rounds: int = ROUNDS, seconds: int = SECONDS) -> dict[str, Any]:
    """Return the times of every round with and without the relay, milliseconds, by size."""
    loads: dict[str, list[dict[str, float]]] = {name: [] for name in LOADS}
    for _ in range(rounds):
        for name, (size_bytes, rate_hz) in LOADS.items():
            loads[name].append(_round(size_bytes, rate_hz, seconds))
    return {"satellites": SATELLITES, "cores": os.cpu_count(), "loads": loads}


def table(figures: dict[str, Any]) -> str:
    """Return the figures as lines for a person."""
    return "\n".join(
        f"{name} of {figures['satellites']} satellites in turn, ms from write call to read\n{rounds_table(rows)}"
        for name, rows in figures["loads"].items()
    )


def _round(size_bytes: int, rate_hz: float, seconds: int) -> dict[str, float]:
    frames = round(seconds * rate_hz)
    through, straight = (
        quantiles_ms(
            measure(
                Plan(frames, rate_hz, size_bytes=size_bytes, due_at_once=True, in_turn=True, relayed=relayed)
            ).arrivals.on_the_way_ns
        )
        for relayed in (True, False)
    )
    return {
        "added_p50": through["p50"] - straight["p50"],
        "added_p99": through["p99"] - straight["p99"],
        "through_p50": through["p50"],
        "straight_p50": straight["p50"],
        "through_p99": through["p99"],
        "straight_p99": straight["p99"],
    }


if __name__ == "__main__":
    print(table(run()))
