"""Wildfires, which waver, grow and move."""

from sat_emulator.scene.flicker import Flicker
from sat_emulator.scene.heat.emission import Emission, Float64, Look, TruthClass
from sat_emulator.scene.heat.scatter import Strewn, strewn
from sat_emulator.scene.signature import grey_intensity_w_per_sr
from services.geometry.ellipsoid import geodetic_to_itrs
from services.geometry.geodesic import geodesic_destination
from services.geometry.time import NS_PER_S
from services.scenario.model import Fire, Scenario, Sensor
from services.scenario.resolve import start_unix_ns

# Flames lick and gusts pass within seconds.
FIRE_FLICKER_S = 4.0
S_PER_HOUR = 3600.0


class Wildfire:
    """One fire in one sensor's band; flames are taken as black."""

    truth_class: TruthClass = "static_heat"

    def __init__(self, fire: Fire, one: Strewn, scenario: Scenario, sensor: Sensor) -> None:
        self.id = one.id
        self.place = one.place
        self._fire = fire
        self._start_unix_ns = start_unix_ns(scenario)
        intensity = fire.radiant_intensity_w_per_sr
        if intensity is None:
            intensity = grey_intensity_w_per_sr(fire.temperature_k, 1.0, fire.area_m2, sensor)
        self._start_w_per_sr = intensity * one.strength
        self._start_itrs_m = geodetic_to_itrs(one.place.latitude_deg, one.place.longitude_deg, one.place.height_m)
        self._flicker = Flicker(scenario.seed, one.id, fire.flicker, FIRE_FLICKER_S)

    def position_itrs_m(self, unix_ns: int) -> Float64:
        """Return where its front is, at the place's height."""
        moved_m = self._fire.spread_m_per_s * self._since_start_s(unix_ns)
        if moved_m == 0:
            return self._start_itrs_m
        latitude, longitude = geodesic_destination(
            self.place.latitude_deg, self.place.longitude_deg, self._fire.spread_heading_deg, moved_m
        )
        return geodetic_to_itrs(latitude, longitude, self.place.height_m)

    def emission(self, look: Look) -> Emission:
        """Return what the fire radiates."""
        since_s = self._since_start_s(look.unix_ns)
        grown = self._fire.growth_per_hour ** (since_s / S_PER_HOUR)
        intensity = self._start_w_per_sr * grown * self._flicker.at(since_s)
        return Emission(self.position_itrs_m(look.unix_ns), intensity)

    def _since_start_s(self, unix_ns: int) -> float:
        return (unix_ns - self._start_unix_ns) / NS_PER_S


def wildfires(fire: Fire, scenario: Scenario, sensor: Sensor) -> list[Wildfire]:
    """Return a scenario's fire, or all of them where it counts many."""
    return [Wildfire(fire, one, scenario, sensor) for one in strewn(fire, scenario.seed)]
