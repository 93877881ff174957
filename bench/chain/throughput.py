"""Frames a second through satellite, relay and ground station with detection on: 84 MB/s for half a minute.

Four satellites replay rings of 1024 x 1024 16-bit images at 10 Hz each through the real chain (`plumewatch up`:
separate processes, a real broker), at the pace of real time. Measured: whether every frame was acknowledged,
whether the run kept real time, and what the processes took.

Run alone: python -m bench.chain.throughput [--seconds 30] [--rate 10]
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

SATELLITES = 4
RING = 16
SIDE = 1024

SCENARIO = """\
name = "throughput"
duration_s = {seconds}

[train]
satellites = {satellites}
"""

SATELLITE = """
[[satellite]]
id = "ring-{index}"
[satellite.replay]
path = "ring-{index}"
rate_hz = {rate}
loop = true
"""


def write_rings(folder: Path, seconds: float, rate: float) -> Path:
    """Write the scenario and its images, sky-like noise with a few points, and return the scenario's path."""
    generator = np.random.default_rng(20)
    text = SCENARIO.format(seconds=seconds, satellites=SATELLITES)
    for index in range(1, SATELLITES + 1):
        ring = folder / f"ring-{index}"
        ring.mkdir()
        for k in range(RING):
            image = generator.normal(2000, 40, (SIDE, SIDE))
            rows, columns = generator.integers(20, SIDE - 20, (2, 10))
            image[rows, columns] += 1500
            np.save(ring / f"{k:04d}.npy", image.astype(np.uint16))
        text += SATELLITE.format(index=index, rate=rate)
    path = folder / "throughput.toml"
    path.write_text(text)
    return path


def run(seconds: float = 30.0, rate: float = 10.0) -> dict[str, Any]:
    """Run the chain and return what its report says of throughput."""
    with tempfile.TemporaryDirectory(prefix="plumewatch-") as name:
        folder = Path(name)
        scenario = write_rings(folder, seconds, rate)
        report = folder / "report.json"
        command = [
            sys.executable,
            "-m",
            "services.cli",
            "up",
            str(scenario),
            "--report",
            str(report),
            "--port-base",
            "0",
        ]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        result = json.loads(report.read_text())
    frames = result["frames"]
    frame_mb = SIDE * SIDE * 2 / 1e6
    return {
        "frames_per_s": frames["acknowledged"] / seconds,
        "mb_per_s": frames["acknowledged"] * frame_mb / seconds,
        "frames": frames,
        "real_time": result["real_time"],
        "memory_mb_peak": result["memory_mb_peak"],
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30.0, help="length of the run")
    parser.add_argument("--rate", type=float, default=10.0, help="frames a second of each of the four satellites")
    options = parser.parse_args()
    print(json.dumps(run(options.seconds, options.rate), indent=2))


if __name__ == "__main__":
    main()
