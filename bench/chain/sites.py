"""Ten seeds, ten launch sites drawn at random: is every rocket found, and is anything else called one?

Each run takes the default scenario, moves rocket and fire to a random place (latitude within 60 degrees), turns the
heading, changes the seed, and goes through the real chain (`plumewatch up`). The sites come from the seed given on
the command line, so that anyone can draw ten others.

Run alone: python -m bench.chain.sites [--runs 10] [--seed 0]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import numpy as np

from services.scenario.load import find_scenario

DEFAULT = find_scenario()


def moved(text: str, generator: np.random.Generator) -> str:
    """Return the default scenario's text with rocket and fire at a random place, another heading and seed."""
    scenario = tomllib.loads(text)
    rocket, fire = scenario["rocket"][0], scenario["fire"][0]
    latitude = generator.uniform(-60, 60)
    # Within the range that leaves room for the fire beside it.
    longitude = generator.uniform(-178, 178)
    replacements = {
        ("latitude_deg", rocket["launch"]["latitude_deg"]): latitude,
        ("longitude_deg", rocket["launch"]["longitude_deg"]): longitude,
        ("heading_deg", rocket["heading_deg"]): generator.uniform(0, 360),
        ("latitude_deg", fire["place"]["latitude_deg"]): latitude + generator.choice([-1.2, 1.2]),
        ("longitude_deg", fire["place"]["longitude_deg"]): longitude + generator.uniform(-1.2, 1.2),
        ("seed", scenario["seed"]): int(generator.integers(1, 2**31)),
    }
    for (key, old), new in replacements.items():
        spelled = f"{key} = {old}"
        if spelled not in text:
            raise ValueError(f"{DEFAULT.name} does not spell `{spelled}`; this bench moves what it finds there")
        text = text.replace(spelled, f"{key} = {new:.4f}" if isinstance(new, float) else f"{key} = {new}", 1)
    return text


def run(runs: int = 10, seed: int = 0) -> dict[str, Any]:
    """Run the chain at each site and return found rockets, false alerts and times."""
    generator = np.random.default_rng(seed)
    results = []
    with tempfile.TemporaryDirectory(prefix="plumewatch-") as name:
        for k in range(runs):
            scenario = Path(name) / f"site-{k}.toml"
            scenario.write_text(moved(DEFAULT.read_text(), generator))
            report = Path(name) / f"site-{k}.json"
            command = [sys.executable, "-m", "services.cli", "up", str(scenario)]
            subprocess.run(
                [*command, "--report", str(report), "--port-base", "0"], check=True, stdout=subprocess.DEVNULL
            )
            results.append(json.loads(report.read_text()))
            print(f"site {k + 1}/{runs}: found {results[-1]['found']}, false {results[-1]['false_alerts']}", flush=True)
    return {
        "runs": runs,
        "found": sum(result["found"] for result in results),
        "missed": sum(result["missed"] for result in results),
        "false_alerts": sum(result["false_alerts"] for result in results),
        "time_to_alert_p50_s": [result["time_to_alert_s"]["p50"] for result in results],
        "launch_error_p50_m": [result["launch_error_m"]["p50"] for result in results],
        "memory_mb_peak": max(result["memory_mb_peak"] for result in results),
        "real_time_ratio_min": min(result["real_time"]["ratio"] for result in results),
        "frames_lost": sum(sum(result["frames"]["lost"].values()) for result in results),
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10, help="sites")
    parser.add_argument("--seed", type=int, default=0, help="draws the sites")
    options = parser.parse_args()
    print(json.dumps(run(options.runs, options.seed), indent=2))


if __name__ == "__main__":
    main()
