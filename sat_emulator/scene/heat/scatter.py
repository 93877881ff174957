"""Many of a kind, strewn over the ground."""

import dataclasses
import math
from dataclasses import dataclass

from services.geometry.chance import seeded_generator
from services.geometry.geodesic import geodesic_destination
from services.scenario.model import Fire, Flare, Place

# How strong each of many is, evenly between: times what the scenario says of one.
WEAKEST = 0.2
STRONGEST = 2.0


@dataclass(frozen=True)
class Strewn:
    """One of many: its name, where it is, and how strong it is."""

    id: str
    place: Place
    strength: float


def strewn(kind: Fire | Flare, seed: int) -> tuple[Strewn, ...]:
    """Return the one under its own id, at its place; or the many, id-1, id-2, ..., evenly over the disc round it."""
    if kind.count == 1:
        return (Strewn(kind.id, kind.place, 1.0),)
    # Drawn one after another, so that the first stay where they are when the count grows.
    generator = seeded_generator(seed, f"{kind.id} strewn")
    return tuple(
        Strewn(
            f"{kind.id}-{number}",
            random_place(kind.place, kind.within_m, float(generator.uniform()), float(generator.uniform())),
            float(generator.uniform(WEAKEST, STRONGEST)),
        )
        for number in range(1, kind.count + 1)
    )


def random_place(middle: Place, radius_m: float, outwards: float, around: float) -> Place:
    """Return a place within a radius at the middle's height, evenly over the area for two even numbers in [0, 1)."""
    latitude, longitude = geodesic_destination(
        middle.latitude_deg, middle.longitude_deg, 360.0 * around, radius_m * math.sqrt(outwards)
    )
    return dataclasses.replace(middle, latitude_deg=latitude, longitude_deg=longitude)
