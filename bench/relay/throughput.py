"""What the relay carries: 2 MiB frames of four satellites, as fast as they are acknowledged.

Frames are due at once, so that nothing but processing and copying holds them. Sender, relay and receiver share this
machine's cores; the figure is the chain's, not the relay's alone.
"""

import os
from typing import Any

from bench.relay.rig import FRAME_BYTES, SATELLITES, Plan, measure
from bench.relay.rounds import rounds_table

ROUNDS = 5
FRAMES = 150


def run(rounds: int = ROUNDS, frames: int = FRAMES) -> dict[str, Any]:
    """Return frames/s, MB/s and processor time a frame of every round."""
    rows = [_round(frames) for _ in range(rounds)]
    return {"satellites": SATELLITES, "cores": os.cpu_count(), "frame_bytes": FRAME_BYTES, "rounds": rows}


def table(figures: dict[str, Any]) -> str:
    """Return the figures as lines for a person."""
    frame = f"frames of {figures['frame_bytes'] / 2**20:.0f} MiB"
    return f"{figures['satellites']} satellites, {frame}, {figures['cores']} cores\n{rounds_table(figures['rounds'])}"


def _round(frames: int) -> dict[str, float]:
    measured = measure(Plan(frames))
    arrivals = measured.arrivals
    return {
        "frames_per_s": (arrivals.frames - 1) / measured.elapsed_s,
        "mb_per_s": arrivals.size_bytes / 1e6 / measured.elapsed_s,
        "lost": measured.losses,
        "relay_cpu_ms_per_frame": 1e3 * measured.relay_cpu_s / arrivals.frames,
        "relay_rss_mb": measured.relay_rss_bytes / 1e6,
    }


if __name__ == "__main__":
    print(table(run()))
