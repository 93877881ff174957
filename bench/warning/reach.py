"""Whether things come down where and when it was said, on flights seen with a tracker's noise.

    python -m bench.warning.reach [--flights 100] [--seed 2001]

States have a tracker's noise, from that of many satellites to that of two; the tracker itself is not run.
"""

import argparse
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.warning.flights import Flown, drawn_noise, flights
from services.geometry.ellipsoid import itrs_to_geodetic
from services.geometry.geodesic import geodesic_inverse
from services.ground_station.tracking.snapshot import TargetClass
from services.ground_station.tracking.warning.reach import Reach, reach

Float64 = NDArray[np.float64]
FLIGHTS, SEED = 100, 2001
SURE: dict[TargetClass, dict[TargetClass, float]] = {
    "ballistic": {"ballistic": 0.97, "glide": 0.02, "unknown": 0.01},
    "glide": {"glide": 0.97, "ballistic": 0.02, "unknown": 0.01},
}
UNSURE: dict[TargetClass, float] = {"ballistic": 0.6, "glide": 0.3, "space_launch": 0.1}


@dataclass(frozen=True)
class Tried:
    """One answer and what came of it. left_s: the true time until it came down."""

    phase: str
    answer: Reach
    inside: bool
    left_s: float
    took_s: float


def tries(ballistic: int, glide: int, seed: int) -> Iterator[Tried]:
    """Yield answers in each phase of so many ballistic and glide flights."""
    rng = np.random.default_rng(seed)
    counts: dict[TargetClass, int] = {"ballistic": ballistic, "glide": glide}
    for word, count in counts.items():
        source = flights(word, rng)
        for _ in range(count):
            flown = next(source)
            burnout = flown.burnout_s or 0.0
            for phase, time_s in (
                ("half of the boost", burnout / 2),
                ("before burnout", burnout - 5.0),
                ("10 s after burnout", burnout + 10.0),
                ("60 s after burnout", burnout + 60.0),
                ("half of the fall", (burnout + flown.flight.end_s) / 2),
            ):
                yield _try(flown, word, phase, time_s, rng)


def inside(corners: tuple[tuple[float, float], ...], latitude_deg: float, longitude_deg: float) -> bool:
    """Return whether a place lies within corners, by the turns that they make about it."""
    azimuths = [math.radians(geodesic_inverse(latitude_deg, longitude_deg, *corner)[1]) for corner in corners]
    turned = sum(
        (there - here + math.pi) % (2 * math.pi) - math.pi
        for here, there in zip(azimuths, azimuths[1:] + azimuths[:1], strict=True)
    )
    return abs(turned) > math.pi


def _try(flown: Flown, word: TargetClass, phase: str, time_s: float, rng: np.random.Generator) -> Tried:
    noise = drawn_noise(rng)
    sigma = np.repeat([noise.position_m, noise.velocity_m_per_s], 3)
    position, velocity = flown.flight.state_itrs(time_s)
    seen = np.concatenate([position, velocity]) + sigma * rng.standard_normal(6)
    force = flown.force_itrs_m_per_s2(time_s)
    burns = time_s < (flown.burnout_s or 0.0)
    began = time.perf_counter()
    answer = reach(
        seen[:3],
        seen[3:],
        np.diag(sigma**2),
        UNSURE if burns else SURE[word],
        thrust_m_per_s2=max(float(force @ velocity) / float(np.linalg.norm(velocity)), 0.0) if burns else None,
        time_since_launch_s=time_s,
    )
    took = time.perf_counter() - began
    end = flown.flight.end_s
    latitude, longitude, _ = (float(value) for value in itrs_to_geodetic(flown.flight.state_itrs(end)[0]))
    held = bool(answer.corners) and inside(answer.corners, latitude, longitude)
    return Tried(f"{word}, {phase}", answer, held, end - time_s, took)


def run(flights: int = FLIGHTS, seed: int = SEED) -> dict[str, Any]:
    """Return for each phase: shares of answers stated, true of place and of time, time left over the true, and ms."""
    found = list(tries(flights, flights, seed))
    figures = {}
    for phase in dict.fromkeys(each.phase for each in found):
        those = [each for each in found if each.phase == phase]
        stated = [each for each in those if each.answer.corners]
        part = np.array([(each.answer.time_left_s or 0.0) / each.left_s for each in stated])
        figures[phase] = {
            "flights": len(those),
            "stated": len(stated) / len(those),
            "holds_the_end": float(np.mean([each.inside for each in stated])),
            "in_time": float(np.mean(part <= 1)),
            "left_over_true": [float(value) for value in (part.min(), np.median(part), part.max())],
            "ms": np.percentile([1e3 * each.took_s for each in those], [50, 99]).tolist(),
        }
    return figures


def table(figures: dict[str, Any]) -> str:
    """Return the figures as lines for a person."""
    heading = f"{'':30}{'flights':>8}{'stated':>8}{'holds the end':>15}{'in time':>9}{'time left / true':>18}"
    lines = [f"{heading}{'ms p50':>8}{'p99':>7}"]
    for phase, each in figures.items():
        left = " ".join(f"{value:.2f}" for value in each["left_over_true"])
        lines.append(
            f"{phase:30}{each['flights']:8}{each['stated']:8.1%}{each['holds_the_end']:15.1%}{each['in_time']:9.1%}"
            f"{left:>18}{each['ms'][0]:8.2f}{each['ms'][1]:7.2f}"
        )
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flights", type=int, default=FLIGHTS, help="of each class")
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    print(table(run(options.flights, options.seed)))


if __name__ == "__main__":
    main()
