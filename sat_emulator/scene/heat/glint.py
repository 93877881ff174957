"""Small waters that mirror the sun."""

import math

import numpy as np

from sat_emulator.scene.heat.emission import Emission, Float64, Look, TruthClass
from sat_emulator.scene.radiance import solar_irradiance_w_per_m2
from sat_emulator.scene.sea import glint_radiance_factor, water_index
from sat_emulator.scene.transmission import BandAir
from services.geometry.ellipsoid import east_north_up, geodetic_to_itrs
from services.geometry.frames import itrs_from_gcrs
from services.geometry.sun import sun_direction_gcrs, sun_distance_m
from services.scenario.model import Glint, Sensor


class SunGlint:
    """A calm water in one sensor's band: bright only for a satellite that stands where the sun is mirrored to.

    Its light passes the air twice. What the way up takes is counted for every source alike when its light is received,
    by the band's transmission as if light of all parts of the band came in full. But the way down has already taken
    the parts that the air absorbs strongly, and the rest passes better. `emission` therefore makes up for the
    difference: times the way up's transmission it is the sum over the parts of share * exp(-both depths), exactly.
    """

    truth_class: TruthClass = "static_heat"

    def __init__(self, glint: Glint, sensor: Sensor, air: BandAir, *, sun: bool = True) -> None:
        """sun: whether it shines at all in the scenario."""
        self.id = glint.id
        self.place = glint.place
        self._glint = glint
        self._band = (sensor.band_lower_m, sensor.band_upper_m)
        self._index = water_index(*self._band)
        self._air = air
        self._sun = sun
        place = glint.place
        self._position_itrs_m = geodetic_to_itrs(place.latitude_deg, place.longitude_deg, place.height_m)
        self._local_from_itrs = east_north_up(place.latitude_deg, place.longitude_deg)

    def position_itrs_m(self, unix_ns: int) -> Float64:  # noqa: ARG002  # it does not move
        """Return where the water is."""
        return self._position_itrs_m

    def emission(self, look: Look) -> Emission | None:
        """Return what the water mirrors towards the satellite; None where sun or satellite is below the horizon.

        None, too, in a scenario whose sun does not shine.
        """
        if not self._sun:
            return None
        to_sun = self._local_from_itrs @ itrs_from_gcrs(look.unix_ns) @ sun_direction_gcrs(look.unix_ns)
        sight = look.satellite_itrs_m - self._position_itrs_m
        to_satellite = self._local_from_itrs @ (sight / np.linalg.norm(sight))
        factor = float(glint_radiance_factor(to_sun, to_satellite, self._glint.wind_m_per_s, self._index))
        if factor <= 0:
            return None
        irradiance = solar_irradiance_w_per_m2(sun_distance_m(look.unix_ns), *self._band)
        seen_area_m2 = self._glint.area_m2 * float(to_satellite[2])
        down = down_transmission(self._air, self.place.height_m, float(to_sun[2]), float(to_satellite[2]))
        return Emission(self._position_itrs_m, irradiance * down * factor * seen_area_m2)


def down_transmission(air: BandAir, height_m: float, sine_sun: float, sine_satellite: float) -> float:
    """Return the transmission of the way down, for light of which only what also passes the way up counts.

    Both elevations' sines must be above 0. Times `air.transmission(height_m, sine_satellite)` it is that of both ways.
    """
    depth_down, depth_up = (air.depths_upwards(height_m, sine) for sine in (sine_sun, sine_satellite))
    # Taken relative to the clearest part, so that the quotient stands where both are too small for a number.
    relative = air.shares * np.exp(depth_up.min() - depth_up)
    return math.fsum(relative * np.exp(-depth_down)) / math.fsum(relative)
