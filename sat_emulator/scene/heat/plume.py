"""A rocket: its exhaust while an engine burns, its hot skin in the air afterwards."""

import numpy as np

from sat_emulator.scene.flicker import Flicker
from sat_emulator.scene.flight.burn import burns
from sat_emulator.scene.flight.rocket import RocketFlight
from sat_emulator.scene.heat.emission import Emission, Float64, Look, TruthClass
from sat_emulator.scene.heat.underway import begin_unix_ns, position_underway, since_launch_s
from sat_emulator.scene.signature import (
    burn_shape,
    grey_intensity_w_per_sr,
    skin_temperature_k,
    stage_intensity_w_per_sr,
    thin_air_factor,
)
from services.geometry.ellipsoid import itrs_to_geodetic
from services.scenario.model import Rocket, Scenario, Sensor

# Turbulence: standard deviation over mean, and correlation time in seconds.
PLUME_FLICKER = 0.05
PLUME_FLICKER_S = 0.2
# Of re-entry bodies' heat shields, carbon and silica phenolic; gliders have theirs in the scenario.
SHIELD_EMISSIVITY = 0.85
# What no camera sees: a square metre at 250 K, some.
DARK_W_PER_SR = 1e-2


class Plume:
    """A rocket in one sensor's band; one source from launch to its end."""

    def __init__(self, rocket: Rocket, flight: RocketFlight, scenario: Scenario, sensor: Sensor) -> None:
        self.id = rocket.id
        self.truth_class: TruthClass = rocket.target_class
        self.launch = rocket.launch
        self.launch_unix_ns = begin_unix_ns(scenario, rocket.launch_time_s)
        self.flight = flight
        self._rocket = rocket
        self._sensor = sensor
        self._burns = burns(rocket)
        self._steady_w_per_sr = [stage_intensity_w_per_sr(stage, sensor) for stage in rocket.stages]
        self._flicker = Flicker(scenario.seed, rocket.id, PLUME_FLICKER, PLUME_FLICKER_S)

    def position_itrs_m(self, unix_ns: int) -> Float64 | None:
        """Return where the rocket is; None before launch and after it has met the ground."""
        return position_underway(self.flight, self.launch_unix_ns, unix_ns)

    def emission(self, look: Look) -> Emission | None:
        """Return what exhaust or skin radiates; None where that is nothing to speak of."""
        since_s = since_launch_s(self.flight, self.launch_unix_ns, look.unix_ns)
        if since_s is None:
            return None
        position, velocity = self.flight.state_itrs(since_s)
        height_m = float(itrs_to_geodetic(position)[2])
        stage = self.flight.stage_at(since_s)
        if stage is not None:
            intensity = self._exhaust_w_per_sr(stage, since_s, height_m)
        elif since_s >= self.flight.burnout_s:
            intensity = self._skin_w_per_sr(height_m, float(np.linalg.norm(velocity)))
        else:
            return None
        return Emission(position, intensity) if intensity > DARK_W_PER_SR else None

    def _exhaust_w_per_sr(self, stage: int, since_s: float, height_m: float) -> float:
        burn = self._burns[stage]
        # The last burn may be cut off early, in orbit.
        burn_time_s = min(burn.burnout_s, self.flight.burnout_s) - burn.ignition_s
        shape = burn_shape(self._rocket.stages[stage].propellant, since_s - burn.ignition_s, burn_time_s)
        return self._steady_w_per_sr[stage] * shape * thin_air_factor(height_m) * self._flicker.at(since_s)

    def _skin_w_per_sr(self, height_m: float, speed_m_per_s: float) -> float:
        body = self._rocket.glide or self._rocket
        emissivity = SHIELD_EMISSIVITY if self._rocket.glide is None else self._rocket.glide.emissivity
        temperature_k = skin_temperature_k(height_m, speed_m_per_s, body.nose_radius_m, emissivity)
        return grey_intensity_w_per_sr(temperature_k, emissivity, body.skin_area_m2, self._sensor)
