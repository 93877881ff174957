"""Points of heat: plumes and wildfires."""

import functools
import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sat_emulator.scene.atmosphere import transmission
from sat_emulator.scene.flicker import Flicker
from sat_emulator.scene.radiance import LIGHT_SPEED
from sat_emulator.scene.trajectory import Trajectory
from services.geometry.ellipsoid import elevation_rad, geodetic_to_itrs, itrs_to_geodetic
from services.geometry.frames import EARTH_RATE_RAD_PER_S
from services.geometry.time import NS_PER_S
from services.scenario.model import Atmosphere, Fire, Rocket, Scenario
from services.scenario.resolve import end_unix_ns, start_unix_ns

Float64 = NDArray[np.float64]

# Burning of the exhaust with the air around it dies out as the air thins, at 40 to 50 km, and a plume loses more than
# half of its light; F. S. Simmons, "Rocket Exhaust Plume Phenomenology", Aerospace Press, 2000. Heights in metres.
AFTERBURNING_ENDS_M = 45_000.0
AFTERBURNING_WIDTH_M = 5_000.0
AFTERBURNING_SHARE = 0.6
# Turbulence: standard deviation over mean, and correlation time in seconds.
PLUME_FLICKER = 0.05
PLUME_FLICKER_S = 0.2
FIRE_FLICKER_S = 4.0


@dataclass(frozen=True)
class Emission:
    """What a source radiates at an instant: ITRS position, and intensity in the band before the atmosphere."""

    position_itrs_m: Float64
    radiant_intensity_w_per_sr: float


@dataclass(frozen=True)
class Received:
    """What comes in at a satellite: whence (as seen: where the source was when the light left), and how much."""

    position_itrs_m: Float64
    irradiance_w_per_m2: float


class HeatSource(Protocol):
    """Something small and hot."""

    id: str

    def emission(self, unix_ns: int) -> Emission | None:
        """Return what it radiates at an instant; None where it radiates nothing."""


class Plume:
    """A rocket's exhaust while an engine burns. What is left of the rocket later is dark in the band."""

    def __init__(self, rocket: Rocket, scenario: Scenario) -> None:
        self.id = rocket.id
        self.rocket = rocket
        self.launch_unix_ns = start_unix_ns(scenario) + round(rocket.launch_time_s * NS_PER_S)
        # A second more, so that the last exposure's middle lies within.
        self.trajectory = Trajectory(rocket, max(1.0, (end_unix_ns(scenario) - self.launch_unix_ns) / NS_PER_S + 1.0))
        self._flicker = Flicker(scenario.seed, rocket.id, PLUME_FLICKER, PLUME_FLICKER_S)

    def emission(self, unix_ns: int) -> Emission | None:
        """Return what the plume radiates at an instant."""
        since_s = (unix_ns - self.launch_unix_ns) / NS_PER_S
        stage = self.trajectory.stage_at(since_s)
        if stage is None or since_s > self.trajectory.end_s:
            return None
        position, _ = self.trajectory.state_itrs(since_s)
        height_m = float(itrs_to_geodetic(position)[2])
        intensity = self.rocket.stages[stage].radiant_intensity_w_per_sr * afterburning(height_m)
        return Emission(position, intensity * self._flicker.at(since_s))


class Wildfire:
    """Heat that stays where it is and wavers."""

    def __init__(self, fire: Fire, scenario: Scenario) -> None:
        self.id = fire.id
        self.fire = fire
        self._start_unix_ns = start_unix_ns(scenario)
        self.position_itrs_m = geodetic_to_itrs(fire.place.latitude_deg, fire.place.longitude_deg, fire.place.height_m)
        self._flicker = Flicker(scenario.seed, fire.id, fire.flicker, FIRE_FLICKER_S)

    def emission(self, unix_ns: int) -> Emission:
        """Return what the fire radiates at an instant."""
        factor = self._flicker.at((unix_ns - self._start_unix_ns) / NS_PER_S)
        return Emission(self.position_itrs_m, self.fire.radiant_intensity_w_per_sr * factor)


@functools.lru_cache(maxsize=2)
def plumes(scenario: Scenario) -> tuple[Plume, ...]:
    """Return the scenario's rockets, their flights integrated once for all satellites."""
    return tuple(Plume(rocket, scenario) for rocket in scenario.rockets)


@functools.lru_cache(maxsize=2)
def wildfires(scenario: Scenario) -> tuple[Wildfire, ...]:
    """Return the scenario's fires."""
    return tuple(Wildfire(fire, scenario) for fire in scenario.fires)


def afterburning(height_m: float) -> float:
    """Return a plume's intensity at a height over that near the ground."""
    fading = math.exp(min((height_m - AFTERBURNING_ENDS_M) / AFTERBURNING_WIDTH_M, 50.0))
    return 1.0 - AFTERBURNING_SHARE + AFTERBURNING_SHARE / (1.0 + fading)


def received(source: HeatSource, satellite_itrs_m: Float64, unix_ns: int, atmosphere: Atmosphere) -> Received | None:
    """Return what reaches a satellite at an instant; None where nothing does.

    Light comes from where the source was when it left. The aberration of the moving satellite (25 microradians) is
    not shown: cameras are taken to have it corrected, as star trackers do.
    """
    now = source.emission(unix_ns)
    # A plume that has just gone out is still seen for the light's time; one that has just been lit is not seen yet.
    guess = now or source.emission(unix_ns - NS_PER_S // 100)
    if guess is None:
        return None
    light_time_s = float(np.linalg.norm(satellite_itrs_m - guess.position_itrs_m)) / LIGHT_SPEED
    emission = source.emission(unix_ns - round(light_time_s * NS_PER_S))
    if emission is None:
        return None
    # The Earth has turned on since the light left; in the axes of the instant of reception the place was further east.
    x, y, z = emission.position_itrs_m.tolist()
    turned = EARTH_RATE_RAD_PER_S * light_time_s
    position = np.array([x + turned * y, y - turned * x, z])
    sight = satellite_itrs_m - position
    distance2 = float(sight @ sight)
    height_m = float(itrs_to_geodetic(position)[2])
    sine = math.sin(float(elevation_rad(position, satellite_itrs_m)))
    through = transmission(atmosphere, height_m, sine)
    if through <= 0:
        return None
    return Received(position, emission.radiant_intensity_w_per_sr * through / distance2)
