"""What reaches a satellite from something hot."""

import dataclasses
import math
from dataclasses import dataclass

import numpy as np

from sat_emulator.scene.heat.emission import Float64, HeatSource, Look
from sat_emulator.scene.radiance import LIGHT_SPEED
from sat_emulator.scene.transmission import BandAir
from services.geometry.ellipsoid import east_north_up, itrs_to_geodetic
from services.geometry.frames import EARTH_RATE_RAD_PER_S
from services.geometry.time import NS_PER_S

# What has just gone is still seen for the time that light takes; this far off satellites may be, in nanoseconds.
LONGEST_LIGHT_NS = NS_PER_S // 4


@dataclass(frozen=True)
class Received:
    """What comes in at a satellite.

    position_itrs_m: whence, as seen: where the source was when the light left, in the axes of the exposure's middle.
    radiant_intensity_w_per_sr: towards the satellite, before the air.
    transmission: what the air lets through.
    irradiance_w_per_m2: what is left at the satellite, intensity * transmission / distance^2, without cloud.
    """

    position_itrs_m: Float64
    radiant_intensity_w_per_sr: float
    transmission: float
    irradiance_w_per_m2: float


def seen_place_itrs_m(source: HeatSource, unix_ns: int) -> Float64 | None:
    """Return where a source is, (3,), ITRS, or was a moment ago, its last light being on its way; None else."""
    position = source.position_itrs_m(unix_ns)
    return source.position_itrs_m(unix_ns - LONGEST_LIGHT_NS) if position is None else position


def received(source: HeatSource, look: Look, air: BandAir) -> Received | None:
    """Return what reaches the satellite during an exposure; None where nothing does.

    Light comes from where the source was when it left. The aberration of the moving satellite (25 microradians) is
    not shown: cameras are taken to have it corrected, as star trackers do. Cloud is left out.
    """
    light_time_s = _light_time_s(source, look)
    if light_time_s is None:
        return None
    left = dataclasses.replace(look, unix_ns=look.unix_ns - round(light_time_s * NS_PER_S))
    emission = source.emission(left)
    if emission is None:
        return None
    # The Earth has turned on since the light left; in the axes of the instant of reception the place was further west.
    x, y, z = emission.position_itrs_m.tolist()
    turned = EARTH_RATE_RAD_PER_S * light_time_s
    position = np.array([x + turned * y, y - turned * x, z])
    sight = look.satellite_itrs_m - position
    distance2 = float(sight @ sight)
    latitude_deg, longitude_deg, height_m = map(float, itrs_to_geodetic(position))
    sine_elevation = float(east_north_up(latitude_deg, longitude_deg)[2] @ sight) / math.sqrt(distance2)
    transmission = air.transmission(height_m, sine_elevation)
    if transmission <= 0:
        return None
    intensity = emission.radiant_intensity_w_per_sr
    return Received(position, intensity, transmission, intensity * transmission / distance2)


def _light_time_s(source: HeatSource, look: Look) -> float | None:
    """Return how long light takes from the source, as it is now or was last; None where it is not there at all."""
    position = seen_place_itrs_m(source, look.unix_ns)
    if position is None:
        return None
    return float(np.linalg.norm(look.satellite_itrs_m - position)) / LIGHT_SPEED
