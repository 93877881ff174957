"""A cruise missile: hot exhaust, skin warmed by its speed, and the booster that lifts it off."""

import numpy as np

from sat_emulator.scene.flight.flight import Flight
from sat_emulator.scene.heat.emission import Emission, Float64, Look, TruthClass
from sat_emulator.scene.heat.underway import begin_unix_ns, position_underway, since_launch_s
from sat_emulator.scene.signature import burn_shape, grey_intensity_w_per_sr, skin_temperature_k
from services.geometry.ellipsoid import itrs_to_geodetic
from services.scenario.model import Cruise, Scenario, Sensor

# Radius of the nose and of leading edges, m; the heat that flows in falls with its square root.
NOSE_RADIUS_M = 0.1


class CruiseMissile:
    """A cruise missile in one sensor's band."""

    truth_class: TruthClass = "cruise"

    def __init__(self, cruise: Cruise, flight: Flight, scenario: Scenario, sensor: Sensor) -> None:
        self.id = cruise.id
        self.launch = cruise.way_points[0]
        self.launch_unix_ns = begin_unix_ns(scenario, cruise.launch_time_s)
        self.flight = flight
        self._cruise = cruise
        self._sensor = sensor

    def position_itrs_m(self, unix_ns: int) -> Float64 | None:
        """Return where the missile is; None before launch and after its last way-point."""
        return position_underway(self.flight, self.launch_unix_ns, unix_ns)

    def emission(self, look: Look) -> Emission | None:
        """Return what engine, skin and booster radiate together."""
        since_s = since_launch_s(self.flight, self.launch_unix_ns, look.unix_ns)
        if since_s is None:
            return None
        position, velocity = self.flight.state_itrs(since_s)
        booster = burn_shape("solid", since_s, self._cruise.boost_time_s)
        intensity = self._cruise.boost_radiant_intensity_w_per_sr * booster
        if self._cruise.radiant_intensity_w_per_sr is not None:
            intensity += self._cruise.radiant_intensity_w_per_sr
        else:
            height_m = float(itrs_to_geodetic(position)[2])
            intensity += self._hot_w_per_sr(height_m, float(np.linalg.norm(velocity)))
        return Emission(position, intensity)

    def _hot_w_per_sr(self, height_m: float, speed_m_per_s: float) -> float:
        """Return what exhaust, as a black body, and skin radiate; the ground that they hide is not taken off."""
        cruise = self._cruise
        skin_k = skin_temperature_k(height_m, speed_m_per_s, NOSE_RADIUS_M, cruise.emissivity)
        skin = grey_intensity_w_per_sr(skin_k, cruise.emissivity, cruise.skin_area_m2, self._sensor)
        return skin + grey_intensity_w_per_sr(cruise.exhaust_temperature_k, 1.0, cruise.exhaust_area_m2, self._sensor)
