"""What a simulated satellite states of one look: a line of looks.jsonl, or what the tracker reads from that line."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.ground_station.tracking.look import Look
from services.ground_station.tracking.looks_file import look_of_cone

Float64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Stated:
    """Numbers of one look, as the satellite believes them; ITRS axes of the instant that its clock shows.

    los_itrs: (n, 3) unit, strongest first. snr: (n,).
    """

    sensor_id: str
    time_unix_ns: int
    position_itrs_m: Float64
    boresight_itrs: Float64
    half_angle_rad: float
    sigma_rad: float
    los_itrs: Float64
    snr: Float64

    def line(self) -> dict[str, Any]:
        """Return the line of looks.jsonl."""
        found = zip(self.los_itrs.tolist(), self.snr.tolist(), strict=True)
        return {
            "time_unix_ns": self.time_unix_ns,
            "sensor_id": self.sensor_id,
            "position_itrs_m": self.position_itrs_m.tolist(),
            "boresight_itrs": self.boresight_itrs.tolist(),
            "fov_half_angle_rad": self.half_angle_rad,
            "sigma_rad": self.sigma_rad,
            "detections": [{"los_itrs": direction, "snr": strength} for direction, strength in found],
        }

    def look(self) -> Look:
        """Return the look that the tracker reads from the line, bit for bit."""
        lengths = np.array(list(map(math.hypot, *self.los_itrs.T.tolist())))
        return look_of_cone(
            self.sensor_id,
            self.time_unix_ns,
            self.position_itrs_m,
            self.boresight_itrs / math.hypot(*self.boresight_itrs.tolist()),
            self.half_angle_rad,
            self.sigma_rad,
            self.los_itrs / lengths[:, None],
            self.snr,
        )
