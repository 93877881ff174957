"""The lines of sight that truly reported one object: what a bound on its estimate is computed over."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.tracking.bodies import Truth
from bench.tracking.looks import SimulatedLook
from bench.tracking.sight import LIGHT_M_PER_S

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

# A detection is of an object if it lies within so many standard deviations of where its light should come from.
NEAR_SIGMA = 5.0


@dataclass(frozen=True, eq=False)
class Sightings:
    """Lines of sight in order of time.

    time_s: (n,) stated time of reception, since the sky's start. sensor: (n,) number of the satellite, whose names are
    sensor_ids. position_itrs_m, velocity_itrs_m_per_s: (n, 3) of the satellite. los_itrs: (n, 3) stated, unit, in axes
    of reception. sigma_rad: (n,).
    """

    time_s: Float64
    sensor: Int64
    position_itrs_m: Float64
    velocity_itrs_m_per_s: Float64
    los_itrs: Float64
    sigma_rad: Float64
    sensor_ids: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.time_s)

    def chosen(self, kept: NDArray[np.bool_]) -> "Sightings":
        """Return those where `kept` (n,) is True; satellites keep their numbers."""
        return Sightings(
            self.time_s[kept],
            self.sensor[kept],
            self.position_itrs_m[kept],
            self.velocity_itrs_m_per_s[kept],
            self.los_itrs[kept],
            self.sigma_rad[kept],
            self.sensor_ids,
        )

    def presence_s(self, truth: Truth) -> Float64:
        """Return (n,) when the light left the object."""
        age = np.zeros(len(self))
        for _ in range(3):
            place, _ = truth.states(self.time_s - age)
            age = np.linalg.norm(place - self.position_itrs_m, axis=1) / LIGHT_M_PER_S
        return self.time_s - age


def sightings(taken: Iterable[SimulatedLook], object_id: str, start_unix_ns: int) -> Sightings:
    """Return the looks' detections of an object, by what the looks themselves know of the truth."""
    looks = list(taken)
    los = [_of(look, object_id) for look in looks]
    return _sightings([look.line for look in looks], los, start_unix_ns)


def _of(look: SimulatedLook, object_id: str) -> Float64:
    """Return the line of sight, (3,), to an object; NaN where the look has none."""
    if object_id not in look.truth_ids:
        return np.full(3, np.nan)
    return np.array(look.line["detections"][look.truth_ids.index(object_id)]["los_itrs"])


def sightings_near(lines: Iterable[Mapping[str, Any]], truth: Truth, start_unix_ns: int) -> Sightings:
    """Return the lines of looks.jsonl that have a detection where the object's light should come from.

    For looks without known truth; biases beyond NEAR_SIGMA of the noise hide the object.
    """
    looks = list(lines)
    every = _sightings(looks, [np.zeros(3)] * len(looks), start_unix_ns, in_order=False)
    place, _ = truth.states(every.presence_s(truth))
    ray = place - every.position_itrs_m
    los = ray / np.linalg.norm(ray, axis=1)[:, None]
    inside = (every.time_s >= truth.begin_s) & (every.time_s <= truth.end_s)
    hit = [_near(line, los[k]) if inside[k] else np.full(3, np.nan) for k, line in enumerate(looks)]
    return _sightings(looks, hit, start_unix_ns)


def _near(line: Mapping[str, Any], los: Float64) -> Float64:
    """Return the stated line of sight nearest to one, (3,); NaN where none is near."""
    found = np.array([each["los_itrs"] for each in line["detections"]]).reshape(-1, 3)
    away = np.linalg.norm(np.cross(found, los), axis=1)
    away[found @ los <= 0] = np.inf
    if away.min(initial=np.inf) >= NEAR_SIGMA * line["sigma_rad"]:
        return np.full(3, np.nan)
    nearest: Float64 = found[np.argmin(away)]
    return nearest


def _sightings(
    looks: list[Mapping[str, Any]] | list[dict[str, Any]], hit: list[Float64], start_unix_ns: int, in_order: bool = True
) -> Sightings:
    """Return the looks that hit, that is, whose (3,) line of sight is a number.

    Velocities come from the places of all looks of a satellite.
    """
    names = tuple(dict.fromkeys(str(line["sensor_id"]) for line in looks))
    time_s = np.array([(int(line["time_unix_ns"]) - start_unix_ns) / 1e9 for line in looks])
    sensor = np.array([names.index(line["sensor_id"]) for line in looks], dtype=np.int64)
    position = np.array([line["position_itrs_m"] for line in looks]).reshape(-1, 3)
    velocity = np.zeros_like(position)
    for number in range(len(names)):
        own = np.flatnonzero(sensor == number)
        own = own[np.unique(time_s[own], return_index=True)[1]]
        if len(own) > 2:
            velocity[own] = np.gradient(position[own], time_s[own], axis=0, edge_order=2)
    los = np.array(hit).reshape(-1, 3)
    sigma = np.array([float(line["sigma_rad"]) for line in looks])
    every = Sightings(time_s, sensor, position, velocity, los, sigma, names)
    # A look that came twice tells once: the repetition has no velocity.
    kept = np.isfinite(los[:, 0]) & ((velocity != 0).any(axis=1) | (not in_order))
    chosen = every.chosen(kept)
    if not in_order:
        return chosen
    order = np.argsort(chosen.time_s, kind="stable")
    return Sightings(
        chosen.time_s[order],
        chosen.sensor[order],
        chosen.position_itrs_m[order],
        chosen.velocity_itrs_m_per_s[order],
        chosen.los_itrs[order],
        chosen.sigma_rad[order],
        names,
    )
