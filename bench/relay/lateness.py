"""How late the relay releases frames (write call - due), beside a bare clock_nanosleep in the same round.

Four satellites send 2 MiB frames at 10 Hz, 84 MB/s: once in turn, as cameras that nobody holds in step, and once all at
the same instants, where one frame's write call holds up the next one's. A process of its own sleeps until instants of
the same clock meanwhile.
"""

import os
from typing import Any

from bench.relay.rig import SATELLITES, Plan, measure
from bench.relay.rounds import quantiles_ms, rounds_table
from bench.relay.sleeper import bare_sleeper

ROUNDS = 5
SECONDS = 10
RATE_HZ = 10.0


def run(rounds: int = ROUNDS, seconds: int = SECONDS) -> dict[str, Any]:
    """Return the lateness of relay and bare sleeper in every round, milliseconds, and what the relay spent."""
    loads: dict[str, list[dict[str, float]]] = {"in turn": [], "at once": []}
    for _ in range(rounds):
        for name, rows in loads.items():
            rows.append(_round(seconds, in_turn=name == "in turn"))
    return {"satellites": SATELLITES, "cores": os.cpu_count(), "rate_hz": RATE_HZ, "loads": loads}


def table(figures: dict[str, Any]) -> str:
    """Return the figures as lines for a person."""
    heading = f"2 MiB frames of {figures['satellites']} satellites at {figures['rate_hz']:g} Hz"
    return "\n".join(
        f"{heading}, {name}; late, ms: relay, and a bare clock_nanosleep\n{rounds_table(rows)}"
        for name, rows in figures["loads"].items()
    )


def _round(seconds: int, *, in_turn: bool) -> dict[str, float]:
    with bare_sleeper() as bare_ns:
        measured = measure(Plan(round(seconds * RATE_HZ), RATE_HZ, in_turn=in_turn))
    relay, bare = quantiles_ms(measured.arrivals.lateness_ns), quantiles_ms(bare_ns)
    return {
        "relay_p50": relay["p50"],
        "bare_p50": bare["p50"],
        "relay_p99": relay["p99"],
        "bare_p99": bare["p99"],
        "p99_above_bare": relay["p99"] - bare["p99"],
        "relay_max": relay["max"],
        "bare_max": bare["max"],
        "frames": measured.arrivals.frames,
        "early": measured.early,
        "lost": measured.losses,
        "mb_per_s": measured.arrivals.size_bytes / 1e6 / measured.elapsed_s,
        "relay_cores": measured.relay_cpu_s / measured.elapsed_s,
    }


if __name__ == "__main__":
    print(table(run()))
