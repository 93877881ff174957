"""Small scenarios for the sensor's tests: fires on a grid, a rocket, a train of satellites over them."""

import dataclasses
from typing import Any

import numpy as np

from sat_emulator.sensor.source import EmulatedSource
from services.geometry.geodesic import geodesic_destination
from services.scenario.model import Absorber, Atmosphere, Background, Cloud, Fire, Place, Scenario, Sensor, Train
from services.scenario.resolve import resolve_satellites

AREA = Place(-30.9, 136.5, 120.0)
# Ground without structure, no cloud, by night.
SMOOTH = Background(land_fraction=1.0, land_sigma_k=0.0, sea_sigma_k=0.0, sun=False)
CLEAR_SKY = Cloud(cover=0.0)
CLEAR_AIR = Atmosphere((Absorber(1.0, 0.0, 8000.0),))
# A band of which a tenth lets the ground through; the rest is as opaque as between 2.7 and 2.9 um.
HAZE = Atmosphere((Absorber(0.1, 1.2, 2000.0), Absorber(0.65, 60.0, 2400.0), Absorber(0.25, 60.0, 7500.0)))


def steady(sensor: Sensor, **keys: Any) -> Sensor:
    """Return a sensor that points where it says, with other keys changed."""
    return dataclasses.replace(sensor, jitter_rad=0.0, drift_rad=0.0, **keys)


def fire(name: str, place: Place, intensity_w_per_sr: float) -> Fire:
    """Return a fire that does not waver."""
    return Fire(name, place, intensity_w_per_sr, flicker=0.0)


def fires_on_a_grid(side: int, spacing_m: float, intensity_w_per_sr: float, seed: int = 1) -> tuple[Fire, ...]:
    """Return side * side fires round the area, each off its place at random by up to a fifth of the spacing."""
    generator = np.random.default_rng(seed)
    steps = [(i, j) for i in range(side) for j in range(side)]
    fires = []
    for i, j in steps:
        north, east = ((np.array([i, j]) - (side - 1) / 2) + generator.uniform(-0.2, 0.2, 2)) * spacing_m
        far_m, heading_deg = float(np.hypot(north, east)), float(np.degrees(np.arctan2(east, north)))
        place = Place(*geodesic_destination(AREA.latitude_deg, AREA.longitude_deg, heading_deg, far_m))
        fires.append(fire(f"fire-{i}-{j}", place, intensity_w_per_sr))
    return tuple(fires)


def scenario(sensor: Sensor, **keys: Any) -> Scenario:
    """Return a run of 20 s over the area, clear and smooth where no key says otherwise."""
    usual: dict[str, Any] = {
        "area": AREA,
        "train": Train(),
        "duration_s": 20.0,
        "background": SMOOTH,
        "cloud": CLEAR_SKY,
        "atmosphere": HAZE,
    }
    return Scenario("a", sensor=sensor, **{**usual, **keys})


def sources(run: Scenario) -> list[EmulatedSource]:
    """Return the frames' sources of all satellites of a run."""
    return [EmulatedSource(run, satellite) for satellite in resolve_satellites(run)]
