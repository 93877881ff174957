"""Whether things come down where and when it was said, on flights seen with a tracker's noise.

    python -m bench.warning.reach [--flights 100] [--seed 2001]

States have a tracker's noise, from that of many satellites to that of two; the tracker itself is not run.
"""

import argparse
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bench.warning.flights import Flown, drawn_noise, flights
from services.geometry.ellipsoid import itrs_to_geodetic
from services.geometry.geodesic import geodesic_inverse
from services.ground_station.tracking.snapshot import TargetClass
from services.ground_station.tracking.warning.reach import Reach, reach

Float64 = NDArray[np.float64]
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


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flights", type=int, default=100, help="of each class")
    parser.add_argument("--seed", type=int, default=2001)
    options = parser.parse_args()
    found = list(tries(options.flights, options.flights, options.seed))
    table = Table("phase", "flights", "stated", "holds the end", "in time", "time left / true", "ms p50", "ms p99")
    for phase in dict.fromkeys(each.phase for each in found):
        those = [each for each in found if each.phase == phase]
        stated = [each for each in those if each.answer.corners]
        part = [(each.answer.time_left_s or 0.0) / each.left_s for each in stated]
        took = np.percentile([1e3 * each.took_s for each in those], [50, 99])
        table.add_row(
            phase,
            str(len(those)),
            f"{len(stated) / len(those):.1%}",
            f"{np.mean([each.inside for each in stated]):.1%}",
            f"{np.mean(np.array(part) <= 1):.1%}",
            f"{np.min(part):.2f} {np.median(part):.2f} {np.max(part):.2f}",
            f"{took[0]:.2f}",
            f"{took[1]:.2f}",
        )
    Console(width=160).print(table)


if __name__ == "__main__":
    main()
