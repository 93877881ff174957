"""What the relay carries: 2 MiB frames of four satellites, as fast as they are acknowledged.

Frames are due at once, so that nothing but processing and copying holds them. Sender, relay and receiver share this
machine's cores; the figure is the chain's, not the relay's alone.
"""

import os
from typing import Any

from bench.relay.rig import PIXEL_BYTES, SATELLITES, Plan, measure

FRAMES = 150


def run(frames: int = FRAMES) -> dict[str, Any]:
    """Return frames/s, MB/s and processor time a frame."""
    measured = measure(Plan(frames))
    arrivals = measured.arrivals
    return {
        "satellites": SATELLITES,
        "cores": os.cpu_count(),
        "frame_bytes": PIXEL_BYTES,
        "frames": arrivals.frames,
        "lost": measured.losses,
        "frames_per_s": (arrivals.frames - 1) / measured.elapsed_s,
        "mb_per_s": arrivals.bytes / 1e6 / measured.elapsed_s,
        "relay_cpu_ms_per_frame": 1e3 * measured.relay_cpu_s / arrivals.frames,
        "relay_rss_mb": measured.relay_rss_bytes / 1e6,
    }


def table(figures: dict[str, Any]) -> str:
    """Return the figures as lines for a person."""
    return (
        f"{figures['satellites']} satellites, {figures['frames']} frames of {figures['frame_bytes'] / 2**20:.0f} MiB, "
        f"{figures['cores']} cores: {figures['frames_per_s']:.0f} frames/s, {figures['mb_per_s']:.0f} MB/s, "
        f"{figures['lost']} lost\n"
        f"relay: {figures['relay_cpu_ms_per_frame']:.2f} ms of processor a frame, {figures['relay_rss_mb']:.0f} MB"
    )


if __name__ == "__main__":
    print(table(run()))
