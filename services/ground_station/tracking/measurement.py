"""A detection as a track keeps it: a line of sight with its time and origin."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.ground_station.tracking.look import Look, seconds
from services.ground_station.tracking.snapshot import TrackDetection

Float64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Measurement:
    """One line of sight, ITRS. time_s: of presence, since the tracker's epoch."""

    time_s: float
    source: TrackDetection
    origin_itrs_m: Float64
    los_itrs: Float64
    sigma_rad: float
    pixel_rad: float
    snr: float
    irradiance_w_per_m2: float
    intensity_w_per_sr: float
    row: float
    column: float

    @property
    def sensor_id(self) -> str:
        """Who saw it."""
        return self.source.satellite_id


def measurement(look: Look, place: int, epoch_unix_ns: int) -> Measurement:
    """Return the look's detection at a place of its arrays."""
    return Measurement(
        seconds(look.time_unix_ns, epoch_unix_ns) - float(look.age_s[place]),
        TrackDetection(look.sensor_id, look.sequence, int(look.index[place])),
        look.origin_itrs_m[place],
        look.los_itrs[place],
        float(look.sigma_rad[place]),
        look.pixel_rad,
        float(look.snr[place]),
        float(look.irradiance_w_per_m2[place]),
        float(look.intensity_w_per_sr[place]),
        float(look.row[place]),
        float(look.column[place]),
    )


@dataclass(frozen=True)
class Rays:
    """Measurements as arrays: time (n,), origin (n, 3), los (n, 3), sigma (n,), pixel (n,), sensor index (n,)."""

    time_s: Float64
    origin_itrs_m: Float64
    los_itrs: Float64
    sigma_rad: Float64
    pixel_rad: Float64
    sensor: NDArray[np.int64]
    sensor_ids: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.time_s)


def rays(measurements: Sequence[Measurement]) -> Rays:
    """Return the measurements as arrays, in their order; sensors are numbered in order of first appearance."""
    names = {name: place for place, name in enumerate(dict.fromkeys(m.sensor_id for m in measurements))}
    return Rays(
        np.array([m.time_s for m in measurements]),
        np.array([m.origin_itrs_m for m in measurements]).reshape(-1, 3),
        np.array([m.los_itrs for m in measurements]).reshape(-1, 3),
        np.array([m.sigma_rad for m in measurements]),
        np.array([m.pixel_rad for m in measurements]),
        np.array([names[m.sensor_id] for m in measurements], dtype=np.int64),
        tuple(names),
    )


def subset(lines: Rays, kept: NDArray[np.bool_]) -> Rays:
    """Return the chosen lines of sight, (n,) True; sensors keep their numbers."""
    return Rays(
        lines.time_s[kept],
        lines.origin_itrs_m[kept],
        lines.los_itrs[kept],
        lines.sigma_rad[kept],
        lines.pixel_rad[kept],
        lines.sensor[kept],
        lines.sensor_ids,
    )
