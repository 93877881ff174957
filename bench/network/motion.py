"""How far the motion model is from SGP4: light time of every laser link, and place of every satellite.

Instants lie evenly over the span between two anchors, off both, for several spans of a day: of Starlink's shells as
filed, and of a catalogue where one is given, which are of the same age as in a run. Both ends of each link in reach at
the instant are taken from the model and from SGP4.

Run alone: python -m bench.network.motion [--catalogue FILE] [--spans 6] [--json]
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.network.sky import starlink
from services.geometry.orbit import Orbit, propagate_teme
from services.geometry.time import NS_PER_S
from services.relay.network.constellation import constellation_of_catalogue
from services.relay.network.light import LIGHT_M_PER_S
from services.relay.network.mesh import Mesh
from services.relay.network.motion import SPAN_NS, Motion
from services.scenario.tle import read_tle_file

Float64 = NDArray[np.float64]

SPANS = 6
# Between two looked-at spans: they fall on all parts of an orbit.
STEP_NS = 67 * SPAN_NS
INSTANTS_A_SPAN = 7


def errors(mesh: Mesh, first_unix_ns: int, spans: int) -> tuple[Float64, Float64]:
    """Return how far light times (s) and places (m) are off, of all links and satellites at all instants."""
    motion, (one, other) = Motion(mesh.orbits), mesh.links.T
    light_s, place_m = [], []
    for span in range(spans):
        for instant in range(1, INSTANTS_A_SPAN + 1):
            at = first_unix_ns + span * STEP_NS + instant * SPAN_NS // (INSTANTS_A_SPAN + 1)
            exact, _, _ = propagate_teme(mesh.orbits, at)
            modelled = motion.places_teme_m(at)
            place_m.append(np.linalg.norm(modelled - exact, axis=1))
            light_s.append((_apart(modelled, one, other) - _apart(exact, one, other)) / LIGHT_M_PER_S)
    every_s, every_m = np.abs(np.concatenate(light_s)), np.concatenate(place_m)
    return every_s[np.isfinite(every_s)], every_m[np.isfinite(every_m)]


def _apart(places: Float64, one: NDArray[np.int32], other: NDArray[np.int32]) -> Float64:
    return np.asarray(np.linalg.norm(places[one] - places[other], axis=1))


def of(mesh: Mesh, first_unix_ns: int, spans: int) -> dict[str, Any]:
    """Return a constellation's figures."""
    light_s, place_m = errors(mesh, first_unix_ns - first_unix_ns % SPAN_NS, spans)
    return {
        "satellites": len(mesh.names),
        "links": len(mesh.links),
        "compared": len(light_s),
        "light_time_p50_ns": 1e9 * float(np.median(light_s)),
        "light_time_p99_ns": 1e9 * float(np.percentile(light_s, 99)),
        "light_time_max_ns": 1e9 * float(light_s.max()),
        "place_p50_m": float(np.median(place_m)),
        "place_max_m": float(place_m.max()),
    }


def run(catalogue: Path | None = None, spans: int = SPANS) -> dict[str, Any]:
    """Return the figures of Starlink's shells and, where one is given, of a catalogue at its median epoch."""
    constellation, start = starlink()
    figures = {"shells as filed": of(constellation.mesh, start, spans)}
    if catalogue is not None:
        source, epoch = newest_middle(catalogue)
        figures[catalogue.name] = of(constellation_of_catalogue(catalogue, source, epoch).mesh, epoch, spans)
    return figures


def newest_middle(catalogue: Path) -> tuple[str, int]:
    """Return the satellite whose elements' epoch is the median of all, and that epoch, to the second."""
    file = read_tle_file(catalogue)
    orbits = (file.orbit(name) for name in file.elements)
    epochs = sorted((orbit.epoch_unix_ns, orbit.name) for orbit in orbits if isinstance(orbit, Orbit))
    epoch, name = epochs[len(epochs) // 2]
    return name, epoch - epoch % NS_PER_S


def table(figures: dict[str, Any]) -> str:
    """Return the figures as lines for a person."""
    return "\n".join(
        f"{name}: {value['satellites']:,} satellites, {value['compared']:,} links compared; light time off by "
        f"{value['light_time_p50_ns']:.2f} ns p50, {value['light_time_p99_ns']:.2f} p99, "
        f"{value['light_time_max_ns']:.1f} at most; place by {value['place_p50_m']:.3f} m p50, "
        f"{value['place_max_m']:.2f} at most"
        for name, value in figures.items()
    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--catalogue", type=Path, help="two-line elements to compare as well")
    parser.add_argument("--spans", type=int, default=SPANS, help="minutes looked at, 67 minutes apart")
    parser.add_argument("--json", action="store_true", help="print JSON instead of lines")
    chosen = parser.parse_args(arguments)
    figures = run(chosen.catalogue, chosen.spans)
    print(json.dumps(figures, indent=2) if chosen.json else table(figures))


if __name__ == "__main__":
    main()
