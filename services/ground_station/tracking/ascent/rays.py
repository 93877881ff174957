"""Lines of sight as the ascent's estimator takes them, and what is known of the sensors' biases."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.ground_station.tracking.ascent.layout import BIASES

Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class Rays:
    """Lines of sight of one target, in any order.

    time_s: (n,) of presence, since any epoch. origin_itrs_m, los_itrs: (n, 3), the sensor's place and the unit vector
    away from it, ITRS of that instant. sigma_rad: (n,) standard deviation of either angle. sensor: (n,) from 0 on.
    """

    time_s: Float64
    origin_itrs_m: Float64
    los_itrs: Float64
    sigma_rad: Float64
    sensor: NDArray[np.int64]

    def __post_init__(self) -> None:
        count = len(self.time_s)
        shapes = (self.origin_itrs_m.shape, self.los_itrs.shape, self.sigma_rad.shape, self.sensor.shape)
        if shapes != ((count, 3), (count, 3), (count,), (count,)):
            raise ValueError(f"rays: {count} times with arrays of shapes {shapes}; give one row a line of sight")
        finite = all(
            np.isfinite(part).all() for part in (self.time_s, self.origin_itrs_m, self.los_itrs, self.sigma_rad)
        )
        if count and not (finite and (self.sigma_rad > 0).all() and self.sensor.min() >= 0):
            raise ValueError("rays: all must be finite, sigma_rad positive, sensors counted from 0; drop other ones")

    def __len__(self) -> int:
        return len(self.time_s)

    @property
    def sensors(self) -> int:
        """How many sensors there are: one more than the highest number."""
        return int(self.sensor.max()) + 1 if len(self) else 0

    def until(self, time_s: float) -> "Rays":
        """Return the lines of sight up to a time, in order of time."""
        order = np.argsort(self.time_s, kind="stable")
        order = order[self.time_s[order] <= time_s]
        return self.at(order)

    def since(self, time_s: float) -> "Rays":
        """Return the lines of sight from a time on, in the order they are in."""
        return self.at(self.time_s >= time_s)

    def at(self, which: NDArray[np.int64] | NDArray[np.bool_]) -> "Rays":
        """Return the chosen lines of sight; sensors keep their numbers."""
        return Rays(
            self.time_s[which],
            self.origin_itrs_m[which],
            self.los_itrs[which],
            self.sigma_rad[which],
            self.sensor[which],
        )

    def across(self) -> Float64:
        """Return (n, 2, 3) unit vectors across each line of sight and each other."""
        # Off the coordinate axis that is furthest from it.
        helper = np.eye(3)[np.argmin(np.abs(self.los_itrs), axis=1)]
        first = np.cross(self.los_itrs, helper)
        first /= np.linalg.norm(first, axis=1, keepdims=True)
        return np.ascontiguousarray(np.stack([first, np.cross(self.los_itrs, first)], axis=1))

    def drift_itrs_m_per_s(self) -> Float64:
        """Return the sensors' velocities (n, 3) at the lines of sight, from their places: a cubic of time a sensor."""
        drift = np.zeros_like(self.origin_itrs_m)
        for sensor in range(self.sensors):
            mine = np.flatnonzero(self.sensor == sensor)
            since = self.time_s[mine] - self.time_s[mine].mean() if len(mine) else np.zeros(0)
            span = np.ptp(since) if len(mine) else 0.0
            degree = min(3, len(np.unique(since)) - 1)
            if span <= 0.0 or degree < 1:
                continue
            powers = np.vander(since / span, degree + 1, increasing=True)
            found = np.linalg.lstsq(powers, self.origin_itrs_m[mine], rcond=None)[0]
            drift[mine] = powers[:, :-1] @ (found[1:] * np.arange(1, degree + 1)[:, None]) / span
        return drift


@dataclass(frozen=True)
class BiasPrior:
    """What is known of the biases before the looks: mean and standard deviation, (S, 4) each.

    A sensor's rotation of its lines of sight about the ITRS axes, rad, and how fast its clock is, s; all constant.
    """

    mean: Float64
    sigma: Float64

    @staticmethod
    def of(sensors: int, angle_sigma_rad: float, time_sigma_s: float) -> "BiasPrior":
        """Return the prior of sensors that are all as good, without bias on the average."""
        sigma = np.tile([angle_sigma_rad] * 3 + [time_sigma_s], (sensors, 1))
        return BiasPrior(np.zeros((sensors, BIASES)), sigma)
